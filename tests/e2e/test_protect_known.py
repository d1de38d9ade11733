#!/usr/bin/python3
"""`cellveil protect` on tables with known answers, on bad input, with other keys, and attacked twice over.

Sources of the known answers: the introductory cell suppression example of Fischetti and Salazar (I-1), Geurts (I-2),
public tests of sdcTable and easySdcTable (I-3, I-4, I-5), sdcTools/tauargus issue 194 (I-6).
"""
import csv
import os
import random
import sys

from harness import cellveil, random_seed, run_tests
from tableattack import Judge, Table, judge_folder
from tablemaker import make, write

PLAIN = {"group_min": 0, "zeros": "published", "offices": "no", "hidden_sum_min": 0, "redundancy": 0, "width": 1,
         "min_reporting": 1, "price_count": 0, "effort": 100}


def policy(folder, **values):
    write(os.path.join(folder, "policy.yaml"), ["%s: %s" % kv for kv in sorted(values.items())])


def protect(folder, out, *options):
    return cellveil("protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "-o", out, *options)


def result(out, name="RESULT.csv"):
    with open(os.path.join(out, name), newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def hidden(out, *dims):
    return {tuple(r[d] for d in dims) for r in result(out) if r["status"] == "H"}


def flat(folder, name, codes):
    write(os.path.join(folder, "hier_%s.csv" % name), ["level,code", "@,_T"] + ["@@," + c for c in codes])


def two_way(folder, rows, columns, counts):
    flat(folder, "row", rows)
    flat(folder, "col", columns)
    write(os.path.join(folder, "cells.csv"), ["row,col,freq"] + [
        "%s,%s,%d" % (r, c, counts[i * len(columns) + k]) for i, r in enumerate(rows) for k, c in enumerate(columns)])


def pattern_file(folder, rows, columns, counts, marks):
    """A RESULT.csv with that pattern of inner cells, margins printed."""
    n = len(columns)
    lines = ["row,col,freq,status"]
    for i in range(-1, len(rows)):
        for k in range(-1, n):
            value = sum(counts[r * n + c] for r in range(len(rows)) for c in range(n)
                        if i in (-1, r) and k in (-1, c))
            hide = i >= 0 and k >= 0 and marks[i * n + k] == "H"
            lines.append("%s,%s,%s,%s" % (rows[i] if i >= 0 else "_T", columns[k] if k >= 0 else "_T",
                                          "" if hide else value, "H" if hide else "P"))
    path = os.path.join(folder, "PATTERN.csv")
    write(path, lines)
    return path


def intervals(folder, pattern, floor="0"):
    out = os.path.join(folder, "intervals.csv")
    p = cellveil("attack", folder, pattern, "--floor", floor, "-o", out)
    assert p.returncode in (0, 1), p.stderr
    with open(out, newline="", encoding="utf-8") as f:
        return p.returncode, {r["cell"]: (int(r["lo"]), int(r["hi"])) for r in csv.DictReader(f)}


def test_i1(folder):
    two_way(folder, "ABC", "xyz", [20, 50, 10, 8, 19, 22, 17, 32, 12])
    policy(folder, **dict(PLAIN, threshold=9))
    out = os.path.join(folder, "out")
    assert protect(folder, out, "--level", "L1").returncode == 0
    assert hidden(out, "row", "col") == {("B", "x"), ("B", "z"), ("C", "x"), ("C", "z")}, hidden(out, "row", "col")


def test_i2_i3(folder):
    counts = [5, 2, 1, 2, 3, 3]
    two_way(folder, "ABC", "xy", counts)
    _, got = intervals(folder, pattern_file(folder, "ABC", "xy", counts, "HHHHPP"))
    assert got == {"A|x": (3, 6), "A|y": (1, 4), "B|x": (0, 3), "B|y": (0, 3)}, got
    counts = [30, 47, 64, 89, 90, 124, 5, 31, 92, 100, 59, 85, 800, 991, 651, 685]
    two_way(folder, "wxyz", "abcd", counts)
    code, got = intervals(folder, pattern_file(folder, "wxyz", "abcd", counts, "HHHPHPHPPHPHPHPH"))
    assert code == 1 and got["w|b"] == (47, 47), got
    code, got = intervals(folder, pattern_file(folder, "wxyz", "abcd", counts, "HHHPHHHPPHPHPHPH"))
    assert code == 0 and got["w|b"] == (0, 141), got


def test_i4(folder):
    regions = dict(zip("ABIJKLMN", (2, 2, 8, 8, 3, 3, 3, 7)))
    county = ["level,code", "@,_T", "@@,c1"] + ["@@@," + r for r in "ABIJ"] + ["@@,c2"] + ["@@@," + r for r in "KLMN"]
    size = ["@@,big", "@@@,L", "@@@,M", "@@,small"] + ["@@@," + r for r in "ABIJKN"]
    write(os.path.join(folder, "cells.csv"), ["region,freq"] + ["%s,%d" % kv for kv in regions.items()])
    policy(folder, **dict(PLAIN, threshold=4))
    expected = set("ABKLM")
    for number, lines in enumerate((county, county[:2] + size, county + ["@,_T"] + size)):
        write(os.path.join(folder, "hier_region.csv"), lines)
        out = os.path.join(folder, "out%d" % number)
        p = protect(folder, out, "--level", "L1")
        assert p.returncode == 0, p.stderr
        got = {r for (r,) in hidden(out, "region")}
        if number < 2:
            assert got == expected, (number, got)
        else:
            assert got == expected | {"N"}, got


def test_i5(folder):
    """Three ones in a row, each an office of its own."""
    counts = [1, 1, 7, 1, 0, 1, 0, 0, 2, 8]
    rows, columns = "AB", "vwxyz"
    offices = ["%s%s" % (r, c) for r in rows for c in columns]
    two_way(folder, rows, columns, counts)
    flat(folder, "office", offices)
    cells = ["office,row,col,freq,status"]
    for i, r in enumerate(rows):
        for k, c in enumerate(columns):
            for o in offices:
                mine = o == r + c
                cells.append("%s,%s,%s,%s,%s" % (o, r, c, counts[i * 5 + k] if mine else "", "" if mine else "structural"))
    write(os.path.join(folder, "cells.csv"), cells)
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,row,*", "t,col,*"])
    for zeros in ("published", "sensitive"):
        values = dict(PLAIN, offices="yes", zeros=zeros, threshold=3)
        policy(folder, **values)
        out = os.path.join(folder, "out-" + zeros)
        p = protect(folder, out)
        assert p.returncode in (0, 4), p.stderr
        if p.returncode == 0:
            found = judge_folder(folder, out, {k: str(v) for k, v in values.items()})
            assert not found, found


def test_i6(folder):
    """0 = 0 + x + x; 15 = 10 + 5 + x + x; 15 = 10 + 3 + x + x."""
    for number, (counts, marks, floor) in enumerate((([0, 0, 0], "PHH", "0"), ([10, 5, 0, 0], "PPHH", "0"),
                                                     ([10, 3, 1, 1], "PPHH", "1"))):
        codes = "abcd"[:len(counts)]
        here = os.path.join(folder, str(number))
        os.mkdir(here)
        flat(here, "col", codes)
        write(os.path.join(here, "cells.csv"), ["col,freq"] + ["%s,%d" % kv for kv in zip(codes, counts)])
        lines = ["col,freq,status", "_T,%d,P" % sum(counts)]
        lines += ["%s,%s,%s" % (c, "" if m == "H" else n, m) for c, n, m in zip(codes, counts, marks)]
        pattern = os.path.join(here, "PATTERN.csv")
        write(pattern, lines)
        code, got = intervals(here, pattern, floor)
        assert code == 1 and all(lo == hi for lo, hi in got.values()), got
        for zeros in ("sensitive", "camouflage", "published"):
            values = dict(PLAIN, zeros=zeros, threshold=5, width=2)
            policy(here, **values)
            out = os.path.join(here, "out-" + zeros)
            p = protect(here, out)
            assert p.returncode in (0, 4), p.stderr
            if p.returncode == 0:
                assert not judge_folder(here, out, {k: str(v) for k, v in values.items()})
                assert zeros != "sensitive" or hidden(out, "col") > {(c,) for c, m in zip(codes, marks) if m == "H"}


def test_rounded_away(folder):
    """Hidden up to five and a total rounded to five: in exact counts, nothing under six may follow from the rest."""
    counts = [12, 3, 40, 5, 18, 2, 25, 31, 0, 4, 9, 16]
    two_way(folder, "abcd", "xyz", counts)
    values = dict(PLAIN, zeros="sensitive", threshold=6, width=5, price_count=5)
    policy(folder, **values)
    out = os.path.join(folder, "out")
    assert protect(folder, out).returncode == 0
    assert not judge_folder(folder, out, {k: str(v) for k, v in values.items()})


def test_bad_input(folder):
    """Each a clear message that names the file and, where there is one, the line; what lay in -o stays."""
    good = {"cells.csv": ["row,col,freq", "a,x,3", "a,y,40", "b,x,50", "b,y,60"],
            "hier_row.csv": ["level,code", "@,_T", "@@,a", "@@,b"],
            "hier_col.csv": ["level,code", "@,_T", "@@,x", "@@,y"], "policy.yaml": ["threshold: 5", "min_reporting: 1"]}
    out = os.path.join(folder, "out")

    def attempt(changes):
        for name in os.listdir(folder):
            if name.endswith((".csv", ".yaml")):
                os.unlink(os.path.join(folder, name))
        for name, lines in dict(good, **changes).items():
            write(os.path.join(folder, name), lines)
        return protect(folder, out)

    assert attempt({}).returncode == 0
    before = {n: open(os.path.join(out, n), "rb").read() for n in os.listdir(out)}
    row, cells, wrong = "hier_row.csv", "cells.csv", []
    for changes, code, words in (
            ({row: ["level,code", "@,_T", "@@,a", "@@@,b", "@@@@,a"]}, 2, [row]),
            ({row: ["level,code", "@,_T", "@@@,a", "@@,b"]}, 2, [row + ":3"]),
            ({row: ["level,code", "@@,a", "@@,b"]}, 2, [row + ":2"]),
            ({row: ["level,code", "@,_T", "@@,a", "@@,a", "@@,b"]}, 2, [row]),
            ({row: ["level,code"]}, 2, ["row"]),
            ({cells: good[cells] + ["a,x,3"]}, 2, ["line 6", "given before"]),
            ({cells: good[cells] + ["q,x,3"]}, 2, [cells + ":6"]),
            ({cells: ["row,col,freq", "a,x,-3"]}, 2, [cells + ":2", "freq"]),
            ({cells: ["row,col,freq", "a,x,2.5"]}, 2, [cells + ":2", "freq"]),
            ({cells: ["row,col,freq", "a,x,007"]}, 2, [cells + ":2", "freq"]),
            ({cells: ["row,col,freq", "a,x,99999999999999999999999"]}, 2, [cells + ":2", "freq"]),
            ({cells: ["row,col,freq", "a,x"]}, 2, [cells + ":2"]),
            ({cells: ["row,col,freq", "_T,x,3"]}, 2, [cells + ":2"]),
            ({cells: ["row,row,freq", "a,a,3"]}, 2, [cells]),
            ({cells: ["row,col,freq", "a,x,5000000000000", "a,y,5000000000000"]}, 2, [cells]),
            ({"structural.csv": ["row,col", "a,*"]}, 2, ["structural"]),
            ({"tables.csv": ["table,dim,codes", "t,row,q"]}, 2, ["tables.csv:2"]),
            ({"tables.csv": ["table,dim,codes", "t,nothing,*"]}, 2, ["tables.csv:2"]),
            ({"forced.csv": ["row,col", "q,x"]}, 2, ["forced.csv:2"]),
            ({"forced.csv": ["row,col", "a,x"], "policy.yaml": good["policy.yaml"] + ["ladder: withhold"]}, (2, 4),
             ["printed"]),
            ({"policy.yaml": ["threshold: 2"]}, 2, ["policy", "threshold"]),
            ({"policy.yaml": ["width: 0"]}, 2, ["policy", "width"]),
            ({"policy.yaml": ["treshold: 5"]}, 2, ["policy", "treshold"]),
            ({"policy.yaml": ["zeros: published", "zero_reach: yes"]}, 2, ["policy", "zero_reach"]),
            ({"hier_row.csv": ["level,code", "@,_T", "@@,a", "@@,b", "@,_T", "@@,c", "@@@,a", "@@,d"]}, 2, ["row"])):
        p = attempt(changes)
        wanted = code if isinstance(code, tuple) else (code,)
        if p.returncode not in wanted or not all(w in p.stderr for w in words):
            wrong.append("%s\n   exit %d: %s" % (changes, p.returncode, p.stderr))
        assert before == {n: open(os.path.join(out, n), "rb").read() for n in os.listdir(out)}, changes
    assert not wrong, "\n".join(wrong)
    for changes in ({cells: ["row,col,freq"]}, {cells: ["row,col,freq", "a,x,1"]},
                    {row: ["level,code", "@,_T"], "hier_col.csv": ["level,code", "@,_T"],
                     cells: ["row,col,freq", "_T,_T,3"]}):
        p = attempt(changes)  # all noughts, one person, one cell: safe or refused
        assert p.returncode in (0, 4), (changes, p.stderr)
        if p.returncode == 0:
            assert not judge_folder(folder, out, {"threshold": "5"}), changes


def test_keys(folder):
    """Other keys, other patterns, each as safe; the same key, the same bytes."""
    seen, seed = set(), random_seed()
    print("keys: seed", seed)
    for attempt in range(20):
        here = os.path.join(folder, str(attempt))
        os.mkdir(here)
        values = make(here, random.Random(seed + attempt))
        for key in range(4):
            path = os.path.join(here, "key%d" % key)
            write(path, ["%064x" % (key * 77 + 1)])
            os.chmod(path, 0o600)
            outs = [os.path.join(here, "out%d%s" % (key, again)) for again in "ab"]
            codes = [protect(here, out, "--key", path).returncode for out in outs]
            assert codes[0] == codes[1], codes
            if codes[0] != 0:
                continue
            for name in ("RESULT.csv", "certificate.cvc", "certificate.auditor.cvc"):
                a, b = (open(os.path.join(out, name), "rb").read() for out in outs)
                assert a == b, (seed + attempt, key, name)
            found = judge_folder(here, outs[0], values)
            assert not found, (seed + attempt, key, found[:3])
            seen.add((attempt, open(os.path.join(outs[0], "RESULT.csv"), "rb").read()))
    patterns = [sum(a == n for a, _ in seen) for n in range(20)]
    assert max(patterns) > 1, "no key made a difference"


def test_the_judge_can_fail(folder):
    """A hidden small count that is printed after all is found."""
    two_way(folder, "abcd", "xyz", [12, 3, 40, 5, 18, 2, 25, 31, 0, 4, 9, 16])
    values = dict(PLAIN, zeros="sensitive", threshold=5, width=2)
    policy(folder, **values)
    out = os.path.join(folder, "out")
    assert protect(folder, out).returncode == 0
    path = os.path.join(out, "RESULT.csv")
    text = open(path, encoding="utf-8").read()
    write(path, text.replace("a,y,,H", "a,y,3,P").splitlines())
    table = Table(folder, {k: str(v) for k, v in values.items()})
    assert Judge(table, path, 0).attack()


def test_limits_of_work(folder):
    """--max-work ends in the very same result or in exit 5 and none."""
    two_way(folder, "abcd", "xyz", [12, 3, 40, 5, 18, 2, 25, 31, 0, 4, 9, 16])
    policy(folder, **dict(PLAIN, threshold=5))
    plain, limited, none = (os.path.join(folder, name) for name in ("plain", "limited", "none"))
    assert protect(folder, plain).returncode == 0
    p = protect(folder, limited, "--max-work", "1000000000")
    assert p.returncode == 0 and result(plain) == result(limited), p.stderr
    p = protect(folder, none, "--max-work", "1")
    assert p.returncode == 5 and not os.path.exists(none), p.stderr


if __name__ == "__main__":
    sys.exit(1 if run_tests(globals()) else 0)
