#!/usr/bin/python3
"""Releases of one period whose lists are not the same: offices that come late, leave, merge, split or move to another area,
codes that are new or go, a second geography, offices by a column. Each is protected together with what left before, and
judged by `attack --ledger`, by `verify-certificate --ledger` with the auditors' part, and by a union written apart
(folderunion.py). What cannot be put together is refused, and the words say which file, which code, and what to do.

test_code_lists.py [SEED]
"""
import itertools
import json
import os
import random
import subprocess
import tempfile

import yaml

from folderunion import FolderUnion, Release
from harness import BIN, random_seed

POLICY = "threshold: 5\nwidth: 2\nzeros: %s\neffort: 5\n"
OFFICES, KINDS = list("abcdef"), ["x", "y", "z"]


SHOWN = {"differences": 0, "open": 0}  # what public tables show of differences between releases


def lines(tree, level=1):
    """["_T", ["a", ["ab", ["c"]]]]: a code, then its children as lists; a code twice: another grouping of it."""
    out = []
    for entry in tree:
        code, children = entry if isinstance(entry, tuple) else (entry, [])
        out += ["%s,%s" % ("@" * level, code)] + lines(children, level + 1)
    return out


def flat(codes):
    return [("_T", list(codes))]


class Folder:
    """What one release is made of."""

    def __init__(self, offices, kinds, figures, tables=None, gone=None, column=False):
        self.offices, self.kinds, self.figures, self.tables = offices, kinds, figures, tables
        self.gone = gone or {}  # {(office or *, kind or *): status}
        self.column = column

    def put(self, folder):
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(folder):
            os.remove(os.path.join(folder, name))
        files = {"hier_kind.csv": ["level,code"] + lines(self.kinds)}
        if not self.column:
            files["hier_office.csv"] = ["level,code"] + lines(self.offices)
        if self.tables:
            files["tables.csv"] = ["table,dim,codes"] + ["all,%s,%s" % t for t in self.tables.items()]
        files["cells.csv"] = ["office,kind,freq,status"]
        for (office, kind), n in sorted(self.figures.items()):
            status = next((s for (o, k), s in self.gone.items() if o in ("*", office) and k in ("*", kind)), "")
            files["cells.csv"].append("%s,%s,%s,%s" % (office, kind, "" if status else n, status))
        for name, text in files.items():
            with open(os.path.join(folder, name), "w", encoding="ascii") as f:
                f.write("\n".join(text) + "\n")
        return folder


def came_back(attack, releases):
    """All that was found is what docs/disclosure.md allows of corrections ("Limits"): an earlier release hid it beside others,
    no rule names it, for readers or for an office, and it follows for everybody from all that is printed by now."""
    def may(cell, value, attacker):
        release, *codes = cell.split("|")
        if not release.isdigit() or attacker != "public":
            return False
        of, codes = releases[int(release)], tuple(codes)
        return (any(r.judge.mark.get(codes) == "H" for r in releases[:-1]) and of.judge.mark.get(codes) == "H" and
                of.table.value[codes] == int(value) >= of.judge.k and
                not any(list(s.terms) == [codes] for s in of.judge.subjects()))
    found = [line.split(",") for line in attack.stdout.splitlines()[1:]]
    back = [f for f in found if f[3] == "1" and f[4] != "late" and may(f[0], f[1], f[5])]
    return attack.returncode == 1 and ", %d disclosures\n" % len(back) in attack.stderr


class Place:
    def __init__(self, folder, zeros):
        self.folder, self.n, self.releases = folder, 0, []
        self.policy = yaml.safe_load(POLICY % zeros)
        for name, text in (("policy.yaml", POLICY % zeros), ("key", "5" * 64 + "\n")):
            with open(self.path(name), "w", encoding="ascii") as f:
                f.write(text)
        os.chmod(self.path("key"), 0o600)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run(self, *words):
        return subprocess.run([os.path.join(BIN, "cellveil"), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=120, check=False)

    def attack(self):
        """The newest release, with those of the ledger."""
        made = self.releases[-1].table.folder
        return self.run("attack", made, made.replace("table", "out") + "/RESULT.csv", "--ledger", self.path("ledger"), "--period",
                        "2024", "--policy", self.path("policy.yaml"), "--level", "L3", "--all-offices")

    def alone(self, table):
        """A release by somebody who does not look at what left before."""
        made, out = table.put(self.path("table%d" % self.n)), self.path("out%d" % self.n)
        p = self.run("protect", made, "--policy", self.path("policy.yaml"), "--key", self.path("key"), "-o", out)
        assert p.returncode == 0, p.stderr
        self.releases.append(Release(made, out, self.policy))
        self.n += 1

    def release(self, table):
        """What was said of a refusal; a release is judged."""
        made, out = table.put(self.path("table%d" % self.n)), self.path("out%d" % self.n)
        policy, ledger = self.path("policy.yaml"), self.path("ledger")
        p = self.run("protect", made, "--policy", policy, "--key", self.path("key"), "--ledger", ledger, "--period", "2024",
                     "--revision", str(self.n), "-o", out)
        assert p.returncode in (0, 4), (p.returncode, p.stderr)
        if p.returncode == 4:
            assert not os.path.exists(out), "refused, yet something was written"
            return p.stderr
        self.releases.append(Release(made, out, self.policy))
        result, cert = os.path.join(out, "RESULT.csv"), os.path.join(out, "certificate.cvc")
        q = self.attack()
        assert q.returncode == 0 or came_back(q, self.releases), (q.returncode, q.stdout, q.stderr)
        for more in (("--json",), ("--json", "--auditor", os.path.join(out, "certificate.auditor.cvc"), "--truth",
                                   os.path.join(made, "cells.csv"), "--policy", policy)):
            q = self.run("verify-certificate", made, result, cert, "--ledger", ledger, *more)
            assert q.returncode == 0, (more, q.returncode, q.stdout, q.stderr)
        report = json.loads(q.stdout)
        SHOWN["differences"] += report["differences"]
        SHOWN["open"] += report["differences_open"]
        self.n += 1
        return ""


def figures(rng, offices=OFFICES, kinds=KINDS):
    return {(o, k): rng.choice((1, 2, 3, 4)) if rng.random() < 0.15 else rng.randint(6, 40) for o in offices for k in kinds}


def corrected(rng, before, offices=OFFICES):
    """Some send other figures, three at least."""
    out = dict(before)
    for office in rng.sample([o for o in offices if any(o == c for c, _ in before)], rng.randint(3, 5)):
        for cell in before:
            if cell[0] == office:
                out[cell] = before[cell] + rng.choice((0, 1, 2, 9, 30))
    return out


COUNTIES = [("_T", [("A", ["a", "b", "c"]), ("B", ["d", "e", "f"])])]


def second_geography(rng):
    """Printed by county first, by size afterwards: both are in the list, so both are judged together."""
    first = figures(rng)
    yield Folder(COUNTIES, flat(KINDS), first)
    yield Folder(COUNTIES + [("_T", [("big", ["a", "d", "e"]), ("small", ["b", "c", "f"])])], flat(KINDS),
                 corrected(rng, first), {"office": "_T|big|small", "kind": "*"})


def areas_then_offices(rng):
    """Counties are printed first, then offices, of which one in A sent other figures: a few of its own before. The two others
    hold all else there, so each could take its own figures and the other's, if printed, off the county."""
    first = figures(rng)
    first["a", "x"] = rng.choice((1, 2, 3, 4))
    yield Folder(COUNTIES, flat(KINDS), first, {"office": "_T|A|B", "kind": "*"})
    second = {(o, k): n + rng.randint(9, 20) if o in "ade" else n for (o, k), n in first.items()}
    yield Folder(COUNTIES, flat(KINDS), second, {"office": "_T|" + "|".join(OFFICES), "kind": "*"})


def moved(rng):
    """Office c moves from county A to B: the new counties have names of their own, the old ones stay in the list."""
    first = figures(rng)
    yield Folder(COUNTIES, flat(KINDS), first)
    yield Folder(COUNTIES + [("_T", [("A2", ["a", "b"]), ("B2", ["c", "d", "e", "f"])])], flat(KINDS), corrected(rng, first),
                 {"office": "_T|A2|B2|a|b|c|d|e|f", "kind": "*"})


def reordered(rng):
    first = figures(rng)
    yield Folder(flat(OFFICES), flat(KINDS), first)
    yield Folder(flat(OFFICES[::-1]), flat(KINDS[::-1]), corrected(rng, first))


def late_office(rng):
    first = figures(rng)
    yield Folder(flat(OFFICES), flat(KINDS), first)
    second = {**corrected(rng, first), **figures(rng, ["g"])}
    yield Folder(flat(OFFICES + ["g"]), flat(KINDS), second)
    third = corrected(rng, second, OFFICES + ["g"])
    third.update(figures(rng, ["h"]))
    yield Folder([("_T", [("A", ["h", "a", "b", "c"]), ("B", ["d", "g", "e", "f"])])], flat(KINDS), third)


def gone_office(rng):
    first = figures(rng)
    yield Folder(flat(OFFICES), flat(KINDS), first)
    second = corrected(rng, first)
    yield Folder(flat(OFFICES), flat(KINDS), second, gone={("b", "*"): rng.choice(("structural", "nr"))})


def new_kind(rng):
    first = figures(rng)
    yield Folder(flat(OFFICES), flat(KINDS), first)
    second = corrected(rng, first)
    asked = rng.sample(OFFICES, 4)
    second.update({(o, "w"): rng.randint(1, 30) if o in asked else 0 for o in OFFICES})
    yield Folder(flat(OFFICES), flat(KINDS + ["w"]), second, gone={(o, "w"): "na" for o in OFFICES if o not in asked})


def only_new(rng):
    """Nobody sends again what it sent before: all that is new is at new codes, which some have nobody at."""
    first = figures(rng)
    yield Folder(flat(OFFICES), flat(KINDS), first)
    second = {**first, **{(o, "w"): rng.choice((0, 1, 3, 8, 30)) for o in OFFICES}}
    yield Folder(flat(OFFICES), flat(KINDS + ["w"]), second)


def split_kind(rng):
    """x is asked as x1 and x2 from now on: all three under a new code."""
    first = figures(rng)
    yield Folder(flat(OFFICES), flat(KINDS), first)
    second = corrected(rng, first)
    for o in OFFICES:
        n = second[o, "x"]
        second[o, "x1"] = rng.randint(0, n)
        second[o, "x2"] = n - second[o, "x1"]
    yield Folder(flat(OFFICES), [("_T", [("x.all", ["x", "x1", "x2"]), "y", "z"])], second,
                 {"office": "*", "kind": "_T|x.all|x1|x2|y|z"}, {("*", "x"): "na"})


def merged(rng):
    """a and b are one office from now on, which sends for both: a code beside them, under one above all three."""
    first = figures(rng)
    yield Folder(flat(OFFICES), flat(KINDS), first)
    second = corrected(rng, first)
    second.update({("ab", k): second["a", k] + second["b", k] for k in KINDS})
    yield Folder([("_T", [("ab.all", ["a", "b", "ab"])] + OFFICES[2:])], flat(KINDS), second,
                 {"office": "_T|ab.all|c|d|e|f", "kind": "*"}, {("a", "*"): "structural", ("b", "*"): "structural"})


def by_column(rng):
    first = figures(rng)
    yield Folder(None, flat(KINDS), first, column=True)
    second = {**corrected(rng, first), **figures(rng, ["ag"])}
    yield Folder(None, flat(KINDS), second, column=True)


def years(rng):
    """Two years side by side, so that a reader can subtract: the year is a dimension, and its list grows."""
    first = {(o, "2023:" + k): n for (o, k), n in figures(rng).items()}
    def kinds(*of):
        return [("_T", [(y, [y + ":" + k for k in KINDS]) for y in of])]
    def shown(*of):
        return {"office": "*", "kind": "|".join(c for y in of for c in [y] + [y + ":" + k for k in KINDS])}
    yield Folder(flat(OFFICES), kinds("2023"), first, shown("2023"))
    second = {**first, **{(o, "2024:" + k): n for (o, k), n in figures(rng).items()}}
    yield Folder(flat(OFFICES), kinds("2023", "2024"), second, shown("2023", "2024"))
    third = {**corrected(rng, second), **{(o, "2025:" + k): n for (o, k), n in figures(rng).items()}}
    yield Folder(flat(OFFICES), kinds("2023", "2024", "2025"), third, shown("2024", "2025"))


def mixed(rng):
    """Whatever comes: groupings, offices and codes that are added, gone or not asked, three releases of them."""
    offices, kinds, groups, gone = list(OFFICES), list(KINDS), [], {}
    told = figures(rng)
    for revision in range(3):
        if revision > 0:
            told = corrected(rng, told, offices)
            if rng.random() < 0.6:
                offices.append("g%d" % revision)
                told.update(figures(rng, offices[-1:], kinds))
            if rng.random() < 0.5:
                kinds.append("w%d" % revision)
                told.update(figures(rng, offices, kinds[-1:]))
                gone.update({(o, kinds[-1]): "na" for o in rng.sample(offices, 2)})
            if rng.random() < 0.5:
                gone[rng.choice(offices), "*"] = rng.choice(("nr", "structural"))
        if rng.random() < 0.6:
            cut, order = rng.randint(2, len(offices) - 2), rng.sample(offices, len(offices))
            groups.append([("N%d" % revision, order[:cut]), ("S%d" % revision, order[cut:])])
        rest = [[(n, c + [o for o in offices if not any(o in x for _, x in g)] if n[0] == "S" else c) for n, c in g] for g in groups]
        areas = [n for g in groups[-1:] for n, _ in g]
        shown = rng.choice(["*", "|".join(["_T"] + offices + areas)] + ["|".join(["_T"] + areas)] * (2 * bool(areas)))
        yield Folder([("_T", g) for g in rest] or flat(offices), [("_T", kinds)], dict(told), {"office": shown, "kind": "*"},
                     dict(gone))


def play(scene, rng):
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        place = Place(folder, rng.choice(("camouflage", "camouflage", "sensitive")))
        for table in scene(rng):
            said = place.release(table)
            if said:
                assert "requirement" in said or "fewer offices" in said or "cannot be protected" in said, said
                break
        union = FolderUnion(place.releases) if len(place.releases) > 1 else None
        if union is not None:
            found = union.attack()
            assert not found, (scene.__name__, found[:5])
        return union


def unlooked(rng):
    """The union finds what releases tell that were made one by one, and so does the attack; nothing excuses it."""
    found = 0
    for scene in (second_geography, moved, late_office, split_kind):
        with tempfile.TemporaryDirectory(prefix="cv-") as folder:
            place = Place(folder, "camouflage")
            first, second = itertools.islice(scene(rng), 2)
            assert not place.release(first)
            place.alone(second)
            told, attack = FolderUnion(place.releases).attack(), place.attack()
            assert not told or attack.returncode == 1 and not came_back(attack, place.releases), (told, attack)
            found += len(told)
    assert found > 0
    return found


def alone_late(rng):
    """An office that comes late, and nobody else: the totals would tell its figures, so it waits for others."""
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        place, first = Place(folder, "camouflage"), figures(rng)
        assert not place.release(Folder(flat(OFFICES), flat(KINDS), first))
        said = place.release(Folder(flat(OFFICES + ["g"]), flat(KINDS), {**first, **figures(rng, ["g"])}))
        assert "fewer offices of _T have changed since revision 0" in said, said


def refused(rng):
    """What the second release has, and what is said of it."""
    first, view = figures(rng), [("_T", KINDS)]
    asked = {**first, **{(o, k): 5 for o in OFFICES for k in ("x:yes", "x:no")}}
    viewed = ["level,code,view", "@,_T,", "@@,x,1", "@@@,x:yes,", "@@@,x:no,", "@@,y,", "@@,z,"]
    cases = [
        (Folder(COUNTIES, flat(KINDS), first), Folder([("_T", [("A", ["a", "b"]), ("B", ["c", "d", "e", "f"])])], flat(KINDS),
                                                      first), ("(hier_office.csv): code A holds other codes", "another name")),
        (Folder(flat(OFFICES), flat(KINDS), first), Folder(flat(OFFICES[1:]), flat(KINDS), {
            c: n for c, n in first.items() if c[0] != "a"}), ("(hier_office.csv): code a is missing: keep", "tables.csv")),
        (Folder(flat(OFFICES), flat(KINDS), first), Folder(
            flat(OFFICES), [("_T", [("x", ["x1", "x2"]), "y", "z"])], {
                (o, k): first[o, "x" if k[0] == "x" else k] for o in OFFICES for k in ("x1", "x2", "y", "z")}),
         ("(hier_kind.csv): code x was an inner code and has parts now", "under a new code above them all")),
        (Folder(flat(OFFICES), flat(KINDS), first), (viewed, {c: n for c, n in asked.items() if c[1] != "x"}),
         ("(hier_kind.csv): code x is asked other yes/no questions",)),
        (Folder(None, flat(KINDS), first, column=True), Folder(None, flat(KINDS), {
            c: n for c, n in first.items() if c[0] != "a"}, column=True), ("column office of cells.csv: a is missing",)),
    ]
    for before, after, words in cases:
        with tempfile.TemporaryDirectory(prefix="cv-") as folder:
            place = Place(folder, "camouflage")
            assert not place.release(before)
            if isinstance(after, tuple):
                lines_of, counts = after
                after = Folder(flat(OFFICES), view, counts)
                put = after.put

                def with_view(to, put=put, text=lines_of):
                    put(to)
                    with open(os.path.join(to, "hier_kind.csv"), "w", encoding="ascii") as f:
                        f.write("\n".join(text) + "\n")
                    return to
                after.put = with_view
            said = place.release(after)
            assert "revision 0 of the period: " in said and all(w in said for w in words), (words, said)
            assert os.listdir(place.path("ledger")) == ["000001"]
    return len(cases)


def main():
    seed = random_seed(1)
    print("seed", seed, flush=True)
    for scene in (second_geography, areas_then_offices, moved, reordered, late_office, gone_office, new_kind, only_new, split_kind,
                  merged, by_column, years, mixed):
        told = [play(scene, random.Random("%d %s %d" % (seed, scene.__name__, i))) for i in range(3)]
        judged = [u for u in told if u is not None]
        print("ok %s: %d of 3 corrections, %d questions, %d of differences" % (
            scene.__name__, len(judged), sum(u.questions for u in judged), sum(u.differences for u in judged)), flush=True)
    assert SHOWN["differences"] > 50 and SHOWN["open"] >= 0.9 * SHOWN["differences"], SHOWN
    print("ok public tables show %(open)d of %(differences)d differences that are not printed" % SHOWN, flush=True)
    print("ok made one by one: %d disclosures" % unlooked(random.Random(seed)), flush=True)
    alone_late(random.Random(seed))
    print("ok refused: %d" % refused(random.Random(seed)), flush=True)


if __name__ == "__main__":
    main()
