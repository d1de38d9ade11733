#!/usr/bin/python3
"""tests/vectors, judged by the second client: two programs written apart read the same bytes the same way."""
import hashlib
import json
import os
import sys
import unittest

import nacl.bindings as sodium

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import pyclient as cv  # noqa: E402

VECTORS = os.path.join(HERE, "../vectors")


def vectors(name):
    with open(os.path.join(VECTORS, name + ".json"), encoding="utf-8") as f:
        return json.load(f)


def unhex(text):
    return bytes.fromhex(text)


KEYS = vectors("keys")
ORIGIN = vectors("log")["origin"]
ROOT = unhex(KEYS["root"]["public"])
NOW = 1767225660


def key_set(note=None, held=None):
    return cv.KeySet(note or vectors("keyset")["note"], ORIGIN, ROOT, held)


class Profile(unittest.TestCase):
    def test_cases(self):
        for case in vectors("profile")["cases"]:
            data = unhex(case["hex"])
            if "fill" in case:
                data += unhex(case["fill"]) * case["count"]
            with self.subTest(case["name"]):
                if case["ok"]:
                    value = cv.unpack(data, case.get("nodes", cv.NODES_MESSAGE))
                    self.assertEqual(cv.pack(value), data)
                else:
                    with self.assertRaises(cv.Malformed) as refused:
                        cv.unpack(data, case.get("nodes", cv.NODES_MESSAGE))
                    self.assertEqual(refused.exception.rule, case["rule"])

    def test_grammar(self):
        grammar = vectors("profile")["grammar"]
        for test, cases in ((cv.is_name, grammar["name"]), (cv.is_period, grammar["period"])):
            for case in cases:
                with self.subTest(case["value"]):
                    self.assertEqual(test(case["value"]), case["ok"])


class Keys(unittest.TestCase):
    def test_ids_and_texts(self):
        for name, key in KEYS.items():
            if not isinstance(key, dict) or "text" not in key or not key["text"].startswith("cellveil-"):
                continue
            purpose = key["text"].partition(":")[0][len("cellveil-"):]
            with self.subTest(name):
                secret, public = unhex(key.get("seed") or key["secret"]), unhex(key["public"])
                self.assertEqual(cv.key_text(purpose, public), key["text"])
                if purpose in cv.KEY_TYPE:
                    pair = cv.KeyPair(purpose, secret)
                    self.assertEqual((pair.public, pair.id.hex()), (public, key["key_id"]))
                if "vkey" in key:
                    who, shown, data = key["vkey"].split("+", 2)
                    data = cv.unbase64(data, 33)
                    self.assertEqual(data[1:], public)
                    self.assertEqual(cv.note_hash(who, data[0], public).hex(), shown)

    def test_key_sets(self):
        held = key_set()
        for case in vectors("keyset")["cases"]:
            with self.subTest(case["name"]):
                known = held if case["held_serial"] else None
                if case["want"] == "REFUSE":
                    with self.assertRaises((cv.Untrusted, cv.Malformed)):
                        key_set(case["note"], known)
                else:
                    self.assertEqual(key_set(case["note"], known).expired(NOW), case["want"] == "EXPIRED")


class Submissions(unittest.TestCase):
    def test_positive(self):
        data = vectors("submission")
        office = cv.KeyPair("sign", unhex(KEYS["office"]["seed"]))
        for case in data["positive"]:
            with self.subTest(case["name"]):
                header, payload, box = (unhex(case[k]) for k in ("header", "payload", "box"))
                f = cv.unpack(header)
                made = cv.Statement.make(office, f[2], f[4], f[6], f[8], f[16], f[14], payload, id=f[12],
                                         created=f[18])
                self.assertEqual((made.header, made.signature), (header, unhex(case["signature"])))
                self.assertEqual(made.digest.hex(), case["statement_digest"])
                self.assertEqual(cv.envelope_digest(header, box).hex(), case["envelope_digest"])
                self.assertEqual(len(made.padded()), case["padded_len"])
                intake = KEYS["intake"]
                opened = sodium.crypto_box_seal_open(box, unhex(intake["public"]), unhex(intake["secret"]))
                self.assertEqual(opened, made.padded())
                body = cv.unpack(unhex(case["body"]))
                sealed = cv.Sealed(made, box, unhex(intake["key_id"]))
                self.assertEqual(cv.pack([1, cv.SUBMIT, body[2], sealed.body_fields()]), unhex(case["body"]))
                content = cv.unpack(payload)
                if f[16] == cv.FIGURES:
                    cells = {tuple(row[:-1]): row[-1] for row in content[6]}
                    cells.update({tuple(cell): None for cell in content[8]})
                    self.assertEqual(cv.figures(cells, content[0]), payload)
                else:
                    self.assertEqual(cv.withdrawal(content[0]), payload)

    def test_our_seal_opens(self):
        case = vectors("submission")["positive"][0]
        made = cv.Statement(unhex(case["header"]), unhex(case["payload"]), unhex(case["signature"]))
        sealed = cv.Sealed.make(made, key_set())
        self.assertEqual(sealed.intake_id.hex(), KEYS["intake"]["key_id"])
        opened = sodium.crypto_box_seal_open(sealed.box, unhex(KEYS["intake"]["public"]),
                                                unhex(KEYS["intake"]["secret"]))
        self.assertEqual(opened, made.padded())
        self.assertEqual(len(sealed.box), case["padded_len"] + 48)
        again = cv.Sealed.decode(sealed.encode())
        self.assertEqual((again.box, again.statement.digest), (sealed.box, made.digest))


class Statements(unittest.TestCase):
    def setUp(self):
        self.data = vectors("statements")
        case = vectors("submission")["positive"][0]
        self.sealed = cv.Sealed(cv.Statement(unhex(case["header"]), unhex(case["payload"]), unhex(case["signature"])),
                                unhex(case["box"]), unhex(KEYS["intake"]["key_id"]))

    def receipt(self, case):
        return cv.Receipt(unhex(case["statement"]), unhex(case["signature"]), self.sealed.statement, key_set())

    def test_receipt(self):
        self.assertEqual(self.receipt(self.data["receipt"]).outcome, 1)
        answer = cv.unpack(unhex(self.data["receipt"]["body"]))
        f = cv.fields(answer[3], cv.ANSWER[answer[1]])
        self.assertEqual((answer[1], f[0].hex()), (cv.RECEIPT, self.data["receipt"]["statement"]))
        self.assertIs(type(f[1]), bool)
        for case in self.data["receipt_negative"]:
            with self.subTest(case["name"]), self.assertRaises(cv.Untrusted):
                self.receipt(case)

    def test_refusal(self):
        answer = cv.unpack(unhex(self.data["refusal"]["body"]))
        refused = cv.refusal(answer[3], self.sealed, key_set())
        self.assertEqual((refused.name, refused.kind, refused.detail, refused.signed),
                         ("INVALID_CONTENT", cv.PERMANENT, 10, True))
        bent = dict(answer[3])
        bent[0] = 12
        with self.assertRaises(cv.Untrusted):
            cv.refusal(bent, self.sealed, key_set())
        del bent[5]
        self.assertFalse(cv.refusal(bent, self.sealed, key_set()).signed)
        other = cv.Sealed(self.sealed.statement, self.sealed.box[:-1] + b"\0", self.sealed.intake_id)
        with self.assertRaises(cv.Untrusted):
            cv.refusal(answer[3], other, key_set())


class Log(unittest.TestCase):
    def setUp(self):
        self.data = vectors("log")
        self.leaves = [cv.leaf_hash(e.encode()) for e in self.data["entries"]]
        self.log = unhex(KEYS["log"]["public"])
        self.witness = [("auditor.example/w1", unhex(KEYS["witness"]["public"]))]

    def test_roots(self):
        self.assertEqual([leaf.hex() for leaf in self.leaves], self.data["leaf_hashes"])
        for size, root in self.data["roots"].items():
            self.assertEqual(cv.tree_root(self.leaves[:int(size)]).hex(), root)
        self.assertEqual(b"".join(self.leaves).hex(), self.data["tile_0_000_p_7"])
        self.assertEqual(cv.bundle_entries(unhex(self.data["entry_bundle_000_p_7"])),
                         [e.encode() for e in self.data["entries"]])
        for index, path in self.data["path_names"].items():
            self.assertEqual(cv.tile_path(int(index)), path)

    def test_big_roots(self):
        big = self.data["big"]
        leaves = [cv.leaf_hash(('{"v":1,"i":%d,"t":1767225600,"k":"submission","stmt":"%s"}' % (
            i, hashlib.sha256(str(i).encode()).hexdigest())).encode()) for i in range(600)]
        for size, root in big["roots"].items():
            self.assertEqual(cv.tree_root(leaves[:int(size)]).hex(), root)
        for case in big["inclusion"]:
            cv.check_inclusion(case["index"], case["size"], leaves[case["index"]],
                               [unhex(h) for h in case["path"]], cv.tree_root(leaves[:case["size"]]))
        for case in big["consistency"]:
            cv.check_consistency(case["old"], case["new"], cv.tree_root(leaves[:case["old"]]),
                                 cv.tree_root(leaves[:case["new"]]), [unhex(h) for h in case["path"]])

    def test_checkpoints(self):
        for case in self.data["checkpoint_cases"]:
            with self.subTest(case["name"]):
                if case["ok"]:
                    checkpoint = cv.Checkpoint(case["note"], ORIGIN, [self.log], self.witness)
                    self.assertEqual(checkpoint.root.hex(), self.data["roots"][str(checkpoint.size)])
                else:
                    with self.assertRaises((cv.Untrusted, cv.Malformed)):
                        cv.Checkpoint(case["note"], ORIGIN, [self.log], self.witness)

    def test_inclusion(self):
        for case in self.data["inclusion"]:
            cv.check_inclusion(case["index"], case["size"], self.leaves[case["index"]],
                               [unhex(h) for h in case["path"]], unhex(self.data["roots"][str(case["size"])]))
        for case in self.data["inclusion_negative"]:
            with self.subTest(case["name"]), self.assertRaises(cv.Untrusted):
                root = unhex(case["root"]) if "root" in case else unhex(self.data["roots"][str(min(case["size"], 7))])
                cv.check_inclusion(case["index"], case["size"], unhex(case["leaf"]),
                                   [unhex(h) for h in case["path"]], root)

    def test_consistency(self):
        for case in self.data["consistency"]:
            cv.check_consistency(case["old"], case["new"], unhex(self.data["roots"][str(case["old"])]),
                                 unhex(self.data["roots"][str(case["new"])]), [unhex(h) for h in case["path"]])
        for case in self.data["consistency_negative"]:
            with self.subTest(case["name"]), self.assertRaises(cv.Untrusted):
                cv.check_consistency(case["old"], case["new"], unhex(case["old_root"]), unhex(case["new_root"]),
                                     [unhex(h) for h in case["path"]])

    def test_proof_and_set(self):
        proof = cv.LogProof(self.data["tlog_proof_index_3"], ORIGIN, [self.log], self.witness)
        proof.check(3, self.data["entries"][3].encode())
        with self.assertRaises(cv.Untrusted):
            proof.check(3, self.data["entries"][2].encode())
        digests = [unhex(d) for d in self.data["seal_set"]["digests_sorted"]]
        self.assertEqual(digests, sorted(digests))
        self.assertEqual(cv.tree_root([cv.leaf_hash(d) for d in digests]).hex(), self.data["seal_set"]["root"])


class Releases(unittest.TestCase):
    def setUp(self):
        self.data = vectors("release")
        said = dict(field.split(":", 1) for field in self.data["trusted_comment"].split("\t"))
        self.want = {key: said[key] for key in ("origin", "dataset", "period", "rev", "seq", "feed")}

    def verify(self, minisig, manifest=None):
        return cv.release_verify((manifest or self.data["manifest"]).encode(), minisig.encode(), self.want, key_set())

    def test_release(self):
        manifest = self.verify(self.data["minisig"])
        self.assertEqual(manifest.digest.hex(), self.data["object_digest"])
        total = 0
        for name, digest in manifest.files.items():
            with open(os.path.join(VECTORS, "release", name), "rb") as f:
                data = f.read()
            self.assertEqual(cv.blake2b(data), digest)
            total += len(data)
        self.assertEqual(total, manifest.bytes)

    def test_negative(self):
        for case in self.data["negative"]:
            with self.subTest(case["name"]), self.assertRaises((cv.Untrusted, cv.Malformed)):
                self.verify(case["minisig"])
        for case in self.data["negative_manifest"]:
            with self.subTest(case["name"]), self.assertRaises(cv.Malformed):
                cv.Manifest(case["manifest"].encode())


class Feed(unittest.TestCase):
    def setUp(self):
        self.data = vectors("feed")
        self.feed_id = unhex(self.data["feed_id"])

    def position(self, seq=0):
        last = unhex(self.data["chain"][seq - 1]["link"]) if seq else bytes(32)
        return cv.Position("personal-support", [unhex(KEYS["feed"]["public"])], self.feed_id, seq, last)

    def test_chain(self):
        reader = self.position()
        for entry in self.data["chain"]:
            self.assertEqual(cv.pair(unhex(entry["frame"])), [unhex(entry["envelope"]), unhex(entry["signature"])])
            self.assertEqual(reader.judge(*cv.pair(unhex(entry["frame"])))[0], "APPLY")
            self.assertEqual((reader.seq, reader.link.hex()), (entry["seq"], entry["link"]))
        self.assertEqual(reader.judge(*cv.pair(unhex(self.data["beat"]["frame"])))[0], "CURRENT")
        first = self.data["beat_before_first_release"]
        self.assertEqual(self.position().judge(unhex(first["envelope"]), unhex(first["signature"]))[0], "CURRENT")

    def test_state(self):
        envelope, signature = cv.pair(unhex(self.data["state"]["file"]), cv.NODES_FILE)
        self.position().signed(envelope, signature, "state")
        f = cv.fields(cv.unpack(envelope, cv.NODES_FILE), cv.STATE_FIELDS)
        self.assertEqual((f[2], f[6].hex()), (self.feed_id, self.data["chain"][f[4] - 1]["link"]))
        with self.assertRaises(cv.Untrusted):
            self.position().signed(envelope, signature, "feed")

    def test_reader(self):
        for case in self.data["reader"]:
            with self.subTest(case["name"]):
                self.assertEqual(self.position(1).judge(*cv.pair(unhex(case["frame"])))[0], case["want"])

    def test_equivocation(self):
        two = self.data["equivocation"]
        reader = self.position(1)
        self.assertEqual(reader.judge(unhex(two["a"]), unhex(two["sig_a"]))[0], "APPLY")
        self.assertEqual(reader.judge(unhex(two["b"]), unhex(two["sig_b"]))[0], "STOP")

    def test_release_of_the_chain(self):
        f = cv.envelope_fields(unhex(self.data["chain"][0]["envelope"]))
        release = vectors("release")
        self.assertEqual(f[20].hex(), release["object_digest"])
        self.assertEqual(f[24], release["minisig"].encode())
        self.assertEqual(f[22], cv.Manifest(release["manifest"].encode()).bytes)


if __name__ == "__main__":
    unittest.main()
