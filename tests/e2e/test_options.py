#!/usr/bin/python3
"""Options of protect, attack, verify-certificate and preview that would do nothing beside others: exit 2, a text that names
them, and nothing written. What goes together stays possible."""
import os
import shutil
import sys

from harness import cellveil, data, run_tests
from test_protect_known import PLAIN, policy, two_way


class Place:
    def __init__(self, folder):
        self.folder = folder
        self.table = self.at("table")
        os.mkdir(self.table)
        two_way(self.table, "ABCD", "xyz", [20, 3, 10, 8, 19, 2, 17, 32, 12, 4, 11, 15])
        policy(folder, **dict(PLAIN, threshold=5))
        self.rules = self.at("policy.yaml")
        with open(self.rules, encoding="utf-8") as f:
            text = f.read()
        self.moved = self.at("moved.yaml")
        with open(self.moved, "w", encoding="utf-8") as f:
            f.write(text.replace("effort: 100\n", "") + "method: noise\n")

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def protect(self, *args, out="out"):
        return cellveil("protect", self.table, "--policy", self.rules, *args, "-o", self.at(out))

    def refused(self, p, *words):
        assert p.returncode == 2 and not p.stdout, (words, p.returncode, p.stdout, p.stderr)
        for word in words:
            assert word in p.stderr, (word, p.stderr)
        assert not os.path.exists(self.at("no")), (words, "written")


def test_protect(folder):
    place = Place(folder)
    jj, ledger = place.at("in.jj"), place.at("ledger")
    p = place.protect("--write-jj", jj)
    assert p.returncode == 0, p.stderr
    for name, *value in (("effort", "3"), ("threads", "2"), ("max-work", "9"), ("write-jj", place.at("x.jj")), ("propose",),
                         ("ledger", ledger), ("period", "2024"), ("revision", "0"), ("truth",)):
        p = cellveil("protect", "--jj", jj, "--" + name, *value, "-o", place.at("no"))
        place.refused(p, "--%s does nothing with --jj" % name)
    place.refused(cellveil("protect", "--jj", jj, "--policy", place.moved, "-o", place.at("no")), "method: noise")
    for name, *value in (("optimal",), ("propose",), ("effort", "3")):
        p = cellveil("protect", place.table, "--policy", place.moved, "--" + name, *value, "-o", place.at("no"))
        place.refused(p, "--%s does nothing with method: noise" % name)
    assert not os.path.exists(ledger)
    place.refused(place.protect("--truth", "--write-jj", place.at("x.jj"), out="no"), "--write-jj does nothing with --truth")


def test_write_jj(folder):
    """The JJ file cannot be written: neither are results, nor does the ledger know of a release."""
    place = Place(folder)
    ledger = place.at("ledger")
    with open(place.at("file"), "w", encoding="ascii") as f:
        f.write("mine\n")
    os.mkdir(place.at("folder"))
    before = sorted(os.listdir(folder)) + ["ledger"]
    for path in (place.at("none", "t.jj"), place.at("folder"), place.at("folder") + "/", place.at("file", "t.jj"), "/dev/full",
                 place.at("no"), ""):
        p = place.protect("--write-jj", path, "--ledger", ledger, "--period", "2024", out="no")
        place.refused(p, "--write-jj")
        assert os.listdir(ledger) == [] and sorted(os.listdir(folder)) == sorted(before), (path, os.listdir(folder))
    p = place.protect("--write-jj", place.at("none", "t.jj"))
    assert p.returncode == 2 and not os.path.exists(place.at("out")), p.stderr
    for path in (place.at("t.jj"), place.at("t.jj"), place.at("out", "t.jj"), place.at("out", "t.jj")):
        p = place.protect("--write-jj", path)
        assert p.returncode == 0 and os.stat(path).st_mode & 0o777 == 0o600, (path, p.stderr)
    with open(place.at("t.jj"), "rb") as one, open(place.at("out", "t.jj"), "rb") as other:
        assert one.read() == other.read()
    p = cellveil("protect", place.table, "--policy", place.moved, "--write-jj", place.at("moved.jj"), "-o", place.at("m"))
    with open(place.at("moved.jj"), "rb") as one, open(place.at("t.jj"), "rb") as other:
        assert p.returncode == 0 and one.read() == other.read(), p.stderr  # the same table, however it is protected
    os.remove(place.at("moved.jj"))
    shutil.rmtree(place.at("m"))
    names = sorted(os.listdir(place.at("out")))
    assert names == ["RESULT.csv", "certificate.auditor.cvc", "certificate.cvc", "explain.csv", "summary.json", "t.jj"], names
    assert sorted(os.listdir(folder)) == sorted(before + ["out", "t.jj"]), os.listdir(folder)
    p = place.protect("--write-jj", place.at("out", "RESULT.csv"))
    assert p.returncode == 2 and sorted(os.listdir(place.at("out"))) == names, p.stderr
    p = place.protect("--write-jj", "/dev/stdout", out="other")
    assert p.returncode == 0 and p.stdout.startswith("0\n20\n"), p.stdout[:20]


def test_level_4(folder):
    """L4 is a promise about what left before: without a ledger nobody could keep it."""
    place = Place(folder)
    place.refused(place.protect("--level", "L4", out="no"), "--level L4", "--ledger", "L3")
    p = place.protect("--level", "L4", "--ledger", place.at("ledger"), "--period", "2024")
    assert p.returncode == 0, p.stderr


def test_revision(folder):
    """A correction of nothing is a mistake of the caller's, not a table that cannot be protected."""
    place = Place(folder)
    ledger = ("--ledger", place.at("ledger"), "--period", "2024")
    place.refused(place.protect(*ledger, "--revision", "1", out="no"), "--revision 1", "2024", "leave --revision out")
    assert os.listdir(place.at("ledger")) == []
    assert place.protect(*ledger).returncode == 0
    place.refused(place.protect(*ledger, out="no"), "000001", "revision 0", "higher --revision")
    place.refused(place.protect(*ledger, "--revision", "1", "--optimal", out="no"), "--optimal does nothing with a correction")
    place.refused(place.protect("--ledger", place.at("ledger"), "--period", "2025", "--revision", "1", out="no"), "2025")
    assert place.protect(*ledger, "--revision", "1").returncode == 0
    assert sorted(os.listdir(place.at("ledger"))) == ["000001", "000002"]


def test_judges(folder):
    place = Place(folder)
    jj = place.at("in.jj")
    assert place.protect("--write-jj", jj).returncode == 0
    assert cellveil("protect", "--jj", jj, "-o", place.at("jj")).returncode == 0
    result, certificate = place.at("out", "RESULT.csv"), place.at("out", "certificate.cvc")
    attacks = [(("--jj", jj, place.at("jj", "RESULT.csv")), name, "--jj") for name in (
        "office A", "all-offices", "coalition 2", "intervals", "policy " + place.rules, "level L2", "replay 2",
        "ledger " + folder, "period 2024")]
    attacks += [((place.table, result, "--replay", "2"), name, "--replay") for name in (
        "office A", "all-offices", "coalition 2", "intervals", "floor 0", "level L2", "period 2024")]
    attacks += [((place.table, result, "--office", "A"), name, "--office") for name in ("all-offices", "coalition 2")]
    for args, name, with_ in attacks:
        place.refused(cellveil("attack", *args, *("--" + name).split(" ")),
                      "--%s does nothing with %s" % (name.split(" ")[0], with_))
    for more, word in ((("--period", "2024"), "--ledger"), (("--level", "L2"), "--policy"),
                       (("--level", "L7", "--policy", place.rules), "L1, L2 or L3"),
                       (("--all-offices", "--coalition", "0"), "--coalition 0")):
        place.refused(cellveil("attack", place.table, result, *more), word)
    judged = ("verify-certificate", "--jj", jj, place.at("jj", "RESULT.csv"), place.at("jj", "certificate.cvc"))
    for name in ("truth " + jj, "ledger " + folder, "manifest " + jj):
        place.refused(cellveil(*judged, *("--" + name).split(" ")), "--%s does nothing with --jj" % name.split(" ")[0])
    for public in (("verify-certificate", place.table, result, certificate), judged):
        place.refused(cellveil(*public, "--policy", place.rules), "--auditor")
    assert cellveil(*judged).returncode == 0
    assert cellveil("verify-certificate", place.table, result, certificate).returncode == 0
    assert cellveil("attack", place.table, result, "--policy", place.rules, "--level", "L2").returncode == 0


def test_preview(folder):
    """--json is a format of its own."""
    place = Place(folder)
    p = cellveil("preview", data("forms/po-redovisning-2024-exempel.csv"), "--json", "--format", "list")
    place.refused(p, "--format does nothing with --json")


if __name__ == "__main__":
    sys.exit(1 if run_tests(globals()) else 0)
