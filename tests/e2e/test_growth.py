#!/usr/bin/python3
"""Work and memory of `cellveil protect` grow with a flat list of codes, not with its square: each shape is protected at one
size and at eight times that, and the two runs are compared. No clock is looked at.

In `few` nearly all counts are noughts and each total is a handful of persons, so every category makes a group less that
category a sum of its own (R4); in `mixed` noughts are protected one by one; `offices` has both, with an office dimension."""
import json
import os
import random
import subprocess
import sys
import tempfile

BIN = os.environ.get("CELLVEIL_BIN", "build/release/bin")
SMALL = 2000
TIMES = 8
SLACK = 4  # a square would be 8 times as much again
POLICY = "threshold: 5\nzeros: %s\ngroup_min: 3\noffices: %s\neffort: 0\nredundancy: 0\n"
# shape, other codes, level, noughts
RUNS = [("few", "", "L1", "camouflage"), ("few", "", "L2", "sensitive"), ("few", "FM", "L2", "camouflage"),
        ("few", "abcde", "L3", "sensitive"), ("mixed", "", "L2", "sensitive"), ("mixed", "abcde", "L3", "sensitive")]
if os.environ.get("CELLVEIL_EFFORT"):  # sanitized programs are slow; at L1 tables as small as theirs are served in another way
    SMALL, RUNS = 1200, RUNS[1:]


def write(path, lines):
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


def count(rng, shape):
    return 0 if shape == "few" or rng.random() < 0.5 else int(rng.paretovariate(0.7))


def table(folder, shape, other, n):
    """A list of n codes, by two sexes or five offices."""
    rng = random.Random(n)
    codes = ["c%05d" % i for i in range(n)]
    name = "office" if len(other) > 2 else "sex"
    cells = [(c, o) for c in codes for o in other or [""]]
    counts = {cell: count(rng, shape) for cell in cells}
    for cell in rng.sample(cells, 4) if shape == "few" else []:
        counts[cell] += 1
    os.makedirs(folder)
    write(os.path.join(folder, "hier_code.csv"), ["level,code", "@,Total"] + ["@@," + c for c in codes])
    if other:
        write(os.path.join(folder, "hier_%s.csv" % name), ["level,code", "@,Total"] + ["@@," + o for o in other])
    write(os.path.join(folder, "cells.csv"), ["code," + (name + "," if other else "") + "freq"] +
          ["%s,%s%d" % (c, o + "," if other else "", counts[c, o]) for c, o in cells])


def protect(folder, run, n):
    """Work, and bytes at most in memory."""
    shape, other, level, zeros = run
    here = os.path.join(folder, "%d" % n)
    table(here, shape, other, n)
    write(here + ".yaml", [POLICY % (zeros, "yes" if len(other) > 2 else "no")])
    child = subprocess.Popen([os.path.join(BIN, "cellveil"), "protect", here, "--policy", here + ".yaml", "--level", level,
                              "-o", here + ".out"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    told = child.stderr.read()
    child.stderr.close()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, (run, n, told)
    with open(os.path.join(here + ".out", "summary.json"), encoding="utf-8") as f:
        return json.load(f)["work"], used.ru_maxrss


def main():
    bad = 0
    for run in RUNS:
        with tempfile.TemporaryDirectory(prefix="cv-growth-") as folder:
            work, memory = protect(folder, run, SMALL)
            more_work, more_memory = protect(folder, run, TIMES * SMALL)
        ok = more_work <= TIMES * SLACK * work and more_memory <= TIMES * memory
        print("%-5s %-5s %s %-10s work x %.1f, memory x %.1f%s" % (
            run[0], run[1], run[2], run[3], more_work / work, more_memory / memory, "" if ok else "  TOO MUCH"), flush=True)
        bad += not ok
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
