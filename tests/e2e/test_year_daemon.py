#!/usr/bin/python3
"""A year told month by month through vault and gate, with late forms and corrections. An office of the list is enrolled in March,
and its figures for the months before come in corrections; two offices merge in July, and a code is new; in October an office
moves to the other county. What a period's list lacks is refused.

After each release everything of its month is attacked as a union, by code that shares nothing with the engine; the command
gives the same bytes from the same table and ledger, and so does a replay on the vault's host; both parts of the certificate
hold, of corrections beside what left before.

test_year_daemon.py [SEED]
"""
import csv
import io
import json
import os
import random
import shutil
import tempfile

import yaml

from attacker import Publication
from attackforms import Form
from attackunion import UnionJudge
from harness import BIN, DATASET, ORIGIN, Deployment, random_seed, run

CELLVEIL = os.path.join(BIN, "cellveil")
FILES = ("RESULT.csv", "certificate.cvc", "certificate.auditor.cvc")
BEFORE = {"N": ["o0", "o1", "o2"], "S": ["o3", "o4", "o5"]}
AFTER = {"N": ["o01", "o2"], "S": ["o3", "o4", "o5"]}
LAST = {"N": ["o01", "o2", "o3"], "S": ["o4", "o5"]}
LATE, ENROLLED, MERGED, MOVED = "o5", 3, 7, 10
CONFIG = """cellveil-config: 1
origin: %s
dataset: %s
form: {id: month, version: "%d", valid: "2023-%02d.."}
period: YYYY-MM
codes:
  sex: [{code: _T, en: Total}, {code: F, of: [_T], en: Women}, {code: M, of: [_T], en: Men}]
  age: [{code: _T}, %s]
  office: [{code: _T}, {code: N, of: [_T]}, {code: S, of: [_T]}, %s]
measures:
  - {id: clients, dims: [sex, age], max: 100000, unit: person, about: client, sv: Klienter, en: Clients}
asked: ["clients|F,M|*"]
release: {office_dim: office, tables: [{id: clients, measures: [clients], dims: [office, sex, age]}]}
policy: {threshold: 5, width: 2, effort: 5, min_offices_changed: 2}
"""
AGES = {False: ["young", "old"], True: ["young", "old", "older"]}


def counties_of(number):
    return BEFORE if number < MERGED else AFTER if number < MOVED else LAST


def configuration(number):
    """The one in force from that month on."""
    version, begins = (1, 1) if number < MERGED else (2, MERGED) if number < MOVED else (3, MOVED)
    return CONFIG % (ORIGIN, DATASET, version, begins, ", ".join("{code: %s, of: [_T]}" % a for a in AGES[number >= MERGED]),
                     ", ".join("{code: %s, of: [%s]}" % (o, c) for c, names in counties_of(number).items() for o in names))


class Month:
    def __init__(self, d, reader, number, folder):
        self.d, self.reader, self.period = d, reader, "2023-%02d" % number
        self.merged, self.counties = number >= MERGED, counties_of(number)
        self.offices = sum(self.counties.values(), [])
        self.config = yaml.safe_load(configuration(number))
        self.folder = os.path.join(folder, self.period)
        self.now, self.n = {}, 0
        self.publications, self.forms, self.tags = [], [], []
        self.revisions = []
        os.makedirs(self.folder)
        d.open_period(self.period)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, office, rng, like=None):
        form = Form(rng, (["F", "M"], AGES[self.merged], [], []), rng.choice(("mixed", "large", "large")), False)
        if like is not None:
            form.box = dict(like.box)
            for sex in rng.sample(["F", "M"], rng.randint(1, 2)):
                more = rng.choice((1, 2, 20))
                form.box["clients", (sex, "old")] += more
                form.box["clients", (sex, "_T")] += more
        with open(self.path("form.csv"), "w", encoding="ascii") as f:
            for line in form.lines(office, self.period):
                cells = line.split(",")
                f.write(",".join(cells[:5] + cells[6:]) + "\n")  # no reasons are asked
        return form

    def push(self, office, rng, like=None):
        form = self.write(office, rng, like)
        answer = self.d.office(office).push(self.path("form.csv"), "--period", self.period)
        assert answer["state"] == "received", answer
        self.n += 1
        self.now[office] = (form, self.n)

    def publish(self):
        """True: a release. Then it is held against the command, its certificate, and an attack on all of the month."""
        p = self.d.publish(self.period, want=None)
        if p.returncode != 0:
            assert "withheld" in p.stdout + p.stderr or "min_offices" in p.stdout + p.stderr, p.stdout + p.stderr
            return False
        text = self.reader.run("get", self.period, "--format", "csv").stdout
        self.publications.append(Publication(self.config, list(csv.DictReader(io.StringIO(text)))))
        self.forms.append({k: v for o, (form, _) in self.now.items() for k, v in form.figures(o).items()})
        self.tags.append({o: n for o, (_, n) in self.now.items()})
        self.compare(len(self.publications) - 1)
        return True

    def compare(self, number):
        made = self.path("table%d" % number)
        self.d.ctl("release", "table", self.period, "--dataset", DATASET, "--output", made)
        revision = self.revision()
        self.revisions.append(revision)
        out, policy = self.path("out"), os.path.join(made, "policy.yaml")
        run([CELLVEIL, "protect", made, "--policy", policy, "--key", os.path.join(self.d.home, "keys", "choice"), "--ledger",
             self.path("ledger"), "--period", self.period, "--revision", revision, "-o", out])
        for name in FILES:
            with open(os.path.join(made, name), "rb") as f, open(os.path.join(out, name), "rb") as g:
                assert f.read() == g.read(), (self.period, revision, name)
        run([CELLVEIL, "verify-certificate", made, "--auditor", os.path.join(made, "certificate.auditor.cvc"), "--truth",
             os.path.join(made, "cells.csv"), "--policy", policy, "--ledger", self.path("ledger")])
        self.reader.run("get", self.period, "-o", self.path("public", revision))
        run([CELLVEIL, "verify-certificate", self.path("public", revision), "--ledger", self.path("public")])

    def revision(self):
        os.makedirs(self.path("public"), exist_ok=True)
        seen = self.path("seen")
        shutil.rmtree(seen, ignore_errors=True)
        self.reader.run("get", self.period, "-o", seen)
        with open(os.path.join(seen, "manifest.txt"), encoding="ascii") as f:
            return next(line.split()[1] for line in f if line.startswith("revision "))

    def attack(self):
        judge = UnionJudge(self.publications, self.forms, self.tags, self.config["policy"])
        found = judge.attack()
        assert not found, (self.period, found[:5])
        return judge.questions, judge.differences


def correct(month, rng):
    """Some send again, some for the first time; two at least of each county, or it waits."""
    late = [o for o in month.offices if o not in month.now]
    again = [o for names in month.counties.values() for o in rng.sample(names, max(2, len(names) - 1))]
    for office in sorted(set(late + again)):
        month.push(office, rng, month.now[office][0] if office in month.now and rng.random() < 0.3 else None)
    return month.publish()


def stranger(d, month):
    """An office that no list holds may be enrolled, but has no figures of this period."""
    d.enrol("o9")
    month.write("o9", random.Random(2))
    p = d.office("o9").run("push", month.path("form.csv"), "--yes", "--period", month.period, want=None)
    assert p.returncode != 0 and "%s does not have o9" % month.period in p.stderr, p.stderr


def merge(d, may):
    """The new office may not send for a month before the merger, nor the old ones after it; each is told why."""
    d.add_config(configuration(MERGED))
    d.enrol("o01")
    may.write("o01", random.Random(1))
    p = d.office("o01").run("push", may.path("form.csv"), "--yes", "--period", may.period, want=None)
    assert p.returncode != 0 and "2023-05 does not have o01" in p.stderr and "merged" in p.stderr, p.stderr


def replayed(d, auditor, months):
    """Forms, policy and key give every release of the year again, says the vault's host, and the auditor compares."""
    d.vault.stop()
    path, n = os.path.join(d.folder, "replay"), 0
    for month in months:
        for revision in month.revisions:
            told = run([os.path.join(BIN, "cellveild"), "--config", d.conf, "--replay", "%s/%s/%s" % (
                DATASET, month.period, revision)]).stdout
            with open(path, "w", encoding="ascii") as f:
                f.write(told)
            p = auditor.run("audit", "replay", "%s/%s/%s" % (DATASET, month.period, revision), path, "--json")
            verdicts = [c["verdict"] for c in json.loads(p.stdout)["checks"] if c["what"].startswith("replay")]
            assert verdicts == ["holds"] * 7, (month.period, revision, p.stdout)
            n += 1
    return n


def year(d, reader, auditor, rng, folder):
    months, released, corrected, questions, differences = {}, 0, 0, 0, 0
    for number in range(1, 13):
        if number == MERGED:
            merge(d, months[MERGED - 2])
        if number == MOVED:
            d.add_config(configuration(MOVED))
        month = months[number] = Month(d, reader, number, folder)
        late = rng.sample(month.offices[-2:], 1) if rng.random() < 0.3 else []
        if number == ENROLLED:
            stranger(d, month)
            d.enrol(LATE)
        elif number < ENROLLED:
            late = [LATE]
        for office in month.offices:
            if office not in late:
                month.push(office, rng)
        if number == MERGED:
            month.write("o0", rng)
            p = d.office("o0").run("push", month.path("form.csv"), "--yes", "--period", month.period, want=None)
            assert p.returncode != 0 and "2023-07 does not have o0" in p.stderr and "merged" in p.stderr, p.stderr
        d.close_period(month.period)
        released += month.publish()
        # the month before, with what the late office had; one from before the merger; one from before the move
        back = {ENROLLED: 2, 4: 1, MERGED + 1: MERGED - 2, 9: 8, MOVED + 1: MOVED - 1, 12: 11}.get(number)
        if back is not None and months[back].publications and correct(months[back], rng):
            corrected += 1
    for month in months.values():
        if month.publications:
            q, n = month.attack()
            questions, differences = questions + q, differences + n
    assert released >= 8 and corrected > 0 and differences > 0, (released, corrected, differences)
    return "%d months, %d corrections, %d questions, %d of differences, %d replayed" % (
        released, corrected, questions, differences, replayed(d, auditor, months.values()))


def main():
    seed = random_seed(1)
    print("seed", seed, flush=True)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cv-") as folder, Deployment(
            config=configuration(1), offices=[o for o in sum(BEFORE.values(), []) if o != LATE]) as d:
        print("ok a year:", year(d, d.reader(), d.reader("revisor", "auditor"), rng, folder), flush=True)


if __name__ == "__main__":
    main()
