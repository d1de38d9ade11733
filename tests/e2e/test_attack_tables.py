#!/usr/bin/python3
"""Random small tables through `cellveil protect`, attacked by a program that shares nothing with the engine.

test_attack_tables.py [SECONDS [SEED]]: bounded by the number of tables in ctest, by time when run by hand. A failing
input is kept in $CELLVEIL_FINDINGS, if that is set.
"""
import os
import random
import subprocess
import sys
import tempfile

from harness import BIN, environment
from hunting import Hunt, keep
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
            keep(folder, seed, found)
        return p.returncode, found


def main():
    hunt = Hunt(TABLES, 240)
    for seed in hunt.seeds():
        hunt.count(seed, *one(seed))
    print("first seed %d; by exit code: %s; tables with a disclosure: %d" % (hunt.first, hunt.kinds, hunt.bad))
    sys.exit(1 if hunt.bad else 0)


if __name__ == "__main__":
    main()
