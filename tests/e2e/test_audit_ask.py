"""What an auditor asks of a release: who could work out what (`audit attack`), held against an attacker that shares no
code with it: the public, an office with its form, all offices on the vault's host, and offices whose figures nobody has;
and whether it follows from forms, policy and key (`audit replay`)."""
import csv
import io
import itertools
import json
import os
import shutil
import sqlite3

import numpy
import yaml

from attacker import Publication, intervals
from harness import BIN, DATASET, Deployment, run
from test_audit_restore import push
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
    # the policy promises nothing against two; whether two learn of a third depends on the key
    learned = any(lo == hi < 5 and k[1] in COUNTS and k[1] not in two for two in itertools.combinations(COUNTS, 2)
                  for k, (lo, hi) in intervals(released, FORMS, two).items())
    answer = attack(auditor, "--figures", table, "--coalition", "2", want=1 if learned else (0, 1))
    assert is_worst_first(answer)
    if answer["disclosed"] > 0:
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
    answer = attack(auditor, "--coalition", "2", want=(0, 3))
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
    assert undecided == answer["undecided"]
    attack(auditor, "--office", "north")
    auditor.run("audit", "attack", "2023", "--office", "nobody", want=2)
    auditor.run("audit", "attack", "2019", want=2)
    researcher = d.reader("other")
    alone = sum(len(follows(released, (owner,))) for owner in COUNTS)  # large figures that one office may compute
    assert attack(researcher, "--coalition", "1", want=3 if alone else 0)["undecided"] == alone
    assert attack(researcher, "--coalition", "2", want=(0, 3))["undecided"] >= undecided, "who cannot tell, says so"


def test_log(d, auditor):
    """Filters of leaves; filters of cells, held against the manifest's own lines."""
    def listed(*args, client=auditor, want=0):
        return json.loads(client.run("audit", "log", "--json", *args, want=want).stdout or "[]")
    plain = os.path.join(d.folder, "plain")
    auditor.run("audit", "open", "2023", "--output", plain)
    with open(plain, encoding="ascii") as f:
        lines = [json.loads(line) for line in f if line.startswith('{"cell"')]
    everything = listed()
    assert [x["k"] for x in listed("--outcome", "released")] == ["release"] and listed("--outcome", "withheld") == []
    assert len(listed("--outcome", "received")) == len(COUNTS) and listed("--year", "2022") == []
    assert listed("--year", "2023") == [x for x in everything if x.get("p") == "2023"] == listed("--period", "2023")
    assert {x["k"] for x in listed("--dataset", DATASET)} == {x["k"] for x in everything if "ds" in x}
    hidden = listed("--outcome", "hidden")
    assert {x["cell"] for x in hidden} == {"|".join(x["cell"]) for x in lines} and len(hidden) == len(lines)
    assert {x["tables"] for x in hidden} == {"clients"} and listed("--table", "clients") == hidden
    assert listed("--table", "client") == []
    for office in COUNTS:
        want = {"|".join(x["cell"]) for x in lines if office in x["cell"] or "office:" + office in x["against"]}
        assert {x["cell"] for x in listed("--office", office)} == want, office
    for rule in ("R1", "R2", "R3"):
        want = {"|".join(x["cell"]) for x in lines if rule in x.get("rules", ())}
        assert {x["cell"] for x in listed("--rule", rule)} == want, rule
    for outcome in ("primary", "secondary"):
        want = {"|".join(x["cell"]) for x in lines if x["class"] == outcome}
        assert {x["cell"] for x in listed("--outcome", outcome)} == want, outcome
        text = auditor.run("audit", "log", "--outcome", outcome, "--year", "2023").stdout
        assert len(text.splitlines()) == len(want) and all(cell in text for cell in want)
        table = auditor.run("audit", "log", "--outcome", outcome, "--csv").stdout
        assert {x["cell"] for x in csv.DictReader(io.StringIO(table))} == want
    assert listed("--outcome", "primary", "--office", "south", "--rule", "R1")
    auditor.run("audit", "log", "--outcome", "lost", want=2)
    auditor.run("audit", "log", "--kind", "release", "--rule", "R1", want=2)
    assert listed("--rule", "R1", client=d.client("other"), want=3) == [], "reasons are for auditors"


def withheld(d, period):
    """A period of too few offices."""
    d.open_period(period)
    for office in ("north", "south"):
        path = os.path.join(d.folder, office + ".csv")
        with open(path, "r+", encoding="utf-8") as f:
            text = f.read().replace("2023", period)
            f.seek(0)
            f.write(text)
        d.office(office).push(path, "--period", period)
    d.close_period(period)
    d.publish(period, want=None)


def replay(d, name, state=None, want=0):
    conf = d.conf
    if state:
        conf = os.path.join(d.folder, "other.conf")
        with open(d.conf, encoding="utf-8") as f, open(conf, "w", encoding="utf-8") as g:
            g.write(f.read().replace(d.state, state))
        os.chmod(conf, 0o600)
    return run([os.path.join(BIN, "cellveild"), "--config", conf, "--replay", DATASET + "/" + name], want=want)


def compared(d, client, period, text, want=0):
    path = os.path.join(d.folder, "replay")
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    p = client.run("audit", "replay", period, path, "--json", want=want)
    return {c["what"]: c["verdict"] for c in json.loads(p.stdout)["checks"] if c["what"].startswith("replay")}


def test_replay(d, auditor):
    withheld(d, "2024")
    state = os.path.join(d.folder, "copy")
    assert "another vault" in replay(d, "2023/0", want=74).stderr, "a running vault keeps its store to itself"
    d.vault.stop()
    shutil.copytree(d.state, state)
    before = sorted(os.listdir(d.state + "/vault")), os.path.getsize(d.public + "/log/checkpoint")
    text = replay(d, "2023/0").stdout
    assert not [line for line in text.splitlines()[6:] if len(line.split()[1]) != 64], "digests only"
    assert (sorted(os.listdir(d.state + "/vault")), os.path.getsize(d.public + "/log/checkpoint")) == before
    assert replay(d, "2023/0", state).stdout == text, "a copy will do"
    all_seven = {"replay " + w for w in ("set", "config", "manifest", "object", "result", "certificate", "auditor")}
    assert compared(d, auditor, "2023", text) == dict.fromkeys(all_seven, "holds")
    less = compared(d, d.client("other"), "2023", text)
    assert less == dict.fromkeys(all_seven - {"replay result", "replay certificate", "replay auditor"}, "holds")
    refused = replay(d, "2024/0").stdout
    assert compared(d, auditor, "2024", refused) == dict.fromkeys(("replay set", "replay manifest"), "holds")
    for line in text.splitlines()[6:]:
        what, digest = line.split()
        spoiled = text.replace(line, what + " " + digest[:-1] + ("0" if digest[-1] != "0" else "1"))
        bad = compared(d, auditor, "2023", spoiled, want=1)
        assert [k for k, v in bad.items() if v == "fails"] == ["replay " + what], bad
    compared_text = text.replace("forms 6", "forms 5")
    assert compared(d, auditor, "2023", compared_text, want=1)["replay forms"] == "fails"
    auditor.run("audit", "replay", "2024", os.path.join(d.folder, "replay"), want=2)
    auditor.run("audit", "replay", "2023", d.conf, want=2)
    replay(d, "2023/7", want=None)
    # another choice key: other bytes, and the auditor sees it
    key = os.path.join(d.home, "keys/choice")
    with open(os.path.join(d.home, "keys/choice"), encoding="ascii") as f:
        good = f.read()
    with open(key, "w", encoding="ascii") as f:
        f.write(good.split(":")[0] + ":" + "B" * 42 + "A=\n")
    bad = compared(d, auditor, "2023", replay(d, "2023/0").stdout, want=1)
    assert bad["replay auditor"] == bad["replay manifest"] == "fails" and bad["replay set"] == "holds", bad
    with open(key, "w", encoding="ascii") as f:
        f.write(good)
    # other rows in the store: an office's newer statement, one row for another
    for change in ("UPDATE submission SET statement = zeroblob(32) WHERE seq = 1",
                   "UPDATE submission SET row = (SELECT row FROM submission WHERE seq = 2) WHERE seq = 1",
                   "UPDATE submission SET act = 2 WHERE seq = 1", "UPDATE submission SET office = 'harbour' WHERE seq = 1"):
        shutil.rmtree(state)
        shutil.copytree(d.state, state)
        db = sqlite3.connect(os.path.join(state, "vault/store"))
        try:
            db.execute(change)
            db.commit()
        except sqlite3.IntegrityError:
            continue
        finally:
            db.close()
        p = replay(d, "2023/0", state, want=None)
        assert p.returncode == 78 and p.stdout == "", (change, p)
        assert "form" in p.stderr or "row" in p.stderr or "submission number" in p.stderr, p.stderr


def statuses(d, year):
    with open(os.path.join(d.public, "release", DATASET, year, "0/release.csv"), encoding="utf-8") as f:
        word = {"": "printed", "suppressed": "hidden", "not_reported": "not-reported"}
        return {"|".join(r[k] for k in ("table", "measure", "office", "sex")): word[r["status"]]
                for r in csv.DictReader(f)}


def test_diff(d, auditor):
    """An office that reports no more: what was hidden and is not reported now, beside what is printed now."""
    forms = [os.path.join(d.folder, office + ".csv") for office in COUNTS]  # others need them as they are
    for form in forms:
        shutil.copy(form, form + ".kept")
    d.open_period("2025")
    for office in COUNTS:
        if office != "south":
            push(d, office, "2025")
    for form in forms:
        os.replace(form + ".kept", form)
    d.close_period("2025")
    d.publish("2025")
    then, now = statuses(d, "2023"), statuses(d, "2025")
    want = {(c, now[c]) for c in then if then[c] != now[c] and (then[c] == "hidden" or (then[c], now[c]) == ("printed", "hidden"))}
    said = auditor.run("audit", "diff", "2023", "2025", "--csv").stdout
    assert {(r["cell"], r["now"]) for r in csv.DictReader(io.StringIO(said))} == want, (said, want)
    assert ("clients|clients|south|F", "not-reported") in want, want
    lines = [json.loads(x) for x in auditor.run("audit", "diff", "2023", "2025", "--json").stdout.splitlines()]
    assert {(x["cell"], x["now"]) for x in lines} == want
    text = auditor.run("audit", "diff", "2023", "2025").stdout
    assert "clients|clients|south|F: hidden then, not reported now\n" in text and len(text.splitlines()) == len(want)


def main():
    with Deployment(config=CONFIG, offices=list(COUNTS)) as d:
        auditor = d.reader("revisor", "auditor")
        release(d, "2023")
        test_numbers(d, auditor, CONFIG)
        test_symbols(d, auditor, CONFIG)
        test_log(d, auditor)
        test_diff(d, auditor)
        test_replay(d, auditor)
    with Deployment(config=OPEN_TO_OFFICES, offices=list(COUNTS)) as d:
        auditor = d.reader("revisor", "auditor")
        release(d, "2023")
        table = os.path.join(d.folder, "table")
        d.ctl("release", "table", "2023", "--output", table)
        released = publication(auditor, OPEN_TO_OFFICES)
        want = {("office:" + o, k) for o in COUNTS for k, (lo, hi) in intervals(released, FORMS, (o,)).items()
                if k[1] != o and lo == hi < 5}  # none, under some keys
        answer = attack(auditor, "--figures", table, "--coalition", "1", want=1 if want else 0)
        found = {(c["attacker"], c["cell"]) for c in answer["cells"] if c["finding"] == "disclosed"}
        assert len(found) == len(want), (found, want)
    print("ok")


if __name__ == "__main__":
    main()
