#!/usr/bin/python3
"""A second client for cellveil, written from docs/protocol.md and docs/configuration.md alone.

It shares no line with the C programs; where the two agree, the page is enough to write a client from. Read it
beside the page: the comment over each part names the section. Needs Debian's python3-zmq, python3-nacl,
python3-msgpack and python3-yaml.

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
import base64
import binascii
import csv
import hashlib
import json
import os
import random
import re
import sys
import time

import msgpack
import nacl.bindings as sodium
import nacl.exceptions
import yaml
import zmq
from zmq.utils.monitor import recv_monitor_message

VERSION = 1
NODES_MESSAGE, NODES_FILE = 4096, 2500000
CHUNK = 512 * 1024


class Malformed(ValueError):
    """Bytes that are no message. rule: the number in section 4 that refuses them, 0 for anything above it."""

    def __init__(self, text, rule=0):
        super().__init__(text)
        self.rule = rule


class Unsupported(Malformed):
    """Well formed, but made for a newer reader."""


class Untrusted(Exception):
    """A signature, a digest or a proof that does not hold, or that speaks of something else than was asked."""


class UnknownKey(Untrusted):
    """A key that the key set we hold does not list; a newer one may."""


class NoAnswer(Exception):
    """Nobody answered in time. What was sent may or may not have been stored."""


class Busy(Exception):
    """Not now. What was asked was not looked at."""

    def __init__(self, answer):
        f = fields(answer, ANSWER[BUSY])
        super().__init__("busy, reason %d" % f[2])
        self.retry_ms, self.reason = f[0], f[2]


# --- 4. the message profile -------------------------------------------------------------------------------------

class _Profile:
    """One pass over the bytes, all rules at once; no value is given out before the last byte was judged."""

    DEPTH = 6
    WIDTH = {0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd9: 1, 0xda: 2, 0xdb: 4, 0xc4: 1, 0xc5: 2, 0xc6: 4,
             0xdc: 2, 0xdd: 4, 0xde: 2, 0xdf: 4}
    # the least number that may stand in this form
    LEAST = {0xcc: 128, 0xcd: 1 << 8, 0xce: 1 << 16, 0xcf: 1 << 32, 0xd9: 32, 0xda: 1 << 8, 0xdb: 1 << 16,
             0xc4: 0, 0xc5: 1 << 8, 0xc6: 1 << 16, 0xdc: 16, 0xdd: 1 << 16, 0xde: 16, 0xdf: 1 << 16}

    def __init__(self, data, nodes):
        self.data, self.at, self.nodes, self.owed = data, 0, nodes, 1

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Malformed("ends too soon", 5)
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, form):
        n = int.from_bytes(self.take(self.WIDTH[form]), "big")
        if n < self.LEAST[form]:
            raise Malformed("not the shortest form", 2)
        return n

    def value(self, depth=0, key=False):
        form = self.take(1)[0]
        self.nodes -= 1
        self.owed -= 1
        if self.nodes < 0:
            raise Malformed("too many nodes", 4)
        if form <= 0x7f:
            return form
        if 0xcc <= form <= 0xcf:
            n = self.number(form)
            if n >= 1 << 63:
                raise Malformed("integer above 2^63-1", 1)
            return n
        if key:
            raise Malformed("map key is no unsigned integer", 3)
        if form in (0xc2, 0xc3):
            return form == 0xc3
        if 0xa0 <= form <= 0xbf or 0xd9 <= form <= 0xdb:
            return self.text(form & 0x1f if form <= 0xbf else self.number(form))
        if 0xc4 <= form <= 0xc6:
            return self.take(self.number(form))
        if 0x90 <= form <= 0x9f or form in (0xdc, 0xdd):
            n = self.open(form & 0x0f if form <= 0x9f else self.number(form), 1, depth)
            return [self.value(depth + 1) for _ in range(n)]
        if 0x80 <= form <= 0x8f or form in (0xde, 0xdf):
            return self.map(self.open(form & 0x0f if form <= 0x8f else self.number(form), 2, depth), depth)
        raise Malformed("a type that is not in the profile", 1)

    def open(self, n, each, depth):
        if depth >= self.DEPTH:
            raise Malformed("too deep", 4)
        self.owed += n * each
        if self.owed > len(self.data) - self.at:
            raise Malformed("more elements announced than bytes left", 5)
        return n

    def map(self, n, depth):
        found, last = {}, -1
        for _ in range(n):
            key = self.value(depth + 1, key=True)
            if key <= last:
                raise Malformed("map keys do not rise", 3)
            found[key], last = self.value(depth + 1), key
        return found

    def text(self, n):
        try:
            text = self.take(n).decode("utf-8", "strict")
        except UnicodeDecodeError as e:
            raise Malformed("text is not UTF-8", 7) from e
        if re.search("[\x00-\x1f\x7f-\x9f]", text):
            raise Malformed("control character in a text", 7)
        return text


def unpack(data, nodes=NODES_MESSAGE):
    """The value that the bytes stand for: int, bytes, str, bool, list or dict."""
    if not data:
        raise Malformed("empty", 6)
    reader = _Profile(bytes(data), nodes)
    value = reader.value()
    if reader.at != len(data):
        raise Malformed("bytes after the value", 6)
    return value


def _rising(value):
    if isinstance(value, dict):
        return {key: _rising(value[key]) for key in sorted(value)}
    return [_rising(item) for item in value] if isinstance(value, (list, tuple)) else value


def pack(value):
    """The one encoding: msgpack's own packer writes the shortest forms, map keys are put in order here."""
    return msgpack.packb(_rising(value), use_bin_type=True)


NAME = re.compile(r"[a-z0-9-]{1,48}", re.ASCII)
PERIOD = re.compile(r"(19[0-9]{2}|20[0-9]{2}|21[0-9]{2})(-(Q[1-4]|S[12]|0[1-9]|1[0-2]))?", re.ASCII)


def is_name(text):
    return NAME.fullmatch(text) is not None


def is_period(text):
    return PERIOD.fullmatch(text) is not None


def binary(*lengths):
    """A test for fields(): bin of one of these lengths, of any length without them."""
    return lambda v: isinstance(v, bytes) and (not lengths or len(v) in lengths)


def number(v):
    return type(v) is int  # a bool is no number


def name(v):
    return isinstance(v, str) and is_name(v)


def period_name(v):
    return isinstance(v, str) and is_period(v)


def text_field(v):
    return isinstance(v, str)


def array(v):
    return isinstance(v, list)


def fields(found, known, optional=()):
    """Section 4, rule 8: a map read against {key: test}; answers the known fields, odd unknown ones are skipped."""
    if not isinstance(found, dict):
        raise Malformed("not a map")
    for key, value in found.items():
        if key not in known:
            if key % 2 == 0:
                raise Unsupported("unknown critical key %d" % key)
        elif not known[key](value):
            raise Malformed("field %d has another type or form" % key)
    for key in known:
        if key % 2 == 0 and key not in found and key not in optional:
            raise Malformed("field %d is missing" % key)
    return {key: value for key, value in found.items() if key in known}


# --- 1. labels, digests; 6. keys --------------------------------------------------------------------------------

SIGN, INTAKE, CURVE = 1, 2, 3
KEY_TYPE = {"sign": SIGN, "receipt": SIGN, "release": SIGN, "feed": SIGN, "log": SIGN, "root": SIGN,
            "witness": SIGN, "intake": INTAKE, "curve": CURVE}


def blake2b(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def label(what):
    return b"cellveil/1/" + what.encode() + b"\0"


def key_id(kind, public):
    return blake2b(label("keyid") + bytes([kind]) + public)[:8]


def verify(public, signature, message):
    """Pure Ed25519."""
    try:
        sodium.crypto_sign_open(signature + message, public)
    except (nacl.exceptions.BadSignatureError, ValueError) as e:
        raise Untrusted("bad signature") from e


def sign(seed, message):
    return sodium.crypto_sign(message, sodium.crypto_sign_seed_keypair(seed)[1])[:64]


def unbase64(text, length=None):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as e:
        raise Malformed("not base64") from e
    if base64.b64encode(data).decode() != text or length not in (None, len(data)):
        raise Malformed("not base64 of the right length")
    return data


def key_text(purpose, public):
    return "cellveil-%s:%s" % (purpose, base64.b64encode(public).decode())


def key_from_text(purpose, text):
    prefix = "cellveil-%s:" % purpose
    if not text.startswith(prefix):
        raise Malformed("no %s key" % purpose)
    return unbase64(text[len(prefix):], 32)


def checked(line):
    """A line with its check of copying."""
    return "%s check:%s" % (line, blake2b(line.encode())[:4].hex())


class KeyPair:
    """A key of ours: an Ed25519 seed, or a CURVE secret key."""

    def __init__(self, purpose, secret):
        self.purpose, self.secret = purpose, secret
        self.public = (sodium.crypto_sign_seed_keypair(secret)[0] if KEY_TYPE[purpose] == SIGN
                       else sodium.crypto_scalarmult_base(secret))
        self.id = key_id(KEY_TYPE[purpose], self.public)
        self.text = key_text(purpose, self.public)

    @classmethod
    def generate(cls, purpose):
        return cls(purpose, os.urandom(32))

    def save(self, path):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w", encoding="ascii") as f:
            f.write("# %s key %s of cellveil; secret\n" % (self.purpose, self.id.hex()))
            f.write("cellveil-secret-%s:%s\n" % (self.purpose, base64.b64encode(self.secret).decode()))

    @classmethod
    def load(cls, purpose, path):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(fd, encoding="ascii") as f:
            if os.fstat(fd).st_mode & 0o177 or os.fstat(fd).st_uid != os.getuid():
                raise Untrusted("others can read " + path)
            lines = f.read().splitlines()
        return cls(purpose, key_from_text("secret-" + purpose, lines[1]))


def identity_line(role, who, curve, signing=None):
    return checked(" ".join(["cellveil-id", role, who] + ([signing.text] if signing else []) + [curve.text]))


class Join:
    """The operator's answer: where to connect, whom to believe."""

    def __init__(self, line):
        words = line.strip().split(" ")
        if len(words) < 6 or words[0] != "cellveil-join" or checked(" ".join(words[:-1])) != line.strip():
            raise Malformed("not a join line, or a slip of copying")
        self.line, self.role, self.name = line.strip(), words[1], words[2]
        pairs = [word.partition(":") for word in words[3:-1]]
        one = {key: value for key, _, value in pairs}
        self.origin = one["origin"]
        self.root = key_from_text("root", "cellveil-root:" + one["cellveil-root"])
        self.server = key_from_text("curve", "cellveil-curve:" + one["cellveil-curve"])
        self.endpoints = {kind: one[kind] for kind in ("submit", "query", "feed") if kind in one}
        self.datasets = [value for key, _, value in pairs if key == "dataset"]


# --- signed notes, the key set ----------------------------------------------------------------------------------

NOTE_SIGNATURE, NOTE_COSIGNATURE = 1, 4


def note_hash(who, kind, public):
    return hashlib.sha256(who.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def note_open(note, signers, must):
    """The text of a signed note. signers: [(name, kind, public key)]; each signature of a known one must be good,
    and there must be one by the signer named must."""
    if len(note) > 65536 or not note.endswith("\n") or re.search("[\x00-\x09\x0b-\x1f\x7f]", note):
        raise Malformed("not a signed note")
    head, gap, tail = note.rpartition("\n\n")
    lines = tail[:-1].split("\n")
    if not gap or not head or not 1 <= len(lines) <= 16:
        raise Malformed("not a signed note")
    text, good = head + "\n", set()
    for line in lines:
        mark, who, data = (line.split(" ") + ["", ""])[:3]
        if mark != "\u2014" or not who or line.count(" ") != 2:
            raise Malformed("not a signature line")
        data = unbase64(data)
        for known, kind, public in signers:
            if known == who and data[:4] == note_hash(who, kind, public):
                _note_verify(kind, public, data[4:], text)
                good.add(known)
    if must not in good:
        raise Untrusted("no signature of " + must)
    return text


def _note_verify(kind, public, signature, text):
    message = text
    if kind == NOTE_COSIGNATURE:
        message = "cosignature/v1\ntime %d\n%s" % (int.from_bytes(signature[:8], "big"), text)
        signature = signature[8:]
    if len(signature) != 64:
        raise Malformed("signature of another length")
    verify(public, signature, message.encode())


def decimal(text):
    if re.fullmatch("0|[1-9][0-9]{0,18}", text, re.ASCII) is None or int(text) >= 1 << 63:
        raise Malformed("not a number in its shortest form")
    return int(text)


def value_of(line, word):
    if not line.startswith(word + " "):
        raise Malformed("line %s is missing" % word)
    return line[len(word) + 1:]


class KeySet:
    STATES = ("active", "pending", "accept-only", "revoked")  # in the order of the lines

    def __init__(self, note, origin, root, held=None):
        """Believes the note if the root key signed it, or says why not. held: the key set known before."""
        authority = origin.partition("/")[0]
        self.note, self.origin = note, origin
        text = note_open(note, [(authority + "/root", NOTE_SIGNATURE, root)], authority + "/root")
        lines = text[:-1].split("\n")
        if len(lines) < 5 or lines[0] != "cellveil-keyset/1":
            raise Malformed("not a key set")
        if value_of(lines[1], "origin") != origin:
            raise Untrusted("the key set of another origin")
        self.serial = decimal(value_of(lines[2], "serial"))
        self.issued = decimal(value_of(lines[3], "issued"))
        self.valid_until = decimal(value_of(lines[4], "valid-until"))
        if held is not None and (self.serial < held.serial or (self.serial == held.serial and note != held.note)):
            raise Untrusted("an older key set, or another one of the same serial")
        self.endpoints, self.keys = [], []
        for line in lines[5:]:
            self._line(line.split(" "))
        lines_of = [key[0:1] + (key[3], self.STATES.index(key[1])) for key in self.keys]
        if self.endpoints != sorted(self.endpoints) or lines_of != sorted(lines_of):
            raise Malformed("lines of the key set out of order")
        ids = [key[2] for key in self.keys]
        active = [key[0] for key in self.keys if key[1] == "active" and key[0] != "curve"]
        if len(set(ids)) != len(ids) or len(set(active)) != len(active):
            raise Untrusted("a key twice, or two active keys of a purpose")
        curves = {key[2].hex() for key in self.keys if key[0] == "curve"}
        for kind, address, curve in self.endpoints:
            if not address.startswith("tcp://") or curve not in curves:
                raise Untrusted("endpoint %s is not usable" % kind)

    def _line(self, words):
        if words[0] == "endpoint" and len(words) == 4 and not self.keys:
            self.endpoints.append(words[1:])
        elif words[0] == "key" and len(words) == 7:
            _, purpose, state, shown, begins, ends, public = words
            if purpose.startswith("x-"):
                return
            if purpose not in KEY_TYPE or state not in self.STATES:
                raise Untrusted("unknown purpose or state")
            public = key_from_text(purpose, public)
            if key_id(KEY_TYPE[purpose], public).hex() != shown:
                raise Untrusted("a key id that is not its key's")
            self.keys.append((purpose, state, bytes.fromhex(shown), decimal(begins), decimal(ends), public))
        else:
            raise Malformed("unknown line in the key set")

    def active(self, purpose):
        """(id, public key) of the key in use."""
        for found, state, ident, _, _, public in self.keys:
            if found == purpose and state == "active":
                return ident, public
        raise Untrusted("no active %s key" % purpose)

    def public(self, purpose, ident):
        """A key that may have signed something: any that is not revoked."""
        for found, state, known, _, _, public in self.keys:
            if found == purpose and known == ident and state != "revoked":
                return public
        raise UnknownKey("unknown %s key" % purpose)

    def publics(self, purpose):
        return [key[5] for key in self.keys if key[0] == purpose and key[1] != "revoked"]

    def expired(self, now=None):
        return (time.time() if now is None else now) > self.valid_until


# --- 12. the log ------------------------------------------------------------------------------------------------

def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def tree_root(leaves):
    """RFC 6962, section 2.1, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(tree_root(leaves[:k]), tree_root(leaves[k:]))


def inclusion_root(index, size, leaf, path):
    """The root that the path leads to (RFC 9162, section 2.1.3.2)."""
    if index >= size:
        raise Untrusted("no such leaf")
    at, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Untrusted("proof too long")
        if at & 1 or at == last:
            root = node_hash(sibling, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise Untrusted("proof too short")
    return root


def check_inclusion(index, size, leaf, path, root):
    if inclusion_root(index, size, leaf, path) != root:
        raise Untrusted("the proof leads to another root")


def check_consistency(old, new, old_root, new_root, path):
    """RFC 9162, section 2.1.4.2."""
    path = list(path)
    if not 0 < old <= new:
        raise Untrusted("sizes out of order")
    if old == new:
        if path or old_root != new_root:
            raise Untrusted("same size, other root")
        return
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise Untrusted("proof too short")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    was = now = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise Untrusted("proof too long")
        if at & 1 or at == last:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            now = node_hash(now, sibling)
        at, last = at >> 1, last >> 1
    if last != 0 or was != old_root or now != new_root:
        raise Untrusted("the log was changed")


class Checkpoint:
    def __init__(self, note, origin, log_keys, witnesses=()):
        signers = [(origin, NOTE_SIGNATURE, key) for key in log_keys]
        signers += [(who, NOTE_COSIGNATURE, key) for who, key in witnesses]
        lines = note_open(note, signers, origin)[:-1].split("\n")
        if len(lines) != 3 or lines[0] != origin:
            raise Untrusted("the checkpoint of another log")
        self.note, self.size, self.root = note, decimal(lines[1]), unbase64(lines[2], 32)


def tile_path(index):
    """A tile's number as C2SP writes it in paths: x001/x234/067."""
    parts = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        parts.insert(0, "x%03d" % (index % 1000))
    return "/".join(parts)


def bundle_entries(data):
    """An entry bundle: each entry with its length in two bytes, most significant first, before it."""
    entries, at = [], 0
    while at < len(data):
        n = int.from_bytes(data[at:at + 2], "big")
        if at + 2 + n > len(data):
            raise Malformed("entry bundle cut off")
        entries.append(data[at + 2:at + 2 + n])
        at += 2 + n
    return entries


class LogProof:
    """A .tlog-proof: a leaf's index, its path, and the checkpoint that the path leads to."""

    def __init__(self, data, origin, log_keys, witnesses=()):
        head, gap, note = data.partition("\n\n")
        lines = head.split("\n")
        if not gap or lines[0] != "c2sp.org/tlog-proof@v1":
            raise Malformed("not a log proof")
        self.index = decimal(value_of(lines[1], "index"))
        self.path = [unbase64(line, 32) for line in lines[2:]]
        self.checkpoint = Checkpoint(note, origin, log_keys, witnesses)

    def check(self, index, entry):
        if self.index != index:
            raise Untrusted("the proof of another leaf")
        check_inclusion(index, self.checkpoint.size, leaf_hash(entry), self.path, self.checkpoint.root)


# --- 7. submissions ---------------------------------------------------------------------------------------------

FIGURES, WITHDRAWAL = 1, 2
HEADER = {0: number, 2: name, 4: binary(32), 6: period_name, 8: name, 10: binary(8), 12: binary(16), 14: number,
          16: number, 18: number}


def frame(a, b):
    return len(a).to_bytes(8, "little") + a + len(b).to_bytes(8, "little") + b


def figures(cells, blind=None):
    """cells: {(measure, code, ...): value, or None for a blank}, all of them places."""
    rows = [list(cell) + [value] for cell, value in sorted(cells.items()) if value is not None]
    blanks = [list(cell) for cell, value in sorted(cells.items()) if value is None]
    return pack({0: blind or os.urandom(32), 2: len(cells), 4: sum(row[-1] for row in rows), 6: rows, 8: blanks})


def withdrawal(blind=None):
    return pack({0: blind or os.urandom(32)})


class Statement:
    """What an office signed: header and payload, exactly as they travel."""

    def __init__(self, header, payload, signature):
        self.header, self.payload, self.signature = header, payload, signature
        self.field = fields(unpack(header), HEADER)
        self.digest = blake2b(label("stmt") + frame(header, payload))
        self.id = self.field[12]

    @classmethod
    def make(cls, key, dataset, config, period, office, act, revision, payload, **change):
        """change: id= and created=, in place of a random one and of the clock."""
        header = pack({0: 1, 2: dataset, 4: config, 6: period, 8: office, 10: key.id,
                       12: change.get("id") or os.urandom(16), 14: revision, 16: act,
                       18: change.get("created", int(time.time()))})
        return cls(header, payload, sign(key.secret, label("submission") + frame(header, payload)))

    def padded(self):
        plain = self.signature + self.payload + b"\x80"
        return plain + b"\0" * (-len(plain) % 1024)

    def seal(self, intake):
        return sodium.crypto_box_seal(self.padded(), intake)


def envelope_digest(header, box):
    return blake2b(label("envelope") + frame(header, box))


class Sealed:
    """A statement with a box that the vault can open, and the id of the key that opens it."""

    def __init__(self, statement, box, intake_id):
        self.statement, self.box, self.intake_id = statement, box, intake_id

    @classmethod
    def make(cls, statement, key_set):
        ident, public = key_set.active("intake")
        return cls(statement, statement.seal(public), ident)

    def body_fields(self):
        return {0: self.statement.header, 2: self.box, 4: self.intake_id}

    def encode(self):
        s = self.statement
        return pack([s.header, s.signature, s.payload, self.box, self.intake_id])

    @classmethod
    def decode(cls, data):
        header, signature, payload, box, intake_id = unpack(data)
        return cls(Statement(header, payload, signature), box, intake_id)


# --- 8. what the vault answers ----------------------------------------------------------------------------------

CODES = ("MALFORMED UNSUPPORTED NOT_AUTHORIZED KEY_REVOKED UNKNOWN_DATASET PERIOD_NOT_OPEN PERIOD_CLOSED "
         "CONFIG_MISMATCH UNKNOWN_INTAKE_KEY BAD_ENVELOPE INVALID_CONTENT CONFLICT REVISION_STALE TOO_LARGE "
         "NOT_FOUND INTERNAL FEED_CHANGED").split()
PERMANENT, FIXABLE, TEMPORARY = 1, 2, 3
RECEIPT_FIELDS = {0: text_field, 2: name, 4: period_name, 6: name, 8: binary(16), 10: binary(32), 12: number,
                  14: number, 16: number, 18: binary(8), 20: number}
REFUSAL_FIELDS = {0: text_field, 2: number, 4: number, 6: binary(32), 8: number, 10: binary(8)}


class Receipt:
    """A receipt that was compared field by field with the statement it answers."""

    def __init__(self, statement, signature, sent, key_set):
        f = fields(unpack(statement), RECEIPT_FIELDS)
        verify(key_set.public("receipt", f[18]), signature, label("receipt") + statement)
        want = {0: key_set.origin, 2: sent.field[2], 4: sent.field[6], 6: sent.field[8], 8: sent.id,
                10: sent.digest, 20: sent.field[14]}
        for key, value in want.items():
            if f[key] != value:
                raise Untrusted("receipt field %d is not ours" % key)
        if f[12] not in (1, 2):
            raise Untrusted("unknown outcome")
        self.statement, self.signature = statement, signature
        self.outcome, self.accepted, self.log_index = f[12], f[14], f[16]
        self.again = False


class Refused(Exception):
    """A REJECT. signed: the vault's signature on it was verified, and it speaks of what we sent."""

    def __init__(self, code, kind, detail, retry_ms=0, signed=False):
        name_ = CODES[code - 1] if 1 <= code <= len(CODES) else "code %d" % code
        super().__init__("%s, detail %d" % (name_, detail))
        self.code, self.name, self.kind, self.detail = code, name_, kind, detail
        self.retry_ms, self.signed = retry_ms, signed


REJECT_FIELDS = {0: number, 2: number, 4: number, 1: text_field, 3: number, 5: binary(), 7: binary(64)}


def refusal(answer, sealed=None, key_set=None):
    """A REJECT's fields as Refused; its signature counts only for what we sent."""
    f = fields(answer, REJECT_FIELDS)
    signed = False
    if sealed is not None and 5 in f and 7 in f:
        said = fields(unpack(f[5]), REFUSAL_FIELDS)
        verify(key_set.public("receipt", said[10]), f[7], label("refusal") + f[5])
        if (said[0], said[2], said[4]) != (key_set.origin, f[0], f[4]) or \
                said[6] != envelope_digest(sealed.statement.header, sealed.box):
            raise Untrusted("the refusal of something else")
        signed = True
    return Refused(f[0], f[2], f[4], f.get(3, 0), signed)


# --- 10. release files ------------------------------------------------------------------------------------------

FILE_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}", re.ASCII)
HEX64 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Manifest:
    def __init__(self, data):
        try:
            text = data.decode("ascii")
        except UnicodeDecodeError as e:
            raise Malformed("manifest is not ASCII") from e
        lines = text.split("\n")
        if lines[0] != "cellveil-manifest/1" or lines[-1] != "" or len(lines) < 11:
            raise Malformed("not a manifest")
        words = ["origin", "dataset", "period", "revision", "config", "seal", "bytes", "certificate"]
        (self.origin, self.dataset, self.period, revision, config, seal, size, self.certificate) = (
            value_of(line, word) for line, word in zip(lines[1:9], words))
        if not is_name(self.dataset) or not is_period(self.period) or not HEX64.fullmatch(config):
            raise Malformed("a field of the manifest")
        self.revision, self.seal, self.bytes = decimal(revision), decimal(seal), decimal(size)
        self.config = bytes.fromhex(config)
        self.files = {}
        for line in lines[9:-1]:
            found = re.fullmatch(r"BLAKE2b-256 \((%s)\) = (%s)" % (FILE_NAME.pattern, HEX64.pattern), line, re.ASCII)
            if found is None or (self.files and found[1] <= max(self.files)):
                raise Malformed("a file line of the manifest")
            self.files[found[1]] = bytes.fromhex(found[2])
        if self.certificate not in self.files:
            raise Malformed("the certificate is not among the files")
        self.digest = blake2b(data)


def minisign_verify(minisig, data, key_ident, public):
    """The trusted comment of a pre-hashed minisign signature over data."""
    try:
        lines = minisig.decode("utf-8").split("\n")
    except UnicodeDecodeError as e:
        raise Malformed("not a minisign file") from e
    if len(lines) != 5 or lines[4] or not lines[0].startswith("untrusted comment: ") \
            or not lines[2].startswith("trusted comment: ") or "\r" in "".join(lines):
        raise Malformed("not a minisign file")
    signature, overall = unbase64(lines[1], 74), unbase64(lines[3], 64)
    comment = lines[2][len("trusted comment: "):]
    if signature[:2] != b"ED" or signature[2:10] != key_ident:
        raise Untrusted("another algorithm or another key")
    verify(public, signature[10:], hashlib.blake2b(data).digest())
    verify(public, overall, signature[10:] + comment.encode())
    return comment


def release_verify(manifest_bytes, minisig, want, key_set):
    """The manifest, if the release key signed it as what was asked for.

    want: {"origin": ..., "dataset": ..., "period": ..., "rev": ..., "seq": ..., "feed": ...}, all text."""
    ident = unbase64(minisig.decode("utf-8", "replace").split("\n")[1], 74)[2:10]
    comment = minisign_verify(minisig, manifest_bytes, ident, key_set.public("release", ident))
    pairs = [field.partition(":") for field in comment.split("\t")]
    order = ["timestamp", "file", "origin", "dataset", "period", "rev", "seq", "feed"]
    said = {key: value for key, _, value in pairs}
    if [key for key, _, _ in pairs] != order or said["file"] != "manifest.txt":
        raise Untrusted("trusted comment of another form")
    decimal(said["timestamp"])
    for key, value in want.items():
        if said[key] != value:
            raise Untrusted("signed, but for another " + key)
    manifest = Manifest(manifest_bytes)
    if (manifest.origin, manifest.dataset, manifest.period, str(manifest.revision)) != \
            (said["origin"], said["dataset"], said["period"], said["rev"]):
        raise Untrusted("the manifest of something else")
    return manifest


PUBLISHED, SUPPRESSED, NOT_REPORTED, NOT_ASKED, STRUCTURAL_ZERO, PERTURBED = 1, 2, 3, 4, 5, 6


def tables(data, manifest):
    """release.msgpack: {table id: (names of its dimensions, {cell: (state, value)})}."""
    f = fields(unpack(data, NODES_FILE), {0: name, 2: period_name, 4: number, 6: binary(32), 8: array})
    if (f[0], f[2], f[4], f[6]) != (manifest.dataset, manifest.period, manifest.revision, manifest.config):
        raise Untrusted("the tables of another release")
    found = {}
    for ident, dims, rows in f[8]:
        cells = {}
        for row in rows:
            cell, state, value = tuple(row[:-2]), row[-2], row[-1]
            if len(cell) != len(dims) + 1 or not PUBLISHED <= state <= PERTURBED or (
                    state not in (PUBLISHED, PERTURBED) and value) or (cells and cell <= last):
                raise Malformed("a row of the release")
            cells[cell], last = (state, value), cell
        found[ident] = (dims, cells)
    return found


# --- 11. the feed -----------------------------------------------------------------------------------------------

RELEASE, BEAT, NOTICE = 40, 41, 43
NEW, SUPERSEDES, WITHDRAWS = 1, 2, 3
STALE = 3 * 5  # seconds: three intervals of the beat
COMMON = {0: lambda v: v == 1, 2: binary(16), 4: number, 6: binary(32), 8: number, 10: number, 12: name}
BY_KIND = {
    RELEASE: {14: period_name, 16: number, 18: lambda v: v in (NEW, SUPERSEDES, WITHDRAWS), 20: binary(32),
              22: number, 24: binary(), 26: number, 1: binary(), 3: binary()},
    NOTICE: {14: text_field},
    BEAT: {14: number, 16: binary(32)},
}
STATE_FIELDS = {0: lambda v: v == 1, 2: binary(16), 4: number, 6: binary(32), 10: number, 12: name, 14: array}


def link(envelope):
    return blake2b(label("link") + envelope)


def common_fields(envelope):
    """What every envelope has, also one of a future kind."""
    found = unpack(envelope)
    if not isinstance(found, dict):
        raise Malformed("not an envelope")
    return fields({key: value for key, value in found.items() if key in COMMON}, COMMON)


def envelope_fields(envelope):
    f = common_fields(envelope)
    if f[8] in BY_KIND:
        return fields(unpack(envelope), {**COMMON, **BY_KIND[f[8]]})
    if f[8] % 2 == 0:
        raise Unsupported("an envelope of a kind we must know")
    return f


class Position:
    """Where a reader of one feed stands, and what the next message means to it. Pure: no socket, no clock."""

    def __init__(self, dataset, feed_keys, feed_id=None, seq=0, last=bytes(32)):
        self.dataset, self.feed_keys = dataset, feed_keys
        self.feed_id, self.seq, self.link = feed_id, seq, last

    def signed(self, envelope, signature, what):
        for key in self.feed_keys:
            try:
                return verify(key, signature, label(what) + envelope)
            except Untrusted:
                pass
        raise Untrusted("not signed by the feed's key")

    def judge(self, envelope, signature):
        """(verdict, fields): REFUSE, RESTART, DROP, RANGE, STOP, ALERT (we are too old for it), CURRENT (a beat where
        we stand) or APPLY, after which the position has moved."""
        try:
            f = common_fields(envelope)
            self.signed(envelope, signature, "beat" if f[8] == BEAT else "feed")
        except (Malformed, Untrusted):
            return "REFUSE", None
        if f[12] != self.dataset:
            return "REFUSE", None
        if f[2] != self.feed_id:
            return "RESTART", f
        verdict = self._judge_beat(f) if f[8] == BEAT else self._judge_place(f, link(envelope))
        if verdict in ("APPLY", "CURRENT"):
            try:
                f = envelope_fields(envelope)
            except Unsupported:
                return "ALERT", f
            except Malformed:
                return "REFUSE", None
        if verdict == "APPLY":
            self.seq, self.link = f[4], link(envelope)
        return verdict, f

    def _judge_beat(self, f):
        if f[4] == self.seq:
            return "CURRENT" if f[6] == self.link else "STOP"
        return "RANGE" if f[4] > self.seq else "DROP"

    def _judge_place(self, f, its_link):
        if f[4] == self.seq and its_link != self.link:
            return "STOP"
        if f[4] <= self.seq:
            return "DROP"
        return "APPLY" if f[4] == self.seq + 1 and f[6] == self.link else "RANGE"


def pair(data, nodes=NODES_MESSAGE):
    """array(2) [envelope, signature], as on the feed, in feed files and in the state file."""
    found = unpack(data, nodes)
    if not array(found) or len(found) != 2 or not binary()(found[0]) or not binary(64)(found[1]):
        raise Malformed("not an envelope with its signature")
    return found


# --- the configuration, as far as a form needs it ---------------------------------------------------------------

MONTHS = {"Q": 3, "S": 6}


def months(period):
    """First and last month of a period, counted from year 0."""
    year, _, part = period.partition("-")
    if not part:
        return int(year) * 12, int(year) * 12 + 11
    width = MONTHS.get(part[0], 1)
    first = int(year) * 12 + (int(part.lstrip("QS")) - 1) * width
    return first, first + width - 1


def valid_in(valid, period):
    """Whether something is valid in any month of the period; valid: "A..B", an end may be missing."""
    if valid is None:
        return True
    begins, dots, ends = valid.partition("..")
    ends = ends if dots else begins
    first, last = months(period)
    return (not begins or months(begins)[0] <= last) and (not ends or months(ends)[1] >= first)


class Configuration:
    def __init__(self, data):
        self.digest = blake2b(data)
        self.tree = yaml.load(data.decode("utf-8"), Loader=yaml.BaseLoader)  # every value is text
        self.lists = {dim: [entry["code"] for entry in entries] for dim, entries in self.tree["codes"].items()}
        self.valid = {dim: [entry.get("valid") for entry in entries] for dim, entries in self.tree["codes"].items()}
        self.measures = {m["id"]: (place, m) for place, m in enumerate(self.tree["measures"])}

    def cell(self, measure, *codes):
        """A cell's places from its names."""
        place, m = self.measures[measure]
        dims = m.get("dims", [])
        if len(dims) != len(codes):
            raise ValueError("%s has %d dimensions" % (measure, len(dims)))
        return (place,) + tuple(self.lists[d].index(c) for d, c in zip(dims, codes))

    def value(self, measure, text):
        """A value as it travels: a whole number of the measure's smallest part."""
        decimals = int(self.measures[measure][1].get("decimals", 0))
        whole, _, part = text.partition(".")
        return int(whole + part.ljust(decimals, "0"))

    def checks(self):
        return [Check(self, tree) for tree in self.tree.get("checks", [])]

    def asked(self, period):
        """The cells of a form for this period, as names."""
        cells = {}
        for pattern in self.tree.get("asked", self.measures):
            measure, *parts = pattern.split("|")
            m = self.measures[measure][1]
            found = [(measure,)] if valid_in(m.get("valid"), period) else []
            for place, dim in enumerate(m.get("dims", [])):
                codes = self.lists[dim] if not parts or parts[place] == "*" else parts[place].split(",")
                codes = [c for c in codes if valid_in(self.valid[dim][self.lists[dim].index(c)], period)]
                found = [cell + (code,) for cell in found for code in codes]
            cells.update(dict.fromkeys(found))
        return list(cells)


def total_of(config, dim):
    """The code of a list that has no parent."""
    return [entry["code"] for entry in config.tree["codes"][dim] if "of" not in entry][0]


class Check:
    """A rule that a form must obey, without groupings."""

    def __init__(self, config, tree):
        self.config, self.id = config, int(tree["id"])
        found = re.fullmatch(r"sum\(([^,]+), ([^)]+)\) = \1\[(.+)\]", tree["rule"])
        self.sum = found.groups() if found else None
        self.pair = None if found else tree["rule"].split(" <= ")

    def faults(self, form):
        """[(cell, value that would do)] for each place where it is broken. form: {(measure, code, ...): value or
        None}, the asked cells."""
        return self._sums(form) if self.sum else self._pairs(form)

    def _sums(self, form):
        measure, dim, total = self.sum
        at = 1 + self.config.measures[measure][1]["dims"].index(dim)
        parents = {p for entry in self.config.tree["codes"][dim] for p in entry.get("of", [])}
        found = []
        for cell, value in form.items():
            if cell[0] != measure or cell[at] != total or value is None:
                continue
            parts = [c for c in form if c[:at] + c[at + 1:] == cell[:at] + cell[at + 1:] and c[at] not in parents]
            known = sum(form[c] or 0 for c in parts)
            blank = any(form[c] is None for c in parts)
            if known > value or (known != value and not blank):
                found.append((cell, known))
        return found

    def _pairs(self, form):
        small, large = self.pair
        dims_small, dims_large = (self.config.measures[m][1].get("dims", []) for m in self.pair)
        found = []
        for cell, value in form.items():
            if cell[0] != small or value is None:
                continue
            codes = dict(zip(dims_small, cell[1:]))
            limit = form.get((large,) + tuple(codes.get(d, total_of(self.config, d)) for d in dims_large))
            if limit is not None and value > limit:
                found.append((cell, limit))
        return found


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
