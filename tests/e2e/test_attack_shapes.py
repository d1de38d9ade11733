#!/usr/bin/python3
"""Tables of the shapes that the literature's comparisons use, drawn anew: protected, verified, attacked.

Regions in counties, each region an office, times incomes times months; and a large two-way table. Counts are those of
social statistics: most regions small, some large. They are attacked by the command and by a program of its own
(tableattack.py), as the public and as some offices drawn by the seed.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

from harness import BIN, environment, random_seed
from tableattack import Judge, Table, judge_folder
from tablemaker import lines_of, write
from test_attack_tables import protect, verify

POLICY = {"threshold": "5", "width": "2", "zeros": "camouflage", "min_reporting": "1", "effort": "0"}


def poisson(rng, mean):
    """Knuth's, in steps that do not run out of digits."""
    n, left = 0, mean
    while left > 0:
        limit, product = 2.718281828459045 ** -min(left, 20.0), rng.random()
        while product > limit:
            n, product = n + 1, product * rng.random()
        left -= 20.0
    return n


def regions(folder, rng, n, counties, persons, groups):
    """n regions in counties x 4 incomes x 3 months (groups: in two seasons that overlap in none)."""
    tree = [(1, "_T", False)]
    names = ["r%03d" % i for i in range(n)]
    for c in range(counties):
        tree += [(2, "c%02d" % c, False)] + [(3, r, False) for r in names[c::counties]]
    months = [(1, "_T", False)] + ([(2, "spring", False), (3, "m1", False), (3, "m2", False), (2, "summer", False),
                                    (3, "m3", False)] if groups else [(2, "m%d" % m, False) for m in (1, 2, 3)])
    write(os.path.join(folder, "hier_office.csv"), lines_of(tree))
    write(os.path.join(folder, "hier_income.csv"), lines_of([(1, "_T", False)] + [(2, "i%d" % i, False) for i in range(4)]))
    write(os.path.join(folder, "hier_month.csv"), lines_of(months))
    weight = [rng.paretovariate(1.1) for _ in names]
    income = (0.5, 0.3, 0.15, 0.05)
    lines = ["office,income,month,freq"]
    for name, w in zip(names, weight):
        for i, share in enumerate(income):
            for m in (1, 2, 3):
                mean = min(persons * w / sum(weight) * share / 3, 3000.0)
                lines.append("%s,i%d,m%d,%d" % (name, i, m, poisson(rng, mean)))
    write(os.path.join(folder, "cells.csv"), lines)


def two_way(folder, rng, rows, columns):
    write(os.path.join(folder, "hier_office.csv"), lines_of([(1, "_T", False)] + [(2, "r%d" % i, False) for i in range(rows)]))
    write(os.path.join(folder, "hier_kind.csv"), lines_of([(1, "_T", False)] + [(2, "k%d" % i, False) for i in range(columns)]))
    write(os.path.join(folder, "cells.csv"), ["office,kind,freq"] + [
        "r%d,k%d,%d" % (r, k, poisson(rng, rng.choice((0.5, 2, 8, 20)))) for r in range(rows) for k in range(columns)])


def sole_offices(folder, rng):
    """Every inner cell is an office of its own, as where one respondent stands behind a cell: two hidden cells that must be
    equal, or add up to what is printed, tell each the other's."""
    write(os.path.join(folder, "hier_size.csv"), lines_of([(1, "_T", False)] + [(2, "s%d" % i, False) for i in range(4)]))
    write(os.path.join(folder, "hier_region.csv"), lines_of([(1, "_T", False)] + [
        line for side in "NS" for line in [(2, side, False)] + [(3, "%s%d" % (side, i), False) for i in range(3)]]))
    lines = ["size,region,office,freq,status"]
    for s in range(4):
        for r in ("N0", "N1", "N2", "S0", "S1", "S2"):
            some = rng.random() < 0.6
            lines.append("s%d,%s,%s,%d,%s" % (s, r, "o%d%s" % (s, r) if some else "none", some and rng.randint(1, 20),
                                              "" if some else "structural"))
    write(os.path.join(folder, "cells.csv"), lines)


def known(rng):
    """Tables of sole_offices, attacked by each of them."""
    policy, bad, refused = dict(POLICY, zeros="published", group_min="0"), [], 0
    for _ in range(8):
        with tempfile.TemporaryDirectory(prefix="cv-") as folder:
            sole_offices(folder, rng)
            write(os.path.join(folder, "policy.yaml"), ["%s: %s" % kv for kv in policy.items()])
            out = os.path.join(folder, "out")
            p = protect(folder, out)
            assert p.returncode in (0, 4), p.stderr
            refused += p.returncode == 4
            bad += judge_folder(folder, out, policy) + verify(folder, out) if p.returncode == 0 else []
    print("8 tables of sole offices, %d refused" % refused, bad[:3] or "nothing found", flush=True)
    return bad if refused < 8 else ["all were refused"]


def attack(folder, out, *who):
    """What the command finds that these could know."""
    p = subprocess.run([os.path.join(BIN, "cellveil"), "attack", folder, os.path.join(out, "RESULT.csv"), *who,
                        "--policy", os.path.join(folder, "policy.yaml"), "--level", "L3", "-o", os.devnull],
                       env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return [] if p.returncode == 0 else ["attack %s: %d: %s" % (who, p.returncode, (p.stdout + p.stderr)[-300:])]


def sampled(folder, out, rng, offices, most):
    """The program's own answer for the public and some offices, on at most `most` subjects each; and the command's."""
    with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
        judge = Judge(Table(folder, POLICY), os.path.join(out, "RESULT.csv"), json.load(f)["floor"])
    subjects = list(judge.subjects())
    attackers = [()] + [(o,) for o in rng.sample(judge.table.offices(), offices)]
    for own in attackers:
        judge.found += attack(folder, out, *(["--office", own[0]] if own else []))
        asked = [s for s in subjects if judge.target(s, own) is not None]
        judge.attack_as(own, rng.sample(asked, min(most, len(asked))))
    return judge.found


def main():
    seed = random_seed(1)
    print("seed", seed, flush=True)
    shapes = (("36 regions in 3 counties", lambda f, rng: regions(f, rng, 36, 3, 2100, True), 4, 40),
              ("437 regions in 19 counties", lambda f, rng: regions(f, rng, 437, 19, 138000, False), 3, 12),
              ("200 x 50", lambda f, rng: two_way(f, rng, 200, 50), 3, 12))
    bad = known(random.Random(seed))
    for name, make, offices, most in shapes:
        rng = random.Random("%d %s" % (seed, name))
        with tempfile.TemporaryDirectory(prefix="cv-") as folder:
            make(folder, rng)
            write(os.path.join(folder, "policy.yaml"), ["%s: %s" % kv for kv in POLICY.items()])
            out = os.path.join(folder, "out")
            p = protect(folder, out)
            assert p.returncode == 0, p.stderr
            found = verify(folder, out) + sampled(folder, out, rng, offices, most)
            print(name, p.stderr.splitlines()[0], found[:3] or "nothing found", flush=True)
            bad += found
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
