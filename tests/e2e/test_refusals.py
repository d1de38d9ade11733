#!/usr/bin/python3
"""Every refusal must be a true one: random small tables that `cellveil protect` refuses, with everything hidden that the
policy lets be hidden. If that is a safe pattern by tableattack.py, which shares nothing with the engine, the refusal is
wrong: a pattern exists. What was protected against each attacker by a move of its own is attacked and verified.

test_refusals.py [SECONDS [SEED]]: bounded by the number of tables in ctest, by time when run by hand.
"""
import json
import os
import random
import re
import subprocess
import tempfile

import blankmaker
import tablemaker
from harness import BIN, environment
from hunting import Hunt, keep
from tableattack import Table, matches, patterns, rows_of
from tablemaker import write
from test_attack_blanks import Hunter
from test_attack_tables import verify

TABLES = 400


def table_of(folder, rng):
    """A table, mostly of several offices, and its policy: all ways of noughts, rests and pools; nothing but hiding helps."""
    make = rng.choice((tablemaker, tablemaker, blankmaker)).make
    while True:
        policy = make(folder, rng)
        table = Table(folder, policy)
        offices = len(table.offices())
        if len(table.cells) <= 150 and (offices > 2 or rng.random() < 0.1):
            break
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
    policy.update(ladder="withhold", effort=0, min_reporting=0, level=rng.choice(("L2", "L3", "L3", "L3", "L3")),
                  zeros=rng.choice(("published", "published", "published", "camouflage", "sensitive")))
    policy.pop("coalition", None)
    policy.pop("zero_reach", None)
    if offices > 2 and rng.random() < 0.6:
        policy["coalition"] = rng.choice([c for c in (2, 3) if c < offices])
    if policy["zeros"] != "published" and rng.random() < 0.4:
        policy["zero_reach"] = "yes"
    policy_file(folder, "policy", policy)
    return table, policy


def policy_file(folder, name, policy):
    path = os.path.join(folder, name + ".yaml")
    write(path, ["%s: %s" % (k, v) for k, v in sorted(policy.items()) if k != "level"])
    return path


def run(*args):
    return subprocess.run([os.path.join(BIN, "cellveil"), *args], env=environment(), capture_output=True, text=True,
                          check=False, timeout=120)


def marks(folder, policy):
    """What stands where no count can: {cell: status}, from a release that hides hardly anything; None: there is none."""
    lax = {"threshold": 3, "width": 1, "zeros": "camouflage", "group_min": 0, "residual": "no", "hidden_sum_min": 0,
           "min_reporting": 0, "redundancy": 0, "nr_in_totals": policy.get("nr_in_totals", "propagate")}
    out = os.path.join(folder, "lax-out")
    p = run("protect", folder, "--policy", policy_file(folder, "lax", lax), "--level", "L1", "-o", out)
    if p.returncode != 0:
        return None
    return {tuple(list(r.values())[:-2]): r["status"] for r in rows_of(os.path.join(out, "RESULT.csv"))}


def hide_all(table, folder, out):
    """RESULT.csv and DERIVED.csv of the pattern that hides whatever may be hidden; False: nobody knows what could be."""
    floor = 1 if table.policy["zeros"] == "published" else 0
    forced = patterns(folder, "forced.csv", table.dims[:table.public_dims])
    shown = marks(folder, table.policy)
    lines = [",".join(d.name for d in table.dims[:table.public_dims]) + ",freq,status"]
    if shown is None:
        return False
    for cell, status in sorted(shown.items()):
        value = table.value[cell + ((table.dims[-1].total,) if table.column else ())]
        if status not in "PH":
            lines.append(",".join(cell) + ",%s,%s" % ("0" if status == "Z" else "", status))
        elif value < floor or any(matches(p, cell) for p in forced):
            lines.append(",".join(cell) + ",%d,P" % value)
        else:
            lines.append(",".join(cell) + ",,H")
    os.mkdir(out)
    write(os.path.join(out, "RESULT.csv"), lines)
    write(os.path.join(out, "summary.json"), ['{"floor":%d}' % floor])
    if os.path.exists(os.path.join(folder, "derived.csv")):
        write(os.path.join(out, "DERIVED.csv"), ["id,value,status"] + [
            r["id"] + ",,H" for r in rows_of(os.path.join(folder, "derived.csv"))])
    return True


def attack(table, out):
    with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
        hunter = Hunter(table, os.path.join(out, "RESULT.csv"), json.load(f)["floor"])
    hunter.attack()
    return hunter.hunt()


def is_part(table, cell, whole):
    """Is all that stands below the first cell below the other?"""
    return all(d.everywhere(c) <= d.everywhere(w) for d, c, w in zip(table.dims, cell, whole))


def judge_refusal(table, said, found):
    """What is wrong with a refusal, given what cannot be protected though all is hidden that may be."""
    said = said.strip().replace("\n", "; ")
    named = re.search(r"cannot be protected: ([^;]*)", said)
    if not found:
        return ["a pattern exists: " + said]
    if not named:
        return ["no cell is named: " + said]
    cell, codes = named.group(1).split("|"), [set(d.codes) for d in table.dims]
    words = [w.split("|") for text in found for w in text.replace("+", " ").split()]
    parts = [w for w in words if len(w) == len(codes) and all(c in codes[i] for i, c in enumerate(w))]
    return [] if any(is_part(table, part, cell) for part in parts) else ["the cell named could be protected: " + said]


def each_named(out):
    """Does the auditors' part name attackers one by one, where slots are the rule?"""
    with open(os.path.join(out, "certificate.auditor.cvc"), encoding="utf-8") as f:
        return any(re.match(r"r \S+ \S+ office \S+ \d+ (R1|R2|R4|R5|R12)$", line) for line in f)


def one(seed):
    """(what protect did, what is wrong with it)."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        table, policy = table_of(folder, rng)
        out = os.path.join(folder, "out")
        p = run("protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "--level", policy["level"], "-o", out)
        wrong, said = [], str(p.returncode)
        if p.returncode == 0 and each_named(out):
            said, wrong = "one by one", attack(table, out) + verify(folder, out)
        elif p.returncode == 4 and "no safe pattern" in p.stderr:
            said, everything = "refused", os.path.join(folder, "all")
            if hide_all(table, folder, everything):
                wrong = judge_refusal(table, p.stderr, attack(table, everything))
        elif p.returncode not in (0, 2, 4):
            wrong = ["exit code %d: %s" % (p.returncode, p.stderr)]
        if wrong:
            keep(folder, seed, wrong)
        return said, wrong


def at_nobody_else():
    """All 8 of the south's clients of age c are o3's and o4's, the other offices print noughts there. By all that may be printed they
    are at most 9: a small count, also to the two together, who would under `residual: zeros` have to doubt these noughts. That
    is a true refusal. Under `residual: yes` who has all of it learns of nobody, and a pattern is found."""
    figures = {"o1": (34, 0, 0), "o2": (0, 30, 0), "o4": (39, 1, 1)}
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        write(os.path.join(folder, "cells.csv"), ["office,age,freq,status"] + [
            "%s,%s,%d," % (o, a, n) for o in sorted(figures) for a, n in zip("abc", figures[o])] + [
            "o3,a,0,blank", "o3,b,0,blank", "o3,c,7,blank", "o0,a,0,", "o0,b,0,", "o0,c,11,"])
        write(os.path.join(folder, "covered.csv"), ["office,age", "o3,_T"])
        write(os.path.join(folder, "hier_age.csv"), ["level,code", "@,_T", "@@,a", "@@,b", "@@,c"])
        write(os.path.join(folder, "hier_office.csv"), ["level,code", "@,_T", "@@,N", "@@@,o0", "@@,S"] + [
            "@@@,o%d" % i for i in range(1, 5)])
        wrong = []
        for residual, want in (("zeros", 4), ("yes", 0)):
            policy = {"threshold": 10, "width": 1, "zeros": "published", "residual": residual, "coalition": 2, "hidden_sum_min": 0,
                      "ladder": "withhold", "effort": 0, "min_reporting": 0, "level": "L3"}
            policy_file(folder, "policy", policy)
            table, out, everything = Table(folder, policy), os.path.join(folder, residual), os.path.join(folder, "all")
            p = run("protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "--level", "L3", "-o", out)
            if p.returncode != want:
                wrong.append("exit code %d: %s" % (p.returncode, p.stderr))
            elif want == 0:
                wrong += attack(table, out) + verify(folder, out)
            elif hide_all(table, folder, everything):
                wrong += judge_refusal(table, p.stderr, attack(table, everything))
        print("FAILED" if wrong else "ok", "at nobody else", wrong)
        return bool(wrong)


def nobody_at_an_office():
    """It has neither clients nor new ones and left the rest blank: noughts that all offices' figures tell, under published
    noughts. What a reader can make of them, at most a few of them not new, was once to be protected, and nothing could."""
    with tempfile.TemporaryDirectory(prefix="cv-") as folder:
        figures = [("o1", "young", 1, 1), ("o1", "old", 23, 0), ("o2", "young", 0, 0), ("o2", "old", 18, 1)]
        write(os.path.join(folder, "cells.csv"), ["office,age,measure,freq,status"] + [
            "%s,%s,%s,%d," % (o, a, m, v) for o, a, new, other in figures for m, v in (("new", new), ("other", other))] + [
            "o3,%s,%s,0,blank" % (a, m) for a in ("young", "old") for m in ("new", "other")])
        write(os.path.join(folder, "covered.csv"), ["office,age,measure"] + [
            "%s,%s,%s" % (o, a, m) for o in ("o1", "o2") for a in ("_T", "young", "old") for m in ("clients", "new")] + [
            "o3,_T,clients", "o3,_T,new", "o3,young,clients"])
        for dim, codes in (("office", "_T o1 o2 o3"), ("age", "_T young old"), ("measure", "clients new other")):
            total, *parts = codes.split()
            view = ",1" if dim == "measure" else ","
            write(os.path.join(folder, "hier_%s.csv" % dim),
                  ["level,code,view", "@," + total + view] + ["@@,%s," % c for c in parts])
        write(os.path.join(folder, "tables.csv"), ["table,dim,codes", "t,office,*", "t,age,*", "t,measure,clients|new"])
        policy = {"threshold": 5, "width": 2, "zeros": "published", "residual": "no", "ladder": "withhold", "effort": 0,
                  "min_reporting": 0, "level": "L3"}
        policy_file(folder, "policy", policy)
        out = os.path.join(folder, "out")
        p = run("protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "--level", "L3", "-o", out)
        wrong = attack(Table(folder, policy), out) + verify(folder, out) if p.returncode == 0 else ["refused: " + p.stderr]
        print("FAILED" if wrong else "ok", "nobody at an office", wrong)
        return bool(wrong)


def main():
    hunt = Hunt(TABLES * int(os.environ.get("CELLVEIL_EFFORT", 100)) // 100, 120)
    hunt.run(one, nobody_at_an_office() + at_nobody_else())


if __name__ == "__main__":
    main()
