#!/usr/bin/python3
"""One field of a certificate, its auditors' part, the result or a hierarchy is changed: the verifier says no.

Each change is tried as it is and with every digest made right again, the manifest's not: who holds the files to the
manifest in the log has nothing else to ask. Not asked for with new digests and no manifest: the line `blind`, which says
nothing, and another move in a requirement that does the same there. With --manifest both are refused. Nor another name
for a code that stands in no other file: neither counted nor printed, it is a sum that nobody is told of.

The same for a correction, beside its ledger, whose files are changed too. The public part is tried alone as well: there a
changed digest is enough, and what it says of cells must be refused whatever the digests say.

Requirements against offices that work out what no table prints, and the moves that only these name, are left out as if the
engine had not looked for them; and a release for which it did not is verified by rules that ask for them. So are null vectors
that are nought at a small count which no table prints.
"""
import hashlib
import itertools
import json
import os
import random
import re
import shutil
import struct
import sys
import tempfile

from harness import BIN, SOURCE, run
from tablemaker import make
from test_attack_blocks import case_two_lists, policy_file

CELLVEIL = os.path.join(BIN, "cellveil")
PROOF = ("certificate.cvc", "certificate.auditor.cvc", "RESULT.csv")
GRID = ("tables.csv", "structural.csv", "forced.csv", "derived.csv", "absent.csv", "covered.csv")
TRIES = 25  # of each file, with and without new digests


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def redigest(folder, earlier=None):
    """Every digest made right again, from the inside out; earlier: of the result of an earlier release, changed."""
    at = lambda name: os.path.join(folder, name)
    grid = hashlib.sha256()
    for name in sorted(n for n in os.listdir(folder) if n.startswith("hier_") or n in GRID):
        data = read(at(name))
        grid.update(struct.pack("<Q", len(name)) + name.encode() + struct.pack("<Q", len(data)) + data)
    cert = read(at("certificate.cvc"))
    cert = re.sub(rb"(?m)^grid .*$", b"grid " + grid.hexdigest().encode(), cert)
    if earlier is not None:
        cert = cert.replace(*earlier)
    cert = re.sub(rb"(?m)^result .*$", b"result " + hashlib.sha256(read(at("RESULT.csv"))).hexdigest().encode(), cert)
    write(at("certificate.cvc"), ended(cert, b"end-public "))
    part = read(at("certificate.auditor.cvc"))
    public = hashlib.sha256(read(at("certificate.cvc"))).hexdigest().encode()
    part = re.sub(rb"(?m)^public [0-9a-f]{64}$", b"public " + public, part)
    write(at("certificate.auditor.cvc"), ended(part, b"end-auditor "))


def ended(data, word):
    body = data[:data.rindex(word)] if word in data else data
    return body + word + hashlib.sha256(body).hexdigest().encode() + b"\n"


def changed(rng, data, digests):
    """Another number or another code in one place, and where it is; None: not one of the fields asked for."""
    lines = data.split(b"\n")
    line = rng.randrange(len(lines))
    text = lines[line]
    if digests and text.startswith((b"blind", b"grid", b"result", b"public", b"end")):
        return None
    numbers = list(re.finditer(rb"\d+", text))
    if not numbers:
        return None
    m = rng.choice(numbers)
    if digests and text.startswith(b"r ") and m.end() == text.rindex(b" "):
        return None  # the move
    new = str(int(m.group()) + rng.choice((1, 2, 7))).encode()
    lines[line] = text[:m.start()] + new + text[m.end():]
    return b"\n".join(lines), "line %d: %s -> %s" % (line + 1, m.group().decode(), new.decode())


def rearranged(rng, name, data, ordered=False):
    """A line or a whole section left out, a line twice, two lines in each other's place; and what was done. The order of
    requirements says nothing (that of tables of moved figures does), and the last line is made anew with the digests."""
    lines = data.split(b"\n")[:-1]
    ways = ["without", "twice"] + ["section"] * (name != "RESULT.csv") + ["exchanged"] * (ordered or name != "certificate.auditor.cvc")
    if len(lines) < 3:
        return None
    way, i, j = rng.choice(ways), rng.randrange(1, len(lines) - 1), rng.randrange(1, len(lines) - 1)
    after = list(lines)
    if way == "without":
        del after[i]
    elif way == "twice":
        after.insert(i, lines[i])
    elif way == "exchanged":
        after[i], after[j] = lines[j], lines[i]
    else:
        i = rng.choice([n for n, line in enumerate(lines) if line.startswith(b"section")])
        end = next(n for n in range(i + 1, len(lines)) if lines[n].startswith((b"section", b"end")))
        del after[i:end]
    return None if after == lines else (b"\n".join(after) + b"\n", "line %d %s" % (i + 1, way))


def codes_in(path):
    return {code for line in read(path).splitlines() for field in line.split(b",") for code in field.split(b"|")}


def renamed(folder, name, data):
    """Is this hierarchy the one of the folder, but for a new name of a code that stands once and in no other file?"""
    if not name.startswith("hier_"):
        return False
    before, after = (x.split(b"\n") for x in (read(os.path.join(folder, name)), data))
    old, new = next((a.split(b","), b.split(b",")) for a, b in zip(before, after) if a != b)
    if len(old) != len(new) or [a == b for a, b in zip(old, new)].count(False) != 1 or old[1] == new[1]:
        return False
    fields = [field for line in before for field in line.split(b",")]
    files = [n for n in os.listdir(folder) if n.endswith(".csv") and n != name]
    elsewhere = set().union(*(codes_in(os.path.join(folder, n)) for n in files))
    return fields.count(old[1]) == 1 and old[1] not in elsewhere and new[1] not in fields


def manifest(folder):
    """As the vault seals it: the first line names the files."""
    digest = lambda name: hashlib.sha256(read(os.path.join(folder, name))).hexdigest()
    head = {"v": 1, "level": "L3", "result": digest("RESULT.csv"), "cert": digest("certificate.cvc"),
            "auditor": digest("certificate.auditor.cvc")}
    return json.dumps(head).encode() + b"\n{\"lines\":2}\n"


def bound(folder, text):
    """Changes of what no rule judges: let pass without the manifest, refused with it."""
    at = lambda name: os.path.join(folder, name)
    part = read(at("certificate.auditor.cvc"))
    blind = re.search(rb"(?m)^blind [0-9a-f]{64}$", part).group()
    other = blind[:-1] + (b"0" if blind[-1:] != b"0" else b"1")
    write(at("manifest.jsonl"), text)
    whole = ["--manifest", at("manifest.jsonl")]
    assert verdict(folder, whole) == 0
    write(at("certificate.auditor.cvc"), part.replace(blind, other))
    redigest(folder)
    assert verdict(folder) == 0 and verdict(folder, whole) == 1
    write(at("certificate.auditor.cvc"), part)
    assert verdict(folder, whole) == 0
    for broken in (b"", b"{}\n", b"[]\n", text.replace(b'"cert"', b'"crt"'), text[:40], text.replace(b"\n", b"")):
        write(at("manifest.jsonl"), broken)
        assert verdict(folder, whole) == 1, broken
    os.remove(at("manifest.jsonl"))


def public(folder):
    at = lambda name: os.path.join(folder, name)
    return run([CELLVEIL, "verify-certificate", folder, at("RESULT.csv"), at("certificate.cvc"), "--ledger", at("ledger")],
               want=None).returncode


def verdict(folder, more=()):
    at = lambda name: os.path.join(folder, name)
    if os.path.isdir(at("ledger")):
        more = ["--ledger", at("ledger"), *more]
    return run([CELLVEIL, "verify-certificate", folder, at("RESULT.csv"), at("certificate.cvc"), "--auditor",
                at("certificate.auditor.cvc"), "--truth", at("cells.csv"), "--policy", at("policy.yaml"), *more],
               want=None).returncode


def tampered(rng, table, top):
    """Changes that the verifier let pass."""
    for name in os.listdir(os.path.join(top, "out")):
        if name in PROOF + ("DERIVED.csv",):
            shutil.copy(os.path.join(top, "out", name), table)
    files = sorted(n for n in os.listdir(table) if n in PROOF or n.startswith("hier_") or n == "DERIVED.csv")
    before = {name: read(os.path.join(table, name)) for name in files}
    redigest(table)
    assert before == {name: read(os.path.join(table, name)) for name in files} and verdict(table) == 0
    bound(table, manifest(table))
    accepted = []
    for name in files:
        for digests in (False, True):
            tried = 0
            for _ in range(40 * TRIES):
                made = changed(rng, read(os.path.join(table, name)), digests)
                if made is None or tried == TRIES or digests and renamed(table, name, made[0]):
                    continue
                tried += 1
                copy = os.path.join(top, "copy")
                shutil.copytree(table, copy)
                write(os.path.join(copy, name), made[0])
                if digests:
                    redigest(copy)
                if verdict(copy) not in (1, 2):
                    accepted.append("%s %s%s" % (name, made[1], ", digests made right" if digests else ""))
                shutil.rmtree(copy)
    for name in PROOF:
        for _ in range(TRIES):
            made = rearranged(rng, name, read(os.path.join(table, name)))
            if made is None:
                continue
            copy = os.path.join(top, "copy")
            shutil.copytree(table, copy)
            write(os.path.join(copy, name), made[0])
            redigest(copy)
            if verdict(copy) not in (1, 2):
                accepted.append("%s %s" % (name, made[1]))
            shutil.rmtree(copy)
    return accepted


METHODS = {"rounding": "method: rounding\nbase: 5\n", "noise": "method: noise\nnoise_max: 4\nnoise_variance: 1.5\n"}


def moved(rng, folder, how):
    """A made-up table whose figures are moved, with tables that show doubt."""
    out = os.path.join(os.path.dirname(folder), "out")
    while True:
        for old in (folder, out):
            shutil.rmtree(old, ignore_errors=True)
        os.makedirs(folder)
        p = make(folder, rng, 100)
        kept = ("threshold", "width", "zeros", "group_min", "residual", "min_reporting", "coalition")
        policy = os.path.join(folder, "policy.yaml")
        write(policy, ("".join("%s: %s\n" % (k, p[k]) for k in kept if k in p) + METHODS[how]).encode())
        if run([CELLVEIL, "protect", folder, "--policy", policy, "-o", out], want=None).returncode != 0:
            continue
        for name in os.listdir(out):
            if name in PROOF + ("DERIVED.csv",):
                shutil.copy(os.path.join(out, name), folder)
        if re.search(rb"(?m)^[udp] ", read(os.path.join(folder, "certificate.auditor.cvc"))):
            assert verdict(folder) == 0
            return folder


def counted(part):
    """The auditors' part with as many tables as its section says."""
    return re.sub(rb"(?m)^section tables \d+$", b"section tables %d" % len(re.findall(rb"(?m)^[udp] ", part)), part)


def retold(rng, part):
    """A table for another count or attacker, of another kind, once more, in another place or not at all; and what was done."""
    lines = part.split(b"\n")
    tables = [i for i, line in enumerate(lines) if re.match(rb"[udp] ", line)]
    words = {i: lines[i].split(b" ") for i in tables}
    at, other = rng.choice(tables), rng.choice(tables)
    way = rng.choice(("count", "attacker", "kind", "also", "moved", "without"))
    new = list(words[at])
    if way in ("count", "also"):
        new[1] = rng.choice((words[other][1], b"%d" % rng.randrange(60)))
    if way in ("attacker", "also"):
        new[2] = rng.choice((b"public", words[other][2], words[other][2] + b"+" + words[at][2]))
    if way == "kind":
        new[0] = {b"u": b"d", b"d": b"u", b"p": b"u"}[new[0]]
    if new == words[at] and way not in ("moved", "without") or words[at][0] == b"p" and way == "kind":
        return None
    if way != "also":
        del lines[at]
    if way != "without":
        lines.insert(other if way in ("moved", "also") else at, b" ".join(new))
    after = counted(b"\n".join(lines))
    return None if after == part else (after, "line %d: another %s: %s" % (at + 1, way, b" ".join(new[:3]).decode()))


def another_table(folder, before, after):
    """Is it the same count and attacker, and nothing but other persons? In one dimension that is a table like any other, if it
    leads as far; in more dimensions no single number can be another."""
    dims = set(read(os.path.join(folder, "cells.csv")).splitlines()[0].split(b",")) - {b"freq", b"status"}
    pairs = [(x.split(b" "), y.split(b" ")) for x, y in zip(before.split(b"\n"), after.split(b"\n")) if x != y]
    return len(dims) == 1 and before.count(b"\n") == after.count(b"\n") and all(
        x[0] in (b"u", b"d", b"p") and x[:3] == y[:3] for x, y in pairs)


def tampered_moved(rng, top, how):
    """Changes of moved figures' certificate that the verifier let pass. Which figure in reach noise gives, nobody can judge,
    nor which of several tables that lead as far: for these there is the manifest."""
    table, accepted = moved(rng, os.path.join(top, "moved"), how), []
    whole = os.path.join(top, "manifest.jsonl")
    bound(table, manifest(table))
    write(whole, manifest(table))
    copy = os.path.join(top, "copy")
    for name in PROOF[:2 if how == "noise" else 3]:
        before = read(os.path.join(table, name))
        ways = [lambda: changed(rng, before, True)]
        if name != "certificate.cvc":
            ways.append(lambda: rearranged(rng, name, before, True))
        if name == "certificate.auditor.cvc":
            ways.append(lambda: retold(rng, before))
        for _ in range(TRIES * len(ways)):
            made = rng.choice(ways)()
            if made is None:
                continue
            shutil.copytree(table, copy)
            write(os.path.join(copy, name), made[0])
            redigest(copy)
            more = ["--manifest", whole] if another_table(table, before, made[0]) else []
            if verdict(copy, more) not in (1, 2):
                accepted.append("%s: %s %s" % (how, name, made[1]))
            shutil.rmtree(copy)
    return accepted


def figures_of(rng, offices):
    return {o: [rng.randint(1, 4) if rng.random() < 0.2 else rng.randint(8, 60) for _ in "xyz"] for o in offices}


def corrected(rng, top):
    """A period released three times, in top/correction; its ledger holds all three."""
    folder, offices = os.path.join(top, "correction"), ["o%d" % i for i in range(1, 9)]
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        at = lambda name: os.path.join(folder, name)
        write(at("policy.yaml"), b"threshold: 5\nwidth: 2\nzeros: camouflage\n")
        write(at("hier_office.csv"), "".join("%s,%s\n" % line for line in [
            ("level", "code"), ("@", "_T"), ("@@", "north")] + [("@@@", o) for o in offices[:4]] + [("@@", "south")] + [
            ("@@@", o) for o in offices[4:]]).encode())
        write(at("hier_kind.csv"), b"level,code\n@,_T\n@@,x\n@@,y\n@@,z\n")
        now, codes = figures_of(rng, offices), []
        for revision in range(3):
            if revision > 0:
                other = figures_of(rng, offices)
                for o in rng.sample(offices[:4], 3) + rng.sample(offices[4:], 3):
                    now[o] = other[o] if rng.random() < 0.5 else [n + rng.choice((0, 2, 30)) for n in now[o]]
            write(at("cells.csv"), "".join(["office,kind,freq\n"] + [
                "%s,%s,%d\n" % (o, k, n) for o in offices for k, n in zip("xyz", now[o])]).encode())
            codes.append(run([CELLVEIL, "protect", folder, "--policy", at("policy.yaml"), "--ledger", at("ledger"), "--period",
                              "2024", "--revision", str(revision), "-o", os.path.join(top, "out")], want=None).returncode)
        part = read(os.path.join(top, "out", "certificate.auditor.cvc"))
        if codes == [0, 0, 0] and b" difference\n" in part:
            break
    for name in PROOF:
        shutil.copy(os.path.join(top, "out", name), folder)
    assert verdict(folder) == 0 and public(folder) == 0
    said = json.loads(run([CELLVEIL, "verify-certificate", folder, "--ledger", at("ledger"), "--json"]).stdout)
    assert said["with_tables"] > 0 and said["earlier"] == 2 and said["covered"] == said["hidden"], said
    return folder


def alone(folder, name, line, digests):
    """Must the public part by itself refuse a change there? With right digests, what it says of cells and releases."""
    if not digests:
        return True
    return name == "certificate.cvc" and line.startswith((b"n ", b"w ", b"o ", b"e ", b"d ", b"section", b"cellveil"))


def is_told_of(folder, name, line):
    """Does anything say more of the counts' line than that they are large enough: is it, or a total over it, printed or in a
    requirement, by itself or in a difference?"""
    office, kind = line.decode().split(",")[:2]
    totals = [(o, k) for o in (office, "north" if office < "o5" else "south", "_T") for k in (kind, "_T")]
    rows = [row.decode().split(",") for row in read(os.path.join(folder, os.path.dirname(name), "RESULT.csv")).splitlines()[1:]]
    places = [i for i, row in enumerate(rows) if tuple(row[:2]) in totals]
    said = [l.split() for l in read(os.path.join(folder, "certificate.cvc")).splitlines()]
    earlier = [int(w[1]) for w in said if w[0] == b"e"]
    spans = [(int(w[1]), int(w[2])) for w in said if w[0] == b"d"]
    inside = os.path.basename(os.path.dirname(name))  # ledger/000001 holds revision 0
    revision = int(inside) - 1 if inside else len(earlier)
    blocks = [len(earlier) - revision] + [1 + len(earlier) + i for i, span in enumerate(spans) if revision in span]
    named = {int(n) for l in read(os.path.join(folder, "certificate.auditor.cvc")).splitlines() if l.startswith(b"r ")
             for n in l.split()[1].split(b"-")}
    return any(rows[i][3] == "P" for i in places) or any(b * len(rows) + i in named for b in blocks for i in places)


def tampered_ledger(rng, folder, top):
    """What the verifier let pass: changes of a correction, and of its ledger's earlier releases."""
    files = list(PROOF) + ["hier_office.csv", "cells.csv"]
    files += [os.path.join("ledger", "%06d" % i, name) for i in (1, 2) for name in (
        "RESULT.csv", "certificate.cvc", "hier_office.csv", "cells.csv")]
    copy, accepted = os.path.join(top, "copy"), []
    for name in files:
        outside = name.startswith("ledger")
        for digests in (False, True):
            if digests and outside and name.endswith("certificate.cvc"):
                continue  # whoever writes it anew writes another release's certificate
            tried = 0
            while tried < (3 if outside else TRIES // 2):
                before = read(os.path.join(folder, name))
                made = changed(rng, before, digests)
                if made is None:
                    continue
                tried += 1
                shutil.copytree(folder, copy)
                write(os.path.join(copy, name), made[0])
                earlier = None
                if outside and name.endswith("RESULT.csv"):
                    old, new = (hashlib.sha256(x).hexdigest().encode() for x in (before, made[0]))
                    earlier = (old, new)
                    at = os.path.join(copy, os.path.dirname(name), "certificate.cvc")
                    write(at, ended(read(at).replace(old, new), b"end-public "))
                if digests and not name.endswith("hier_office.csv"):
                    redigest(copy, earlier)
                line = made[0].split(b"\n")[int(made[1].split(":")[0][5:]) - 1]
                what = "%s %s%s" % (name, made[1], ", digests made right" if digests else "")
                if verdict(copy) not in (1, 2) and (not name.endswith("cells.csv") or is_told_of(folder, name, line)):
                    accepted.append(what)
                if name in PROOF and name != "certificate.auditor.cvc" and alone(
                        folder, name, line, digests) and public(copy) not in (1, 2):
                    accepted.append("public: " + what)
                shutil.rmtree(copy)
    return accepted


def said_to_have_changed(folder, top):
    """Who changed is told as it is: one office too many or too few is refused; so is a release left out."""
    copy = os.path.join(top, "copy")
    lines = read(os.path.join(folder, "certificate.cvc")).split(b"\n")
    offices = [b"o%d" % i for i in range(1, 9)]
    for i, line in enumerate(lines):
        if not line.startswith(b"d "):
            continue
        words = line.split(b" ")
        for o in offices:
            other = [w for w in words[3:] if w != o] if o in words else sorted(words[3:] + [o])
            shutil.copytree(folder, copy)
            write(os.path.join(copy, "certificate.cvc"), b"\n".join(
                lines[:i] + [b" ".join(words[:3] + other)] + lines[i + 1:]))
            redigest(copy)
            assert verdict(copy) == 1, (line, o)
            shutil.rmtree(copy)
    for name in ("RESULT.csv", "certificate.cvc", "hier_kind.csv", "cells.csv"):
        shutil.copytree(folder, copy)
        os.remove(os.path.join(copy, "ledger", "000001", name))
        p = run([CELLVEIL, "verify-certificate", copy, os.path.join(copy, "RESULT.csv"), os.path.join(
            copy, "certificate.cvc"), "--auditor", os.path.join(copy, "certificate.auditor.cvc"), "--truth", os.path.join(
                copy, "cells.csv"), "--policy", os.path.join(copy, "policy.yaml"), "--ledger", os.path.join(copy, "ledger")],
                want=1)
        said = p.stdout + p.stderr
        assert "revision 0" in said and (name in said or name == "RESULT.csv" and "000001" in said), said
        shutil.rmtree(copy)


def made_up(rng, folder):
    """A table of another shape that can be protected: groupings, a column of contributors, coalitions, figures."""
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        make(folder, rng)
        out = os.path.join(os.path.dirname(folder), "out")
        shutil.rmtree(out, ignore_errors=True)
        p = run([CELLVEIL, "protect", folder, "--policy", os.path.join(folder, "policy.yaml"), "-o", out], want=None)
        if p.returncode == 0 and b"\nr " in read(os.path.join(out, "certificate.auditor.cvc")):
            return folder


def sums(table, top):
    """R7: a pattern made for small hidden sums does not hold where larger ones are asked for."""
    out = os.path.join(top, "sums")
    policy = os.path.join(table, "policy.yaml")
    for least in (0, 40):
        write(policy, b"threshold: 5\nzeros: published\nhidden_sum_min: %d\n" % least)
        run([CELLVEIL, "protect", table, "--policy", policy, "--level", "L1", "-o", out])
        for name in PROOF:
            shutil.copy(os.path.join(out, name), table)
        for asked in (0, 40, 400):
            write(policy, b"threshold: 5\nzeros: published\nhidden_sum_min: %d\n" % asked)
            assert verdict(table) == (0 if asked <= least else 1), (least, asked)


UNPRINTED = re.compile(rb"^r .* public \d+ derivable$")


def without_unprinted(part):
    """The auditors' part without these lines and the moves that only they name, which are numbered anew; digests are not right."""
    lines = [l for l in part.split(b"\n") if not UNPRINTED.match(l)]
    used = sorted({int(l.split(b" ")[-2]) for l in lines if l.startswith(b"r ")})
    number = {move: b"%d" % i for i, move in enumerate(used)}
    after = []
    for line in lines:
        words = line.split(b" ")
        at = {b"a": 1, b"r": -2}.get(words[0])
        if at is not None:
            if int(words[at]) not in number:
                continue
            words[at] = number[int(words[at])]
        after.append(b" ".join(words))
    return b"\n".join(after)


def left_in_doubt(folder, policy):
    """What the engine adds for offices that work something out is asked for, whether or not it looked for it."""
    at = lambda name: os.path.join(folder, name)
    for residual in ("yes", "no"):
        write(at("policy.yaml"), b"%sresidual: %s\n" % (policy, residual.encode()))
        run([CELLVEIL, "protect", folder, "--policy", at("policy.yaml"), "-o", at("out")])
        for name in PROOF:
            shutil.copy(os.path.join(at("out"), name), folder)
        assert verdict(folder) == 0
        part = read(at("certificate.auditor.cvc"))
        fewer = without_unprinted(part)
        assert residual == "no" or fewer != part, part
        write(at("policy.yaml"), policy)
        write(at("certificate.auditor.cvc"), fewer)
        redigest(folder)
        assert verdict(folder) == 1, residual
        write(at("certificate.auditor.cvc"), part)
        redigest(folder)
        assert verdict(folder) == (residual == "no"), residual


def put_measures(folder, tree, dims, cells, tables):
    """Offices and their clients, of whom some are new; tree, tables: lines of these files."""
    os.makedirs(folder)
    for name, lines in [("hier_office.csv", tree), ("hier_measure.csv", ["level,code,view", "@,clients,1", "@@,new,", "@@,not,"]),
                        ("cells.csv", [",".join(["office", *dims, "measure", "freq"])] + cells), ("tables.csv", ["table,dim,codes"] + tables)]:
        write(os.path.join(folder, name), "".join(line + "\n" for line in lines).encode())


def insiders(folder, coalition):
    """The north prints 30 clients, another table 22 new ones of a; b has 6 of the clients (with c, if two pool): 2 of a's are
    not new."""
    north = ["a", "b", "c"][:1 + coalition]
    south = [o for o in "abcd" if o not in north]
    put_measures(folder, ["level,code", "@,_T", "@@,north", *("@@@," + o for o in north), "@@,south", *("@@@," + o for o in south)], [],
                 ["%s,%s,%d" % (o, m, n) for o, both in zip("abcd", ((22, 2), (0, 6), (9, 11), (20, 17)))
                  for m, n in zip(("new", "not"), both)],
                 ["t,office,_T|north|south", "t,measure,clients", "u,office,a|d", "u,measure,new"])
    left_in_doubt(folder, b"zeros: camouflage\nmin_reporting: 1\ncoalition: %d\n" % coalition)


def cornered(folder):
    """No equation tells o0 that 1 of o2's 30 clients of age c is not new, nor any relation by itself. But of o2's 86 new ones
    27 at most are of age a (47 less o0's own 20), 30 of b (who are 30) and 29 of c (49 less 20)."""
    clients = {"o0": (40, 40, 40), "o1": (25, 40, 25), "o2": (60, 30, 30)}
    new = {"o0": (20, 20, 20), "o1": (0, 18, 0), "o2": (27, 30, 29)}
    put_measures(folder, ["level,code", "@,_T", "@@,o0", "@@,o1", "@@,o2"], ["age"],
                 ["%s,%s,%s,%d" % (o, a, m, v) for o in clients for a, all_of, n in zip("abc", clients[o], new[o])
                  for m, v in (("new", n), ("not", all_of - n))],
                 ["t,office,*", "t,age,*", "u,office,*", "u,measure,new", "v,age,*", "v,measure,new"])
    write(os.path.join(folder, "hier_age.csv"), b"level,code\n@,_T\n@@,a\n@@,b\n@@,c\n")
    left_in_doubt(folder, b"zeros: published\nmin_reporting: 1\nredundancy: 0\ngroup_min: 0\n")


def several_lists(folder):
    """Moves that only what several lists leave together needs."""
    at = lambda name: os.path.join(folder, name)
    for residual in ("yes", "no"):
        os.makedirs(folder, exist_ok=True)
        policy_file(folder, {**case_two_lists(folder), "residual": residual})
        run([CELLVEIL, "protect", folder, "--policy", at("policy.yaml"), "-o", at("out")])
        for name in PROOF:
            shutil.copy(os.path.join(at("out"), name), folder)
        assert verdict(folder) == 0
        write(at("certificate.auditor.cvc"), without_unprinted(read(at("certificate.auditor.cvc"))))
        redigest(folder)
        assert verdict(folder) == 1, residual
        shutil.rmtree(folder)


def nought_at(part, cert, cell):
    """The certificate with other null vectors, which are nought at the cell: a multiple of a move that passes it is taken off."""
    moves = [dict(map(int, e.split(b":")) for e in l.split(b" ")[3:]) for l in part.split(b"\n") if l.startswith(b"a ")]
    move = next(m for m in moves if cell in m)
    for prime in (2**61 - 1, 2**61 - 31):
        head, rest = cert.split(b"section null %d\n" % prime)
        end = rest.index(b"section")
        vector = {int(l.split()[1]): int(l.split()[2]) for l in rest[:end].splitlines()}
        times = vector[cell] * pow(move[cell], -1, prime)
        for c, by in move.items():
            vector[c] = (vector.get(c, 0) - times * by) % prime
        assert vector[cell] == 0
        lines = [b"n %d %d\n" % entry for entry in sorted(vector.items()) if entry[1]]
        cert = head + b"section null %d\n" % prime + b"".join(lines) + rest[end:]
    return cert


def computable(folder):
    """Nothing shows any more that a's 2 who are not new, whom no table prints, cannot be computed; or the north's 8."""
    at = lambda name: os.path.join(folder, name)
    run([CELLVEIL, "protect", folder, "--policy", at("policy.yaml"), "-o", at("out")])
    for name in PROOF:
        shutil.copy(os.path.join(at("out"), name), folder)
    cert, part = read(at("certificate.cvc")), read(at("certificate.auditor.cvc"))
    for cell, wanted in ((2 * 3 + 2, 1), (1 * 3 + 2, 0)):
        write(at("certificate.cvc"), nought_at(part, cert, cell))
        redigest(folder)
        assert verdict(folder) == wanted, (cell, wanted)


def put_table(folder, codes, cells, policy, more=()):
    """A folder of {dimension: codes of its leaves}, with its result and proof."""
    os.makedirs(folder)
    at = lambda name: os.path.join(folder, name)
    for name, leaves in codes.items():
        write(at("hier_%s.csv" % name), "".join(line + "\n" for line in ["level,code", "@,_T"] + ["@@," + c for c in leaves]).encode())
    for name, lines in [("cells.csv", cells), ("policy.yaml", policy), *more]:
        write(at(name), "".join(line + "\n" for line in lines).encode())
    run([CELLVEIL, "protect", folder, "--policy", at("policy.yaml"), "-o", at("out")])
    for name in PROOF:
        shutil.copy(os.path.join(at("out"), name), folder)
    assert verdict(folder) == 0


def refused(folder, name, text, why):
    """With this text, all digests right, the certificate or its auditors' part does not hold."""
    before = [read(os.path.join(folder, n)) for n in PROOF]
    write(os.path.join(folder, name), text)
    redigest(folder)
    assert verdict(folder) == 1, why
    for n, data in zip(PROOF, before):
        write(os.path.join(folder, n), data)


def named_twice(folder):
    """Who pools is told once each: nobody is named twice in place of another."""
    cells = ["%s,%s,%d" % (o, k, n) for o, row in zip("abcd", ((0, 12, 9), (0, 14, 20), (30, 11, 8), (25, 9, 31)))
             for k, n in zip("xyz", row)]
    put_table(folder, {"office": "abcd", "kind": "xyz"}, ["office,kind,freq"] + cells,
              ["zeros: sensitive", "coalition: 3", "min_reporting: 1"])
    part = read(os.path.join(folder, "certificate.auditor.cvc"))
    pools = re.findall(rb"office (\S+\+\S+) ", part)
    assert pools, part
    for pool in pools:
        names = pool.split(b"+")
        for i, one in enumerate(names):
            for other in names[:i] + names[i + 1:]:
                twice = b"+".join(names[:i] + [other] + names[i + 1:])
                refused(folder, "certificate.auditor.cvc", part.replace(pool, twice, 1), (one, other))


def small_rests(folder):
    """Against the office that may see what the other has, the rest has lines of its own, even if another rule's moves leave it
    room: the north's 12 are all of one kind (R4), and one office knows 10 of them (R3)."""
    tree = ["level,code", "@,_T", "@@,north", "@@@,a", "@@@,b", "@@,south", "@@@,c", "@@@,d", "@@@,e"]
    cells = ["%s,%s,%d" % (o, k, n) for o, row in zip("abcde", ((10, 0), (2, 0), (20, 9), (14, 30), (11, 8))) for k, n in zip("xy", row)]
    put_table(folder, {"office": "", "kind": "xy"}, ["office,kind,freq"] + cells, ["group_min: 3", "zeros: published", "min_reporting: 1"],
              [("hier_office.csv", tree)])
    part = read(os.path.join(folder, "certificate.auditor.cvc"))
    lines = re.findall(rb"(?m)^r .* R3\n", part)
    both = [l for l in lines if re.search(rb"(?m)^r %s .* R4$" % l.split()[1], part)]
    assert both, part
    for line in lines:
        fewer = part.replace(line, b"")
        moves = {l.split()[-2] for l in fewer.splitlines() if l.startswith(b"r ")}
        if line.split()[-2] in moves:
            refused(folder, "certificate.auditor.cvc", fewer, line)


def whole_components(folder):
    """A public table names every cell of a component and no other, and shows something that those before it do not."""
    cells = ["a%d,b1,o1,%d" % (i, n) for i, n in enumerate((11, 7, 2))]
    put_table(folder, {"area": ["a0", "a1", "a2", "a3"], "kind": ["b0", "b1"]}, ["area,kind,office,freq"] + cells,
              ["zeros: sensitive", "min_reporting: 1"], [("structural.csv", ["area,kind", "a3,b1", "*,b0"])])
    cert = read(os.path.join(folder, "certificate.cvc"))
    tables = re.findall(rb"(?m)^w .*\n", cert)
    assert tables, cert
    for line in tables[:1]:
        words = line.split()
        named = {int(w.split(b"=")[0]): w for w in words[4:]}
        for one in [c for c, w in named.items() if w.endswith(b"=0")]:
            for other in [None] + [c for c in range(30) if c not in named]:
                rest = {c: w for c, w in named.items() if c != one}
                if other is not None:
                    rest[other] = b"%d=%s" % (other, named[one].split(b"=")[1])
                new = b" ".join(words[:3] + [b"%d" % len(rest)] + [rest[c] for c in sorted(rest)]) + b"\n"
                refused(folder, "certificate.cvc", cert.replace(line, new), (line, new))
    again = tables[-1].replace(b"w %d " % (len(tables) - 1), b"w %d " % len(tables))
    refused(folder, "certificate.cvc", cert.replace(tables[-1], tables[-1] + again), again)
    first, rest = cert.split(b"section tables\n")
    hidden = len(re.findall(rb",H\n", read(os.path.join(folder, "RESULT.csv"))))
    for lines in ([hidden - 1, 1], [hidden, 0], [hidden + 1], []):
        text = b"".join(b"o %d %d\n" % x for x in enumerate(lines))
        refused(folder, "certificate.cvc", first + b"section tables\nsection open\n" + text + b"end-public \n", lines)


def one_form(folder):
    """A result is written in one way, and shows nothing of a hidden cell."""
    result = read(os.path.join(folder, "RESULT.csv"))
    for what, new in ((rb",,H\n", b",3,H\n"), (rb",,H\n", b",0,H\n"), (rb",(\d+),P\n", rb",0\1,P\n")):
        other = re.sub(what, new, result, count=1)
        assert other != result, result
        refused(folder, "RESULT.csv", other, (what, new))


def marks(folder):
    """One letter a cell, as RESULT.csv and the lists say it."""
    rows = [line.split(",") for line in read(os.path.join(folder, "RESULT.csv")).decode().splitlines()]
    lists = [list(dict.fromkeys(line.split(",")[1] for line in read(os.path.join(
        folder, "hier_%s.csv" % name)).decode().splitlines()[1:])) for name in rows[0][:-2]]
    mark = {tuple(row[:-2]): row[-1] for row in rows[1:]}
    return "".join(mark.get(cell, "-") for cell in itertools.product(*lists)).encode()


def listed(tables, lists):
    """The cells that a tables.csv lists."""
    sets = {}
    for table, dim, codes in (line.split(",") for line in tables[1:]):
        sets.setdefault(table, {})[dim] = lists[dim] if codes == "*" else codes.split("|")
    return set().union(*(itertools.product(*(t.get(dim, ["_T"]) for dim in lists)) for t in sets.values()))


def rows_are_listed(folder):
    """A row for each cell that tables.csv lists, and for no other: whatever else fits, digests and all."""
    lists = {"office": ["_T"] + list("abcd"), "kind": ["_T"] + list("xyz")}
    tables = ["table,dim,codes", "t,office,_T|a|b|c", "t,kind,_T|x", "u,kind,x|y", "u,office,*"]
    cells = ["%s,%s,%d" % (o, k, n) for o, row in zip("abcd", ((20, 12, 9), (3, 14, 20), (30, 11, 8), (25, 9, 31)))
             for k, n in zip("xyz", row)]
    put_table(folder, {"office": "abcd", "kind": "xyz"}, ["office,kind,freq"] + cells, ["zeros: camouflage", "min_reporting: 1"],
              [("tables.csv", tables)])
    at = lambda name: os.path.join(folder, name)
    def tried(more=()):
        redigest(folder)
        p = run([CELLVEIL, "verify-certificate", folder, at("RESULT.csv"), at("certificate.cvc"), *more], want=None)
        return p.returncode, p.stdout + p.stderr
    assert tried()[0] == 0
    result = read(at("RESULT.csv")).splitlines(keepends=True)
    lines_of = [None]
    for i, line in enumerate(tables[1:], 1):
        table, dim, codes = line.split(",")
        for code in lists[dim]:
            held = lists[dim] if codes == "*" else codes.split("|")
            other = [c for c in held if c != code] if code in held else held + [code]
            lines_of.append((i, "%s,%s,%s" % (table, dim, "|".join(other))))
    for change in lines_of:
        made = tables[:change[0]] + [change[1]] + tables[change[0] + 1:] if change else None
        if made is None:
            os.remove(at("tables.csv"))
        else:
            write(at("tables.csv"), "".join(line + "\n" for line in made).encode())
        before = listed(tables, lists)
        now = listed(made, lists) if made else set(itertools.product(*lists.values()))
        code, said = tried()
        assert code == (0 if now == before else 1), (made, said)
        if before - now:
            row = next(i for i, line in enumerate(result, 1) if tuple(line.decode().split(",")[:2]) in before - now)
            assert "RESULT.csv:%d: a row of a cell that tables.csv does not list" % row in said, said
        elif now - before:
            assert "RESULT.csv: no row of cell" in said and (made is None or re.search(r"tables.csv:\d+: ", said)), said
    write(at("tables.csv"), "".join(line + "\n" for line in tables).encode())
    for i in range(1, len(result)):
        write(at("RESULT.csv"), b"".join(result[:i] + result[i + 1:]))
        other = re.sub(rb"(?m)^pattern .*$", b"pattern " + hashlib.sha256(marks(folder)).hexdigest().encode(), read(at("certificate.cvc")))
        write(at("certificate.cvc"), other)
        code, said = tried()
        assert code == 1 and "no row of cell" in said, (result[i], said)


def coarser_codes(folder):
    """Parts that a coarser code stands for have no row; which codes are, the manifest tells."""
    os.makedirs(folder)
    at = lambda name: os.path.join(folder, name)
    for name, lines in (("hier_area.csv", ["level,code", "@,_T", "@@,A", "@@@,a1", "@@@,a2", "@@,B", "@@@,b1", "@@@,b2"]),
                        ("cells.csv", ["area,freq", "a1,3", "a2,40", "b1,20", "b2,30"]), ("forced.csv", ["area", "a2", "A", "b1"]),
                        ("policy.yaml", ["min_reporting: 0", "ladder: coarsen"])):
        write(at(name), "".join(line + "\n" for line in lines).encode())
    run([CELLVEIL, "protect", folder, "--policy", at("policy.yaml"), "-o", at("out")])
    for name in PROOF:
        shutil.copy(os.path.join(at("out"), name), folder)
    assert verdict(folder) == 0 and marks(folder) == b"PP--PPP"
    for codes, want in ((["A"], 0), ([], 1), (["B"], 1), (["A", "B"], 1), (["_T"], 1)):
        lines = ['{"ladder":"coarsen","dimension":"area","code":"%s"}\n' % c for c in codes]
        write(at("manifest.jsonl"), manifest(folder) + "".join(lines).encode())
        assert verdict(folder, ["--manifest", at("manifest.jsonl")]) == want, codes
    os.remove(at("manifest.jsonl"))
    before = read(at("RESULT.csv"))
    for gone in (rb"A", rb"B", rb"b1", rb"_T"):
        write(at("RESULT.csv"), re.sub(rb"(?m)^%s,.*\n" % gone, b"", before))
        cert = read(at("certificate.cvc"))
        write(at("certificate.cvc"), re.sub(rb"(?m)^pattern .*$", b"pattern " + hashlib.sha256(marks(folder)).hexdigest().encode(), cert))
        redigest(folder)
        p = run([CELLVEIL, "verify-certificate", folder, at("RESULT.csv"), at("certificate.cvc")], want=1)
        assert "no row of cell" in p.stderr, p.stderr


def main():
    seed = int(os.environ.get("CELLVEIL_SEED", 4))
    print("seed", seed, flush=True)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cv-") as top:
        run([sys.executable, os.path.join(SOURCE, "bench/tables.py"), top, "T1"])
        table = os.path.join(top, "T1")
        write(os.path.join(table, "policy.yaml"), b"threshold: 5\n")
        run([CELLVEIL, "protect", table, "--policy", os.path.join(table, "policy.yaml"), "-o", os.path.join(top, "out")])
        accepted = tampered(rng, table, top)
        for _ in range(2):
            accepted += tampered(rng, made_up(rng, os.path.join(top, "other")), top)
        for how in METHODS:
            accepted += tampered_moved(rng, top, how)
        named_twice(os.path.join(top, "pools"))
        small_rests(os.path.join(top, "rests"))
        whole_components(os.path.join(top, "components"))
        one_form(os.path.join(top, "components"))
        rows_are_listed(os.path.join(top, "rows"))
        coarser_codes(os.path.join(top, "coarser"))
        sums(table, top)
        insiders(os.path.join(top, "one"), 1)
        computable(os.path.join(top, "one"))
        insiders(os.path.join(top, "two"), 2)
        cornered(os.path.join(top, "cornered"))
        several_lists(os.path.join(top, "lists"))
        folder = corrected(rng, top)
        said_to_have_changed(folder, top)
        accepted += tampered_ledger(rng, folder, top)
        assert not accepted, "\n".join(accepted)
    print("ok")


if __name__ == "__main__":
    main()
