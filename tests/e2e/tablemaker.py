"""Random small table folders for `cellveil protect`: hierarchies, groupings, views, linked tables, holes."""
import itertools
import os

from tableattack import Dim


def write(path, lines):
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as f:
        f.write("\n".join(lines) + "\n")


def flat(name, n):
    return [(1, "_T", False)] + [(2, "%s%d" % (name, i), False) for i in range(n)]


def nested(rng, name):
    lines = [(1, "_T", False)]
    for g in range(rng.randint(2, 3)):
        lines.append((2, "%s%d" % (name, g), False))
        lines += [(3, "%s%d%d" % (name, g, i), False) for i in range(rng.choice((0, 1, 2, 2, 3)))]
    return lines


def grouped(rng, name):
    """Two groupings of the same leaves."""
    leaves = ["%s%d" % (name, i) for i in range(rng.randint(3, 5))]
    lines = [(1, "_T", False)]
    for grouping in "xy":
        cut = rng.randint(1, len(leaves) - 1)
        order = rng.sample(leaves, len(leaves))
        if grouping == "y":
            lines.append((1, "_T", False))
        for part, codes in enumerate((order[:cut], order[cut:])):
            lines.append((2, "%s%s%d" % (name, grouping, part), False))
            lines += [(3, c, False) for c in codes]
    return lines


def viewed(rng, name):
    """A measure with yes/no questions about it, one of them with a question of its own."""
    lines = [(1, "%sbase" % name, False)] if rng.random() < 0.6 else [(1, "_T", False)] + [
        (2, "%s%d" % (name, i), False) for i in range(2)]
    base = lines[0][1]
    for i in range(rng.randint(1, 2)):
        lines += [(1, base, True), (2, "%sq%d" % (name, i), False)]
        if rng.random() < 0.3:
            lines[-1] = (2, "%sq%d" % (name, i), True)
            lines += [(3, "%sr%d" % (name, i), False), (3, "%sr%d:not" % (name, i), False)]
        lines.append((2, "%sq%d:not" % (name, i), False))
    return lines


def dimension(rng, name):
    kind = rng.choice(("flat", "flat", "nested", "grouped", "viewed"))
    if kind == "flat":
        return flat(name, rng.randint(2, 4))
    return {"nested": nested, "grouped": grouped, "viewed": viewed}[kind](rng, name)


def policy_of(rng, offices):
    p = {"threshold": rng.choice((3, 4, 5, 5, 5, 7, 10)), "width": rng.choice((1, 2, 2, 3)),
         "zeros": rng.choice(("published", "camouflage", "sensitive", "sensitive")),
         "group_min": rng.choice((0, 3, 3, 5)), "min_reporting": 1, "min_offices_changed": 1,
         "residual": rng.choice(("yes", "yes", "yes", "zeros", "no")), "effort": rng.choice((0, 5, 20))}
    if offices > 2 and rng.random() < 0.3:
        p["coalition"] = rng.choice((2, 2, 3)) if offices > 3 else 2
    if rng.random() < 0.15:
        p["min_offices"] = 3
    if p["zeros"] != "published" and rng.random() < 0.15:
        p["zero_reach"] = "yes"
    if rng.random() < 0.15:
        p["hidden_sum_min"] = 0
    if rng.random() < 0.15:
        p["nr_in_totals"] = "exclude"
    return p


def small(rng, k, style):
    if style == "sparse":
        return 0 if rng.random() < 0.6 else rng.randint(1, k)
    if style == "dense":
        return rng.randint(1, 3 * k)
    if rng.random() < 0.25:
        return 0
    return rng.randint(50, 400) if rng.random() < 0.1 else rng.randint(0, 2 * k)


def lines_of(spec):
    return ["level,code,view"] + ["%s,%s,%s" % ("@" * level, code, "1" if view else "") for level, code, view in spec]


def make(folder, rng, limit=320):
    """Writes a folder; answers its policy as {name: value}."""
    while True:
        specs = [dimension(rng, "abc"[i]) for i in range(rng.choice((1, 2, 2, 2, 3)))]
        mode = rng.choice(("dimension", "dimension", "dimension", "column", "none"))
        if mode == "dimension":
            n = rng.randint(2, 5)
            spec = flat("o", n) if rng.random() < 0.5 else rng.choice((nested, nested, grouped))(rng, "o")
            specs.insert(0, spec)
        dims = [Dim(("office" if mode == "dimension" and i == 0 else "d%d" % i), s) for i, s in enumerate(specs)]
        size = 1
        for d in dims:
            size *= len(d.codes)
        if size <= limit:
            break
    offices = len(dims[0].leaf) if mode == "dimension" else rng.randint(2, 4) if mode == "column" else 0
    policy = policy_of(rng, offices)
    style = rng.choice(("sparse", "dense", "mixed", "mixed"))
    counts = fill(dims, rng, policy["threshold"], style)
    holes(folder, dims, counts, rng, mode)
    for d, s in zip(dims, specs):
        write(os.path.join(folder, "hier_%s.csv" % d.name), lines_of(s))
    cells_file(folder, dims, counts, rng, mode, offices)
    extras(folder, dims, rng)
    write(os.path.join(folder, "policy.yaml"), ["%s: %s" % kv for kv in sorted(policy.items())])
    return policy


def fill(dims, rng, k, style):
    """Counts of all leaves, views agreeing with their base: each person picks an atom, then answers each view."""
    def atoms(dim, code):
        plain = [b for b in dim.down[code] if not b[2]]
        return [a for c in plain[0][1] for a in atoms(dim, c)] if plain else [code]

    def up(dim, code):
        out = {code}
        for parent, children, view in dim.breakdowns:
            if code in children and not view:
                out |= up(dim, parent)
        return out

    def answers(dim, code):
        """Leaves a person of this atom is counted in."""
        got = set() if dim.down[code] else {code}
        for ancestor in sorted(up(dim, code)):
            for _, children, view in dim.down[ancestor]:
                if view:
                    got |= answers(dim, children[0] if rng.random() < lean[ancestor] else children[1])
        return got

    lean = {c: rng.choice((0.0, 0.1, 0.5, 0.9, 1.0)) for d in dims for c in d.codes}
    counts = {}
    empty = set()
    for d in dims:
        for code in d.codes:
            if rng.random() < 0.05:
                empty.add((d.name, code))
    for atom in itertools.product(*(atoms(d, d.total) for d in dims)):
        if any((d.name, c) in empty for d, c in zip(dims, atom)):
            continue
        for _ in range(small(rng, k, style)):
            for leaf in itertools.product(*(sorted(answers(d, c)) for d, c in zip(dims, atom))):
                counts[leaf] = counts.get(leaf, 0) + 1
    return counts


def holes(folder, dims, counts, rng, mode):
    """Structural noughts: lines of one or two codes, or single cells; their persons go."""
    if rng.random() > 0.35:
        return
    lines = [",".join(d.name for d in dims)]
    has_views = any(b[2] for d in dims for b in d.breakdowns)
    for _ in range(rng.randint(1, 3)):
        if has_views:
            line = ["*"] * len(dims)
            plain = [i for i, d in enumerate(dims) if not any(b[2] for b in d.breakdowns)]
            for i in plain:
                if rng.random() < 0.7:
                    line[i] = rng.choice(sorted(dims[i].leaf))
        else:
            line = [rng.choice(sorted(d.leaf)) if rng.random() < 0.7 else "*" for d in dims]
        if all(c == "*" for c in line):
            continue
        lines.append(",".join(line))
        for leaf in [l for l in counts if all(p in ("*", c) for p, c in zip(line, l))]:
            del counts[leaf]
    if len(lines) > 1:
        write(os.path.join(folder, "structural.csv"), lines)


def cells_file(folder, dims, counts, rng, mode, offices):
    names = [d.name for d in dims] + (["office"] if mode == "column" else []) + ["freq", "status"]
    lines = [",".join(names)]
    owner, own = {}, next((i for i, d in enumerate(dims) if any(b[2] for b in d.breakdowns)), rng.randint(0, len(dims)))
    silent = None
    if mode == "dimension" and rng.random() < 0.15 and not os.path.exists(os.path.join(folder, "structural.csv")):
        silent = rng.choice(sorted(dims[0].leaf))
    for leaf in itertools.product(*(sorted(d.leaf) for d in dims)):
        n = counts.get(leaf, 0)
        if silent is not None and leaf[0] == silent:
            lines.append(",".join(leaf) + ",,nr")
            continue
        if n == 0 and mode != "column" and rng.random() < 0.5:
            continue
        office = []
        if mode == "column":
            office = [owner.setdefault(leaf[:own], "o%d" % rng.randrange(offices))]
        lines.append(",".join(list(leaf) + office + [str(n), ""]))
    write(os.path.join(folder, "cells.csv"), lines)


def extras(folder, dims, rng):
    spans = [{d.name: d.codes for d in dims}]  # codes that each table prints
    if rng.random() < 0.4:
        lines = ["table,dim,codes"]
        for t in range(rng.randint(1, 3)):
            named = [d for d in dims if rng.random() < 0.7] or [rng.choice(dims)]
            spans = spans[:t] + [{d.name: [d.total] for d in dims}]
            for d in named:
                codes = "*" if rng.random() < 0.6 else "|".join(rng.sample(d.codes, rng.randint(1, len(d.codes))))
                lines.append("t%d,%s,%s" % (t, d.name, codes))
                spans[t][d.name] = d.codes if codes == "*" else codes.split("|")
        write(os.path.join(folder, "tables.csv"), lines)
    if rng.random() < 0.25:
        lines = ["id,numerator,denominator,factor,digits"]
        some = lambda: "|".join(rng.choice(d.codes) for d in dims)
        for f in range(rng.randint(1, 4)):
            below = some() if rng.random() < 0.7 and len(dims) > 1 else str(rng.choice((1, 7, 1000)))
            lines.append("f%d,%s,%s,%d,%d" % (f, some(), below, rng.choice((1, 100)), rng.randint(0, 2)))
        write(os.path.join(folder, "derived.csv"), lines)
    if rng.random() < 0.15:
        lines = [",".join(d.name for d in dims)]
        for _ in range(rng.randint(1, 2)):
            codes = rng.choice(spans)
            lines.append(",".join(d.total if rng.random() < 0.2 and d.total in codes[d.name] else rng.choice(
                codes[d.name]) for d in dims))
        write(os.path.join(folder, "forced.csv"), lines)
