"""An attacker on figures that were rounded or moved by noise, written from docs/disclosure.md "Methods" alone.

What a reader knows of a figure is an interval; everything else is as in tableattack.py. Asked for each protected
subject and attacker: do two whole-number tables that fit differ by the width in it?
"""
import os

import numpy
from scipy.optimize import Bounds

from tableattack import Judge, Table


class MovedJudge(Judge):
    def __init__(self, table, result_path):
        super().__init__(table, result_path, 0)
        self.zeros = self.policy.get("zeros", "sensitive")
        self.rounding = self.policy["method"] == "rounding"
        self.reach_of = int(self.policy["base"]) - 1 if self.rounding else int(self.policy["noise_max"])
        self.totals = self.reach_of  # the most a total is away; inner figures keep reach_of
        self.shown = {}
        self.read_method(os.path.join(os.path.dirname(result_path), "certificate.cvc"))
        self.read(result_path)
        self.check_figures()

    def read_method(self, path):
        """What the certificate promises where it differs from the policy: totals that may be further away."""
        with open(path, encoding="utf-8") as f:
            line = [words for words in map(str.split, f) if words and words[0] == "method"][0]
        if self.rounding and line[4:5] == ["totals"]:
            self.totals = int(line[5])
            if self.totals != 2 * self.reach_of + 1:
                self.found.append("totals may be further away than the next multiple")
            if self.policy.get("ladder") == "withhold":
                self.found.append("totals are further away than the policy's ladder allows")

    def inner(self, cell):
        dims = self.table.dims[:self.table.public_dims] if self.table.column else self.table.dims
        return all(code in d.leaf for d, code in zip(dims, cell))

    def most(self, cell):
        return self.reach_of if self.inner(cell) else self.totals

    def read(self, path):
        tail = (self.table.dims[-1].total,) if self.table.column else ()
        with open(path, encoding="utf-8") as f:
            header = f.readline().strip().split(",")
            for line in f:
                row = dict(zip(header, line.rstrip("\n").split(",")))
                if row["status"] == "R":
                    cell = tuple(row[d.name] for d in self.table.dims[:self.table.public_dims]) + tail
                    self.shown[cell] = int(row["freq"])
                elif row["status"] not in "ZNA":
                    self.found.append("a mark of another method: " + row["status"])

    def check_figures(self):
        """What the method promises of each figure and of their sums."""
        base = self.reach_of + 1
        for cell, near in self.shown.items():
            true = self.table.value[cell]
            most = self.most(cell)
            wrong = near < 0 or abs(near - true) > most or (true == 0 and near != 0)
            if self.rounding:
                wrong = wrong or near % base or (most < base and true % base == 0 and near != true)
            else:
                wrong = wrong or abs(near - true) > true
            if wrong:
                self.found.append("figure not as promised: %s" % "|".join(cell))
        for _, _, parent, children in self.table.relations() if self.rounding else []:
            known = [self.shown.get(c, None if self.table.live[c] else 0) for c in [parent] + children]
            if None not in known and known[0] != sum(known[1:]):
                self.found.append("does not add up: %s" % "|".join(parent))

    def interval(self, cell):
        near, most = self.shown[cell], self.most(cell)
        low = max(0, near - most)
        return (low if self.rounding else max(low, -(-near // 2))), near + most

    def counted(self, cell):
        return self.mark.get(cell) == "R" and self.table.live[cell]

    def known(self, cell, own):
        table = self.table
        return not table.live[cell] or bool(own) and table.dims[table.office_at].below(
            cell[table.office_at]) <= set(own)

    def system(self, own):
        index, constraints, bounds = super().system(own)
        if bounds is None:
            return index, constraints, bounds
        low, high = bounds.lb.copy(), bounds.ub.copy()
        for cell, column in index.items():
            if cell in self.shown:
                low[column], high[column] = self.interval(cell)
        return index, constraints, Bounds(low, high)

    def protected(self, subject, own):
        if subject.rule in ("R4 base", "R5") or self.target(subject, own) is None:
            return False
        value = subject.total(self.table.value.__getitem__)
        rest = value - (subject.total(lambda c: self.table.own(c, own)) if own else 0)
        if value >= self.k and own and self.policy.get("residual", "yes") == "no":
            return False
        return rest < self.k

    def attack_as(self, own, subjects):
        subjects = [s for s in subjects if self.protected(s, own)]
        if not subjects:
            return
        index, constraints, bounds = self.system(own)
        pool = []
        for subject in subjects:
            terms = [(index[c], s) for c, s in subject.terms.items() if c in index]
            true = sum(s * self.table.value[c] for c, s in subject.terms.items() if c in index)
            values = [true] + [int(sum(s * x[i] for i, s in terms)) for x in pool]
            for sign in (1, -1):
                if terms and max(values) - min(values) < self.width:
                    turned = [(i, sign * s) for i, s in terms]
                    most = self.reach(turned, 10**9, len(index), constraints, bounds, pool)
                    values.append(sign * most)
            if max(values) - min(values) < self.width:
                self.found.append("%s: %s from %d to %d" % (
                    "+".join(own) or "public", subject.name(), min(values), max(values)))

    def reach(self, terms, least, size, constraints, bounds, pool):
        best, cost = None, numpy.zeros(size)
        for i, s in terms:
            cost[i] -= s
        for presolve in (True, False):
            x = self.solve(cost, constraints, bounds, presolve)
            if x is not None:
                pool.append(x)
                value = int(sum(s * x[i] for i, s in terms))
                best = value if best is None else max(best, value)
        assert best is not None, "no table fits what was published"
        return best


def judge_moved(folder, out, policy):
    """Everything that is not as promised; [] is what we want."""
    return MovedJudge(Table(folder, policy), os.path.join(out, "RESULT.csv")).attack()
