"""An attacker on published releases, written without looking at the engine.

It reads what a reader can read (release.csv and the configuration), adds what the attacker in question knows (nothing
for the public; its own forms for an office), and asks a whole-number program for the least and the largest value of
every hidden cell. It shares no code and no data structure with policy/: persons are variables, printed cells are
equations, "a view counts some of the persons of its base" is an inequality.

As a program:  attacker.py CONFIG.yaml RELEASE.csv      prints the intervals; exit 1 if a hidden cell is pinned
"""
import csv
import itertools
import sys

import numpy
import yaml
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_matrix

UNREPORTED = ("not_reported", "not_asked")


class CodeList:
    """The codes of one dimension and the leaves below each."""

    def __init__(self, entries):
        self.children = {str(e["code"]): [] for e in entries}
        for entry in entries:
            for parent in entry.get("of", []):
                name = parent["code"] if isinstance(parent, dict) else parent
                self.children[str(name)].append(str(entry["code"]))
        inner = set(itertools.chain(*self.children.values()))
        self.total = next(code for code in self.children if code not in inner)

    def leaves(self, code):
        below = self.children[code]
        return set().union(*(self.leaves(c) for c in below)) if below else {code}


class Publication:
    """The configuration and every printed row: {(measure, office, codes of the measure): (status, value)}."""

    def __init__(self, config, rows):
        self.lists = {name: CodeList(entries) for name, entries in config["codes"].items()}
        self.measures = {m["id"]: m for m in config["measures"]}
        self.office_dim = config["release"].get("office_dim", "office")
        self.offices = self.lists[self.office_dim]
        self.cells = {}
        for row in rows:
            value = int(row["value"]) if row["value"] not in ("", None) else None
            self.cells[self.key(row)] = (row["status"] or "published", value)

    def dims(self, measure):
        return [str(d) for d in self.measures[measure].get("dims", [])]

    def key(self, row):
        def code(dim):
            value = row.get(dim)
            return self.lists[dim].total if value in ("_Z", "", None) else value

        measure = row["measure"]
        return measure, code(self.office_dim), tuple(code(d) for d in self.dims(measure))

    def is_summed(self, measure, place):
        """A measure of multiple response is never summed over its last dimension."""
        multiple = self.measures[measure].get("response") == "multiple"
        return not (multiple and place == len(self.dims(measure)) - 1)

    def base_of(self, key):
        """The cell a part is a part of; None for a measure that is within no other."""
        measure, office, codes = key
        base = self.measures[measure].get("within")
        if base is None:
            return None
        have = dict(zip(self.dims(measure), codes))
        return base, office, tuple(have.get(d, self.lists[d].total) for d in self.dims(base))

    def unreported(self, key):
        return self.cells.get(key, ("", None))[0] in UNREPORTED

    def hidden(self):
        return sorted(key for key, (status, _) in self.cells.items() if status == "suppressed")

    def below(self, key):
        """The finest cells below a cell: one for each office and combination of leaves."""
        measure, office, codes = key
        spans = [self.lists[d].leaves(c) if self.is_summed(measure, i) else {c}
                 for i, (d, c) in enumerate(zip(self.dims(measure), codes))]
        for one in sorted(self.offices.leaves(office)):
            for combination in itertools.product(*map(sorted, spans)):
                yield measure, one, combination


class System:
    """One attacker's whole-number variables >= 0, one for each finest cell of each office, and what binds them.

    A box left blank is a variable too: persons whom a reported total may count. Where no total was reported either,
    nothing that is printed counts them."""

    def __init__(self, publication, floor=0):
        self.publication, self.floor = publication, floor
        self.index = {}
        self.rows = []

    def variable(self, key):
        return self.index.setdefault(key, len(self.index))

    def terms(self, key):
        """The cell as a sum of variables."""
        return {self.variable(leaf): 1 for leaf in self.publication.below(key)}

    def sum_of(self, subject):
        """{key: sign} as a sum of variables."""
        total = {}
        for key, sign in subject.items():
            for variable, one in self.terms(key).items():
                total[variable] = total.get(variable, 0) + sign * one
        return {v: c for v, c in total.items() if c}

    def equal(self, key, value):
        self.rows.append((self.terms(key), value, value))

    def bind(self, forms, own):
        publication = self.publication
        for key, (status, value) in publication.cells.items():
            if status == "published":
                self.equal(key, value)
            elif status == "suppressed" and self.floor > 0:
                self.rows.append((self.terms(key), self.floor, numpy.inf))
        for key, value in forms.items():
            if key[1] in own:
                self.equal(key, value)
        self.bind_views()

    def bind_views(self):
        """Who is counted in a part is counted in what it is a part of."""
        publication = self.publication
        todo = list(self.index)
        while todo:
            measure, office, codes = key = todo.pop()
            base = publication.base_of(key)
            if base is None:
                continue
            new = [leaf for leaf in publication.below(base) if leaf not in self.index]
            terms = dict(self.terms(base))
            terms[self.index[key]] = -1
            self.rows.append((terms, 0, numpy.inf))
            todo += new

    def constraints(self):
        count = max(1, len(self.rows))
        matrix = lil_matrix((count, len(self.index)))
        low, high = numpy.full(count, -numpy.inf), numpy.full(count, numpy.inf)
        for i, (terms, lo, hi) in enumerate(self.rows):
            for variable, coefficient in terms.items():
                matrix[i, variable] = coefficient
            low[i], high[i] = lo, hi
        return LinearConstraint(matrix.tocsr(), low, high)

    def solve(self, terms, sign, constraints, most, presolve):
        cost = numpy.zeros(len(self.index))
        for variable, coefficient in terms.items():
            cost[variable] = sign * coefficient
        answer = milp(cost, constraints=constraints, integrality=numpy.ones(len(self.index)), bounds=Bounds(0, most),
                      options={"presolve": presolve})
        return None if answer.x is None else numpy.rint(answer.x)

    def extreme(self, terms, sign, constraints, most, enough=None, pool=None):
        """The least (sign 1) or largest (-1) sum of terms. HiGHS of Debian 12 now and then loses tables in its
        presolve: it is asked twice, unless what it found is enough."""
        found = []
        for presolve in (True, False):
            x = self.solve(terms, sign, constraints, most, presolve)
            if x is None:
                continue
            if pool is not None:
                pool.append(x)
            found.append(value_of(terms, x))
            if enough is not None and sign * found[-1] <= sign * enough:
                break
        if not found:
            raise AssertionError("no set of persons fits what was published")
        return sign * min(sign * f for f in found)


def value_of(terms, x):
    return int(sum(coefficient * x[variable] for variable, coefficient in terms.items()))


def ceiling(publication):
    """A bound for variables that is far above everything printed."""
    return 1000 + 2 * max([v for _, v in publication.cells.values() if v is not None] or [0])


def intervals(publication, forms=None, own=(), floor=0):
    """{hidden cell: (least, largest; None is unbounded)} for an attacker who has the forms of the offices in own.

    forms: {(measure, office, codes): value}, boxes left blank are not in it."""
    system = System(publication, floor)
    wanted = {key: system.terms(key) for key in publication.hidden()}
    system.bind(forms or {}, own)
    constraints, most = system.constraints(), ceiling(publication)
    out = {}
    for key, terms in wanted.items():
        high = system.extreme(terms, -1, constraints, most)
        out[key] = (system.extreme(terms, 1, constraints, most), None if high >= most else high)
    return out


def part(publication, forms, key, offices):
    """What these offices reported of a cell; a reported total counts before its parts."""
    measure, office, codes = key
    total = 0
    for one in publication.offices.leaves(office) & set(offices):
        if (measure, one, codes) in forms:
            total += forms[measure, one, codes]
            continue
        place = next((i for i, (d, c) in enumerate(zip(publication.dims(measure), codes))
                      if publication.lists[d].children[c] and publication.is_summed(measure, i)), None)
        if place is None:
            continue
        dim = publication.dims(measure)[place]
        for child in publication.lists[dim].children[codes[place]]:
            total += part(publication, forms, (measure, one, codes[:place] + (child,) + codes[place + 1:]), [one])
    return total


class Judge:
    """Every disclosure of a small count, zero included, for the public, each office and each coalition.

    What is protected, read from the forms: small printed counts (R1, R2), small rests of totals for who has the other
    parts (R3), all but a few of a group (R4), the other side of a part (R9), blanks below a reported total (R12). For
    an attacker who has `mine` of a count and not `rest`, it must be able to be mine + max(threshold, rest + width).
    The forms themselves fit what was published, so this is also at least `width` wide."""

    def __init__(self, publication, forms, policy):
        self.publication, self.forms = publication, forms
        self.k, self.width = int(policy.get("threshold", 5)), int(policy.get("width", 2))
        self.zeros = policy.get("zeros", "sensitive")
        self.floor = 1 if self.zeros == "published" else 0
        self.group_min, self.coalition = int(policy.get("group_min", 3)), int(policy.get("coalition", 1))
        self.offices = sorted({office for _, office, _ in forms})
        self.questions = 0

    def small(self, v):
        return 1 <= v < self.k or (v == 0 and self.zeros == "sensitive")

    def counted(self, key):
        return self.publication.cells.get(key, ("",))[0] in ("published", "suppressed")

    def value(self, key, offices=None):
        everybody = self.publication.offices.leaves(key[1])
        return part(self.publication, self.forms, key, everybody if offices is None else offices)

    def subjects(self):
        """(rule, {key: sign})"""
        for key in sorted(k for k in self.publication.cells if self.counted(k)):
            v = self.value(key)
            if self.small(v):
                yield "R1", {key: 1}
            elif v > 0 and len(self.publication.offices.leaves(key[1])) > 1:
                yield "R3", {key: 1}
            yield from self.other_side(key, v)
            yield from self.parts(key, v)

    def other_side(self, key, v):
        """Who is in the base of a part and not in the part."""
        base = self.publication.base_of(key)
        if base is None or not self.counted(base):
            return
        rest, group = self.value(base) - v, self.value(base) >= self.group_min > 0
        if self.small(rest) or (rest == 0 and group and self.zeros == "camouflage"):
            yield "R9", {base: 1, key: -1}
        elif rest == 0 and group:
            yield "R4", {base: 1}

    def parts(self, key, base):
        """R4 and R12: the children of a counted cell along one of its dimensions."""
        publication = self.publication
        measure, office, codes = key
        for place, dim in enumerate(publication.dims(measure)):
            children = publication.lists[dim].children[codes[place]]
            if not children or not publication.is_summed(measure, place):
                continue
            cells = [(measure, office, codes[:place] + (c,) + codes[place + 1:]) for c in children]
            shown = [c for c in cells if self.counted(c)]
            blank = [c for c in cells if publication.unreported(c)]
            if shown and blank and self.small(base - sum(self.value(c) for c in shown)):
                yield "R12", dict([(key, 1)] + [(c, -1) for c in shown])
            for child in shown:
                if 1 <= base - self.value(child) < self.k and base >= self.group_min > 0:
                    yield "R4", {key: 1, child: -1}

    def target(self, rule, subject, own):
        """None: not protected against these offices."""
        office = next(iter(subject))[1]
        everybody = self.publication.offices.leaves(office) & set(self.offices)
        v = sum(sign * self.value(key) for key, sign in subject.items())
        mine = sum(sign * self.value(key, own) for key, sign in subject.items())
        rest = v - mine
        if everybody <= set(own) or (own and rest == 0 and v > 0):
            return None
        if rule == "R3" and (not own or rest >= self.k):
            return None
        return mine + max(self.k, rest + self.width)

    def attack_as(self, own):
        wanted = [(rule, subject, self.target(rule, subject, own)) for rule, subject in self.subjects()]
        system = System(self.publication, self.floor)
        asked = [(r, s, t, system.sum_of(s)) for r, s, t in wanted if t is not None]
        system.bind(self.forms, own)
        constraints, most, pool = system.constraints(), ceiling(self.publication), []
        for rule, subject, target, terms in asked:
            self.questions += 1
            if any(value_of(terms, x) >= target for x in pool):
                continue
            best = system.extreme(terms, -1, constraints, most, target, pool)
            if best < target:
                yield "%s: %s %s at most %d, target %d" % ("+".join(own) or "public", rule, " ".join(
                    "%s%s" % ("+" if s > 0 else "-", "|".join((k[0], k[1]) + k[2])) for k, s in subject.items()),
                    best, target)

    def attack(self):
        """Texts of what is found. Where noughts are published a hidden cell is 1 or more, unless the policy's ladder
        had to hide noughts: that is seen from the release, which then fits no persons."""
        try:
            return self.attack_all()
        except AssertionError:
            if self.floor == 0:
                raise
            self.floor, self.zeros = 0, "camouflage"
            return self.attack_all()

    def attack_all(self):
        found = []
        for n in range(self.coalition + 1):
            for own in itertools.combinations(self.offices, n):
                found += self.attack_as(own)
        return found


def judge(publication, forms, policy):
    return Judge(publication, forms, policy).attack()


def load(config_path, release_path):
    with open(config_path, encoding="utf-8") as f:
        config = yaml.safe_load(f)
    with open(release_path, newline="", encoding="utf-8-sig") as f:
        return Publication(config, list(csv.DictReader(f)))


def main(argv):
    if len(argv) != 3:
        sys.exit(__doc__)
    publication = load(argv[1], argv[2])
    pinned = 0
    for key, (low, high) in sorted(intervals(publication).items()):
        print("%-60s %s .. %s" % ("|".join((key[0], key[1]) + key[2]), low, "" if high is None else high))
        pinned += low == high
    sys.exit(1 if pinned else 0)


if __name__ == "__main__":
    main(sys.argv)
