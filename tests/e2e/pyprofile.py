"""The second client's reading of docs/protocol.md: what messages are made of (section 4), labels, digests and keys (1, 6)."""
import base64
import binascii
import hashlib
import os
import re

import msgpack
import nacl.bindings as sodium
import nacl.exceptions



NODES_MESSAGE, NODES_FILE = 4096, 2500000


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
