#!/usr/bin/python3
"""One field of a certificate, its auditors' part, the result or a hierarchy is changed: the verifier says no.

Each change is tried as it is and with every digest made right again, the manifest's not: who holds the files to the
manifest in the log has nothing else to ask. Not asked for with new digests and no manifest: the line `blind`, which says
nothing, and another move in a requirement that does the same there.
"""
import hashlib
import os
import random
import re
import shutil
import struct
import sys
import tempfile

from harness import BIN, SOURCE, run

CELLVEIL = os.path.join(BIN, "cellveil")
FILES = ("certificate.cvc", "certificate.auditor.cvc", "RESULT.csv", "hier_age.csv", "hier_office.csv", "hier_sex.csv")
TRIES = 30  # of each file, with and without new digests


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def redigest(folder):
    """Every digest made right again, from the inside out."""
    at = lambda name: os.path.join(folder, name)
    grid = hashlib.sha256()
    for name in sorted(n for n in os.listdir(folder) if n.startswith("hier_")):
        data = read(at(name))
        grid.update(struct.pack("<Q", len(name)) + name.encode() + struct.pack("<Q", len(data)) + data)
    cert = read(at("certificate.cvc"))
    cert = re.sub(rb"(?m)^grid .*$", b"grid " + grid.hexdigest().encode(), cert)
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
    new = str(int(m.group()) + rng.choice((1, 2, 7))).encode()
    lines[line] = text[:m.start()] + new + text[m.end():]
    return b"\n".join(lines), "line %d: %s -> %s" % (line + 1, m.group().decode(), new.decode())


def verdict(folder):
    at = lambda name: os.path.join(folder, name)
    return run([CELLVEIL, "verify-certificate", folder, at("RESULT.csv"), at("certificate.cvc"), "--auditor",
                at("certificate.auditor.cvc"), "--truth", at("cells.csv")], want=None).returncode


def main():
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print("seed", seed, flush=True)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cv-") as top:
        run([sys.executable, os.path.join(SOURCE, "bench/tables.py"), top, "T1"])
        table, out = os.path.join(top, "T1"), os.path.join(top, "out")
        run([CELLVEIL, "protect", table, "-o", out])
        for name in ("RESULT.csv", "certificate.cvc", "certificate.auditor.cvc"):
            shutil.copy(os.path.join(out, name), table)
        before = {name: read(os.path.join(table, name)) for name in FILES}
        redigest(table)
        assert before == {name: read(os.path.join(table, name)) for name in FILES} and verdict(table) == 0
        accepted = []
        for name in FILES:
            for digests in (False, True):
                tried = 0
                for _ in range(40 * TRIES):
                    made = changed(rng, read(os.path.join(table, name)), digests)
                    if made is None or tried == TRIES:
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
        assert not accepted, "\n".join(accepted)
    print("ok")


if __name__ == "__main__":
    main()
