#!/usr/bin/python3
"""What is tried when no safe pattern exists, what a refusal names, and what coarser codes would save."""
import csv
import json
import os
import random
import subprocess
import tempfile

from harness import BIN, environment, random_seed
from tableattack import Table, judge_folder
from tablemaker import make, write

TABLES = 40
HIERARCHY = ["level,code", "@,_T", "@@,A", "@@@,a1", "@@@,a2", "@@,B", "@@@,b1", "@@@,b2"]
CELLS = ["area,freq", "a1,3", "a2,40", "b1,20", "b2,30"]


def run(*args):
    return subprocess.run([os.path.join(BIN, "cellveil"), *args], env=environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=120)


def small_table(folder, forced, **policy):
    write(os.path.join(folder, "hier_area.csv"), HIERARCHY)
    write(os.path.join(folder, "cells.csv"), CELLS)
    write(os.path.join(folder, "forced.csv"), ["area"] + forced)
    write(os.path.join(folder, "policy.yaml"), ["min_reporting: 0"] + ["%s: %s" % kv for kv in policy.items()])


def protect(folder, *options):
    out = os.path.join(folder, "out")
    p = run("protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "-o", out, *options)
    marks, summary = {}, {}
    if p.returncode == 0:
        with open(os.path.join(out, "RESULT.csv"), encoding="utf-8") as f:
            marks = {row["area"]: row["status"] for row in csv.DictReader(f)}
        with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
            summary = json.load(f)
        certificate = [os.path.join(out, n) for n in ("RESULT.csv", "certificate.cvc", "certificate.auditor.cvc")]
        v = run("verify-certificate", folder, *certificate[:2], "--auditor", certificate[2], "--truth",
                os.path.join(folder, "cells.csv"), "--policy", os.path.join(folder, "policy.yaml"))
        assert v.returncode == 0, v.stderr
    else:
        assert not os.path.exists(out), "refused, yet something was written"
    return p, marks, summary


def test_rungs():
    """a1 is small; only a2 and A could be hidden for its sake, and both must be printed."""
    forced = ["a2", "A", "b1"]
    cases = {
        "unfreeze": ("unfreeze", "H"), "coarsen": ("coarsen", None), "coarsen, unfreeze": ("coarsen", None),
        "unfreeze, coarsen": ("unfreeze", "H"), "camouflage, coarsen, withhold": ("coarsen", None),
    }
    for ladder, (step, a1) in cases.items():
        with tempfile.TemporaryDirectory(prefix="cv-") as folder:
            small_table(folder, forced, ladder=ladder)
            p, marks, summary = protect(folder)
            assert p.returncode == 0, p.stderr
            assert summary["ladder"] == step and step + ":" in p.stderr, (ladder, summary["ladder"], p.stderr)
            assert marks.get("a1") == a1, (ladder, marks)
            assert marks["b1"] == marks["b2"] == marks["B"] == "P", marks
            if a1 is None:
                assert "a2" not in marks and marks["A"] == "P"


def test_conflict():
    """A refusal names the cell and exactly those forced cells without which it could be protected."""
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        small_table(folder, ["a2", "A", "b1"], ladder="withhold")
        p, _, _ = protect(folder)
        assert p.returncode == 4, p
        because = [line.split(": ")[1] for line in p.stderr.splitlines() if line.startswith("because this must")]
        assert "cannot be protected: a1" in p.stderr and sorted(because) == ["A", "a2"], p.stderr
        assert "40" not in p.stderr and "43" not in p.stderr, "a count in a refusal"
        for unforced in (["A", "b1"], ["a2", "b1"]):
            small_table(folder, unforced, ladder="withhold")
            assert protect(folder)[0].returncode == 0
            for name in os.listdir(os.path.join(folder, "out")):
                os.unlink(os.path.join(folder, "out", name))
            os.rmdir(os.path.join(folder, "out"))


def test_recode():
    """The price list: sorted, never applied, and the advice where much is hidden."""
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        small_table(folder, [], ladder="withhold")
        p, marks, summary = protect(folder, "--propose")
        assert p.returncode == 0 and summary["advice"] == "recode" and "advice: recode" in p.stderr, p.stderr
        with open(os.path.join(folder, "out", "recode.csv"), encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        assert (rows[0]["dimension"], rows[0]["freed"]) == ("", "0"), rows
        assert [r["code"] for r in rows[1:]] == ["A", "_T"] or rows[1]["code"] == "A", rows
        assert rows[1]["secondary"] == "0" and rows[1]["parts"] == "2" and rows[1]["printed"] == "5", rows
        left = [int(r["secondary_value"]) for r in rows[1:] if r["served"] == "1"]
        assert left == sorted(left), "not sorted"
        assert "a1" in marks, "a proposal was applied"
        plain = os.path.join(folder, "plain")
        run("protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "-o", plain)
        with open(os.path.join(folder, "out", "RESULT.csv"), "rb") as a, open(os.path.join(plain, "RESULT.csv"), "rb") as b:
            assert a.read() == b.read(), "--propose changed the result"
        assert not os.path.exists(os.path.join(plain, "recode.csv"))


def force(folder, rng, policy):
    """Many of the larger figures must be printed."""
    table = Table(folder, policy)
    names = [d.name for d in table.dims[:table.public_dims]]
    k, share = int(policy["threshold"]), rng.choice((0.3, 0.6, 0.9))
    lines = [",".join(c[:table.public_dims]) for c in sorted(table.printed)
             if table.value[c] >= 2 * k and rng.random() < share]
    write(os.path.join(folder, "forced.csv"), [",".join(names)] + lines)


def test_random():
    """Random tables in which much must be printed: safe, whatever the ladder did."""
    first = random_seed(1)
    steps = {}
    for seed in range(first, first + TABLES):
        rng = random.Random(seed)
        with tempfile.TemporaryDirectory(prefix="cv-") as folder:
            policy = make(folder, rng)
            force(folder, rng, policy)
            policy["ladder"] = rng.choice(("coarsen", "unfreeze, coarsen", "camouflage, coarsen", "unfreeze"))
            write(os.path.join(folder, "policy.yaml"), ["%s: %s" % kv for kv in sorted(policy.items())])
            out = os.path.join(folder, "out")
            p = run("protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "-o", out)
            assert p.returncode in (0, 2, 4), (seed, p.stderr)
            assert (p.returncode == 0) == os.path.exists(out), seed
            if p.returncode != 0:
                continue
            with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
                step = json.load(f)["ladder"]
            steps[step] = steps.get(step, 0) + 1
            found = judge_folder(folder, out, policy)
            assert not found, (seed, found[:3])
    print("first seed %d; last rungs: %s" % (first, steps))


if __name__ == "__main__":
    test_rungs()
    test_conflict()
    test_recode()
    test_random()
