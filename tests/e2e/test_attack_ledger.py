#!/usr/bin/python3
"""`cellveil attack --ledger`: what everything released of a period tells together, and a year of it.

A ledger is filled by the engine, and the attack on the union must find nothing; it is filled by somebody who looked at one
release at a time, and the attack must find what that gives away. Made-up tables.

test_attack_ledger.py [SEED]
"""
import csv
import os
import random
import shutil
import subprocess
import tempfile

from harness import BIN, random_seed

POLICY = "threshold: 5\nwidth: 2\nzeros: camouflage\ncoalition: 1\n"
KIND = ["x", "y", "z"]
ORDER = ["a", "b", "c", "d", "e", "f", "g", "h"]
OLD = "_T|a|b|c|d|e|f|g|h"
NEW = "_T|ab|c|d|e|f|g|h"


def write(path, text, mode=0o600):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, mode)


def table(folder, figures, printed=OLD):
    """figures: {office: [x, y, z] or None where nothing was sent}"""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    write(os.path.join(folder, "hier_office.csv"),
          "level,code\n@,_T\n@@,ab\n@@@,a\n@@@,b\n" + "".join("@@,%s\n" % o for o in ORDER[2:]))
    write(os.path.join(folder, "hier_kind.csv"), "level,code\n@,_T\n" + "".join("@@,%s\n" % k for k in KIND))
    write(os.path.join(folder, "tables.csv"), "table,dim,codes\nall,office,%s\nall,kind,*\n" % printed)
    write(os.path.join(folder, "cells.csv"), "office,kind,freq,status\n" + "".join(
        "%s,%s,%d,%s\n" % (o, k, n, "nr" if figures[o] is None else "") for o in ORDER
        for k, n in zip(KIND, figures[o] or [0, 0, 0])))


class Place:
    def __init__(self, folder):
        self.folder = folder
        write(self.path("policy.yaml"), POLICY)
        write(self.path("key"), "3" * 64 + "\n")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def cellveil(self, *words):
        return subprocess.run([os.path.join(BIN, "cellveil"), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=120, check=False)

    def protect(self, figures, period, revision, *more, printed=OLD, ledger="ledger"):
        table(self.path("table"), figures, printed)
        p = self.cellveil("protect", self.path("table"), "--policy", self.path("policy.yaml"), "--key", self.path("key"),
                          "--ledger", self.path(ledger), "--period", period, "--revision", str(revision),
                          "-o", self.path("out"), *more)
        assert p.returncode in (0, 4), (p.returncode, p.stderr)
        return p.returncode == 0

    def attack(self, period, *more, ledger="ledger", want=None):
        p = self.cellveil("attack", self.path("table"), self.path("out", "RESULT.csv"), "--ledger", self.path(ledger),
                          "--period", period, "--policy", self.path("policy.yaml"), "--level", "L3", *more)
        assert want is None or p.returncode == want, (p.returncode, p.stdout, p.stderr)
        return p.returncode, list(csv.DictReader(p.stdout.splitlines()))

    def naive(self, figures, period, revision):
        """A release made without a look at the others, put into the ledger all the same."""
        shutil.rmtree(self.path("alone"), ignore_errors=True)
        assert self.protect(figures, period, 0, ledger="alone")
        entry = self.path("alone", "000001", "entry.json")
        with open(entry, encoding="ascii") as f:
            text = f.read()
        write(entry, text.replace('"revision":0', '"revision":%d' % revision))
        number = len(os.listdir(self.path("ledger"))) + 1 if os.path.isdir(self.path("ledger")) else 1
        os.makedirs(self.path("ledger"), exist_ok=True)
        shutil.copytree(self.path("alone", "000001"), self.path("ledger", "%06d" % number))


def some(rng, small=0.15):
    return {o: [rng.randint(1, 4) if rng.random() < small else rng.randint(9, 60) for _ in KIND] for o in ORDER}


def fresh(place):
    shutil.rmtree(place.path("ledger"), ignore_errors=True)


def bad_corrections(place, rng):
    """A reader subtracts; an office subtracts and takes off its own; a hidden count is printed afterwards."""
    first = some(rng, 0)
    place.naive(first, "2024", 0)
    again = {o: list(v) for o, v in first.items()}
    again["c"][0] += 2
    place.naive(again, "2024", 1)
    code, lines = place.attack("2024", want=1)
    assert any(x["cell"] == "1-0|c|x" and x["why"] == "difference" and x["lo"] == "2" for x in lines), lines
    again["c"][0] -= 2
    fresh(place)
    place.naive(first, "2024", 0)
    again["c"][0] += 20
    again["d"][0] += 3
    again["d"][1] += 17
    place.naive(again, "2024", 1)
    code, lines = place.attack("2024", "--office", "c", want=1)
    assert any(x["cell"] == "1-0|_T|x" and x["attacker"] == "office:c" and x["lo"] == "3" for x in lines), lines
    write(place.path("policy.yaml"), POLICY + "residual: no\n")
    code, lines = place.attack("2024", "--office", "c", want=1)
    assert not any(x["attacker"] == "office:c" for x in lines), lines
    write(place.path("policy.yaml"), POLICY)
    fresh(place)
    first["e"][1] = 3
    place.naive(first, "2024", 0)
    again = {o: list(v) for o, v in first.items()}
    for o in ("a", "b", "c"):
        again[o] = [n + 30 for n in again[o]]
    place.naive(again, "2024", 1)
    shown = place.path("ledger", "000002", "RESULT.csv")
    with open(shown, encoding="ascii") as f:
        text = f.read()
    assert "e,y,,H" in text
    write(shown, text.replace("e,y,,H", "e,y,3,P"))  # each release alone: the second now tells
    shutil.copy(shown, place.path("out", "RESULT.csv"))
    code, lines = place.attack("2024", want=1)
    assert any(x["cell"] == "0|e|y" and x["exact"] == "1" and x["lo"] == "3" for x in lines), lines


def own_change_under_no(place, rng):
    """A total went up by 2: by c's 6, less 4 of d and e. What c was is hidden now, so only c reckons the 2 and the 4. That is a
    disclosure, but under `residual: no` none: c takes its own figures off. Nor may anybody be told the 2 who changed nothing."""
    first = some(rng, 0)
    first["d"][0], first["e"][0] = 60, 20
    again = {o: list(v) for o, v in first.items()}
    for o, kind, by in (("c", 0, 6), ("d", 0, -30), ("e", 0, 26), ("c", 2, 30)):
        again[o][kind] += by
    for rule, hidden, want, who in (("residual: yes", "_c", 1, {"c"}), ("residual: no", "_c", 0, set()),
                                    ("residual: no", "_", 1, {"public"})):
        write(place.path("policy.yaml"), POLICY + rule + "\n")
        fresh(place)
        place.naive(first, "2024", 0)
        place.naive(again, "2024", 1)
        shown = place.path("ledger", "000002", "RESULT.csv")
        with open(shown, encoding="ascii") as f:
            lines = [line.split(",") for line in f.read().splitlines()]
        for line in lines:
            if line[1] in "xy" and (line[0] == "_T" or line[0] in hidden):
                line[2:] = ["", "H"]
        write(shown, "".join(",".join(line) + "\n" for line in lines))
        shutil.copy(shown, place.path("out", "RESULT.csv"))
        code, lines = place.attack("2024", "--all-offices", want=want)
        exact = {x["attacker"].removeprefix("office:") for x in lines if x["cell"] == "1-0|_T|x" and x["exact"] == "1"}
        assert exact >= who, (rule, exact)
    write(place.path("policy.yaml"), POLICY)


def unseen_alone(place, rng):
    """Two releases of which neither tells anything, and that tell together: the rest of a hidden total changes."""
    found = 0
    for i in range(8):
        fresh(place)
        figures = some(rng, 0.2)
        place.naive(figures, "2024", 0)
        for revision in (1, 2):
            for o in rng.sample(ORDER, 3):
                figures[o] = some(rng, 0.2)[o]
            place.naive(figures, "2024", revision)
        alone = place.cellveil("attack", place.path("table"), place.path("out", "RESULT.csv"), "--all-offices")
        assert alone.returncode == 0, alone.stdout
        found += place.attack("2024", "--all-offices")[0]
    assert found > 0
    return found


def year(place, rng):
    """Month by month with corrections and late forms; a and b merge in July. After each release the union is attacked."""
    released = corrected = refused = 0
    fresh(place)
    sent = {}
    for month in range(1, 13):
        period = "2023-%02d" % month
        printed = OLD if month < 7 else NEW
        figures = some(rng)
        late = rng.choice([[], ["h"], ["d", "g"]])
        if not place.protect({o: None if o in late else v for o, v in figures.items()}, period, 0, printed=printed):
            refused += 1
            continue
        released += 1
        place.attack(period, "--all-offices", want=0)
        sent[month] = figures
        back = rng.choice([month, max(month - 1, 1), max(month - 2, 1)])  # a correction of an earlier month, maybe
        if back not in sent:
            continue
        figures = {o: list(v) for o, v in sent[back].items()}
        for o in rng.sample(ORDER, rng.randint(2, 6)):
            figures[o] = [n + rng.choice((0, 1, 2, 9, 30)) for n in figures[o]]
        period = "2023-%02d" % back
        revision = 1 + sum(1 for d in os.listdir(place.path("ledger")) if '"period":"%s"' % period in open(
            place.path("ledger", d, "entry.json"), encoding="ascii").read())
        if place.protect(figures, period, revision, printed=NEW if back >= 7 or rng.random() < 0.3 else OLD):
            corrected += 1
            place.attack(period, "--all-offices", want=0)
            sent[back] = figures
        else:
            refused += 1
    assert released >= 8 and corrected > 0, (released, corrected, refused)
    return "%d months, %d corrections, %d refused" % (released, corrected, refused)


def bad_input(place, rng):
    code, _ = place.attack("1999")
    assert code == 2
    p = place.cellveil("attack", place.path("table"), place.path("out", "RESULT.csv"), "--ledger", place.path("ledger"))
    assert p.returncode == 2 and "several periods" in p.stderr, p.stderr
    write(place.path("ledger", "000001", "entry.json"), "{}\n")
    assert place.attack("2023-01")[0] == 2


def small_by_another_release(place):
    """Totals first, then every office: a had no clients, b and c say later what they said before, so d's few were the rest."""
    fresh(place)
    first = {"a": (0, 0), "b": (31, 25), "c": (22, 28), "d": (17, 2), "e": (9, 14), "f": (16, 8)}
    second = dict(first, a=(20, 14), d=(27, 40), e=(30, 14))
    made = place.path("forms")
    for revision, (figures, tables) in enumerate(((first, "t,office,_T|B\nt,form,*\nu,office,*\n"),
                                                  (second, "t,office,_T|a|b|c|d|e|f\nt,form,*\n"))):
        shutil.rmtree(made, ignore_errors=True)
        os.makedirs(made)
        write(os.path.join(made, "hier_office.csv"), "level,code\n@,_T\n@@,A\n@@@,a\n@@@,b\n@@@,c\n@@@,d\n@@,B\n@@@,e\n@@@,f\n")
        write(os.path.join(made, "hier_form.csv"), "level,code,view\n@,clients,1\n@@,ended,\n@@,ended:not,\n")
        write(os.path.join(made, "tables.csv"), "table,dim,codes\n" + tables)
        write(os.path.join(made, "cells.csv"), "office,form,freq\n" + "".join(
            "%s,ended,%d\n%s,ended:not,%d\n" % (o, n[0], o, n[1]) for o, n in figures.items()))
        out = place.path("formsout%d" % revision)
        p = place.cellveil("protect", made, "--policy", place.path("policy.yaml"), "--key", place.path("key"), "--ledger",
                           place.path("ledger"), "--period", "2024", "--revision", str(revision), "-o", out)
        assert p.returncode == 0, p.stderr
    result = os.path.join(out, "RESULT.csv")
    p = place.cellveil("attack", made, result, "--ledger", place.path("ledger"), "--period", "2024", "--policy", place.path(
        "policy.yaml"), "--level", "L3", "--all-offices")
    assert p.returncode == 0, p.stdout
    p = place.cellveil("verify-certificate", made, result, os.path.join(out, "certificate.cvc"), "--auditor", os.path.join(
        out, "certificate.auditor.cvc"), "--truth", os.path.join(made, "cells.csv"), "--policy", place.path("policy.yaml"),
                       "--ledger", place.path("ledger"))
    assert p.returncode == 0, p.stderr


def main():
    seed = random_seed(1)
    print("seed", seed, flush=True)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        bad_corrections(place, rng)
        print("ok bad corrections are found", flush=True)
        own_change_under_no(place, rng)
        print("ok found together, not alone:", unseen_alone(place, rng), flush=True)
        print("ok a year:", year(place, rng), flush=True)
        bad_input(place, rng)
        small_by_another_release(place)
        print("ok small by another release", flush=True)
    print("ok")


if __name__ == "__main__":
    main()
