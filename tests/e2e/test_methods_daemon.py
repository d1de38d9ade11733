#!/usr/bin/python3
"""Rounding and noise through the daemons: the files say so, command and daemon give the same bytes, a stranger can
check, and a period is released once."""
import csv
import filecmp
import json
import os

from harness import BIN, CITY_FORMS, Deployment, preset, run

CELLVEIL = os.path.join(BIN, "cellveil")
METHODS = {
    "rounding": ("  method: rounding\n  base: 5\n", 4),
    "noise": ("  method: noise\n  noise_max: 4\n  noise_variance: 1.5\n", 4),
}


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def files_say_so(release, how):
    """CSV, JSON-stat and result.csv mark every figure."""
    rows = rows_of(os.path.join(release, "release.csv"))
    moved = [r for r in rows if r["status"] == "perturbed"]
    assert moved and not any(r["status"] == "suppressed" for r in rows), how
    if how == "rounding":
        assert all(int(r["value"]) % 5 == 0 for r in moved)
    marks = {r["status"] for r in rows_of(os.path.join(release, "result.csv"))}
    assert "R" in marks and not marks & {"P", "H"}, marks
    with open(os.path.join(release, "release.json"), encoding="utf-8") as f:
        cube = json.load(f)
    tilde = [int(k) for k, v in cube["status"].items() if v == "~"]
    assert tilde and all(cube["value"][i] is not None for i in tilde)
    assert "~" in cube["extension"]["status"]["label"] and "~" in cube["note"][0], cube["note"]


def same_bytes(d, folder):
    out = os.path.join(d.folder, "again")
    run([CELLVEIL, "protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "--key",
         os.path.join(d.home, "keys", "choice"), "--period", "2023", "-o", out])
    for name in ("RESULT.csv", "certificate.cvc"):
        same = filecmp.cmp(os.path.join(folder, name), os.path.join(out, name), shallow=False)
        assert same, name + " differs"


def near_the_truth(folder, reach):
    """Against the counts themselves: every figure is near. Chance may leave the few inner ones as they were."""
    truth, shown = {}, rows_of(os.path.join(folder, "RESULT.csv"))
    names = [n for n in shown[0] if n not in ("freq", "status")]
    for row in rows_of(os.path.join(folder, "cells.csv")):
        truth[tuple(row[n] for n in names)] = int(row["freq"] or 0)
    errors = [int(r["freq"]) - truth[tuple(r[n] for n in names)] for r in shown
              if r["status"] == "R" and tuple(r[n] for n in names) in truth]
    assert errors and max(map(abs, errors)) <= reach, errors


def attacked(folder):
    run([CELLVEIL, "attack", folder, os.path.join(folder, "RESULT.csv"), "--all-offices", "--policy",
         os.path.join(folder, "policy.yaml"), "--level", "L3", "-o", os.path.join(folder, "..", "intervals.csv")],
        timeout=240)


def released_once(d):
    """A late form makes a revision of no period whose figures were moved, nor of one that changes its method."""
    code, form = sorted(CITY_FORMS.items())[0]
    d.office(code).push(form, "--period", "2023", "--blanks", "not-reported")
    again = d.ctl("release", "publish", "2023", "--dry-run", want=None)
    assert "released once" in again.stdout + again.stderr or again.returncode != 0, again.stdout


def one(how):
    lines, reach = METHODS[how]
    with Deployment(config=preset("2023", changes=[("(?m)^policy:.*\n", "policy:\n" + lines)]),
                    offices=list(CITY_FORMS)) as d:
        d.open_period("2023")
        for code, form in CITY_FORMS.items():
            d.office(code).push(form, "--period", "2023", "--blanks", "not-reported")
        d.close_period("2023")
        d.publish("2023")
        folder = os.path.join(d.folder, "table")
        d.ctl("release", "table", "2023", "--output", folder)
        same_bytes(d, folder)
        near_the_truth(folder, reach)
        if how == "rounding":  # noise: the same code, and slower
            attacked(folder)
        reader = d.reader()
        release = os.path.join(d.folder, "release")
        reader.run("get", "2023", "-o", release)
        files_say_so(release, how)
        assert "certificate holds" in reader.run("verify", release).stdout
        run([CELLVEIL, "verify-certificate", release])
        run([CELLVEIL, "attack", release, "-o", os.path.join(d.folder, "public.csv")])
        released_once(d)


def main():
    for how in METHODS:
        one(how)
    print("ok")


if __name__ == "__main__":
    main()
