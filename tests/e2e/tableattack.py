"""An attacker on tables that `cellveil protect` made, written from the definitions in docs/disclosure.md alone.

A table folder is read as it stands; the truth is summed here; the rules R1-R5, R9 and R12 are applied here; and a
whole-number program says for each protected subject and each attacker whether the published facts leave it room up
to its target. The truth itself fits every fact, so "can reach v + width" is also "is at least width wide".
"""
import csv
import itertools
import json
import os

import numpy
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix


class Dim:
    """Codes and breakdowns of one dimension: [(parent, [children], is it a view)]."""

    def __init__(self, name, lines):
        self.name, self.codes, self.breakdowns = name, [], []
        open_at = {}  # level -> (code, children of this appearance, view)
        for level, code, view in lines:
            if code not in self.codes:
                self.codes.append(code)
            for deeper in [l for l in open_at if l >= level]:
                self._close(open_at.pop(deeper))
            if level - 1 in open_at and code not in open_at[level - 1][1]:  # again: another grouping of its own
                open_at[level - 1][1].append(code)
            open_at[level] = (code, [], view)
        for appearance in open_at.values():
            self._close(appearance)
        self.total = self.codes[0]
        self.down = {c: [b for b in self.breakdowns if b[0] == c] for c in self.codes}
        self.leaf = {c for c in self.codes if not self.down[c]}

    def _close(self, appearance):
        code, children, view = appearance
        if children:
            self.breakdowns.append((code, children, view))

    def below(self, code):
        """The leaves whose sum the code is: along its first ordinary breakdown, else its first view."""
        if code in self.leaf:
            return {code}
        _, children, _ = min(self.down[code], key=lambda b: b[2])
        return set().union(*(self.below(c) for c in children))

    def everywhere(self, code):
        """All leaves below, those of every breakdown and view."""
        if code in self.leaf:
            return {code}
        return set().union(*(self.everywhere(c) for b in self.down[code] for c in b[1]))


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def patterns(folder, name, dims):
    path = os.path.join(folder, name)
    rows = rows_of(path) if os.path.exists(path) else []
    return [[r[d.name] for d in dims] for r in rows]


def matches(pattern, cell):
    return all(p in ("*", c) for p, c in zip(pattern, cell))


class Table:
    """A table folder with its counts. Cells are tuples of codes, the offices' dimension among them."""

    def __init__(self, folder, policy):
        self.policy, self.folder = policy, folder
        rows = rows_of(os.path.join(folder, "cells.csv"))
        with open(os.path.join(folder, "cells.csv"), encoding="utf-8") as f:
            header = f.readline().strip().split(",")
        office_dim = policy.get("office_dim", "office")
        names = [h for h in header if h not in ("freq", "status")]
        has_file = {n: os.path.exists(os.path.join(folder, "hier_%s.csv" % n)) for n in names}
        self.column = "office" in names and not has_file["office"]
        self.dims = [self._dim(folder, n) for n in names if has_file[n]]
        self.public_dims = len(self.dims)
        if self.column:
            offices = sorted({r["office"] for r in rows if r["office"]})
            self.dims.append(Dim("office", [(1, "_T", False)] + [(2, o, False) for o in offices]))
        self.office_at = None
        if policy.get("offices", "yes") == "yes":
            self.office_at = next((i for i, d in enumerate(self.dims)
                                   if self.column and i == self.public_dims or d.name == office_dim), None)
        self.cells = list(itertools.product(*(d.codes for d in self.dims)))
        self._leaves(folder, rows)
        self._sum()
        self._printed(folder)

    @staticmethod
    def _dim(folder, name):
        rows = rows_of(os.path.join(folder, "hier_%s.csv" % name))
        return Dim(name, [(len(r["level"]), r["code"], r.get("view") == "1") for r in rows])

    def is_leaf(self, cell):
        return all(c in d.leaf for c, d in zip(cell, self.dims))

    def _leaves(self, folder, rows):
        self.value, self.status = {}, {}
        for row in rows:
            cell = tuple(row[d.name] for d in self.dims)
            self.value[cell] = int(row["freq"] or 0)
            self.status[cell] = row.get("status") or ""
        structural = patterns(folder, "structural.csv", self.dims[:self.public_dims])
        for cell in self.cells:
            if self.is_leaf(cell):
                self.value.setdefault(cell, 0)
                self.status.setdefault(cell, "")
                if any(self.is_below(p, cell) for p in structural):
                    self.status[cell] = "structural"

    def is_below(self, pattern, leaf):
        """A line of structural.csv that names a total is about everything below it."""
        return all(p == "*" or c in d.everywhere(p) for p, c, d in zip(pattern, leaf, self.dims))

    def _sum(self):
        self.live = {}
        for cell in self.cells:
            if not self.is_leaf(cell):
                self.value[cell] = sum(self.value[l] for l in itertools.product(
                    *(d.below(c) for c, d in zip(cell, self.dims))))
            spread = itertools.product(*(d.everywhere(c) for c, d in zip(cell, self.dims)))
            self.live[cell] = any(self.status[l] not in ("structural", "nr", "na") for l in spread)

    def _printed(self, folder):
        path = os.path.join(folder, "tables.csv")
        public = self.dims[:self.public_dims]
        if not os.path.exists(path):
            chosen = set(itertools.product(*(d.codes for d in public)))
        else:
            chosen, tables = set(), {}
            for row in rows_of(path):
                tables.setdefault(row["table"], {})[row["dim"]] = row["codes"]
            for spec in tables.values():
                spans = [[d.total] if d.name not in spec else d.codes if spec[d.name] == "*"
                         else spec[d.name].split("|") for d in public]
                chosen |= set(itertools.product(*spans))
        tail = (self.dims[-1].total,) if self.column else ()
        self.printed = {c + tail for c in chosen}

    def relations(self):
        """(place of the dimension, breakdown, cell of the parent, cells of the children)."""
        for i, dim in enumerate(self.dims):
            others = [d.codes if k != i else [None] for k, d in enumerate(self.dims)]
            for breakdown in dim.breakdowns:
                for rest in itertools.product(*others):
                    put = lambda c: rest[:i] + (c,) + rest[i + 1:]
                    yield i, breakdown, put(breakdown[0]), [put(c) for c in breakdown[1]]

    def offices(self):
        return sorted(self.dims[self.office_at].leaf) if self.office_at is not None else []

    def own(self, cell, offices):
        """What these offices contributed to a cell."""
        i = self.office_at
        below = self.dims[i].below(cell[i])
        return sum(self.value[cell[:i] + (o,) + cell[i + 1:]] for o in offices if o in below)

    def others_live(self, cell, offices):
        i = self.office_at
        return any(self.live[cell[:i] + (o,) + cell[i + 1:]]
                   for o in self.dims[i].below(cell[i]) if o not in offices)


class Subject:
    """Something protected: a sum of cells with signs."""

    def __init__(self, rule, terms, attackers=None):
        self.rule, self.terms, self.attackers = rule, terms, attackers

    def total(self, f):
        return sum(sign * f(cell) for cell, sign in self.terms.items())

    def name(self):
        return self.rule + " " + " ".join(("+" if s > 0 else "-") + "|".join(c) for c, s in self.terms.items())


class Judge:
    def __init__(self, table, result_path, floor):
        self.table, self.policy, self.floor = table, table.policy, floor
        self.k, self.width = int(self.policy.get("threshold", 5)), int(self.policy.get("width", 2))
        self.zeros = self.policy.get("zeros", "sensitive")
        if self.zeros == "published" and floor == 0:
            self.zeros = "camouflage"  # a step of the ladder
        tail = (table.dims[-1].total,) if table.column else ()
        self.mark = {}
        self.found = []
        for row in rows_of(result_path):
            cell = tuple(row[d.name] for d in table.dims[:table.public_dims]) + tail
            self.mark[cell] = row["status"]
            if row["status"] == "P" and int(row["freq"]) != table.value[cell]:
                self.found.append("printed value is not the truth: " + "|".join(cell))
            if row["status"] == "H" and row["freq"] != "":
                self.found.append("hidden value is printed: " + "|".join(cell))
        if not self.whole_codes(table.printed - set(self.mark)) or set(self.mark) - table.printed:
            self.found.append("not the cells that were to be printed")
        self.bounds = {}  # what printed figures tell of cells
        self.figures(os.path.dirname(result_path), tail)

    def figures(self, out, tail):
        """R10: what DERIVED.csv tells of cells."""
        path = os.path.join(self.table.folder, "derived.csv")
        if not os.path.exists(path):
            return
        shown = {r["id"]: r for r in rows_of(os.path.join(out, "DERIVED.csv"))}
        for row in rows_of(path):
            value, status = shown[row["id"]]["value"], shown[row["id"]]["status"]
            cell, below = tuple(row["numerator"].split("|")) + tail, row["denominator"]
            parts = [cell] + ([tuple(below.split("|")) + tail] if "|" in below else [])
            if (value == "") != (status not in ("P", "R")):
                self.found.append("figure %s: %s with a value, or P without" % (row["id"], status))
            whole = self.table.value[parts[1]] if len(parts) == 2 else int(below)
            scale = int(row["factor"]) * 10 ** int(row["digits"])
            rounded = lambda x: (2 * x * scale + whole) // (2 * whole)
            if status != "P":
                continue
            if any(self.mark.get(c) not in ("P", "Z") for c in parts):
                self.found.append("figure %s: printed over a cell that is not" % row["id"])
            digits = int(value.replace(".", ""))
            if rounded(self.table.value[cell]) != digits:
                self.found.append("figure %s: wrong" % row["id"])
            fits = [x for x in range(self.table.value[cell] + whole + 2) if rounded(x) == digits]
            low, high = self.bounds.get(cell, (0, 10 ** 9))
            self.bounds[cell] = (max(low, fits[0]), min(high, fits[-1]))

    def whole_codes(self, missing):
        """The ladder may leave codes out of the whole release: every cell that lacks has such a code."""
        return all(any(not any(m[i] == cell[i] for m in self.mark) for i in range(len(cell))) for cell in missing)

    # ---- what is protected, from the definitions ----

    def small(self, v):
        return 1 <= v < self.k or (v == 0 and self.zeros == "sensitive")

    def counted(self, cell):
        """Printed as a count or hidden: not a mark for something missing."""
        return self.mark.get(cell) in ("P", "H") and self.table.live[cell]

    def subjects(self):
        table = self.table
        for cell in table.cells:
            if self.counted(cell) and self.small(table.value[cell]):
                yield Subject("R1" if table.value[cell] else "R2", {cell: 1})
        yield from self.residual_subjects()
        yield from self.group_subjects()
        yield from self.told_subjects()

    def residual_subjects(self):
        """R3 is per attacker; R5 against all."""
        table, i = self.table, self.table.office_at
        if i is None:
            return
        for cell in table.cells:
            if not self.counted(cell) or table.value[cell] < 1 or len(table.dims[i].below(cell[i])) < 2:
                continue
            v = table.value[cell]
            least = int(self.policy.get("min_offices", 1))
            contributors = sum(table.own(cell, [o]) > 0 for o in table.dims[i].below(cell[i]))
            live = sum(table.live[cell[:i] + (o,) + cell[i + 1:]] for o in table.dims[i].below(cell[i]))
            if contributors < least and live >= 2:
                yield Subject("R5", {cell: 1})
            if v < self.k or self.policy.get("residual", "yes") == "no":
                continue
            who = [c for c in self.coalitions() if c and 1 <= v - table.own(cell, c) < self.k]
            if self.policy.get("residual") == "zeros":
                who += [c for c in self.coalitions() if c and v == table.own(cell, c) and table.others_live(cell, c)]
            if who:
                yield Subject("R3", {cell: 1}, who)

    def group_dims(self):
        named = self.policy.get("group_dims")
        return [i for i, d in enumerate(self.table.dims)
                if (d.name in named if named else i != self.table.office_at and
                    d.name != self.policy.get("office_dim", "office"))]

    def group_subjects(self):
        table, least = self.table, int(self.policy.get("group_min", 3))
        dims = self.group_dims()
        for i, _, parent, children in table.relations():
            base = table.value[parent]
            alive = [c for c in children if table.live[c]]
            shown = [c for c in children if self.counted(c)]
            if not self.counted(parent) or not shown:
                continue
            if i not in dims or least == 0 or base < least or len(alive) < 2:
                continue
            for child in shown:
                rest = base - table.value[child]
                if 1 <= rest < self.k:
                    yield Subject("R4", {c: 1 for c in alive if c != child})
                elif rest == 0 and self.zeros == "published":
                    yield Subject("R4 base", {parent: 1})
                elif rest == 0:
                    for zero in alive:
                        if table.value[zero] == 0:
                            yield Subject("R4 zero", {zero: 1})

    # R9 and R12: what a reader would get by subtraction from all that may be printed, each cell of it or the rest of a total

    def told(self):
        known = {c for c in self.table.cells if self.counted(c)}
        lines = [[c for c in [parent] + children if self.table.live[c]] for _, _, parent, children in self.table.relations()]
        while True:
            more = {left[0] for left in ([c for c in cells if c not in known] for cells in lines) if len(left) == 1}
            if not more:
                return known
            known |= more

    def told_subjects(self):
        known = self.told()
        for cell in known:
            if not self.counted(cell):
                yield from self.judged({cell: 1})
        for _, _, parent, children in self.table.relations():
            alive = [c for c in children if self.table.live[c]]
            rest = {c: 1 for c in alive if c not in known}
            if parent in known and 0 < len(rest) < len(alive):
                yield from self.judged(rest)

    def judged(self, terms):
        subject = Subject("R12", terms)
        v = subject.total(self.table.value.__getitem__)
        if self.small(v):
            yield subject
        elif v > 0 and self.policy.get("residual", "yes") != "no":
            rest = lambda own: v - subject.total(lambda c: self.table.own(c, own))
            zeros = self.policy.get("residual") == "zeros"
            who = [own for own in self.coalitions() if own and (
                1 <= rest(own) < self.k or zeros and rest(own) == 0 and any(self.table.others_live(c, own) for c in terms))]
            if who:
                yield Subject("R3", terms, who)

    def coalitions(self):
        yield ()
        if self.table.office_at is None or self.policy.get("level", "L3") in ("L1", "L2"):
            return
        for n in range(1, int(self.policy.get("coalition", 1)) + 1):
            yield from itertools.combinations(self.table.offices(), n)

    # ---- the attack ----

    def known(self, cell, own):
        table = self.table
        if self.mark.get(cell) == "P" or not table.live[cell]:
            return True
        return bool(own) and table.dims[table.office_at].below(cell[table.office_at]) <= set(own)

    def system(self, own):
        table = self.table
        index, rows, columns, data, rhs = {}, [], [], [], []
        for cell in table.cells:
            if not self.known(cell, own):
                index[cell] = len(index)
        for _, _, parent, children in table.relations():
            right, terms = 0, []
            for cell, sign in [(parent, 1)] + [(c, -1) for c in children]:
                if cell in index:
                    terms.append((index[cell], sign))
                else:
                    right -= sign * table.value[cell]
            if not terms:
                assert right == 0
                continue
            for column, sign in terms:
                rows.append(len(rhs))
                columns.append(column)
                data.append(sign)
            rhs.append(right)
        low = numpy.zeros(len(index))
        for cell, column in index.items():
            if self.mark.get(cell) == "H":
                low[column] = self.floor
        high = numpy.full(len(index), max(self.table.value.values()) + 10 * self.k + 50)
        for cell, (least, most) in self.bounds.items():
            if cell in index:
                low[index[cell]], high[index[cell]] = max(least, low[index[cell]]), min(most, high[index[cell]])
        if not index:
            return index, None, None
        matrix = csr_matrix((data, (rows, columns)), shape=(max(1, len(rhs)), len(index)))
        rhs = rhs or [0]
        return index, LinearConstraint(matrix, rhs, rhs), Bounds(low, high)

    def attack(self):
        """Texts of everything that somebody can narrow further than the policy allows."""
        subjects = list(self.subjects())
        for own in self.coalitions():
            self.attack_as(own, subjects)
        return self.found

    def target(self, subject, own):
        """The value this subject must be able to reach against this attacker; None: not protected."""
        table = self.table
        if subject.attackers is not None and own not in subject.attackers:
            return None
        v = subject.total(table.value.__getitem__)
        if own and not any(table.others_live(c, own) for c in subject.terms):
            return None
        mine = subject.total(lambda c: table.own(c, own)) if own else 0
        rest = v - mine
        if own and rest == 0 and v > 0 and self.policy.get("residual") != "zeros":
            return None
        return mine + max(self.k, rest + self.width)

    def bottom(self, subject, own):
        """With zero_reach, the value it must be able to come down to; None: nothing is asked."""
        v = subject.total(self.table.value.__getitem__)
        mine = subject.total(lambda c: self.table.own(c, own)) if own else 0
        asked = self.policy.get("zero_reach") == "yes" and self.target(subject, own) is not None
        return mine if asked and v > mine else None

    @staticmethod
    def solve(cost, constraints, bounds, presolve):
        """A whole-number table of least cost, or None. HiGHS of Debian 12 now and then loses tables in its presolve:
        what it does not find is asked for again without."""
        answer = milp(cost, constraints=constraints, bounds=bounds, integrality=numpy.ones(len(cost)),
                      options={"presolve": presolve})
        return None if answer.x is None else numpy.rint(answer.x)

    def reach(self, terms, least, size, constraints, bounds, pool):
        """The largest sum of terms, or any that is at least `least`. Tables met on the way go into the pool."""
        best, cost = None, numpy.zeros(size)
        for i, s in terms:
            cost[i] -= s
        for presolve in (True, False):
            x = self.solve(cost, constraints, bounds, presolve)
            if x is None:
                continue
            pool.append(x)
            value = int(sum(s * x[i] for i, s in terms))
            best = value if best is None else max(best, value)
            if best >= least:
                break
        assert best is not None, "no table fits what was published"
        return best

    def is_no_secret(self, subject, best):
        return False

    def attack_as(self, own, subjects):
        wanted = [(s, 1, t) for s, t in ((s, self.target(s, own)) for s in subjects) if t is not None]
        wanted += [(s, -1, -t) for s, t in ((s, self.bottom(s, own)) for s in subjects) if t is not None]
        if not wanted:
            return
        index, constraints, bounds = self.system(own)
        pool = []
        for subject, way, target in wanted:
            fixed = sum(way * s * self.table.value[c] for c, s in subject.terms.items() if c not in index)
            terms = [(index[c], way * s) for c, s in subject.terms.items() if c in index]
            if any(fixed + sum(s * x[i] for i, s in terms) >= target for x in pool):
                continue
            best = fixed
            if terms:
                best += self.reach(terms, target - fixed, len(index), constraints, bounds, pool)
            if best < target and not self.is_no_secret(subject, best):
                self.found.append("%s: %s at %s %d, target %d, true %d" % (
                    "+".join(own) or "public", subject.name(), "most" if way > 0 else "least", way * best,
                    way * target,
                    subject.total(self.table.value.__getitem__)))


def judge_folder(folder, out, policy):
    """All disclosures of the result in `out`; [] is what we want."""
    with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
        floor = json.load(f)["floor"]
    return Judge(Table(folder, policy), os.path.join(out, "RESULT.csv"), floor).attack()
