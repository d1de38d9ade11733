"""The second client's reading of docs/protocol.md: submissions, receipts, release files and the feed (sections 7, 8, 10, 11), and
of docs/configuration.md, as far as a form needs it."""
import hashlib
import os
import re
import time

import nacl.bindings as sodium
import yaml

from pylog import decimal, value_of
from pyprofile import (
    Malformed, NODES_FILE, NODES_MESSAGE, Unsupported, Untrusted, array, binary, blake2b, fields, is_name, is_period,
    label, name, number, pack, period_name, sign, text_field, unbase64, unpack, verify)

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
