"""What an auditor finds: every changed byte, every leaf dropped, moved, doubled or rewritten, a log that went back.

The honest log first; then copies of the public folder, each spoiled in one way. Where the operator's own keys
sign the spoiled log again, only what the auditor saw before can tell: it must, and keep the evidence."""
import base64
import csv
import hashlib
import json
import os
import re
import shutil
import sqlite3
import struct

import nacl.signing

import pyclient
from harness import BIN, ORIGIN, Deployment, run
from rowbind import Binding
from test_client_read import CONFIG, COUNTS, release


def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()


def write(data, *path):
    path = os.path.join(*path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.unlink(path)  # copies are hard links
    with open(path, "wb") as f:
        f.write(data)


class Log:
    """A log in a folder that can be written again and signed again."""

    def __init__(self, public, seed):
        self.public, self.seed = public, seed
        self.size = int(read(public, "log/checkpoint").split(b"\n")[1])
        assert self.size < 256
        self.leaves = pyclient.bundle_entries(read(self.path("entries")))

    def path(self, what):
        return os.path.join(self.public, "log/tile/%s/000.p/%d" % (what, self.size))

    def put_bundle(self):
        self.size = len(self.leaves)
        write(b"".join(struct.pack(">H", len(x)) + x for x in self.leaves), self.path("entries"))

    def put_tile(self):
        write(b"".join(pyclient.leaf_hash(x) for x in self.leaves), self.path("0"))

    def sign(self):
        root = pyclient.tree_root([pyclient.leaf_hash(x) for x in self.leaves])
        text = ("%s\n%d\n%s\n" % (ORIGIN, self.size, base64.b64encode(root).decode())).encode()
        key = nacl.signing.SigningKey(self.seed)
        ident = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + bytes(key.verify_key)).digest()[:4]
        line = base64.b64encode(ident + key.sign(text).signature).decode()
        write(text + ("\n\u2014 %s %s\n" % (ORIGIN, line)).encode(), self.public, "log/checkpoint")

    def renumber(self):
        self.leaves = [re.sub(rb'"i":\d+', b'"i":%d' % i, x, count=1) for i, x in enumerate(self.leaves)]

    def find(self, kind):
        return next(i for i, x in enumerate(self.leaves) if b'"k":"%s"' % kind in x)


class Audit:
    def __init__(self, d, auditor):
        self.d, self.auditor = d, auditor
        with open(os.path.join(d.home, "keys/log"), encoding="ascii") as f:
            self.seed = base64.b64decode(re.search(r"cellveil-secret-log:(\S+)", f.read()).group(1))
        self.n = 0

    def copy(self):
        """The state folder again, as hard links where nothing is changed."""
        self.n += 1
        folder = os.path.join(self.d.folder, "copy-%d" % self.n)
        shutil.copytree(self.d.public, folder + "/public", copy_function=os.link)
        shutil.copytree(os.path.join(self.d.state, "audit"), folder + "/audit", copy_function=os.link)
        return folder + "/public"

    def verify(self, public, *args, want=1):
        p = self.auditor.run("audit", "verify", "--json", "--public", public, *args, want=want)
        checks = json.loads(p.stdout)["checks"]
        assert (want == 0) == all(c["verdict"] == "holds" for c in checks), checks
        return [c for c in checks if c["verdict"] == "fails"], checks

    def fails(self, public, what, where, text, *args):
        bad, _ = self.verify(public, *args)
        assert any(c["what"] == what and re.search(where, c["where"]) and re.search(text, c["text"]) for c in bad), (
            (what, where, text), bad)
        return bad

    def forget(self):
        shutil.rmtree(os.path.join(self.auditor.folder, "audit"), ignore_errors=True)


def test_honest(a):
    _, checks = a.verify(a.d.public, want=0)
    said = {c["what"] for c in checks}
    assert said == {"key set", "checkpoint", "tiles", "root", "order", "consistency", "release", "certificate",
                    "feed", "state", "ledger", "manifest"}, said
    live = json.loads(a.auditor.run("audit", "verify", "--json").stdout)
    assert live["holds"] and {c["what"] for c in live["checks"]} == said, live
    receipt = a.d.office("north").folder + "/outbox/"
    receipt += next(n for n in sorted(os.listdir(receipt)) if n.endswith(".receipt"))
    _, checks = a.verify(a.d.public, "--receipt", receipt, "--checkpoint", a.d.public + "/log/checkpoint", want=0)
    assert {c["what"] for c in checks} == said | {"receipt", "compare"}
    listed = a.auditor.run("audit", "log", "--kind", "release", "--json").stdout
    assert [x["p"] for x in json.loads(listed)] == ["2023", "2024"]
    assert a.auditor.run("audit", "log", "--kind", "rumour", want=2).stdout == ""
    a.auditor.run("audit", "verify", "--public", a.d.folder + "/nowhere", want=2)


def test_every_file(a):
    """One bit of each file that counts, one byte less, no file: found, and the file or its release is named."""
    size = Log(a.d.public, a.seed).size
    checked = 0
    for folder, _, names in os.walk(a.d.public):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), a.d.public)
            old = path.startswith("log/tile") and not path.endswith("/%d" % size)
            if old or path in (".cellveil",) or path.startswith("keysets/"):
                continue  # older partial tiles and conveniences: nobody relies on them
            good = read(a.d.public, path)
            middle = len(good) // 2
            for bad in (good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:], good[:-1], None):
                public = a.copy()
                write(bad or b"", public, path)
                if bad is None:
                    os.unlink(os.path.join(public, path))
                if path == "keyset" and bad is None:
                    a.auditor.run("audit", "verify", "--public", public, want=2)
                else:
                    found = json.loads(a.auditor.run("audit", "verify", "--json", "--public", public, want=None).stdout)["checks"]
                    found = [c for c in found if c["verdict"] == "fails"]
                    assert found, (path, bad is None)
                    text = " ".join(c["what"] + " " + c["where"] + " " + c["text"] for c in found)
                    word = {"log": "log/|tile|leaf", "feed": "feed|state", "keyset": "key set"}.get(
                        path.split("/")[0], "release|configuration|certificate")
                    assert re.search(word, text), (path, text)
                shutil.rmtree(os.path.dirname(public))
                checked += 1
    assert checked > 60, checked


def test_leaves_unsigned(a):
    """Somebody without the log key: the tiles, or the root, do not fit."""
    for change in ("dropped", "moved", "doubled", "edited"):
        for tiles_too in (False, True):
            public = a.copy()
            log = Log(public, a.seed)
            i = log.find(b"submission")
            if change == "dropped":
                log.leaves = log.leaves[:i] + log.leaves[i + 1:]
            elif change == "moved":
                log.leaves[i], log.leaves[i + 1] = log.leaves[i + 1], log.leaves[i]
            elif change == "doubled":
                log.leaves = log.leaves[:i] + [log.leaves[i]] + log.leaves[i:]
            else:
                log.leaves[i] = re.sub(rb'"t":\d', b'"t":9', log.leaves[i])
            size = log.size
            log.put_bundle()
            os.replace(log.path("entries"), os.path.join(public, "log/tile/entries/000.p/%d" % size))
            if tiles_too:
                log.put_tile()
                os.replace(log.path("0"), os.path.join(public, "log/tile/0/000.p/%d" % size))
            bad, _ = a.verify(public)
            if change in ("moved", "edited") and not tiles_too:
                assert bad[0]["where"].endswith("leaf %d" % i), bad
            assert bad[0]["what"] in ("tiles", "root", "entries"), bad


def spoil(a, change, renumber=True):
    """The operator writes the log again and signs it; answers the folder and the first leaf that differs."""
    public = a.copy()
    log = Log(public, a.seed)
    i = change(log)
    if renumber:
        log.renumber()
    log.put_bundle()
    log.put_tile()
    log.sign()
    return public, i


def other_digest(leaf, name):
    """The leaf with another first digit in that digest, whatever it is."""
    return re.sub(rb'"%s":"(.)' % name, lambda m: b'"%s":"%s' % (name, b"1" if m[1] == b"0" else b"0"), leaf)


def edit(log):
    i = log.find(b"submission")
    log.leaves[i] = other_digest(log.leaves[i], b"stmt")
    return i


def drop(log):
    i = log.find(b"admin")
    del log.leaves[i]
    return i


def swap(log):
    i = log.find(b"submission")
    log.leaves[i], log.leaves[i + 1] = log.leaves[i + 1], log.leaves[i]
    return i


def double(log):
    i = log.find(b"submission")
    log.leaves.insert(i, log.leaves[i])
    return i + 1


def recount(log):
    i = log.find(b"release")
    log.leaves[i] = re.sub(rb'"suppressed":\d+', b'"suppressed":1', log.leaves[i])
    return i


def outlive(log):
    """A release leaf forgotten by the ledger of the next."""
    i = [k for k, x in enumerate(log.leaves) if b'"k":"release"' in x][1]
    log.leaves[i] = other_digest(log.leaves[i], b"ledger")
    return i


def test_leaves_signed(a):
    """The operator himself, with all keys: what was seen before gives him away, and is kept."""
    for change in (edit, drop, swap, double, recount):
        public, i = spoil(a, change)
        bad = a.fails(public, "fork", "^leaf %d$" % i, "rewritten")
        path = next(c["text"] for c in bad if c["what"] == "fork").split(" kept in ")[1]
        assert read(path, "checkpoint.now") == read(public, "log/checkpoint")
        assert read(path, "checkpoint.seen-before") == read(a.d.public, "log/checkpoint")
    public, _ = spoil(a, swap, renumber=False)
    a.fails(public, "order", "^leaf", "another number")
    public, _ = spoil(a, double)
    a.fails(public, "order", "", "twice")
    public, _ = spoil(a, recount)
    a.fails(public, "release", "2023", "counts other cells")
    public, _ = spoil(a, outlive)
    a.fails(public, "ledger", "2024", "does not continue the chain")
    a.verify(a.d.public, want=0)  # nothing of this was believed


def unsigned_policy(log):
    """A configuration that nobody is said to have brought."""
    i = log.find(b"config")
    del log.leaves[i + 1]
    return i


def more_forms(log):
    i = log.find(b"period-seal")
    log.leaves[i] = re.sub(rb'"n":\d+', b'"n":99', log.leaves[i])
    return i


def early(log):
    i = log.find(b"period-close")
    log.leaves[i] = re.sub(rb'"t":\d+', b'"t":1000', log.leaves[i])
    return i


def test_first_look(a):
    """Even one who never looked before finds what contradicts itself."""
    for change, what, text in ((double, "order", ""), (recount, "release", ""), (edit, "feed", ""),
                               (unsigned_policy, "order", "without an operator's command"),
                               (more_forms, "order", "more forms than the log had received")):
        public, _ = spoil(a, change)
        a.forget()
        a.fails(public, what, "", text)
    public, i = spoil(a, early)
    a.forget()
    _, checks = a.verify(public)  # the beat names the log as it was
    assert any("The clock went back 1 times, first at leaf %d" % i in c["text"] for c in checks), checks
    a.forget()
    a.verify(a.d.public, want=0)


def test_back_in_time(a):
    public = a.copy()
    log = Log(public, a.seed)
    log.leaves = log.leaves[:-1]
    log.put_bundle()
    log.put_tile()
    log.sign()
    a.fails(public, "rollback", "log/checkpoint", "shorter.*kept in")


def test_split_view(a):
    """Two auditors were shown two logs: comparing checkpoints tells."""
    public, _ = spoil(a, edit)
    bad = a.fails(a.d.public, "split-view", "checkpoint", "contradict", "--checkpoint", public + "/log/checkpoint")
    assert " kept in " in bad[0]["text"]
    write(read(public, "log/checkpoint").replace(b"\n", b"\n\n", 1), public, "log/checkpoint")
    a.fails(a.d.public, "compare", "checkpoint", "", "--checkpoint", public + "/log/checkpoint")


def feed_file(a, name, change):
    """A copy in which the feed's state or beat was changed and signed again with the feed key."""
    public = a.copy()
    envelope, _ = pyclient.unpack(read(public, "feed", a.d.dataset, name))
    fields = pyclient.unpack(envelope)
    change(fields)
    with open(os.path.join(a.d.home, "keys/feed"), encoding="ascii") as f:
        seed = base64.b64decode(re.search(r"cellveil-secret-feed:(\S+)", f.read()).group(1))
    envelope = pyclient.pack(fields)
    signed = pyclient.sign(seed, pyclient.label(name) + envelope)
    write(pyclient.pack([envelope, signed]), public, "feed", a.d.dataset, name)
    return public


def test_state(a):
    """Who joins late is shown another truth than the log: a release left out, an older feed, another object."""
    a.verify(feed_file(a, "state", lambda f: None), want=0)
    for change, text in ((lambda f: f[14].pop(), "other releases than those in force"),
                         (lambda f: f[14].pop(0), "other releases than those in force"),
                         (lambda f: f[14][0].__setitem__(3, bytes(32)), "other releases than those in force"),
                         (lambda f: f[14][0].__setitem__(1, 1), "other releases than those in force"),
                         (lambda f: f.update({4: 1, 14: f[14][:1]}), "not of where the feed stands"),
                         (lambda f: f.update({6: bytes(32)}), "not of where the feed stands"),
                         (lambda f: f.update({2: bytes(16)}), "another feed"),
                         (lambda f: f.update({12: "another"}), "another feed")):
        a.fails(feed_file(a, "state", change), "state", a.d.dataset, text)


def test_older_beat(a):
    """The beat is of before the last release, the state of after it: the feed is followed on, nothing is amiss."""
    envelope = next(os.path.join(p, "000000001") for p, _, names in os.walk(os.path.join(a.d.public, "feed"))
                    if "000000001" in names)
    link = pyclient.link(pyclient.unpack(read(envelope))[0])
    a.verify(feed_file(a, "beat", lambda f: f.update({4: 1, 6: link})), want=0)
    a.fails(feed_file(a, "state", lambda f: f.update({4: 3})), "feed", " 3$", "")


def test_beat(a):
    """The beat names what the log does not have: another root, or entries nobody can read."""
    a.fails(feed_file(a, "beat", lambda f: f.update({16: bytes(32)})), "feed", a.d.dataset, "another root")
    more = Log(a.d.public, a.seed).size + 1
    public = feed_file(a, "beat", lambda f: f.update({14: more}))
    checks = json.loads(a.auditor.run("audit", "verify", "--json", "--public", public, want=3).stdout)["checks"]
    assert [c["text"] for c in checks if c["verdict"] == "unchecked"] == [
        "the beat names a log of %d entries, and the checkpoint is of fewer" % more], checks


def test_foreign_receipt(a):
    folder = a.d.office("north").folder + "/outbox/"
    names = [n for n in sorted(os.listdir(folder)) if n.endswith(".receipt")]
    public, i = spoil(a, edit)
    a.forget()
    text = next(read(folder, n) for n in names if b"log-index %d\n" % i in read(folder, n) or b"log_index %d\n" % i in
                read(folder, n) or b" %d\n" % i in read(folder, n))
    write(text, a.d.folder, "receipt")
    a.fails(public, "receipt", "", "leaf %d" % i, "--receipt", a.d.folder + "/receipt")
    write(text.replace(b"north", b"south"), a.d.folder, "receipt")
    a.fails(a.d.public, "receipt", "", "", "--receipt", a.d.folder + "/receipt")
    a.forget()
    a.verify(a.d.public, want=0)


def test_receipt_beyond_the_log(a):
    """A log that ends before the receipt's leaf: told apart from a leaf that is another form. One leaf more, and it holds."""
    log = Log(a.d.public, a.seed)
    i = log.find(b"submission")
    folder = a.d.office("north").folder + "/outbox/"
    receipt = next(folder + n for n in sorted(os.listdir(folder)) if n.endswith(".receipt") and
                   re.search(rb"\blog[-_ ]index %d\n" % i, read(folder, n)))
    for leaves, want in ((i, "fails"), (i + 1, "holds")):
        def cut(log, leaves=leaves):
            del log.leaves[leaves:]
        public, _ = spoil(a, cut)
        a.forget()
        _, checks = a.verify(public, "--receipt", receipt)  # releases and feed speak of more leaves
        said = next(c for c in checks if c["what"] == "receipt")
        assert said["verdict"] == want, said
        text = "speaks of leaf %d, the log has %d: not yet in it" % (i, i) if want == "fails" else "leaf %d of the log" % i
        assert text in said["text"], said
    a.forget()
    a.verify(a.d.public, want=0)


def test_retired_key(d):
    """The receipt key is rotated: receipts of the old one hold, in the hands of those who hold its key set; of a
    revoked one they do not."""
    folder = d.office("north").folder + "/outbox/"
    receipt = folder + next(n for n in sorted(os.listdir(folder)) if n.endswith(".receipt"))
    auditor = d.client("revisor")
    shutil.copytree(auditor.folder, auditor.folder + "-kept")
    auditor.folder += "-kept"

    def verdict(public=d.public):
        p = auditor.run("audit", "verify", "--json", "--public", public, "--receipt", receipt, want=None)
        return next(c["verdict"] for c in json.loads(p.stdout)["checks"] if c["what"] == "receipt")
    assert verdict() == "holds"
    current = read(d.public, "keyset").decode()
    line = next(l for l in current.split("\n") if l.startswith("key receipt "))
    for state, want in (("gone", "holds"), ("revoked", "fails")):
        public = os.path.join(d.folder, "rotated-" + state)
        shutil.copytree(d.public, public, copy_function=os.link)
        fresh = pyclient.KeyPair.generate("receipt")
        words = line.split()
        new = words[:3] + [fresh.id.hex()] + words[4:6] + [fresh.text]
        lines = [" ".join(new)]
        if state == "revoked":
            lines.append(" ".join(words[:2] + ["revoked"] + words[3:]))
        text = current.split("\n\n")[0] + "\n"
        text = text.replace(line, "\n".join(lines))
        text = re.sub(r"(?m)^serial (\d+)$", lambda m: "serial %d" % (int(m.group(1)) + 1), text)
        write(sign_keyset(d, text), public, "keyset")
        assert verdict(public) == want, state
        shutil.rmtree(auditor.folder)
        shutil.copytree(d.client("revisor").folder, auditor.folder)


def sign_keyset(d, text):
    with open(os.path.join(d.home, "root/root"), encoding="ascii") as f:
        seed = base64.b64decode(re.search(r"cellveil-secret-root:(\S+)", f.read()).group(1))
    key, name = nacl.signing.SigningKey(seed), ORIGIN.split("/")[0] + "/root"
    ident = hashlib.sha256(name.encode() + b"\n\x01" + bytes(key.verify_key)).digest()[:4]
    line = base64.b64encode(ident + key.sign(text.encode()).signature).decode()
    return (text + "\n\u2014 %s %s\n" % (name, line)).encode()


def hidden(d, year):
    """Cells of a release's public file that are hidden, as `audit diff` names them."""
    with open(os.path.join(d.public, "release", d.dataset, year, "0/release.csv"), encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    return {"|".join(r[k] for k in ("table", "measure", "office", "sex")) for r in rows if r["status"] == "suppressed"}


def test_manifest(a):
    """The sealed manifest: opened, explained; one changed byte, another release's, nobody's."""
    run = a.auditor.run
    plain = os.path.join(a.d.folder, "plain.jsonl")
    leaf = json.loads(run("audit", "log", "--kind", "release", "--json").stdout)[0]
    said = run("audit", "open", "2023", "--output", plain).stdout
    assert "its %d cells are the hidden cells" % leaf["suppressed"] in said, said
    sealed = os.path.join(a.d.state, "audit")
    opened = {pyclient.blake2b(read(plain)).hex() + ".age"}
    assert opened < set(os.listdir(sealed)), "the digest of the plaintext is the name"
    p = run("audit", "explain", "2023", "F|south|clients", "--public", a.d.public)
    assert "R1" in p.stdout and "every reader, each office" in p.stdout and "From 6 forms" in p.stdout, p.stdout
    secondary = read(plain).count(b'"class":"secondary"')
    assert secondary > 0 and run("audit", "explain", "2023", "--csv").stdout.count(",secondary,") == secondary
    assert "is not hidden: it is printed" in run("audit", "explain", "2023", "F|_T|clients", want=2).stderr
    assert "is its codes joined by" in run("audit", "explain", "2023", "F|nowhere|clients", want=2).stderr
    assert run("audit", "open", "2023", "--output", "/dev/full", want=3).stderr, "written to, not replaced"
    assert not os.path.isfile("/dev/full")
    run("audit", "explain", "2019", want=2)
    run("audit", "open", "personal-support/2024/0")
    run("audit", "open", "2024", "--file", os.path.join(sealed, opened.pop()), want=1)
    for name in os.listdir(sealed):
        if not name.endswith(".age"):
            continue
        public = a.copy()
        good = read(sealed, name)
        for at in range(0, len(good), len(good) // 7):
            write(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:], public, "../audit", name)
            codes = [run("audit", "open", year, "--public", public, want=None).returncode for year in ("2023", "2024")]
            assert 0 in codes and (1 in codes or 3 in codes), (codes, at)
    test_manifest_gone(a, os.path.join(sealed, hashed(a, plain)))
    researcher = a.d.client("other")
    assert researcher.run("audit", "open", "2023", want=3).stdout == "", "sealed manifests are for auditors"
    assert researcher.run("audit", "verify").stdout, "and the rest is for everybody"
    then, now = (hidden(a.d, year) for year in ("2023", "2024"))
    want = {"%s,%s" % (c, "hidden" if c in now else "printed") for c in then ^ now}
    assert set(run("audit", "diff", "2023", "2024", "--csv").stdout.splitlines()) == want | {"cell,now"}
    test_formats(a, leaf["i"])


def test_formats(a, leaf):
    """Text, JSON and CSV tell the same, and fail alike."""
    run = a.auditor.run
    said = run("audit", "policy").stdout
    rows = list(csv.DictReader(run("audit", "policy", "--csv").stdout.splitlines()))
    objects = [json.loads(line) for line in run("audit", "policy", "--json").stdout.splitlines()]
    assert "threshold = 5" in said and "command publish, by %d" % os.getuid() in said, said
    assert rows[0]["settings"].startswith("threshold = 5; width = 2; "), rows[0]
    assert {"name": "threshold", "was": "", "is": "5"} in objects[0]["settings"], objects[0]
    assert [r["leaf"] for r in rows] == [str(o["leaf"]) for o in objects] == re.findall(r"(?m)^ {0,5}(\d+)  2", said)
    text = run("audit", "explain", "2023").stdout
    rows = list(csv.DictReader(run("audit", "explain", "2023", "--csv").stdout.splitlines()))
    *cells, decided = [json.loads(line) for line in run("audit", "explain", "2023", "--json").stdout.splitlines()]
    assert [r["cell"] for r in rows] == ["|".join(c["cell"]) for c in cells]
    assert {r["leaf"] for r in rows} == {str(leaf)} and decided["leaf"] == leaf and ", leaf %d of" % leaf in text
    assert "From %d forms, sealed as leaf %d" % (decided["forms"], decided["seal"]) in text
    assert decided["config"][:16] in text
    for r, c in zip(rows, cells):
        assert r["through"] == ", ".join("%s = %s" % tuple(p) for p in c.get("through", [])) and r["through"] in text, r
    public = a.copy()
    shutil.rmtree(os.path.join(public, "config"))
    for args in ((), ("--csv",), ("--json",)):
        run("audit", "policy", "--public", public, *args, want=1)


def hashed(a, plain):
    return pyclient.blake2b(read(plain)).hex() + ".age"


def test_manifest_gone(a, path):
    """Taken away, or sealed to others: told apart, each with release, leaf and file; and whoever enrolled later, for whom
    there never was one, is not alarmed."""
    name = os.path.basename(path)
    leaf = json.loads(a.auditor.run("audit", "log", "--kind", "release", "--json").stdout)[0]["i"]
    a.auditor.run("audit", "verify")  # what is kept: from which leaf on we were enrolled
    public = a.copy()
    os.unlink(os.path.join(public, "../audit", name))
    where = "personal-support/2023/0, leaf %d, audit/%s" % (leaf, name[:16])
    said = a.auditor.run("audit", "open", "2023", "--public", public, want=3).stderr
    assert where in said and "it is not there: taken away" in said, said
    a.fails(public, "manifest", "2023", r"leaf %d binds is gone" % leaf)
    late = a.d.client("late")
    said = late.run("audit", "open", "2023", "--public", a.d.public, want=3).stderr
    assert where in said and "sealed to other auditors and not to you" in said, said
    p = late.run("audit", "verify", "--json", "--public", public)
    assert all(c["what"] != "manifest" for c in json.loads(p.stdout)["checks"]), p.stdout


def refuse_start(d, why):
    try:
        d.vault.start()
    except AssertionError:
        assert re.search(why, d.vault.tail()), d.vault.tail()
        d.vault.process = None
        return
    raise AssertionError("the vault started: " + why)


def rebind(d):
    """Whoever has the vault's own keys too can bind a changed row: then the log, which others hold, must tell."""
    db = sqlite3.connect(os.path.join(d.state, "vault/store"))
    Binding(d.home).bind(db)
    db.commit()
    db.close()


def test_store(d):
    """A changed row, and a store from an older copy, are refused at start; the newer store serves again."""
    vault = os.path.join(d.state, "vault")
    kept = os.path.join(d.folder, "kept")
    d.vault.stop()
    shutil.copytree(vault, kept)
    d.vault.start()
    d.open_period("2030")
    d.vault.stop()
    shutil.copytree(vault, kept + "-newer")
    for name in os.listdir(vault):
        if name.startswith("store"):
            os.unlink(os.path.join(vault, name))
    for name in os.listdir(kept):
        if name.startswith("store"):
            shutil.copy2(os.path.join(kept, name), vault)
    refuse_start(d, "guard: it has seen .* leaves.*the store went back in time")
    shutil.rmtree(vault)
    shutil.copytree(kept + "-newer", vault)
    store = next(n for n in os.listdir(vault) if n.startswith("store") and not n.endswith(("-wal", "-shm")))
    db = sqlite3.connect(os.path.join(vault, store))
    db.execute("UPDATE leaf SET entry = CAST(replace(CAST(entry AS TEXT), '\"by\":\"', '\"by\":\"1') AS BLOB) WHERE i = 4")
    db.commit()
    db.close()
    refuse_start(d, "table leaf, row 4: it was changed")
    rebind(d)
    refuse_start(d, "do not lead to its root: the log was changed")
    shutil.rmtree(vault)
    shutil.copytree(kept + "-newer", vault)
    d.vault.start()


def test_rows(d, auditor):
    """With the vault's own keys (without them: test_store_rows.py). A row of a published file is changed: the vault mends the public folder from its rows, and the auditor
    finds the file. A row of the feed, of the sealed manifests, of a configuration: the same."""
    d.vault.stop()
    vault = os.path.join(d.state, "vault")
    shutil.copytree(vault, vault + "-good")
    flip = "CAST(replace(CAST(%s AS TEXT), 's', 'z') AS BLOB)"
    for change, word in (
            ("UPDATE release_file SET data = " + flip % "data" + " WHERE name = 'release.csv'", "release|object"),
            ("UPDATE release_file SET data = " + flip % "data" + " WHERE name = 'manifest.txt'", "release|object|manifest"),
            ("UPDATE release_file SET data = zeroblob(length(data)) WHERE name = 'certificate.cvc'", "release|certificate"),
            ("UPDATE feed SET signature = zeroblob(64) WHERE seq = 1", "feed"),
            ("DELETE FROM feed WHERE seq = 2", "feed"),
            ("DELETE FROM submission WHERE seq = 1", r"leaf \d+: a form that the log names is missing"),
            ("UPDATE submission SET statement = zeroblob(32) WHERE seq = 2", r"submission 2, leaf \d+: a form is not"),
            ("UPDATE period SET state = 2 WHERE name = '2024'", r"period 2024, leaf \d+: a period is open"),
            ("UPDATE seal SET n = n - 1", r"seal of 2023/0, leaf \d+"),
            ("UPDATE seal SET root = zeroblob(32)", r"seal of 2023/0, leaf \d+"),
            ("UPDATE seal SET upto = upto - 1", r"seal of 2023/0, leaf \d+: the forms are not those"),
            ("UPDATE submission SET outcome = 2 WHERE seq = 3", r"seal of 2023/0, leaf \d+: the forms are not those"),
            ("UPDATE submission SET act = 2 WHERE seq = 9", r"seal of 2024/0, leaf \d+: the forms are not those"),
            ("UPDATE release SET object = zeroblob(32)", r"release 2023/0, leaf \d+"),
            ("UPDATE release SET leaf = leaf - 1", r"release 2023/0, leaf \d+"),
            ("UPDATE release SET stage = 6", r"leaf \d+: a release that the log names is missing"),
            ("DELETE FROM ledger WHERE n = 2", "2024/0: the ledger"),
            ("UPDATE ledger SET digest = zeroblob(32) WHERE n = 1", "ledger 1: the ledger"),
            ("UPDATE config SET digest = zeroblob(32)", "config 1: a configuration that no leaf"),
            ("DELETE FROM release_file WHERE name = 'result.csv'", "release|object")):
        db = sqlite3.connect(os.path.join(vault, "store"))
        assert db.execute(change).rowcount > 0
        db.commit()
        db.close()
        rebind(d)
        try:
            d.vault.start()
            d.vault.stop()
            p = auditor.run("audit", "verify", "--json", "--public", d.public, want=1)
            bad = [c["what"] + " " + c["where"] + " " + c["text"] for c in json.loads(p.stdout)["checks"] if c["verdict"] != "holds"]
        except AssertionError:
            if d.vault.process is None or d.vault.process.poll() is None:
                raise
            d.vault.process = None  # the vault itself finds it
            bad = [d.vault.tail()]
        assert bad and any(re.search(word, text) for text in bad), (change, bad)
        shutil.rmtree(vault)
        shutil.copytree(vault + "-good", vault)
    d.vault.start()
    auditor.run("audit", "verify", "--public", d.public)


def test_first_start(d):
    """An empty state folder under the same keys: a disk that is not mounted must not begin a second history."""
    d.vault.stop()
    state = os.path.join(d.folder, "unmounted")
    os.mkdir(state)
    with open(d.conf, encoding="utf-8") as f:
        text = f.read()
    conf = os.path.join(d.folder, "wrong.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write(text.replace(d.state, state))
    for _ in range(2):
        p = run([os.path.join(BIN, "cellveild"), "--config", conf], want=78)
        assert "not mounted" in p.stderr and "first-start" in p.stderr, p.stderr
    assert not os.path.exists(os.path.join(state, "public/log/checkpoint"))
    assert not os.path.exists(os.path.join(d.state, "first-start")), "the mark is used up"
    d.vault.start()


def main():
    with Deployment(config=CONFIG, offices=list(COUNTS)) as d:
        d.reader("revisor", "auditor")
        d.reader("other")
        release(d, "2023")
        release(d, "2024", more=7)
        d.reader("late", "auditor")
        a = Audit(d, d.client("revisor"))
        d.vault.stop()  # the copies are of one moment; the gate goes on
        test_honest(a)
        test_manifest(a)
        test_every_file(a)
        test_leaves_unsigned(a)
        test_leaves_signed(a)
        test_first_look(a)
        test_back_in_time(a)
        test_split_view(a)
        test_state(a)
        test_older_beat(a)
        test_beat(a)
        test_foreign_receipt(a)
        test_receipt_beyond_the_log(a)
        test_retired_key(d)
        test_store(d)
        test_rows(d, d.client("revisor"))
        test_first_start(d)
    print("ok")


if __name__ == "__main__":
    main()
