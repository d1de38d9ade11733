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

    def above(self, leaf):
        """The nearest printed total of a finest cell that its office did report, or None."""
        measure, office, codes = leaf
        for place, dim in reversed(list(enumerate(self.dims(measure)))):
            if not self.is_summed(measure, place):
                continue
            key = (measure, office, codes[:place] + (self.lists[dim].total,) + codes[place + 1:])
            if key in self.cells and not self.unreported(key):
                return key
        return None


class System:
    """One attacker's whole-number variables >= 0 and the linear rows that bind them."""

    def __init__(self, publication):
        self.publication = publication
        self.index = {}
        self.rows = []

    def variable(self, key):
        return self.index.setdefault(key, len(self.index))

    def terms(self, key):
        """The cell as a set of variables. Parts that were left blank stand together as the rest of their total."""
        publication = self.publication
        terms = {}
        for leaf in publication.below(key):
            if not publication.unreported(leaf):
                terms[self.variable(leaf)] = 1
                continue
            total = publication.above(leaf)
            if total is not None and leaf != key:
                terms[self.variable(("rest",) + total)] = 1
        return terms

    def equal(self, key, value):
        terms = self.terms(key)
        if terms:
            self.rows.append((terms, value, value))

    def bind_views(self):
        """view <= base, wherever both are counted."""
        publication = self.publication
        for key in [k for k in self.index if k[0] != "rest"]:
            measure, office, codes = key
            base = publication.measures[measure].get("within")
            if base is None:
                continue
            have = dict(zip(publication.dims(measure), codes))
            codes = tuple(have.get(d, publication.lists[d].total) for d in publication.dims(base))
            target = (base, office, codes)
            if publication.unreported(target):
                target = publication.above(target)
            if target is None:
                continue
            terms = dict(self.terms(target))
            variable = self.index[key]
            terms[variable] = terms.get(variable, 0) - 1
            self.rows.append((terms, 0, numpy.inf))

    def constraints(self):
        count = max(1, len(self.rows))
        matrix = lil_matrix((count, len(self.index)))
        low, high = numpy.full(count, -numpy.inf), numpy.full(count, numpy.inf)
        for i, (terms, lo, hi) in enumerate(self.rows):
            for variable, coefficient in terms.items():
                matrix[i, variable] = coefficient
            low[i], high[i] = lo, hi
        return LinearConstraint(matrix.tocsr(), low, high)

    def extreme(self, terms, sign, constraints):
        cost = numpy.zeros(len(self.index))
        cost[list(terms)] = [sign * c for c in terms.values()]
        answer = milp(cost, constraints=constraints, integrality=numpy.ones(len(self.index)),
                      bounds=Bounds(0, numpy.inf))
        if answer.status == 3 or (answer.status == 4 and answer.x is None):
            return None  # unbounded
        if answer.status != 0:
            raise AssertionError("no set of persons fits what was published: " + answer.message)
        return int(round(sign * answer.fun))


def intervals(publication, forms=None, own=()):
    """{hidden cell: (least, largest; None is unbounded)} for an attacker who has the forms of the offices in own.

    forms: {(measure, office, codes): value}, boxes left blank are not in it."""
    system = System(publication)
    for key, (status, value) in publication.cells.items():
        if status == "published":
            system.equal(key, value)
    for key, value in (forms or {}).items():
        if key[1] in own:
            system.equal(key, value)
    wanted = {key: system.terms(key) for key in publication.hidden()}
    system.bind_views()
    constraints = system.constraints()
    return {key: (system.extreme(terms, 1, constraints), system.extreme(terms, -1, constraints))
            for key, terms in wanted.items() if terms}


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


def judge(publication, forms, threshold, width, coalition=1):
    """Every disclosure of a small count, zero included, for the public, each office and each coalition, as texts."""
    offices = sorted({office for _, office, _ in forms})
    found = []
    for own in itertools.chain.from_iterable(itertools.combinations(offices, n) for n in range(coalition + 1)):
        found += judge_one(publication, forms, threshold, width, own)
    return found


def judge_one(publication, forms, threshold, width, own):
    who = "+".join(own) or "public"
    found = []
    for key, (low, high) in intervals(publication, forms, own).items():
        everybody = publication.offices.leaves(key[1])
        if everybody <= set(own):
            continue
        mine = part(publication, forms, key, own)
        rest = part(publication, forms, key, everybody) - mine
        if rest >= threshold or (rest == 0 and mine > 0):
            continue
        if high is not None and (high < mine + max(threshold, rest + width) or high - low < width):
            found.append("%s learns too much of %s" % (who, "|".join((key[0], key[1]) + key[2])))
    for key, (status, value) in publication.cells.items():
        if own and status == "published" and len(publication.offices.leaves(key[1])) > 1:
            mine = part(publication, forms, key, own)
            if mine > 0 and 1 <= value - mine < threshold:
                found.append("%s subtracts itself from %s" % (who, "|".join((key[0], key[1]) + key[2])))
    return found


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
