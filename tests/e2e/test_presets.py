"""Every form definition in policy/presets, whatever year is added: its empty form as CSV, XLSX and ODS is the form it
reads, and each filled-in one in tests/data/forms gives the figures that stand in tests/data/seeds.

A new year is policy/presets/ID-YEAR.yaml and, better, tests/data/forms/ID-YEAR-NAME.csv (.txt, .xlsx, .ods) with
tests/data/seeds/NAME-YEAR.csv beside it: no code, here or anywhere."""
import csv
import glob
import json
import os
import re
import shutil
import tempfile

import yaml

from harness import BIN, SOURCE, data, run

OPEN = {"blank", "blank-total", "blank-under-total", "incomplete-breakdown", "period-missing"}  # what an empty form lacks


def ask(command, preset, year, path):
    p = run([os.path.join(BIN, "cellveil"), command, "--config", preset, "--json", "--year", year, "--blanks", "not-reported",
             path], want={0, 3, 4})
    return json.loads(p.stdout)


def test_template(folder, preset, year):
    for extension in ("csv", "xlsx", "ods"):
        path = os.path.join(folder, "form." + extension)
        run([os.path.join(BIN, "cellveil"), "template", "--config", preset, "--year", year, "-o", path])
        found = {f["code"] for f in ask("check", preset, year, path)["findings"]}
        assert found <= OPEN, (preset, extension, found - OPEN)


def figures_of_seed(preset, path):
    """Cell by cell as the tidy file says, read by nothing of ours: blanks are left out."""
    with open(preset, encoding="utf-8") as f:
        measures = {m["id"]: m for m in yaml.safe_load(f.read().replace("@", ""))["measures"]}
    found = {}
    with open(path, encoding="utf-8") as f:
        for row in csv.DictReader(f):
            if row["value"] != "" and row["measure"] in measures:
                cell = "|".join([row["measure"]] + [row[d] for d in measures[row["measure"]].get("dims", [])])
                found[cell] = float(row["value"])
    return found


def test_filled(preset, year, form, seed):
    findings = ask("check", preset, year, form)["findings"]
    want, got = figures_of_seed(preset, seed), {}
    if any(f["severity"] == "error" for f in findings):
        return False  # what it says is in other tests; figures are shown of sound forms only
    for figure in ask("preview", preset, year, form)["figures"]:
        if figure["value"] is not None:
            got[figure["cell"]] = float(figure["value"])
    assert got == {c: v for c, v in want.items() if c in got} and len(got) > 30, (form, got, want)
    assert not set(want) - set(got), (form, set(want) - set(got))
    return True


def main():
    folder, n_forms, n_figures = tempfile.mkdtemp(prefix="cv-"), 0, 0
    try:
        presets = sorted(glob.glob(os.path.join(SOURCE, "policy/presets/*.yaml")))
        assert len(presets) >= 4, presets
        for preset in presets:
            stem, year = re.fullmatch(r"(.*-(\d{4}))\.yaml", os.path.basename(preset)).groups()
            test_template(folder, preset, year)
            for form in sorted(glob.glob(data("forms", stem + "-*.*"))):
                name = os.path.splitext(os.path.basename(form))[0][len(stem) + 1:]
                seed = data("seeds", "%s-%s.csv" % (name, year))
                n_forms += 1
                n_figures += test_filled(preset, year, form, seed)
        assert n_forms >= 10 and n_figures >= 3, (n_forms, n_figures)
        print("ok: %d definitions, %d forms, %d sound" % (len(presets), n_forms, n_figures))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
