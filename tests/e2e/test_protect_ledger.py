#!/usr/bin/python3
"""`protect --ledger`: what a correction may say beside what was said, the folder that keeps it, and refusals.

Made-up tables. The union of all results is judged with the truth by enumeration elsewhere (property tests); here: files,
exit codes, and that the command and the vault give the same bytes for a revision too.
"""
import hashlib
import json
import os
import random
import subprocess
import tempfile

import yaml

from harness import BIN, DATASET, Deployment, random_seed
from test_attack_revisions import OFFICES, Told, configuration, first_release
from test_attack_release import POLICIES

OFFICE = ["a", "b", "c", "d", "e", "f"]
POLICY = "threshold: 5\nwidth: 2\n"


def write(path, text, mode=0o600):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, mode)


def table(folder, figures):
    os.makedirs(folder, exist_ok=True)
    write(os.path.join(folder, "hier_office.csv"), "level,code\n@,_T\n" + "".join("@@,%s\n" % o for o in OFFICE))
    write(os.path.join(folder, "hier_kind.csv"), "level,code\n@,_T\n@@,x\n@@,y\n@@,z\n")
    write(os.path.join(folder, "cells.csv"), "office,kind,freq\n" + "".join(
        "%s,%s,%d\n" % (o, k, figures[o][i]) for o in OFFICE for i, k in enumerate("xyz")))


class Run:
    def __init__(self, folder):
        self.folder = folder
        write(self.path("policy.yaml"), POLICY)
        write(self.path("key"), "2" * 64 + "\n")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def protect(self, figures, revision, *more, want=0, period="2024", out="out", keep=None):
        table(self.path("table"), figures)
        if keep is not None:
            write(self.path("table", "hier_office.csv"), keep)
        p = subprocess.run([os.path.join(BIN, "cellveil"), "protect", self.path("table"), "--policy", self.path("policy.yaml"),
                            "--key", self.path("key"), "--ledger", self.path("ledger"), "--period", period, "--revision",
                            str(revision), "-o", self.path(out), "--json", *more], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, timeout=120)
        assert p.returncode == want, (p.returncode, want, p.stdout, p.stderr)
        return json.loads(p.stdout) if want == 0 else p.stderr

    def again(self, revision, keep):
        """The table as it lies there, with these offices; refused."""
        write(self.path("table", "hier_office.csv"), keep)
        return subprocess.run([os.path.join(BIN, "cellveil"), "protect", self.path("table"), "--policy", self.path(
            "policy.yaml"), "--key", self.path("key"), "--ledger", self.path("ledger"), "--period", "2024", "--revision",
            str(revision), "-o", self.path("out")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120).stderr

    def releases(self):
        path = self.path("ledger")
        return sorted(os.listdir(path)) if os.path.isdir(path) else []

    def result(self, out="out"):
        with open(self.path(out, "RESULT.csv"), encoding="ascii") as f:
            return {tuple(line.split(",")[:2]): line.strip().split(",")[2:] for line in f.read().splitlines()[1:]}


def corrections(run, rng):
    figures = {o: [rng.choice((0, 2, 3)) if rng.random() < 0.25 else rng.randint(8, 40) for _ in "xyz"] for o in OFFICE}
    run.protect(figures, 0)
    first = run.result()
    assert run.releases() == ["000001"] and os.stat(run.path("ledger")).st_mode & 0o77 == 0
    with open(run.path("ledger", "000001", "entry.json"), encoding="ascii") as f:
        entry = json.load(f)
    assert (entry["period"], entry["revision"], entry["level"]) == ("2024", 0, "L3"), entry
    assert set(os.listdir(run.path("ledger", "000001"))) == {
        "cells.csv", "hier_office.csv", "hier_kind.csv", "RESULT.csv", "certificate.cvc", "certificate.auditor.cvc",
        "entry.json"}
    again = dict(figures, b=[figures["b"][0] + 2] + figures["b"][1:])
    said = run.protect(again, 1, want=4)  # one office's own correction
    assert "fewer offices of _T have changed" in said, said
    assert run.releases() == ["000001"] and run.result() == first
    for o in ("a", "c", "d"):
        again[o] = [x + rng.randint(1, 9) for x in again[o]]
    summary = run.protect(again, 1)
    assert summary["level"] == "L4" and summary["earlier"] == 1 and summary["late"] == 0, summary
    second = run.result()
    for cell, (value, state) in second.items():
        office, kind = cell
        i = "xyz".find(kind)
        known = first[cell]
        if office in OFFICE and i >= 0 and again[office] == figures[office]:
            assert (known[1] == "P") == (state == "P"), ("an unchanged office's cell", cell)
        if state == "P" and known[1] == "P":
            assert int(value) == int(known[0]) or abs(int(value) - int(known[0])) >= 5, ("a small difference", cell)
    assert run.releases() == ["000001", "000002"]
    return figures, again


def certificate(run):
    """A correction's certificate is checked for this release, and the reader is told that there are others."""
    def verify(path, *more):
        return subprocess.run([os.path.join(BIN, "cellveil"), "verify-certificate", run.path("table"),
                               run.path("out", "RESULT.csv"), path, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60)

    good = run.path("out", "certificate.cvc")
    p = verify(good)
    assert p.returncode == 0 and "1 earlier release" in p.stderr, (p.returncode, p.stderr)
    ledger = ("--ledger", run.path("ledger"))
    p = verify(good, *ledger)
    assert p.returncode == 0 and "together with 1 earlier" in p.stdout + p.stderr, (p.returncode, p.stdout, p.stderr)
    assert verify(good, "--ledger", run.path("table")).returncode == 1  # nothing there
    with open(good, encoding="ascii") as f:
        lines = f.read().splitlines()
    at = {word: [i for i, line in enumerate(lines) if line.startswith(word)] for word in ("n ", "e ", "d ")}
    for i in (at["n "][0], at["n "][1], at["e "][0], at["d "][0]):
        changed = list(lines)
        words = changed[i].split(" ")
        if words[0] == "n":
            words[2] = str(int(words[2]) ^ 1)
        elif words[0] == "e":
            words[2] = words[2][:-1]
        else:
            words[1] = "7"
        changed[i] = " ".join(words)
        body = "\n".join(changed[:-1]) + "\n"
        write(run.path("bad.cvc"), body + "end-public %s\n" % hashlib.sha256(body.encode()).hexdigest())
        assert verify(run.path("bad.cvc")).returncode == 1, lines[i]
    sealed(run, lambda *more: verify(good, *ledger, "--policy", run.path("policy.yaml"), "--auditor", run.path(
        "out", "certificate.auditor.cvc"), "--truth", run.path("table", "cells.csv"), *more))
    # what only all releases together show: somebody changed who did not, and a vector of an earlier release
    for i, more in ((at["d "][0], None), (at["n "][-1], 1)):
        changed = list(lines)
        words = changed[i].split(" ")
        changed[i] = " ".join(words[:-1] if more is None else words[:2] + [str(int(words[2]) ^ 1)])
        body = "\n".join(changed[:-1]) + "\n"
        write(run.path("bad.cvc"), body + "end-public %s\n" % hashlib.sha256(body.encode()).hexdigest())
        assert verify(run.path("bad.cvc"), *ledger).returncode == 1, lines[i]


def sealed(run, verify):
    """The suppression manifest says which revision it is, and what left before and would be protected now: here, nothing."""
    def digest(name):
        with open(run.path("out", name), "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()

    with open(run.path("out", "summary.json"), encoding="utf-8") as f:
        assert json.load(f)["late"] == 0
    line = '{"v":1,"rev":%d,"cert":"' + digest("certificate.cvc") + '","auditor":"' + digest("certificate.auditor.cvc") + '"}\n'
    for text, want in ((line % 1, 0), (line % 2, 1), (line % 1 + '{"late":["a","x"]}\n{"lines":3}\n', 1)):
        write(run.path("manifest.jsonl"), text)
        p = verify("--manifest", run.path("manifest.jsonl"))
        assert p.returncode == want and (want == 0 or "manifest.jsonl" in p.stderr), (text, p.returncode, p.stderr)


def refusals(run, figures, again):
    assert "revision" in run.protect(again, 1, want=2)  # it is there already
    write(run.path("policy.yaml"), POLICY.replace("5", "4"))
    assert "another policy" in run.protect(again, 2, want=2)
    write(run.path("policy.yaml"), POLICY)
    run.protect(again, 0, "--truth", want=2, period="2025")
    run.protect(figures, 0, period="2025")  # another period is another matter
    assert run.releases() == ["000001", "000002", "000003"]
    assert "leave --revision out" in run.protect(again, 1, want=2, period="2026")
    table(run.path("table"), figures)
    for name in ("hier_kind.csv", "cells.csv"):  # a table of 2026 that shows 2024 as well
        with open(run.path("table", name), encoding="ascii") as f:
            text = f.read()
        write(run.path("table", name), text.replace("x", "2024"))
    p = subprocess.run([os.path.join(BIN, "cellveil"), "protect", run.path("table"), "--policy", run.path("policy.yaml"), "--key",
                        run.path("key"), "--ledger", run.path("ledger"), "--period", "2026", "--revision", "0", "-o",
                        run.path("out")], stderr=subprocess.PIPE, text=True, timeout=60)
    assert p.returncode == 2 and "hier_kind.csv: code 2024 is a period that left before" in p.stderr, p.stderr
    # files that do not fit each other are no earlier release
    path = run.path("ledger", "000001", "RESULT.csv")
    with open(path, encoding="ascii") as f:
        text = f.read()
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.endswith(",P"))
    office, kind, value, _ = lines[at].split(",")
    lines[at] = "%s,%s,%d,P" % (office, kind, int(value) + 1)
    write(path, "\n".join(lines) + "\n")
    other = {o: [x + 7 for x in again[o]] for o in OFFICE}
    assert "revision 0 of the period: its RESULT.csv does not fit" in run.protect(other, 2, want=4)
    write(path, text)
    for name, what in (("RESULT.csv", "missing"), ("certificate.cvc", "missing"), ("certificate.auditor.cvc", "not of its")):
        path = run.path("ledger", "000002", name)
        with open(path, encoding="ascii") as f:
            text = f.read()
        write(path, "" if what == "missing" else text[:-2])
        said = run.protect(other, 2, want=4)
        assert "revision 1 of the period: its %s is %s" % (name, what) in said, said
        os.remove(path)
        said = run.protect(other, 2, want=2)
        assert "000002" in said and name in said, said
        write(path, text)
    # another list of offices, from which one is gone (test_code_lists.py has what else a list may become)
    table(run.path("table"), other)
    with open(run.path("table", "cells.csv"), encoding="ascii") as f:
        text = f.read()
    write(run.path("table", "cells.csv"), "".join(
        line for line in text.replace("\na,", "\nab,").splitlines(True) if not line.startswith("b,")))
    said = run.again(2, "level,code\n@,_T\n" + "".join("@@,%s\n" % o for o in ["ab"] + OFFICE[2:]))
    assert "revision 0 of the period: dimension office" in said and "code a is missing: keep" in said, said
    os.rename(run.path("ledger", "000002"), run.path("gone"))
    assert "missing" in run.protect(again, 2, want=2)
    os.rename(run.path("gone"), run.path("ledger", "000002"))
    run.protect({o: [x + 7 for x in again[o]] for o in OFFICE}, 2)
    assert run.releases()[-1] == "000004"


def merged(rng):
    """Two offices merge. The old table prints them, the new one the merged office: one dimension holds both, so the old
    counts and the new ones meet in the same unknowns, and what one table shows counts against the other."""
    hidden = 0
    for _ in range(6):
        figures = {o: [rng.randint(9, 40) for _ in "xyz"] for o in OFFICE}
        figures["a"][0] = rng.choice((1, 2, 3, 4))
        with tempfile.TemporaryDirectory() as folder:
            run = Run(folder)
            table(run.path("table"), figures)
            write(run.path("table", "hier_office.csv"), "level,code\n@,_T\n@@,ab\n@@@,a\n@@@,b\n" + "".join(
                "@@,%s\n" % o for o in OFFICE[2:]))
            with open(run.path("table", "hier_office.csv"), encoding="ascii") as f:
                hierarchy = f.read()
            said = []
            for revision, codes in enumerate(("_T|a|b|c|d|e|f", "_T|ab|c|d|e|f")):
                write(run.path("table", "tables.csv"), "table,dim,codes\nall,office,%s\nall,kind,*\n" % codes)
                run.protect(figures, revision, keep=hierarchy)
                said.append(run.result())
            old, new = said
            assert ("a", "x") in old and ("a", "x") not in new and ("ab", "x") in new
            assert old["a", "x"][1] == "H"
            for kind in ("x", "y", "z", "_T"):
                shown = [old["a", kind][1] == "P", old["b", kind][1] == "P", new["ab", kind][1] == "P"]
                if old["a", kind][1] == "H" and shown[1]:
                    assert not shown[2], ("the merged office's total gives a hidden count", kind, old, new)
                    hidden += 1
    return hidden


def files_of(folder, names):
    out = {}
    for name in names:
        with open(os.path.join(folder, name), "rb") as f:
            out[name] = f.read()
    return out


def same_bytes(rng):
    """A period's first release and its correction, by the vault and by the command."""
    names = ["RESULT.csv", "certificate.cvc", "certificate.auditor.cvc"]
    text = configuration(POLICIES[0])
    with Deployment(config=text, offices=OFFICES) as d, tempfile.TemporaryDirectory() as folder:
        told = Told(d, d.reader(), yaml.safe_load(text), "2005")
        assert first_release(told, rng)
        for revision in (0, 1):
            if revision == 1:
                for office in OFFICES:
                    told.push(office, rng)
                if not told.publish():
                    return "the correction was withheld"
            made = os.path.join(folder, "table%d" % revision)
            out = os.path.join(folder, "out%d" % revision)
            d.ctl("release", "table", "2005", "--dataset", DATASET, "--output", made)
            subprocess.run([os.path.join(BIN, "cellveil"), "protect", made, "--policy", os.path.join(made, "policy.yaml"),
                            "--key", os.path.join(d.home, "keys", "choice"), "--ledger", os.path.join(folder, "ledger"),
                            "--period", "2005", "--revision", str(revision), "-o", out], check=True, timeout=300,
                           stdout=subprocess.PIPE)
            assert files_of(made, names) == files_of(out, names), revision
    return "two releases"


def main():
    seed = random_seed(1)
    print("seed", seed, flush=True)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder)
        figures, again = corrections(run, rng)
        print("ok corrections", flush=True)
        certificate(run)
        print("ok certificate", flush=True)
        refusals(run, figures, again)
        print("ok refusals", flush=True)
    print("ok merged offices: %d totals hidden for what was shown before" % merged(rng), flush=True)
    print("ok the same bytes:", same_bytes(rng), flush=True)


if __name__ == "__main__":
    main()
