#!/usr/bin/python3
"""One period, told twice: corrections, withdrawal and a second configuration, attacked as a union.

Whatever leaves for a period is one set of facts for ever. A second release is refused, or safe together with the first;
a withdrawn one stays known. Another period is not concerned.
"""
import csv
import io
import os
import random
import sys

import yaml

from attacker import Judge, Publication
from attackforms import Form
from harness import DATASET, ORIGIN, Deployment
from test_attack_release import POLICIES, SHAPE, SMALL, SMALL_OFFICES


def push(d, office, form, period):
    path = os.path.join(d.folder, "form.csv")
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(form.lines(office, period)) + "\n")
    return d.office(office).push(path, "--period", period)


def in_force(reader, period):
    """release.csv, or None if nothing of the period is in force."""
    p = reader.run("get", period, "--format", "csv", want=(0, 1))
    return p.stdout if p.returncode == 0 else None


def check_safe(config, release, given):
    publication = Publication(config, list(csv.DictReader(io.StringIO(release))))
    forms = {k: v for office, form in given.items() for k, v in form.figures(office).items()}
    found = Judge(publication, forms, config["policy"]).attack()
    assert not found, found[:5]


def first_release(d, reader, config, period, rng):
    d.open_period(period)
    given = {office: Form(rng, SHAPE, "mixed", False) for office in SMALL_OFFICES}
    for office, form in given.items():
        push(d, office, form, period)
    d.close_period(period)
    d.publish(period)
    release = in_force(reader, period)
    assert release is not None
    check_safe(config, release, given)
    return release


def again(d, period):
    """A second release is asked for. It is refused or withheld: nobody has shown that it is safe beside the first."""
    p = d.publish(period, want=None)
    assert p.returncode != 0, p.stdout
    for text in (p.stdout, p.stderr):
        assert "published\n" not in text.replace("is published", ""), text


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(10**9)
    print("seed", seed, flush=True)
    rng = random.Random(seed)
    text = SMALL % (ORIGIN, DATASET, POLICIES[0])
    config = yaml.safe_load(text)
    with Deployment(config=text, offices=SMALL_OFFICES) as d:
        reader = d.reader()
        first = first_release(d, reader, config, "2001", rng)
        again(d, "2001")  # nothing new
        push(d, "o2", Form(rng, SHAPE, "mixed", False), "2001")  # one office corrects: the difference is its own figures
        again(d, "2001")
        assert in_force(reader, "2001") == first
        for office in SMALL_OFFICES:  # all of them: still two tables of one period
            push(d, office, Form(rng, SHAPE, "mixed", False), "2001")
        again(d, "2001")
        assert in_force(reader, "2001") == first
        print("ok corrections", flush=True)

        first_release(d, reader, config, "2002", rng)
        d.ctl("release", "withdraw", "2002", "--dataset", DATASET, "--reason", "error")
        assert in_force(reader, "2002") is None
        again(d, "2002")
        push(d, "o1", Form(rng, SHAPE, "mixed", False), "2002")
        again(d, "2002")
        assert in_force(reader, "2002") is None
        d.vault.restart()  # and not because of something that was only remembered
        again(d, "2002")
        print("ok withdrawn", flush=True)

        first = first_release(d, reader, config, "2003", rng)
        path = os.path.join(d.folder, "weaker.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace('version: "1"', 'version: "2"').replace(POLICIES[0], "threshold: 3, width: 1"))
        p = d.ctl("config", "add", path, want=None)
        push(d, "o1", Form(rng, SHAPE, "mixed", False), "2003")
        again(d, "2003")
        assert in_force(reader, "2003") == first
        print("ok a weaker configuration afterwards (%s)" % ("taken" if p.returncode == 0 else "refused"), flush=True)
        first_release(d, reader, config if p.returncode else yaml.safe_load(open(path, encoding="utf-8")), "2004", rng)
        print("ok another period", flush=True)


if __name__ == "__main__":
    main()
