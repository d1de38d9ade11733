#!/usr/bin/python3
"""Blanks, measures within measures, tables that print areas only: what can be worked out of cells that are not printed.

Known cases by hand, then random folders (blankmaker.py) judged as in test_attack_tables.py and, beside that, for every
cell that no table prints or that is marked as not reported: the public does not know that it is small, and no office or
coalition knows a small one. The whole-number program knows no rules: it reckons from what was published. Cells that
can only be small by all that may be printed (knownsmall.py) are held to more: they are protected like small counts.

test_attack_blanks.py [SECONDS [SEED]]
"""
import json
import os
import random
import sys
import tempfile

from scipy.optimize import Bounds

from blankmaker import make
from hunting import Hunt, keep
from knownsmall import known_small
from tableattack import Judge, Subject, Table
from tablemaker import lines_of, write
from test_attack_tables import protect, verify

TABLES = 50


class Hunter(Judge):
    """All disclosures, of unprinted cells as well."""

    def subjects(self):
        """Those of all other rules, and what can only be small then."""
        subjects, named = list(super().subjects()), set()
        yield from subjects
        if self.policy.get("level", "L3") == "L1":
            return
        for subject in subjects:
            if len(subject.terms) == 1 and (subject.attackers is None or self.is_named_by_rests(*subject.terms)):
                named |= set(subject.terms)
        known = self.told()
        for cell in known:
            if not self.counted(cell) and any(s.attackers is None or self.is_named_by_rests(cell) for s in self.judged({cell: 1})):
                named.add(cell)
        for cell, nobody in known_small(self, known, named).items():
            yield Subject("R12 small", {cell: 1}, [()] if nobody else None)

    def is_no_secret(self, subject, best):
        """A nought that could have been a few by all that may be printed, and is certain by what is."""
        return subject.rule == "R12 small" and subject.attackers == [()] and best == 0

    def is_named_by_rests(self, cell):
        """R3 names a printed cell; one that follows only where pools are among more offices than may pool, so everybody's."""
        table, i, pool = self.table, self.table.office_at, int(self.policy.get("coalition", 1))
        owners = sum(table.live[cell[:i] + (o,) + cell[i + 1:]] for o in table.dims[i].below(cell[i]))
        return self.counted(cell) or 1 < pool < owners

    def ends(self, i, system, pool, sign, enough):
        """The largest value of sign * cell i, or one that is at least `enough`."""
        met = [int(sign * x[i]) for x in pool]
        if met and max(met) >= enough:
            return max(met)
        return self.reach([(i, sign)], enough, len(system[0]), system[1], system[2], pool)

    def is_nobody(self, i, system):
        """The offices' own figures, all of them, leave nothing but a nought, and those may be known."""
        if self.zeros != "published":
            return False
        index, constraints, bounds = system
        low, high = bounds.lb.copy(), bounds.ub.copy()
        for cell, column in index.items():
            if self.mark.get(cell) == "H":
                low[column] = high[column] = self.table.value[cell]
        return self.reach([(i, 1)], 1, len(index), constraints, Bounds(low, high), []) == 0

    def hunt(self):
        for own in self.coalitions():
            system, pool = self.system(own), []
            for cell, i in system[0].items():
                if self.mark.get(cell) == "H" or (own and not self.table.others_live(cell, own)):
                    continue
                self.look(cell, i, own, system, pool)
        return self.found

    def look(self, cell, i, own, system, pool):
        v = self.table.value[cell]
        rest = v - (self.table.own(cell, own) if own else 0)
        if not own:
            most = self.ends(i, system, pool, 1, self.k)
            if most < self.k and (most > 0 or self.zeros == "sensitive") and not self.is_nobody(i, system):
                self.found.append("public: unprinted %s is at most %d" % ("|".join(cell), most))
            return
        if self.policy.get("residual", "yes") == "no" or not 1 <= rest < self.k:
            return
        if self.ends(i, system, pool, 1, v + 1) == v and -self.ends(i, system, pool, -1, 1 - v) == v:
            self.found.append("%s: unprinted %s is %d, of which %d are others'" % ("+".join(own), "|".join(cell), v, rest))


def judge(folder, out, policy):
    with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
        floor = json.load(f)["floor"]
    hunter = Hunter(Table(folder, policy), os.path.join(out, "RESULT.csv"), floor)
    hunter.attack()
    return hunter.hunt() + verify(folder, out)


def attacked(folder, policy):
    """(exit code of protect, disclosures)"""
    out = os.path.join(folder, "out")
    p = protect(folder, out)
    if p.returncode != 0:
        return p.returncode, [] if p.returncode == 4 or (p.returncode == 2 and "policy" in p.stderr) else [p.stderr]
    try:
        return 0, judge(folder, out, policy)
    except AssertionError as error:
        return 0, [str(error)]


# ---- cases that were disclosures once ----

AGES = ["young", "middle", "old"]


def forms(folder, clients, new, blank, reported, printed="*", areas=()):
    """Two measures by office and age. blank: (office, age) -> measures left blank; reported: offices' totals that stand."""
    offices = sorted(clients)
    lines = ["office,age,measure,freq,status"]
    covered = ["office,age,measure"]
    for o in offices:
        covered += ["%s,_T,%s" % (o, m) for m in ("clients", "new") if (o, m) in reported]
        for age, c, n in zip(AGES, clients[o], new[o]):
            gone = blank.get((o, age), ())
            lines.append("%s,%s,new,%d,%s" % (o, age, n, "blank" if "new" in gone else ""))
            lines.append("%s,%s,not,%d,%s" % (o, age, c - n, "blank" if gone else ""))
            covered += ["%s,%s,%s" % (o, age, m) for m in ("clients", "new") if m not in gone]
    tree = [(1, "_T", False)]
    for area, below in areas or [(None, offices)]:
        tree += [(2, area, False)] if area else []
        tree += [(3 if area else 2, o, False) for o in below]
    write(os.path.join(folder, "cells.csv"), lines)
    write(os.path.join(folder, "covered.csv"), covered)
    write(os.path.join(folder, "hier_office.csv"), lines_of(tree))
    write(os.path.join(folder, "hier_age.csv"), lines_of([(1, "_T", False)] + [(2, a, False) for a in AGES]))
    write(os.path.join(folder, "hier_measure.csv"), ["level,code,view", "@,clients,1", "@@,new,", "@@,not,"])
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,office," + printed, "t,age,*", "t,measure,clients|new"])
    write(os.path.join(folder, "policy.yaml"), ["min_reporting: 1", "threshold: 5", "redundancy: 0"])


LARGE = {"o2": (12, 31, 22), "o3": (22, 21, 24), "o4": (32, 41, 32)}
LARGE_NEW = {"o2": (6, 15, 12), "o3": (10, 10, 12), "o4": (12, 21, 12)}


def case_same_blanks_in_two_measures(folder):
    """30 clients, 10 of them young; 23 new, 5 of them young: of the other 20 all but 2 are new."""
    blank = {("o1", "middle"): ("clients", "new"), ("o1", "old"): ("clients", "new")}
    forms(folder, {"o1": (10, 11, 9), **LARGE}, {"o1": (5, 9, 9), **LARGE_NEW}, blank,
          {(o, m) for o in ("o1", "o2", "o3", "o4") for m in ("clients", "new")})


def case_by_inequality(folder):
    """25 clients, 20 of them young, and 5 new ones are old: nobody is in between, and no old client is not new."""
    blank = {("o1", "middle"): ("clients", "new"), ("o1", "old"): ("clients",)}
    forms(folder, {"o1": (20, 0, 5), **LARGE}, {"o1": (5, 0, 5), **LARGE_NEW}, blank,
          {(o, m) for o in ("o1", "o2", "o3", "o4") for m in ("clients", "new")} - {("o1", "new")})


def case_rest_of_an_area(folder):
    """Areas only. 46 clients in the north, 14 of them new, 32 not: o2 has 30 of these, and sees the other office's 2."""
    large, new = dict(LARGE, o2=(36, 31, 22)), dict(LARGE_NEW)
    forms(folder, {"o1": (10, 11, 19), **large}, {"o1": (8, 5, 9), **new}, {},
          {(o, m) for o in ("o1", "o2", "o3", "o4") for m in ("clients", "new")}, "_T|N|S",
          [("N", ["o1", "o2"]), ("S", ["o3", "o4"])])


def case_part_reported_without_its_base(folder):
    """One office reports new clients and nothing else; one reports that it has none. A reader's verifier agrees."""
    for n in (8, 0):
        blank = {("o1", age): ("clients",) for age in AGES}
        forms(folder, {"o1": (n, n, n), **LARGE}, {"o1": (n, n, n), **LARGE_NEW}, blank,
              {(o, m) for o in ("o1", "o2", "o3", "o4") for m in ("clients", "new")} - {("o1", "clients")})
        yield


def case_part_of_a_measure_that_is_not_printed(folder):
    """10 young clients, the others' ages left blank, their number too; 12 new ones, 5 of them young. Clients alone are printed, and
    the mark at o1's old ones is not 0: some of the 12 may be old. The verifier knows that from covered.csv."""
    blank = {("o1", "middle"): ("clients", "new"), ("o1", "old"): ("clients", "new")}
    forms(folder, {"o1": (10, 8, 9), **LARGE}, {"o1": (5, 3, 4), **LARGE_NEW}, blank,
          {(o, m) for o in ("o1", "o2", "o3", "o4") for m in ("clients", "new")} - {("o1", "clients")})
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,office,_T|o1", "t,age,old", "t,measure,clients",
                                               "u,office,o2|o3|o4", "u,measure,clients"])


def case_known_to_be_small(folder):
    """Areas only. 30 clients in the north, 12 young; 14 new ones are of middle age: at most 4 are old. o1 has one of these, and
    would see at most 3 of the other office's."""
    blank = {(o, age): ("clients",) for o in ("o1", "o2") for age in ("middle", "old")}
    forms(folder, {"o1": (6, 9, 1), **LARGE, "o2": (6, 6, 2)}, {"o1": (2, 8, 0), **LARGE_NEW, "o2": (3, 6, 0)}, blank,
          {(o, m) for o in ("o1", "o2", "o3", "o4") for m in ("clients", "new")}, "_T|N|S",
          [("N", ["o1", "o2"]), ("S", ["o3", "o4"])])


CASES = (case_same_blanks_in_two_measures, case_by_inequality, case_rest_of_an_area, case_part_reported_without_its_base,
         case_part_of_a_measure_that_is_not_printed, case_known_to_be_small)


def known_cases():
    bad = 0
    for case in CASES:
        with tempfile.TemporaryDirectory(prefix="cv-") as folder:
            for _ in case(folder) or [None]:
                code, found = attacked(folder, {"min_reporting": "1", "threshold": "5"})
                bad += code != 0 or bool(found)
                print("ok" if code == 0 and not found else "FAILED", case.__name__, found[:3], flush=True)
    return bad


def main():
    hunt = Hunt(TABLES)
    bad = known_cases()
    for seed in hunt.seeds():
        with tempfile.TemporaryDirectory(prefix="cv-") as folder:
            code, found = attacked(folder, make(folder, random.Random(seed)))
            if found:
                keep(folder, seed, found)
        hunt.count(seed, code, found)
    bad += hunt.bad
    print("first seed %d; by exit code: %s; tables with a disclosure: %d" % (hunt.first, hunt.kinds, bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
