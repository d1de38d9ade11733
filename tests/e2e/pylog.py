"""The second client's reading of docs/protocol.md: signed notes, the key set, the public log (section 12)."""
import hashlib
import re
import time

from pyprofile import KEY_TYPE, Malformed, UnknownKey, Untrusted, key_from_text, key_id, unbase64, verify

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
