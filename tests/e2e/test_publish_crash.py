#!/usr/bin/python3
"""The vault is killed at each step of publishing, with real programs and real forms.

Whatever the step: nothing half published is ever under public/, a restart ends in exactly one release, its bytes
are those that were decided, earlier releases stay as they were, and the log leads to its signed root (oracles iv, v
of the fault list). One period for each step, all in one deployment; then the same for corrections, and corrections of what is lost.
"""
import base64
import contextlib
import hashlib
import json
import os
import sqlite3
import struct
import subprocess
import time

from harness import BIN, DATASET, ORIGIN, PATIENCE, Deployment, run
from rowbind import Binding

CONFIG = """cellveil-config: 1
origin: %s
dataset: %s
form: {id: small, version: "1", valid: "2024.."}
period: YYYY
codes:
  sex: [{code: _T, en: Total}, {code: F, of: [_T], en: Women}, {code: M, of: [_T], en: Men}]
  office: [{code: _T}, {code: o0, of: [_T]}, {code: o1, of: [_T]}, {code: o2, of: [_T]}, {code: o3, of: [_T]}]
measures:
  - {id: clients, dims: [sex], max: 100000, unit: person, about: client, sv: Klienter, en: Clients}
asked: ["clients|F,M"]
release: {office_dim: office, tables: [{id: clients, measures: [clients], dims: [office, sex]}]}
policy: {threshold: 5, width: 2, zeros: camouflage}
""" % (ORIGIN, DATASET)
OFFICES = ["o0", "o1", "o2", "o3"]
POINTS = ["release-sealed", "release-protected", "release-before-commit", "release-commit", "release-files",
          "release-checkpoint", "release-feed"]
CORRECTION_POINTS = ["release-protected", "release-before-commit", "release-commit", "release-files"]


def has_crash_points():
    with open(os.path.join(BIN, "cellveild"), "rb") as f:
        return b"release-before-commit" in f.read()


def push_all(d, period, more=0):
    for i, code in enumerate(OFFICES):
        path = os.path.join(d.folder, "form.csv")
        small = 3 if i == 0 else 40 + 5 * i  # one small count: something is hidden in every release
        with open(path, "w", encoding="ascii") as f:
            f.write("office,year,measure,sex,value\n%s,%s,clients,F,%d\n%s,%s,clients,M,%d\n" %
                    (code, period, small + more, code, period, 50 + 3 * i + more))
        assert d.office(code).push(path, "--period", period)["state"] == "received"


def release_dir(d, period, revision=0):
    return os.path.join(d.public, "release", DATASET, period, str(revision))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def files_of(folder):
    return {name: read(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}


def rows_of(d, period, revision=0):
    """Files of the release as committed; the vault is not running."""
    with contextlib.closing(sqlite3.connect(os.path.join(d.state, "vault/store"))) as db:
        return dict(db.execute("SELECT f.name, f.data FROM release_file f JOIN period p ON p.id = f.period"
                               " WHERE p.name = ? AND f.revision = ?", (period, revision)))


def check_whole(d, period, revision=0):
    """The release directory is absent, or complete and what its manifest says."""
    folder = release_dir(d, period, revision)
    if not os.path.exists(folder):
        return None
    files = files_of(folder)
    named = {}
    for line in files["manifest.txt"].decode("ascii").splitlines():
        if line.startswith("BLAKE2b-256 ("):
            name, digest = line[len("BLAKE2b-256 ("):].split(") = ")
            named[name] = digest
    assert set(files) == set(named) | {"manifest.txt", "manifest.txt.minisig"}, files.keys()
    for name, digest in named.items():
        assert hashlib.blake2b(files[name], digest_size=32).hexdigest() == digest, name
    return files


def node(level):
    """RFC 6962 root over leaf hashes."""
    if not level:
        return hashlib.sha256(b"").digest()
    if len(level) == 1:
        return level[0]
    k = 1
    while k * 2 < len(level):
        k *= 2
    return hashlib.sha256(b"\x01" + node(level[:k]) + node(level[k:])).digest()


def tile_name(n):
    parts = ["%03d" % (n % 1000)]
    while n >= 1000:
        n //= 1000
        parts.insert(0, "x%03d" % (n % 1000))
    return "/".join(parts)


def check_log(d):
    origin, size, root = read(os.path.join(d.public, "log/checkpoint")).decode("utf-8").splitlines()[:3]
    assert origin == ORIGIN
    entries, size = [], int(size)
    for k in range((size + 255) // 256):
        width = min(256, size - 256 * k)
        name = tile_name(k) + ("" if width == 256 else ".p/%d" % width)
        bundle = read(os.path.join(d.public, "log/tile/entries", name))
        while bundle:
            (length,) = struct.unpack(">H", bundle[:2])
            entries.append(bundle[2:2 + length])
            bundle = bundle[2 + length:]
    assert len(entries) == size, (len(entries), size)
    assert node([hashlib.sha256(b"\x00" + e).digest() for e in entries]) == base64.b64decode(root)
    return entries


def crash_once(d, period, point, before):
    push_all(d, period)
    d.close_period(period)
    d.vault.stop()
    d.vault.start(CELLVEIL_CRASH=point)
    d.publish(period, want=1)  # the connection breaks
    assert d.vault.process.wait(60) == -9, point
    d.vault.process = None
    half = check_whole(d, period)
    committed = rows_of(d, period)
    assert half is None or committed, "files that no row explains"
    assert bool(committed) == (POINTS.index(point) >= POINTS.index("release-commit")), point
    d.vault.start()  # seals that were asked for and releases that were decided are carried to their end
    after = check_whole(d, period)
    assert after is not None, point
    if committed:
        assert after == committed, point
    for earlier, files in before.items():
        assert check_whole(d, earlier) == files, (point, earlier)
    entries = check_log(d)
    assert sum(b'"k":"release"' in e and ('"p":"%s"' % period).encode() in e for e in entries) == 1, point
    assert sum(b'"k":"period-seal"' in e and ('"p":"%s"' % period).encode() in e for e in entries) == 1, point
    d.publish(period, want=6)  # it is out; nobody has sent anything new
    d.ctl("release", "show", period)  # made again from the forms: the same object, or it would fail
    return after


def crash_correction(d, period, point, first):
    """The same with a second release of the period: the correction goes out once, and the first stays what it was."""
    push_all(d, period, 20)
    d.vault.stop()
    d.vault.start(CELLVEIL_CRASH=point)
    d.publish(period, want=1)
    assert d.vault.process.wait(60) == -9, point
    d.vault.process = None
    half, committed = check_whole(d, period, 1), rows_of(d, period, 1)
    assert half is None or committed, "files that no row explains"
    assert bool(committed) == (POINTS.index(point) >= POINTS.index("release-commit")), point
    assert rows_of(d, period) == first
    d.vault.start()
    after = check_whole(d, period, 1)
    assert after is not None and after["release.csv"] != first["release.csv"], point
    assert not committed or after == committed, point
    entries = check_log(d)
    assert sum(b'"k":"release"' in e and ('"p":"%s"' % period).encode() in e for e in entries) == 2, point
    d.publish(period, want=6)
    d.ctl("release", "show", period)
    return after


def earlier_lost(d):
    """What an earlier release said or was made of cannot be read any more: no correction goes out, and it is said."""
    for period, statement, told in (
            ("2031", "DELETE FROM release_file WHERE name = 'result.csv' AND revision = 0 AND period = ?",
             "revision 0 of the period: its RESULT.csv is missing"),
            ("2033", "DELETE FROM release_file WHERE name = 'certificate.cvc' AND revision = 1 AND period = ?",
             "revision 1 of the period: its certificate.cvc is missing"),
            ("2034", "UPDATE period SET data_key = NULL WHERE id = ?", "")):
        push_all(d, period, 70)
        d.vault.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(d.state, "vault/store"))) as db:
            (number,) = db.execute("SELECT id FROM period WHERE name = ?", (period,)).fetchone()
            assert db.execute(statement, (number,)).rowcount == 1
            Binding(d.home).bind(db)
            db.commit()
        d.vault.start()
        p = d.publish(period, want=None)
        assert p.returncode != 0 and told in p.stdout + p.stderr, (period, p.returncode, p.stdout, p.stderr)
        assert p.stderr.strip(), "refused without a reason"
        assert not os.path.exists(release_dir(d, period, 2))
        print("ok earlier release lost:", p.stderr.strip().splitlines()[-1], flush=True)


def await_gate(d):
    """The gate has found the restarted vault and has its newest envelopes."""
    end = time.monotonic() + PATIENCE
    while json.loads(d.ctl("status", "--json").stdout)["facts"]["gate"] != "connected":
        assert time.monotonic() < end
    while d.ctl("status", "--json").stdout.count('"registry at the gate":"0"'):
        assert time.monotonic() < end


def main():
    if not has_crash_points():
        print("skipped: this build has no crash points")
        return
    with Deployment(config=CONFIG, offices=OFFICES) as d:
        reader = d.reader()
        done = {}
        for i, point in enumerate(POINTS):
            period = str(2024 + i)
            d.open_period(period)
            done[period] = crash_once(d, period, point, done)
            print("ok", point, flush=True)
        for i, point in enumerate(CORRECTION_POINTS):
            period = str(2031 + i)
            d.open_period(period)
            push_all(d, period)
            d.close_period(period)
            d.publish(period)
            crash_correction(d, period, point, check_whole(d, period))
            print("ok correction", point, flush=True)
        earlier_lost(d)
        await_gate(d)
        for period in done:
            reader.run("get", period)
            assert b",suppressed" in done[period]["release.csv"]
        shown = d.ctl("release", "show", "2024").stdout
        assert "small count (R1)" in shown and "else this could be computed" in shown, shown
        d.ctl("release", "withdraw", "2024", "--reason", "error")
        assert not os.path.exists(release_dir(d, "2024"))
        reader.run("get", "2024", want={1})
        for name in ("manifest.txt.minisig",):
            p = subprocess.run(["minisign", "-V", "-q", "-p", os.path.join(d.home, "release.pub"), "-m",
                                os.path.join(release_dir(d, "2025"), "manifest.txt")], check=False)
            assert p.returncode == 0, name
        run(["b2sum", "--quiet", "-c", "manifest.txt"], cwd=release_dir(d, "2025"))
        assert d.vault.stop() == 0
    print("ok")


if __name__ == "__main__":
    main()
