#!/usr/bin/python3
"""Random small tables, rounded or moved by noise, attacked by a program that shares nothing with the engine.

test_attack_methods.py [SECONDS [SEED]]: bounded by the number of tables in ctest, by time when run by hand.
"""
import csv
import hashlib
import os
import random
import re
import subprocess
import sys
import tempfile

from harness import BIN, environment
from hunting import Hunt, keep
from methodattack import judge_moved
from tablemaker import make, write

TABLES = 24
FOUND_ONCE = (914531282,)  # noise, residual: no; an office knew the bounds of two noughts of a full group


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


def changed_parts(rng, part, small):
    """The auditors' part, changed in one place each, with its digest made right again where so said. small: counts of 1 to k-1,
    by their cells' numbers, which must have tables."""
    body = part[:part.rindex(b"end-auditor ")]
    lines = body.splitlines(keepends=True)
    tables = [i for i, line in enumerate(lines) if line[:2] in (b"u ", b"d ", b"p ")]
    yield part[:-70] + bytes([part[-70] ^ 1]) + part[-69:], False
    yield b"".join(lines[:1] + [b"public " + b"0" * 64 + b"\n"] + lines[2:]), True
    yield body.replace(b"\nmethod ", b"\nmethod x", 1), True
    for i, line in enumerate(lines):
        if line[:2] == b"b ":  # the rounded table: another one, and none
            yield b"".join(lines[:i] + [re.sub(rb":(-?\d+)", lambda m: b":%d" % (int(m[1]) + 5), line, count=1)] + lines[i + 1:]), True
            if any(other[:2] == b"p " for other in lines):
                yield b"".join(lines[:i] + lines[i + 1:]), True
    if not tables:
        return
    at = rng.choice(tables)
    more = re.sub(rb":(-?\d+)(?=\n)", lambda m: b":%d" % (int(m[1]) + 7), lines[at])
    if more != lines[at]:
        yield b"".join(lines[:at] + [more] + lines[at + 1:]), True
    shown = [i for i in tables if re.fullmatch(rb"\d+", lines[i].split()[1])]
    if shown and small:
        yield b"".join(line for i, line in enumerate(lines) if i not in shown), True
    for who in small:
        mine = [i for i in shown if lines[i].split()[1] == who]
        if mine:
            yield b"".join(line for i, line in enumerate(lines) if i not in mine), True


def small_counts(folder, k):
    """Cells' numbers of a few inner counts of 1 to k-1, as the certificate counts them: the dimensions as RESULT.csv has them."""
    def codes(dim):
        with open(os.path.join(folder, "hier_%s.csv" % dim), encoding="utf-8") as f:
            return list(dict.fromkeys(row["code"] for row in csv.DictReader(f)))

    with open(os.path.join(folder, "cells.csv"), encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    found = []
    dims = [d for d in rows[0] if d not in ("freq", "status")] if rows else []
    with open(os.path.join(folder, "out", "RESULT.csv"), encoding="utf-8") as f:
        order = f.readline().strip().split(",")[:-2]
    if sorted(order) == sorted(dims):  # no column of contributors
        for row in rows:
            if not row.get("status") and 0 < int(row["freq"]) < k:
                cell = 0
                for d in order:
                    cell = cell * len(codes(d)) + codes(d).index(row[d])
                found.append(b"%d" % cell)
    elif any(not row.get("status") and 0 < int(row["freq"]) < k for row in rows):
        found.append(b"none")
    return found[:3]


def auditors_part(folder, out, policy, flags, seed):
    """It holds as it is (check), and no change of it does."""
    path, changed = os.path.join(out, "certificate.auditor.cvc"), os.path.join(folder, "changed.cvc")
    verify = ("verify-certificate", folder, os.path.join(out, "RESULT.csv"), os.path.join(out, "certificate.cvc"),
              "--truth", os.path.join(folder, "cells.csv"), *flags, "--auditor")
    held = []
    for i, (part, again) in enumerate(changed_parts(random.Random(seed), read(path),
                                                   small_counts(folder, int(policy["threshold"])))):
        if again:
            part += b"end-auditor " + hashlib.sha256(part).hexdigest().encode() + b"\n"
        with open(changed, "wb") as f:
            f.write(part)
        p = run(*verify, changed)
        if p.returncode != 1:
            held.append("change %d of the auditors' part: exit code %d %s" % (i, p.returncode, p.stderr))
    return held


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
            "--truth", os.path.join(folder, "cells.csv"), *flags)
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
                found = check(folder, out, policy, flags) + auditors_part(folder, out, policy, flags, seed)
            except AssertionError as error:
                found = [str(error)]
        elif os.path.exists(out):
            found = ["refused, yet something was written"]
        if p.returncode not in (0, 4) and "policy" not in p.stderr:
            found.append("exit code %d: %s" % (p.returncode, p.stderr))
        if found:
            keep(folder, seed, found)
        return policy["method"], p.returncode, found


# Two by two by two by two counts, and a base: no table of multiples next to all counts and sums exists (shown by an
# integer program), so totals must go further, or nothing may be released.
NO_TABLE = ((3, (1, 2, 0, 1, 2, 0, 2, 0, 1, 1, 2, 0, 1, 0, 2, 0)), (5, (1, 1, 3, 1, 1, 1, 0, 4, 2, 1, 2, 2, 1, 2, 3, 2)))


def widened():
    found = []
    for base, counts in NO_TABLE:
        for ladder, wanted in (("unfreeze, withhold", 0), ("withhold", 4)):
            with tempfile.TemporaryDirectory(prefix="cv-") as folder:
                for d in "abcd":
                    write(os.path.join(folder, "hier_%s.csv" % d), ["level,code", "@,T", "@@,0", "@@,1"])
                write(os.path.join(folder, "cells.csv"), ["a,b,c,d,freq"] + [
                    "%s,%d" % (",".join(format(i, "04b")), n) for i, n in enumerate(counts)])
                policy = {"method": "rounding", "base": base, "threshold": 3, "ladder": ladder, "offices": "no"}
                path, out = os.path.join(folder, "policy.yaml"), os.path.join(folder, "out")
                write(path, ["%s: %s" % kv for kv in policy.items()])
                p = run("protect", folder, "--policy", path, "--json", "-o", out)
                if p.returncode != wanted:
                    found.append("base %d, %s: exit code %d: %s" % (base, ladder, p.returncode, p.stderr))
                elif wanted == 0:
                    found += check(folder, out, policy, ("--policy", path)) + auditors_part(
                        folder, out, policy, ("--policy", path), base)
                    if b" totals %d\n" % (2 * base - 1) not in read(os.path.join(out, "certificate.cvc")):
                        found.append("base %d: not said that totals are further away" % base)
                    if '"ladder":"widen"' not in p.stdout:
                        found.append("base %d: the summary says nothing of it" % base)
                elif os.path.exists(out):
                    found.append("refused, yet something was written")
    return found


def main():
    hunt = Hunt(TABLES, 60)
    for seed in hunt.seeds(FOUND_ONCE):
        how, code, found = one(seed)
        hunt.count(seed, (how, code), found)
    bad = hunt.bad
    for text in widened():
        bad += 1
        print(text)
    print("first seed %d; by method and exit code: %s; tables with a finding: %d" % (hunt.first, hunt.kinds, bad))
    if not any(code == 0 for _, code in hunt.kinds):
        bad = 1
        print("nothing was released at all")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
