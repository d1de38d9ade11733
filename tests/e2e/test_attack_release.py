#!/usr/bin/python3
"""Releases of random awkward forms, attacked as the public, as each office, and as pairs where the policy says so.

test_attack_release.py [PERIODS [SEED]]: real vault, gate and offices; what is attacked is release.csv as a reader gets
it. A release may be withheld; it may not tell a small count. A failing release is kept in $CELLVEIL_FINDINGS.
"""
import csv
import io
import os
import random
import sys

import yaml

from attacker import Judge, Publication
from attackforms import forms
from harness import DATASET, ORIGIN, Deployment, preset, random_seed

SMALL = """cellveil-config: 1
origin: %s
dataset: %s
form: {id: small, version: "1", valid: "2000.."}
period: YYYY
codes:
  sex: [{code: _T, en: Total}, {code: F, of: [_T], en: Women}, {code: M, of: [_T], en: Men}]
  age: [{code: _T}, {code: young, of: [_T]}, {code: old, of: [_T]}]
  reason: [{code: _T}, {code: economy, of: [_T]}, {code: housing, of: [_T]}]
  office: [{code: _T}, {code: north, of: [_T]}, {code: o0, of: [north]}, {code: o1, of: [north]}, {code: o2, of: [_T]},
           {code: o3, of: [_T]}]
measures:
  - {id: clients, dims: [sex, age], max: 100000, unit: person, about: client, sv: Klienter, en: Clients}
  - {id: clients_new, dims: [sex, age], max: 100000, unit: person, about: client, within: clients, sv: Nya, en: New}
  - {id: contact_reasons, dims: [sex, reason], max: 100000, unit: person, about: client, within: clients_new,
     response: multiple, sv: Orsaker, en: Reasons}
asked: ["clients|F,M|*", "clients_new|F,M|*", "contact_reasons|F,M|economy,housing"]
release: {office_dim: office, tables: [{id: clients, measures: [clients], dims: [office, sex, age]},
  {id: new, measures: [clients_new], dims: [office, sex, age]},
  {id: reasons, measures: [contact_reasons], dims: [office, sex, reason]}]}
policy: {%s}
"""
SHAPE = (["F", "M"], ["young", "old"], ["economy", "housing"], ["clients_new"])
SHAPE_2024 = (["F", "M"], ["Y18-29", "Y30-49", "Y50-64", "Y_GE65"], [
    "economy", "housing", "occupation", "daily_structure", "isolation", "relationships", "existential",
    "authority_contact", "healthcare_contact", "other"], ["clients_new", "clients_ended", "clients_children_home"])
CITY = ["efh", "spanga-tensta", "rinkeby-kista", "hasselby-vallingby-bromma", "innerstaden", "soderort"]
SMALL_OFFICES = ["o0", "o1", "o2", "o3"]
POLICIES = ["threshold: 5, width: 2", "threshold: 5, width: 2, coalition: 2", "threshold: 4, zeros: camouflage",
            "threshold: 3, width: 1, zeros: published, group_min: 4"]


def keep(seed, period, config, release, given):
    folder = os.environ.get("CELLVEIL_FINDINGS")
    if folder:
        stem = os.path.join(folder, "release-%d-%s" % (seed, period))
        with open(stem + ".yaml", "w", encoding="utf-8") as f:
            f.write(config)
        with open(stem + ".csv", "w", encoding="utf-8") as f:
            f.write(release)
        for office, form in given.items():
            with open("%s-%s.csv" % (stem, office), "w", encoding="utf-8") as f:
                f.write("\n".join(form.lines(office, period)) + "\n")


def published(d, reader, period, given):
    """release.csv of the period, or None if it was withheld."""
    d.open_period(period)
    path = os.path.join(d.folder, "form.csv")
    for office, form in given.items():
        with open(path, "w", encoding="ascii") as f:
            f.write("\n".join(form.lines(office, period)) + "\n")
        assert d.office(office).push(path, "--period", period, "--blanks", "not-reported")["state"] == "received"
    d.close_period(period)
    p = d.publish(period, want=None)
    if p.returncode != 0:
        if "withheld" not in p.stdout + p.stderr:
            keep(0, period, "", p.stdout + p.stderr, given)
            raise AssertionError(p.stdout + p.stderr)
        return None
    return reader.run("get", period, "--format", "csv").stdout


def one_config(config, shape, offices, years, seed):
    """(attacked, withheld, questions put, disclosures)"""
    attacked = withheld = questions = 0
    bad = []
    parsed = yaml.safe_load(config)
    with Deployment(config=config, offices=offices) as d:
        reader = d.reader()
        for year in years:
            rng = random.Random("%d %d" % (seed, year))
            given = forms(rng, shape, rng.sample(offices, rng.randint(3, len(offices))))
            release = published(d, reader, str(year), given)
            if release is None:
                withheld += 1
                continue
            publication = Publication(parsed, list(csv.DictReader(io.StringIO(release))))
            own = {k: v for office, form in given.items() for k, v in form.figures(office).items()}
            judge = Judge(publication, own, parsed.get("policy") or {})
            found = judge.attack()
            attacked, questions = attacked + 1, questions + judge.questions
            if found:
                keep(seed, str(year), config, release, given)
            bad += ["%d: %s" % (year, text) for text in found]
    return attacked, withheld, questions, bad


def main():
    periods = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    seed = random_seed(2)
    print("seed", seed, flush=True)
    years = range(2000, 2000 + min(periods, 24))  # over: what is not over is not published yet
    cases = [(SMALL % (ORIGIN, DATASET, policy), SHAPE, SMALL_OFFICES, years) for policy in POLICIES]
    cases += [(preset("2024"), SHAPE_2024, CITY, (2024, 2025))] * (periods + 1 >> 1)
    failed = False
    for number, (config, shape, offices, years) in enumerate(cases):
        attacked, withheld, questions, bad = one_config(config, shape, offices, years, seed + number)
        print("configuration %d: %d releases attacked with %d questions, %d withheld, %d disclosures" %
              (number, attacked, questions, withheld, len(bad)), flush=True)
        for text in bad[:8]:
            print("   " + text, flush=True)
        failed = failed or bool(bad)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
