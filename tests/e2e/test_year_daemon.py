#!/usr/bin/python3
"""A year told month by month through vault and gate, with late forms and corrections; two offices merge in July, and a code
is new.

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
import subprocess
import tempfile

import yaml

from attacker import Publication
from attackforms import Form
from attackunion import UnionJudge
from harness import BIN, DATASET, ORIGIN, Deployment, random_seed, run

CELLVEIL = os.path.join(BIN, "cellveil")
FILES = ("RESULT.csv", "certificate.cvc", "certificate.auditor.cvc")
BEFORE, AFTER = ["o0", "o1", "o2", "o3", "o4"], ["o01", "o2", "o3", "o4"]
MERGED = 7
CONFIG = """cellveil-config: 1
origin: %s
dataset: %s
form: {id: month, version: "%d", valid: "%s"}
period: YYYY-MM
codes:
  sex: [{code: _T, en: Total}, {code: F, of: [_T], en: Women}, {code: M, of: [_T], en: Men}]
  age: [{code: _T}, %s]
  office: [{code: _T}, %s]
measures:
  - {id: clients, dims: [sex, age], max: 100000, unit: person, about: client, sv: Klienter, en: Clients}
asked: ["clients|F,M|*"]
release: {office_dim: office, tables: [{id: clients, measures: [clients], dims: [office, sex, age]}]}
policy: {threshold: 5, width: 2, effort: 5}
"""
AGES = {False: ["young", "old"], True: ["young", "old", "older"]}


def configuration(merged):
    return CONFIG % (ORIGIN, DATASET, 2 if merged else 1, "2023-07.." if merged else "2023-01..", ", ".join(
        "{code: %s, of: [_T]}" % a for a in AGES[merged]), ", ".join(
            "{code: %s, of: [_T]}" % o for o in (AFTER if merged else BEFORE)))


class Month:
    def __init__(self, d, reader, number, folder):
        self.d, self.reader, self.period = d, reader, "2023-%02d" % number
        self.merged = number >= MERGED
        self.offices = AFTER if self.merged else BEFORE
        self.config = yaml.safe_load(configuration(self.merged))
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
    """Some send again, some for the first time; three at least, or it waits."""
    late = [o for o in month.offices if o not in month.now]
    again = rng.sample(month.offices, 4 if len(month.offices) > 4 else 3)
    for office in sorted(set(late + again)):
        month.push(office, rng, month.now[office][0] if office in month.now and rng.random() < 0.3 else None)
    return month.publish()


def merge(d, may):
    """The new office may not send for a month before the merger, nor the old ones after it; each is told why."""
    d.add_config(configuration(True))
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
        month = months[number] = Month(d, reader, number, folder)
        late = rng.sample(month.offices[-2:], 1) if rng.random() < 0.3 else []
        for office in month.offices:
            if office not in late:
                month.push(office, rng)
        if number == MERGED:
            month.write("o0", rng)
            p = d.office("o0").run("push", month.path("form.csv"), "--yes", "--period", month.period, want=None)
            assert p.returncode != 0 and "2023-07 does not have o0" in p.stderr and "merged" in p.stderr, p.stderr
        d.close_period(month.period)
        released += month.publish()
        if number in (4, 9, 11) or number == MERGED + 1:  # the month before; of the last: one from before the merger
            back = months[number - 1 if number != MERGED + 1 else MERGED - 2]
            if back.publications and correct(back, rng):
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
    with tempfile.TemporaryDirectory(prefix="cv-") as folder, Deployment(config=configuration(False), offices=BEFORE) as d:
        print("ok a year:", year(d, d.reader(), d.reader("revisor", "auditor"), rng, folder), flush=True)


if __name__ == "__main__":
    main()
