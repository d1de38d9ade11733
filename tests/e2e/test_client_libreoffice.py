"""Forms saved again by LibreOffice read the same: as XLSX, ODS and CSV in four encodings, from every form we have and
from our own templates, where Swedish and where American is spoken.

Read the same: each figure of a form that can be sent, and otherwise each finding, on the same line under the same
heading. Findings in workbooks name the cell."""
import glob
import json
import os
import shutil
import tempfile

from harness import BIN, data, preset, run

FORMS = sorted(glob.glob(data("forms", "*.*s*")) + glob.glob(data("forms", "fel", "*.csv")))
SKIP = ("expected.csv", "fel-18-tom-fil.csv", "fel-16-dubbelkodad.csv",  # LibreOffice mends or cannot open these
        "fel-20-for-stort.csv", "ok-19-smalt-hart-blanksteg.csv")        # and these become other numbers or texts
# as, filter, what the file is called: a text, in which a spreadsheet program leaves whole rows as they are
SAVED = [("ods", "ods:calc8", "ods"), ("xlsx", "xlsx:Calc MS Excel 2007 XML", "xlsx"),
         ("csv-utf8", "csv:Text - txt - csv (StarCalc):59,34,76,1,,1053,false,true", "csv"),
         ("csv-1252", "csv:Text - txt - csv (StarCalc):44,34,1,1,,1053,false,true", "csv"),
         ("csv-utf16", "csv:Text - txt - csv (StarCalc):9,34,65535,1,,1053,false,true", "csv"),
         ("csv-quoted", "csv:Text - txt - csv (StarCalc):59,34,76,1,,1053,true,true", "csv")]
SWEDISH, AMERICAN = "1053", "1033"
LOCALE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><item oor:path="/org.openoffice.Setup/L10N">
<prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>sv-SE</value></prop></item></oor:items>"""


def encoding(path):
    with open(path, "rb") as f:
        head = f.read(4)
    if head[:2] == b"\xff\xfe":
        return "65535"
    with open(path, "rb") as f:
        try:
            f.read().decode("utf-8")
        except UnicodeDecodeError:
            return "1"
    return "76"


def separator(path):
    with open(path, "rb") as f:
        text = f.read().replace(b"\0", b"")
    return max((b";", b"\t", b","), key=lambda c: sum(c in line for line in text.splitlines()))[0]


def start_profile(folder):
    """A LibreOffice of its own, in which Swedish is spoken and paid in kronor."""
    os.makedirs(os.path.join(folder, "profile", "user"))
    with open(os.path.join(folder, "profile", "user", "registrymodifications.xcu"), "w", encoding="utf-8") as f:
        f.write(LOCALE)


def saved_again(folder, sources, target, language=SWEDISH):
    """Opens and saves: one run for each way of opening."""
    groups = {}
    for path in sources:
        how = ""
        if path.endswith((".csv", ".txt")):
            how = "CSV:%d,34,%s,1,,%s" % (separator(path), encoding(path), language)
        groups.setdefault(how, []).append(path)
    for how, paths in groups.items():
        run(["soffice", "-env:UserInstallation=file://" + os.path.join(folder, "profile"), "--headless"] +
            (["--infilter=" + how] if how else []) +
            ["--convert-to", target[1], "--outdir", os.path.join(folder, target[0])] + paths, timeout=600)


def year(path):
    for y in ("2020", "2022", "2023"):
        if y in path:
            return y
    return "2024"


def told(folder, path):
    """What the reader makes of a form: findings, and figures if there are no errors."""
    config = os.path.join(folder, year(os.path.basename(path)) + ".yaml")
    p = run([os.path.join(BIN, "cellveil"), "check", "--config", config, "--json", "--period", year(path),
             "--blanks", "not-reported", path], want=None)
    findings = json.loads(p.stdout)["findings"]
    p = run([os.path.join(BIN, "cellveil"), "preview", "--config", config, "--json", "--period", year(path),
             "--blanks", "not-reported", path], want=None)
    figures = {} if not p.stdout.startswith("{") else {f["cell"]: f["value"] for f in json.loads(p.stdout).get("figures", [])}
    return findings, figures


def key(finding):
    return finding["line"], finding["column"], finding["code"], finding["severity"], finding["field"]


# A spreadsheet program makes a number of a text that looks like one, so these are no longer told.
MENDED = {"decimal-point", "written-with-decimals"}


def compare(folder, source, saved):
    before, figures = told(folder, source)
    after, again = told(folder, saved)
    want = sorted(key(f) for f in before if f["code"] not in MENDED)
    got = sorted(key(f) for f in after if f["code"] not in MENDED)
    assert want == got, "%s: %s\nnot: %s" % (saved, sorted(set(got) - set(want)), sorted(set(want) - set(got)))
    assert figures == again, (saved, {c: (v, again.get(c)) for c, v in figures.items() if again.get(c) != v})
    for finding in after:
        if saved.endswith((".xlsx", ".ods")) and finding["line"] > 0:
            assert finding["cell"] and all(c.endswith(str(finding["line"])) for c in finding["cell"].split(", ")), finding
        elif not saved.endswith((".xlsx", ".ods")):
            assert finding["cell"] == "", finding
    return len(figures)


def main():
    assert shutil.which("soffice"), "libreoffice-calc-nogui is not installed"
    folder = tempfile.mkdtemp(prefix="cv-")
    try:
        for y in ("2020", "2022", "2023", "2024"):
            with open(os.path.join(folder, y + ".yaml"), "w", encoding="utf-8") as f:
                f.write(preset(y))
        os.mkdir(os.path.join(folder, "forms"))
        sources = []
        for path in FORMS:
            stem, extension = os.path.splitext(os.path.basename(path))
            if stem + extension not in SKIP:  # LibreOffice names what it writes by the stem
                sources.append(os.path.join(folder, "forms", "%s-%s%s" % (stem, extension[1:], extension)))
                shutil.copy(path, sources[-1])
        for extension in ("csv", "xlsx", "ods"):
            path = os.path.join(folder, "forms", "template-2024-%s.%s" % (extension, extension))
            run([os.path.join(BIN, "cellveil"), "template", "--config", os.path.join(folder, "2024.yaml"), "--year", "2024",
                 "-o", path])
            sources.append(path)
        start_profile(folder)
        n = n_figures = 0

        def judge(target, kept):
            nonlocal n, n_figures
            for source in kept:
                stem = os.path.splitext(os.path.basename(source))[0]
                n += 1
                n_figures += compare(folder, source, os.path.join(folder, target[0], stem + "." + target[2])) > 0
        saved_again(folder, sources, SAVED[0])
        judge(SAVED[0], sources)
        again = [os.path.join(folder, "ods", os.path.splitext(os.path.basename(s))[0] + ".ods") for s in sources]
        for target in SAVED[1:]:
            kept = [k for k, s in enumerate(sources) if "/fel-" not in s or target[2] != "csv"]
            saved_again(folder, [again[k] for k in kept], target)
            judge(target, [sources[k] for k in kept])
        american = ("american",) + SAVED[1][1:]
        some = [s for s in sources if s.endswith(("exempel-csv.csv", "2023-efh-csv.csv"))]
        saved_again(folder, some, american, AMERICAN)
        judge(american, some)
        print("%d files, %d with figures" % (n, n_figures))
        assert n > 80 and n_figures > 40
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("ok")


if __name__ == "__main__":
    main()
