"""What readers and auditors are told from files, and what subscribers hear: G7, B27-B30, F50, F53."""
import hashlib
import os

import zmq

from gatelib import *  # noqa: F403

FEED_ID = bytes(range(16))
TOPIC = b"cellveil1|births|"


def envelope(kind, seq, feed_id=FEED_ID, time_s=1000, **more):
    fields = {0: 1, 2: feed_id, 4: seq, 6: bytes(32), 8: kind, 10: time_s, 12: "births"}
    if kind == 43:
        fields[14] = more.get("text", f"notice {seq}")
    if kind == 41:
        fields[14], fields[16] = 0, bytes(32)
    return pack(fields)


def frame(data):
    return pack([data, bytes(64)])


def notice_file(gate, seq, **more):
    gate.put(f"feed/births/{FEED_ID.hex()}/{seq:09d}", frame(envelope(43, seq, **more)))


def town(gate, vault):
    keys = {"office": Key(), "researcher": Key(), "auditor": Key()}
    roles = {"office": OFFICE, "researcher": RESEARCHER, "auditor": AUDITOR}
    with vault.lock:
        vault.configs = [["births", bytes(range(32))]]
    vault.enrol(*[(k, roles[n], ["births"]) for n, k in keys.items()])
    gate.wait_ready()
    return {n: Client(gate.address["query"], gate.key.public, k) for n, k in keys.items()}, keys


def subscriber(gate, key, topic=TOPIC):
    """A SUB whose subscription has reached the gate: a first beat, sent until heard, tells."""
    s = Client(gate.address["feed"], gate.key.public, key, kind=zmq.SUB)
    s.socket.subscribe(topic)
    assert s.event(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    return s


def hear(s, patience=PATIENCE):
    if not s.socket.poll(patience * 1000):
        return None
    topic, data = s.socket.recv_multipart()
    assert topic == TOPIC
    return unpack(unpack(data)[0])


def beat(vault, seq, time_s=1000, feed_id=FEED_ID):
    vault.send(FEED, {2: "births", 4: envelope(41, seq, feed_id, time_s), 6: bytes(64)})


def news(vault, seq, **more):
    vault.send(FEED, {2: "births", 4: envelope(43, seq, **more), 6: bytes(64)})


def attend(vault, s, seq=0):
    """Beats until the subscriber hears one, and then the last: its subscription is in force, and nothing is under way."""
    for n in range(600):
        beat(vault, seq, 2000 + n)
        heard = hear(s, 0.1)
        while heard:
            if heard[10] == 2000 + n:
                return
            heard = hear(s)
    raise AssertionError("no beat was heard")


def test_welcome(gate, vault):
    clients, _ = town(gate, vault)
    gate.put("keyset", b"cellveil-keyset/1\norigin stats.example/log1\nserial 42\nissued 1\n\n\xe2\x80\x94 x AAAA\n")
    kind, f = clients["auditor"].ask(HELLO, {0: 1, 2: 3, 5: 1})
    assert (kind, f[0], f[6], f[10]) == (WELCOME, 1, 42, AUDITOR)
    assert f[4][0] == 4 << 20 and f[4][4] == 1200
    assert f[8] == [["births", bytes(range(32))]]
    assert clients["office"].ask(HELLO, {0: 2, 2: 3})[1][0] == UNSUPPORTED
    kind, f = clients["office"].ask(GET_KEYS, {1: 42})
    assert kind == KEYSET and f[0].startswith(b"cellveil-keyset/1\n")


def test_range(gate, vault):
    clients, _ = town(gate, vault)
    c = clients["researcher"]
    assert c.ask(HEAD, {0: "births"})[1][0] == NOT_FOUND
    assert c.ask(RANGE, {0: "births", 2: FEED_ID, 4: 1, 6: 10})[1][0] == NOT_FOUND
    for seq in range(1, 301):
        notice_file(gate, seq)
    gate.put("feed/births/beat", frame(envelope(41, 300)))
    kind, f = c.ask(HEAD, {0: "births"})
    assert kind == HEAD_R and unpack(f[0])[4] == 300 and f[2] == bytes(64)
    kind, f = c.ask(RANGE, {0: "births", 2: FEED_ID, 4: 299, 6: 256})
    assert kind == RANGE_R and (f[2], f[4]) == (301, 300)
    assert [unpack(e)[4] for e, _ in f[0]] == [299, 300]
    kind, f = c.ask(RANGE, {0: "births", 2: FEED_ID, 4: 0, 6: 256})
    assert [unpack(e)[4] for e, _ in f[0]] == list(range(1, 257)) and (f[2], f[4]) == (257, 300)
    kind, f = c.ask(RANGE, {0: "births", 2: FEED_ID, 4: 301, 6: 1})
    assert (f[0], f[2], f[4]) == ([], 301, 300)
    assert c.ask(RANGE, {0: "births", 2: FEED_ID, 4: 1 << 62, 6: 1})[1][0] == []
    assert c.ask(RANGE, {0: "births", 2: bytes(16), 4: 1, 6: 1})[1][0] == FEED_CHANGED
    assert c.ask(RANGE, {0: "births", 2: FEED_ID, 4: 1, 6: 10**9})[1][0] == MALFORMED
    assert c.ask(RANGE, {0: "../births", 2: FEED_ID, 4: 1, 6: 1})[1][0] == MALFORMED
    # a hole: what is before it, then nothing rather than something else
    os.unlink(f"{gate.public}/feed/births/{FEED_ID.hex()}/{5:09d}")
    kind, f = c.ask(RANGE, {0: "births", 2: FEED_ID, 4: 3, 6: 10})
    assert [unpack(e)[4] for e, _ in f[0]] == [3, 4] and f[2] == 5
    assert c.ask(RANGE, {0: "births", 2: FEED_ID, 4: 5, 6: 10})[1][0] == NOT_FOUND
    # large envelopes: as many as fit an answer of 1 MiB
    for seq in range(10, 20):
        gate.put(f"feed/births/{FEED_ID.hex()}/{seq:09d}", frame(envelope(43, seq) + os.urandom(200000)))
    kind, f = c.ask(RANGE, {0: "births", 2: FEED_ID, 4: 10, 6: 10})
    assert kind == RANGE_R and len(f[0]) == 5 and f[2] == 15


def test_state_in_chunks(gate, vault):
    clients, _ = town(gate, vault)
    c = clients["researcher"]
    rows = [[f"{1900 + i}", 0, i, os.urandom(32), 1] for i in range(290)]
    state = frame(pack({0: 1, 2: FEED_ID, 4: 77, 6: bytes(32), 10: 5, 12: "births", 14: rows}) + b"")
    big = frame(pack({0: 1, 2: FEED_ID, 4: 78, 6: bytes(32), 10: 5, 12: "births", 14: rows * 60}))
    for content, as_of in ((state, 77), (big, 78)):
        gate.put("feed/births/state", content)
        got = b""
        while True:
            kind, f = c.ask(STATE, {0: "births", 2: len(got)})
            assert kind == STATE_R and (f[0], f[2], f[4]) == (as_of, len(content), len(got))
            if not f[6]:
                break
            got += f[6]
        assert got == content
    assert c.ask(STATE, {0: "births", 2: 1 << 60})[1][6] == b""
    assert c.ask(STATE, {0: "deaths", 2: 0})[1][0] == NOT_FOUND


def test_objects_and_who_may_have_them(gate, vault):
    clients, _ = town(gate, vault)
    data = os.urandom(700000)
    digest = hashlib.blake2b(data, digest_size=32).digest()
    conf, manifest, nothing = (os.urandom(32) for _ in range(3))
    gate.put(f"object/{digest.hex()[:2]}/{digest.hex()}", data)
    gate.put(f"config/{conf.hex()}", b"configuration")
    gate.put(f"{manifest.hex()}.age", b"sealed", tree=gate.audit)
    # a link planted in public/, and a fifo: nobody follows, nobody waits (F53)
    planted = os.urandom(32)
    os.makedirs(f"{gate.public}/object/{planted.hex()[:2]}", exist_ok=True)
    os.symlink(f"{gate.audit}/{manifest.hex()}.age", f"{gate.public}/object/{planted.hex()[:2]}/{planted.hex()}")
    pipe = os.urandom(32)
    os.mkfifo(f"{gate.public}/config/{pipe.hex()}")
    for name, c in clients.items():
        kind, f = c.ask(OBJECT, {0: digest, 2: 600000, 4: 512 << 10})
        assert kind == OBJECT_R and (f[0], f[2], f[4]) == (700000, 600000, data[600000:])
        assert c.ask(OBJECT, {0: digest, 2: 0, 4: 512 << 10})[1][4] == data[:512 << 10]
        assert c.ask(OBJECT, {0: digest, 2: 1 << 50, 4: 5})[1] == {0: 700000, 2: 1 << 50, 4: b""}
        assert c.ask(OBJECT, {0: conf, 2: 0, 4: 100})[1][4] == b"configuration"
        missing = c.ask(OBJECT, {0: nothing, 2: 0, 4: 100})
        assert missing[0] == REJECT and missing[1][0] == NOT_FOUND
        assert c.ask(OBJECT, {0: planted, 2: 0, 4: 100}) == missing
        assert c.ask(OBJECT, {0: pipe, 2: 0, 4: 100}) == missing
        sealed = c.ask(OBJECT, {0: manifest, 2: 0, 4: 100})
        assert sealed == missing if name != "auditor" else sealed[1][4] == b"sealed"


def test_log_files(gate, vault):
    clients, _ = town(gate, vault)
    c = clients["researcher"]
    gate.put("log/checkpoint", b"a checkpoint")
    gate.put("log/tile/0/x001/067", b"full")
    gate.put("log/tile/0/000.p/5", b"partial")
    gate.put("log/tile/entries/000", b"bundle")
    for question, want in (({0: 1, 2: 0, 4: 0, 6: 256}, b"a checkpoint"), ({0: 2, 2: 0, 4: 1067, 6: 256}, b"full"),
                           ({0: 2, 2: 0, 4: 0, 6: 5}, b"partial"), ({0: 3, 2: 0, 4: 0, 6: 256}, b"bundle")):
        kind, f = c.ask(LOG, question)
        assert (kind, f.get(0)) == (LOG_R, want), (question, f)
    for question in ({0: 2, 2: 64, 4: 0, 6: 256}, {0: 2, 2: 63, 4: 0, 6: 256}, {0: 2, 2: 0, 4: 0, 6: 0},
                     {0: 2, 2: 0, 4: 0, 6: 257}, {0: 2, 2: 0, 4: (1 << 63) - 1, 6: 256}, {0: 4, 2: 0, 4: 0, 6: 1}):
        kind, f = c.ask(LOG, question)
        assert kind == REJECT and f[0] in (MALFORMED, UNSUPPORTED, NOT_FOUND), (question, f)


def test_proof(gate, vault):
    clients, _ = town(gate, vault)
    c = clients["auditor"]
    assert c.ask(PROOF, {0: 0})[1][0] == NOT_FOUND
    leaves = [hashlib.sha256(b"\x00leaf %d" % i).digest() for i in range(5)]

    def node(a, b):
        return hashlib.sha256(b"\x01" + a + b).digest()
    root = node(node(node(leaves[0], leaves[1]), node(leaves[2], leaves[3])), leaves[4])
    import base64
    note = b"stats.example/log1\n5\n" + base64.b64encode(root) + b"\n\n\xe2\x80\x94 stats.example/log1 " + \
        base64.b64encode(bytes(68)) + b"\n"
    gate.put("log/checkpoint", note)
    gate.put("log/tile/0/000.p/5", b"".join(leaves))
    kind, f = c.ask(PROOF, {0: 2})
    assert kind == PROOF_R, f
    text = f[0].decode()
    path = [leaves[3], node(leaves[0], leaves[1]), leaves[4]]
    assert "index 2\n" in text and text.endswith(note.decode())
    assert [base64.b64decode(line) for line in text.split("\n\n")[0].splitlines()[-3:]] == path
    assert c.ask(PROOF, {0: 5})[1][0] == NOT_FOUND


def test_feed_in_order_without_holes(gate, vault):
    _, keys = town(gate, vault)
    s = subscriber(gate, keys["researcher"])
    other = subscriber(gate, keys["researcher"], b"cellveil1|birthsandmore|")
    attend(vault, s)
    news(vault, 1)
    news(vault, 1)  # a repetition is not published twice
    for seq in (2, 3):
        notice_file(gate, seq)
    news(vault, 4)  # 2 and 3 come from their files, before it
    assert [hear(s)[4] for _ in range(4)] == [1, 2, 3, 4]
    notice_file(gate, 5)
    beat(vault, 5, 9000)  # a beat ahead fills as well
    got = [hear(s), hear(s)]
    assert [(g[8], g[4]) for g in got] == [(43, 5), (41, 5)]
    news(vault, 8)  # no files for 6 and 7: told, not invented
    assert hear(s)[4] == 8
    gate.wait_line("^feed-hole", count=2)
    assert not other.socket.poll(0)
    # the newest beat answers HEAD; an older one does not replace it
    q = Client(gate.address["query"], gate.key.public, keys["office"])
    beat(vault, 4, 8999)
    assert unpack(q.ask(HEAD, {0: "births"})[1][0])[10] == 9000
    # OPEN tells where we are, after a new session
    vault.send(CLOSED, {2: 5})
    gate.wait_line("^link-open", count=2)
    assert vault.opens[-1][4] == [["births", FEED_ID, 8]]
    # another feed id starts over
    fresh = os.urandom(16)
    beat(vault, 0, 9100, fresh)
    news(vault, 1, feed_id=fresh, time_s=9101)
    heard = [hear(s) for _ in range(3)]
    assert [(h[8], h[4]) for h in heard][-1] == (43, 1) and heard[-1][2] == fresh
    q.close()


def test_feed_envelopes_that_cannot_be_published(gate, vault):
    _, keys = town(gate, vault)
    s = subscriber(gate, keys["researcher"])
    attend(vault, s)
    vault.send(FEED, {2: "births", 4: b"rubbish", 6: bytes(64)})
    vault.send(FEED, {2: "deaths", 4: envelope(43, 1), 6: bytes(64)})
    gate.wait_line("^feed-malformed", count=2)
    news(vault, 1)
    assert hear(s)[4] == 1
    s.close()


def test_a_stalled_subscriber_holds_up_nobody(gate, vault):
    """F28 in small: one that does not read costs at most its mark of 1,000 small messages."""
    _, keys = town(gate, vault)
    stalled = Client(gate.address["feed"], gate.key.public, keys["office"], kind=zmq.SUB,
                     options=((zmq.RCVHWM, 1), (zmq.RCVBUF, 4096)))
    stalled.socket.subscribe(TOPIC)
    s = subscriber(gate, keys["researcher"])
    attend(vault, s)
    for seq in range(1, 301):
        news(vault, seq, text="x" * 1000)
    assert [hear(s)[4] for _ in range(300)] == list(range(1, 301))
    assert gate.memory_mib() < 100 or SANITIZED
    stalled.close()


if __name__ == "__main__":
    run(*[f for name, f in list(globals().items()) if name.startswith("test_")])
