"""Random small table folders whose codes have several parents, chains, views on views; offices many to many with areas."""
import itertools
import os

from tableattack import Dim
from tablemaker import lines_of, write


def grouped(rng, name):
    """Two or three groupings; some share a subtotal, some subtotals are parted in two ways."""
    leaves, lines, shared = ["%s%d" % (name, i) for i in range(rng.randint(3, 5))], [], None
    for g in range(rng.randint(2, 3)):
        lines.append((1, "_T", False))
        order = rng.sample(leaves, len(leaves))
        if shared and rng.random() < 0.6:
            lines.append((2, shared[0], False))
            order = [c for c in order if c not in shared[1]]
        while order:
            n = rng.randint(1, min(3, len(order)))
            part, order = order[:n], order[n:]
            if n == 1 and rng.random() < 0.5:
                lines.append((2, part[0], False))
                continue
            code = "%s%s%d" % (name, "xyz"[g], len(lines))
            lines += [(2, code, False)] + [(3, c, False) for c in part]
            if n == 3 and rng.random() < 0.6:
                lines += [(2, code, False), (3, part[0], False), (3, code + "r", False)] + [(4, c, False) for c in part[1:]]
            shared = shared or ((code, part) if n > 1 else None)
    return lines


def chain(rng, name):
    lines = [(1, "_T", False), (2, name + "c", False), (3, name + "d", False)]
    lines += [(4, "%s%d" % (name, i), False) for i in range(rng.randint(1, 3))]
    return lines + [(2, name + "e", False), (3, name + "f", False)] * rng.randint(0, 1)


def viewed(rng, name):
    """Questions about the total, about a part, and about those who said yes."""
    parts = ["%s%d" % (name, i) for i in range(rng.randint(0, 3))]
    lines = [(1, "_T", False)] + [(2, c, False) for c in parts]
    for q in range(rng.randint(1, 2)):
        yes, no = "%sq%d" % (name, q), "%sn%d" % (name, q)
        if parts and rng.random() < 0.4:
            about = rng.choice(parts)
            lines.append((1, "_T", False))
            for c in parts:
                lines.append((2, c, c == about))
                lines += [(3, yes, False), (3, no, False)] if c == about else []
        else:
            deeper = rng.random() < 0.4
            lines += [(1, "_T", True), (2, yes, deeper and rng.random() < 0.5)]
            lines += [(3, yes + "r", False), (3, yes + "s", False)] if deeper else []
            lines.append((2, no, False))
    return lines


def flat(rng, name):
    return [(1, "_T", False)] + [(2, "%s%d" % (name, i), False) for i in range(rng.randint(2, 4))]


def policy_of(rng, dims, offices):
    policy = {"threshold": rng.choice((3, 5, 5, 10, 11)), "width": rng.choice((1, 2, 2, 3, 5, 8, 10)),
              "zeros": rng.choice(("published", "camouflage", "sensitive")), "group_min": rng.choice((0, 3, 3, 5)),
              "residual": rng.choice(("yes", "yes", "no", "zeros")), "min_reporting": 1, "effort": rng.choice((0, 5, 20))}
    some = {"hidden_sum_min": 0, "min_offices": rng.choice((2, 3)), "nr_in_totals": "exclude", "redundancy": 0,
            "group_dims": rng.choice(dims).name}
    for name, value in some.items():
        if rng.random() < 0.2:
            policy[name] = value
    if policy["zeros"] != "published" and rng.random() < 0.2:
        policy["zero_reach"] = "yes"
    if offices > 2 and rng.random() < 0.45:
        policy["coalition"] = rng.randint(2, min(3, offices - 1))
    return policy


class Persons:
    """Each is one inner cell of every dimension, and an answer to every question about the codes it is below."""

    def __init__(self, dims, rng):
        self.dims, self.rng = dims, rng
        self.lean = {(d.name, n): rng.choice((0, 0.1, 0.5, 0.9, 1)) for d in dims for n in range(len(d.breakdowns))}

    def atoms(self, d, code):
        plain = [b for b in d.down[code] if not b[2]]
        return [a for c in plain[0][1] for a in self.atoms(d, c)] if plain else [code]

    def above(self, d, code):
        return {code}.union(*(self.above(d, p) for p, children, view in d.breakdowns if not view and code in children))

    def leaves(self, d, atom):
        got = set() if d.down[atom] else {atom}
        for n, (parent, children, view) in enumerate(d.breakdowns):
            if view and parent in self.above(d, atom):
                answer = children[0] if self.rng.random() < self.lean[d.name, n] else children[1]
                got |= self.leaves(d, self.rng.choice(self.atoms(d, answer)))
        return got

    def count(self, contributors, draw):
        counts = {}
        for atom in itertools.product(*(self.atoms(d, d.total) for d in self.dims)):
            for office in contributors:
                for _ in range(draw()):
                    inner = itertools.product(*(sorted(self.leaves(d, c)) for d, c in zip(self.dims, atom)))
                    for cell in inner:
                        counts[cell + office] = counts.get(cell + office, 0) + 1
        return counts


def draws(rng, k):
    """How many persons at once: a few, or many."""
    style = rng.choice(("sparse", "dense", "mixed", "large"))
    return {"sparse": lambda: rng.choice((0, 0, 0, rng.randint(1, k))), "dense": lambda: rng.randint(1, 3 * k),
            "mixed": lambda: rng.choice((0, rng.randint(0, 2 * k), rng.randint(0, 2 * k), rng.randint(40, 200))),
            "large": lambda: rng.choice((rng.randint(0, k),) + (rng.randint(k, 60),) * 8)}[style]


def declared(folder, dims, rng, counts):
    """Zero by definition: lines of codes and totals. Nothing where there are questions, whose answers would have to follow."""
    names, lines = [d.name for d in dims], []
    for _ in range(rng.randint(0, 2)):
        line = ["*" if any(b[2] for b in d.breakdowns) or rng.random() < 0.4 else rng.choice(d.codes) for d in dims]
        if set(line) != {"*"}:
            lines.append(line)
    for line in lines:
        for cell in [c for c in counts if all(p == "*" or x in d.everywhere(p) for p, x, d in zip(line, c, dims))]:
            del counts[cell]
    if lines:
        write(os.path.join(folder, "structural.csv"), [",".join(line) for line in [names] + lines])


def tables(folder, dims, rng):
    if rng.random() < 0.45:
        lines = ["table,dim,codes"]
        for t in range(rng.randint(1, 3)):
            for d in dims:
                if rng.random() < 0.7:
                    codes = "*" if rng.random() < 0.6 else "|".join(rng.sample(d.codes, rng.randint(1, len(d.codes))))
                    lines.append("t%d,%s,%s" % (t, d.name, codes))
        if len(lines) > 1:
            write(os.path.join(folder, "tables.csv"), lines)
    if rng.random() < 0.15:
        write(os.path.join(folder, "absent.csv"), [",".join(d.name for d in dims), ",".join(
            rng.choice(d.codes) if rng.random() < 0.6 else "*" for d in dims)])


def make(folder, rng, limit=360):
    """Writes a folder; answers its policy as {name: value}."""
    while True:
        mode = rng.choice(("dimension", "dimension", "column", "none"))
        specs = [rng.choice((flat, grouped, grouped, chain, viewed, viewed))(rng, "abcd"[i]) for i in range(
            rng.choice((1, 2, 2, 3, 4)))]
        if mode == "dimension":
            specs.insert(0, rng.choice((flat, grouped, grouped, chain))(rng, "o"))
        names = ["office"] * (mode == "dimension") + ["d%d" % i for i in range(len(specs))]
        dims = [Dim(name, spec) for name, spec in zip(names, specs)]
        contributors = [("w%d" % i,) for i in range(rng.randint(1, 4))] if mode == "column" else [()]
        cells = len(contributors) + 1
        for d in dims:
            cells *= len(d.codes)
        if cells <= limit:
            break
    policy = policy_of(rng, dims, len(contributors) if mode == "column" else len(dims[0].leaf) * (mode == "dimension"))
    counts = Persons(dims, rng).count(contributors, draws(rng, policy["threshold"]))
    declared(folder, dims, rng, counts)
    tables(folder, dims, rng)
    for d, spec in zip(dims, specs):
        write(os.path.join(folder, "hier_%s.csv" % d.name), lines_of(spec))
    header = [d.name for d in dims] + ["office"] * (mode == "column") + ["freq"]
    write(os.path.join(folder, "cells.csv"), [",".join(header)] + [
        ",".join(cell) + ",%d" % n for cell, n in sorted(counts.items())])
    write(os.path.join(folder, "policy.yaml"), ["%s: %s" % kv for kv in sorted(policy.items())])
    return policy
