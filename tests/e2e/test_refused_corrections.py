#!/usr/bin/python3
"""Corrections for which one or two offices sent other figures, by small tables that print areas or totals only: what goes out is
attacked and verified; what is refused must be a true refusal. For that everything is hidden that may be: if the union of
all releases is safe then (folderunion.py), a pattern exists.

test_refused_corrections.py [SECONDS [SEED]]
"""
import itertools
import os
import random
import re
import tempfile

from folderunion import FolderUnion, Release
from hunting import Hunt, keep
from tableattack import Table
from tablemaker import write
from test_code_lists import Folder, Place, flat

TABLES = 30
KINDS = ["x", "y", "z"]


def unchanged_since(old, new, cell):
    """Everybody below the cell sent the same figures to both releases."""
    return all(old.form(o) == new.form(o) for o in new.table.dims[new.table.office_at].below(cell[new.table.office_at]))


def knew(union, said):
    """Could some offices reckon the cell that cannot be protected from what left before and figures of their own? A refusal is no
    needless one then (docs/disclosure.md, "Limits")."""
    release, name = re.search("cannot be protected: (?:rev([0-9]+)[|])?([^\\s;]+)", said).groups()
    if name.startswith("rev"):
        return False  # a difference between releases
    cell, index, v = tuple(name.split("|")), {}, len(union.releases) - 1 if release is None else int(release)
    terms = union.terms(v, cell, index)
    most = int(union.releases[0].table.policy.get("coalition", 1))
    return any(union.knew(max(v, 1), terms, own, index) for n in range(1, most + 1) for own in itertools.combinations(union.offices, n))


class Corrections(Place):
    def __init__(self, folder, policy):
        super().__init__(folder, policy["zeros"])
        self.policy = policy
        write(self.path("policy.yaml"), ["%s: %s" % kv for kv in sorted(policy.items())])

    def everything_hidden(self):
        """The release that was refused, with all hidden that may be: noughts not, if they are published, nor what left."""
        made, out = self.path("table%d" % self.n), self.path("all")
        floor = 1 if self.policy["zeros"] == "published" else 0
        os.mkdir(out)
        write(os.path.join(out, "summary.json"), ['{"floor":%d}' % floor])
        table, lines = Table(made, self.policy), ["office,kind,freq,status"]
        new = Release.__new__(Release)
        new.table = table
        for cell in sorted(table.printed):
            value = table.value[cell]
            left = any(r.judge.mark.get(cell) == "P" and unchanged_since(r, new, cell) for r in self.releases)
            lines.append(",".join(cell) + (",%d,P" % value if left or value < floor else ",,H"))
        write(os.path.join(out, "RESULT.csv"), lines)
        return Release(made, out, self.policy)


def policy_of(rng):
    policy = {"threshold": rng.choice((3, 5)), "width": rng.choice((1, 2)), "effort": 0, "min_reporting": 0, "ladder": "withhold",
              "zeros": rng.choice(("published", "camouflage", "camouflage", "sensitive")), "hidden_sum_min": 0,
              "min_offices_changed": rng.choice((0, 1, 1, 2)), "group_min": rng.choice((0, 3, 3))}
    if rng.random() < 0.3:
        policy["coalition"] = 2
    return policy


def changed(rng, figures):
    out = dict(figures)
    offices = sorted({o for o, _ in figures})
    for o in rng.sample(offices, rng.choice((1, 1, 1, 2))):
        for k in KINDS:
            how = rng.random()
            if how < 0.3:
                out[o, k] = 0
            elif how < 0.6:
                out[o, k] = max(0, out[o, k] + rng.randint(-6, 6))
    return out


def one(seed):
    rng = random.Random(seed)
    offices = list("abcde")[:rng.randint(3, 5)]
    cut = rng.randint(1, len(offices) - 1)
    areas = rng.random() < 0.6
    tree = [("_T", [("N", offices[:cut]), ("S", offices[cut:])])] if areas else flat(offices)
    rows = rng.choice(("_T", "_T|N|S", "*")) if areas else rng.choice(("_T", "*"))
    policy = policy_of(rng)
    scale = rng.choice((4, 12, 40))
    lean = {k: rng.choice((0.1, 0.6, 1)) for k in KINDS}
    figures = {(o, k): 0 if rng.random() > lean[k] else rng.randint(0, scale) for o in offices for k in KINDS}
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        place, wrong, said = Corrections(folder, policy), [], ""
        for n in range(rng.choice((2, 2, 3))):
            try:
                said = place.release(Folder(tree, flat(KINDS), figures, {"office": rows, "kind": "*"}))
            except AssertionError as error:
                wrong, said = [str(error)], "wrong"
            if said:
                break
            wrong += FolderUnion(place.releases).attack()
            figures = changed(rng, figures)
        kind = "released" if not said else "first" if n == 0 else "waits" if "fewer offices" in said else "refused"
        if kind == "refused" and "no safe pattern" in said:
            union = FolderUnion(place.releases + [place.everything_hidden()])
            if not union.attack() and knew(union, said):
                kind = "refused for who knew"
            elif not union.found:
                wrong.append("a pattern exists: " + said.strip().replace("\n", "; "))
        if wrong:
            keep(folder, seed, wrong)
        return kind, wrong


def one_office_changed():
    """All are of kind x now, and nobody of kind z, as was printed before. R4 protects that nought; a alone changed, so it knows it."""
    before = {(o, k): n for o, counts in (("a", (20, 6, 0)), ("b", (30, 0, 0)), ("c", (17, 0, 0))) for k, n in zip(KINDS, counts)}
    after = {**before, ("a", "x"): 26, ("a", "y"): 0}
    policy = {"threshold": 5, "width": 2, "zeros": "camouflage", "min_offices_changed": 1, "min_reporting": 0, "ladder": "withhold"}
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        place = Corrections(folder, policy)
        said = [place.release(Folder(flat("abc"), flat(KINDS), f, {"kind": "*"})) for f in (before, after)]
        hidden = not any(said) and {c for c, mark in place.releases[1].judge.mark.items() if mark == "H"}
        ok = hidden == {("_T", k) for k in KINDS} and not FolderUnion(place.releases).attack()
        print("ok" if ok else "FAILED", "one office changed", said, hidden)
        return not ok


def nobody_else_before():
    """Nobody at all was printed. Then a alone sends a few: that the others have none it knew before, and is no finding."""
    before = {(o, k): 0 for o in "abc" for k in KINDS}
    after = {**before, ("a", "x"): 4, ("a", "y"): 3}
    policy = {"threshold": 3, "width": 1, "zeros": "camouflage", "residual": "zeros", "min_offices_changed": 1, "min_reporting": 0,
              "hidden_sum_min": 0, "group_min": 0, "ladder": "withhold"}
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        place, said = Corrections(folder, policy), []
        for figures in (before, after):
            try:
                said.append(place.release(Folder(flat("abc"), flat(KINDS), figures, {"kind": "*"})))
            except AssertionError as error:
                said.append(str(error))
        print("FAILED" if any(said) else "ok", "nobody else before", said)
        return any(said)


def told_by_the_total(areas):
    """The total and its own figures told c that nobody at a and b is of kind z: in all, hence at neither. It sends again; now areas are
    printed too, and all of a's and b's are of kind x: everybody but c may think that one of them is of kind z."""
    before = {(o, k): n for o, counts in (("a", (26, 0, 0)), ("b", (30, 0, 0)), ("c", (17, 8, 9))) for k, n in zip(KINDS, counts)}
    after = {**before, ("c", "x"): 40, ("c", "y"): 20, ("c", "z"): 30}
    policy = {"threshold": 5, "width": 2, "zeros": "camouflage", "min_offices_changed": 1, "min_reporting": 0, "ladder": "withhold"}
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        place, said = Corrections(folder, policy), []
        for figures, rows in ((before, "_T"), (after, "_T|N|S")):
            try:
                said.append(place.release(Folder([("_T", areas)], flat(KINDS), figures, {"office": rows, "kind": "*"})))
            except AssertionError as error:
                said.append(str(error))
        hidden = not any(said) and {c for c, mark in place.releases[1].judge.mark.items() if mark == "H"}
        ok = hidden and {("N", "y"), ("N", "z")} <= hidden and not FolderUnion(place.releases).attack()
        print("ok" if ok else "FAILED", "told by the total", areas, said, hidden)
        return not ok


def not_asked_again():
    """Only c was asked about z, and said 9; the next time nobody is. All that the total has beside y were c's, and are gone."""
    counts = (("a", (0, 26, 0, 0)), ("b", (0, 30, 0, 0)), ("c", (0, 17, 9, 0)))
    before = {(o, k): n for o, of in counts for k, n in zip("xyzw", of)}
    after = {**before, ("c", "z"): 0}
    tables = {"office": "_T", "kind": "_T|y"}
    policy = {"threshold": 5, "width": 2, "zeros": "sensitive", "min_offices_changed": 0, "min_reporting": 0,
              "group_min": 0, "ladder": "withhold"}
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        place, said = Corrections(folder, policy), []
        for figures, gone in ((before, {("a", "z"): "na", ("b", "z"): "na"}), (after, {("*", "z"): "na"})):
            try:
                said.append(place.release(Folder(flat("abc"), flat("xyzw"), figures, tables, gone)))
            except AssertionError as error:
                said.append(str(error))
        print("FAILED" if any(said) else "ok", "not asked again", said)
        return any(said)


def stands_for_itself():
    """y is b's and c's, so R5 protects it from c as well, who cannot join anybody that is to be kept from it: with b it owns all of it, and
    with a it knew b's 10 from the total, which did not change."""
    before = {(o, k): n for o, counts in (("a", (10, 9)), ("b", (6, 10)), ("c", (6, 10))) for k, n in zip("xy", counts)}
    after = {**before, ("a", "x"): 9, ("a", "y"): 0, ("c", "x"): 3, ("c", "y"): 3}
    policy = {"threshold": 5, "width": 1, "zeros": "sensitive", "coalition": 2, "min_offices": 3, "min_offices_changed": 0,
              "min_reporting": 0, "hidden_sum_min": 0, "ladder": "withhold"}
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        place, said = Corrections(folder, policy), []
        for figures in (before, after):
            try:
                said.append(place.release(Folder(flat("abc"), flat("xy"), figures, {"office": "_T", "kind": "*"})))
            except AssertionError as error:
                said.append(str(error))
        print("FAILED" if any(said) else "ok", "stands for itself", said)
        return any(said)


def main():
    wrong = told_by_the_total([("N", ["a", "b"]), ("S", ["c"])]) + told_by_the_total([("N", ["a"]), ("S", ["b", "c"])])
    Hunt(TABLES).run(one, wrong + one_office_changed() + nobody_else_before() + not_asked_again() + stands_for_itself())


if __name__ == "__main__":
    main()
