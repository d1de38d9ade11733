#!/usr/bin/python3
"""docs/configuration.md read twice: random forms of every preset, judged by the vault and by the second client."""
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import harness  # noqa: E402
import pyclient as cv  # noqa: E402
from test_pyclient import Bench, enrol  # noqa: E402

DATASET = harness.DATASET
FORMS = 18  # of each preset


def random_form(rng, config, period):
    """Small numbers that keep the first few checks, repaired until they do; how many is chance."""
    def value(measure):
        m = config.measures[measure][1]
        return None if rng.random() < 0.08 else rng.randrange(0, 1 + min(6, config.value(measure, m["max"])))

    form = {cell: value(cell[0]) for cell in config.asked(period)}
    kept = config.checks()[:rng.randrange(len(config.checks()) + 1)]
    for _ in range(60):
        for check in kept:
            for cell, right in check.faults(form):
                form[cell] = right
    for cell in form:  # a total above its parts: right only if a part is blank
        if "_T" in cell and form[cell] is not None and rng.random() < 0.05:
            form[cell] += 1
    return form


def verdict(bench, form, revision):
    """0 if the vault takes it, else the number of the broken rule."""
    try:
        bench.client.submit(bench.client.keep(bench.statement(cv.figures(bench.places(form)), revision=revision)))
        return 0
    except cv.Refused as e:
        assert e.name == "INVALID_CONTENT", str(e)
        return e.detail


def test_preset(rng, year):
    with harness.Deployment(start=False) as d:
        d.start()
        d.add_config(harness.preset(year))
        client = enrol(d, "office", "spanga-tensta")
        d.open_period(year)
        bench = Bench(client, year)
        seen = set()
        for revision in range(FORMS):
            form = random_form(rng, bench.config, year)
            broken = [check.id for check in bench.config.checks() if check.faults(form)]
            want = 100 + min(broken) if broken else 0
            got = verdict(bench, form, revision)
            assert got == want, "preset %s: the vault says %d, the page says %d" % (year, got, want)
            seen.add(want)
        client.close()
        return seen


def main():
    seed = harness.random_seed()
    print("SEED=%d" % seed)
    rng = random.Random(seed)
    for year in ("2020", "2022", "2023", "2024"):
        print(year, sorted(test_preset(rng, year)))


if __name__ == "__main__":
    main()
