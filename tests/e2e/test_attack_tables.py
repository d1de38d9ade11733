#!/usr/bin/python3
"""Random small tables through `cellveil protect`, attacked by a program that shares nothing with the engine.

test_attack_tables.py [SECONDS [SEED]]: bounded by the number of tables in ctest, by time when run by hand. A failing
input is kept in $CELLVEIL_FINDINGS, if that is set.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from harness import BIN, environment, random_seed
from tableattack import judge_folder
from tablemaker import make

TABLES = 120


def protect(folder, out, *options):
    return subprocess.run([os.path.join(BIN, "cellveil"), "protect", folder, "--policy",
                           os.path.join(folder, "policy.yaml"), "-o", out, *options], env=environment(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=120)


def verify(folder, out):
    """What the certificate's verifier says against it, with the auditors' part."""
    at = lambda name: os.path.join(out, name)
    p = subprocess.run([os.path.join(BIN, "cellveil"), "verify-certificate", folder, at("RESULT.csv"), at("certificate.cvc"),
                        "--auditor", at("certificate.auditor.cvc"), "--truth", os.path.join(folder, "cells.csv"),
                        "--policy", os.path.join(folder, "policy.yaml")], env=environment(), stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, check=False, timeout=120)
    return [] if p.returncode == 0 else ["verify-certificate: %d: %s" % (p.returncode, p.stderr.strip())]


def keep(folder, seed, text):
    if os.environ.get("CELLVEIL_FINDINGS"):
        to = os.path.join(os.environ["CELLVEIL_FINDINGS"], "table-%d" % seed)
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(folder, to)
        with open(os.path.join(to, "FINDING"), "w", encoding="utf-8") as f:
            f.write(text)


def one(seed, maker=make):
    """(exit code of protect, disclosures)."""
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        policy = maker(folder, random.Random(seed))
        out = os.path.join(folder, "out")
        p = protect(folder, out)
        found = []
        if p.returncode == 0:
            try:
                found = judge_folder(folder, out, policy) + verify(folder, out)
            except AssertionError as error:
                found = [str(error)]
        elif os.path.exists(out):
            found = ["refused, yet something was written"]
        if p.returncode not in (0, 4) and "policy" not in p.stderr:
            found.append("exit code %d: %s" % (p.returncode, p.stderr))
        if found:
            keep(folder, seed, "\n".join(found) + "\n")
        return p.returncode, found


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else None
    first = random_seed(2)
    until = time.monotonic() + (seconds or 240)
    codes, bad = {}, 0
    for seed in range(first, first + (TABLES if seconds is None else 10**9)):
        if time.monotonic() > until:
            break
        code, found = one(seed)
        codes[code] = codes.get(code, 0) + 1
        bad += bool(found)
        for text in found[:6]:
            print("seed %d: %s" % (seed, text), flush=True)
    print("first seed %d; by exit code: %s; tables with a disclosure: %d" % (first, codes, bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
