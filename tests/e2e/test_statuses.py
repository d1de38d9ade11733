#!/usr/bin/python3
"""Random table folders some of whose cells were not reported, not asked, left blank or are nought by definition, declared in
covered.csv and absent.csv or not: what `protect` writes, `verify-certificate` accepts, with the counts and without.

test_statuses.py [SECONDS [SEED]]
"""
import os
import random
import tempfile

import blankmaker
import tablemaker
from harness import BIN, run
from hunting import Hunt, keep

CELLVEIL = os.path.join(BIN, "cellveil")
FOLDERS = 60


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


def codes_of(folder, dim):
    return [line.split(",")[1] for line in read(os.path.join(folder, "hier_%s.csv" % dim))[1:]]


def set_statuses(folder, rng):
    path = os.path.join(folder, "cells.csv")
    lines = read(path)
    states = rng.choice((["nr"], ["na"], ["structural"], ["blank"], ["nr", "na", "structural", "blank"]))
    share = rng.choice((0.05, 0.15, 0.4))
    for i, line in enumerate(lines[1:], 1):
        fields = line.split(",")
        if fields[-1] == "" and rng.random() < share:
            state = rng.choice(states)
            fields[-2:] = [fields[-2] if state == "blank" else "", state]
        lines[i] = ",".join(fields)
    tablemaker.write(path, lines)


def declare(folder, rng, dims, name, share):
    """A few lines of any codes."""
    path = os.path.join(folder, name)
    if os.path.exists(path) or rng.random() > share:
        return
    line = lambda: ",".join(rng.choice(codes) if rng.random() < 0.7 else "*" for codes in dims.values())
    tablemaker.write(path, [",".join(dims)] + [line() for _ in range(rng.randint(1, 4))])


def make(folder, rng):
    policy = dict(rng.choice((tablemaker, tablemaker, blankmaker)).make(folder, rng), min_reporting=0, effort=0)
    tablemaker.write(os.path.join(folder, "policy.yaml"), ["%s: %s" % kv for kv in sorted(policy.items())])
    header = read(os.path.join(folder, "cells.csv"))[0].split(",")
    dims = {d: codes_of(folder, d) for d in header if os.path.exists(os.path.join(folder, "hier_%s.csv" % d))}
    set_statuses(folder, rng)
    declare(folder, rng, dims, "covered.csv", 0.7)
    declare(folder, rng, dims, "absent.csv", 0.3)


def verify(folder, out):
    at = lambda name: os.path.join(folder, name)
    wrong = []
    for more in ([], ["--auditor", os.path.join(out, "certificate.auditor.cvc"), "--truth", at("cells.csv"), "--policy",
                      at("policy.yaml")]):
        p = run([CELLVEIL, "verify-certificate", folder, os.path.join(out, "RESULT.csv"), os.path.join(out, "certificate.cvc"),
                 *more], want=None)
        wrong += [p.stderr.strip()] if p.returncode != 0 else []
    return wrong


def one(seed):
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        make(folder, random.Random(seed))
        out = os.path.join(folder, "out")
        p = run([CELLVEIL, "protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "--max-work", "200000000", "-o", out],
                want=None)
        wrong = verify(folder, out) if p.returncode == 0 else []
        if p.returncode not in (0, 2, 4, 5) or (p.returncode == 2 and ".csv" not in p.stderr and "policy.yaml" not in p.stderr):
            wrong.append("exit %d: %s" % (p.returncode, p.stderr.strip()))
        if wrong:
            keep(folder, seed, wrong)
        return "exit %d" % p.returncode, wrong


if __name__ == "__main__":
    Hunt(FOLDERS).run(one)
