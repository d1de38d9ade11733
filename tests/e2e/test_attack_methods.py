#!/usr/bin/python3
"""Random small tables, rounded or moved by noise, attacked by a program that shares nothing with the engine.

test_attack_methods.py [SECONDS [SEED]]: bounded by the number of tables in ctest, by time when run by hand.
"""
import os
import random
import subprocess
import sys
import tempfile
import time

from harness import BIN, environment
from methodattack import judge_moved
from tablemaker import make, write

TABLES = 24


def run(*args):
    return subprocess.run([os.path.join(BIN, "cellveil"), *args], env=environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=300)


def method(rng, policy):
    """Makes a random policy one of figures that move."""
    policy["method"] = rng.choice(("rounding", "rounding", "noise"))
    policy["base"] = rng.choice((3, 5, 5))
    policy["noise_max"] = rng.choice((3, 5, 7))
    policy["noise_variance"] = rng.choice(("0.75", "2", "4"))
    policy["width"] = min(policy["width"], 2)
    policy.pop("min_offices", None)
    return policy


def read(path):
    with open(path, "rb") as f:
        return f.read()


def check(folder, out, policy, flags):
    """Findings of the independent attacker, of our own judges, and of a second run."""
    found = judge_moved(folder, out, policy)
    result, certificate = os.path.join(out, "RESULT.csv"), os.path.join(out, "certificate.cvc")
    again = os.path.join(folder, "again")
    if run("protect", folder, *flags, "-o", again).returncode != 0:
        found.append("a second run failed")
    elif any(read(os.path.join(out, f)) != read(os.path.join(again, f)) for f in sorted(os.listdir(out))):
        found.append("a second run gave other bytes")
    p = run("verify-certificate", folder, result, certificate, "--auditor", os.path.join(out, "certificate.auditor.cvc"),
            "--truth", os.path.join(folder, "cells.csv"))
    if p.returncode != 0:
        found.append("verify-certificate: " + p.stderr)
    p = run("attack", folder, result, "--policy", flags[1], "--level", "L3", "-o", os.path.join(folder, "intervals"))
    if p.returncode != 0:
        found.append("attack: " + p.stderr)
    return found


def one(seed):
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        policy = method(rng, make(folder, rng))
        path = os.path.join(folder, "policy.yaml")
        write(path, ["%s: %s" % kv for kv in sorted(policy.items())])
        out = os.path.join(folder, "out")
        flags = ("--policy", path)
        p = run("protect", folder, *flags, "-o", out)
        found = []
        if p.returncode == 0:
            try:
                found = check(folder, out, policy, flags)
            except AssertionError as error:
                found = [str(error)]
        elif os.path.exists(out):
            found = ["refused, yet something was written"]
        if p.returncode not in (0, 4) and "policy" not in p.stderr:
            found.append("exit code %d: %s" % (p.returncode, p.stderr))
        return policy["method"], p.returncode, found


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else None
    first = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**9)
    until = time.monotonic() + (seconds or 60)
    codes, bad = {}, 0
    for seed in range(first, first + (TABLES if seconds is None else 10**9)):
        if time.monotonic() > until:
            break
        how, code, found = one(seed)
        codes[how, code] = codes.get((how, code), 0) + 1
        bad += bool(found)
        for text in found[:6]:
            print("seed %d: %s" % (seed, text), flush=True)
    print("first seed %d; by method and exit code: %s; tables with a finding: %d" % (first, codes, bad))
    if not any(code == 0 for _, code in codes):
        bad = 1
        print("nothing was released at all")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
