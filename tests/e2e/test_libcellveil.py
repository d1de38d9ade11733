"""libcellveil: the example program of a case system pushes counts, beside the program on the same folder."""
import csv
import os
import re
import shutil
import signal
import subprocess

from harness import Deployment, data, environment, run

BUILD = os.environ.get("CELLVEIL_BUILD", "build/debug")
PUSH = os.path.join(BUILD, "example/push_figures")


def lines():
    """The made-up office's figures as the example program reads them."""
    with open(data("seeds/exempel-2024.csv"), encoding="ascii") as f:
        for row in csv.DictReader(f):
            dims = {"clients_children_home": ["sex"], "contact_reasons": ["sex", "reason"]}.get(
                row["measure"], ["sex", "age", "reason"])
            codes = [row[d] for d in dims if row[d] != "_Z"]
            yield "%s %s" % ("|".join([row["measure"]] + codes), row["value"])


def push(office, text, want=0, period="2024"):
    p = subprocess.run([PUSH, office.folder, period], input=text, capture_output=True, text=True, check=False,
                       timeout=90, env=environment())
    assert p.returncode == want, (p.returncode, p.stdout, p.stderr)
    return p


def test_push(office):
    text = "\n".join(lines()) + "\n"
    p = push(office, text)
    receipt = p.stdout.splitlines()[1]
    assert "revision 0" in p.stdout and "office efh\n" in office.run("receipt", "verify", receipt).stdout
    assert push(office, text).stdout == p.stdout, "the same figures are the same submission"
    again = office.push(data("forms/po-redovisning-2024-exempel.csv"))
    assert again["receipt"] == receipt, "the form says the same as the case system"
    changed = text.replace("clients_children_home|F 9", "clients_children_home|F 8")
    assert changed != text and "revision 1" in push(office, changed).stdout
    assert len(office.outbox()) == 2


def test_refused_here(office):
    """Wrong cells, values, sums and periods are told before anything is stored."""
    before = office.outbox()
    text = "\n".join(lines()) + "\n"
    for line, code, word in (("clients|F|Y99 1", 2, "does not ask"), ("patients 1", 2, "does not ask"),
                             ("clients|F 1", 2, "does not ask"), ("clients|F|_T 1,5", 2, "not a number"),
                             ("clients|F|_T -1", 2, "not a number"), ("clients|F|_T 49", 3, ""),
                             ("clients|F|_T 4 8x", 2, "not a number")):
        p = push(office, text + line + "\n", want=code)
        assert word in p.stderr and "49" not in p.stderr, (line, p.stderr)
    push(office, text, want=6, period="1999")
    push(office, text, want=2, period="soon")
    assert office.outbox() == before


def test_no_identity(d):
    p = subprocess.run([PUSH, os.path.join(d.folder, "nobody"), "2024"], input="", capture_output=True, text=True,
                       check=False, env=environment())
    assert p.returncode == 7 and "cellveil init" in p.stderr, p.stderr


def test_gate_away(d, office):
    """Begin needs the gate; what was stored before goes on waiting."""
    d.gate.stop()
    before = office.outbox()
    p = subprocess.Popen([PUSH, office.folder, "2024"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, env=environment())
    try:
        for line in p.stderr:
            if "trying again" in line:
                break
        p.send_signal(signal.SIGINT)  # signals are the case system's own: here nobody catches it
        p.wait(30)
    finally:
        p.kill()
        p.communicate()
    assert p.returncode == -signal.SIGINT, p.returncode
    assert office.outbox() == before
    d.gate.start()


def test_symbols():
    """Nothing but the documented functions is visible, so that a case system's own names are safe."""
    names = re.findall(r" T (\S+)", run(["nm", "-D", "--defined-only", os.path.join(BUILD, "lib/libcellveil.so")]).stdout)
    assert sorted(names) == sorted("cellveil_" + n for n in ("begin", "check", "close", "error", "open", "push", "set")), names


def sanitizers():
    """What a program must be linked with to load this build's library."""
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as f:
        found = re.search(r"(?m)^CELLVEIL_SANITIZE:\w+=(\S+)", f.read())
    return ["-fsanitize=" + found.group(1)] if found else []


def test_installed(d, office):
    """A case system builds against the installed tree, wherever that is, by pkg-config alone, and pushes."""
    prefix = os.path.join(d.folder, "usr")
    run(["cmake", "--install", BUILD, "--prefix", prefix], timeout=120)
    found = [at for at, _, names in os.walk(prefix) if "libcellveil.pc" in names]
    assert len(found) == 1 and shutil.which("pkg-config"), found
    env = environment(PKG_CONFIG_PATH=found[0])
    version = run(["pkg-config", "--modversion", "libcellveil"], env=env).stdout.strip()
    assert re.match(r"\d+\.\d+\.\d+$", version), version
    flags = run(["pkg-config", "--cflags", "--libs", "libcellveil"], env=env).stdout.split()
    library = [at for at, _, names in os.walk(prefix) if "libcellveil.so" in names]
    assert len(library) == 1 and all(os.path.realpath(f[2:]).startswith(prefix) for f in flags if f[:2] in ("-I", "-L")), flags
    source = shutil.copy(os.path.join(os.environ.get("CELLVEIL_SOURCE", "."), "client/example/push_figures.c"), d.folder)
    program = os.path.join(d.folder, "push_figures")
    run(["cc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *sanitizers(), source, "-o", program, *flags])
    text = "\n".join(lines()).replace("clients_children_home|F 9", "clients_children_home|F 7")
    p = subprocess.run([program, office.folder, "2024"], input=text, capture_output=True, text=True, check=False, timeout=90,
                       env=environment(LD_LIBRARY_PATH=library[0]))
    assert p.returncode == 0 and "received: revision 2" in p.stdout, (p.returncode, p.stdout, p.stderr)


def test_installed_papers(d):
    """Man pages that man can show, in English and Swedish, and a completion that completes."""
    prefix = os.path.join(d.folder, "usr")
    pages = {os.path.relpath(os.path.join(at, n), prefix) for at, _, names in os.walk(os.path.join(prefix, "share/man"))
             for n in names}
    for page in ("man1/cellveil.1", "man8/cellveilctl.8", "man8/cellveild.8", "man8/cellveil-gate.8", "man5/cellveil.conf.5",
                 "man7/cellveil-protocol.7", "man3/libcellveil.3", "sv/man1/cellveil.1", "sv/man8/cellveilctl.8"):
        assert "share/man/" + page in pages, (page, pages)
    with open(os.path.join(prefix, "share/man/sv/man1/cellveil.1"), encoding="utf-8") as f:
        assert "användning: cellveil push FILE" in f.read()
    with open(os.path.join(prefix, "share/man/man3/libcellveil.3"), encoding="utf-8") as f:
        text = f.read()
    for name in ("begin", "check", "close", "error", "open", "push", "set"):
        assert "cellveil_%s(" % name in text, name
    p = run([os.path.join(prefix, "bin/cellveil"), "push", "--help"], env=environment(LC_ALL="sv_SE.UTF-8"))
    assert p.stdout.startswith("användning: "), "Swedish is found beside the program, wherever that is\n" + p.stdout
    completion = os.path.join(prefix, "share/bash-completion/completions/cellveil")
    for words, want in ((["cellveil", "pre"], "preview"), (["cellveil", "outbox", "se"], "send"),
                        (["cellveil", "push", "--bl"], "--blanks"), (["cellveil", "receipt", ""], "verify")):
        p = run(["bash", "-c", '. "$0"; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _cellveil; echo "${COMPREPLY[@]}"',
                 completion, *words])
        assert p.stdout.split() == [want], (words, p.stdout, p.stderr)


def main():
    test_symbols()
    with Deployment(offices=["efh"]) as d:
        d.open_period("2024")
        office = d.office("efh")
        test_push(office)
        test_refused_here(office)
        test_no_identity(d)
        test_gate_away(d, office)
        test_installed(d, office)
        if not sanitizers():  # such builds make no pages
            test_installed_papers(d)
    print("ok")


if __name__ == "__main__":
    main()
