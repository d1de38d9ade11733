#!/usr/bin/python3
"""Every refusal must be a true one: random small tables that `cellveil protect` refuses, with everything hidden that the
policy lets be hidden. If that is a safe pattern by tableattack.py, which shares nothing with the engine, the refusal is
wrong: a pattern exists. What was protected against each attacker by a move of its own is attacked and verified.

test_refusals.py [SECONDS [SEED]]: bounded by the number of tables in ctest, by time when run by hand.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from harness import BIN, environment, random_seed
from tableattack import Judge, Table, judge_folder, matches, patterns, rows_of
from tablemaker import make, write

TABLES = 400


def table_of(folder, rng):
    """A table, mostly of several offices, and its policy: all ways of noughts, rests and pools; nothing but hiding helps."""
    while True:
        policy = make(folder, rng, 150)
        table = Table(folder, policy)
        offices = len(table.offices())
        if offices > 2 or rng.random() < 0.1:
            break
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
    policy.update(ladder="withhold", effort=0, min_reporting=0, level=rng.choice(("L2", "L3", "L3", "L3", "L3")),
                  zeros=rng.choice(("published", "published", "published", "camouflage", "sensitive")))
    policy.pop("coalition", None)
    policy.pop("zero_reach", None)
    if offices > 2 and rng.random() < 0.6:
        policy["coalition"] = rng.choice([c for c in (2, 3) if c < offices])
    if policy["zeros"] != "published" and rng.random() < 0.4:
        policy["zero_reach"] = "yes"
    write(os.path.join(folder, "policy.yaml"), ["%s: %s" % (k, v) for k, v in sorted(policy.items()) if k != "level"])
    return table, policy


def run(*args):
    return subprocess.run([os.path.join(BIN, "cellveil"), *args], env=environment(), capture_output=True, text=True,
                          check=False, timeout=120)


def hide_all(table, folder, out):
    """RESULT.csv and DERIVED.csv of the pattern that hides whatever may be hidden."""
    os.mkdir(out)
    floor = 1 if table.policy["zeros"] == "published" else 0
    forced = patterns(folder, "forced.csv", table.dims[:table.public_dims])
    lines = [",".join(d.name for d in table.dims[:table.public_dims]) + ",freq,status"]
    for cell in sorted(table.printed):
        shown, value = cell[:table.public_dims], table.value[cell]
        if not table.live[cell]:
            lines.append(",".join(shown) + ",,N")
        elif value < floor or any(matches(p, shown) for p in forced):
            lines.append(",".join(shown) + ",%d,P" % value)
        else:
            lines.append(",".join(shown) + ",,H")
    write(os.path.join(out, "RESULT.csv"), lines)
    if os.path.exists(os.path.join(folder, "derived.csv")):
        write(os.path.join(out, "DERIVED.csv"), ["id,value,status"] + [
            r["id"] + ",,H" for r in rows_of(os.path.join(folder, "derived.csv"))])
    return floor


def verify(folder, out):
    at = lambda name: os.path.join(out, name)
    p = run("verify-certificate", folder, at("RESULT.csv"), at("certificate.cvc"), "--auditor", at("certificate.auditor.cvc"),
            "--truth", os.path.join(folder, "cells.csv"), "--policy", os.path.join(folder, "policy.yaml"))
    return [] if p.returncode == 0 else ["verify-certificate: " + p.stderr.strip()]


def each_named(out):
    """Does the auditors' part name attackers one by one, where slots are the rule?"""
    with open(os.path.join(out, "certificate.auditor.cvc"), encoding="utf-8") as f:
        return any(re.match(r"r \S+ \S+ office \S+ \d+ (R1|R2|R4|R5|R12)$", line) for line in f)


def keep(folder, seed):
    if os.environ.get("CELLVEIL_FINDINGS"):
        shutil.copytree(folder, os.path.join(os.environ["CELLVEIL_FINDINGS"], "refusal-%d" % seed), dirs_exist_ok=True)


def one(seed):
    """(what protect did, what is wrong with it)."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        table, policy = table_of(folder, rng)
        out = os.path.join(folder, "out")
        p = run("protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "--level", policy["level"], "-o", out)
        wrong, said = [], str(p.returncode)
        if p.returncode == 0 and each_named(out):
            said, wrong = "one by one", judge_folder(folder, out, policy) + verify(folder, out)
        elif p.returncode == 4 and "no safe pattern" in p.stderr:
            said, everything = "refused", os.path.join(folder, "all")
            floor = hide_all(table, folder, everything)
            if not Judge(table, os.path.join(everything, "RESULT.csv"), floor).attack():
                wrong = ["a pattern exists: " + p.stderr.strip().replace("\n", "; ")]
        elif p.returncode not in (0, 2, 4):
            wrong = ["exit code %d: %s" % (p.returncode, p.stderr)]
        if wrong:
            keep(folder, seed)
        return said, wrong


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else None
    first = random_seed(2)
    until = time.monotonic() + (seconds or 120)
    did, bad = {}, 0
    for seed in range(first, first + (TABLES * int(os.environ.get("CELLVEIL_EFFORT", 100)) // 100 if seconds is None else 10**9)):
        if time.monotonic() > until:
            break
        said, wrong = one(seed)
        did[said] = did.get(said, 0) + 1
        bad += bool(wrong)
        for text in wrong[:6]:
            print("seed %d: %s" % (seed, text), flush=True)
    print("first seed %d; %s; wrong: %d" % (first, did, bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
