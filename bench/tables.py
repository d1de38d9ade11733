#!/usr/bin/python3
"""Writes the benchmark tables: municipal counts with the shapes of docs/disclosure.md, section Benchmarks.

    tables.py OUTDIR NAME...        NAME: T1 T2-A T2-B T2-C T3a T3b T3c T3 T4s T4 T5 T6; between T1 and 2,000 cells
                                    O20 O40 O80 O132 (offices by sex and age), N480 N1000 N2000 (nested, as T4)
    tables.py OUTDIR NAME --seed N  other counts of the same shape

A table is a folder with cells.csv (inner cells) and one hier_DIM.csv a dimension, as `cellveil protect` reads them.
The counts depend on the name and the seed only. Seed 20240601 gives the tables of which published figures of other
programs exist, so the order of random draws below must never change: first the dimensions in order, then one draw of
noise for each inner cell, then the counts.
"""
import itertools
import math
import os
import random
import sys

SEED = 20240601


class Dice:
    def __init__(self, text):
        self.roll = random.Random(text).random

    def gauss(self):
        radius = math.sqrt(-2.0 * math.log(1.0 - self.roll()))
        return radius * math.cos(2 * math.pi * self.roll())

    def shares(self, count, spread):
        weights = [math.exp(spread * self.gauss()) for _ in range(count)]
        whole = sum(weights)
        return [w / whole for w in weights]

    def pick(self, weights):
        """An index with probability weights[i]; the last one where rounding leaves a gap."""
        point, edge = self.roll(), 0.0
        for i, weight in enumerate(weights):
            edge += weight
            if point < edge:
                return i
        return len(weights) - 1

    def count(self, mean):
        """Poisson: by inversion, for large means by the normal approximation."""
        if mean <= 0:
            return 0
        if mean > 60:
            return max(0, int(round(mean + math.sqrt(mean) * self.gauss())))
        chance = math.exp(-mean)
        value, edge, point = 0, chance, self.roll()
        while point > edge and value < 400:
            value += 1
            chance *= mean / value
            edge += chance
        return value


class Dimension:
    def __init__(self, name, lines, leaves, shares):
        self.name, self.lines, self.leaves, self.shares = name, lines, leaves, shares


def flat(name, codes, shares):
    return Dimension(name, [(1, "Total")] + [(2, c) for c in codes], codes, shares)


def nested(dice, name, counts, letter, spread):
    """A tree with counts[k] codes at depth k below the total, children dealt unevenly, two at least."""
    children = []
    for above, below in zip(counts, counts[1:]):
        dealt = [2] * above
        weights = dice.shares(above, 0.5)
        for _ in range(below - 2 * above):
            dealt[dice.pick(weights)] += 1
        children.append(dealt)
    used = [0] * len(counts)
    lines, leaves = [(1, "Total")], []
    todo = [0] * counts[0]
    while todo:
        depth = todo.pop()
        place = used[depth]
        used[depth] += 1
        code = "%s%d_%0*d" % (letter, depth + 1, len(str(counts[depth])), place + 1)
        lines.append((depth + 2, code))
        if depth + 1 == len(counts):
            leaves.append(code)
        else:
            todo += [depth + 1] * children[depth][place]
    return Dimension(name, lines, leaves, dice.shares(counts[-1], spread))


def shape(name, dice):
    """(dimensions, clients, exact total)"""
    sizes = {"T3": (2000, 500), "T3a": (100, 25), "T3b": (200, 50), "T3c": (600, 150)}
    deep = {"T4": (300000, [21, 290], [5, 15], [4, 10]), "T5": (2000000, [21, 290], [6, 36], [12, 60]),
            "T6": (6000000, [21, 290, 1200], [6, 36], [12, 60]), "T4s": (60000, [8, 60], [3, 8], [3, 9]),
            "N480": (1500, [2, 6], [2, 4], [2, 4]), "N1000": (3000, [3, 9], [2, 5], [2, 5]),
            "N2000": (6000, [4, 16], [3, 8], [2, 5])}
    if name == "T1":
        return [flat("office", ["Centrum", "Hamnen", "Norr", "Ost", "Syd", "Vast"], [.30, .22, .17, .13, .11, .07]),
                flat("sex", ["F", "M"], [.55, .45]),
                flat("age", ["18-29", "30-49", "50-64", "65+"], [.27, .41, .24, .08])], 540, True
    if name == "T2":
        return [nested(dice, "geo", [21, 290], "M", 1.0), flat("sex", ["1", "2"], [.52, .48]),
                flat("age", ["0-17", "18-24", "25-64", "65+"], [.22, .16, .50, .12])], None, False
    if name in ("O20", "O40", "O80", "O132"):
        offices = int(name[1:])
        return [flat("office", ["o%03d" % (i + 1) for i in range(offices)], dice.shares(offices, 0.5)),
                flat("sex", ["F", "M"], [.55, .45]),
                flat("age", ["18-29", "30-49", "50-64", "65+"], [.27, .41, .24, .08])], 90 * offices, False
    if name in sizes:
        rows, columns = sizes[name]
        return [flat("row", ["r%04d" % (i + 1) for i in range(rows)], dice.shares(rows, 1.2)),
                flat("col", ["c%03d" % (i + 1) for i in range(columns)], dice.shares(columns, 1.2))], \
            rows * columns * 6, False
    clients, geo, age, cause = deep[name]
    return [nested(dice, "geo", geo, "M", 1.0), nested(dice, "age", age, "A", 0.6),
            nested(dice, "cause", cause, "C", 0.8)], clients, False


def draw(dice, dimensions, clients, noise, exact):
    means = []
    for shares in itertools.product(*(d.shares for d in dimensions)):
        mean = float(clients)
        for share in shares:
            mean *= share
        means.append(mean * math.exp(noise * dice.gauss() - noise * noise / 2))
    counts = [dice.count(mean) for mean in means]
    if exact:
        settle(counts, clients)
    return counts


def settle(counts, wanted):
    """Moves the largest cells by ones, in turn, until the table holds exactly that many."""
    order = sorted(range(len(counts)), key=lambda i: -counts[i])[:max(1, len(counts) // 3)]
    for i in itertools.cycle(order):
        missing = wanted - sum(counts)
        if missing == 0:
            return
        step = 1 if missing > 0 else -1
        if counts[i] + step > 0:
            counts[i] += step


def write(folder, dimensions, counts):
    os.makedirs(folder, exist_ok=True)
    for d in dimensions:
        with open(os.path.join(folder, "hier_%s.csv" % d.name), "w", encoding="ascii") as f:
            f.write("level,code\n")
            f.writelines("%s,%s\n" % ("@" * level, code) for level, code in d.lines)
    with open(os.path.join(folder, "cells.csv"), "w", encoding="ascii") as f:
        f.write(",".join(d.name for d in dimensions) + ",freq\n")
        cells = itertools.product(*(d.leaves for d in dimensions))
        f.writelines("%s,%d\n" % (",".join(codes), count) for codes, count in zip(cells, counts))


def make(outdir, name, seed):
    family = name.split("-")[0]
    dice = Dice("%s/%d" % (family, seed))
    dimensions, clients, exact = shape(family, dice)
    if family != "T2":
        noise = {"T1": 0.35}.get(name, 0.5 if name.startswith("T3") else 0.4)
        write(os.path.join(outdir, name), dimensions, draw(dice, dimensions, clients, noise, exact))
        return
    for measure, size in (("A", 150000), ("B", 40000), ("C", 8000)):
        counts = draw(dice, dimensions, size, 0.4, False)
        if name in ("T2", "T2-" + measure):
            write(os.path.join(outdir, "T2-" + measure), dimensions, counts)


def main(argv):
    seed = SEED
    if "--seed" in argv:
        at = argv.index("--seed")
        seed = int(argv[at + 1])
        del argv[at:at + 2]
    if len(argv) < 2 or argv[0].startswith("-"):
        sys.exit(__doc__)
    for name in argv[1:]:
        make(argv[0], name, seed)


if __name__ == "__main__":
    main(sys.argv[1:])
