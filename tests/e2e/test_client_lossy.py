"""Offices behind a bad line: a proxy between client and gate refuses connections, cuts them in either direction at a random
byte, garbles, repeats and swaps what passes, or swallows it. Every form counts once, and nobody is told a wrong reason.

A second town's line, at the same time, is worse: it says nothing at all to one office, which asks again after half a minute,
and refuses whatever comes, which is told as a bad line and never as a wrong key.

CELLVEIL_SEED replays what the line does (not the scheduler's part)."""
import os
import random
import re
import select
import socket
import threading

from harness import Deployment, data, environment, free_ports, preset, random_seed

SEED = random_seed()
EXAMPLE = data("forms/po-redovisning-2024-exempel.csv")
OFFICES = ["efh", "spanga-tensta", "rinkeby-kista"]
SILENT, DEAD = "efh", "rinkeby-kista"  # of the second town
FORMS = 3  # of each office
IDLE = 2  # seconds after which a line that spoilt something breaks; a client alone would wait for half a minute
FAULTS = ["refuse", "cut-up", "cut-down", "garble-up", "garble-down", "repeat", "swap", "swallow"]
HANDSHAKE = 700  # bytes a CURVE handshake has each way, about


class Line:
    """Listens where the key set says the gate is, and passes bytes on to where it really is, more or less."""

    def __init__(self, front, back, rng):
        self.front, self.back, self.rng = front, back, rng
        self.faults = dict.fromkeys(FAULTS, 0)
        self.to_come = []  # every fault once and four good ones, in random order; then again
        self.good, self.calm, self.dead = 0, False, False
        self.hush, self.hushed = False, threading.Event()  # the next one to come meets silence
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", front), backlog=50)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.to_come = self.to_come or self.rng.sample(FAULTS + [None] * 4, len(FAULTS) + 4)
                fault = self.to_come.pop() if not self.calm else None
                fault = "refuse" if self.dead else "silence" if self.hush else fault
                self.hush = False
                at = self.rng.randrange(0, 2500)
                if fault in self.faults:
                    self.faults[fault] += 1
                else:
                    self.good += 1
            threading.Thread(target=self.carry, args=(client, fault, at), daemon=True).start()

    def carry(self, client, fault, at):
        if fault == "refuse":
            client.close()
            return
        try:
            gate = socket.create_connection(("127.0.0.1", self.back), timeout=10)
        except OSError:
            client.close()
            return
        passed = {client: 0, gate: 0}
        try:
            while True:
                ready = select.select([client, gate], [], [], IDLE if fault in self.faults else 60)[0]
                if not ready and fault in self.faults:
                    return
                for source in ready:
                    target, up = (gate, True) if source is client else (client, False)
                    part = source.recv(1 + at % 997 if fault in ("repeat", "swap") else 65536)
                    if not part:
                        return
                    before, passed[source] = passed[source], passed[source] + len(part)
                    hit = before <= HANDSHAKE + at < passed[source]
                    if fault == ("cut-up" if up else "cut-down") and hit:
                        target.sendall(part[:HANDSHAKE + at - before])
                        return
                    if fault == ("garble-up" if up else "garble-down") and hit:
                        k = HANDSHAKE + at - before
                        part = part[:k] + bytes([part[k] ^ 0x41]) + part[k + 1:]
                    if fault == "repeat" and up and passed[source] > HANDSHAKE:
                        part += part
                    if fault == "swap" and up and passed[source] > HANDSHAKE:
                        part = part[len(part) // 2:] + part[:len(part) // 2]
                    if fault == "swallow" and up and passed[source] > HANDSHAKE + at // 4:
                        continue
                    if fault == "silence" and passed[client] > HANDSHAKE:
                        self.hushed.set()
                        continue
                    target.sendall(part)
        except OSError:
            pass
        finally:
            client.close()
            gate.close()


def form(folder, office, n):
    with open(EXAMPLE, "rb") as f:
        text = f.read()
    for before, after in ((b"Totalt antal klienter;48;41", b"Totalt antal klienter;%d;41" % (48 + n)),
                          ("därav mellan 18 och 29 år;6;5".encode(), "därav mellan 18 och 29 år;%d;5".encode() % (6 + n))):
        assert before in text
        text = text.replace(before, after, 1)
    path = os.path.join(folder, "%s-%d.csv" % (office, n))
    with open(path, "wb") as f:
        f.write(text)
    return path


def push_all(d, office, failures):
    """One form after the other, each until it is received, however often that is tried."""
    client = d.office(office)
    for n in range(FORMS):
        path = form(d.folder, office, n)
        for _ in range(20):
            p = client.run("push", path, "--yes", "--json", "--wait", "50", want=None, timeout=120)
            if p.returncode == 0 and '"state":"received"' in p.stdout:
                break
            if p.returncode != 5 or "mismatch" in p.stderr:
                failures.append((office, n, p.returncode, p.stderr))
                return
        else:
            failures.append((office, n, "never received", p.stderr))
            return


def town(calm):
    """A deployment behind lines of their own, before a start."""
    d = Deployment(start=False, offices=[])
    backs = dict(zip(("submit", "query", "feed"), free_ports(3)))
    with open(d.conf, encoding="utf-8") as f:
        conf = f.read()
    for name, back in backs.items():  # the key set keeps the addresses in front
        conf = re.sub(r"(?m)^%s = tcp://127\.0\.0\.1:\d+$" % name, "%s = tcp://127.0.0.1:%d" % (name, back), conf)
    with open(d.conf, "w", encoding="utf-8") as f:
        f.write(conf)
    lines = {name: Line(d.ports[name], back, random.Random("%d %s" % (SEED, name))) for name, back in backs.items()}
    for line in lines.values():
        line.calm = calm
    return d, lines


def settle(d, offices):
    d.start()
    d.add_config(preset("2024"))
    for office in offices:
        d.enrol(office)
    d.open_period("2024")


def silence(d, lines):
    """Nothing comes back, and nothing breaks: after half a minute the form goes over another connection."""
    lines["submit"].hush = True
    p = d.office(SILENT).start("push", form(d.folder, SILENT, 0), "--yes", "--json", "--wait", "100")
    assert lines["submit"].hushed.wait(60), "the form was not sent"
    return p


def bad_line_is_no_key(d, lines):
    """Handshakes that break one after the other, to a gate that answered before: the line is told, never a wrong key."""
    for line in lines.values():
        line.dead = True
    p = d.office(DEAD).run("push", form(d.folder, DEAD, 1), "--yes", "--wait", "12", want=5)
    assert "is bad" in p.stderr and "mismatch" not in p.stderr, p.stderr
    for line in lines.values():
        line.dead = False
    d.office(DEAD).run("outbox", "send", "--wait", "40")


def worse_town(failures):
    try:
        d, lines = town(calm=True)
        with d:
            settle(d, [SILENT, DEAD])
            d.office(DEAD).push(form(d.folder, DEAD, 0))
            waiting = silence(d, lines)
            bad_line_is_no_key(d, lines)
            out, err = waiting.communicate(timeout=120)
            assert waiting.returncode == 0 and '"state":"received"' in out and "no answer from the gate" in err, (out, err)
            for office, n in ((SILENT, 1), (DEAD, 2)):
                assert [i["state"] for i in d.office(office).outbox()] == ["received"] * n
    except BaseException as e:  # pylint: disable=broad-except
        failures.append(("the worse town", repr(e)))


def bad_town(failures):
    d, lines = town(calm=False)
    with d:
        settle(d, OFFICES)
        threads = [threading.Thread(target=push_all, args=(d, office, failures)) for office in OFFICES]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not failures, failures
        faults = {f: sum(line.faults[f] for line in lines.values()) for f in FAULTS}
        print("line: %s, undisturbed %d" % (faults, sum(line.good for line in lines.values())))
        assert sum(faults.values()) > 3, "the line was too good"
        for line in lines.values():
            line.calm = True
        for office in OFFICES:
            client = d.office(office)
            items = client.outbox()
            assert [(i["revision"], i["state"]) for i in items] == [(n, "received") for n in range(FORMS)], items
            status = client.run("status", env=environment()).stdout
            assert "; %d of our forms received" % FORMS in status, status


def main():
    print("CELLVEIL_SEED=%d" % SEED, flush=True)
    failures = []
    worse = threading.Thread(target=worse_town, args=(failures,))
    worse.start()
    try:
        bad_town(failures)
    finally:
        worse.join()
    assert not failures, failures
    print("ok")


if __name__ == "__main__":
    main()
