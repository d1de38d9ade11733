"""First contact in three steps, as a person takes them at a terminal: `cellveil init` asks for office and gate and prints
one line; `cellveilctl office add` takes it and prints one line; `cellveil push` asks for that one and sends the form."""
import os
import pty
import re
import select
import subprocess
import time

from harness import Deployment, PATIENCE, data, environment

EXAMPLE = data("forms/po-redovisning-2024-exempel.csv")


def at_terminal(command, answers, **env):
    """Runs it on a terminal of its own, typing each answer after its question; stdout is a pipe. Code, stdout, screen."""
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
            os.write(ours, (answers.pop(0)[1] + "\n").encode())
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


def main():
    with Deployment(offices=[]) as d:
        d.open_period("2024")
        test_three_steps(d, "efh", ["Code of the office:", "Host of the gate", "came back from the operator:", "Send? [y/N]"],
                         {})
        test_three_steps(d, "spanga-tensta", ["Enhetens kod:", "Grindens värdnamn", "tillbaka från den driftansvarige:",
                                             "Skicka? [j/N]"], {"LC_ALL": "sv_SE.UTF-8"})
        test_in_scripts(d)
        test_other_gate(d)
    print("ok")


if __name__ == "__main__":
    main()
