#!/usr/bin/python3
"""A second client for cellveil, written from docs/protocol.md and docs/configuration.md alone.

It shares no line with the C programs; where the two agree, the page is enough to write a client from. Read it
beside the page: the comment over each part names the section. What follows from bytes alone is in pyprofile.py (messages,
keys), pylog.py (notes, key set, log) and pypapers.py (submissions, receipts, releases, feed); tests have it from here.
Needs Debian's python3-zmq, python3-nacl, python3-msgpack and python3-yaml.

    pyclient.py --dir D init office north        prints the identity line for the operator
    pyclient.py --dir D join LINE...             takes the operator's answer
    pyclient.py --dir D periods DATASET
    pyclient.py --dir D push DATASET PERIOD FORM.csv      lines MEASURE,CODE,...,VALUE; an empty value is a blank
    pyclient.py --dir D withdraw DATASET PERIOD
    pyclient.py --dir D resend                   whatever lies in the outbox
    pyclient.py --dir D setproof ID              is the submission in the sealed set, and that in the log?
    pyclient.py --dir D follow DATASET           late join, then live; one line for each verified release
    pyclient.py --dir D log                      reads the whole log and computes its root
"""
import argparse
import csv
import json
import os
import random
import sys
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

from pylog import (  # noqa: F401
    Checkpoint, KeySet, LogProof, NOTE_COSIGNATURE, NOTE_SIGNATURE, bundle_entries, check_consistency, check_inclusion,
    leaf_hash, note_hash, note_open, tile_path, tree_root)
from pypapers import (  # noqa: F401
    BEAT, Configuration, FIGURES, FIXABLE, Manifest, NOTICE, PERMANENT, PUBLISHED, Position, RELEASE, Receipt, Refused,
    STALE, STATE_FIELDS, Sealed, Statement, TEMPORARY, WITHDRAWAL, WITHDRAWS, common_fields, envelope_digest,
    envelope_fields, figures, link, pair, refusal, release_verify, tables, withdrawal)
from pyprofile import (  # noqa: F401
    Join, KEY_TYPE, KeyPair, Malformed, NODES_FILE, NODES_MESSAGE, UnknownKey, Unsupported, Untrusted, array, binary,
    blake2b, fields, identity_line, is_name, is_period, key_text, label, number, pack, sign, text_field, unbase64,
    unpack)

VERSION = 1
CHUNK = 512 * 1024


class NoAnswer(Exception):
    """Nobody answered in time. What was sent may or may not have been stored."""


class Busy(Exception):
    """Not now. What was asked was not looked at."""

    def __init__(self, answer):
        f = fields(answer, ANSWER[BUSY])
        super().__init__("busy, reason %d" % f[2])
        self.retry_ms, self.reason = f[0], f[2]


# --- 3, 5. transport and messages -------------------------------------------------------------------------------

HELLO, WELCOME, SUBMIT, RECEIPT, REJECT, BUSY, STATUS, UNKNOWN, GET_KEYS, KEYSET, GET_PERIODS, PERIODS = range(1, 13)
(HEAD, HEAD_R, RANGE, RANGE_R, STATE, STATE_R, OBJECT, OBJECT_R, LOG, LOG_R, PROOF, PROOF_R, COSIGN, COSIGN_R,
 SETPROOF, SETPROOF_R) = range(20, 36)
LOG_CHECKPOINT, LOG_TILE, LOG_ENTRIES = 1, 2, 3
ANSWER = {
    WELCOME: {0: number, 2: number, 4: lambda v: isinstance(v, dict), 6: number, 8: array, 10: number, 1: text_field},
    RECEIPT: {0: binary(), 2: binary(64), 1: lambda v: isinstance(v, bool)},
    BUSY: {0: number, 2: number},
    UNKNOWN: {0: binary(16)},
    KEYSET: {0: binary()},
    PERIODS: {0: array},
    HEAD_R: {0: binary(), 2: binary(64)},
    RANGE_R: {0: array, 2: number, 4: number},
    STATE_R: {0: number, 2: number, 4: number, 6: binary()},
    OBJECT_R: {0: number, 2: number, 4: binary()},
    LOG_R: {0: binary()},
    PROOF_R: {0: binary()},
    SETPROOF_R: {0: number, 2: number, 4: array, 6: number},
}


def message(kind, content, version=VERSION):
    """(rid, body) of a request."""
    rid = os.urandom(16)
    return rid, pack([version, kind, rid, content])


class Door:
    """One connection to one endpoint. After a refused handshake, or silence, it makes itself anew."""

    def __init__(self, address, server, curve, kind=zmq.DEALER, topic=None):
        self.address, self.server, self.curve, self.kind, self.topic = address, server, curve, kind, topic
        self.socket = None
        self.open()

    def open(self):
        self.close()
        s = self.socket = zmq.Context.instance().socket(self.kind)
        s.curve_serverkey, s.curve_publickey, s.curve_secretkey = self.server, self.curve.public, self.curve.secret
        s.immediate, s.linger, s.sndhwm = 1, 0, 10
        s.reconnect_ivl, s.reconnect_ivl_max, s.connect_timeout = 1000, 60000, 10000
        s.tcp_keepalive, s.tcp_keepalive_idle, s.tcp_keepalive_intvl, s.tcp_keepalive_cnt = 1, 30, 10, 3
        s.maxmsgsize = 4 << 20
        if self.topic is not None:
            s.subscribe(self.topic)
        self.monitor = s.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
        s.connect(self.address)

    def close(self):
        if self.socket is not None:
            self.socket.disable_monitor()
            self.monitor.close(0)
            self.socket.close(0)
            self.socket = None

    def wait(self, event, seconds):
        """Whether the socket is ready in time for POLLIN or POLLOUT; a refused key is told at once."""
        poller = zmq.Poller()
        poller.register(self.socket, event)
        poller.register(self.monitor, zmq.POLLIN)
        until = time.monotonic() + seconds
        while True:
            ready = dict(poller.poll(max(0, until - time.monotonic()) * 1000))
            if self.socket in ready:
                return True
            if self.monitor in ready:
                if recv_monitor_message(self.monitor)["value"] == 400:
                    raise Untrusted("the gate does not know our CURVE key " + self.curve.id.hex())
            elif time.monotonic() >= until:
                return False

    def receive(self, seconds):
        """The frames of the next message; None after this many seconds."""
        return self.socket.recv_multipart() if self.wait(zmq.POLLIN, seconds) else None

    def request(self, body, rid, seconds=30.0):
        """(kind, fields) of the answer to this body; whatever answers another question is left aside."""
        until = time.monotonic() + seconds
        if not self.wait(zmq.POLLOUT, seconds):
            raise NoAnswer("nobody listens at " + self.address)
        self.socket.send(body)
        while True:
            frames = self.receive(until - time.monotonic())
            if frames is None:
                self.open()
                raise NoAnswer("no answer from " + self.address)
            if len(frames) != 1:
                continue
            answer = unpack(frames[0], NODES_FILE)
            if not array(answer) or len(answer) != 4 or answer[0] != VERSION or answer[2] != rid:
                continue
            return answer[1], answer[3]


# --- the client -------------------------------------------------------------------------------------------------

def save(path, data):
    """Whole or not at all, and on disk when this returns."""
    temporary = path + ".new"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    os.rename(temporary, path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def load(path):
    with open(path, "rb") as f:
        return f.read()


class Client:
    """A participant with a folder of its own: keys, what it believes, what is not answered yet."""

    def __init__(self, folder):
        self.folder, self.doors = folder, {}
        self.curve = KeyPair.load("curve", self.path("curve"))
        self.signing = KeyPair.load("sign", self.path("sign")) if os.path.exists(self.path("sign")) else None
        self.join_line = Join(load(self.path("join")).decode()) if os.path.exists(self.path("join")) else None
        self.key_set = None
        if os.path.exists(self.path("keyset")):
            self.key_set = KeySet(load(self.path("keyset")).decode(), self.join_line.origin, self.join_line.root)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    @classmethod
    def init(cls, folder, role, who):
        """Makes keys. The identity line is what the operator needs."""
        for part in ("outbox", "receipts", "refused", "feed"):
            os.makedirs(os.path.join(folder, part), 0o700)
        KeyPair.generate("curve").save(os.path.join(folder, "curve"))
        if role == "office":
            KeyPair.generate("sign").save(os.path.join(folder, "sign"))
        save(os.path.join(folder, "name"), ("%s %s" % (role, who)).encode())
        return cls(folder)

    def identity(self):
        role, who = load(self.path("name")).decode().split(" ")
        return identity_line(role, who, self.curve, self.signing)

    def join(self, line):
        self.join_line = Join(line)
        save(self.path("join"), self.join_line.line.encode())
        self.fetch_keys()

    def close(self):
        for door in self.doors.values():
            door.close()
        self.doors = {}

    # requests

    def door(self, endpoint):
        if endpoint not in self.doors:
            self.doors[endpoint] = Door(self.join_line.endpoints[endpoint], self.join_line.server, self.curve)
        return self.doors[endpoint]

    def ask(self, kind, content, want, endpoint="query", seconds=30.0):
        """The fields of the answer of kind want. BUSY is waited out; a REJECT is raised as Refused."""
        until = time.monotonic() + seconds
        while True:
            rid, body = message(kind, content)
            found, answer = self.door(endpoint).request(body, rid, max(0.1, until - time.monotonic()))
            if found == BUSY:
                busy = Busy(answer)
                if time.monotonic() + busy.retry_ms / 1000 > until:
                    raise busy
                time.sleep(busy.retry_ms / 1000 * random.uniform(1, 1.2))
                continue
            if found == REJECT:
                raise refusal(answer)
            if found != want:
                raise Malformed("an answer of another kind")
            return fields(answer, ANSWER[found])

    def hello(self):
        return self.ask(HELLO, {0: VERSION, 1: "pyclient", 2: VERSION}, WELCOME)

    def fetch_keys(self):
        content = {1: self.key_set.serial} if self.key_set else {}
        note = self.ask(GET_KEYS, content, KEYSET)[0].decode("utf-8")
        self.key_set = KeySet(note, self.join_line.origin, self.join_line.root, self.key_set)
        save(self.path("keyset"), note.encode())
        return self.key_set

    def believe(self, read, *args):
        """read(*args, key set), once more with a newer key set if a key is unknown."""
        try:
            return read(*args, self.key_set)
        except UnknownKey:
            return read(*args, self.fetch_keys())

    def periods(self, dataset, office=None):
        found = {}
        for row in self.ask(GET_PERIODS, {0: dataset, 2: office or self.join_line.name}, PERIODS)[0]:
            period, state, opens, closes, config, stored, newest = row
            found[period] = {"state": state, "opens": opens, "closes": closes, "config": config, "stored": stored,
                             "newest": newest}
        return found

    def object(self, digest):
        """The file with this digest."""
        data = b""
        while True:
            f = self.ask(OBJECT, {0: digest, 2: len(data), 4: CHUNK}, OBJECT_R)
            if f[2] != len(data) or (not f[4] and f[0]) or f[0] > 64 << 20:
                raise Malformed("a piece of another place")
            data += f[4]
            if len(data) >= f[0]:
                break
        if blake2b(data) != digest:
            raise Untrusted("an object with another digest")
        return data

    def configuration(self, digest):
        return Configuration(self.object(digest))

    # submissions

    def next_revision(self, dataset, period, stored):
        """One more than the highest of ours; after a lost disk, at least as many as the vault says it has."""
        ours = [s.field[14] + 1 for s, _ in self.receipts() if (s.field[2], s.field[6]) == (dataset, period)]
        return max(ours + [stored])

    def push(self, dataset, period, cells, act=FIGURES, revision=None, **change):
        """Signs, keeps, sends. cells: {(measure, code, ...): value or None}, as names."""
        known = self.periods(dataset)[period]
        if revision is None:
            revision = self.next_revision(dataset, period, known["stored"])
        payload = withdrawal()
        if act == FIGURES:
            config = self.configuration(known["config"])
            payload = figures({config.cell(*cell): value for cell, value in cells.items()})
        statement = Statement.make(self.signing, dataset, known["config"], period, self.join_line.name, act,
                                   revision, payload, **change)
        return self.submit(self.keep(statement))

    def keep(self, statement):
        """Seals the statement to the intake key in use and writes it to the outbox."""
        if self.key_set.expired():
            raise Untrusted("the key set is out of date")
        sealed = Sealed.make(statement, self.key_set)
        self._keep(sealed)
        return sealed

    def _keep(self, sealed):
        path, data = self.path("outbox", sealed.statement.id.hex()), sealed.encode()
        if not os.path.exists(path) or load(path) != data:
            save(path, data)

    def outbox(self):
        return [Sealed.decode(load(self.path("outbox", entry))) for entry in sorted(os.listdir(self.path("outbox")))
                if not entry.endswith(".new")]

    def submit(self, sealed, seconds=60.0):
        """Sends until there is a receipt or a refusal that cannot change; answers the receipt."""
        until, pause = time.monotonic() + seconds, 1.0
        while True:
            try:
                return self.submit_once(sealed, min(30.0, max(1.0, until - time.monotonic())))
            except Refused as e:
                if e.name == "UNKNOWN_INTAKE_KEY":
                    self.fetch_keys()
                    sealed = self.keep(sealed.statement)
                elif e.kind != TEMPORARY:
                    if e.signed:
                        os.rename(self.path("outbox", sealed.statement.id.hex()),
                                  self.path("refused", sealed.statement.id.hex()))
                    raise
                wait = e.retry_ms / 1000
            except Busy as e:
                wait = e.retry_ms / 1000
            except NoAnswer:
                wait = 0
            wait = max(wait, random.uniform(0, pause))
            if time.monotonic() + wait > until:
                raise NoAnswer("not acknowledged; it stays in the outbox")
            time.sleep(wait)
            pause = min(600.0, pause * 2)

    def submit_once(self, sealed, seconds=30.0):
        """One attempt. Nothing is ever sent that does not lie in the outbox."""
        self._keep(sealed)
        rid, body = message(SUBMIT, sealed.body_fields())
        kind, answer = self.door("submit").request(body, rid, seconds)
        if kind == RECEIPT:
            f = fields(answer, ANSWER[RECEIPT])
            receipt = self.believe(Receipt, f[0], f[2], sealed.statement)
            receipt.again = f.get(1, False)
            save(self.path("receipts", sealed.statement.id.hex()), pack([sealed.encode(), f[0], f[2]]))
            if os.path.exists(self.path("outbox", sealed.statement.id.hex())):
                os.unlink(self.path("outbox", sealed.statement.id.hex()))
            return receipt
        if kind == BUSY:
            raise Busy(answer)
        if kind == REJECT:
            raise self.believe(refusal, answer, sealed)
        raise Malformed("an answer of another kind")

    def status(self, statement):
        """The receipt that the vault holds, or None."""
        rid, body = message(STATUS, {0: statement.id, 2: statement.field[8]})
        kind, answer = self.door("query").request(body, rid)
        if kind == UNKNOWN and fields(answer, ANSWER[UNKNOWN])[0] == statement.id:
            return None
        if kind == REJECT:
            raise refusal(answer)
        f = fields(answer, ANSWER[RECEIPT])
        return self.believe(Receipt, f[0], f[2], statement)

    def receipts(self):
        """[(statement, receipt)] kept in the folder, verified again."""
        found = []
        for entry in sorted(os.listdir(self.path("receipts"))):
            sealed, said, signature = unpack(load(self.path("receipts", entry)))
            statement = Sealed.decode(sealed).statement
            found.append((statement, Receipt(said, signature, statement, self.key_set)))
        return found

    # the log

    def log_keys(self):
        return self.key_set.publics("log")

    def checkpoint(self):
        note = self.ask(LOG, {0: LOG_CHECKPOINT, 2: 0, 4: 0, 6: 1}, LOG_R)[0].decode("utf-8")
        return self._grown(Checkpoint(note, self.join_line.origin, self.log_keys()))

    def _grown(self, checkpoint):
        """Keeps the newest checkpoint. The log may grow, never shrink or fork at the same size."""
        path = self.path("checkpoint")
        if os.path.exists(path):
            held = Checkpoint(load(path).decode(), self.join_line.origin, self.log_keys())
            if checkpoint.size == held.size and checkpoint.root != held.root:
                raise Untrusted("two roots for the same size")
            if checkpoint.size < held.size:
                return checkpoint
        save(path, checkpoint.note.encode())
        return checkpoint

    def bundle(self, index, size):
        """The entries of one bundle of a log of this size."""
        width = min(256, size - index * 256)
        data = self.ask(LOG, {0: LOG_ENTRIES, 2: 0, 4: index, 6: width}, LOG_R)[0]
        entries = bundle_entries(data)
        if len(entries) != width:
            raise Malformed("another number of entries")
        return entries

    def entry(self, index):
        """(entry, checkpoint): a leaf that was shown to be in the log."""
        proof = LogProof(self.ask(PROOF, {0: index}, PROOF_R)[0].decode("utf-8"), self.join_line.origin,
                         self.log_keys())
        self._grown(proof.checkpoint)
        entry = self.bundle(index // 256, proof.checkpoint.size)[index % 256]
        proof.check(index, entry)
        return json.loads(entry), proof.checkpoint

    def read_log(self):
        """Every entry, after their root was found to be the checkpoint's, and the root held before one of its
        earlier ones."""
        held = load(self.path("checkpoint")).decode() if os.path.exists(self.path("checkpoint")) else None
        checkpoint = self.checkpoint()
        entries = [e for i in range((checkpoint.size + 255) // 256) for e in self.bundle(i, checkpoint.size)]
        leaves = [leaf_hash(e) for e in entries]
        if tree_root(leaves) != checkpoint.root:
            raise Untrusted("the entries have another root")
        if held is not None:
            before = Checkpoint(held, self.join_line.origin, self.log_keys())
            if tree_root(leaves[:before.size]) != before.root:
                raise Untrusted("the log was changed")
        return [json.loads(e) for e in entries]

    def set_proof(self, statement, release_revision=0):
        """Shows that the statement is in the sealed set, and the seal in the log; answers (n, seal leaf's index)."""
        dataset, period = statement.field[2], statement.field[6]
        f = self.ask(SETPROOF, {0: dataset, 2: period, 4: release_revision, 6: statement.digest}, SETPROOF_R)
        seal, _ = self.entry(f[6])
        if (seal["k"], seal["ds"], seal["p"], seal["rev"], seal["n"]) != \
                ("period-seal", dataset, period, release_revision, f[2]):
            raise Untrusted("the seal of something else")
        check_inclusion(f[0], f[2], leaf_hash(statement.digest), f[4], bytes.fromhex(seal["root"]))
        return f[2], f[6]

    # releases

    def fetch_release(self, envelope):
        """Everything of a RELEASE message, verified: (manifest, {file name: bytes}). envelope: its fields."""
        manifest_bytes = envelope.get(1)
        if manifest_bytes is None:
            manifest_bytes = self.object(envelope[20])
        if blake2b(manifest_bytes) != envelope[20]:
            raise Untrusted("another manifest than announced")
        want = {"origin": self.join_line.origin, "dataset": envelope[12], "period": envelope[14],
                "rev": str(envelope[16]), "seq": str(envelope[4]), "feed": envelope[2].hex()}
        manifest = self.believe(release_verify, manifest_bytes, envelope[24], want)
        files = {file: self.object(digest) for file, digest in manifest.files.items()}
        if sum(map(len, files.values())) != manifest.bytes:
            raise Untrusted("the files are larger or smaller than the manifest says")
        return manifest, files

    def follow(self, dataset):
        return Follower(self, dataset)


class Equivocation(Untrusted):
    """The feed said two things about one place. evidence: what was signed."""

    def __init__(self, evidence):
        super().__init__("the feed says two things about one place")
        self.evidence = evidence


class Follower:
    """Section 11's reader. next() answers verified news; the position is kept before it is shown."""

    def __init__(self, client, dataset):
        self.client, self.dataset = client, dataset
        self.file = client.path("feed", dataset)
        self.position = Position(dataset, client.key_set.publics("feed"))
        self.news, self.beat, self.restarts = [], None, []
        # 1. The socket keeps what comes; 1,000 messages at most, what is lost then shows as a gap.
        self.door = Door(client.join_line.endpoints["feed"], client.join_line.server, client.curve, zmq.SUB,
                         "cellveil1|%s|" % dataset)
        if os.path.exists(self.file):
            stored = unpack(load(self.file))
            self.position.feed_id, self.position.seq, self.position.link = stored
        self.catch_up()

    def close(self):
        self.door.close()

    def catch_up(self):
        """2-4: HEAD, STATE if there is no position, RANGE until the newest."""
        now = time.monotonic()
        self.restarts = [t for t in self.restarts if now - t < 600] + [now]
        if len(self.restarts) > 4:
            raise Untrusted("the feed began anew too often")
        p = self.position
        f = self.client.ask(HEAD, {0: self.dataset}, HEAD_R)
        p.signed(f[0], f[2], "beat")
        beat = envelope_fields(f[0])
        if beat[8] != BEAT or beat[12] != self.dataset:
            raise Untrusted("not this feed's beat")
        if beat[2] != p.feed_id:
            p.feed_id, p.seq, p.link = beat[2], 0, bytes(32)
            if beat[4] > 0:
                self._begin()
        self._range()
        verdict, _ = p.judge(f[0], f[2])
        if verdict == "STOP":
            raise Equivocation([f[0], f[2]])

    def _state(self):
        """The state file in pieces; from the start when it changed on the way."""
        data, as_of = b"", None
        while True:
            f = self.client.ask(STATE, {0: self.dataset, 2: len(data)}, STATE_R)
            if as_of not in (None, f[0]):
                data, as_of = b"", None
                continue
            if f[4] != len(data) or (not f[6] and f[2]) or f[2] > 64 << 20:
                raise Malformed("a piece of another place")
            data, as_of = data + f[6], f[0]
            if len(data) >= f[2]:
                return pair(data, NODES_FILE)

    def _begin(self):
        """3. The releases in force; their RELEASE messages hold the minisign files."""
        p = self.position
        envelope, signature = self._state()
        p.signed(envelope, signature, "state")
        f = fields(unpack(envelope, NODES_FILE), STATE_FIELDS)
        if f[12] != self.dataset or f[2] != p.feed_id:
            raise Untrusted("the state of another feed")
        for period, revision, seq, digest, _ in f[14]:
            said, mark = self.client.ask(RANGE, {0: self.dataset, 2: p.feed_id, 4: seq, 6: 1}, RANGE_R)[0][0]
            p.signed(said, mark, "feed")
            e = envelope_fields(said)
            if (e[8], e[2], e[4], e[12]) != (RELEASE, p.feed_id, seq, self.dataset) or \
                    (e[14], e[16], e[20]) != (period, revision, digest):
                raise Untrusted("the state names another release")
            self._release(e)
        p.seq, p.link = f[4], f[6]
        self._keep()

    def _range(self):
        p = self.position
        while True:
            f = self.client.ask(RANGE, {0: self.dataset, 2: p.feed_id, 4: p.seq + 1, 6: 256}, RANGE_R)
            for envelope, signature in f[0]:
                verdict, e = p.judge(envelope, signature)
                if verdict != "APPLY":
                    raise Untrusted("the stored feed does not fit together: " + verdict)
                self._apply(e)
            if p.seq >= f[4] or not f[0]:
                return

    def _apply(self, e):
        if e[8] == RELEASE:
            self._release(e)
        elif e[8] == NOTICE:
            self.news.append(("notice", e[14], None))
        self._keep()

    def _release(self, e):
        if e[18] == WITHDRAWS:
            self.news.append(("withdrawn", (e[14], e[16]), None))
        else:
            self.news.append(("release",) + self.client.fetch_release(e))

    def _keep(self):
        """6. After applying, before showing."""
        save(self.file, pack([self.position.feed_id, self.position.seq, self.position.link]))

    def stale(self, now=None):
        """No beat of the last three intervals."""
        return self.beat is None or (time.time() if now is None else now) - self.beat > STALE

    def next(self, seconds):
        """The next ("release", manifest, files), ("withdrawn", (period, revision), None) or ("notice", text, None);
        None if there was none for so long."""
        until = time.monotonic() + seconds
        while not self.news:
            frames = self.door.receive(max(0, until - time.monotonic()))
            if frames is None:
                return None
            self._message(frames)
        return self.news.pop(0)

    def _message(self, frames):
        if len(frames) != 2 or frames[0] != ("cellveil1|%s|" % self.dataset).encode():
            return
        try:
            envelope, signature = pair(frames[1])
        except Malformed:
            return
        verdict, e = self.position.judge(envelope, signature)
        if verdict in ("CURRENT", "RANGE") and e[8] == BEAT:
            self.beat = e[10]
        if verdict == "APPLY":
            self._apply(e)
        elif verdict == "RANGE":
            self._range()
        elif verdict == "RESTART":
            self.catch_up()
        elif verdict == "STOP":
            raise Equivocation([envelope, signature])
        elif verdict == "ALERT":
            raise Unsupported("this program is too old for the feed")


# --- the command line -------------------------------------------------------------------------------------------

def read_form(path, config):
    """A form as {(measure, code, ...): value or None}."""
    cells = {}
    with open(path, encoding="utf-8", newline="") as f:
        for row in csv.reader(f):
            cells[tuple(row[:-1])] = config.value(row[0], row[-1]) if row[-1] else None
    return cells


def show(kind, subject, files):
    if kind == "release":
        print("release %s %s revision %d: %d files, verified" % (subject.dataset, subject.period, subject.revision,
                                                                 len(files)))
    else:
        print(kind, subject)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", required=True)
    parser.add_argument("command")
    parser.add_argument("args", nargs="*")
    options = parser.parse_args(argv)
    command, args = options.command, options.args
    if command == "init":
        print(Client.init(options.dir, args[0], args[1]).identity())
        return 0
    client = Client(options.dir)
    try:
        if command == "join":
            client.join(" ".join(args))
        elif command == "periods":
            for period, p in client.periods(args[0]).items():
                print(period, p["state"], p["stored"])
        elif command == "push":
            config = client.configuration(client.periods(args[0])[args[1]]["config"])
            print("receipt, log index", client.push(args[0], args[1], read_form(args[2], config)).log_index)
        elif command == "withdraw":
            print("receipt, log index", client.push(args[0], args[1], None, act=WITHDRAWAL).log_index)
        elif command == "resend":
            for sealed in client.outbox():
                print("receipt, log index", client.submit(sealed).log_index)
        elif command == "setproof":
            for statement, _ in client.receipts():
                if statement.id.hex().startswith(args[0]):
                    print("one of %d, seal at log index %d" % client.set_proof(statement))
        elif command == "follow":
            follower = client.follow(args[0])
            while True:
                news = follower.next(60)
                if news is not None:
                    show(*news)
        elif command == "log":
            for entry in client.read_log():
                print(json.dumps(entry))
        else:
            parser.error("unknown command")
    except (Refused, Untrusted, NoAnswer, Busy, Malformed) as e:
        print("pyclient: %s: %s" % (type(e).__name__, e), file=sys.stderr)
        return 1
    finally:
        client.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
