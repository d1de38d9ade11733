#!/usr/bin/python3
"""Explanations held against something else than themselves.

explain.csv of random tables: a record for every hidden cell and for no other; the rules are those that the definitions
(tableattack.py) give the cell; who it is protected against, and what a secondary cell protects against whom, is what the
moves of the auditors' part say, no more and no less. Then secondary cells are printed after all, one at a time: mostly
something that the record names is disclosed to somebody it names; and always a move of the record is void.

Refusals: the cell that is named could not be protected by hiding everything but what is named, and could be if any one of
what is named were free.

test_explanations.py [SECONDS [SEED]]
"""
import itertools
import os
import random
import sys
import tempfile

import tablemaker
from hunting import Hunt, keep
from tableattack import Judge, Table, rows_of
from tablemaker import lines_of, write
from test_attack_tables import protect
from test_attack_unprinted import floor_of

TABLES, REFUSALS, NAMED_MAX = 60, 40, 16


class Proof:
    """The auditors' part: moves, and requirements as (cell, is it a sum, attacker as records spell it, move, rule)."""

    def __init__(self, out, table):
        cells = ["|".join(c) for c in itertools.product(*(d.codes for d in table.dims))]
        self.move, self.need = [], []
        with open(os.path.join(out, "certificate.auditor.cvc"), encoding="utf-8") as f:
            for line in f:
                word = line.split()
                if word[0] == "a":
                    self.move.append({cells[int(w.split(":")[0])] for w in word[3:]})
                elif word[0] == "r":
                    who = word[3] if word[3] != "office" else "office:" + word[4]
                    names = word[1].split("-")
                    self.need.append((cells[int(names[0])], len(names) > 1,
                                      "public and offices" if who == "slot" else who, int(word[-2]), word[-1]))

    @staticmethod
    def names(who, rule):
        """Sets of offices listed one by one stand for everybody, where the rule is not about these only."""
        everybody = who.startswith("office:") and rule not in ("R3", "derivable")
        return {who} | ({"public and offices"} if everybody else set())

    def through(self, cell):
        """Of each requirement whose move passes the cell, the pairs that a record may name it by."""
        return [{(c, name) for name in self.names(who, rule)} for c, _, who, move, rule in self.need
                if cell in self.move[move] and rule != "derivable"]

    def in_doubt(self, cell):
        """What moves through the cell change that nothing else needs: their one line says not whom, nor all that they are for."""
        return set().union(*(self.move[move] for _, _, _, move, rule in self.need if cell in self.move[move] and rule == "derivable"))

    def about(self, cell):
        return [self.names(who, rule) for c, is_sum, who, _, rule in self.need if c == cell and not is_sum]


def differ(said, names, full):
    """What a record says and no requirement does, or the other way round."""
    return sorted(said - set().union(*names)) + [sorted(n)[0] for n in names if not full and not n & said]


def expected_rules(judge):
    rules = {}
    for s in judge.subjects():
        if len(s.terms) == 1:
            rules.setdefault("|".join(next(iter(s.terms))), set()).add(s.rule.split()[0])
    return rules


def check_records(out, table, judge, proof):
    """(what is wrong, {secondary cell: {(protected, attacker)}})"""
    records = rows_of(os.path.join(out, "explain.csv"))
    hidden = sorted("|".join(c) for c, m in judge.mark.items() if m == "H")
    wrong, secondary, rules = [], {}, expected_rules(judge)
    if sorted(r["cell"] for r in records) != hidden:
        wrong.append("the records are not those of the hidden cells")
    for r in records:
        cell, against = r["cell"], r["against"].split(" + ")
        protects = r["protects"].split(" ") if r["protects"] else []
        own = rules.get(cell, set())
        if r["rules"] == "secondary":
            secondary[cell] = set(zip(protects, against))
            full = len(protects) == NAMED_MAX
            if own:
                wrong.append("%s: called secondary, and named by %s" % (cell, "+".join(sorted(own))))
            if len(protects) != len(against) or not protects:
                wrong.append("%s: not an attacker for each protected cell" % cell)
            named, doubt = proof.through(cell), proof.in_doubt(cell)
            odd = differ({p for p in secondary[cell] if p[0] not in doubt} | (secondary[cell] & set().union(*named)), named, full)
            if odd:
                wrong.append("%s: %s" % (cell, "; ".join("%s against %s" % p for p in odd[:4])))
            continue
        said = set(r["rules"].split("+"))
        if not said <= own | {"derivable"} or (own & {"R1", "R2"} and said != own & {"R1", "R2"}):
            wrong.append("%s: rules %s, by the definitions %s" % (cell, r["rules"], "+".join(sorted(own)) or "none"))
        odd = differ(set(against), proof.about(cell), len(against) >= NAMED_MAX)
        if odd:
            wrong.append("%s: against %s: %s" % (cell, sorted(set(against)), odd))
        if protects:
            wrong.append("%s: protects for itself, and others" % cell)
    return wrong, secondary


def print_one(out, table, cell):
    lines = []
    for row in rows_of(os.path.join(out, "RESULT.csv")):
        codes = tuple(row[d.name] for d in table.dims)
        if "|".join(codes) == cell:
            row.update(freq=str(table.value[codes]), status="P")
        lines.append(",".join(list(codes) + [row["freq"], row["status"]]))
    path = os.path.join(out, "ONE.csv")
    write(path, [",".join([d.name for d in table.dims] + ["freq", "status"])] + lines)
    return path


def is_disclosed(found, pairs):
    """One of the protected cells, to one of those it is protected against."""
    for text in found:
        who, rest = text.split(": ", 1)
        for cell, against in pairs:
            named = ("+" + cell) in rest.split()
            if named and (against == "public and offices" or (who == "public" if against == "public" else
                                                             set(against[7:].split("+")) <= set(who.split("+")) or who == "public")):
                return True
    return False


def one(seed):
    """(what is wrong, secondaries printed after all, of these with a disclosure)"""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        policy = tablemaker.make(folder, rng, limit=90)
        out = os.path.join(folder, "out")
        table = Table(folder, policy)
        if table.column or protect(folder, out).returncode != 0:
            return [], 0, 0
        judge = Judge(table, os.path.join(out, "RESULT.csv"), floor_of(out))
        wrong, secondary = check_records(out, table, judge, Proof(out, table))
        asked = rng.sample(sorted(secondary), min(2, len(secondary)))
        told = 0
        for cell in asked:
            try:
                found = Judge(table, print_one(out, table, cell), floor_of(out)).attack()
            except AssertionError:
                found = []
            told += is_disclosed(found, secondary[cell])
        if wrong:
            keep(folder, seed, wrong)
        return wrong, len(asked), told


# ---- refusals ----

def make_refused(folder, rng):
    """Small counts among cells that must be printed."""
    dims = [("d%d" % i, "ab"[i], rng.randint(2, 4)) for i in range(rng.randint(1, 2))]
    codes = [["_T"] + ["%s%d" % (letter, i) for i in range(n)] for _, letter, n in dims]
    for (name, letter, n) in dims:
        write(os.path.join(folder, "hier_%s.csv" % name), lines_of(tablemaker.flat(letter, n)))
    inner = list(itertools.product(*(c[1:] for c in codes)))
    head = ",".join(name for name, _, _ in dims)
    write(os.path.join(folder, "cells.csv"), [head + ",freq"] + [
        "%s,%d" % (",".join(c), rng.choice((0, 1, 2, 3, 8, 12, 20, 30))) for c in inner])
    every = list(itertools.product(*codes))
    policy = {"threshold": 5, "min_reporting": 1, "group_min": 0, "offices": "no", "ladder": "withhold", "redundancy": 0,
              "zeros": rng.choice(("published", "camouflage", "camouflage")), "hidden_sum_min": 0}
    value = Table(folder, policy).value
    forced = [c for c in every if value[c] >= 5 or value[c] == 0]
    forced = rng.sample(forced, min(len(forced), rng.randint(2, 9)))
    write(os.path.join(folder, "forced.csv"), [head] + [",".join(c) for c in forced])
    write(os.path.join(folder, "policy.yaml"), ["%s: %s" % kv for kv in sorted(policy.items())])
    return {k: str(v) for k, v in policy.items()}, set(forced)


def can_be_protected(folder, table, cell, printed, zeros):
    """Everything hidden but what is in printed and, where they must be, noughts."""
    lines = [",".join([d.name for d in table.dims] + ["freq", "status"])]
    for c in table.cells:
        show = c in printed or (table.value[c] == 0 and not zeros)
        lines.append("%s,%s" % (",".join(c), "%d,P" % table.value[c] if show else ",H"))
    path = os.path.join(folder, "ALL.csv")
    write(path, lines)
    judge = Judge(table, path, 0 if zeros else 1)
    return not any(": R1 +%s at" % "|".join(cell) in text for text in judge.attack())


def refused(seed):
    """(what is wrong, was it refused with something named?)"""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        policy, forced = make_refused(folder, rng)
        table, out = Table(folder, policy), os.path.join(folder, "out")
        p = protect(folder, out)
        if p.returncode == 0:
            return [], False
        part = [t.strip() for t in p.stderr.replace("\n", ";").split(";")]
        name = lambda t: tuple(t.split(": ", 1)[1].split("|"))
        cells = [name(t) for t in part if t.startswith("cannot be protected: ")]
        because = {name(t) for t in part if t.startswith("because this must be printed: ")}
        noughts = any("nought" in t and "because" in t for t in part)
        wrong = []
        if p.returncode != 4 or len(cells) != 1 or not because <= forced:
            wrong.append("exit %d: %s" % (p.returncode, p.stderr.strip()))
        elif policy["zeros"] != "published" or noughts or because:
            hide = policy["zeros"] != "published"
            if can_be_protected(folder, table, cells[0], because, hide):
                wrong.append("it could be protected with %s printed" % because)
            for c in because:
                if not can_be_protected(folder, table, cells[0], because - {c}, hide):
                    wrong.append("no need to name %s" % (c,))
            if noughts and not can_be_protected(folder, table, cells[0], forced, True):
                wrong.append("noughts are named, and do not help")
        if wrong:
            keep(folder, "refusal-%d" % seed, wrong + [p.stderr])
        return wrong, bool(because) or noughts


def main():
    hunt = Hunt(TABLES)
    asked, told, named = 0, 0, 0
    for seed in hunt.seeds():
        wrong, n, m = one(seed)
        hunt.count(seed, None, wrong)
        asked, told = asked + n, told + m
        if hunt.by_hand or seed < hunt.first + REFUSALS:
            wrong, some = refused(seed)
            hunt.count("%d, refusal" % seed, None, wrong)
            named += some
    print("first seed %d; secondary cells printed after all: %d, with a disclosure of what they protect: %d; refusals that "
          "name something: %d; failed: %d" % (hunt.first, asked, told, named, hunt.bad))
    sys.exit(1 if hunt.bad or told * 2 < asked or named == 0 else 0)


if __name__ == "__main__":
    main()
