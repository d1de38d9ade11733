#!/usr/bin/python3
"""Derived figures (rule R10): shares of one base, rates, several figures of the same cells, most over cells that no table prints.

Random folders with many of them. A figure is printed where all its cells are, and only there, and what is printed lets nobody
bound a small count: a whole-number program asks of every cell, printed or not, what fits all that was printed
(test_attack_blanks.py); `cellveil attack` and the certificate's verifier agree. Then figures over cells that no table prints are
printed after all: the command must find what the program finds, rounding included, and the verifier must refuse.

test_attack_derived.py [SECONDS [SEED]]
"""
import itertools
import os
import random
import shutil
import sys
import tempfile

import blankmaker
import tablemaker
from hunting import Hunt, keep
from tableattack import Judge, Table, rows_of
from tablemaker import write
from test_attack_blanks import judge
from test_attack_tables import protect, verify
from test_attack_unprinted import Witness, attack, floor_of, is_whole

TABLES = 40


def figures(folder, rng):
    """Writes derived.csv, and tables.csv where everything would be printed."""
    lines = ["id,numerator,denominator,factor,digits"]
    if not os.path.exists(os.path.join(folder, "tables.csv")):
        dims = Table(folder, {}).dims
        dims = [d for d in dims if os.path.exists(os.path.join(folder, "hier_%s.csv" % d.name))]
        some = [d for d in dims if rng.random() < 0.6] or [rng.choice(dims)]
        write(os.path.join(folder, "tables.csv"), ["table,dim,codes"] + ["t0,%s,*" % d.name for d in some])
    table = Table(folder, {})
    dims = table.dims[:table.public_dims]
    tail = (table.dims[-1].total,) if table.column else ()
    cells = list(itertools.product(*(d.codes for d in dims)))
    printed = [c for c in cells if c + tail in table.printed]
    bare = [c for c in cells if c + tail not in table.printed] or cells
    if rng.random() < 0.3:  # of many cells, and vague
        share, most = rng.choice((0.2, 0.5, 0.9)), rng.choice((3, 5, 9, 20, 60))
        tops = [c for c in bare if rng.random() < share] or bare[:1]
        lines += ["f%d,%s,%d,1,0" % (i, "|".join(top), rng.randint(1, most)) for i, top in enumerate(tops)]
    for _ in range(0 if len(lines) > 1 else rng.randint(1, 6)):
        start, place = rng.choice(bare if rng.random() < 0.8 else cells), rng.randrange(len(dims))
        tops = [start]
        if rng.random() < 0.6:  # the shares of a breakdown, or most of them
            codes = dims[place].codes
            tops = [start[:place] + (c,) + start[place + 1:] for c in rng.sample(codes, rng.randint(1, len(codes)))]
        bases = ["|".join(rng.choice(printed)) if len(dims) > 1 else "1000", str(rng.choice((1, 7, 50, 999, 20000)))]
        base = bases[rng.random() < 0.3]
        for top in tops:
            for below in [base] + bases[:rng.random() < 0.2]:
                lines.append("f%d,%s,%s,%d,%d" % (len(lines), "|".join(top), below, rng.choice((1, 100, 1000)), rng.randint(0, 2)))
    write(os.path.join(folder, "derived.csv"), lines)


def print_figures(folder, out, to, table):
    """A copy of the result with every figure over an unprinted cell and a printed base. How many are new."""
    os.mkdir(to)
    shutil.copy(os.path.join(out, "RESULT.csv"), to)
    shutil.copy(os.path.join(out, "certificate.cvc"), to)
    tail = (table.dims[-1].total,) if table.column else ()
    names = [d.name for d in table.dims[:table.public_dims]]
    mark = {tuple(r[n] for n in names): r["status"] for r in rows_of(os.path.join(out, "RESULT.csv"))}
    lines, new = ["id,value,status"], 0
    for row, was in zip(rows_of(os.path.join(folder, "derived.csv")), rows_of(os.path.join(out, "DERIVED.csv"))):
        top, below = tuple(row["numerator"].split("|")), row["denominator"]
        base = tuple(below.split("|")) if not below.isdigit() else None
        whole = table.value[base + tail] if base else int(below)
        if was["status"] != "H" or top in mark or (base and mark.get(base) != "P") or whole == 0:
            lines.append("%s,%s,%s" % (was["id"], was["value"], was["status"]))
            continue
        scaled = (2 * table.value[top + tail] * int(row["factor"]) * 10 ** int(row["digits"]) + whole) // (2 * whole)
        digits = int(row["digits"])
        text = "%d" % scaled if digits == 0 else "%d.%0*d" % (scaled // 10 ** digits, digits, scaled % 10 ** digits)
        lines.append("%s,%s,P" % (was["id"], text))
        new += 1
    write(os.path.join(to, "DERIVED.csv"), lines)
    return new


def opened(folder, out, policy):
    """What is wrong when all of them are printed, and how many findings there are."""
    table, to = Table(folder, policy), os.path.join(folder, "opened")
    if print_figures(folder, out, to, table) == 0:
        return [], 0
    coalition = int(policy.get("coalition", 1)) if table.office_at is not None else 0
    floor = floor_of(out)
    result = os.path.join(to, "RESULT.csv")
    _, said, told = attack(folder, result, floor, coalition)
    hunter = Witness(table, result, floor)
    hunter.zeros = policy.get("zeros", "sensitive")
    wanted = {f for f in hunter.names() if is_whole(table, f[1])}
    cells = {f for f in told if " - " not in f[1] and is_whole(table, f[1])}
    # the command bounds with fractions, so it may find less of what only whole numbers show
    wrong = ["opened: only the command: " + "|".join(f) for f in sorted(cells - wanted)]
    if wanted and not cells:
        wrong.append("opened: only the program: " + ", ".join("|".join(f) for f in sorted(wanted)))
    for name in ("certificate.auditor.cvc", "summary.json"):
        shutil.copy(os.path.join(out, name), to)
    if "made of a cell that is not" not in "".join(verify(folder, to)):
        wrong.append("opened: the verifier lets it pass")
    return wrong, len(told)


def shown(folder, out, judge):
    """(how many figures are printed, those that are not and should be: printed cells, and a base of somebody)"""
    tail, n, wrong = (judge.table.dims[-1].total,) if judge.table.column else (), 0, []
    for row, was in zip(rows_of(os.path.join(folder, "derived.csv")), rows_of(os.path.join(out, "DERIVED.csv"))):
        parts = [tuple(t.split("|")) + tail for t in (row["numerator"], row["denominator"]) if not t.isdigit()]
        some = row["denominator"].isdigit() or judge.table.value[parts[-1]] > 0
        printed = some and all(judge.mark.get(c) in ("P", "Z") for c in parts)
        n += was["status"] == "P"
        wrong += ["figure %s: hidden over printed cells" % row["id"]] if printed and was["status"] != "P" else []
    return n, wrong


def one(seed):
    """(exit code, what is wrong, figures printed, findings where those over unprinted cells are too)"""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        if rng.random() < 0.25:
            policy = blankmaker.make(folder, rng)
        else:
            policy = tablemaker.make(folder, rng, limit=90)
        if os.path.exists(os.path.join(folder, "forced.csv")):  # figures() may add a table that lacks them
            os.unlink(os.path.join(folder, "forced.csv"))
        figures(folder, rng)
        out = os.path.join(folder, "out")
        p = protect(folder, out)
        if p.returncode != 0:
            return p.returncode, [] if p.returncode == 4 or (p.returncode == 2 and "policy" in p.stderr) else [p.stderr], 0, 0
        table = Table(folder, policy)
        coalition = int(policy.get("coalition", 1)) if table.office_at is not None else 0
        n, wrong = shown(folder, out, Judge(table, os.path.join(out, "RESULT.csv"), floor_of(out)))
        wrong += judge(folder, out, policy)
        code, said, _ = attack(folder, os.path.join(out, "RESULT.csv"), floor_of(out), coalition)
        wrong += ["attack: %d %s" % (code, said)] if code != 0 else []
        more, findings = opened(folder, out, policy)
        wrong += more
        if wrong:
            keep(folder, seed, wrong)
        return 0, wrong, n, findings


def main():
    hunt = Hunt(TABLES)
    printed, findings = 0, 0
    for seed in hunt.seeds():
        code, wrong, n, found = one(seed)
        hunt.count(seed, code, wrong)
        printed, findings = printed + n, findings + found
    print("first seed %d; by exit code: %s; figures printed: %d; findings where all are: %d; failed: %d" % (
        hunt.first, hunt.kinds, printed, findings, hunt.bad))
    sys.exit(1 if hunt.bad or printed == 0 or findings == 0 else 0)


if __name__ == "__main__":
    main()
