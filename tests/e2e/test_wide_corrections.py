#!/usr/bin/python3
"""Corrections of tables over many offices, whose patterns are far away (policy/exact): not among the 900 cells nearest to a figure; not
among 2,700, but among those of a few offices of each area; only in fractions of persons at first; in whole ones with other
offices only, or with fewer. Each is released, attacked and verified.

test_wide_corrections.py
"""
import os
import random
import sys
import tempfile

from tablemaker import write
from test_code_lists import Folder
from test_refused_corrections import Corrections

KINDS = ["k%d" % k for k in range(12)]
FIVE, THREE = {"threshold": 5, "width": 2}, {"threshold": 3, "width": 1}
CASES = ((5, 16, (0, 1, 9), FIVE), (3, 4, range(12), THREE), (8, 8, range(6), FIVE), (16, 16, range(12), FIVE),
         (22, 16, range(12), {**FIVE, "zeros": "camouflage"}))  # seed, offices changed, areas, policy


class Wide(Folder):
    """Areas of eight offices, sex and twelve kinds; areas and total are printed."""

    def __init__(self, figures):
        self.figures = figures

    def put(self, path):
        os.makedirs(path)
        offices = sorted({o for o, _, _ in self.figures})
        areas = [("A%d" % a, offices[a:a + 8]) for a in range(0, len(offices), 8)]
        lists = {"office": ["@,_T"] + [l for name, below in areas for l in ["@@," + name] + ["@@@," + o for o in below]],
                 "sex": ["@,_T", "@@,f", "@@,m"], "kind": ["@,_T"] + ["@@," + k for k in KINDS]}
        for name, lines in lists.items():
            write(os.path.join(path, "hier_%s.csv" % name), ["level,code"] + lines)
        write(os.path.join(path, "cells.csv"), ["office,sex,kind,freq"] + ["%s,%s,%s,%d" % (*c, n) for c, n in self.figures.items()])
        write(os.path.join(path, "tables.csv"), ["table,dim,codes", "t,office," + "|".join(["_T"] + [a for a, _ in areas]), "t,sex,*", "t,kind,*"])
        return path


class Few(Corrections):
    """Attacked as the public and as one of those that sent other figures: as each of a hundred it would take a minute."""
    who = None

    def attack(self):
        made = self.releases[-1].table.folder
        return self.run("attack", made, made.replace("table", "out") + "/RESULT.csv", "--ledger", self.path("ledger"), "--period",
                        "2024", "--policy", self.path("policy.yaml"), "--level", "L3", "--office", self.who)


def one(seed, changed, areas, policy):
    """What was said, if a table or its correction was not released as it should be."""
    rng = random.Random(seed)
    count = lambda: 0 if rng.random() < 0.5 else rng.randint(0, 12)
    offices = ["o%03d" % i for i in range(96)]
    before = {(o, s, k): count() for o in offices for s in "fm" for k in KINDS}
    after, others = dict(before), rng.sample(offices, changed)
    for o in others:
        after.update({c: count() for c in before if c[0] == o})
    policy = {"zeros": "published", "min_reporting": 1, "min_offices_changed": 1, **policy}
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        place, said = Few(folder, policy), []
        place.who = next(o for o in others if int(o[1:]) // 8 in areas)
        for figures in (before, after):
            try:
                said.append(place.release(Wide({c: n for c, n in figures.items() if int(c[0][1:]) // 8 in areas})))
            except AssertionError as error:
                said.append(str(error))
        return [s for s in said if s]


def main():
    wrong = 0
    for case in CASES:
        said = one(*case)
        print("FAILED" if said else "ok", *case, *said, flush=True)
        wrong += bool(said)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
