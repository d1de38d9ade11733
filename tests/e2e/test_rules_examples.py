#!/usr/bin/python3
"""docs/rules.md says what is so: each of its examples is made into a table folder and protected by the command.

Held against the page: which cells are printed, hidden or neither, and which of them a rule names (marks of the first table); of
what is asked, rule, value and target (second table), by the auditors' part; how far readers and offices can narrow it, by
whole-number programs of the test's own (tableattack.py); and what another setting changes. The verifier agrees.

test_rules_examples.py [DIR]: with DIR the folders stay there.
"""
import itertools
import os
import re
import sys
import tempfile

import numpy

from harness import SOURCE, cellveil
from tableattack import Judge, Table, rows_of
from tablemaker import write

ABC = "abcd"
AREAS = {"north": "abc", "south": "def", "west": "ghi"}
PLAIN = {"min_reporting": "1", "redundancy": "0"}


def flat(*codes):
    return ["@,_T"] + ["@@," + c for c in codes]


def areas(of):
    return ["@,_T"] + [line for area, offices in of.items() for line in ["@@," + area] + ["@@@," + o for o in offices]]


def views(*pairs):
    return [line for pair in pairs for line in ["@,clients,1"] + ["@@,%s," % c for c in pair]]


# Example -> (name of the rows, their lines, name of the columns, their lines, tables.csv: rows, columns)
SHAPES = {
    "R1": ("office", flat(*ABC), "age", flat("young", "middle", "old"), None),
    "R2": ("office", flat(*ABC), "age", flat("young", "middle", "old"), None),
    "R3": ("office", areas({"north": "ab", "south": "cd", "west": "ef"}), "kind", flat("x", "y"), ("_T|north|south|west", "*")),
    "R4, nobody else": ("office", flat(*ABC), "kind", flat("x", "y", "z"), None),
    "R4, all but a few": ("office", flat(*ABC), "kind", flat("x", "y", "z"), None),
    "R5": ("office", areas(AREAS), "kind", flat("x", "y"), ("_T|north|south|west", "*")),
    "R6": ("office", areas(AREAS), "kind", flat("x", "y"), ("_T|north|south|west", "*")),
    "R7": ("area", flat(*"ABCD"), "kind", flat("x", "y", "z", "u"), None),
    "R8": ("office", flat(*ABC), "post", flat("full", "part"), None),
    "R9": ("office", flat(*ABC), "reason", views(("economy", "not economy"), ("housing", "not housing")),
           ("*", "clients|economy|housing")),
    "R10": ("office", flat(*ABC), "kind", flat("x", "y"), ("*", "_T|x")),
    "R11": ("office", flat(*ABC), "flow", views(("new", "continuing"), ("ended", "going on")), ("*", "clients|new|ended")),
    "R12": ("office", flat(*ABC), "age", flat("young", "middle", "old"), None),
}


def code(text):
    return "_T" if text == "all" else text.strip("()")


def number(text):
    return int(re.search(r"\d+", text).group())


def subject_of(text):
    """`a, young` is a cell; `a, all less x` is one less another."""
    row, columns = text.split(", ")
    return tuple((code(row), code(c)) for c in columns.split(" less "))


class Example:
    """A section of the page: counts with marks, what is asked, shares."""

    def __init__(self, name, text):
        self.name, self.text = name, text
        tables = [[[c.strip() for c in line.strip("|\n ").split("|")] for line in block.splitlines()]
                  for block in re.findall(r"(?m)(?:^\|.*\n)+", text)]
        (head, _, *rows), self.asked = tables[0], tables[1]
        self.cell = {(code(row[0]), code(c)): t for row in rows for c, t in zip(head[1:], row[1:])}
        (_, *names), _, *shares = tables[2] if len(tables) > 2 else [[""], [""]]
        self.shares = {(row[0], n): t for row in shares for n, t in zip(names, row[1:])}
        said = "\n".join(re.findall(r"(?m)^Settings: .*$", text))
        self.settings = dict(PLAIN, **dict(re.findall(r"`(\w+): ([^`]+)`", said)))
        self.level = (re.findall(r"`--level (L\d)`", said) or ["L3"])[0]

    def marked(self, pattern):
        return {c for c, t in self.cell.items() if re.fullmatch(pattern, t.strip("()"))}


def make(example, folder, settings):
    """The table folder; the path of its policy."""
    rows, row_lines, columns, column_lines, printed = SHAPES[example.name]
    os.makedirs(folder, exist_ok=True)
    for name, lines in ((rows, row_lines), (columns, column_lines)):
        write(os.path.join(folder, "hier_%s.csv" % name), ["level,code" + (",view" if lines[0].count(",") > 1 else "")] + lines)
    dims = [Table._dim(folder, name) for name in (rows, columns)]
    inner = {c: t for c, t in example.cell.items() if all(x in d.leaf for x, d in zip(c, dims))}
    write(os.path.join(folder, "cells.csv"), ["%s,%s,freq,status" % (rows, columns)] + [
        "%s,%s,%d,%s" % (*c, number(t), "blank" if "blank" in t else "") for c, t in inner.items()])
    if printed:
        write(os.path.join(folder, "tables.csv"), ["table,dim,codes"] + [
            "t,%s,%s" % line for line in zip((rows, columns), printed)])
    reported = ["%s,_T" % r for (r, _), t in inner.items() if "blank" in t]
    if reported:
        write(os.path.join(folder, "covered.csv"), ["%s,%s" % (rows, columns)] + reported)
    if example.shares:
        write(os.path.join(folder, "derived.csv"), ["id,numerator,denominator,factor,digits"] + [
            "%s-%s,%s|%s,%s|_T,100,1" % (kind, name, code(name), kind, code(name)) for kind, name in example.shares])
    path = os.path.join(folder, "policy.yaml")
    write(path, ["%s: %s" % kv for kv in settings.items()])
    return path


class Outcome:
    """What came out of an example, and what everybody can know of it."""

    def __init__(self, example, folder, settings):
        path, self.out = make(example, folder, settings), os.path.join(folder, "out")
        at = lambda name: os.path.join(self.out, name)
        p = cellveil("protect", folder, "--policy", path, "--level", example.level, "-o", self.out)
        assert p.returncode == 0, p.stderr
        p = cellveil("verify-certificate", folder, at("RESULT.csv"), at("certificate.cvc"), "--auditor", at("certificate.auditor.cvc"),
                     "--truth", os.path.join(folder, "cells.csv"), "--policy", path)
        assert p.returncode == 0, p.stderr
        self.table = Table(folder, settings)
        self.judge = Judge(self.table, at("RESULT.csv"), 1 if settings.get("zeros") == "published" else 0)
        self.mark = self.judge.mark

    def asked(self):
        """{(subject, rule): (least value asked, attackers)}, of the auditors' part; not what moves leave in doubt besides (R12)."""
        names, found = list(itertools.product(*(d.codes for d in self.table.dims))), {}
        with open(os.path.join(self.out, "certificate.auditor.cvc"), encoding="utf-8") as f:
            for word in (line.split() for line in f if line.startswith("r ") and not line.endswith(" derivable\n")):
                key = tuple(names[int(n)] for n in word[1].split("-")), word[-1]
                value, who = found.get(key, (int(word[2]), set()))
                found[key] = min(value, int(word[2])), who | {word[-3]}
        return found

    def end(self, subject, own, way):
        """The least (way 1) or most (-1) in any whole-number table that agrees with all this attacker knows."""
        index, constraints, bounds = self.judge.system(own)
        cost, fixed = numpy.zeros(len(index)), 0
        for i, cell in enumerate(subject):
            sign = 1 if i == 0 else -1
            if cell in index:
                cost[index[cell]] = way * sign
            else:
                fixed += sign * self.table.value[cell]
        tables = [self.judge.solve(cost, constraints, bounds, presolve) for presolve in (True, False)]
        return fixed + way * min(round(float(cost @ x)) for x in tables if x is not None)

    def interval(self, subject, own):
        return "%d–%d" % (self.end(subject, own, 1), self.end(subject, own, -1))


def check_marks(example, outcome):
    """Counts add up; printed, hidden, named and missing is what the page says."""
    table = outcome.table
    for cell, text in example.cell.items():
        status = "N" if text == "–" or "blank" in text else "H" if text.startswith("*") else None if text.startswith("(") else "P"
        assert outcome.mark.get(cell) == status, ("mark", cell, text, outcome.mark.get(cell))
        assert text == "–" or number(text) == table.value[cell], ("count", cell, text, table.value[cell])
    assert set(outcome.mark) <= set(example.cell), set(outcome.mark) - set(example.cell)
    rules = {tuple(r["cell"].split("|")): r["rules"] for r in rows_of(os.path.join(outcome.out, "explain.csv"))}
    named, beside = example.marked(r"\*\*\d+\*\*"), example.marked(r"\*\d+\*")
    assert beside == {c for c in rules if rules[c] == "secondary"}, ("hidden beside", rules)
    assert {c for c in named if outcome.mark.get(c)} == {c for c in rules if rules[c] != "secondary"}, ("named", rules)


def check_asked(example, outcome, folder):
    """Each line of the second table, and no other, is in the auditors' part; the intervals are what they are."""
    head, _, *rows = example.asked
    asked, page = outcome.asked(), set()
    for what, value, rule, target, against, *left in rows:
        subject = subject_of(what)
        page.add((subject, rule))
        assert (subject, rule) in asked, (what, rule, asked)
        least, who = asked[subject, rule]
        true = outcome.table.value
        assert number(value) == true[subject[0]] - sum(true[c] for c in subject[1:]), (what, value)
        assert target == "–" or int(target) == least, ("asked", what, target, least)
        assert who == {against} if against != "everybody" else len(who) > 1 or who == {"public"}, ("against", what, against, who)
        for name, text in zip(head[5:], left):
            other = re.findall(r"`(\w+: [^`]+)`", name)
            seen = outcome if not other else Outcome(example, folder + "-other", dict(example.settings, **dict([other[0].split(": ")])))
            said = seen.interval(subject, () if name == "readers" or other else (name,))
            assert text == said, ("interval", what, name, text, said)
    assert page == set(asked), ("asked, and not on the page", set(asked) - page)
    assert example.name == "R7" or example.marked(r"\*\*.*|blank.*") >= {s[0] for s, _ in page if len(s) == 1}, page


def check_shares(example, outcome):
    rows = {r["id"]: r["value"] for r in rows_of(os.path.join(outcome.out, "DERIVED.csv"))} if example.shares else {}
    said = {"%s-%s" % share: text for share, text in example.shares.items()}
    assert {n: v + " %" if v else "hidden" for n, v in rows.items()} == said, rows


def check_otherwise(example, folder):
    """`With SETTING nothing is hidden`, `with SETTING N cells are hidden`."""
    said = re.findall(r"With (`[^.]*?)(nothing is|\d+ cells are) hidden", example.text)
    for key, value, n in ((*setting, n) for text, n in said for setting in re.findall(r"`(\w+): ([^`]+)`", text)):
        other = Outcome(example, "%s-%s-%s" % (folder, key, value), dict(example.settings, **{key: value}))
        hidden = sum(m == "H" for m in other.mark.values())
        assert hidden == (0 if n == "nothing is" else number(n)), (key, value, other.mark)


def examples():
    with open(os.path.join(SOURCE, "docs/rules.md"), encoding="utf-8") as f:
        parts = re.split(r"(?m)^## (R\d+(?:, [a-z ]+)?)(?:: .*)?\n", f.read())
    return [Example(name, text) for name, text in zip(parts[1::2], parts[2::2])]


def check(top):
    failed = 0
    page = examples()
    assert [e.name for e in page] == list(SHAPES), [e.name for e in page]
    for example in page:
        folder = os.path.join(top, example.name.replace(", ", "-").replace(" ", "-"))
        try:
            outcome = Outcome(example, folder, example.settings)
            check_marks(example, outcome)
            check_asked(example, outcome, folder)
            check_shares(example, outcome)
            check_otherwise(example, folder)
            print("ok", example.name, flush=True)
        except AssertionError as error:
            failed += 1
            print("FAILED", example.name, error, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        check(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="cv-") as temporary:
        check(temporary)
