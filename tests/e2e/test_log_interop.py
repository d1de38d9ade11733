"""The published log, read by programs that are not ours: Go's checksum database code (notes, checkpoints, tiles,
entries, proofs), where Debian's golang-go and golang-golang-x-mod-dev are installed (./run test installs them), and the
second client written from docs/protocol.md. More than one tile, cosigned, and as it grows."""
import os
import shutil

import pyclient
from harness import ORIGIN, SOURCE, Deployment, environment, run
from test_client_read import CONFIG, COUNTS, release

GO_CODE = "/usr/share/gocode"


def build(folder):
    """The checker, or None where Go is not installed."""
    if shutil.which("go") is None or not os.path.isdir(GO_CODE + "/src/golang.org/x/mod/sumdb/tlog"):
        return None
    out = os.path.join(folder, "logcheck")
    run(["go", "build", "-o", out, os.path.join(SOURCE, "tests/go/logcheck.go")], timeout=300, cwd=folder,
        env=environment(GO111MODULE="off", GOPATH=GO_CODE, GOCACHE=os.path.join(folder, "go"), GOFLAGS="-p=2", HOME=folder))
    return out


class Checker:
    """Both readers of a folder, with keys as `audit keys` tells them."""

    def __init__(self, program, auditors):
        self.program = program
        self.vkeys, self.witnesses = {}, []
        for client in auditors:
            for line in client.run("audit", "keys").stdout.splitlines():
                words = line.lstrip("# ").split()
                if words[0] == "witness":
                    self.witnesses.append(words[2])
                elif words[0] in ("log", "root"):
                    self.vkeys[words[0]] = words[1]

    def go(self, public, *files, want=0):
        if self.program is None:
            return ""
        p = run([self.program, public, self.vkeys["log"], self.vkeys["root"], ",".join(self.witnesses), *files], want=want)
        return p.stdout if want == 0 else p.stderr

    def python(self, public, proofs=()):
        """By the specifications alone: names, hashes, roots."""
        _, kind, key = part_of(self.vkeys["log"])
        assert kind == pyclient.NOTE_SIGNATURE
        cosigners = [part_of(v) for v in self.witnesses]
        note = read(public, "log/checkpoint").decode()
        checkpoint = pyclient.Checkpoint(note, ORIGIN, [key], [(who, public) for who, _, public in cosigners])
        for signer in cosigners:
            pyclient.note_open(note, [signer], signer[0])
        size = checkpoint.size
        leaves, entries = [], []
        for index in range((size + 255) // 256):
            width = min(256, size - 256 * index)
            name = pyclient.tile_path(index) + ("" if width == 256 else ".p/%d" % width)
            bundle = pyclient.bundle_entries(read(public, "log/tile/entries", name))
            tile = b"".join(map(pyclient.leaf_hash, bundle))
            assert len(bundle) == width and tile == read(public, "log/tile/0", name), name
            entries += bundle
            leaves += map(pyclient.leaf_hash, bundle)
        full = size // 256
        if full:
            want = b"".join(pyclient.tree_root(leaves[256 * i:256 * i + 256]) for i in range(full))
            assert read(public, tile_above(size)) == want
        assert checkpoint.root == pyclient.tree_root(leaves)
        for path in proofs:
            proof = pyclient.LogProof(read(path).decode(), ORIGIN, [key])
            proof.check(proof.index, entries[proof.index])
            assert proof.checkpoint.note == note, path
        return entries


def part_of(vkey):
    name, number, key = vkey.split("+", 2)
    data = pyclient.unbase64(key)
    assert pyclient.note_hash(name, data[0], data[1:]).hex() == number
    return name, data[0], data[1:]


def tile_above(size):
    """The tile of level 1 of a log of 256 to 65,535 entries: its number of hashes is part of the name."""
    return "log/tile/1/000.p/%d" % (size // 256)


def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()


def grow(d, n):
    """The log grows to n entries at least, by how many more depends on when a checkpoint is due: every change of mode is
    a leaf."""
    size = 0
    while size < n:
        d.ctl("mode", "normal")
        size = int(read(d.public, "log/checkpoint").split(b"\n")[1])
    d.vault.restart()  # what waits for the next checkpoint gets it now


def spoil(path):
    data = read(path)
    at = min(150, len(data) // 2)
    os.chmod(path, 0o644)
    with open(path, "wb") as f:
        f.write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
    return data


def main():
    with Deployment(config=CONFIG, offices=list(COUNTS)) as d:
        auditors = [d.reader(name, "auditor") for name in ("anna", "bo")]
        check = Checker(build(d.folder), auditors)
        release(d, "2023")
        older = []
        for size in (0, 40, 257):
            grow(d, size)
            for client in auditors:
                client.run("audit", "cosign")
            proof = [os.path.join(d.folder, "%s.tlog-proof" % name) for name in ("2023", "0", "7")]
            for path in proof:
                auditors[0].run("audit", "proof", os.path.basename(path).split(".")[0], "-o", path)
            said = check.go(d.public, *older, *proof)
            entries = check.python(d.public, proof)
            assert check.program is None or said.startswith("%d entries, 3 signatures" % len(entries)), said
            older.append(os.path.join(d.folder, "checkpoint-%d" % len(entries)))
            shutil.copyfile(os.path.join(d.public, "log/checkpoint"), older[-1])
        auditors[0].run("audit", "proof", "999999", want=2)
        d.vault.stop()  # it would mend them
        # and they would have told: a byte of a tile, of an entry, of the checkpoint, of a proof
        for name in ("log/tile/0/000", "log/tile/entries/000", "log/checkpoint", tile_above(len(entries)), proof[2]):
            path = os.path.join(d.public, name)
            good = spoil(path)
            assert check.program is None or "logcheck: " in check.go(d.public, proof[2], want=1), name
            try:
                check.python(d.public, proof[2:])
                raise SystemExit("the second reader takes a spoiled " + name)
            except (AssertionError, ValueError, pyclient.Untrusted, pyclient.Malformed):
                pass
            with open(path, "wb") as f:
                f.write(good)
        check.go(d.public)
    print("ok" if check.program else "ok, without Go's reader: golang-go or golang-golang-x-mod-dev is not installed")


if __name__ == "__main__":
    main()
