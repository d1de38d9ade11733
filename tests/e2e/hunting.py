"""What the random attacks share: seed after seed until enough were tried, findings printed, counted and kept.

    hunt = Hunt(TABLES)
    for seed in hunt.seeds():
        code, wrong = one(seed)
        hunt.count(seed, code, wrong)
    print("first seed %d; by exit code: %s; failed: %d" % (hunt.first, hunt.kinds, hunt.bad))
    sys.exit(1 if hunt.bad else 0)
"""
import itertools
import os
import shutil
import sys
import time

from harness import random_seed

SHOWN = 6  # findings of one seed


class Hunt:
    """The command line is [SECONDS [SEED]]. Without it `tables` seeds are tried, less where that takes longer than `patience`
    seconds; with SECONDS as many as go into that time."""

    def __init__(self, tables, patience=200):
        self.by_hand = len(sys.argv) > 1
        self.first = random_seed(2)
        self.bad = 0     # seeds with a finding
        self.kinds = {}  # what came of them: how many
        self.until = time.monotonic() + (float(sys.argv[1]) if self.by_hand else patience)
        self.tables = 10**9 if self.by_hand else tables

    def seeds(self, before=()):
        """Those of `before`, then the first and what follows it."""
        for seed in itertools.chain(before, range(self.first, self.first + self.tables)):
            if time.monotonic() > self.until:
                return
            yield seed

    def run(self, one, bad=0):
        """one(seed) answers what came of it and what is wrong; bad: findings of known cases. Ends the program."""
        for seed in self.seeds():
            self.count(seed, *one(seed))
        bad += self.bad
        print("first seed %d; %s; wrong: %d" % (self.first, self.kinds, bad))
        sys.exit(1 if bad else 0)

    def count(self, seed, kind, wrong):
        """One seed was tried: what came of it (None: nothing to count), and what is wrong with it."""
        if kind is not None:
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.bad += bool(wrong)
        for text in wrong[:SHOWN]:
            print("seed %s: %s" % (seed, text), flush=True)


def keep(folder, seed, wrong):
    """Copies what failed to $CELLVEIL_FINDINGS/TEST-SEED, if that is set, with what is wrong in its file FINDING."""
    if os.environ.get("CELLVEIL_FINDINGS"):
        test = os.path.basename(sys.argv[0]).removeprefix("test_").removesuffix(".py")
        to = os.path.join(os.environ["CELLVEIL_FINDINGS"], "%s-%s" % (test, seed))
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(folder, to)
        with open(os.path.join(to, "FINDING"), "w", encoding="utf-8") as f:
            f.write("\n".join(wrong) + "\n")
