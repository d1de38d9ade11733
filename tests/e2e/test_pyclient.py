#!/usr/bin/python3
"""The second client against the real vault and gate: everything it does is written in docs/protocol.md."""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import harness  # noqa: E402
import pyclient as cv  # noqa: E402

CONFIG = """
cellveil-config: 1
origin: stats.example/log1
dataset: personal-support
form: {id: example, version: "1", valid: "2020.."}
period: YYYY
codes:
  sex: [{code: _T, en: Total}, {code: F, of: [_T], en: Women}, {code: M, of: [_T], en: Men}]
  office:
    - {code: _T, en: City}
    - {code: north, of: [_T], en: North}
    - {code: south, of: [_T], en: South}
    - {code: east, of: [_T], en: East}
    - {code: west, of: [_T], en: West}
measures:
  - {id: clients, dims: [sex], max: 100000, unit: person, about: client, en: Clients}
  - {id: clients_new, dims: [sex], max: 100000, unit: person, about: client, within: clients, en: New clients}
  - {id: posts, decimals: 2, max: 100.00, unit: post, about: staff}
  - {id: question_of_2030, max: 1, unit: bool, valid: "2030.."}
checks:
  - {id: 1, rule: "sum(clients, sex) = clients[_T]", en: Clients add up}
  - {id: 2, rule: "clients_new <= clients", en: More new clients than clients}
release:
  late: hold
  tables: [{id: clients, measures: [clients], dims: [office, sex]}]
policy: {threshold: 5, width: 2}
"""
DATASET, PERIOD = harness.DATASET, "2024"


def cells(women, men, new=12):
    """A form whose sums are right."""
    return {("clients", "_T"): women + men, ("clients", "F"): women, ("clients", "M"): men,
            ("clients_new", "_T"): 2 * new, ("clients_new", "F"): new, ("clients_new", "M"): new, ("posts",): 250}


FIGURES = {"north": cells(40, 35), "south": cells(61, 44), "east": cells(33, 52), "west": cells(70, 48)}


def enrol(d, role, who):
    client = cv.Client.init(os.path.join(d.folder, "py-" + who), role, who)
    answer = d.ctl("office", "add", client.identity(), "--dataset", DATASET).stdout
    client.join([line for line in answer.splitlines() if line.startswith("cellveil-join ")][0])
    return client


def refused(name, detail, do, *args, **kwargs):
    """do(...) is refused with this code and detail; answers the refusal. Permanent ones are signed."""
    try:
        do(*args, **kwargs)
    except cv.Refused as e:
        assert (e.name, e.detail) == (name, detail), "%s %d in place of %s %d" % (e.name, e.detail, name, detail)
        return e
    raise AssertionError("accepted in place of " + name)


class Bench:
    """One office, and statements that differ from a right one in one thing."""

    def __init__(self, client, period=PERIOD):
        self.client, self.period = client, period
        self.known = client.periods(DATASET)[period]
        self.config = client.configuration(self.known["config"])

    def places(self, named):
        return {self.config.cell(*cell): value for cell, value in named.items()}

    def statement(self, payload=None, **other):
        c = self.client
        return cv.Statement.make(
            c.signing, other.pop("dataset", DATASET), other.pop("config", self.known["config"]),
            other.pop("period", self.period), other.pop("office", c.join_line.name), other.pop("act", cv.FIGURES),
            other.pop("revision", 0), payload or cv.figures(self.places(cells(30, 30))), **other)

    def send(self, statement):
        return self.client.submit(self.client.keep(statement))

    def raw(self, body, rid, endpoint="submit"):
        """What answers a body made by hand: a kind and fields."""
        return self.client.door(endpoint).request(body, rid)

    def submit_raw(self, content, version=cv.VERSION, kind=cv.SUBMIT, endpoint="submit"):
        rid, body = cv.message(kind, content, version)
        found, answer = self.raw(body, rid, endpoint)
        if found == cv.REJECT:
            raise cv.refusal(answer)
        return found, answer


def test_first_words(north):
    welcome = north.hello()
    assert welcome[0] == cv.VERSION and welcome[10] == 1 and welcome[4][0] == 4 << 20
    assert DATASET in [row[0] for row in welcome[8]]
    config = north.configuration(north.periods(DATASET)[PERIOD]["config"])
    assert sorted(config.asked(PERIOD)) == sorted(FIGURES["north"]), "what the form asks, read from the YAML"
    refused("NOT_FOUND", 0, north.object, bytes(32))
    refused("UNKNOWN_DATASET", 0, north.periods, "other-dataset")


def test_push(clients):
    for who, client in clients.items():
        receipt = client.push(DATASET, PERIOD, FIGURES[who])
        assert receipt.outcome == 1 and not receipt.again
        assert not client.outbox() and len(client.receipts()) == 1
        known = client.periods(DATASET)[PERIOD]
        assert known["stored"] == 1 and known["newest"] == client.receipts()[0][0].digest
    indices = [client.receipts()[0][1].log_index for client in clients.values()]
    assert len(set(indices)) == len(indices)


def test_once_only(bench):
    """The exact resend, the same statement sealed again, and other content under the same id."""
    client = bench.client
    statement, first = client.receipts()[0]
    sealed = cv.Sealed.decode(cv.unpack(cv.load(client.path("receipts", statement.id.hex())))[0])
    for again in (sealed, client.keep(statement)):
        receipt = client.submit(again)
        assert receipt.again and (receipt.statement, receipt.signature) == (first.statement, first.signature)
    assert client.status(statement).statement == first.statement
    assert client.status(bench.statement()) is None
    e = refused("CONFLICT", 0, bench.send, bench.statement(id=statement.id))
    assert e.signed and os.listdir(client.path("refused")) == [statement.id.hex()]
    assert client.periods(DATASET)[PERIOD]["stored"] == 1


def test_outbox(bench):
    """What was kept and never sent is sent by the next run."""
    payload = cv.figures(bench.places(FIGURES["south"]))
    statement = bench.client.keep(bench.statement(payload, revision=8)).statement
    assert bench.client.status(statement) is None
    later = cv.Client(bench.client.folder)
    assert [later.submit(sealed).outcome for sealed in later.outbox()] == [1] and not later.outbox()
    assert later.status(statement) is not None
    later.close()


def test_command_line(d):
    """The office west does everything from a shell."""
    folder = os.path.join(d.folder, "py-west")

    def run(*args):
        return harness.run([sys.executable, os.path.join(HERE, "pyclient.py"), "--dir", folder, *args]).stdout

    answer = d.ctl("office", "add", run("init", "office", "west").strip(), "--dataset", DATASET).stdout
    run("join", [line for line in answer.splitlines() if line.startswith("cellveil-join ")][0])
    form = os.path.join(d.folder, "west.csv")
    with open(form, "w", encoding="utf-8") as f:
        for cell, value in FIGURES["west"].items():
            f.write(",".join(cell) + "," + ("2.50" if cell == ("posts",) else str(value)) + "\n")
    assert run("push", DATASET, PERIOD, form).startswith("receipt")
    assert run("withdraw", DATASET, PERIOD).startswith("receipt")
    assert run("push", DATASET, PERIOD, form).startswith("receipt")
    assert run("periods", DATASET) == "2024 2 3\n" and run("resend") == ""
    return cv.Client(folder)


def test_wrong_header(bench, north):
    e = refused("CONFIG_MISMATCH", 0, bench.send, bench.statement(config=cv.blake2b(b"another")))
    assert e.kind == cv.FIXABLE and len(bench.client.outbox()) == 1, "a person decides"
    os.unlink(bench.client.path("outbox", bench.client.outbox()[0].statement.id.hex()))
    refused("REVISION_STALE", 0, bench.send, bench.statement(revision=0))
    refused("TOO_LARGE", 0, bench.send, bench.statement(revision=1001))
    refused("UNKNOWN_DATASET", 0, bench.send, bench.statement(dataset="other-dataset"))
    refused("PERIOD_NOT_OPEN", 0, bench.client.submit_once, bench.client.keep(bench.statement(period="2031")))
    e = refused("NOT_AUTHORIZED", 0, bench.send, bench.statement(office=north.join_line.name))
    assert e.signed and e.kind == cv.PERMANENT
    foreign = cv.Statement.make(north.signing, DATASET, bench.known["config"], PERIOD, bench.client.join_line.name,
                                cv.FIGURES, 1, bench.statement().payload)
    refused("NOT_AUTHORIZED", 0, bench.send, foreign)
    refused("NOT_AUTHORIZED", 0, bench.client.periods, DATASET, north.join_line.name)
    refused("NOT_AUTHORIZED", 0, bench.client.status, north.receipts()[0][0])


def test_intake_key(bench):
    other = cv.KeyPair.generate("intake")
    statement = bench.statement(revision=1)
    box = statement.seal(other.public)
    refused("UNKNOWN_INTAKE_KEY", 0, bench.client.submit_once, cv.Sealed(statement, box, other.id))
    ours = bench.client.key_set.active("intake")[0]
    refused("BAD_ENVELOPE", 0, bench.client.submit, cv.Sealed(statement, box, ours))
    bent = cv.Statement(statement.header, statement.payload, bytes(64))
    refused("BAD_ENVELOPE", 0, bench.send, bent)
    # The client fetches the key set and seals the same statement again, under the same id.
    receipt = bench.client.submit(cv.Sealed(statement, box, other.id))
    assert not receipt.again and bench.client.status(statement).statement == receipt.statement


def test_content(bench):
    right = bench.places(cells(30, 30))

    def figures(change):
        changed = dict(right)
        changed.update(bench.places(change))
        return bench.statement(cv.figures(changed), revision=5)

    refused("INVALID_CONTENT", 101, bench.send, figures({("clients", "_T"): 61}))
    refused("INVALID_CONTENT", 102, bench.send, figures({("clients_new", "F"): 31, ("clients_new", "_T"): 43}))
    refused("INVALID_CONTENT", 11, bench.send, figures({("posts",): 10001}))
    refused("INVALID_CONTENT", 7, bench.send, figures({("question_of_2030",): 1}))
    lacking = {cell: value for cell, value in right.items() if cell != bench.config.cell("posts")}
    refused("INVALID_CONTENT", 10, bench.send, bench.statement(cv.figures(lacking), revision=5))
    refused("INVALID_CONTENT", 1, bench.send, bench.statement(
        cv.pack(cv.unpack(cv.figures(right)) | {0: bytes(32)}), revision=5))
    refused("INVALID_CONTENT", 4, bench.send, bench.statement(
        cv.pack(cv.unpack(cv.figures(right)) | {4: 1}), revision=5))
    # A blank part weakens the check: the total is at least the parts that are there.
    partly = dict(right)
    partly.update(bench.places({("clients", "F"): None, ("clients", "_T"): 90}))
    assert bench.send(bench.statement(cv.figures(partly), revision=2)).outcome == 1


def test_future(bench):
    """A newer version, kind or critical field is UNSUPPORTED; an odd field is skipped."""
    statement = bench.statement(revision=3)
    sealed = bench.client.keep(statement)
    content = sealed.body_fields()
    refused("UNSUPPORTED", 0, bench.submit_raw, content, version=2)
    refused("UNSUPPORTED", 0, bench.submit_raw, content, kind=200)
    refused("UNSUPPORTED", 0, bench.submit_raw, content, endpoint="query")
    refused("UNSUPPORTED", 0, bench.submit_raw, content | {6: 1})
    refused("MALFORMED", 0, bench.submit_raw, {0: content[0], 2: content[2]})
    refused("MALFORMED", 0, bench.submit_raw, content | {4: "a text"})
    header = cv.unpack(statement.header)
    newer = cv.pack(header | {20: 1})
    refused("UNSUPPORTED", 0, bench.submit_raw, content | {0: newer})
    refused("UNSUPPORTED", 0, bench.submit_raw, content | {0: cv.pack(header | {0: 2})})
    refused("MALFORMED", 0, bench.submit_raw, content | {0: cv.pack(header | {6: "2024-Q5"})})
    kind, _ = bench.submit_raw(dict(sorted((content | {5: "later"}).items())))
    assert kind == cv.RECEIPT
    assert bench.client.submit(sealed).again


def test_withdrawal(bench):
    client = bench.client
    assert client.push(DATASET, PERIOD, None, act=cv.WITHDRAWAL, revision=6).outcome == 1
    refused("REVISION_STALE", 0, client.push, DATASET, PERIOD, FIGURES[client.join_line.name], revision=6)
    assert client.push(DATASET, PERIOD, FIGURES[client.join_line.name]).outcome == 1
    assert newest(client).field[14] == 7


def test_next_key_set(d, client):
    """A newer key set is taken, an older one never again; a receipt key not known yet sends the client for it."""
    old, statement = client.key_set, newest(client)
    renewed = d.ctl("keyset", "sign", os.path.join(d.home, "keys/keyset"), "--root", os.path.join(d.home, "root"),
                    "--renew").stdout
    path = os.path.join(d.folder, "keyset.new")
    with open(path, "w", encoding="utf-8") as f:
        f.write(renewed)
    d.ctl("keyset", "install", path)
    until = time.monotonic() + harness.PATIENCE
    while client.fetch_keys().serial == old.serial and time.monotonic() < until:
        time.sleep(0.1)
    client.key_set = cv.KeySet(old.note, old.origin, client.join_line.root)
    client.key_set.keys = [key for key in old.keys if key[0] != "receipt"]
    assert client.status(statement) is not None and client.key_set.serial == old.serial + 1
    try:
        cv.KeySet(old.note, old.origin, client.join_line.root, client.key_set)
        raise AssertionError("an older key set was taken")
    except cv.Untrusted:
        pass


def test_bad_envelopes(d, bench):
    """Who sends twenty that do not open waits, and the journal names the key as `cellveilctl key list` does."""
    sealed = bench.client.keep(bench.statement(revision=9))
    bent = sealed.body_fields() | {2: bytes(len(sealed.box))}
    for _ in range(20):
        refused("BAD_ENVELOPE", 0, bench.submit_raw, bent)
    assert bench.submit_raw(bent)[0] == cv.BUSY
    keys = [[cell.strip() for cell in row.split("  ") if cell] for row in d.ctl("key", "list").stdout.splitlines()]
    key = [row[2] for row in keys if row[:2] == [bench.client.join_line.name, "curve key"]][0]
    with open(d.vault.journal, encoding="utf-8") as f:
        assert "bad-envelopes: 20 envelopes that do not open; key %s waits\n" % key in f.read(), key


def test_stranger(north):
    """A key that was never enrolled is refused at the handshake, and told so."""
    stranger = cv.KeyPair.generate("curve")
    door = cv.Door(north.join_line.endpoints["submit"], north.join_line.server, stranger)
    rid, body = cv.message(cv.HELLO, {0: 1, 1: "stranger", 2: 1})
    try:
        door.request(body, rid)
        raise AssertionError("a stranger was answered")
    except cv.Untrusted:
        pass
    finally:
        door.close()


def newest(client):
    """The statement of an office that counts when the period is sealed."""
    return max((s for s, r in client.receipts() if r.outcome == 1), key=lambda s: s.field[14])


def see_release(follower, values):
    kind, manifest, files = follower.next(60.0)
    assert kind == "release" and (manifest.dataset, manifest.period, manifest.revision) == (DATASET, PERIOD, 0)
    assert "release.csv" in files and "release.json" in files
    found = cv.tables(files["release.msgpack"], manifest)
    dims, rows = found["clients"]
    assert dims == ["office", "sex"]
    config = follower.client.configuration(manifest.config)
    offices, sexes = config.lists["office"], config.lists["sex"]
    published = 0
    for (measure, office, sex), (state, value) in rows.items():
        assert measure == config.measures["clients"][0]
        if state == cv.PUBLISHED:
            published += 1
            assert value == values(offices[office], sexes[sex]), "a published figure is the true one"
    assert published > 0
    return manifest, files


def lose_a_release(follower):
    """Takes the next RELEASE from the socket, as a network may; a beat will show the gap."""
    while cv.common_fields(cv.pair(follower.door.receive(60.0)[1])[0])[8] != cv.RELEASE:
        pass


def true_value(office, sex):
    return sum(form[("clients", sex)] for who, form in FIGURES.items() if office in ("_T", who))


def main():
    with harness.Deployment(start=False) as d:
        d.start()
        d.add_config(CONFIG)
        clients = {who: enrol(d, "office", who) for who in FIGURES if who != "west"}
        north = clients["north"]
        d.open_period(PERIOD)
        test_first_words(north)
        test_push(clients)
        bench = Bench(clients["south"])
        for test in (test_once_only, test_intake_key, test_content, test_future, test_withdrawal, test_outbox):
            test(bench)
        test_wrong_header(bench, north)
        test_stranger(north)
        test_next_key_set(d, north)
        clients["west"] = test_command_line(d)

        reader = enrol(d, "researcher", "early")
        early = reader.follow(DATASET)
        d.gate.restart()  # every connection comes back by itself
        assert early.next(0) is None
        d.close_period(PERIOD)
        assert north.push(DATASET, PERIOD, cells(41, 35)).outcome == 2, "kept for a later revision"
        late_statement = [s for s, r in north.receipts() if r.outcome == 2][0]
        d.publish(PERIOD)

        manifest, files = see_release(early, true_value)
        other = enrol(d, "researcher", "late")
        late = other.follow(DATASET)
        again, files_again = see_release(late, true_value)
        assert (manifest.digest, files) == (again.digest, files_again)

        for client in clients.values():
            assert client.set_proof(newest(client)) == (len(FIGURES), manifest.seal)
        refused("NOT_FOUND", 0, north.set_proof, late_statement)
        refused("NOT_FOUND", 0, north.set_proof, newest(clients["south"]))
        entries = other.read_log()
        release = [e for e in entries if e["k"] == "release"]
        assert [e["obj"] for e in release] == [manifest.digest.hex()]
        logged = {e["stmt"] for e in entries if e["k"] == "submission"}
        for client in clients.values():
            for statement, receipt in client.receipts():
                assert entries[receipt.log_index]["stmt"] == statement.digest.hex() and statement.digest.hex() in logged

        late.close()
        d.ctl("release", "withdraw", PERIOD, "--dataset", DATASET, "--reason", "error")
        lose_a_release(early)
        late = other.follow(DATASET)  # takes up where it stood
        for follower in (early, late):
            kind, what, _ = follower.next(60.0)
            assert (kind, what) == ("withdrawn", (PERIOD, 0))
        for _ in range(60):  # beats come, whatever else does
            assert early.next(1.0) is None
            if not early.stale():
                break
        assert not early.stale()
        for follower in (early, late):
            follower.close()
        after = enrol(d, "researcher", "after").follow(DATASET)
        assert after.next(0) is None and after.position.seq == 2, "what was withdrawn is gone"
        after.close()
        test_bad_envelopes(d, Bench(clients["east"]))
        for client in (*clients.values(), reader, other):
            client.close()
    print("ok")


if __name__ == "__main__":
    main()
