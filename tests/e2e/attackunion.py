"""All releases of one period, attacked as a union (attacker.py attacks one).

Who has two releases of a period knows of every office that did not send again that its figures are the same in both,
and has the difference of everything that was printed twice. A union's variables are therefore one for each finest
cell of each *form*: the forms of an office that did not change share theirs.
"""
import itertools

from attacker import Judge, System, ceiling, value_of


class Union(System):
    """tags[v][office]: which form of the office release v was made of."""

    def __init__(self, publications, tags, floors):
        super().__init__(publications[0])
        self.publications, self.tags, self.floors = publications, tags, floors
        self.v = 0

    def at(self, v):
        self.v, self.publication, self.floor = v, self.publications[v], self.floors[v]

    def variable(self, key):
        return self.index.setdefault((self.tags[self.v].get(key[1]), key), len(self.index))

    def sum_in(self, v, subject):
        self.at(v)
        return self.sum_of(subject)

    def bind_all(self, forms, own):
        for v in range(len(self.publications)):
            self.at(v)
            self.bind(forms[v], own)

    def bind_views(self):
        seen, todo = set(), list(self.index)
        while todo:
            tag, key = todo.pop()
            if (tag, key) in seen or self.tags[self.v].get(key[1]) != tag:
                continue
            seen.add((tag, key))
            base = self.publication.base_of(key)
            if base is None:
                continue
            terms = dict(self.terms(base))
            terms[self.index[tag, key]] = -1
            self.rows.append((terms, 0, float("inf")))
            todo += [(self.tags[self.v].get(leaf[1]), leaf) for leaf in self.publication.below(base)]


class UnionJudge:
    """forms[v]: {(measure, office, codes): value} of release v."""

    def __init__(self, publications, forms, tags, policy):
        self.judges = [Judge(p, f, policy) for p, f in zip(publications, forms)]
        self.publications, self.forms, self.tags = publications, forms, tags
        self.k, self.width = self.judges[0].k, self.judges[0].width
        self.coalition = self.judges[0].coalition
        self.offices = sorted({o for f in forms for _, o, _ in f})
        self.differences = self.questions = 0

    def changed(self, u, v, key):
        """Offices below a cell whose forms are others in the two releases."""
        below = self.publications[u].offices.leaves(key[1]) | self.publications[v].offices.leaves(key[1])
        return {o for o in below if self.tags[u].get(o) != self.tags[v].get(o)}

    def knew(self, v, subject, own):
        """An earlier release printed it, and whatever changed since is the attackers' own."""
        return bool(own) and any(
            all(self.publications[u].cells.get(key, ("",))[0] == "published" and self.changed(u, v, key) <= set(own)
                for key in subject) for u in range(v))

    def counts(self, system, own):
        for v, judge in enumerate(self.judges):
            for rule, subject in judge.subjects():
                target = judge.target(rule, subject, own)
                if target is not None and not self.knew(v, subject, own):
                    yield "release %d %s" % (v, rule), system.sum_in(v, subject), 1, target

    def changes(self, system, own):
        """A small difference of a cell between two releases must be able to be larger in its own direction."""
        for u, v in itertools.combinations(range(len(self.publications)), 2):
            before, after = self.judges[u], self.judges[v]
            for key in sorted(set(before.publication.cells) & set(after.publication.cells)):
                if not (before.counted(key) and after.counted(key)):
                    continue
                changed = self.changed(u, v, key)
                d = after.value(key) - before.value(key)
                mine = after.value(key, own) - before.value(key, own)
                rest = d - mine
                if rest == 0 or abs(rest) >= self.k or changed <= set(own):
                    continue
                terms = dict(system.sum_in(v, {key: 1}))
                for variable, one in system.sum_in(u, {key: 1}).items():
                    terms[variable] = terms.get(variable, 0) - one
                terms = {x: c for x, c in terms.items() if c}
                goal = max(self.k, abs(rest) + self.width)
                self.differences += 1
                sign = 1 if rest > 0 else -1
                yield "difference %d-%d of %s" % (v, u, "|".join((key[0], key[1]) + key[2])), terms, sign, \
                    sign * mine + goal

    def attack_as(self, own):
        system = Union(self.publications, self.tags, [j.floor for j in self.judges])
        asked = list(self.counts(system, own)) + list(self.changes(system, own))
        system.bind_all(self.forms, own)
        constraints, most, pool = system.constraints(), max(map(ceiling, self.publications)), []
        for what, terms, sign, target in asked:
            self.questions += 1
            if any(sign * value_of(terms, x) >= target for x in pool):
                continue
            best = sign * system.extreme(terms, -sign, constraints, most, sign * target, pool)
            if best < target:
                yield "%s: %s at most %d, target %d" % ("+".join(own) or "public", what, best, target)

    def attack(self):
        found = []
        for n in range(self.coalition + 1):
            for own in itertools.combinations(self.offices, n):
                found += self.attack_as(own)
        return found
