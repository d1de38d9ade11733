#!/usr/bin/python3
"""The auditors' tools on this machine: a log of a million leaves, proofs, and one cell of a large release.

    audit.py [LEAVES [CELLS]]     bench/README.md explains
"""
import base64
import hashlib
import json
import os
import random
import re
import resource
import struct
import subprocess
import sys
import time

import nacl.signing

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE, "tests/e2e"))
from harness import BIN, DATASET, ORIGIN, Deployment  # noqa: E402
import pyclient  # noqa: E402

HELPERS = os.path.join(os.path.dirname(BIN), "bench")
OFFICES = ["o%02d" % i for i in range(64)]


def config(kinds):
    codes = "".join("    - {code: k%04d, of: [_T], sv: k, en: k}\n" % i for i in range(kinds))
    offices = "".join("    - {code: %s, of: [_T], sv: o, en: o}\n" % o for o in OFFICES)
    return """cellveil-config: 1
origin: %s
dataset: %s
form: {id: bench, version: "1", valid: "2020.."}
period: YYYY
codes:
  kind:
    - {code: _T, sv: T, en: T}
%s  office:
    - {code: _T, sv: T, en: T}
%smeasures:
  - {id: clients, dims: [kind], max: 10000000, unit: person, about: client, sv: k, en: k}
asked: ["clients|*"]
release: {opens: P0D, closes: P15D, grace: P0D, publish: P0D, late: hold, office_dim: office,
  tables: [{id: clients, measures: [clients], dims: [office, kind], sv: k, en: k}]}
policy: {threshold: 5, effort: 0, ladder: [withhold]}
""" % (ORIGIN, DATASET, codes, offices)


def write(data, *path):
    path = os.path.join(*path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def tile_name(level, index, width):
    return "log/tile/%s/%s%s" % (level, pyclient.tile_path(index), "" if width == 256 else ".p/%d" % width)


def grow(d, public, leaves):
    """The deployment's own log, followed by leaves of forms, as its log key would sign it."""
    with open(os.path.join(d.home, "keys/log"), encoding="ascii") as f:
        key = nacl.signing.SigningKey(base64.b64decode(re.search(r"cellveil-secret-log:(\S+)", f.read()).group(1)))
    width = int(open(os.path.join(d.public, "log/checkpoint"), encoding="utf-8").read().split("\n")[1])
    with open(os.path.join(d.public, tile_name("entries", 0, width)), "rb") as f:
        entries = pyclient.bundle_entries(f.read())
    rng, level = random.Random(1), []
    for first in range(0, leaves, 256):
        while len(entries) < min(leaves, first + 256) - first:
            entries.append(b'{"v":1,"i":%d,"t":%d,"k":"submission","stmt":"%s"}' % (
                first + len(entries), 1700000000 + first, rng.randbytes(32).hex().encode()))
        hashes = b"".join(hashlib.sha256(b"\0" + e).digest() for e in entries)
        write(b"".join(struct.pack(">H", len(e)) + e for e in entries), public, tile_name("entries", first >> 8, len(entries)))
        write(hashes, public, tile_name("0", first >> 8, len(entries)))
        level.append(hashes)
        entries = []
    write(checkpoint(key, leaves, upper(public, level)), public, "log/checkpoint")


def upper(public, tiles):
    """Writes the levels above; the root of all."""
    leaves = [t[i:i + 32] for t in tiles for i in range(0, len(t), 32)]
    at = 1
    while len(tiles) > 1:
        roots = [pyclient.tree_root([t[i:i + 32] for i in range(0, len(t), 32)]) for t in tiles if len(t) == 8192]
        tiles = [b"".join(roots[i:i + 256]) for i in range(0, len(roots), 256)]
        for index, tile in enumerate(tiles):
            write(tile, public, tile_name(str(at), index, len(tile) // 32))
        at += 1
    return pyclient.tree_root(leaves)


def checkpoint(key, size, root):
    text = ("%s\n%d\n%s\n" % (ORIGIN, size, base64.b64encode(root).decode())).encode()
    ident = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + bytes(key.verify_key)).digest()[:4]
    line = base64.b64encode(ident + key.sign(text).signature).decode()
    return text + ("\n\u2014 %s %s\n" % (ORIGIN, line)).encode()


def timed(client, *args, want=0):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    p = client.run("audit", *args, want=want, timeout=600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return p.stdout, time.monotonic() - start, after.ru_utime - before.ru_utime, after.ru_maxrss


def the_log(leaves):
    with Deployment(config=config(2), offices=[]) as d:
        auditor = d.reader("revisor", "auditor")
        d.vault.stop()
        public = os.path.join(d.folder, "large")
        os.mkdir(public)
        for name in ("keyset",):
            os.link(os.path.join(d.public, name), os.path.join(public, name))
        grow(d, public, leaves)
        floor = json.loads(subprocess.run([os.path.join(HELPERS, "bench_log"), public + "/log"], check=True,
                                          stdout=subprocess.PIPE).stdout)
        _, first, cpu, peak = timed(auditor, "log", "--kind", "release", "--public", public)
        _, again, _, _ = timed(auditor, "log", "--kind", "release", "--public", public)
        proof, _, _, _ = timed(auditor, "proof", str(leaves // 2), "--public", public)
    rate = floor["sha256_rate"]
    print("a log of %d leaves, %.0f MB to hash with its nodes" % (leaves, floor["bytes"] / 1e6))
    print("  this machine's SHA-256 (libsodium, one long buffer)     %8.0f MB/s" % (rate / 1e6))
    print("  the same hashes one by one, nothing else                %8.2f s" % floor["hash_s"])
    print("  audit log: verified and listed, first look              %8.2f s   %.1f times the hashes alone, %.1f times "
          "the bytes at full rate" % (first, first / floor["hash_s"], first * rate / floor["bytes"]))
    print("  the same against what was seen before                   %8.2f s" % again)
    print("  memory                                                  %8d MB  (%.1f s of it in the program itself)" % (
        peak // 1024, cpu))
    print("  proof of inclusion: %d hashes, %d bytes as a file; made from tiles in %.0f us, verified in %.0f us" % (
        floor["inclusion_hashes"], len(proof.encode()), floor["make_us"], floor["verify_us"]))
    print("  proof of consistency: at most %d hashes; made and verified in %.0f us" % (
        floor["consistency_hashes"], floor["consistency_us"]))


def forms(d, kinds):
    rng = random.Random(2)
    path = os.path.join(d.folder, "form.csv")
    for office in OFFICES:
        with open(path, "w", encoding="ascii") as f:
            f.write("office,year,measure,kind,value\n")
            values = [rng.randrange(1, 5) if rng.random() < 0.02 else rng.randrange(20, 900) for _ in range(kinds)]
            f.write("%s,2024,clients,_T,%d\n" % (office, sum(values)))
            f.writelines("%s,2024,clients,k%04d,%d\n" % (office, k, value) for k, value in enumerate(values))
        d.office(office).push(path, "--period", "2024")


def the_release(cells):
    kinds = cells // (len(OFFICES) + 1)
    with Deployment(config=config(kinds), offices=OFFICES) as d:
        auditor = d.reader("revisor", "auditor")
        d.open_period("2024")
        forms(d, kinds)
        d.close_period("2024")
        start = time.monotonic()
        d.publish("2024", timeout=600)
        published = time.monotonic() - start
        reasons, all_s, _, _ = timed(auditor, "explain", "2024", "--csv")
        cell = reasons.split("\n")[1].split(",")[0]
        _, one_s, cpu, peak = timed(auditor, "explain", "2024", cell)
        said, verify_s, _, _ = timed(auditor, "verify", "--json")
        n = json.loads(auditor.run("audit", "log", "--kind", "release", "--json").stdout)[0]
        assert json.loads(said)["holds"]
    print("a release of %d cells, %d of them hidden (protected and published in %.1f s)" % (
        n["cells"], n["suppressed"], published))
    print("  audit explain, one cell: fetched, opened, compared, told %7.2f s   (%.1f s CPU, %d MB)" % (one_s, cpu, peak // 1024))
    print("  audit explain, all cells                                %8.2f s" % all_s)
    print("  audit verify, certificate and feed included             %8.2f s" % verify_s)


def main():
    the_log(int(sys.argv[1]) if len(sys.argv) > 1 else 1000000)
    print()
    the_release(int(sys.argv[2]) if len(sys.argv) > 2 else 100000)


if __name__ == "__main__":
    main()
