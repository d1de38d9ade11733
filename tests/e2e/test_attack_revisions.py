#!/usr/bin/python3
"""One period, told more than once: corrections, late forms, withdrawal and a second configuration, attacked as a union.

Whatever leaves for a period is one set of facts for ever. A correction of too few offices waits; what is published
again is safe together with everything before it, for readers, offices and coalitions; a withdrawn release stays known.

test_attack_revisions.py [SEED [PERIODS]]
"""
import csv
import io
import os
import random
import sys

import yaml

from attacker import Publication
from attackforms import Form
from attackunion import UnionJudge
from harness import DATASET, ORIGIN, Deployment, random_seed
from test_attack_release import POLICIES, SHAPE, SMALL

NORTH, OTHERS = ["o0", "o1", "o2", "o3"], ["o4", "o5", "o6"]
OFFICES = NORTH + OTHERS
LIST = "office: [{code: _T}, {code: north, of: [_T]}, %s]" % ", ".join(
    "{code: %s, of: [%s]}" % (o, "north" if o in NORTH else "_T") for o in OFFICES)


def configuration(policy):
    text = SMALL % (ORIGIN, DATASET, policy)
    start = text.index("office: [{code: _T}")
    return text[:start] + LIST + text[text.index("measures:") - 1:]


class Told:
    """One period: what the offices sent, and what left."""

    def __init__(self, d, reader, config, period):
        self.d, self.reader, self.config, self.period = d, reader, config, period
        self.now, self.number = {}, 0  # {office: (form, number)}
        self.publications, self.forms, self.tags = [], [], []
        d.open_period(period)

    def push(self, office, rng, like=None):
        """A new form; with like, the one before with one box more or less."""
        form = Form(rng, SHAPE, rng.choice(("mixed", "large", "large")), False)
        if like is not None:
            form.box = dict(like.box)
            boxes = [k for k in form.box if k[0] == "clients" and k[1][1] != "_T"]
            measure, (sex, age) = rng.choice(boxes)
            more = rng.randint(1, 3)
            form.box[measure, (sex, age)] += more
            form.box[measure, (sex, "_T")] += more
        path = os.path.join(self.d.folder, "form.csv")
        with open(path, "w", encoding="ascii") as f:
            f.write("\n".join(form.lines(office, self.period)) + "\n")
        self.d.office(office).push(path, "--period", self.period)
        self.number += 1
        self.now[office] = (form, self.number)

    def in_force(self):
        """release.csv, or None if nothing of the period is in force."""
        p = self.reader.run("get", self.period, "--format", "csv", want=(0, 1))
        return p.stdout if p.returncode == 0 else None

    def publish(self):
        """True: something new is in force."""
        before = self.in_force()
        p = self.d.publish(self.period, want=None)
        if p.returncode != 0:
            assert self.in_force() == before, "refused, and yet there is another release"
            return False
        rows = list(csv.DictReader(io.StringIO(self.in_force())))
        self.publications.append(Publication(self.config, rows))
        self.forms.append({k: v for office, (form, _) in self.now.items() for k, v in form.figures(office).items()})
        self.tags.append({office: n for office, (_, n) in self.now.items()})
        return True

    def attack(self):
        judge = UnionJudge(self.publications, self.forms, self.tags, self.config["policy"])
        found = judge.attack()
        assert not found, (self.period, found[:5])
        return "%d releases, %d questions, %d of differences" % (
            len(self.publications), judge.questions, judge.differences)


def first_release(told, rng, offices=OFFICES):
    for office in offices:
        told.push(office, rng)
    told.d.close_period(told.period)
    return told.publish()


def corrections(d, reader, config, rng):
    """Too few wait, and then go out with the others."""
    told = Told(d, reader, config, "2001")
    assert first_release(told, rng)
    first = told.in_force()
    assert not told.publish()  # nothing new
    told.push("o4", rng)
    assert not told.publish()  # the difference would be this office's own
    told.push("o0", rng)
    told.push("o1", rng)
    assert not told.publish()  # three of all, but two in the north
    assert told.in_force() == first
    told.push("o2", rng)
    again = told.publish()
    print("ok corrections:", told.attack(), "" if again else "(withheld)", flush=True)
    return again


def random_periods(d, reader, config, rng, years):
    """Late forms, corrections large and small, up to three releases of a period."""
    further = 0
    for year in years:
        told = Told(d, reader, config, str(year))
        late = rng.choice([[], [], ["o6"], ["o3", "o5", "o6"]])
        if not first_release(told, rng, [o for o in OFFICES if o not in late]):
            continue
        for _ in range(rng.choice((1, 1, 2))):
            for office in sorted(set(late + rng.sample(NORTH, rng.choice((3, 4))) + rng.sample(OTHERS, 2))):
                like = told.now[office][0] if office in told.now and rng.random() < 0.4 else None
                told.push(office, rng, like)
            late = []
            if told.publish():
                further += 1
        print("ok", told.period, told.attack(), flush=True)
    return further


def withdrawn(d, reader, config, rng):
    told = Told(d, reader, config, "2002")
    assert first_release(told, rng)
    d.ctl("release", "withdraw", "2002", "--dataset", DATASET, "--reason", "error")
    assert told.in_force() is None
    told.push("o1", rng)
    assert not told.publish()
    d.vault.restart()  # and not because of something that was only remembered
    assert not told.publish()
    for office in OFFICES:
        told.push(office, rng)
    told.publish()
    print("ok withdrawn:", told.attack(), flush=True)


def weaker(d, reader, config, text, policy, rng):
    """A configuration with a weaker policy changes nothing for a period that was opened before."""
    told = Told(d, reader, config, "2003")
    assert first_release(told, rng)
    path = os.path.join(d.folder, "weaker.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace('version: "1"', 'version: "2"').replace(policy, "threshold: 3, width: 1"))
    p = d.ctl("config", "add", path, want=None)
    for office in OFFICES:
        told.push(office, rng)
    told.publish()
    print("ok a weaker configuration afterwards (%s): %s" % (
        "taken" if p.returncode == 0 else "refused", told.attack()), flush=True)


def main():
    seed = random_seed(1)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    print("seed", seed, flush=True)
    rng = random.Random(seed)
    policy = POLICIES[0]
    text = configuration(policy)
    config = yaml.safe_load(text)
    with Deployment(config=text, offices=OFFICES) as d:
        reader = d.reader()
        further = corrections(d, reader, config, rng)
        withdrawn(d, reader, config, rng)
        further += random_periods(d, reader, config, rng, range(2010, 2010 + count))
        for year in range(2010 + count, 2016 + count):  # corrections may be withheld, but not all there are
            further += random_periods(d, reader, config, rng, [year]) if further == 0 else 0
        weaker(d, reader, config, text, policy, rng)
        assert further > 0, "not one correction was published"


if __name__ == "__main__":
    main()
