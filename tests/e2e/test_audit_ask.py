"""What an auditor asks of a release: who could work out what (`audit attack`), held against an attacker that shares no
code with it: the public, an office with its form, all offices on the vault's host, and offices whose figures nobody has."""
import csv
import io
import itertools
import json
import os

import numpy
import yaml

from attacker import Publication, intervals
from harness import Deployment
from test_client_read import CONFIG, COUNTS, release

# Offices are no attackers under this policy: so two hidden ones find each other's figures.
OPEN_TO_OFFICES = CONFIG.replace("policy: {threshold: 5,", "policy: {offices: no, threshold: 5,")
FORMS = {("clients", office, (sex,)): value for office, pair in COUNTS.items() for sex, value in zip("FM", pair)}


def attack(client, *args, want=0):
    return json.loads(client.run("audit", "attack", "2023", "--json", *args, want=want).stdout)


def of(answer, who):
    """{cell as the attacker names it: (least, most)}"""
    out = {}
    for c in answer["cells"]:
        if c["attacker"] == who:
            sex, office = sorted(c["cell"].replace("|clients", "").split("|"), key=lambda code: code in COUNTS)
            out["clients", office, (sex,)] = (c["least"], c["most"])
    return out


def publication(client, config):
    text = client.run("get", "2023", "--format", "csv").stdout
    return Publication(yaml.safe_load(config), list(csv.DictReader(io.StringIO(text))))


def is_worst_first(answer):
    order = {"disclosed": 0, "undecided": 1, "": 2}
    widths = [(order[c["finding"]], 0 if c["exact"] else c["most"] - c["least"]) for c in answer["cells"]]
    return widths == sorted(widths)


def test_numbers(d, auditor, config):
    released = publication(auditor, config)
    answer = attack(auditor, "--coalition", "0")
    assert of(answer, "public") == intervals(released) and len(answer["cells"]) == len(released.hidden())
    table = os.path.join(d.folder, "table")
    d.ctl("release", "table", "2023", "--output", table)
    answer = attack(auditor, "--figures", table)
    assert answer["disclosed"] == 0 and is_worst_first(answer)
    for office in COUNTS:
        want = {k: v for k, v in intervals(released, FORMS, (office,)).items() if k[1] != office}
        assert of(answer, "office:" + office) == want, office
        own = attack(d.office(office), "--form", os.path.join(d.folder, office + ".csv"))
        assert of(own, "office:" + office) == want, "an office with its own form"
        assert {c["attacker"] for c in own["cells"]} == {"public", "office:" + office}
    answer = attack(auditor, "--figures", table, "--coalition", "2", want=1)
    assert answer["disclosed"] > 0 and is_worst_first(answer), "the policy promises nothing against two"
    first = answer["cells"][0]
    assert first["finding"] == "disclosed" and first["attacker"].startswith("coalition:") and first["exact"]
    text = auditor.run("audit", "attack", "2023", "--figures", table, "--coalition", "2", "--worst", "1", want=1).stdout
    assert text.startswith("DISCLOSED") and len(text.splitlines()) == 2, text
    d.office("north").run("audit", "attack", "2023", "--form", os.path.join(d.folder, "nothing"), want=2)


def follows(released, owners):
    """Hidden cells of others that are a linear function of what is printed and what the owners have: by ranks."""
    hidden = [key for key in released.hidden() if key[1] not in owners]
    unknown = sorted(set(itertools.chain(*(released.below(k) for k in released.cells))))
    unknown = [k for k in unknown if k[1] not in owners and released.cells.get(k, ("",))[0] == "suppressed"]
    place = {k: i for i, k in enumerate(unknown)}

    def line(key):
        row = numpy.zeros(len(unknown))
        for k in released.below(key):
            if k in place:
                row[place[k]] += 1
        return row
    known = [line(k) for k, (status, _) in released.cells.items() if status == "published"]
    rank = numpy.linalg.matrix_rank(known)
    return {k for k in hidden if numpy.linalg.matrix_rank(known + [line(k)]) == rank}


def test_symbols(d, auditor, config):
    """Without anybody's figures: exactly what follows from them, and undecided where it was hidden for itself."""
    released = publication(auditor, config)
    reasons = {}
    for line in csv.DictReader(io.StringIO(auditor.run("audit", "explain", "2023", "--csv").stdout)):
        reasons[line["cell"]] = line["class"]
    answer = attack(auditor, "--coalition", "2", want=3)
    assert answer["disclosed"] == 0 and is_worst_first({"cells": [c for c in answer["cells"] if c["least"] is not None]})
    undecided = 0
    for n in (1, 2):
        for owners in itertools.combinations(COUNTS, n):
            who = [w for w in {c["attacker"] for c in answer["cells"]} if set(w.split(":")[-1].split("+")) == set(owners)]
            found = {k for w in who for k in of(answer, w)}
            assert found == follows(released, owners), owners
    for c in answer["cells"]:
        want = "undecided" if c["how"] == "elimination" and reasons[c["cell"]] == "primary" else ""
        assert c["finding"] == want, c
        undecided += want != ""
    assert undecided == answer["undecided"] > 0
    attack(auditor, "--office", "north")
    auditor.run("audit", "attack", "2023", "--office", "nobody", want=2)
    auditor.run("audit", "attack", "2019", want=2)
    researcher = d.reader("other")
    assert attack(researcher, "--coalition", "1")["undecided"] == 0, "nothing follows for one office"
    assert attack(researcher, "--coalition", "2", want=3)["undecided"] > undecided, "who cannot tell, says so"


def main():
    with Deployment(config=CONFIG, offices=list(COUNTS)) as d:
        auditor = d.reader("revisor", "auditor")
        release(d, "2023")
        test_numbers(d, auditor, CONFIG)
        test_symbols(d, auditor, CONFIG)
    with Deployment(config=OPEN_TO_OFFICES, offices=list(COUNTS)) as d:
        auditor = d.reader("revisor", "auditor")
        release(d, "2023")
        table = os.path.join(d.folder, "table")
        d.ctl("release", "table", "2023", "--output", table)
        released = publication(auditor, OPEN_TO_OFFICES)
        found = {(c["attacker"], c["cell"]) for c in attack(auditor, "--figures", table, "--coalition", "1", want=1)["cells"]
                 if c["finding"] == "disclosed"}
        want = {("office:" + o, k) for o in COUNTS for k, (lo, hi) in intervals(released, FORMS, (o,)).items()
                if k[1] != o and lo == hi < 5}
        assert len(found) == len(want) > 0, (found, want)
    print("ok")


if __name__ == "__main__":
    main()
