#!/usr/bin/python3
"""A hidden nought that an office works out: a disclosure where the policy protects noughts, or where it says that a whole
group is elsewhere (R4); none where it protects none. A printed nought is never one."""
import os
import subprocess
import sys
import tempfile

from harness import BIN, environment
from tablemaker import write

KINDS = ("x", "y", "z")


def attack(folder, zeros, more=()):
    write(os.path.join(folder, "policy.yaml"), ["zeros: " + zeros])
    p = subprocess.run([os.path.join(BIN, "cellveil"), "attack", folder, "--office", "a", "--policy",
                        os.path.join(folder, "policy.yaml"), *more], env=environment(), capture_output=True, text=True,
                       check=False, timeout=60)
    return p.returncode, p.stdout + p.stderr


def table(folder, counts):
    """Offices a and b; x and y of both are hidden, so a works out b's."""
    write(os.path.join(folder, "hier_office.csv"), ["level,code", "@,T", "@@,a", "@@,b"])
    write(os.path.join(folder, "hier_kind.csv"), ["level,code", "@,T"] + ["@@," + k for k in KINDS])
    rows = [("%s,%s,%d" % (o, k, n)) for o in "ab" for k, n in zip(KINDS, counts[o])]
    write(os.path.join(folder, "cells.csv"), ["office,kind,freq"] + rows)
    value = {(o, k): n for o in "ab" for k, n in zip(KINDS, counts[o])}
    for o in "ab":
        value[o, "T"] = sum(counts[o])
    for k in KINDS + ("T",):
        value["T", k] = value["a", k] + value["b", k]
    write(os.path.join(folder, "RESULT.csv"), ["office,kind,freq,status"] + [
        "%s,%s,%s" % (o, k, ",H" if o != "T" and k in "xy" else "%d,P" % value[o, k])
        for o in ("T", "a", "b") for k in ("T",) + KINDS])


def main():
    bad = 0
    plain = {"a": (13, 17, 6), "b": (0, 9, 8)}     # b's nought beside two kinds
    full = {"a": (13, 17, 6), "b": (0, 9, 0)}      # all of b's are y: nobody is x, and everybody can see the printed 0
    for counts, zeros, wanted in ((plain, "sensitive", 1), (plain, "camouflage", 0), (plain, "published", 0),
                                  (full, "camouflage", 1)):
        with tempfile.TemporaryDirectory(prefix="cv-") as folder:
            table(folder, counts)
            for more in ((), ("--level", "L3")):
                code, said = attack(folder, zeros, more)
                if code != wanted:
                    bad += 1
                    print("%s %s %s: exit code %d, not %d\n%s" % (counts, zeros, more, code, wanted, said))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
