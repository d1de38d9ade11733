#!/usr/bin/python3
"""`protect --optimal` on random small tables with blanks, views, groupings, amounts and coalitions, attacked by a program that
shares nothing with the engine; and its bound held against every pattern that other keys find.

test_attack_optimal.py [SECONDS [SEED]], as test_attack_tables.py."""
import json
import os
import random
import sys
import tempfile

from hunting import Hunt, keep
from tableattack import judge_folder
from tablemaker import make
from test_attack_tables import protect, verify

TABLES = 8
DRAWN = (5030,)  # a share over a cell that no table prints: hiding it has a price too
KEYS = ("1", "7")
LIMIT = 100  # cells of a table
LONG = ("--optimal", "--max-seconds", "20")
SHORT = ("--optimal", "--max-seconds", "1", "--json")


def summary(out):
    with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
        return json.load(f)


def runs(folder):
    """What each way of asking comes to: (options, exit code, words, folder of results)."""
    for i, key in enumerate(KEYS):
        path = os.path.join(folder, "key" + key)
        with open(path, "w", encoding="ascii", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
            f.write(key * 64 + "\n")
        for more in ((), LONG) + (SHORT,) * (i == 0):
            out = os.path.join(folder, "out%d-%d" % (i, len(more)))
            p = protect(folder, out, "--key", path, *more)
            yield more, p.returncode, p.stderr, out


def bounds_hold(done):
    """No pattern, of whatever key and way, costs less than what any search says is needed. done: of one ladder."""
    found = []
    for s in done:
        o = s.get("optimal")
        for other in done:
            if o and "optimal" in other and other["optimal"]["cost"] < o["bound"] - 1 - 1e-6 * o["bound"]:
                found.append("a bound of %r, and a pattern at %r" % (o["bound"], other["optimal"]["cost"]))
        if o and (o["gap"] < 0 or o["bound"] > o["cost"] or o["proven"] != (o["gap"] == 0 and o["ended"] == "proven")):
            found.append("bound, gap and proven do not fit: %r" % o)
    return found


def one(seed, maker=make):
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        policy = maker(folder, random.Random(seed), LIMIT)
        codes, found, done = [], [], {}
        for more, code, words, out in runs(folder):
            if code == 2 and more and "--optimal does nothing with method" in words:
                continue
            codes.append(code)
            if code != 0 and os.path.exists(out):
                found.append("refused, yet something was written")
            if code not in (0, 4) and "policy" not in words:
                found.append("exit code %d: %s" % (code, words))
            if code != 0:
                continue
            s = summary(out)
            done.setdefault((s["ladder"], s["printed"]), []).append(s)
            if more:
                try:
                    found += judge_folder(folder, out, policy) + verify(folder, out)
                except AssertionError as error:
                    found.append(str(error))
        if len(set(codes)) > 1:
            found.append("exit codes: %r" % codes)
        for same in done.values():
            found += bounds_hold(same)
        if found:
            keep(folder, seed, found)
        return codes[0], found


def main():
    hunt = Hunt(TABLES, 120)
    for seed in hunt.seeds(DRAWN):
        hunt.count(seed, *one(seed))
    print("first seed %d; by exit code: %s; tables with a disclosure: %d" % (hunt.first, hunt.kinds, hunt.bad))
    sys.exit(1 if hunt.bad else 0)


if __name__ == "__main__":
    main()
