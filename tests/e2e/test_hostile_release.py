#!/usr/bin/python3
"""Random forms of all offices: every file of the release says the same, and only what is true and large enough.

The truth is added up here, from the forms as they were written, by code that shares nothing with the daemons.
"""
import csv
import json
import os
import random

import pyclient as cv
from harness import DATASET, PATIENCE, Deployment, data, random_seed, run

LEAVES = ["efh", "spanga-tensta", "rinkeby-kista", "hasselby-vallingby-bromma", "innerstaden", "soderort"]
AGES = ["Y18-29", "Y30-49", "Y50-64", "Y_GE65"]
AREAS = {"_T": LEAVES, "jarva": ["spanga-tensta", "rinkeby-kista"], **{o: [o] for o in LEAVES}}
THRESHOLD = 5
MARK = 76543217  # a grant that no other number of the deployment contains


def figures(rng):
    """A form's person counts as {(measure, sex, age, reason): value}, consistent by the form's own rules."""
    found = {}
    most = rng.choice([2, 6, 40, 400])
    for sex in "FM":
        stock = {age: rng.randint(0, most) for age in AGES}
        for measure in ("clients", "clients_new", "clients_ended"):
            part = stock if measure == "clients" else {age: rng.randint(0, stock[age]) for age in AGES}
            found.update({(measure, sex, age, "_Z"): n for age, n in part.items()})
            found[measure, sex, "_T", "_Z"] = sum(part.values())
        found["clients_children_home", sex, "_T", "_Z"] = rng.randint(0, sum(stock.values()))
        for reason in REASONS:
            found["contact_reasons", sex, "_T", reason] = rng.randint(0, found["clients_new", sex, "_T", "_Z"])
    return found


def read_rows(path):
    with open(path, encoding="utf-8", newline="") as f:
        return list(csv.reader(f))


SEED = read_rows(data("seeds/exempel-2024.csv"))
REASONS = sorted({row[5] for row in SEED if row[2] == "contact_reasons"})


def write_form(path, office, found):
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(SEED[0])
        for row in SEED[1:]:
            value = found.get(tuple(row[2:6]), row[6])
            if row[2] in ("grant_awarded_sek", "grant_used_sek"):
                value = MARK
            out.writerow([office, *row[1:6], value])


def truth(forms, measure, codes):
    """The sum that a published cell stands for. Each reason and both sexes were asked, no totals but of ages."""
    sexes = "FM" if codes["sex"] == "_T" else codes["sex"]
    return sum(forms[office][measure, sex, codes["age"] if measure.startswith("clients") and
               measure != "clients_children_home" else "_T", codes["reason"]]
               for office in AREAS[codes["office"]] for sex in sexes)


def bytes_below(folder):
    """Files, but not those that the vault replaces while we look."""
    found = {}
    for root, _, files in os.walk(folder):
        for name in files:
            try:
                with open(os.path.join(root, name), "rb") as f:
                    found[os.path.join(root, name)] = f.read()
            except FileNotFoundError:
                pass
    return found


def names_below(folder):
    """What a release or a notice would add to; the log and the feed's beat go their own ways."""
    return {p for p in bytes_below(folder) if "/log/" not in p and "/.tmp-" not in p and not p.endswith("/beat")}


def no_figures(files):
    for path, content in files.items():
        for mark in (b"%d" % MARK, MARK.to_bytes(4, "big"), MARK.to_bytes(4, "little")):
            assert mark not in content, "a figure stands in " + path


SPAN_MAX = 1 << 30  # larger ones are a sanitizer's shadow: addresses, not memory


def gate_memory(d):
    """What the gate holds, as root or as its user would see it in a core dump; empty where that is not allowed."""
    found = {}
    try:
        with open("/proc/%d/maps" % d.gate.process.pid, encoding="ascii") as maps, \
                open("/proc/%d/mem" % d.gate.process.pid, "rb", 0) as memory:
            for line in maps:
                span, rights = line.split()[:2]
                start, end = (int(n, 16) for n in span.split("-"))
                if "w" in rights and "r" in rights and end - start < SPAN_MAX:
                    memory.seek(start)
                    found["the gate's memory at " + span] = memory.read(end - start)
    except OSError:
        return {}
    return found


def check_tools(folder, public):
    """What anybody has: b2sum and minisign."""
    with open(os.path.join(folder, "manifest.txt"), encoding="utf-8") as f, \
            open(os.path.join(folder, "..", "sums"), "w", encoding="utf-8") as sums:
        sums.writelines(line for line in f if line.startswith("BLAKE2b-256 ("))
    run(["b2sum", "--strict", "-c", "../sums"], cwd=folder)
    run(["minisign", "-Vm", "manifest.txt", "-p", public], cwd=folder)
    with open(os.path.join(folder, "manifest.txt"), "ab") as f:
        f.write(b"\n")
    assert run(["minisign", "-Vm", "manifest.txt", "-p", public], cwd=folder, want=None).returncode != 0


def check_jsonstat(folder, name, cells):
    """Each cell of the tidy table stands in the cube, with the same value or the same silence."""
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        cube = json.load(f)
    place = {dim: cube["dimension"][dim]["category"]["index"] for dim in cube["id"]}
    for (measure, codes), (value, status) in cells.items():
        at = 0
        for dim, size in zip(cube["id"], cube["size"]):
            code = measure if dim == "measure" else next(iter(place[dim])) if dim == "period" else codes[dim]
            at = at * size + place[dim][code]
        got = cube["value"][at]
        assert got == (None if status else int(value)), (name, measure, codes)
        assert bool(status) == (str(at) in cube["status"]), (name, measure, codes)


class Codes(dict):
    def __hash__(self):
        return hash(tuple(sorted(self.items())))


def check_release(folder, forms, reader_files, manifest):
    rows = read_rows(os.path.join(folder, "release.csv"))
    head, by_table, shown = rows[0], {}, 0
    for row in rows[1:]:
        line = dict(zip(head, row))
        codes = Codes((k, line[k]) for k in ("sex", "age", "reason", "office"))
        by_table.setdefault(line["table"], {})[line["measure"], codes] = line["value"], line["status"]
        if line["status"]:
            assert line["value"] == "", line
            continue
        shown += 1
        n = truth(forms, line["measure"], codes)
        assert int(line["value"]) == n, line
        assert n >= THRESHOLD, line  # zeros are sensitive in this policy
    assert shown > 0
    packed = cv.tables(reader_files["release.msgpack"], manifest)
    assert sum(len(cells) for _, cells in packed.values()) == len(rows) - 1
    for table, cells in by_table.items():
        wire = [value if state == cv.PUBLISHED else None for state, value in packed[table][1].values()]
        assert wire == [None if status else int(value) for value, status in cells.values()], table
        check_jsonstat(folder, "release.json" if table == "clients" else "release-%s.json" %
                       table.replace("_", "-"), cells)


def main():
    seed = random_seed(1)
    print("seed", seed, flush=True)
    rng = random.Random(seed)
    with Deployment(offices=LEAVES) as d:
        d.open_period("2024")
        forms = {office: figures(rng) for office in LEAVES}
        for office, form in forms.items():
            path = os.path.join(d.folder, office + ".csv")
            write_form(path, office, form)
            d.office(office).push(path, "--period", "2024")
        no_figures({**bytes_below(d.public), **gate_memory(d)})
        before = names_below(d.public)
        d.close_period("2024")
        assert names_below(d.public) == before, "something left before publication"
        d.publish("2024", timeout=PATIENCE)
        no_figures({**bytes_below(d.public), **gate_memory(d)})
        for daemon in (d.vault, d.gate):
            journal = daemon.tail()
            assert not any(office in journal for office in LEAVES) and str(MARK) not in journal, journal
        folder = os.path.join(d.folder, "release")
        d.reader().run("get", "2024", "--output", folder)
        client = cv.Client.init(os.path.join(d.folder, "py"), "researcher", "second")
        answer = d.ctl("office", "add", client.identity(), "--dataset", DATASET).stdout
        client.join(next(line for line in answer.splitlines() if line.startswith("cellveil-join ")))
        follower = client.follow(DATASET)
        kind, manifest, files = follower.next(PATIENCE)
        assert kind == "release"
        for name, content in files.items():
            with open(os.path.join(folder, name), "rb") as f:
                assert f.read() == content, name
        check_release(folder, forms, files, manifest)
        check_tools(folder, os.path.join(d.home, "release.pub"))
        follower.close()
        client.close()


if __name__ == "__main__":
    main()
