#!/usr/bin/python3
"""`cellveil attack` and what no table prints: cells that follow by subtraction, sums of such cells, cells that can only be
small.

Three tables by hand, printed without protection: what anybody can reckon is found, and nothing else. Then random
folders: of what `protect` released the command finds nothing at all; of the same with figures printed that it had
hidden, it finds what a whole-number program finds (test_attack_blanks.py), cell by cell and attacker by attacker.

test_attack_unprinted.py [SECONDS [SEED]]
"""
import csv
import io
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile

import blankmaker
import tablemaker
from harness import BIN, environment
from hunting import Hunt, keep
from tableattack import Table, rows_of
from tablemaker import write
from test_attack_blanks import (LARGE, LARGE_NEW, Hunter, case_by_inequality, case_rest_of_an_area,
                                case_same_blanks_in_two_measures, forms)
from test_attack_tables import protect

TABLES = 45


def attack(folder, result, floor, coalition):
    """(exit code, what it says, {(attacker, cell)} that no table prints and that are told or small)"""
    who = ["--coalition", str(coalition)] if coalition else []
    p = subprocess.run([os.path.join(BIN, "cellveil"), "attack", folder, result, "--policy",
                        os.path.join(folder, "policy.yaml"), "--level", "L3", "--floor", str(floor), *who],
                       env=environment(), capture_output=True, text=True, check=False, timeout=120)
    lines = list(csv.DictReader(io.StringIO(p.stdout)))
    kind = lambda who: who if ":" not in who else who.split(":")[0] + ":" + "+".join(sorted(who.split(":")[1].split("+")))
    return p.returncode, p.stderr, {(kind(l["attacker"]), l["cell"]) for l in lines if l["why"] in ("told", "small")}


def floor_of(out):
    with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
        return json.load(f)["floor"]


def print_all(folder, table, result, which):
    """A copy of the result in which the hidden cells of `which` are printed."""
    path = os.path.join(folder, "OPEN.csv")
    lines = []
    for i, row in enumerate(rows_of(result)):
        names = [d.name for d in table.dims[:table.public_dims]]
        cell = tuple(row[n] for n in names)
        tail = (table.dims[-1].total,) if table.column else ()
        if i == 0:
            lines.append(",".join(names + ["freq", "status"]))
        if row["status"] == "H" and which(cell):
            row.update(freq=str(table.value[cell + tail]), status="P")
        lines.append(",".join(list(cell) + [row["freq"], row["status"]]))
    write(path, lines)
    return path


# ---- by hand ----

WANTED = {
    case_same_blanks_in_two_measures: {("public", "o1|middle|not"), ("public", "o1|old|not")},
    case_by_inequality: {("public", "o1|middle|clients"), ("public", "o1|middle|new"), ("public", "o1|middle|not"),
                         ("public", "o1|old|not")},
    case_rest_of_an_area: {("office:o2", "o1|young|not"), ("office:o2", "N|young|not")}}


def case_sum_of_blanks(folder):
    """Of 12 clients 9 are young: the middle-aged and the old are 3 together, and nobody knows who of them is which."""
    forms(folder, {"o1": (9, 1, 2), **LARGE}, {"o1": (9, 1, 2), **LARGE_NEW},
          {("o1", age): ("clients", "new") for age in ("middle", "old")},
          {(o, m) for o in ("o1", "o2", "o3", "o4") for m in ("clients", "new")})


SUMS = {"o1|_T|clients - o1|young|clients", "o1|_T|new - o1|young|new"}
WANTED[case_sum_of_blanks] = {(who, s) for who in ("public", "office:o2", "office:o3", "office:o4") for s in SUMS}


def known_cases():
    bad = 0
    for case, wanted in WANTED.items():
        with tempfile.TemporaryDirectory(prefix="cv-") as folder:
            case(folder)
            out = os.path.join(folder, "out")
            assert protect(folder, out).returncode == 0
            result = os.path.join(out, "RESULT.csv")
            table = Table(folder, {"min_reporting": "1", "threshold": "5"})
            honest = attack(folder, result, 0, 1)
            opened = attack(folder, print_all(folder, table, result, lambda _: True), 0, 1)
            sums = case is case_sum_of_blanks
            ok = honest[0] == 0 and opened[0] == 1 and {f for f in opened[2] if (" - " in f[1]) == sums} == wanted
            bad += not ok
            print("ok" if ok else "FAILED", case.__name__, "" if ok else (honest, opened), flush=True)
    return bad


# ---- random folders ----

class Witness(Hunter):
    """{(attacker, cell)} that a whole-number program finds. Cells only: of sums this attacker says nothing."""

    def names(self):
        self.hunt()
        out = set()
        for text in self.found:
            if ": unprinted " in text:
                who, rest = text.split(": unprinted ")
                kind = "public" if who == "public" else ("coalition:" if "+" in who else "office:") + who
                name = rest.split(" is ")[0]
                out.add((kind, name[:-len("|_T")] if self.table.column and name.endswith("|_T") else name))
        return out


def is_whole(table, name):
    """Everybody below reported."""
    codes = name.split("|")
    codes += [d.total for d in table.dims[len(codes):]]
    return not any(table.status[l] == "nr" for l in itertools.product(*(d.below(c) for c, d in zip(codes, table.dims))))


def compare(folder, out, policy, rng):
    """What is wrong: texts."""
    floor = floor_of(out)
    table = Table(folder, policy)
    result = os.path.join(out, "RESULT.csv")
    coalition = int(policy.get("coalition", 1)) if table.office_at is not None else 0
    code, said, told = attack(folder, result, floor, coalition)
    if code != 0 or told:
        return ["honest: exit %d, %s %s" % (code, said.strip(), sorted(told)[:5])], 0
    some = rng.choice((0.3, 0.6, 1))
    opened = print_all(folder, table, result, lambda _: rng.random() < some)
    code, said, told = attack(folder, opened, floor, coalition)
    if code == 2:
        return ["opened: " + said.strip()], 0
    cells = {f for f in told if " - " not in f[1]}
    hunter = Witness(table, opened, floor)
    hunter.zeros = policy.get("zeros", "sensitive")
    wanted = hunter.names()
    return ["only %s: %s" % ("the command" if f in cells else "the program", "|".join(f)) for f in sorted(cells ^ wanted)
            if is_whole(table, f[1])], len(told)


def one(seed):
    """(exit code of protect, what is wrong, findings)"""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        if rng.random() < 0.7:
            policy = blankmaker.make(folder, rng)
        else:
            policy = tablemaker.make(folder, rng, limit=120)
        if os.path.exists(os.path.join(folder, "derived.csv")):
            os.unlink(os.path.join(folder, "derived.csv"))
        out = os.path.join(folder, "out")
        p = protect(folder, out)
        wrong, n = compare(folder, out, policy, rng) if p.returncode == 0 else ([], 0)
        if wrong:
            keep(folder, seed, wrong)
        return p.returncode, wrong, n


def main():
    hunt = Hunt(TABLES)
    bad, findings = known_cases(), 0
    for seed in hunt.seeds():
        code, wrong, n = one(seed)
        hunt.count(seed, code, wrong)
        findings += n
    bad += hunt.bad
    print("first seed %d; by exit code: %s; findings in opened tables: %d; failed: %d" % (hunt.first, hunt.kinds, findings, bad))
    sys.exit(1 if bad or findings == 0 else 0)


if __name__ == "__main__":
    main()
