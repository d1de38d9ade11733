#!/usr/bin/python3
"""Each rule on a small table through `cellveil protect`, its result verified and attacked; and input that is refused."""
import csv
import os
import random
import resource
import sys

from harness import cellveil, run_tests
from tableattack import judge_folder
from tablemaker import write
from test_protect_known import flat, hidden, policy, protect, result, two_way


def audit(folder, out):
    at = lambda name: os.path.join(out, name)
    return cellveil("verify-certificate", folder, at("RESULT.csv"), at("certificate.cvc"), "--auditor",
                    at("certificate.auditor.cvc"), "--truth", os.path.join(folder, "cells.csv"), "--policy",
                    os.path.join(folder, "policy.yaml"))


def verified(folder, out):
    p = audit(folder, out)
    assert p.returncode == 0, p.stderr
    return True


def safe(folder, values, judge=True):
    """Protects, verifies, attacks; the output folder."""
    policy(folder, **values)
    out = os.path.join(folder, "out")
    p = protect(folder, out)
    assert p.returncode == 0, p.stderr
    verified(folder, out)
    found = judge_folder(folder, out, {k: str(v) for k, v in values.items()}) if judge else []
    assert not found, found[:3]
    return out


def by_office(folder, areas, codes, counts):
    """areas: name -> offices; counts: office -> one number for each code."""
    write(os.path.join(folder, "hier_office.csv"), ["level,code", "@,_T"] + [
        line for area, offices in areas.items() for line in ["@@," + area] + ["@@@," + o for o in offices]])
    flat(folder, "kind", codes)
    write(os.path.join(folder, "cells.csv"), ["office,kind,freq"] + [
        "%s,%s,%d" % (o, c, n) for o, numbers in counts.items() for c, n in zip(codes, numbers)])


def test_area_of_two_and_a_coalition_of_two(folder):
    """One office of two sees a small rest of the area's total; two may pool: with the other it owns everything."""
    by_office(folder, {"north": ["a", "b"], "south": ["c", "d", "e"], "west": ["f", "g", "h"]}, "xy",
              {"a": (40, 50), "b": (3, 60), "c": (30, 30), "d": (35, 20), "e": (40, 25), "f": (22, 28), "g": (31, 45),
               "h": (18, 33)})
    for coalition in (1, 2, 3):
        out = safe(folder, {"coalition": coalition, "min_reporting": 1, "redundancy": 0})
        assert ("north", "x") in hidden(out, "office", "kind")


def published(out, here, values):
    """The result with these hidden cells printed."""
    with open(os.path.join(out, "RESULT.csv"), encoding="utf-8") as f:
        lines = f.read().splitlines()
    write(os.path.join(here, "weaker.csv"), ["%s,%d,P" % (l[:-3], values[l[:-3]]) if l.endswith(",,H") else l for l in lines])
    return os.path.join(here, "weaker.csv")


def test_nobody_else(folder):
    """`residual: zeros`: who has all the clients of an area must not learn so. The attack finds it where it can be read off."""
    by_office(folder, {"north": ["a", "b"], "south": ["c", "d", "e"]}, "xy",
              {"a": (40, 50), "b": (0, 60), "c": (30, 30), "d": (35, 20), "e": (40, 25)})
    out = safe(folder, {"residual": "zeros", "zeros": "camouflage", "min_reporting": 1})
    assert ("north", "x") in hidden(out, "office", "kind")
    attack = lambda *args: cellveil("attack", folder, *args, "--office", "a", "--policy", os.path.join(folder, "policy.yaml"),
                                    "--level", "L3")
    assert attack(os.path.join(out, "RESULT.csv")).returncode == 0
    p = attack(published(out, folder, {"_T,x": 145, "_T,y": 185, "north,x": 40, "north,y": 110, "b,x": 0, "b,y": 60}))
    assert p.returncode == 1 and p.stdout.splitlines()[1:] == ["north|x,0,0,1,residual,office:a"], p.stdout
    policy(folder, residual="yes", zeros="camouflage", min_reporting=1)
    assert attack(os.path.join(folder, "weaker.csv")).returncode == 0


def test_not_asked(folder):
    """Two offices were not asked about v and w: that the others' sum is the total says nothing of anybody."""
    by_office(folder, {"north": ["a", "b", "c", "d", "e"], "south": ["f", "g"]}, "vwy",
              {"a": (40, 20, 50), "b": (30, 15, 60), "c": (30, 45, 30), "d": (0, 0, 20), "e": (0, 0, 25), "f": (22, 30, 28),
               "g": (31, 25, 45)})
    write(os.path.join(folder, "hier_kind.csv"), ["level,code", "@,_T", "@@,x", "@@@,v", "@@@,w", "@@,y"])
    with open(os.path.join(folder, "cells.csv"), encoding="utf-8") as f:
        lines = f.read().splitlines()
    write(os.path.join(folder, "cells.csv"), [lines[0] + ",status"] + [
        l[:-1] + ",na" if l.endswith(",0") and l[0] in "de" else l + "," for l in lines[1:]])
    out = safe(folder, {"min_reporting": 1})
    p = cellveil("attack", folder, os.path.join(out, "RESULT.csv"), "--all-offices", "--policy",
                 os.path.join(folder, "policy.yaml"), "--level", "L3")
    assert p.returncode == 0, p.stdout


def test_r4_each_nought(folder):
    """All of a group in one printed category: each of the others is nobody, printed or not."""
    by_office(folder, {"north": ["a", "b", "c"], "south": ["d", "e", "f"]}, "xyz",
              {"a": (9, 0, 0), "b": (11, 0, 0), "c": (14, 2, 1), "d": (20, 5, 9), "e": (17, 8, 6), "f": (30, 6, 11)})
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,office,*", "t,kind,_T|x"])
    safe(folder, {"min_reporting": 1})


def test_r5_contributors(folder):
    by_office(folder, {"north": ["a", "b", "c"], "south": ["d", "e", "f"]}, "xy",
              {"a": (40, 20), "b": (30, 25), "c": (0, 30), "d": (20, 15), "e": (17, 18), "f": (30, 26)})
    out = safe(folder, {"min_reporting": 1, "min_offices": 3, "zeros": "camouflage"})
    assert ("north", "x") in hidden(out, "office", "kind")


def test_r6_amounts(folder):
    """1000 = 800 + 150 + 50: 50 is less than a tenth of 800, so 1030 must be possible, for the public and every office."""
    rng = random.Random(6)
    offices = {area: ["%s%d" % (area, i) for i in range(4)] for area in ("n", "s", "w")}
    counts = {o: tuple(rng.randint(200, 500) for _ in range(3)) for names in offices.values() for o in names}
    counts.update(n0=(800, 300, 280), n1=(150, 310, 290), n2=(50, 250, 260), n3=(0, 270, 255))
    by_office(folder, offices, "xyz", counts)
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,office,_T|n|s|w", "t,kind,*"])
    out = safe(folder, {"figures": "amounts", "min_reporting": 1}, judge=False)
    assert ("n", "x") in hidden(out, "office", "kind") and ("n", "y") not in hidden(out, "office", "kind") or \
        len(hidden(out, "office", "kind")) >= 4
    found = os.path.join(folder, "found.csv")
    for who in ([], ["--office", "n1"], ["--office", "n2"]):
        cellveil("attack", folder, os.path.join(out, "RESULT.csv"), "--intervals", "-o", found, *who)
        with open(found, newline="", encoding="utf-8") as f:
            high = {r["cell"]: r["hi"] for r in csv.DictReader(f)}
        assert high["n|x"] == "" or int(high["n|x"]) >= 1030, high["n|x"]
    policy(folder, figures="amounts", offices="no", min_reporting=1)
    p = protect(folder, os.path.join(folder, "none"))
    assert p.returncode == 2 and "R6" in p.stderr and "policy.yaml" in p.stderr, p.stderr


def test_r6_large_amounts(folder):
    """The same in kronor: what a move makes of a total is more than 32 bits hold, and the verifier reads it."""
    counts = {"a": (800, 300), "b": (150, 310), "c": (50, 250), "d": (400, 420), "e": (390, 380), "f": (500, 290)}
    by_office(folder, {"n": ["a", "b", "c"], "s": ["d", "e", "f"]}, "xy", {o: [3000000 * n for n in v] for o, v in counts.items()})
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,office,_T|n|s", "t,kind,*"])
    out = safe(folder, {"figures": "amounts", "min_reporting": 1}, judge=False)
    with open(os.path.join(out, "certificate.auditor.cvc"), encoding="ascii") as f:
        reached = [int(line.split(" ")[2]) for line in f if line.startswith("r ")]
    assert max(reached) > 2**31, reached


def test_r8_staff(folder):
    by_office(folder, {"north": ["a", "b", "c"], "south": ["d", "e", "f"]}, "xy",
              {"a": (1, 2), "b": (3, 1), "c": (2, 4), "d": (4, 3), "e": (3, 5), "f": (2, 6)})
    out = safe(folder, {"figures": "staff", "min_reporting": 1}, judge=False)
    assert not hidden(out, "office", "kind")
    policy(folder, figures="staff", staff_threshold=3, min_reporting=1)
    assert protect(folder, out).returncode == 0 and verified(folder, out)
    assert {("a", "x"), ("b", "y"), ("c", "x")} <= hidden(out, "office", "kind")
    policy(folder, figures="staff", staff_threshold=2)
    p = protect(folder, out)
    assert p.returncode == 2 and "staff_threshold" in p.stderr, p.stderr


def test_r10_figures(folder):
    """Totals by row are printed, and x of one row and of all: shares of these, and of no other."""
    two_way(folder, "abc", "xy", [3, 40, 50, 60, 20, 25])
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,row,*", "x,row,b|_T", "x,col,x"])
    write(os.path.join(folder, "derived.csv"), ["id,numerator,denominator,factor,digits"] + [
        "%s,%s|x,%s|_T,100,1" % (n, r, r) for n, r in (("sa", "a"), ("sb", "b"), ("sc", "c"), ("st", "_T"))] + [
            "rate,a|_T,1000,1000,2", "half,b|_T,a|_T,1,0", "unprinted,a|x,a|y,1,1"])
    out = safe(folder, {"min_reporting": 1})
    with open(os.path.join(out, "DERIVED.csv"), newline="", encoding="utf-8") as f:
        got = {r["id"]: (r["value"], r["status"]) for r in csv.DictReader(f)}
    assert all(got[s] == ("", "H") for s in ("sa", "sc", "unprinted")), got
    assert got["rate"] == ("43.00", "P") and got["half"] == ("3", "P"), got
    assert got["sb"] == ("45.5", "P") and got["st"] == ("36.9", "P"), got
    path = os.path.join(out, "DERIVED.csv")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    write(path, text.replace("rate,43.00", "rate,43.01").splitlines())
    p = cellveil("verify-certificate", folder, os.path.join(out, "RESULT.csv"), os.path.join(out, "certificate.cvc"))
    assert p.returncode == 1 and "rate" in p.stderr, p.stderr


def test_r10_unprinted(folder):
    """Of x, all 8 clients are new and well; no table prints it. 8 or 9 clients by one figure and 8 who are well by another leave
    at most one who is sick, or old, though all are noughts: both are hidden, and a release that prints them does not hold."""
    write(os.path.join(folder, "hier_kind.csv"), ["level,code,view", "@,_T,", "@@,new,1", "@@@,sick,1", "@@@,well,1", "@@,old,1"])
    flat(folder, "group", "xy")
    write(os.path.join(folder, "cells.csv"), ["kind,group,freq", "sick,x,0", "well,x,8", "old,x,0", "sick,y,30", "well,y,50", "old,y,40"])
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,kind,*"])
    write(os.path.join(folder, "derived.csv"), ["id,numerator,denominator,factor,digits", "clients,_T|x,21,1,1", "well,well|x,16,1,1"])
    out = safe(folder, {"min_reporting": 1, "zeros": "camouflage", "group_min": 0})
    assert all(r["status"] == "H" for r in result(out, "DERIVED.csv")), result(out, "DERIVED.csv")
    write(os.path.join(out, "DERIVED.csv"), ["id,value,status", "clients,0.4,P", "well,0.5,P"])
    p = cellveil("attack", folder, os.path.join(out, "RESULT.csv"), "--policy", os.path.join(folder, "policy.yaml"), "--level", "L3")
    assert p.returncode == 1 and "sick|x,0,1,0,small" in p.stdout, p.stdout
    p = cellveil("verify-certificate", folder, os.path.join(out, "RESULT.csv"), os.path.join(out, "certificate.cvc"))
    assert p.returncode == 1 and "clients: it is printed, and made of a cell that is not" in p.stderr, p.stderr


def test_an_office_corners_another(folder):
    """No equation tells o0 how many of o2's are not new. But new at o2 are 27 at most of age a (47 less its own 20), 30 of b, who
    are 30, and 29 of c (49 less 20): and 86 in all."""
    ages = "abc"
    clients = {"o0": (40, 40, 40), "o1": (25, 40, 25), "o2": (60, 30, 30)}
    new = {"o0": (20, 20, 20), "o1": (0, 18, 0), "o2": (27, 30, 29)}
    flat(folder, "office", list(clients))
    flat(folder, "age", ages)
    write(os.path.join(folder, "hier_measure.csv"), ["level,code,view", "@,clients,1", "@@,new,", "@@,old,"])
    write(os.path.join(folder, "cells.csv"), ["office,age,measure,freq"] + [
        line for o in clients for a, all_of, n in zip(ages, clients[o], new[o])
        for line in ("%s,%s,new,%d" % (o, a, n), "%s,%s,old,%d" % (o, a, all_of - n))])
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,office,*", "t,age,*", "u,office,*", "u,measure,new",
                                               "v,age,*", "v,measure,new"])
    values = {"zeros": "published", "min_reporting": 1, "redundancy": 0, "group_min": 0}
    out = safe(folder, values)
    assert hidden(out, "office", "age", "measure")
    p = cellveil("attack", folder, os.path.join(out, "RESULT.csv"), "--all-offices", "--policy",
                 os.path.join(folder, "policy.yaml"), "--level", "L3")
    assert p.returncode == 0, p.stdout
    policy(folder, **dict(values, offices="no"))
    assert protect(folder, out).returncode == 0
    p = cellveil("attack", folder, os.path.join(out, "RESULT.csv"), "--office", "o0", "--policy",
                 os.path.join(folder, "policy.yaml"), "--level", "L3")
    assert p.returncode == 1 and "o2|c|old,1,1,1," in p.stdout, p.stdout


def test_zero_reach(folder):
    by_office(folder, {"north": ["a", "b", "c"], "south": ["d", "e", "f"]}, "xyz",
              {"a": (2, 9, 14), "b": (11, 1, 12), "c": (14, 20, 3), "d": (20, 15, 9), "e": (17, 4, 16), "f": (30, 6, 11)})
    safe(folder, {"min_reporting": 1, "zero_reach": "yes"})


def test_redundancy(folder):
    """More is hidden than protection needs; how much is the policy's, which cells is the key's."""
    rng = random.Random(12)
    two_way(folder, "abcdefghij", "uvwxyz", [rng.randint(0, 40) for _ in range(60)])
    plain = {"min_reporting": 1, "redundancy": 0}
    least = len(hidden(safe(folder, plain), "row", "col"))
    more = len(hidden(safe(folder, dict(plain, redundancy=50)), "row", "col"))
    assert more > least, (least, more)


def test_replay(folder):
    """A table so small that other keys often hide the same: the pattern's weight is measured."""
    two_way(folder, "abc", "xyz", [12, 3, 40, 9, 18, 25, 31, 14, 22])
    out = safe(folder, {"min_reporting": 1, "redundancy": 0, "effort": 0})
    at, found = os.path.join(folder, "policy.yaml"), os.path.join(folder, "replay.csv")
    p = cellveil("attack", folder, os.path.join(out, "RESULT.csv"), "--replay", "4", "--policy", at, "-o", found)
    assert p.returncode in (0, 1), p.stderr
    with open(found, newline="", encoding="utf-8") as f:
        rows = {r["cell"]: (int(r["before"]), int(r["after"])) for r in csv.DictReader(f)}
    assert set(rows) == {"|".join(c) for c in hidden(out, "row", "col")}, rows
    assert any(0 < before < 1000 for before, _ in rows.values()), rows
    assert any(before != after for before, after in rows.values()), rows
    policy(folder, min_reporting=1, redundancy=0, effort=0, posterior_max=0.01)
    p = cellveil("attack", folder, os.path.join(out, "RESULT.csv"), "--replay", "4", "--policy", at, "-o", found)
    assert p.returncode == (1 if any(b <= 10 < a for b, a in rows.values()) else 0), p.stderr


def test_replay_of_views_and_figures(folder):
    """The same where a yes/no question is asked, and with a share over an unprinted count and one over a printed one."""
    flat(folder, "row", "abc")
    write(os.path.join(folder, "hier_col.csv"), ["level,code,view", "@,_T,", "@@,x,", "@@,y,", "@@,z,", "@,_T,1", "@@,new,", "@@,old,"])
    counts = {"a": (12, 3, 40, 21, 34), "b": (9, 18, 25, 2, 50), "c": (31, 14, 22, 30, 37)}
    write(os.path.join(folder, "cells.csv"), ["row,col,freq"] + [
        "%s,%s,%d" % (r, c, n) for r, row in counts.items() for c, n in zip(("x", "y", "z", "new", "old"), row)])
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,row,*", "t,col,_T|x|y|z|new"])
    write(os.path.join(folder, "derived.csv"), ["id,numerator,denominator,factor,digits", "share,c|old,c|_T,100,0",
                                                "other,c|x,c|_T,100,1"])
    out = safe(folder, {"min_reporting": 1, "redundancy": 0, "effort": 0, "offices": "no"}, False)
    at, found = os.path.join(folder, "policy.yaml"), os.path.join(folder, "replay.csv")
    p = cellveil("attack", folder, os.path.join(out, "RESULT.csv"), "--replay", "8", "--policy", at, "--json", "-o", found)
    assert p.returncode in (0, 1), p.stderr
    assert '"matches":0' not in p.stdout, p.stdout  # the true table with another key gives it now and then
    with open(found, newline="", encoding="utf-8") as f:
        rows = {r["cell"]: (int(r["before"]), int(r["after"])) for r in csv.DictReader(f)}
    assert set(rows) == {"|".join(c) for c in hidden(out, "row", "col")}, rows
    assert any(0 < before < 1000 for before, _ in rows.values()), rows
    policy(folder, method="rounding")
    p = cellveil("attack", folder, os.path.join(out, "RESULT.csv"), "--replay", "8", "--policy", at, "-o", found)
    assert p.returncode == 2 and "no pattern" in p.stderr, p.stderr


GOOD = {"cells.csv": ["row,col,freq", "a,x,30", "a,y,40", "b,x,50", "b,y,60"],
        "hier_row.csv": ["level,code", "@,_T", "@@,a", "@@,b"],
        "hier_col.csv": ["level,code", "@,_T", "@@,x", "@@,y"], "policy.yaml": ["min_reporting: 1", "threshold: 5"]}
ROW, CELLS, POLICY = "hier_row.csv", "cells.csv", "policy.yaml"
REFUSED = (  # what is changed, exit code, words of the message
    ("cycle", {ROW: ["level,code", "@,_T", "@@,a", "@@,b", "@@@,c", "@@@@,b"]}, 2, (ROW + ":6", "own ancestor")),
    ("cycle in two branches", {ROW: ["level,code", "@,_T", "@@,a", "@@@,b", "@,_T", "@@,b", "@@@,a"]}, 2,
     (ROW, "line ", "own ancestor")),
    ("no parent", {ROW: ["level,code", "@,_T", "@@@,a", "@@,b"]}, 2, (ROW + ":3", "no parent")),
    ("breakdowns differ", {ROW: ["level,code", "@,_T", "@@,a", "@@,b", "@,_T", "@@,c", "@@@,a", "@@,d"]}, 2,
     (ROW, "line 5", "same codes")),
    ("view of three", {ROW: ["level,code,view", "@,_T,1", "@@,a,", "@@,b,", "@@,c,"]}, 2, (ROW, "line 2", "two children")),
    ("a cell twice", {CELLS: GOOD[CELLS] + ["a,x,30"]}, 2, (CELLS, "line 6", "given before")),
    ("views that differ", {ROW: ["level,code,view", "@,_T,1", "@@,a,", "@@,b,", "@,_T,1", "@@,c,", "@@,d,"],
                           CELLS: GOOD[CELLS] + ["c,x,1", "d,y,2"]}, 2, (CELLS, "add up")),
    ("overflow", {CELLS: ["row,col,freq"] + ["%s,%s,9000000000000" % tuple(rc) for rc in ("ax", "ay", "bx")]}, 2, (CELLS,)),
    ("negative", {CELLS: ["row,col,freq", "a,x,-3"]}, 2, (CELLS + ":2", "freq", "whole number")),
    ("fraction", {CELLS: ["row,col,freq", "a,x,2.5"]}, 2, (CELLS + ":2", "freq", "whole number")),
    ("unknown code", {CELLS: GOOD[CELLS] + ["q,x,3"]}, 2, (CELLS + ":6", "no such code")),
    ("a total as a cell", {CELLS: GOOD[CELLS] + ["_T,x,3"]}, 2, (CELLS + ":6",)),
    ("structural count", {"structural.csv": ["row,col", "a,*"]}, 2, ("structural.csv", "line 2", "holds a count")),
    ("blank in no total", {CELLS: ["row,col,freq,status", "a,x,30,", "a,y,2,blank", "b,x,50,", "b,y,7,blank"],
                           "covered.csv": ["row,col", "b,_T"]}, 2, (CELLS, "line 3", "status: blank", "covered.csv", "R12", "nr")),
    ("a part of what was not reported", {
        ROW: ["level,code", "@,_T", "@@,a", "@@@,a1", "@@@,a2", "@@,b", "@@@,b1", "@,_T", "@@,c", "@@@,a2", "@@@,b1", "@@,d", "@@@,a1"],
        "hier_col.csv": ["level,code,view", "@,_T,1", "@@,x,", "@@,y,"],
        CELLS: ["row,col,freq,status", "a1,x,3,", "a1,y,20,", "a2,x,2,", "a2,y,,nr", "b1,x,4,", "b1,y,30,"],
        "tables.csv": ["table,dim,codes", "t,row,*"]}, 2, (CELLS, "status", "covered.csv", "R12")),
    ("blank and nobody", {CELLS: ["row,col,freq,status", "a,x,30,", "a,y,0,blank", "b,x,50,", "b,y,7,"],
                          "covered.csv": ["row,col", "a,_T"], "structural.csv": ["row,col", "a,y"]}, 2,
     (CELLS, "line 3", "status: blank", "structural.csv", "nobody")),
    ("frozen", {CELLS: GOOD[CELLS][:1] + ["a,x,3"] + GOOD[CELLS][2:], "forced.csv": ["row,col", "a,x"],
                POLICY: GOOD[POLICY] + ["ladder: withhold"]}, 2, ("forced.csv:2", "a|x must be printed", "R1", "unfreeze")),
    ("few offices, rounded", {POLICY: ["method: rounding", "min_offices: 3"]}, 2, (POLICY, "line 2", "min_offices", "R5")),
    ("threshold", {POLICY: ["min_reporting: 1", "threshold: 2"]}, 2, (POLICY, "line 2", "threshold", "floor")),
    ("width", {POLICY: ["width: 0"]}, 2, (POLICY, "line 1", "width", "floor")),
    ("zero_reach", {POLICY: ["zeros: published", "zero_reach: yes"]}, 2, (POLICY, "line 2", "zero_reach")),
    ("unknown name", {POLICY: ["treshold: 5"]}, 2, (POLICY, "line 1", "treshold")),
    ("twice", {POLICY: ["width: 2", "width: 2"]}, 2, (POLICY, "width")),
    ("groups of nothing", {POLICY: GOOD[POLICY] + ["group_dims: rows"]}, 2, (POLICY, "group_dims", "rows", "R4")),
    ("offices of nothing", {POLICY: GOOD[POLICY] + ["office_dim: unit"]}, 2, (POLICY, "office_dim", "unit")),
    ("a child twice", {ROW: ["level,code", "@,_T", "@@,a", "@@,a", "@@,b"]}, 2, (ROW + ":4", "stands twice")),
    ("a child twice at the end", {ROW: ["level,code", "@,_T", "@@,a", "@@,b", "@@,b"]}, 2, (ROW, "line 5", "stands twice")),
    ("overlong UTF-8", {ROW: ["level,code", "@,_T", "@@,a\udcc0\udc80", "@@,b"]}, 2, (ROW + ":3", "UTF-8")),
    ("Latin-1", {ROW: ["level,code", "@,_T", "@@,\udce5", "@@,b"]}, 2, (ROW + ":3", "UTF-8")),
    ("a surrogate", {ROW: ["level,code", "@,_T", "@@,\udced\udca0\udc80", "@@,b"]}, 2, (ROW + ":3", "UTF-8")),
    ("a code of C1", {ROW: ["level,code", "@,_T", "@@,a\u0085", "@@,b"]}, 2, (ROW + ":3", "control")),
    ("ends before it begins", {ROW: ["level,code,from,to", "@,_T,,", "@@,a,2024,2020", "@@,b,,"]}, 2, (ROW + ":3", "from, to")),
    ("a dimension status", {"hier_status.csv": GOOD[ROW]}, 2, ("hier_status.csv", "status")),
    ("sums by cell", {ROW: ["level,code,view", "@,_T,1", "@@,a,", "@@,b,", "@,_T,1", "@@,c,", "@@,d,"],
                      CELLS: GOOD[CELLS] + ["c,x,80", "d,y,99"]}, 2, (CELLS, "add up", "_T|y")),
    ("a table in two places", {"tables.csv": ["table,dim,codes", "t,row,a", "u,row,b", "t,col,x"]}, 2,
     ("tables.csv:4", "t stands twice")),
    ("no table", {"tables.csv": ["table,dim,codes"]}, 2, ("tables.csv:1", "no table")),
    ("a hierarchy of no column", {"hier_age.csv": GOOD[ROW]}, 2, ("hier_age.csv", "no such dimension")),
    ("a table of no codes", {"tables.csv": ["table,dim,codes", "t,row,"]}, 2, ("tables.csv:2", "row", "missing")),
    ("a bar at the end", {"tables.csv": ["table,dim,codes", "t,row,a|"]}, 2, ("tables.csv:2", "row", "missing")),
    ("too many tables", {"tables.csv": ["table,dim,codes"] + ["t%d,row,a" % i for i in range(5000)]}, 2,
     ("tables.csv:4098", "tables")),
    ("forced and absent", {"forced.csv": ["row,col", "*,y", "a,x"], "absent.csv": ["row,col", "a,*"]}, 2,
     ("forced.csv:3", "no table prints")),
    ("forced and in no table", {"forced.csv": ["row,col", "b,x"], "tables.csv": ["table,dim,codes", "t,row,*"]}, 2,
     ("forced.csv:2", "no table prints")),
    ("a figure twice", {"derived.csv": ["id,numerator,denominator,factor,digits", "s,a|x,a|_T,100,1", "r,a|y,a|_T,100,1",
                                        "s,b|x,b|_T,100,1"]}, 2, ("derived.csv", "line 4", "s stands twice")),
    ("a negative factor", {"derived.csv": ["id,numerator,denominator,factor,digits", "s,a|x,a|_T,-1,1"]}, 2,
     ("derived.csv:2", "factor")),
)


def test_refused(folder):
    """File, line and rule; nothing is written, and what was there stays."""
    out = os.path.join(folder, "out")
    wrong = []
    for name, changes, code, words in (("good", {}, 0, ()),) + REFUSED:
        here = os.path.join(folder, name.replace(" ", "-"))
        os.mkdir(here)
        for file, lines in dict(GOOD, **changes).items():
            write(os.path.join(here, file), lines)
        p = protect(here, out)
        files = {n: open(os.path.join(out, n), "rb").read() for n in os.listdir(out)}
        before = files if name == "good" else before
        if p.returncode != code or not all(w in p.stderr for w in words):
            wrong.append("%s: exit %d: %s" % (name, p.returncode, p.stderr.strip()))
        assert files == before, name
    assert not wrong, "\n".join(wrong)


def test_pipes(folder):
    """A pipe that nobody writes to is an error, and not waited for."""
    for name in (CELLS, ROW, POLICY):
        here = os.path.join(folder, "pipe-" + name)
        os.mkdir(here)
        for file, lines in GOOD.items():
            write(os.path.join(here, file), lines)
        os.remove(os.path.join(here, name))
        os.mkfifo(os.path.join(here, name))
        p = protect(here, os.path.join(here, "out"))
        assert p.returncode == 2 and name in p.stderr, (name, p.returncode, p.stderr)


JUDGED = ("cycle", "cycle in two branches", "no parent", "breakdowns differ", "view of three", "a cell twice", "overflow", "negative", "fraction", "unknown code",
          "a total as a cell")


def test_judges_refuse(folder):
    """attack and verify-certificate name the file too, with exit code 2: bad counts are no finding about a certificate."""
    good, wrong = os.path.join(folder, "good"), []
    os.mkdir(good)
    for file, lines in GOOD.items():
        write(os.path.join(good, file), lines)
    out = os.path.join(folder, "out")
    assert protect(good, out).returncode == 0
    at = lambda name: os.path.join(out, name)
    for name, changes, _, words in REFUSED:
        here = os.path.join(folder, name.replace(" ", "-"))
        if name not in JUDGED:
            continue
        os.mkdir(here)
        for file, lines in dict(GOOD, **changes).items():
            write(os.path.join(here, file), lines)
        rules = ("--policy", os.path.join(good, POLICY))
        for args in (("attack", here, at("RESULT.csv"), "--level", "L2") + rules,
                     ("attack", here, at("RESULT.csv"), "--replay", "2") + rules,
                     ("verify-certificate", here, at("RESULT.csv"), at("certificate.cvc"), "--auditor",
                      at("certificate.auditor.cvc"), "--truth", os.path.join(here, CELLS)) + rules):
            p = cellveil(*args)
            if p.returncode != 2 or words[0].split(":")[0] not in p.stderr or p.stdout:
                wrong.append("%s, %s: exit %d: %s%s" % (name, args[0], p.returncode, p.stderr.strip(), p.stdout))
    assert not wrong, "\n".join(wrong)


def test_spreadsheets(folder):
    """A byte order mark, CRLF and quotes change nothing, in the policy neither."""
    seen = []
    for name, change in (("plain", lambda s: s), ("mark", lambda s: "\ufeff" + s), ("crlf", lambda s: s.replace("\n", "\r\n")),
                         ("both", lambda s: "\ufeff" + s.replace("\n", "\r\n"))):
        here = os.path.join(folder, name)
        os.mkdir(here)
        for file, lines in GOOD.items():
            quoted = ['"%s"' % '","'.join(line.split(",")) for line in lines] if name == "both" and file != POLICY else lines
            with open(os.path.join(here, file), "w", encoding="utf-8", newline="") as f:
                f.write(change("\n".join(quoted) + "\n"))
        p = protect(here, os.path.join(here, "out"))
        assert p.returncode == 0, (name, p.stderr)
        verified(here, os.path.join(here, "out"))
        seen.append(open(os.path.join(here, "out", "RESULT.csv"), "rb").read())
    assert len(set(seen)) == 1


def test_much_declared(folder):
    """Ten thousand lines of structural.csv over totals of a million cells: each is as much work as it names cells."""
    write(os.path.join(folder, "cells.csv"), ["row,col,freq", "r1,c1,3"])
    for name, letter in (("row", "r"), ("col", "c")):
        write(os.path.join(folder, "hier_%s.csv" % name), ["level,code", "@,_T"] + [
            line for g in range(100) for line in ["@@,%sg%d" % (letter, g)] + [
                "@@@,%s%d" % (letter, 10 * g + i) for i in range(10)]])
    write(os.path.join(folder, "structural.csv"), ["row,col"] + [
        "rg%d,cg%d" % (g, h) for g in range(1, 100) for h in range(1, 100)])
    policy(folder, min_reporting=1, effort=0, zeros="published")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    p = protect(folder, os.path.join(folder, "out"))
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert p.returncode in (0, 4) and spent < 30, (p.returncode, spent, p.stderr)


def test_next_to_nothing(folder):
    """No line, one cell, all noughts: safe or refused, never an error of ours."""
    for name, changes in (("no line", {CELLS: GOOD[CELLS][:1]}), ("noughts", {CELLS: ["row,col,freq", "a,x,0"]}),
                          ("one person", {CELLS: ["row,col,freq", "a,x,1"]}),
                          ("one cell", {ROW: ["level,code", "@,_T"], "hier_col.csv": ["level,code", "@,_T"],
                                        CELLS: ["row,col,freq", "_T,_T,30"]})):
        here = os.path.join(folder, name.replace(" ", "-"))
        os.mkdir(here)
        for file, lines in dict(GOOD, **changes).items():
            write(os.path.join(here, file), lines)
        out = os.path.join(here, "out")
        p = protect(here, out)
        assert p.returncode in (0, 4), (name, p.returncode, p.stderr)
        assert os.path.exists(out) == (p.returncode == 0), name
        if p.returncode == 0:
            verified(here, out)
            assert not judge_folder(here, out, {"threshold": "5"}), name
            assert name != "one cell" or [r["freq"] for r in result(out)] == ["30"]


def test_part_reported_but_not_printed(folder):
    """c reported who ended, of a number of clients that it left blank, and no table prints c's part: it may have clients."""
    write(os.path.join(folder, "hier_office.csv"), ["level,code", "@,_T", "@@,a", "@@,b", "@@,c"])
    write(os.path.join(folder, "hier_measure.csv"), ["level,code,view", "@,clients,1", "@@,ended,", "@@,ended:not,"])
    write(os.path.join(folder, "covered.csv"), ["office,measure"] + [
        "%s,%s" % line for line in (("a", "clients"), ("a", "ended"), ("b", "clients"), ("b", "ended"), ("c", "ended"))])
    write(os.path.join(folder, "cells.csv"), ["office,measure,freq,status", "a,ended,2,", "a,ended:not,1,", "b,ended,0,",
                                              "b,ended:not,0,", "c,ended,0,", "c,ended:not,0,blank"])
    write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,office,*", "t,measure,clients", "u,office,_T",
                                               "u,measure,clients|ended"])
    out = safe(folder, {"zeros": "published", "min_reporting": 0}, judge=False)
    assert ("_T", "ended") in hidden(out, "office", "measure")


if __name__ == "__main__":
    sys.exit(1 if run_tests(globals()) else 0)
