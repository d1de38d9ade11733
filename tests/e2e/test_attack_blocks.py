#!/usr/bin/python3
"""What several lists leave together: tables that print, of nested codes in two or three dimensions, the total and some codes.

A case by hand, then random folders. Beside the rules' own attack (tableattack.py) each sum of leaves is looked at that follows
from cells that may all be printed or told: in every dimension a code less those below it that are printed with it somewhere, or
one code. Where 1 to k-1 of it is not an attacker's own, a whole-number program must find another table, in which the sum is
another one.

test_attack_blocks.py [SECONDS [SEED]]
"""
import itertools
import os
import random
import sys
import tempfile

from hunting import Hunt, keep
from tableattack import Dim, Judge, Table
from tablemaker import grouped, lines_of, write
from test_attack_blanks import judge as judge_blanks
from test_attack_tables import protect, verify
from test_attack_unprinted import attack, print_all

TABLES = 60


def atoms(dim, code):
    """What a code is made of by ordinary breakdowns."""
    down = [b for b in dim.down[code] if not b[2]]
    return set().union(*(atoms(dim, c) for c in down[0][1])) if down else {code}


class Blocks(Judge):

    def lists(self, i):
        """Sets of codes printed in one line along dimension i, and what two of them share."""
        lines = {}
        for cell in self.mark:
            lines.setdefault(cell[:i] + cell[i + 1:], set()).add(cell[i])
        out = {frozenset(s) for s in lines.values()}
        while True:
            more = {a & b for a in out for b in out} - out
            if not more:
                return out
            out |= more

    def choices(self, i):
        """[(codes that it is reckoned from, the whole first; atoms)] of dimension i: each code, and a code less others within it
        that share nothing, as many as can be, beginning with each that is within no other. (That two such sums, each in doubt, are
        known together is what hiding is: R7 asks more of hidden ones.)"""
        dim, out = self.table.dims[i], {}
        made = {c: atoms(dim, c) for c in dim.codes}
        for codes in self.lists(i):
            inside = {c: [o for o in codes if made[o] < made[c]] for c in codes}
            widest = {c: [o for o in inside[c] if not any(made[o] < made[w] for w in inside[c])] for c in codes}
            for code, begin in ((c, o) for c in codes for o in widest[c]):
                off, left = [begin], made[code] - made[begin]
                for other in sorted(inside[code], key=dim.codes.index):
                    if made[other] <= left:
                        off, left = off + [other], left - made[other]
                if left:
                    out[(code, tuple(sorted(off)))] = left
        return list({**{(c, ()): made[c] for c in dim.codes}, **out}.items())

    def sums(self):
        known = self.told()
        for choice in itertools.product(*(self.choices(i) for i in range(len(self.table.dims)))):
            if not any(off for (_, off), _ in choice):
                continue
            corners = itertools.product(*((code,) + off for (code, off), _ in choice))
            if all(c in known or not self.table.live[c] for c in corners):
                yield list(itertools.product(*(sorted(leaves) for _, leaves in choice)))

    def hunt(self):
        sums = [s for s in self.sums() if sum(self.table.value[c] for c in s) > 0]
        for own in self.coalitions():
            if own and self.policy.get("residual", "yes") == "no":
                break
            index, constraints, bounds = self.system(own)
            for cells in sums:
                rest = sum(self.table.value[c] - (self.table.own(c, own) if own else 0) for c in cells)
                terms = [(index[c], 1) for c in cells if c in index]
                if not 1 <= rest < self.k:
                    continue
                fixed = sum(self.table.value[c] for c in cells if c not in index)
                true = sum(self.table.value[c] for c in cells) - fixed
                if terms and (self.reach(terms, true + 1, len(index), constraints, bounds, []) > true or
                              self.reach([(i, -s) for i, s in terms], 1 - true, len(index), constraints, bounds, []) > -true):
                    continue
                self.found.append("%s: %s together are %d for certain" % (
                    "+".join(own) or "public", " ".join("|".join(c) for c in cells), rest))
        return self.found


def judge(folder, out, policy):
    with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
        floor = 1 if '"floor":1' in f.read().replace(" ", "") else 0
    return Blocks(Table(folder, policy), os.path.join(out, "RESULT.csv"), floor).hunt() + judge_blanks(folder, out, policy)


# ---- by hand ----

def case_two_lists(folder):
    """45 came, 20 of them to f, 35 for x, 11 both: one who came to another office came for another reason, y or z."""
    tree = [(1, "_T", False), (2, "u", False), (3, "x", False), (3, "y", False), (2, "z", False)]
    counts = {"a": (12, 0, 0), "b": (12, 1, 0), "f": (11, 9, 0)}
    write(os.path.join(folder, "hier_office.csv"), lines_of([(1, "_T", False)] + [(2, o, False) for o in counts]))
    write(os.path.join(folder, "hier_kind.csv"), lines_of(tree))
    write(os.path.join(folder, "cells.csv"), ["office,kind,freq"] + [
        "%s,%s,%d" % (o, k, n) for o, row in counts.items() for k, n in zip("xyz", row)])
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,office,_T|f", "t,kind,_T|x"])
    return policy_file(folder, {"threshold": "5", "min_reporting": "0", "zeros": "published", "width": "1"})


def case_many_lists(folder):
    """More different lists in a dimension than are looked at: no reason to refuse, and the verifier agrees."""
    rng = random.Random(12)
    dims = {"office": 10, "kind": 10, "age": 4}
    for name, n in dims.items():
        write(os.path.join(folder, "hier_%s.csv" % name), lines_of([(1, "_T", False)] + [
            (2, "%s%d" % (name[0], i), False) for i in range(n)]))
    write(os.path.join(folder, "cells.csv"), [",".join([*dims, "freq"])] + [
        "%s,%d" % (",".join("%s%d" % (d[0], i) for d, i in zip(dims, leaf)), rng.choice((0, 0, 1, 2, 5, 9, 20)))
        for leaf in itertools.product(*(range(n) for n in dims.values()))])
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes"] + [
        "t%d,%s,%s" % (t, d, "|".join(["_T"] + ["%s%d" % (d[0], i) for i in range(n) if rng.random() < 0.5]))
        for t in range(10) for d, n in dims.items()])
    return policy_file(folder, {"threshold": "5", "min_reporting": "0", "zeros": "camouflage", "effort": "0"})


def policy_file(folder, policy):
    write(os.path.join(folder, "policy.yaml"), ["%s: %s" % kv for kv in sorted(policy.items())])
    return policy


# ---- random folders ----

def tree(rng, letter):
    spec = [(1, "_T", False)]

    def grow(level, name, depth):
        for i in range(rng.randint(2, 3)):
            spec.append((level, name + "abc"[i], False))
            if depth > 1 and rng.random() < 0.5:
                grow(level + 1, name + "abc"[i], depth - 1)
    grow(2, letter, rng.randint(1, 2))
    return spec


def make(folder, rng):
    names = ["office", "kind", "age"][:rng.choice((2, 2, 3))]
    specs = {n: grouped(rng, n[0]) if rng.random() < 0.2 else tree(rng, n[0]) for n in names}
    dims = [Dim(n, s) for n, s in specs.items()]
    for dim in dims:
        write(os.path.join(folder, "hier_%s.csv" % dim.name), lines_of(specs[dim.name]))
    write(os.path.join(folder, "cells.csv"), [",".join(names + ["freq"])] + [
        ",".join(leaf) + ",%d" % rng.choice((0, 0, 0, 1, 1, 2, 3, 7, 12, 20))
        for leaf in itertools.product(*(sorted(d.leaf) for d in dims))])
    lines = ["table,dim,codes"]
    for t in range(rng.randint(1, 3)):
        for dim in dims:
            some = [c for c in dim.codes if c == dim.total or rng.random() < 0.4]
            lines.append("t%d,%s,%s" % (t, dim.name, "|".join(some)))
    write(os.path.join(folder, "tables.csv"), lines)
    return policy_file(folder, {
        "threshold": rng.choice(("3", "5")), "width": rng.choice(("1", "1", "2")), "min_reporting": "0",
        "zeros": rng.choice(("published", "camouflage", "sensitive")), "ladder": rng.choice(("withhold", "camouflage")),
        "residual": rng.choice(("yes", "yes", "no", "zeros")), "group_min": "0", "redundancy": "0",
        "coalition": "2" if len(dims[0].leaf) > 2 and rng.random() < 0.4 else "1"})


def attacked(folder, policy):
    """(exit code of protect, disclosures)"""
    out = os.path.join(folder, "out")
    p = protect(folder, out)
    return p.returncode, judge(folder, out, policy) if p.returncode == 0 else [] if p.returncode == 4 else [p.stderr]


def one(seed):
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        code, found = attacked(folder, make(folder, random.Random(seed)))
        if found:
            keep(folder, seed, found)
    return code, found


def known_case():
    """Is it protected? And does `attack` see it where it is not?"""
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        policy = case_two_lists(folder)
        code, found = attacked(folder, policy)
        result = os.path.join(folder, "out", "RESULT.csv")
        honest = attack(folder, result, 1, 1)
        opened = attack(folder, print_all(folder, Table(folder, policy), result, lambda _: True), 1, 1)
    told = {("public", "_T|_T - _T|x - f|_T + f|x"), ("office:a", "_T|_T - _T|x - f|_T + f|x")}
    ok = code == 0 and not found and honest[0] == 0 and opened[0] == 1 and told <= opened[2]
    print("ok" if ok else "FAILED", "case_two_lists", "" if ok else (found[:3], honest, opened), flush=True)
    return not ok


def many_lists():
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        case_many_lists(folder)
        out = os.path.join(folder, "out")
        p = protect(folder, out)
        wrong = [p.stderr] if p.returncode != 0 else verify(folder, out)
    print("FAILED" if wrong else "ok", "case_many_lists", wrong[:3], flush=True)
    return bool(wrong)


def main():
    Hunt(TABLES).run(one, known_case() + many_lists())


if __name__ == "__main__":
    main()
