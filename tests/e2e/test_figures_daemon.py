#!/usr/bin/python3
"""Staff and amounts from forms to a release: rules R8 and R6 at a vault, in configurations of their own, the released tables
attacked by programs that share nothing with the engine; the command gives the same bytes; a table that mixes kinds is
refused by name and rule.

test_figures_daemon.py [SEED]
"""
import csv
import io
import os
import random
import subprocess
import tempfile

import numpy
import yaml
from scipy.optimize import linprog

from attacker import Judge, Publication
from harness import BIN, DATASET, ORIGIN, Deployment, random_seed, run

COUNTY = {"A": ["a1", "a2", "a3", "a4"], "B": ["b1", "b2", "b3"], "C": ["c1", "c2", "c3"]}
OFFICES = [o for c in COUNTY.values() for o in c]
CONFIG = """cellveil-config: 1
origin: %s
dataset: %s
form: {id: year, version: "1", valid: "2023.."}
period: YYYY
codes:
  sex: [{code: _T, en: Total}, {code: F, of: [_T], en: Women}, {code: M, of: [_T], en: Men}]
  office: [{code: _T}, %s]
measures:
  - {id: persons, dims: [sex], max: 1000, unit: person, about: staff, sv: Ombud, en: Staff}
  - {id: grant, max: 1000000000, unit: sek, sv: Bidrag, en: Grant}
  - {id: posts, decimals: 2, max: 1000.00, unit: post, about: staff, sv: Tjänster, en: Posts}
  - {id: days, max: 3660, unit: day, sv: Dagar, en: Days}
asked: ["persons|F,M", "persons|_T", grant, posts, days]
release: {office_dim: office, tables: [{id: t, measures: [%s], dims: [%s]}]}
policy: {%s}
"""
LIST = ", ".join("{code: %s, of: [_T]}" % c for c in COUNTY) + ", " + ", ".join(
    "{code: %s, of: [%s]}" % (o, c) for c, names in COUNTY.items() for o in names)


def configuration(measures, dims, policy):
    return CONFIG % (ORIGIN, DATASET, LIST, measures, dims, policy)


def forms(rng):
    """{office: {cell: figure as the engine has it}}: a few staff, most posts and money with one office here and there."""
    out = {}
    for office in OFFICES:
        women, men = rng.choice((0, 1, 1, 2, 3, 6)), rng.choice((0, 1, 2, 4, 9))
        large = rng.random() < 0.3
        out[office] = {("persons", ("F",)): women, ("persons", ("M",)): men, ("persons", ("_T",)): women + men,
                       ("grant", ()): rng.randint(4_000_000, 9_000_000) if large else rng.randint(200_000, 900_000),
                       ("posts", ()): rng.randint(50, 4000), ("days", ()): rng.randint(0, 200)}
    return out


def push(d, folder, told):
    for office, figures in told.items():
        path = os.path.join(folder, office + ".csv")
        with open(path, "w", encoding="ascii") as f:
            f.write("office,year,measure,sex,value\n")
            for (measure, codes), n in figures.items():
                value = "%d.%02d" % (n // 100, n % 100) if measure == "posts" else str(n)
                f.write("%s,2024,%s,%s,%s\n" % (office, measure, "".join(codes), value))
        assert d.office(office).push(path, "--period", "2024")["state"] == "received"


def released(text, told):
    """The rows of a release of these forms; the command makes the same bytes of the same table."""
    with Deployment(config=text, offices=OFFICES) as d, tempfile.TemporaryDirectory(prefix="cv-") as folder:
        d.open_period("2024")
        push(d, folder, told)
        d.close_period("2024")
        d.publish("2024")
        made, out = os.path.join(folder, "table"), os.path.join(folder, "out")
        d.ctl("release", "table", "2024", "--dataset", DATASET, "--output", made)
        policy = os.path.join(made, "policy.yaml")
        run([os.path.join(BIN, "cellveil"), "protect", made, "--policy", policy, "--key", os.path.join(
            d.home, "keys", "choice"), "--period", "2024", "-o", out])
        for name in ("RESULT.csv", "certificate.cvc", "certificate.auditor.cvc"):
            with open(os.path.join(made, name), "rb") as f, open(os.path.join(out, name), "rb") as g:
                assert f.read() == g.read(), name
        run([os.path.join(BIN, "cellveil"), "verify-certificate", made, "--auditor", os.path.join(
            made, "certificate.auditor.cvc"), "--truth", os.path.join(made, "cells.csv"), "--policy", policy])
        public = os.path.join(folder, "public")
        d.reader().run("get", "2024", "-o", public)
        run([os.path.join(BIN, "cellveil"), "verify-certificate", public])
        return list(csv.DictReader(io.StringIO(d.reader().run("get", "2024", "--format", "csv").stdout)))


def staff(rng):
    """R8: the staff threshold in place of the clients'; whatever else protects persons holds for staff."""
    policy = {"figures": "staff", "staff_threshold": 3, "threshold": 5, "width": 2, "effort": 5}
    text = configuration("persons", "office, sex", ", ".join("%s: %s" % x for x in policy.items()))
    told = forms(rng)
    rows = released(text, told)
    publication = Publication(yaml.safe_load(text), rows)
    figures = {(m, o, c): n for o, cells in told.items() for (m, c), n in cells.items() if m == "persons"}
    found = Judge(publication, figures, dict(policy, threshold=3)).attack()
    assert not found, found[:5]
    shown = [r for r in rows if r["status"] == "" and 3 <= int(r["value"]) < 5]
    hidden = [r for r in rows if r["status"] == "suppressed"]
    assert hidden or not any(1 <= n < 3 for n in figures.values()), "nothing is hidden"
    return "%d of %d hidden, %d of 3 or 4 printed" % (len(hidden), len(rows), len(shown))


def below(code):
    return OFFICES if code == "_T" else COUNTY.get(code, [code])


def most(rows, measure, code, own, told):
    """How large a total can be for these attackers, who know what they sent; None: there is no bound."""
    index = {o: i for i, o in enumerate(OFFICES)}
    equal, right = [], []
    for row in rows:
        if row["measure"] == measure and row["status"] == "":
            equal.append([1.0 if o in below(row["office"]) else 0.0 for o in OFFICES])
            right.append(float(row["value"]) * (100 if measure == "posts" else 1))
    for office in own:
        equal.append([1.0 if o == office else 0.0 for o in OFFICES])
        right.append(float(told[office][measure, ()]))
    cost = numpy.zeros(len(OFFICES))
    for office in below(code):
        cost[index[office]] = -1.0
    answer = linprog(cost, A_eq=equal or None, b_eq=right or None, bounds=[(0, None)] * len(OFFICES))
    assert answer.status in (0, 3), answer.message
    return None if answer.status == 3 else -answer.fun


def amounts(rng):
    """R6: who has the second largest part cannot estimate the largest too well; nor can the public, or any other office."""
    percent = 10
    text = configuration("grant, posts", "office", "figures: amounts, dominance_p: %d, width: 2, effort: 5" % percent)
    told = forms(rng)
    rows = released(text, told)
    dominated = 0
    for row in rows:
        parts = sorted((told[o][row["measure"], ()] for o in below(row["office"])), reverse=True) + [0]
        value = sum(parts)
        if 100 * (value - parts[0] - parts[1]) >= percent * parts[0]:
            continue
        dominated += 1
        assert row["status"] == "suppressed", row
        want = parts[0] + parts[1] + (percent * parts[0] + 99) // 100
        for own in [()] + [(o,) for o in OFFICES]:
            if set(below(row["office"])) <= set(own):
                continue
            reach = most(rows, row["measure"], row["office"], own, told)
            assert reach is None or reach > want - 0.5, (row, own, reach, want)
    printed = sum(r["status"] == "" for r in rows)
    assert dominated >= 2 * len(OFFICES), dominated  # what one office alone has is its own
    return "%d of %d dominated, %d printed" % (dominated, len(rows), printed)


def refused():
    """Kinds do not mix, and what is no count stands in no table: said when the configuration is added."""
    cases = [("persons", "effort: 5", "policy `figures: clients` does not count persons", "`figures: staff` (rule R8)"),
             ("grant", "figures: staff", "policy `figures: staff` does not count grant", "`figures: amounts` (rule R6)"),
             ("persons", "figures: amounts", "policy `figures: amounts` does not count persons", "`figures: staff`"),
             ("days", "figures: amounts", "days counts neither persons nor an amount", "rule R8")]
    with Deployment(config=configuration("grant", "office", "figures: amounts"), offices=[]) as d:
        for measure, policy, *words in cases:
            text = configuration(measure, "office", policy).replace('version: "1"', 'version: "%d"' % (cases.index(
                (measure, policy, *words)) + 2)).replace("valid: \"2023..\"", "valid: \"2026..\"")
            path = os.path.join(d.folder, "other.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            d.ctl("config", "add", path)
            p = subprocess.run([os.path.join(BIN, "cellveilctl"), "period", "open", "2026", "--config", d.conf],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
            assert p.returncode != 0 and all(w in p.stderr for w in words), (words, p.stdout, p.stderr)
    return len(cases)


def main():
    seed = random_seed(1)
    print("seed", seed, flush=True)
    rng = random.Random(seed)
    print("ok staff:", staff(rng), flush=True)
    print("ok amounts:", amounts(rng), flush=True)
    print("ok refused:", refused(), flush=True)


if __name__ == "__main__":
    main()
