#!/usr/bin/python3
"""The operator's table folder gives the daemon's bytes again; a stranger's release folder checks by itself."""
import filecmp
import os
import stat

from harness import BIN, CITY_FORMS, Deployment, preset, run

CELLVEIL = os.path.join(BIN, "cellveil")


def table_folder(d):
    folder = os.path.join(d.folder, "table")
    foreign = os.path.join(d.folder, "foreign")
    os.mkdir(foreign)
    with open(os.path.join(foreign, "letter.txt"), "w", encoding="utf-8") as f:
        f.write("mine\n")
    d.ctl("release", "table", "2023", "--output", foreign, want=1)
    assert os.listdir(foreign) == ["letter.txt"]
    for _ in range(2):  # also over its own files
        d.ctl("release", "table", "2023", "--output", folder)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert all(stat.S_IMODE(os.stat(os.path.join(folder, n)).st_mode) == 0o600 for n in os.listdir(folder))
    return folder


def same_bytes(d, folder):
    out = os.path.join(d.folder, "again")
    run([CELLVEIL, "protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "--key",
         os.path.join(d.home, "keys", "choice"), "-o", out])
    for name in ("RESULT.csv", "certificate.cvc", "certificate.auditor.cvc"):
        assert filecmp.cmp(os.path.join(folder, name), os.path.join(out, name), shallow=False), name + " differs"


def auditor(folder, want=0):
    """Rules and requirements worked out again from the counts."""
    at = {n: os.path.join(folder, n) for n in os.listdir(folder)}
    run([CELLVEIL, "verify-certificate", folder, at["RESULT.csv"], at["certificate.cvc"], "--auditor",
         at["certificate.auditor.cvc"], "--truth", at["cells.csv"], "--policy", at["policy.yaml"]], want=want)


def stranger(d, folder):
    reader = d.reader()
    release = os.path.join(d.folder, "release")
    reader.run("get", "2023", "-o", release)
    assert "cells.csv" not in os.listdir(release)
    for theirs, ours in (("result.csv", "RESULT.csv"), ("certificate.cvc", "certificate.cvc"),
                         ("grid-hier-measure.csv", "hier_measure.csv"), ("grid-tables.csv", "tables.csv")):
        assert filecmp.cmp(os.path.join(release, theirs), os.path.join(folder, ours), shallow=False), theirs
    assert "certificate holds" in reader.run("verify", release).stdout
    assert '"holds":true' in run([CELLVEIL, "verify-certificate", release, "--json"]).stdout
    run([CELLVEIL, "attack", release, "-o", os.path.join(d.folder, "public.csv")])
    with open(os.path.join(release, "grid-hier-sex.csv"), "a", encoding="utf-8") as f:
        f.write("@@,X\n")
    run([CELLVEIL, "verify-certificate", release], want=1)
    reader.run("verify", release, want=1)


def main():
    with Deployment(config=preset("2023"), offices=list(CITY_FORMS)) as d:
        d.open_period("2023")
        for code, form in CITY_FORMS.items():
            d.office(code).push(form, "--period", "2023", "--blanks", "not-reported")
        d.close_period("2023")
        d.publish("2023")
        folder = table_folder(d)
        same_bytes(d, folder)
        run([CELLVEIL, "verify-certificate", folder])
        auditor(folder)
        run([CELLVEIL, "attack", folder, os.path.join(folder, "RESULT.csv"), "--all-offices", "-o",
             os.path.join(d.folder, "intervals.csv")], timeout=240)
        stranger(d, folder)
    print("ok")


if __name__ == "__main__":
    main()
