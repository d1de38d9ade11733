"""All releases of a period, each a table folder with lists of its own, attacked as a union (tableattack.py attacks one).

Unknowns are persons by office, inner codes, and the office's form: of an office whose figures are the same wherever both
lists ask, readers know that, and its unknowns there are the same. What each release printed is a sum of them, by its own
lists. No views, no blanks: tests with those are elsewhere.
"""
import itertools
import json
import os

import numpy
from scipy.optimize import Bounds, LinearConstraint
from scipy.sparse import csr_matrix

from tableattack import Judge, Table


class Release:
    def __init__(self, folder, out, policy):
        with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
            self.floor = json.load(f)["floor"]
        self.table = Table(folder, policy)
        self.judge = Judge(self.table, os.path.join(out, "RESULT.csv"), self.floor)

    def leaves(self, cell):
        """The live inner cells whose sum the cell is."""
        spans = (sorted(d.below(c)) for d, c in zip(self.table.dims, cell))
        return [l for l in itertools.product(*spans) if self.table.live[l]]

    def form(self, office):
        """What an office said, at the inner codes of this release's lists: {codes: (is there something, count)}."""
        i = self.table.office_at
        return {c: (self.table.live[c], v) for c, v in self.table.value.items() if self.table.is_leaf(c) and c[i] == office}


def same_form(a, b):
    """The same wherever both lists ask."""
    return all(a[c] == b[c] for c in set(a) & set(b))


class FolderUnion:
    def __init__(self, releases):
        self.releases, self.found, self.questions, self.differences = releases, [], 0, 0
        self.k, self.width = releases[0].judge.k, releases[0].judge.width
        self.offices = sorted({o for r in releases for o in r.table.offices()})
        forms = {o: [r.form(o) for r in releases] for o in self.offices}
        self.same = {(o, u, v): same_form(f[u], f[v]) for o, f in forms.items() for v in range(len(f)) for u in range(v)}

    def unknown(self, v, leaf):
        """The first release whose unknown this is."""
        office = leaf[self.releases[v].table.office_at]
        return next((u for u in range(v) if self.same[office, u, v] and leaf in self.releases[u].table.value), v), leaf

    def terms(self, v, cell, index):
        """The cell of a release as {unknown: 1}."""
        return {index.setdefault(self.unknown(v, l), len(index)): 1 for l in self.releases[v].leaves(cell)}

    def changed(self, u, v, cell):
        """The offices of which a reader cannot tell that they have the same in both."""
        i = self.releases[v].table.office_at
        known = {self.unknown(u, l) for l in self.releases[u].leaves(cell)}
        now = {self.unknown(v, l) for l in self.releases[v].leaves(cell)}
        return {leaf[i] for _, leaf in known ^ now}

    def asked(self, own, index):
        for v, r in enumerate(self.releases):
            for subject in r.judge.subjects():
                target = r.judge.target(subject, own)
                if target is None:
                    continue
                terms = {}
                for cell, sign in subject.terms.items():
                    for x in self.terms(v, cell, index):
                        terms[x] = terms.get(x, 0) + sign
                yield "release %d: %s" % (v, subject.name()), terms, 1, target, v
        for u, v in itertools.combinations(range(len(self.releases)), 2):
            yield from self.changes(u, v, own, index)

    def changes(self, u, v, own, index):
        """A small difference between what two tables have must be able to be larger in its own direction."""
        before, after = self.releases[u], self.releases[v]
        for cell in sorted(set(before.judge.mark) & set(after.judge.mark)):
            if not (before.judge.counted(cell) and after.judge.counted(cell)):
                continue
            changed = self.changed(u, v, cell)
            mine = after.table.own(cell, own) - before.table.own(cell, own) if own else 0
            rest = after.table.value[cell] - before.table.value[cell] - mine
            if rest == 0 or abs(rest) >= self.k or changed <= set(own):
                continue
            terms = dict(self.terms(v, cell, index))
            for x in self.terms(u, cell, index):
                terms[x] = terms.get(x, 0) - 1
            sign = 1 if rest > 0 else -1
            self.differences += 1
            yield "difference %d-%d: %s" % (v, u, "|".join(cell)), {x: c for x, c in terms.items() if c}, sign, \
                sign * mine + max(self.k, abs(rest) + self.width), 0

    def knew(self, v, terms, own, index):
        """Did earlier releases alone, with all that the attackers sent since, tell a sum of release v exactly?"""
        constraints, bounds = self.system(own, index, v)
        ends = [self.releases[0].judge.reach([(i, sign * c) for i, c in terms.items()], numpy.inf, len(index), constraints, bounds, [])
                for sign in (1, -1)]
        return bool(own) and ends[0] == -ends[1]

    def system(self, own, index, until=None):
        """Everything printed (until: before that release), and what the attackers sent themselves."""
        rows, most = [], 0
        for v, r in enumerate(self.releases):
            i = r.table.office_at
            for cell, mark in r.judge.mark.items():
                if mark not in "PH" or not r.table.live[cell] or (until is not None and v >= until):
                    continue
                value = r.table.value[cell]
                rows.append((self.terms(v, cell, index), value if mark == "P" else r.floor,
                             value if mark == "P" else numpy.inf))
            for cell, value in r.table.value.items():
                most = max(most, value)
                if r.table.is_leaf(cell) and r.table.live[cell] and cell[i] in own:
                    rows.append((self.terms(v, cell, index), value, value))
        at, columns, data = [], [], []
        for row, (terms, _, _) in enumerate(rows):
            for x, c in terms.items():
                at.append(row)
                columns.append(x)
                data.append(c)
        matrix = csr_matrix((data, (at, columns)), shape=(len(rows), len(index)))
        return LinearConstraint(matrix, [r[1] for r in rows], [r[2] for r in rows]), Bounds(
            numpy.zeros(len(index)), numpy.full(len(index), most + 100))

    def attack_as(self, own):
        index, pool = {}, []
        asked = list(self.asked(own, index))
        constraints, bounds = self.system(own, index)
        for what, terms, sign, target, v in asked:
            self.questions += 1
            if any(sum(sign * c * x[i] for i, c in terms.items()) >= target for x in pool):
                continue
            best = 0
            if terms:
                best = self.releases[0].judge.reach([(i, sign * c) for i, c in terms.items()], target, len(index),
                                                    constraints, bounds, pool)
            if best < target and not (v > 0 and terms and self.knew(v, terms, own, index)):
                self.found.append("%s: %s reaches %d, target %d" % ("+".join(own) or "public", what, best, target))

    def attack(self):
        for n in range(int(self.releases[0].table.policy.get("coalition", 1)) + 1):
            for own in itertools.combinations(self.offices, n):
                self.attack_as(own)
        return self.found
