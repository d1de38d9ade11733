"""Strangers and registered misfits at the gate's doors: rules Z3-Z12, bad input B1-B12, B31-B34.

After each attack an honest office still gets its answers, and the gate's memory stays where it was.
"""
import os
import socket
import struct
import time

import zmq

from gatelib import *  # noqa: F403

MEMORY_MIB = 160  # high-water mark of the whole run of one test; idle is about 20
BURST, PER_S, OBJECTS_PER_S = 100, 20, 8  # messages of one principal; answers of half a MiB


def receipt_for(fields):
    """The vault's part: a RECEIPT for what looks like a SUBMIT, echoing its rid."""
    version, kind, rid, _ = unpack(fields[12])
    return body(RECEIPT, {0: b"statement", 1: False, 2: bytes(64)}, rid)


class Town:
    """One honest office, connected and served before and after each attack."""

    def __init__(self, gate, vault, *others):
        self.gate, self.vault = gate, vault
        self.office, self.bad = Key(), Key()
        vault.auto = receipt_for
        vault.enrol((self.office, OFFICE, ["births"]), (self.bad, OFFICE | RESEARCHER, ["births"]), *others)
        gate.wait_ready()
        self.honest = self.connect("submit", self.office)
        self.fine()

    def connect(self, door, key, **more):
        return Client(self.gate.address[door], self.gate.key.public, key, **more)

    def fine(self):
        kind, _ = self.honest.ask(SUBMIT, submission())
        assert kind == RECEIPT, kind
        hwm = self.gate.memory_mib()
        assert hwm < MEMORY_MIB or SANITIZED, f"{hwm} MiB"


def test_strangers_are_refused_at_every_door(gate, vault):
    town = Town(gate, vault)
    for door, kind in (("submit", zmq.DEALER), ("query", zmq.DEALER), ("feed", zmq.SUB)):
        unknown = town.connect(door, Key(), kind=kind)
        assert unknown.refused() == 400, door
        unknown.close()
        wrong_server = Client(gate.address[door], Key().public, town.office, kind=kind)
        assert wrong_server.refused() == 0, door
        wrong_server.close()
        null = Client(gate.address[door], None, None, kind=kind)
        assert null.refused() == 0, door
        null.close()
    town.fine()


def test_a_role_opens_only_its_doors(gate, vault):
    reader, auditor = Key(), Key()
    town = Town(gate, vault, (reader, RESEARCHER, []), (auditor, AUDITOR, []))
    for key in (reader, auditor):
        c = town.connect("submit", key)
        assert c.refused() == 400
        c.close()
        c = town.connect("query", key)
        assert c.ask(HELLO, {0: 1, 2: 1})[0] == WELCOME
        for kind, fields in ((STATUS, {0: bytes(16), 2: "unit-1"}), (GET_PERIODS, {0: "births", 2: "unit-1"})):
            assert c.ask(kind, fields) == (REJECT, {**c_reject(NOT_AUTHORIZED)}), kind
        c.close()
    c = town.connect("query", reader)
    assert c.ask(COSIGN, {0: 1, 2: b"x"})[1][0] == NOT_AUTHORIZED
    c.close()
    town.fine()


def c_reject(code, cls=1, detail=0):
    return {0: code, 2: cls, 4: detail}


def test_before_the_registry_everyone_is_told_later(gate, vault):
    """Z6, F47: 300, so that clients try again; and they get in once the registry is there."""
    with gate.news:
        gate.news.wait_for(lambda: len(gate.address) == 3, PATIENCE)
    key = Key()
    early = Client(gate.address["submit"], gate.key.public, key)
    assert early.event(zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_HANDSHAKE_FAILED_AUTH, patience=1.5) in (
        None, (zmq.EVENT_HANDSHAKE_FAILED_AUTH, 300))
    vault.auto = receipt_for
    vault.enrol((key, OFFICE, ["births"]))
    vault.deaf = False
    gate.wait_ready()
    assert early.ask(SUBMIT, submission())[0] == RECEIPT
    early.close()


test_before_the_registry_everyone_is_told_later.deaf = True


def test_the_self_test_notices_an_open_door(gate, vault):
    """Ready only after refusing a stranger: the line is there, and it came before anyone was served."""
    town = Town(gate, vault)
    gate.process.send_signal(signal.SIGHUP)
    gate.wait_line("^selftest-passed", count=2)
    town.fine()
    gate.process.send_signal(signal.SIGUSR1)
    counted = r'^counters: .*zap_total\{status="200"\} [1-9]'
    gate.wait_line(counted)
    town.fine()
    gate.stop()
    gate.wait_line(counted, count=2)  # once more when it stops


def test_several_frames_are_dropped_and_fined(gate, vault):
    town = Town(gate, vault)
    c = town.connect("submit", town.bad)
    for n in (2, 10000):
        c.socket.send_multipart([body(SUBMIT, submission())] * 2 + [b"x" * 64] * (n - 2))
    c.send(body(SUBMIT, submission()))  # the fine is felt by what comes after
    kind, _, fields = c.receive()
    assert (kind, fields[2]) == (BUSY, RATE)
    gate.wait_line(r"message-dropped: flaw 2, 2 frames, key [0-9a-f]{4}")
    gate.wait_line(r"message-dropped: flaw 2, 10000 frames")
    assert len(vault.forwards) == 1
    c.close()
    town.fine()


def test_empty_messages_get_no_answer(gate, vault):
    town = Town(gate, vault)
    c = town.connect("submit", town.bad)
    for _ in range(5):
        c.send(b"")
    kind, fields = c.ask(SUBMIT, submission())
    assert kind == RECEIPT
    gate.wait_line("message-dropped: flaw 1")
    c.close()
    town.fine()


def test_a_chosen_routing_id_gets_no_answer(gate, vault):
    town = Town(gate, vault)
    chosen = town.connect("submit", town.bad, identity=b"chosen")
    chosen.send(body(SUBMIT, submission()))
    gate.wait_line("message-dropped: flaw 3")
    assert chosen.receive(0.2) is None
    # one more for the same id: the first connection is not disturbed, and the second not heard
    town.fine()
    assert all(f[6] == town.office.id for f in vault.forwards)
    chosen.close()


def test_oversized_messages_cut_the_line(gate, vault):
    """B2: the limit passes, limit + 1 cuts the connection of its sender and no other."""
    town = Town(gate, vault)
    limit = 4 << 20
    overhead = len(body(SUBMIT, submission(1 << 21))) - (1 << 21)
    c = town.connect("submit", town.bad)
    kind, fields = c.ask(SUBMIT, submission(limit - overhead))
    assert kind == RECEIPT, (kind, fields)
    c.send(body(SUBMIT, submission(limit - overhead + 1)))
    assert c.event(zmq.EVENT_DISCONNECTED) is not None
    c.close()
    q = town.connect("query", town.bad)
    q.send(body(HELLO, {0: 1, 1: "x" * 9000, 2: 1}))
    assert q.event(zmq.EVENT_DISCONNECTED) is not None
    q.close()
    town.fine()


GOOD = [1, HELLO, bytes(range(16)), {0: 1, 2: 1}]
RID = bytes(range(16))
HEAD_BYTES = b"\x94\x01\x01\xc4\x10" + RID


def test_malformed_bodies(gate, vault):
    """B3-B12: refused by name where the rid can be read, dropped in silence where it cannot."""
    town = Town(gate, vault)
    refused = {
        "float": HEAD_BYTES + b"\x82\x00\xca\x3f\x80\x00\x00\x02\x01",
        "nil": HEAD_BYTES + b"\x82\x00\xc0\x02\x01",
        "negative": HEAD_BYTES + b"\x82\x00\xff\x02\x01",
        "ext": HEAD_BYTES + b"\x82\x00\xd4\x01\x00\x02\x01",
        "c1": HEAD_BYTES + b"\x82\x00\xc1\x02\x01",
        "long form": HEAD_BYTES + b"\x82\x00\xcc\x01\x02\x01",
        "double key": HEAD_BYTES + b"\x82\x00\x01\x00\x01",
        "unsorted keys": HEAD_BYTES + b"\x82\x02\x01\x00\x01",
        "text key": HEAD_BYTES + b"\x82\xa1a\x01\x02\x01",
        "bad utf-8": HEAD_BYTES + b"\x83\x00\x01\x01\xa2\xc3\x28\x02\x01",
        "control": HEAD_BYTES + b"\x83\x00\x01\x01\xa1\x07\x02\x01",
        "a byte more": HEAD_BYTES + b"\x82\x00\x01\x02\x01\x00",
        "huge array": HEAD_BYTES + b"\xdd\xff\xff\xff\xff",
        "huge map": HEAD_BYTES + b"\xdf\x10\x00\x00\x00",
        "huge bin": HEAD_BYTES + b"\x81\x00\xc6\xff\xff\xff\xff",
        "nested": HEAD_BYTES + b"\x91" * 40,
        "required key missing": HEAD_BYTES + b"\x81\x00\x01",
        "wrong type": HEAD_BYTES + b"\x82\x00\xa1x\x02\x01",
    }
    unsupported = {
        "even key": HEAD_BYTES + b"\x83\x00\x01\x02\x01\x04\x01",
        "version 0": pack([0] + GOOD[1:]),
        "version 2": pack([2] + GOOD[1:]),
        "kind 0": pack([1, 0, RID, {}]),
        "kind 255": pack([1, 255, RID, {}]),
        "kind 2^40": pack([1, 1 << 40, RID, {}]),
        "a reply kind": pack([1, WELCOME, RID, {}]),
        "a feed kind": pack([1, 41, RID, {}]),
        "submit at query": pack([1, SUBMIT, RID, submission()]),
    }
    silent = {
        "rid of 15": pack([1, HELLO, RID[:15], {0: 1, 2: 1}]),
        "rid of 17": pack([1, HELLO, RID + b"x", {0: 1, 2: 1}]),
        "five bytes": b"\xdd\x10\x00\x00\x00",
        "not an array": pack({0: 1}),
        "rubbish": os.urandom(200),
        "nested": b"\x91" * 4000,
        **{f"cut at {n}": pack(GOOD)[:n] for n in range(1, 20)},
    }
    c = town.connect("query", town.bad)
    for code, cases in ((MALFORMED, refused), (UNSUPPORTED, unsupported)):
        for name, data in cases.items():
            c = fresh(town, c)
            c.send(data)
            kind, rid, fields = c.receive() or (None, None, None)
            assert kind == REJECT and rid == RID and fields[0] == code, (name, kind, fields)
    c = fresh(town, c)
    for name, data in silent.items():
        c.send(data)
    kind, rid, _ = (c.send(pack(GOOD)), c.receive())[1]
    assert (kind, rid) == (WELCOME, RID), kind  # the first answer is to the first readable question
    # unknown odd keys are skipped; a rid used twice is harmless
    for _ in range(2):
        c.send(HEAD_BYTES + b"\x83\x00\x01\x02\x01\x05\xa1x")
        assert c.receive()[0] == WELCOME
    c.close()
    town.fine()


def fresh(town, c):
    """The bucket is for 100; malformed messages cost like any other, so wait for a token when it is empty."""
    while True:
        kind, fields = c.ask(HELLO, {0: 1, 2: 1})
        if kind == WELCOME:
            return c
        assert kind == BUSY and fields[2] == RATE
        time.sleep(fields[0] / 1000 * 3)


def allowed(start, burst=BURST, per_s=PER_S):
    """How many answers a full bucket gave since then, at most."""
    return burst + per_s * (time.monotonic() - start) + 1


def test_beyond_the_rate_is_busy_for_the_sender_alone(gate, vault):
    town = Town(gate, vault)
    c = town.connect("query", town.bad)
    kinds, start = [], time.monotonic()
    for _ in range(4):  # a door keeps a hundred answers for a line that is not read
        for _ in range(50):
            c.send(body(HELLO, {0: 1, 2: 1}))
        kinds += [c.receive()[0] for _ in range(50)]
    assert BURST <= kinds.count(WELCOME) <= allowed(start) and set(kinds) <= {WELCOME, BUSY}, kinds.count(WELCOME)
    # the bucket is the principal's, not the connection's: empty for minutes after a fine
    c.socket.send_multipart([body(HELLO, {0: 1, 2: 1})] * 10000)
    gate.wait_line("message-dropped: flaw 2, 10000 frames")
    other = town.connect("submit", town.bad)
    assert other.ask(SUBMIT, submission())[0] == BUSY
    town.fine()
    c.close()
    other.close()


def test_a_disabled_key_is_refused_on_its_open_connection(gate, vault):
    """Z9: ZAP asks once, the registry is asked for every message."""
    town = Town(gate, vault)
    c = town.connect("submit", town.bad)
    assert c.ask(SUBMIT, submission())[0] == RECEIPT
    vault.enrol((town.office, OFFICE, ["births"]))
    kind, fields = c.ask(SUBMIT, submission())
    assert (kind, fields[0]) == (REJECT, NOT_AUTHORIZED)
    # and cannot use refusals as a well: strangers share one bucket
    start = time.monotonic()
    for _ in range(300):
        c.send(body(SUBMIT, submission(16)))
    n = 0
    while c.receive(0.3) is not None:
        n += 1
    assert n <= allowed(start), n
    again = town.connect("submit", town.bad)
    assert again.refused() == 400
    for x in (c, again):
        x.close()
    town.fine()


def test_raw_bytes_on_the_ports(gate, vault):
    """B33: HTTP, TLS, ZMTP 1.0, 2.0 and NULL, PLAIN greetings, silence: closed within the handshake interval."""
    town = Town(gate, vault)
    greeting = b"\xff" + bytes(8) + b"\x7f\x03"
    openings = [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00" + os.urandom(200),
                b"\x01\x00", b"\xff" + bytes(8) + b"\x7f\x01\x00", greeting + b"\x00NULL".ljust(21, b"\0") + bytes(32),
                greeting + b"\x00PLAIN".ljust(21, b"\0") + bytes(32),
                greeting + b"\x00CURVE".ljust(21, b"\0") + bytes(32) + b"\x06\xff" + struct.pack(">Q", 1 << 31),
                os.urandom(4096)]
    lines = []
    for door in ("submit", "query", "feed"):
        host, port = gate.address[door][len("tcp://"):].rsplit(":", 1)
        for opening in openings:
            s = socket.create_connection((host, int(port)), PATIENCE)
            s.sendall(opening)
            lines.append(s)
    start = time.monotonic()
    for s in lines:
        s.settimeout(PATIENCE)
        try:
            while s.recv(65536):
                pass
        except ConnectionError:
            pass
        s.close()
    assert time.monotonic() - start < 25, "libzmq's own interval is 30 s"
    town.fine()


def test_many_idle_connections_keep_nobody_out(gate, vault):
    """F16, in small: after the handshake interval the idle ones are gone."""
    town = Town(gate, vault)
    host, port = gate.address["submit"][len("tcp://"):].rsplit(":", 1)
    idle = [socket.create_connection((host, int(port)), PATIENCE) for _ in range(400)]
    late = town.connect("submit", town.office)
    assert late.ask(SUBMIT, submission())[0] == RECEIPT
    for s in idle:
        s.close()
    late.close()
    town.fine()


def test_subscription_flood_and_messages_upstream(gate, vault):
    """B31, B32: an oversized subscription cuts the line; many cost memory, but no one else their service."""
    town = Town(gate, vault)
    big = town.connect("feed", town.bad, kind=zmq.XSUB)
    assert big.event(zmq.EVENT_HANDSHAKE_SUCCEEDED) is not None
    big.send(b"\x01" + b"x" * 600)
    assert big.event(zmq.EVENT_DISCONNECTED) is not None
    big.close()
    reader = town.connect("feed", town.office, kind=zmq.SUB)
    reader.socket.subscribe(b"cellveil1|births|")
    assert reader.event(zmq.EVENT_HANDSHAKE_SUCCEEDED) is not None
    upstream = town.connect("feed", town.office, kind=zmq.XSUB)
    assert upstream.event(zmq.EVENT_HANDSHAKE_SUCCEEDED) is not None
    upstream.send(b"not a subscription")
    upstream.socket.send_multipart([b"\x01several", b"\x01frames"])
    assert upstream.event(zmq.EVENT_DISCONNECTED, patience=0.3) is None
    many = town.connect("feed", town.bad, kind=zmq.XSUB, options=((zmq.SNDHWM, 0),))
    assert many.event(zmq.EVENT_HANDSHAKE_SUCCEEDED) is not None
    for i in range(20000):
        many.send(b"\x01" + os.urandom(80))
    gate.wait_line("^feed-flood: .*, key [0-9a-f]{4} ")
    # the flooder is told to come later; the others are back by themselves, subscription and all
    assert many.event(zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_HANDSHAKE_FAILED_AUTH, patience=2) in (
        None, (zmq.EVENT_HANDSHAKE_FAILED_AUTH, 300))
    assert reader.event(zmq.EVENT_HANDSHAKE_SUCCEEDED) is not None
    beat = pack({0: 1, 2: bytes(16), 4: 0, 6: bytes(32), 8: 41, 10: 1000, 12: "births", 14: 0, 16: bytes(32)})
    for _ in range(600):
        vault.send(FEED, {2: "births", 4: beat, 6: bytes(64)})
        if reader.socket.poll(100):
            break
    assert reader.socket.recv_multipart()[0] == b"cellveil1|births|"
    town.fine()
    for c in (many, reader, upstream):
        c.close()


def test_a_long_topic_is_a_flood_of_its_own(gate, vault):
    """97 bytes: within what a handshake needs of a frame, beyond what any topic needs."""
    town = Town(gate, vault)
    c = town.connect("feed", town.bad, kind=zmq.XSUB)
    assert c.event(zmq.EVENT_HANDSHAKE_SUCCEEDED) is not None
    c.send(b"\x01" + b"x" * 96)
    assert c.event(zmq.EVENT_DISCONNECTED, patience=0.3) is None
    c.send(b"\x01" + b"x" * 97)
    assert c.event(zmq.EVENT_DISCONNECTED) is not None
    gate.wait_line("^feed-flood: .*, key [0-9a-f]{4} ")
    c.close()
    town.fine()


def test_a_reader_that_never_reads_costs_a_bounded_amount(gate, vault):
    """Answers count against the asker's bytes, so a pile of unread ones grows no faster than 4 MiB/s."""
    digest = os.urandom(32)
    gate.put(f"object/{digest.hex()[:2]}/{digest.hex()}", os.urandom(1 << 20))
    town = Town(gate, vault)
    c = town.connect("query", town.bad, options=((zmq.RCVHWM, 1), (zmq.RCVBUF, 4096)))
    start = time.monotonic()
    for _ in range(100):
        c.send(body(OBJECT, {0: digest, 2: 0, 4: 512 << 10}))
    town.fine()
    kinds = [c.receive()[0] for _ in range(100)]  # each answer is 0.5 MiB, the bucket holds 4
    assert kinds.count(OBJECT_R) <= allowed(start, OBJECTS_PER_S, OBJECTS_PER_S) + 2, kinds.count(OBJECT_R)
    assert set(kinds) <= {OBJECT_R, BUSY}, set(kinds)
    c.close()


def test_curve_hello_replayed_and_huge_metadata(gate, vault):
    """B34 in part: an INITIATE that is no INITIATE, and a HELLO sent twice, close the line."""
    town = Town(gate, vault)
    host, port = gate.address["query"][len("tcp://"):].rsplit(":", 1)
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + b"\x00" + bytes(31)
    assert len(greeting) == 64
    hello = b"\x05HELLO\x01\x00" + bytes(72) + os.urandom(32) + bytes(8) + os.urandom(80)
    initiate = b"\x08INITIATE" + os.urandom(96 + 8 + 60000)
    for commands in ([hello], [hello, hello], [initiate], [b"\x05READY" + os.urandom(500)]):
        s = socket.create_connection((host, int(port)), PATIENCE)
        s.sendall(greeting)
        for c in commands:
            head = struct.pack(">BB", 4, len(c)) if len(c) < 256 else struct.pack(">BQ", 6, len(c))
            try:
                s.sendall(head + c)
            except ConnectionError:
                break
        s.settimeout(PATIENCE)
        try:
            while s.recv(65536):
                pass
        except ConnectionError:
            pass
        s.close()
    town.fine()


if __name__ == "__main__":
    run(*[f for name, f in list(globals().items()) if name.startswith("test_")])
