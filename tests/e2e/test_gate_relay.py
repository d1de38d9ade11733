"""The gate's end of the link, against a vault under the test's control: rules G1-G10, F45-F48, F52, B45."""
import os
import signal
import threading

import zmq

from gatelib import *  # noqa: F403


def receipt_for(fields):
    _, _, rid, _ = unpack(fields[12])
    return body(RECEIPT, {0: b"statement", 1: False, 2: bytes(64)}, rid)


def office(gate, vault, **more):
    key = Key()
    vault.enrol((key, OFFICE, ["births"]))
    gate.wait_ready()
    return key, Client(gate.address["submit"], gate.key.public, key, **more)


def test_the_body_travels_unchanged_both_ways(gate, vault):
    key, c = office(gate, vault)
    rid = os.urandom(16)
    sent = body(SUBMIT, submission(5000), rid)
    c.send(sent)
    vault.wait(lambda: vault.forwards)
    f = vault.forwards[0]
    assert (f[2], f[4], f[6], f[8], f[10], f[12]) == (1, 1, key.id, 1, 1, sent)
    reply = body(RECEIPT, {0: b"exactly", 1: False, 2: bytes(64), 9: "odd keys too"}, rid)
    vault.send(REPLY, {2: 1, 4: reply})
    assert c.socket.poll(30000)
    assert c.socket.recv() == reply
    # the next connection gets the next number
    c2 = Client(gate.address["query"], gate.key.public, key)
    c2.send(body(STATUS, {0: bytes(16), 2: "unit-1"}))
    vault.wait(lambda: len(vault.forwards) == 2)
    assert (vault.forwards[1][2], vault.forwards[1][4], vault.forwards[1][10]) == (2, 2, 2)
    c.close()
    c2.close()


def test_four_in_flight_then_queue(gate, vault):
    """G3: four for one principal; the fifth is BUSY/queue at once; a reply makes room."""
    key, c = office(gate, vault)
    rids = [os.urandom(16) for _ in range(5)]
    for rid in rids:
        c.send(body(SUBMIT, submission(), rid))
    kind, rid, fields = c.receive()
    assert (kind, rid, fields[2]) == (BUSY, rids[4], QUEUE)
    vault.wait(lambda: len(vault.forwards) == 4)
    vault.send(REPLY, {2: 2, 4: body(RECEIPT, {0: b"s", 1: False, 2: bytes(64)}, rids[1])})
    assert c.receive()[:2] == (RECEIPT, rids[1])
    c.send(body(SUBMIT, submission(), rids[4]))
    vault.wait(lambda: len(vault.forwards) == 5)
    assert vault.forwards[4][2] == 5
    c.close()


def test_the_window_is_kept_across_principals(gate, vault):
    vault.window = (6, 64 << 20, 4 << 20)
    keys = [Key() for _ in range(3)]
    vault.enrol(*[(k, OFFICE, ["births"]) for k in keys])
    gate.wait_ready()
    clients = [Client(gate.address["submit"], gate.key.public, k) for k in keys]
    for c in clients[:2]:
        for _ in range(3):
            c.send(body(SUBMIT, submission()))
    vault.wait(lambda: len(vault.forwards) == 6)
    kind, fields = clients[2].ask(SUBMIT, submission())
    assert (kind, fields[2]) == (BUSY, QUEUE)
    for c in clients:
        c.close()


def test_the_window_counts_bytes(gate, vault):
    vault.window = (256, 3 << 20, 4 << 20)
    key, c = office(gate, vault)
    c.send(body(SUBMIT, submission(2 << 20)))
    vault.wait(lambda: len(vault.forwards) == 1)
    kind, fields = c.ask(SUBMIT, submission(1 << 20))
    assert (kind, fields[2]) == (BUSY, QUEUE)
    c.close()


def test_vault_away_is_busy_at_once_and_readers_are_served(gate, vault):
    """F46: three pings without an answer, and whoever waits is told; nothing is kept in the gate."""
    key, c = office(gate, vault)
    gate.put("keyset", b"text\n\n\xe2\x80\x94 x y\n")
    rid = os.urandom(16)
    c.send(body(SUBMIT, submission(), rid))
    vault.wait(lambda: vault.forwards)
    vault.deaf = vault.silent = True
    vault.send(CLOSED, {2: 2})
    kind, got, fields = c.receive()
    assert (kind, got, fields[2]) == (BUSY, rid, VAULT_AWAY)
    kind, fields = c.ask(SUBMIT, submission())
    assert (kind, fields[2]) == (BUSY, VAULT_AWAY)
    assert c.ask(GET_KEYS, {})[0] == KEYSET
    # the late reply of the old session reaches nobody
    vault.send(REPLY, {2: 1, 4: body(RECEIPT, {0: b"s", 1: False, 2: bytes(64)}, rid)})
    vault.deaf = vault.silent = False
    sessions = len(vault.opens)
    gate.wait_line("^link-open", count=2)
    vault.auto = receipt_for
    assert c.ask(SUBMIT, submission())[0] == RECEIPT
    assert len({o[0] for o in vault.opens}) == len(vault.opens) >= sessions  # every OPEN names a new session
    assert vault.opens[-1][2] == 1  # and the registry that is still in force
    c.close()


def test_pings_unanswered_end_the_session(gate, vault):
    key, c = office(gate, vault)
    c.send(body(SUBMIT, submission()))
    vault.wait(lambda: vault.forwards)
    vault.silent = True
    kind, _, fields = c.receive(40)
    assert (kind, fields[2]) == (BUSY, VAULT_AWAY)
    assert vault.pings >= 3
    c.close()


def test_a_vault_killed_and_back(gate, vault):
    """F46, F47: the vault's socket goes and comes back; the gate opens again by itself."""
    key, c = office(gate, vault)
    principals = vault.principals
    vault.stop()
    second = FakeVault(gate.link_path)
    second.principals, second.serial, second.auto = principals, 7, receipt_for
    try:
        c.send(body(SUBMIT, submission()))  # may be lost, or told BUSY: both are allowed
        gate.wait_line("^link-open", count=2)
        while c.ask(SUBMIT, submission())[0] == BUSY:
            pass
        second.wait(lambda: 7 in second.applied)
    finally:
        c.close()
        second.stop()


def test_mode_holds_back_submissions_only(gate, vault):
    key, c = office(gate, vault)
    vault.auto = receipt_for
    for mode, reason in ((2, 8), (3, 4), (4, 3), (5, 5), (6, 7)):
        vault.send(MODE, {2: mode, 4: 1234})
        while True:
            kind, fields = c.ask(SUBMIT, submission())
            if (kind, fields.get(2)) == (BUSY, reason):
                break
        assert fields[0] == 1234
        assert c.ask(STATUS, {0: bytes(16), 2: "unit-1"})[0] == RECEIPT
    vault.send(MODE, {2: 1, 4: 0})
    while c.ask(SUBMIT, submission())[0] != RECEIPT:
        pass
    c.close()


def test_a_bad_registry_leaves_the_old_one(gate, vault):
    """B46: refused whole, no APPLIED; who was known stays known."""
    key, c = office(gate, vault)
    vault.auto = receipt_for
    other = Key()
    bad = [
        [[key.id, key.public, 1, []], [key.id, key.public, 1, []]],
        [[other.id, key.public, 1, []]],
        [[other.id, other.public, 8, []]],
        [[other.id, other.public, 0, []]],
        [[key_id(bytes(32)), bytes(32), 1, []]],
    ]
    for rows in bad:
        vault.send(REGISTRY, {2: 99, 4: rows, 6: []})
        assert c.ask(SUBMIT, submission()) is not None
    while (answer := c.ask(SUBMIT, submission()))[0] == BUSY:
        pass
    assert answer[0] == RECEIPT and 99 not in vault.applied
    c.close()


def test_frames_of_other_sessions_and_broken_ones(gate, vault):
    """B45, F48: another session's frames are dropped; what breaks the format ends the session, which reopens."""
    key, c = office(gate, vault)
    vault.auto = receipt_for
    vault.send(CLOSED, {2: 2}, session=os.urandom(16))
    vault.send(REGISTRY, {2: 50, 4: [], 6: []}, session=os.urandom(16))
    vault.send(REPLY, {2: 77, 4: b"nobody asked"})
    assert c.ask(SUBMIT, submission())[0] == RECEIPT
    broken = [b"", b"rubbish", pack([2, REPLY, {0: vault.session, 2: 1, 4: b""}]),
              pack([1, 99, {0: vault.session}]), pack([1, FORWARD, {0: vault.session}]),
              pack([1, FILES, {0: vault.session, 2: 1, 4: [["../../etc/passwd", 1, bytes(32)]]}]),
              pack([1, FILES, {0: vault.session, 2: 1, 4: [["/etc/passwd", 1, bytes(32)]]}])]
    for n, frame in enumerate(broken[1:], 2):
        vault.send_raw(frame)
        gate.wait_line("^link-open", count=n)
    while c.ask(SUBMIT, submission())[0] != RECEIPT:
        pass
    vault.send(FILES, {2: 1, 4: [["release/births/2025/0/manifest.txt", 10, bytes(32)]]})
    assert c.ask(SUBMIT, submission())[0] == RECEIPT
    c.close()


def test_a_superseded_gate_does_not_fight(gate, vault):
    key, c = office(gate, vault)
    vault.send(CLOSED, {2: 1})
    n = len(vault.opens)
    gate.wait_line("^link-lost")
    threading.Event().wait(1.0)  # four attempts a second would show
    assert len(vault.opens) == n
    c.close()


def test_bad_envelopes_bring_a_bar(gate, vault):
    key, c = office(gate, vault)
    vault.auto = lambda f: body(REJECT, {0: 10, 2: 1, 4: 0}, unpack(f[12])[2])
    for _ in range(20):
        assert c.ask(SUBMIT, submission())[0] == REJECT
    kind, fields = c.ask(SUBMIT, submission())
    assert (kind, fields[2]) == (BUSY, RATE) and fields[0] > 500000
    c.close()


def test_stop_waits_for_what_is_under_way(gate, vault):
    key, c = office(gate, vault)
    rid = os.urandom(16)
    c.send(body(SUBMIT, submission(), rid))
    vault.wait(lambda: vault.forwards)
    gate.process.send_signal(signal.SIGTERM)
    gate.wait_line("^stopping: 1 requests under way")
    kind, fields = c.ask(SUBMIT, submission())
    assert (kind, fields[2]) == (BUSY, STOPPING)
    vault.send(REPLY, {2: 1, 4: body(RECEIPT, {0: b"s", 1: False, 2: bytes(64)}, rid)})
    assert c.receive()[:2] == (RECEIPT, rid)
    assert gate.process.wait(30) == 0
    c.close()


def test_registry_too_old_is_dropped(gate, vault):
    """G10: registry_max_age_s = 10 here: then 300 and BUSY for everybody, until the vault is back."""
    key, c = office(gate, vault)
    assert c.ask(GET_KEYS, {})[0] == REJECT  # served, though there is no key set yet
    vault.deaf = vault.silent = True
    vault.send(CLOSED, {2: 2})
    gate.wait_line("^registry-aged", patience=40)
    kind, fields = c.ask(GET_KEYS, {})
    assert (kind, fields[2]) == (BUSY, VAULT_AWAY)
    late = Client(gate.address["query"], gate.key.public, key)
    assert late.event(zmq.EVENT_HANDSHAKE_SUCCEEDED, patience=1) is None
    before = len(vault.applied)
    vault.deaf = vault.silent = False
    vault.wait(lambda: len(vault.applied) > before)  # the link is open before the registry is there
    assert c.ask(GET_KEYS, {})[0] == REJECT
    assert late.event(zmq.EVENT_HANDSHAKE_SUCCEEDED) is not None
    c.close()
    late.close()


test_registry_too_old_is_dropped.extra = "registry_max_age_s = 10\n"


def test_configuration_errors_exit_78():
    gate = Gate()
    try:
        for spoil, word in ((lambda: os.chmod(f"{gate.root}/keys/curve", 0o644), "curve"),
                            (lambda: os.unlink(f"{gate.root}/keys/curve"), "curve"),
                            (lambda: gate.write_secret("curve", "feed", Key().secret), "curve"),
                            (lambda: gate.write_secret("curve", "curve", bytes(32)), "curve")):
            spoil()
            gate.start()
            assert gate.process.wait(30) == 78
            gate.reader.join()
            assert any(word in line for line in gate.lines), gate.lines
            if os.path.exists(f"{gate.root}/keys/curve"):
                os.unlink(f"{gate.root}/keys/curve")
            gate.write_secret("curve", "curve", Key().secret)
        with open(gate.conf, "a") as f:
            f.write("no_such_option = 1\n")
        gate.start()
        assert gate.process.wait(30) == 78
    finally:
        gate.remove()


if __name__ == "__main__":
    run(*[f for name, f in list(globals().items()) if name.startswith("test_")])
