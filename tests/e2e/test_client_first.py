"""First contact in three steps, as a person takes them at a terminal: `cellveil init` asks for office and gate and prints
one line; `cellveilctl office add` takes it and prints one line; `cellveil push` asks for that one and sends the form."""
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

from harness import BIN, SOURCE, Deployment, PATIENCE, data, environment, run

EXAMPLE = data("forms/po-redovisning-2024-exempel.csv")


def at_terminal(command, answers, **env):
    """Runs it on a terminal of its own, typing each answer after its question, or sending the signal that stands for
    one; stdout is a pipe. Code, stdout, screen."""
    ours, theirs = pty.openpty()
    p = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, close_fds=True,
                         env=environment(**env))
    os.close(theirs)
    screen, at, answers, end = "", 0, list(answers), time.monotonic() + PATIENCE
    while time.monotonic() < end:
        ready = select.select([ours], [], [], 1.0)[0]
        if not ready and p.poll() is not None:
            break
        if ready:
            try:
                part = os.read(ours, 65536).decode("utf-8", "replace")
            except OSError:
                break
            screen += part
        if answers and answers[0][0] in screen[at:]:
            at = screen.index(answers[0][0], at) + len(answers[0][0])
            answer = answers.pop(0)[1]
            if isinstance(answer, str):
                os.write(ours, (answer + "\n").encode())
            else:
                p.send_signal(answer)
    else:
        p.kill()  # it asks something else
    out = p.stdout.read().decode()
    code = p.wait(PATIENCE)
    os.close(ours)
    assert not answers, "not asked: %s\n%s" % (answers, screen)
    return code, out, screen


def test_three_steps(d, office, questions, env):
    client = d.client(office)
    code, line, screen = at_terminal(client.command("init"), zip(questions[:2], [office, "127.0.0.1"]), **env)
    assert code == 0, screen
    assert re.fullmatch(r"cellveil-id office \S+ .*\n", line), "one line for the operator, not %r" % line
    answer = d.ctl("office", "add", line.strip(), "--dataset", d.dataset)
    assert re.fullmatch(r"cellveil-join office \S+ .*\n", answer.stdout), "one line back, not %r" % answer.stdout
    assert "signing key" in answer.stderr and "Compare the fingerprints" in answer.stderr, answer.stderr
    code, out, screen = at_terminal(client.command("push", EXAMPLE), zip(questions[2:], [answer.stdout.strip(), "y"]), **env)
    assert code == 0 and "2024" in screen and out == "", (code, screen)
    assert client.outbox()[0]["state"] == "received"
    client.run("receipt", "verify", os.path.join(client.folder, "outbox", client.outbox()[0]["id"] + ".receipt"))


def test_in_scripts(d):
    """The same without a terminal: nobody is asked, the line stands behind --join."""
    client = d.client("rinkeby-kista")
    client.run("init", want=2)
    line = client.run("init", "--office", "rinkeby-kista", "--gate", "127.0.0.1").stdout
    answer = d.ctl("office", "add", line.strip(), "--dataset", d.dataset).stdout.strip()
    p = client.run("push", EXAMPLE, "--yes", want=7)
    assert "the operator's answer is missing" in p.stderr, p.stderr
    for wrong in (answer[:-3], answer.replace("rinkeby-kista", "rinkeby"), "hello", line.strip()):
        p = client.run("push", EXAMPLE, "--yes", "--join", wrong, want=7)
        assert "not the operator's line, or not all of it" in p.stderr, p.stderr
    client.run("push", EXAMPLE, "--yes", "--wait", "30", "--join", "  " + answer + "\n")
    assert client.outbox()[0]["state"] == "received"


def test_other_gate(d):
    """The line of another gate than the office was told is not taken."""
    client = d.client("hasselby")
    client.run("init", "--office", "hasselby-vallingby-bromma", "--gate", "not a host", want=2)
    line = client.run("init", "--office", "hasselby-vallingby-bromma", "--gate", "gate.example").stdout
    answer = d.ctl("office", "add", line.strip(), "--dataset", d.dataset).stdout.strip()
    p = client.run("join", answer, want=7)
    assert "another gate than the gate.example" in p.stderr and "ask the operator" in p.stderr, p.stderr


def test_interrupted(d):
    """Ctrl-C at a question, and a moment before it: nothing is sent, and the code says so."""
    client = d.client("rinkeby-kista")
    for question in ("79 figures", "[y/N]"):
        code, _, screen = at_terminal(client.command("push", EXAMPLE), [(question, signal.SIGINT)])
        assert code == 130 and "Nothing was sent." in screen, (code, screen)
    code, _, screen = at_terminal(client.command("withdraw"), [("is withdrawn", signal.SIGINT)])
    assert code == 130 and "Nothing was sent." in screen, (code, screen)
    code, _, screen = at_terminal(client.command("push", EXAMPLE), [("[y/N]", "no" + 80 * "y")])
    assert code == 1 and screen.count("[y/N]") == 1, (code, screen)
    assert len(client.outbox()) == 1


def test_broken_line(d):
    """The operator's line as mail programs and shells break it: in lines, in words, pasted piece by piece."""
    client = d.client("norrmalm")
    line = client.run("init", "--office", "norrmalm").stdout
    words = d.ctl("office", "add", line.strip(), "--dataset", d.dataset, want=None).stdout.split()
    pieces = [" ".join(words[:3]), "  " + " ".join(words[3:7]) + " ", "\t" + " ".join(words[7:])]
    wrong = client.run("join", *words[:-1], want=7)
    assert "not all of it" in wrong.stderr, wrong.stderr
    again = " came back from the operator:", "and the rest of it:", "and the rest of it:"
    code, _, screen = at_terminal(client.command("push", EXAMPLE), zip(again, pieces))
    assert "Joined" in screen, (code, screen)
    client.run("join", "\r\n".join(pieces) + "\r\n")
    client.run("join", *words)


def test_too_early(d):
    """Typed in the wrong order: each says what comes first, and what works without it."""
    client = d.client("early")
    preset_file = os.path.join(SOURCE, "policy/presets/po-redovisning-2024.yaml")
    for command in (("check", EXAMPLE), ("preview", EXAMPLE), ("template",), ("push", EXAMPLE), ("outbox", "list"),
                    ("outbox", "send"), ("status",)):
        p = client.run(*command, want=7)
        assert "run: cellveil init" in p.stderr, p.stderr
        assert ("--config FILE" in p.stderr) == (command[0] in ("check", "preview", "template")), p.stderr
    client.run("check", EXAMPLE, "--config", preset_file)
    assert "2024" in client.run("template", "--config", preset_file, "--year", "2024").stdout
    p = client.run("check", EXAMPLE, "--config", EXAMPLE, want=2)
    assert "line 1" in p.stderr, p.stderr
    with open("/dev/full", "w", encoding="ascii") as full:
        for command in ("check", "preview"):
            p = subprocess.run(client.command(command, EXAMPLE, "--config", preset_file, "--json"), stdout=full,
                               stderr=subprocess.PIPE, env=environment(), check=False)
            assert p.returncode == 1 and b"cannot be written" in p.stderr, (p.returncode, p.stderr)
    p = run([os.path.join(BIN, "cellveil"), "--dir", client.folder, "status"], want=2)
    assert "behind the command" in p.stderr, p.stderr
    assert "FILE" in run([os.path.join(BIN, "cellveil"), "help", "push"]).stdout.splitlines()[0]


def test_network_folder(d):
    """A file system that cannot rename without replacing (NFS): keys are made all the same, and never made anew."""
    client = d.client("far")
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=renameat2:error=EINVAL:when=1"]
    env = environment(ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
    if not shutil.which("strace") or run(trace + ["/bin/true"], want=None).returncode != 0:
        print("no strace: not tried")
        return
    line = run(trace + client.command("init", "--office", "far"), env=env).stdout
    assert line in client.run("status", want=7).stdout
    assert sorted(os.listdir(client.folder)) == ["cellveil.ini", "curve.key", "outbox", "sign.key"], os.listdir(client.folder)
    key = os.path.join(client.folder, "sign.key")
    with open(key, "rb") as f:
        kept = f.read()
    os.unlink(os.path.join(client.folder, "cellveil.ini"))
    assert run(trace + client.command("init", "--office", "far"), env=env).stdout == line
    with open(key, "rb") as f:
        assert f.read() == kept


def main():
    with Deployment(offices=[]) as d:
        d.open_period("2024")
        test_three_steps(d, "efh", ["Code of the office:", "Host of the gate", "came back from the operator:", "Send? [y/N]"],
                         {})
        test_three_steps(d, "spanga-tensta", ["Enhetens kod:", "Grindens värdnamn", "tillbaka från den driftansvarige:",
                                             "Skicka? [j/N]"], {"LC_ALL": "sv_SE.UTF-8"})
        test_in_scripts(d)
        test_other_gate(d)
        test_interrupted(d)
        test_broken_line(d)
        test_too_early(d)
        test_network_folder(d)
    print("ok")


if __name__ == "__main__":
    main()
