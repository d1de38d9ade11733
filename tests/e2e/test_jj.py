#!/usr/bin/python3
"""JJ files through `cellveil protect --jj`, `attack --jj` and `verify-certificate --jj`: known answers, random linked
tables attacked by whole-number programs (scipy), bad input. Shares no code with what it judges.

Sources of the known answers: see test_protect_known.py.
"""
import csv
import hashlib
import itertools
import json
import os
import random
import re
import sys

import numpy
from scipy.optimize import Bounds, LinearConstraint, milp

from harness import cellveil, run_tests

WIDTH, THRESHOLD = 2, 5  # the policy's defaults


class JJ:
    """Cells as dicts, relations as (right side, {cell: coefficient})."""

    def __init__(self):
        self.cells, self.relations = [], []

    def cell(self, value, status="s", cost=None, lb=0, ub=10000, levels=(0, 0, 0)):
        self.cells.append({"value": value, "status": status, "cost": max(0, value) if cost is None else cost, "lb": lb, "ub": ub,
                           "levels": levels})
        return len(self.cells) - 1

    def total(self, children, **more):
        """A cell that is the sum of others."""
        c = self.cell(sum(self.cells[i]["value"] for i in children), **more)
        self.relations.append((0, dict([(c, -1)] + [(i, 1) for i in children])))
        return c

    def text(self):
        lines = ["0", str(len(self.cells))]
        for i, c in enumerate(self.cells):
            lines.append("%d %d %g %s %d %d %d %d %d" % (i, c["value"], c["cost"], c["status"], c["lb"], c["ub"], *c["levels"]))
        lines.append(str(len(self.relations)))
        for rhs, terms in self.relations:
            lines.append("%d %d : %s" % (rhs, len(terms), " ".join("%d (%d)" % t for t in terms.items())))
        return "\n".join(lines) + "\n"

    def write(self, path):
        with open(path, "w", encoding="ascii") as f:
            f.write(self.text())
        return path

    def extremes(self, hidden, cell, floor=0):
        """Whole-number interval of a hidden cell; None where there is no end."""
        columns = sorted(hidden)
        place = {c: i for i, c in enumerate(columns)}
        rows, right = [], []
        for rhs, terms in self.relations:
            row = numpy.zeros(len(columns))
            for c, coef in terms.items():
                if c in place:
                    row[place[c]] = coef
                else:
                    rhs -= coef * self.cells[c]["value"]
            rows.append(row)
            right.append(rhs)
        low = [max(self.cells[c]["lb"], floor) if self.cells[c]["lb"] == 0 else self.cells[c]["lb"] for c in columns]
        high = [self.cells[c]["ub"] for c in columns]
        ends = []
        for sign in (1, -1):
            cost = numpy.zeros(len(columns))
            cost[place[cell]] = sign
            for presolve in (True, False):  # this version's presolve now and then finds the true table infeasible
                r = milp(cost, constraints=LinearConstraint(numpy.array(rows), right, right), bounds=Bounds(low, high),
                         integrality=numpy.ones(len(columns)), options={"presolve": presolve})
                if r.success:
                    break
            assert r.success, r.message
            ends.append(int(round(sign * r.fun)))
        return tuple(ends)

    def wanted(self, cell):
        """Least interval around the value: (lowest, highest, width)."""
        c = self.cells[cell]
        lpl, upl, spl = c["levels"]
        if c["status"] == "m":
            return c["value"], c["value"], 1
        if (lpl, upl, spl) == (0, 0, 0):
            upl = max(THRESHOLD - c["value"], WIDTH)
        return c["value"] - lpl, c["value"] + upl, max(spl, WIDTH)

    def misses(self, hidden):
        """Protected cells whose whole-number intervals are too narrow."""
        bad = []
        for i, c in enumerate(self.cells):
            if c["status"] not in "um":
                continue
            lo, hi = self.extremes(hidden, i)
            low, high, width = self.wanted(i)
            if lo > low or hi < high or hi - lo < width:
                bad.append(i)
        return bad


def read_result(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def hidden_of(out):
    return {int(r["cell"]) for r in read_result(os.path.join(out, "RESULT.csv")) if r["status"] == "H"}


def write_result(path, jj, hidden):
    with open(path, "w", encoding="ascii") as f:
        f.write("cell,freq,status\n")
        for i, c in enumerate(jj.cells):
            f.write("%d,%s,%s\n" % (i, "" if i in hidden else c["value"], "H" if i in hidden else "P"))
    return path


def attack(folder, jj, hidden, floor=0):
    path = jj.write(os.path.join(folder, "attacked.jj"))
    out = os.path.join(folder, "intervals.csv")
    p = cellveil("attack", "--jj", path, write_result(os.path.join(folder, "R.csv"), jj, hidden), "--floor", str(floor), "-o",
                 out)
    assert p.returncode in (0, 1), p.stderr
    return p.returncode, {int(r["cell"]): (int(r["lo"]), int(r["hi"] or 10**12)) for r in read_result(out)}


def protect(folder, jj, *options, name="out"):
    out = os.path.join(folder, name)
    return cellveil("protect", "--jj", jj.write(os.path.join(folder, "in.jj")), "-o", out, *options), out


def two_way(counts, unsafe, **more):
    """Rows of counts with margins; cell (r, c) is number r * columns + c, margins follow."""
    jj = JJ()
    n = len(counts[0])
    for r, row in enumerate(counts):
        for c, v in enumerate(row):
            unsafe_one = (r, c) in unsafe
            jj.cell(v, status="u" if unsafe_one else "s", **(more if unsafe_one else {}))
    rows = [jj.total([r * n + c for c in range(n)]) for r in range(len(counts))]
    columns = [jj.total([r * n + c for r in range(len(counts))]) for c in range(n)]
    total = jj.total(rows)
    jj.relations.append((0, dict([(total, -1)] + [(c, 1) for c in columns])))
    return jj


def test_i1(folder):
    jj = two_way([[20, 50, 10], [8, 19, 22], [17, 32, 12]], {(1, 0)})
    p, out = protect(folder, jj, "--level", "L1")
    assert p.returncode == 0, p.stderr
    assert hidden_of(out) == {3, 5, 6, 8}, hidden_of(out)
    with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
        assert json.load(f)["cost"] == 51
    code, got = attack(folder, jj, {3, 5, 6, 8})
    assert code == 0 and got == {3: (0, 25), 5: (5, 30), 6: (0, 25), 8: (4, 29)}, got


def test_optimal(folder):
    """The cheapest pattern of random tables, found by trying all."""
    rng = random.Random(7)
    for case in range(4):
        counts = [[rng.choice((0, 2, 5, 7, 9, 12)) for _ in range(2)] for _ in range(3)]
        counts[0][0] = 3
        jj = two_way(counts, {(0, 0)}, levels=(1, 3, 0))
        others = [i for i, c in enumerate(jj.cells) if c["status"] == "s"]
        costs = sorted((sum(max(0.001, jj.cells[c]["cost"]) for c in more), more) for n in range(len(others) + 1)
                       for more in itertools.combinations(others, n))
        best = next((cost for cost, more in costs if not jj.misses({0, *more})), None)
        p, out = protect(folder, jj, "--optimal", name="out%d" % case)
        assert best is not None and p.returncode == 0, p.stderr
        with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
            s = json.load(f)
        assert s["optimal"]["proven"] and abs(s["cost"] - best) < 0.1, (counts, best, s)
        assert "proven: no pattern" in p.stderr, p.stderr


def test_optimal_ended(folder):
    """A search ended by the clock: what was found goes out, with bound and gap, and is not called proven."""
    rng = random.Random(8)
    counts = [[rng.choice((2, 5, 7, 9, 12, 30)) for _ in range(40)] for _ in range(120)]
    jj = two_way(counts, {(r, rng.randrange(40)) for r in range(0, 120, 2)}, levels=(1, 3, 0))
    for c in jj.cells:
        c["ub"] = 100000
    p, out = protect(folder, jj, "--optimal", "--max-seconds", "1", "--json")
    assert p.returncode == 0, p.stderr
    s = json.loads(p.stdout)
    o = s["optimal"]
    assert o["ended"] in ("time", "work") and not o["proven"] and o["bound"] < o["cost"] == s["cost"], o
    assert "not proven" in p.stderr and ("the time given was over" in p.stderr) == (o["ended"] == "time"), p.stderr
    code, _ = attack(folder, jj, hidden_of(out))
    assert code == 0


def test_written(folder):
    """A folder written as JJ: the same cells, and protecting it protects."""
    two = ["level,code", "@,_T", "@@,a", "@@,b", "@@,c"]
    for name, text in (("hier_row.csv", two), ("hier_col.csv", two), ("cells.csv", ["row,col,freq"] + [
            "%s,%s,%d" % (r, c, (2, 9, 14, 20, 3, 8, 11, 30, 1)["abc".index(r) * 3 + "abc".index(c)]) for r in "abc" for c in
            "abc"]), ("policy.yaml", ["offices: no", "min_reporting: 1", "group_min: 0"])):
        with open(os.path.join(folder, name), "w", encoding="ascii") as f:
            f.write("\n".join(text) + "\n")
    path, policy = os.path.join(folder, "t.jj"), os.path.join(folder, "policy.yaml")
    p = cellveil("protect", folder, "--policy", policy, "--write-jj", path, "-o", os.path.join(folder, "grid"))
    assert p.returncode == 0, p.stderr
    with open(path, encoding="ascii") as f:
        lines = f.read().splitlines()
    assert lines[1] == "16" and lines[18] == "8" and lines[2].split()[1] == "98", lines
    assert sorted(x.split()[1] for x in lines[2:18] if x.split()[3] == "u") == ["1", "2", "3"], lines
    p = cellveil("protect", "--jj", path, "--policy", policy, "-o", os.path.join(folder, "jj"))
    assert p.returncode == 0, p.stderr
    p = cellveil("attack", "--jj", path, os.path.join(folder, "jj", "RESULT.csv"), "-o", os.path.join(folder, "a.csv"))
    assert p.returncode == 0, p.stderr


def test_i2_i3(folder):
    code, got = attack(folder, two_way([[5, 2], [1, 2], [3, 3]], ()), {0, 1, 2, 3})
    assert code == 0 and got == {0: (3, 6), 1: (1, 4), 2: (0, 3), 3: (0, 3)}, got
    jj = two_way([[30, 47, 64, 89], [90, 124, 5, 31], [92, 100, 59, 85], [800, 991, 651, 685]], ())
    hidden = {0, 1, 2, 4, 6, 9, 11, 13, 15}
    code, got = attack(folder, jj, hidden)
    assert code == 1 and got[1] == (47, 47), got
    code, got = attack(folder, jj, hidden | {5})
    assert code == 0 and got[1] == (0, 141), got


def test_i4(folder):
    """Two groupings of the same areas: A B I J | K L M N, and L M | the rest."""
    jj = JJ()
    for v in (2, 2, 8, 8, 3, 3, 3, 7):
        jj.cell(v, status="u" if v < 4 else "s")
    jj.total([jj.total(range(4), status="z"), jj.total(range(4, 8), status="z")], status="z")
    total = len(jj.cells) - 1
    big, small = jj.total([5, 6], status="z"), jj.total([0, 1, 2, 3, 4, 7], status="z")
    jj.relations.append((0, {total: -1, big: 1, small: 1}))
    code, got = attack(folder, jj, {0, 1, 4, 5, 6})
    assert code == 1 and got[4] == (3, 3), got
    p, out = protect(folder, jj, "--level", "L1")
    assert p.returncode == 0, p.stderr
    assert hidden_of(out) == {0, 1, 4, 5, 6, 7}, hidden_of(out)


def test_i5(folder):
    """Rows 1 1 7 1 0 and 1 0 0 2 8: every cell of 1 or 2 keeps a wide interval."""
    counts = [[1, 1, 7, 1, 0], [1, 0, 0, 2, 8]]
    jj = two_way(counts, {(r, c) for r in range(2) for c in range(5) if 0 < counts[r][c] < 5})
    p, out = protect(folder, jj)
    assert p.returncode == 0, p.stderr
    assert not jj.misses(hidden_of(out))


def test_i6(folder):
    """0 = 0 + x + x; 15 = 10 + 5 + x + x; 15 = 10 + 3 + x + x."""
    for printed, x, floor, end in (((0,), 0, 0, (0, 0)), ((10, 5), 0, 0, (0, 0)), ((10, 3), 1, 1, (1, 1))):
        jj = JJ()
        for v in printed:
            jj.cell(v)
        a, b = jj.cell(x, status="u"), jj.cell(x, status="u")
        jj.total(range(len(jj.cells)))
        code, got = attack(folder, jj, {a, b}, floor)
        assert code == 1 and got == {a: end, b: end}, got
        p, out = protect(folder, jj)
        assert p.returncode in (0, 4), p.stderr
        if p.returncode == 0:
            assert len(hidden_of(out)) > 2 and not jj.misses(hidden_of(out))
            assert attack(folder, jj, hidden_of(out), 0)[0] == 0


def random_jj(rng):
    """Leaves summed by several overlapping groupings, now and then weighted; some cells zero, forced or hidden already."""
    jj = JJ()
    n = rng.randint(4, 10)
    for _ in range(n):
        v = rng.choice((0, 1, 2, 3, 6, 9, 20, 40))
        jj.cell(v, ub=rng.choice((v + 30, 10000)), cost=rng.choice((v, 1, 0, 2.5)))
    for _ in range(rng.randint(1, 3)):
        leaves = rng.sample(range(n), n)
        cut = sorted(rng.sample(range(1, n), min(n - 1, rng.randint(1, 3))))
        parts = [leaves[i:j] for i, j in zip([0] + cut, cut + [n])]
        tops = [jj.total(p) if len(p) > 1 else p[0] for p in parts]
        jj.total(tops)
    if rng.random() < 0.4:  # a weighted figure: 2a - b + 3c, or a sum that is known
        a, b, c = rng.sample(range(n), 3)
        value = 2 * jj.cells[a]["value"] - jj.cells[b]["value"] + rng.choice((1, 3)) * jj.cells[c]["value"]
        weight = (value - 2 * jj.cells[a]["value"] + jj.cells[b]["value"]) // max(1, jj.cells[c]["value"]) or 1
        terms = {a: 2, b: -1, c: weight}
        rhs = sum(jj.cells[i]["value"] * k for i, k in terms.items())
        if rng.random() < 0.5:
            top = jj.cell(rhs, lb=-10000)
            terms[top], rhs = -1, 0
        jj.relations.append((rhs, terms))
    for c in jj.cells:
        draw = rng.random()
        if 0 < c["value"] < 5 or draw < 0.1:
            c["status"] = "u"
            room = c["value"] - c["lb"]
            c["levels"] = rng.choice(((0, 0, 0), (0, 0, 0), (min(1, room), 2, 0), (min(2, room), 3, 7), (0, 0, 4)))
        elif draw < 0.2:
            c["status"] = "z"
        elif draw < 0.25:
            c["status"] = "m"
    return jj


def test_random(folder):
    seed = int(os.environ.get("CELLVEIL_SEED", "20240613"))
    n = int(os.environ.get("CELLVEIL_CASES", "60"))
    print("seed", seed, "cases", n)
    safe = refused = 0
    for case in range(n):
        jj = random_jj(random.Random(seed * 1000 + case))
        p, out = protect(folder, jj)
        where = "seed %d case %d: %s" % (seed, case, p.stderr)
        everything = {i for i, c in enumerate(jj.cells) if c["status"] != "z"}
        if p.returncode == 4:
            refused += 1
            assert jj.misses(everything), "refused, though hiding all would do: " + where
            continue
        assert p.returncode == 0, where
        safe += 1
        hidden = hidden_of(out)
        assert all(c["status"] not in "um" or i in hidden for i, c in enumerate(jj.cells)), where
        assert hidden <= everything, where
        assert not jj.misses(hidden), (where, jj.misses(hidden))
        judge(folder, jj, out, where)
    print(safe, "safe", refused, "refused")
    assert n < 40 or (safe > n // 3 and refused > 0)


def judge(folder, jj, out, where):
    """Our own judges agree, and the written table read again is the same table."""
    source, result = os.path.join(folder, "in.jj"), os.path.join(out, "RESULT.csv")
    p = cellveil("attack", "--jj", source, result, "-o", os.path.join(folder, "a.csv"))
    assert p.returncode == 0, (where, p.stderr)
    for r in read_result(os.path.join(folder, "a.csv")):
        lo, hi = jj.extremes(hidden_of(out), int(r["cell"]))
        assert int(r["lo"]) <= lo and (r["hi"] == "" or int(r["hi"]) >= hi), (where, r, lo, hi)
    p = cellveil("verify-certificate", "--jj", source, result, os.path.join(out, "certificate.cvc"), "--auditor",
                 os.path.join(out, "certificate.auditor.cvc"))
    assert p.returncode == 0, (where, p.stderr)
    check_explained(jj, out, where)
    with open(os.path.join(out, "RESULT.jj"), encoding="ascii") as f:
        written = f.read().splitlines()
    for i, line in enumerate(written[2:2 + len(jj.cells)]):
        hidden = line.split()[3] in "um"
        assert hidden == (i in hidden_of(out)), where


def check_explained(jj, out, where):
    """A line a hidden cell: a protected one with who asks for it, another with protected cells that it serves."""
    lines = read_result(os.path.join(out, "explain.csv"))
    assert [int(r["cell"]) for r in lines] == sorted(hidden_of(out)), where
    for r in lines:
        cell = int(r["cell"])
        c = jj.cells[cell]
        rule = {"s": "secondary", "m": "missing", "u": "levels" if any(c["levels"]) else "policy"}[c["status"]]
        assert (r["state"], r["rules"], r["against"]) == ("H", rule, "public"), (where, r)
        if rule != "secondary":
            continue
        assert r["protects"] and all(jj.cells[int(p)]["status"] in "um" for p in r["protects"].split()), (where, r)
        assert r["through"] and all(cell in jj.relations[int(n)][1] for n in r["through"].split()), (where, r)
        assert abs(float(r["price"]) - c["cost"]) < 0.006, (where, r)


def again(text):
    """The part with its own digest made right."""
    body = text[:text.rindex("end-auditor ")]
    return body + "end-auditor " + hashlib.sha256(body.encode()).hexdigest() + "\n"


def test_auditors_part(folder):
    """No change of the auditors' part holds, digests made right or not: not a digit, not a line less, twice or out of turn."""
    jj = two_way([[20, 50, 10, 9], [8, 19, 22, 14], [17, 32, 12, 25]], {(1, 0), (0, 3)}, levels=(3, 6, 0))
    _, out = protect(folder, jj)
    with open(os.path.join(out, "certificate.auditor.cvc"), encoding="ascii") as f:
        text = f.read()
    verify = ("verify-certificate", "--jj", os.path.join(folder, "in.jj"), os.path.join(out, "RESULT.csv"),
              os.path.join(out, "certificate.cvc"), "--auditor")
    bad = os.path.join(folder, "bad.cvc")
    lines = text.splitlines(keepends=True)
    blind = [i for i, line in enumerate(lines) if line.startswith("blind ")][0]
    changed = [text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1:] for at in
               random.Random(2).sample([m.start() for m in re.finditer("[0-9]", text)], 80)]
    changed += ["".join(lines[:i] + lines[i + 1:]) for i in range(len(lines) - 1)]
    changed += ["".join(lines[:i] + [lines[i]] + lines[i:]) for i in range(len(lines) - 1)]
    changed += ["", text + "x\n", text[:len(text) // 2]]
    held = []
    for i, other in enumerate(changed):
        made_right = again(other) if "end-auditor " in other and random.Random(i).random() < 0.9 else other
        if made_right.splitlines()[:blind] == text.splitlines()[:blind] and \
                made_right.splitlines()[blind + 1:-1] == text.splitlines()[blind + 1:-1] and made_right != other:
            continue  # only the line blind is another: no rule can judge it, the manifest's digest does
        with open(bad, "w", encoding="ascii") as f:
            f.write(made_right)
        p = cellveil(*verify, bad)
        if p.returncode != 1:
            held.append((p.returncode, p.stderr, made_right))
    assert not held, held[0]


def test_mutations(folder):
    """A certificate with any digit changed is rejected, and so is one of another result."""
    jj = two_way([[20, 50, 10], [8, 19, 22], [17, 32, 12]], {(1, 0)})
    _, out = protect(folder, jj)
    paths = [os.path.join(folder, "in.jj"), os.path.join(out, "RESULT.csv"), os.path.join(out, "certificate.cvc")]
    with open(paths[2], encoding="ascii") as f:
        text = f.read()
    bad = os.path.join(folder, "bad.cvc")
    places = [m.start() for m in re.finditer("[0-9]", text)]
    rng = random.Random(1)
    for at in rng.sample(places, 25):
        with open(bad, "w", encoding="ascii") as f:
            f.write(text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1:])
        assert cellveil("verify-certificate", "--jj", paths[0], paths[1], bad).returncode == 1, at
    for old, new in ((" coalition 0", " coalition 1"), (" floor ", " floor 7"), ("level L", "level L7")):
        body = text[:text.index("end-public ")].replace(old, new)
        with open(bad, "w", encoding="ascii") as f:
            f.write(body + "end-public " + hashlib.sha256(body.encode()).hexdigest() + "\n")
        assert cellveil("verify-certificate", "--jj", paths[0], paths[1], bad).returncode == 1, new
    write_result(os.path.join(folder, "other.csv"), jj, hidden_of(out) | {0})
    assert cellveil("verify-certificate", "--jj", paths[0], os.path.join(folder, "other.csv"), paths[2]).returncode == 1


def signed_again(result, certificate, part):
    """Every digest made right, from the result to the auditors' part."""
    digest = lambda text: hashlib.sha256(text.encode()).hexdigest()
    put = lambda text, word, of: re.sub("(?m)^%s [0-9a-f]+$" % word, "%s %s" % (word, digest(of)), text, count=1)
    end = lambda text, word: put(text, word, text[:text.rindex(word + " ")])
    certificate = put(certificate, "result", result)
    certificate = put(certificate, "pattern", "".join(line[-1:] for line in result.splitlines()[1:]))
    certificate = end(certificate, "end-public")
    return result, certificate, end(put(part, "public", certificate), "end-auditor")


def files_of(out):
    for name in ("RESULT.csv", "certificate.cvc", "certificate.auditor.cvc"):
        with open(os.path.join(out, name), encoding="ascii") as f:
            yield f.read()


def verify(folder, files, *more, audited=True):
    """Exit code and what is said, of files that are put beside the JJ file."""
    paths = [os.path.join(folder, name) for name in ("r.csv", "c.cvc", "a.cvc")]
    for path, text in zip(paths, files):
        with open(path, "w", encoding="ascii", newline="") as f:
            f.write(text)
    p = cellveil("verify-certificate", "--jj", os.path.join(folder, "in.jj"), paths[0], paths[1],
                 *(("--auditor", paths[2]) if audited else ()), *more)
    return p.returncode, p.stderr


def test_false_results(folder):
    """What a publisher prints in another way than the counts, the levels and the relations say, all digests made right."""
    jj = JJ()
    parts = [jj.cell(3, "u", levels=(2, 2, 0)), jj.cell(20), jj.cell(30), jj.cell(7, "m", ub=90), jj.cell(33)]
    jj.total(parts, status="z")
    jj.total([jj.cell(60), jj.cell(12)], status="z", ub=100)  # apart from the others, and all printed
    _, out = protect(folder, jj)
    good = tuple(files_of(out))
    assert signed_again(*good) == good and verify(folder, good)[0] == 0 and verify(folder, good, audited=False)[0] == 0
    lines = good[0].splitlines()
    assert lines[1].endswith("H") and lines[6] == "5,93,P" and lines[9] == "8,72,P", lines
    shown = [line for line in lines[2:6] if line.endswith(",P")][0]
    cell, value, _ = shown.split(",")
    for old, new, both, why in (
            (lines[1], "0,3,P", True, "printed, but it must be hidden"), (lines[4], "3,7,P", True, "printed, but it must be hidden"),
            (lines[6], "5,,H", True, "hidden, but it must be printed"), (lines[9], "8,73,P", True, "does not add up"),
            (lines[9], "8,101,P", True, "outside its bounds"), (shown, "%s,%d,P" % (cell, int(value) + 1), False, "not its count"),
            (shown, "%s,%s.0,P" % (cell, value), True, "one spelling"), (shown, "%s,0%s,P" % (cell, value), True, "one spelling"),
            (shown, '%s,"%s",P' % (cell, value), True, "one spelling"), (shown, "0" + shown, True, "one spelling"),
            (shown, shown + "\r", True, "one spelling"), (shown, shown + "\n", True, "one spelling")):
        files = signed_again(good[0].replace(old + "\n", new + "\n"), *good[1:])
        for audited in (True, False) if both else (True,):
            code, said = verify(folder, files, audited=audited)
            assert code == 1 and (why in said or (audited and "not its count" in said)), (new, audited, code, said)


def test_false_claims(folder):
    """The line `level` is one that there can be, and with --policy that policy's; no nought is hidden where the floor says so."""
    jj = two_way([[20, 50, 10, 9], [8, 19, 22, 14], [17, 32, 12, 25]], {(1, 0), (0, 3)})
    policy = os.path.join(folder, "policy.yaml")
    with open(policy, "w", encoding="ascii") as f:
        f.write("zeros: published\n")
    _, out = protect(folder, jj, "--policy", policy)
    good = tuple(files_of(out))
    level = re.search("(?m)^level .*$", good[1]).group()
    assert level == "level L2 k 5 width 2 floor 1 coalition 0" and verify(folder, good, "--policy", policy)[0] == 0
    for old, new, alone in (("L2", "L0", 1), ("k 5", "k 2", 1), ("width 2", "width 0", 1), ("k 5", "k 4", 0), ("width 2", "width 1", 0)):
        other = level.replace(old, new)
        files = signed_again(good[0], good[1].replace(level, other), good[2].replace(level, other))
        code, said = verify(folder, files)
        assert code == alone and (code == 1 or new.replace("k", "threshold") in said), (other, code, said)
        assert verify(folder, files, "--policy", policy)[0] == 1, other
    with open(policy, "w", encoding="ascii") as f:
        f.write("zeros: camouflage\n")
    code, said = verify(folder, good, "--policy", policy)
    assert code == 1 and "the floor is not the policy's" in said, said
    jj.cells[5]["value"], jj.cells[5]["status"] = 0, "u"
    for r in jj.relations:
        if 5 in r[1]:
            total = [c for c, coef in r[1].items() if coef < 0][0]
            jj.cells[total]["value"] -= 19
    for c in jj.cells[-1:]:
        c["value"] -= 19
    p, out = protect(folder, jj, "--policy", policy)
    assert p.returncode == 0, p.stderr
    good = tuple(files_of(out))
    assert verify(folder, good)[0] == 0
    files = signed_again(good[0], *(text.replace("floor 0", "floor 1") for text in good[1:]))
    code, said = verify(folder, files)
    assert code == 1, said


def test_moves_in_turn(folder):
    """Moves and their lines twice, in another order, or more than is asked: numbers and digests made right."""
    jj = two_way([[20, 50, 10, 9], [8, 19, 22, 14], [17, 32, 12, 25]], {(1, 0), (0, 3), (2, 2)}, levels=(3, 0, 0))
    _, out = protect(folder, jj)
    good = tuple(files_of(out))
    lines = good[2].splitlines()
    moves = [line.split(" ", 2)[2] for line in lines if line.startswith("a ")]
    asked = [re.match(r"r (\d+ \d+ public) \d+ (\w+)", line).groups() for line in lines if line.startswith("r ")]
    n = len(moves)
    assert n >= 3 and len(asked) == n
    head = lines[:lines.index("section amplitudes") + 1]

    def part(order, requirements=None):
        text = head + ["a %d %s" % (i, moves[m]) for i, m in enumerate(order)] + ["section requirements"]
        text += ["r %s %d %s" % (asked[order[i]][0], i, asked[order[i]][1]) for i in requirements or range(len(order))]
        return "\n".join(text + ["end-auditor 0"]) + "\n"

    assert signed_again(*good[:2], part(range(n))) == good
    for order in [list(range(n))[::-1], [*range(n), n - 1], [0, *range(n)], list(range(n - 1)), [1, 0, *range(2, n)]]:
        assert verify(folder, signed_again(*good[:2], part(order)))[0] == 1, order
    assert verify(folder, signed_again(*good[:2], part(range(n), list(range(n))[::-1])))[0] == 1
    back = [" ".join("%s:%d" % (c, -int(by)) for c, by in (e.split(":") for e in m.split(" ")[1:])) for m in moves]
    extra = int(asked[0][0].split(" ")[0])  # the first cell's move backwards as well: nothing asks for it up
    by = [int(e.split(":")[1]) for e in back[0].split(" ") if e.split(":")[0] == str(extra)][0]
    moves.append(moves[0].split(" ")[0] + " " + back[0])
    asked.append(("%d %d public" % (extra, jj.cells[extra]["value"] + by), asked[0][1]))
    for order in ([n, *range(n)], [0, n, *range(1, n)]):
        if by > 0 and order[0] == n:
            continue  # up first and then down is how both are written
        assert verify(folder, signed_again(*good[:2], part(order)))[0] == 1, order


def test_large_figures(folder):
    """Levels and what moves make of cells beyond 32 bits: the part holds, and says how far."""
    jj = JJ()
    parts = [jj.cell(5 * 10**9, "u", ub=10**12, levels=(3 * 10**9, 3 * 10**9, 0)), jj.cell(7 * 10**9, ub=10**12),
             jj.cell(9 * 10**9, ub=10**12)]
    jj.total(parts, status="z", ub=10**12)
    p, out = protect(folder, jj)
    assert p.returncode == 0, p.stderr
    good = tuple(files_of(out))
    assert "r 0 8000000000 public" in good[2] and verify(folder, good)[0] == 0, verify(folder, good)
    code, _ = verify(folder, signed_again(*good[:2], good[2].replace("8000000000", "8000000001")))
    assert code == 1


def test_no_such_cell(folder):
    """A table of few cells: a null vector that names a further one is refused there and then."""
    jj = JJ()
    parts = [jj.cell(3, "u", levels=(2, 2, 0)), jj.cell(20), jj.cell(30)]
    jj.relations.append((0, {jj.cell(53): -1, **{c: 1 for c in parts}}))
    _, out = protect(folder, jj)
    paths = [os.path.join(folder, "in.jj"), os.path.join(out, "RESULT.csv"), os.path.join(out, "certificate.cvc")]
    with open(paths[2], encoding="ascii") as f:
        text = f.read()
    for cell in range(4, 12):
        with open(paths[2], "w", encoding="ascii") as f:
            f.write(re.sub("(?m)^(n .*\n)(?!n )", "\\1n %d 1\n" % cell, text, count=1))
        p = cellveil("verify-certificate", "--jj", *paths)
        assert p.returncode == 1 and "not an entry" in p.stderr, p


def test_bad_input(folder):
    good = two_way([[20, 50], [8, 19]], {(1, 0)}).text()
    path = os.path.join(folder, "bad.jj")
    out = os.path.join(folder, "bad-out")
    for change, words in ((lambda t: t.replace("20 20 s", "20.5 20 s"), "in.jj:3: the value: fractions"),
                          (lambda t: t.replace("0 20 20 s", "0 21 20 s"), "the relation does not add up"),
                          (lambda t: t.replace("20 20 s", "nan 20 s"), "in.jj:3: the value is not a number"),
                          (lambda t: t.replace("20 20 s", "1e30 20 s"), "in.jj:3: the value: too large"),
                          (lambda t: t.replace("20 20 s", "20 20 x"), "in.jj:3: the status"),
                          (lambda t: t[:len(t) // 2], "in.jj:"),
                          (lambda t: t.replace("0\n9\n", "0\n999999999\n"), "in.jj:2: the number of cells"),
                          (lambda t: "", "the file is empty")):
        path = os.path.join(folder, "in.jj")
        with open(path, "w", encoding="ascii") as f:
            f.write(change(good))
        p = cellveil("protect", "--jj", path, "-o", out)
        assert p.returncode == 2 and words in p.stderr, (words, p.returncode, p.stderr)
        assert not os.path.exists(out)
    p = cellveil("protect", "-o", out)
    assert p.returncode == 2, p.stderr
    p = cellveil("protect", folder, "--jj", path, "-o", out)
    assert p.returncode == 2, p.stderr


def test_keys(folder):
    """With a key the choice follows it, and the same key gives the same bytes."""
    jj = two_way([[20, 21, 22, 20], [3, 19, 22, 21], [20, 20, 21, 22]], {(1, 0)})
    seen = set()
    for k in range(6):
        key = os.path.join(folder, "key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
            f.write("%02x" % k * 32)
        results = []
        for name in ("a", "b"):
            p, out = protect(folder, jj, "--key", key, name=name)
            assert p.returncode == 0, p.stderr
            with open(os.path.join(out, "certificate.cvc"), "rb") as f:
                results.append(f.read())
        assert results[0] == results[1]
        seen.add(frozenset(hidden_of(out)))
    assert len(seen) > 1


if __name__ == "__main__":
    sys.exit(1 if run_tests(globals()) else 0)
