"""All releases of a period, each a table folder with lists of its own, attacked as a union (tableattack.py attacks one).

Unknowns are persons by office, inner codes, and the office's form: an office that sent the same figures for every code
that both lists have, and nobody at the others, is known to have sent nothing new, and its unknowns are the same. What
each release printed is a sum of them, by its own lists. No views, no blanks: tests with those are elsewhere.
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
        self.tag = {}

    def leaves(self, cell):
        """The live inner cells whose sum the cell is."""
        spans = (sorted(d.below(c)) for d, c in zip(self.table.dims, cell))
        return [l for l in itertools.product(*spans) if self.table.live[l]]

    def form(self, office):
        """What an office said: {codes: count} of what is not nought."""
        i = self.table.office_at
        return {c: v for c, v in self.table.value.items()
                if self.table.is_leaf(c) and c[i] == office and self.table.live[c]}


def same_form(a, b):
    """Both said the same of what both were asked, and nobody stands at what one was not."""
    return bool(set(a) & set(b)) and all(a[c] == b[c] for c in set(a) & set(b)) and not any(
        f[c] for f, g in ((a, b), (b, a)) for c in set(f) - set(g))


class FolderUnion:
    def __init__(self, releases):
        self.releases, self.found, self.questions, self.differences = releases, [], 0, 0
        self.k, self.width = releases[0].judge.k, releases[0].judge.width
        self.offices = sorted({o for r in releases for o in r.table.offices()})
        for office in self.offices:
            forms = []
            for v, r in enumerate(releases):
                form = r.form(office)
                r.tag[office] = next((u for u, other in enumerate(forms) if form and same_form(form, other)), v)
                forms.append(form)

    def terms(self, v, cell, index):
        """The cell of a release as {unknown: 1}."""
        r = self.releases[v]
        i = r.table.office_at
        return {index.setdefault((r.tag[l[i]], l), len(index)): 1 for l in r.leaves(cell)}

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
                yield "release %d: %s" % (v, subject.name()), terms, 1, target
        for u, v in itertools.combinations(range(len(self.releases)), 2):
            yield from self.changes(u, v, own, index)

    def changes(self, u, v, own, index):
        """A small difference between what two tables have must be able to be larger in its own direction."""
        before, after = self.releases[u], self.releases[v]
        for cell in sorted(set(before.judge.mark) & set(after.judge.mark)):
            if not (before.judge.counted(cell) and after.judge.counted(cell)):
                continue
            i = after.table.office_at
            below = before.table.dims[i].below(cell[i]) | after.table.dims[i].below(cell[i])
            changed = {o for o in below if before.tag[o] != after.tag[o]}
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
                sign * mine + max(self.k, abs(rest) + self.width)

    def system(self, own, index):
        """Everything printed, and what the attackers sent themselves."""
        rows, most = [], 0
        for v, r in enumerate(self.releases):
            i = r.table.office_at
            for cell, mark in r.judge.mark.items():
                if mark not in "PH" or not r.table.live[cell]:
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
        for what, terms, sign, target in asked:
            self.questions += 1
            if any(sum(sign * c * x[i] for i, c in terms.items()) >= target for x in pool):
                continue
            best = 0
            if terms:
                best = self.releases[0].judge.reach([(i, sign * c) for i, c in terms.items()], target, len(index),
                                                    constraints, bounds, pool)
            if best < target:
                self.found.append("%s: %s reaches %d, target %d" % ("+".join(own) or "public", what, best, target))

    def attack(self):
        for own in [()] + [(o,) for o in self.offices]:
            self.attack_as(own)
        return self.found
