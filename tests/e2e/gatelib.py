"""A cellveil-gate on loopback and a vault that is none: what the gate tests share.

FakeVault is the vault's end of the link, as little of it as the gate must see; Client is an office, a reader
or a stranger. Nothing here sleeps where it can wait for an event.
"""
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import msgpack
import nacl.bindings
import zmq

BIN = os.environ.get("CELLVEIL_BIN", os.path.join(os.path.dirname(__file__), "../../build/debug/bin"))
PATIENCE = 90.0
with open(os.path.join(BIN, "cellveil-gate"), "rb") as program:  # sanitizers keep freed memory: no bound to hold
    SANITIZED = re.search(rb"__(asan|tsan)_init", program.read()) is not None

HELLO, WELCOME, SUBMIT, RECEIPT, REJECT, BUSY, STATUS, UNKNOWN, GET_KEYS, KEYSET = range(1, 11)
GET_PERIODS, HEAD, HEAD_R, RANGE, RANGE_R, STATE, STATE_R, OBJECT, OBJECT_R, LOG, LOG_R, PROOF, PROOF_R = (
    11, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31)
COSIGN, SETPROOF = 32, 34
MALFORMED, UNSUPPORTED, NOT_AUTHORIZED, TOO_LARGE, NOT_FOUND, FEED_CHANGED = 1, 2, 3, 14, 15, 17
RATE, QUEUE, STOPPING, VAULT_AWAY = 1, 2, 4, 6
OFFICE, RESEARCHER, AUDITOR = 1, 2, 4
OPEN, OPENED, FORWARD, REPLY, APPLIED, REGISTRY, PING, FEED, PONG, FILES, MODE, CLOSED = (
    1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16)


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def unpack(data):
    return msgpack.unpackb(data, raw=False, strict_map_key=False)


def key_id(public):
    return hashlib.blake2b(b"cellveil/1/keyid\0" + b"\x03" + public, digest_size=32).digest()[:8]


class Key:
    def __init__(self):
        self.secret = os.urandom(32)
        self.public = nacl.bindings.crypto_scalarmult_base(self.secret)
        self.id = key_id(self.public)


def z85(data):
    from zmq.utils import z85 as codec
    return codec.encode(data)


def body(kind, fields, rid=None, version=1):
    return pack([version, kind, os.urandom(16) if rid is None else rid, fields])


class FakeVault:
    """A ROUTER on the link's path. Answers OPEN with OPENED, REGISTRY, MODE; PING with PONG; keeps the rest."""

    def __init__(self, path):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind("ipc://" + path)
        self.boot = os.urandom(16)
        self.session = self.peer = None
        self.serial = 0
        self.principals, self.configs = [], []
        self.opens, self.applied, self.pings = [], [], 0
        self.window = (256, 64 << 20, 4 << 20)
        self.silent = False  # no PONGs
        self.deaf = False    # OPEN is not answered
        self.auto = None     # n, endpoint, principal, body -> body or None
        self.forwards = []
        self.lock = threading.RLock()
        self.news = threading.Condition(self.lock)
        self.control = self.context.socket(zmq.PAIR)
        self.control.bind("inproc://control")
        self.running = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        end = self.context.socket(zmq.PAIR)
        end.connect("inproc://control")
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        poller.register(end, zmq.POLLIN)
        while self.running:
            ready = dict(poller.poll())
            if end in ready:
                frame = end.recv()
                if frame and self.peer is not None:
                    self.socket.send_multipart([self.peer, frame])
            if self.socket in ready:
                peer, frame = self.socket.recv_multipart()
                with self.lock:
                    self.take(peer, frame)
                    self.news.notify_all()
        end.close(0)
        self.socket.close(0)

    def take(self, peer, frame):
        version, kind, fields = unpack(frame)
        assert version == 1
        if kind == OPEN:
            self.opens.append(fields)
            if self.deaf:
                return
            self.peer, self.session = peer, fields[0]
            self.send_now(OPENED, {2: self.boot, 4: self.window[0], 6: self.window[1], 8: self.window[2]})
            self.send_now(REGISTRY, self.registry())
            self.send_now(MODE, {2: 1, 4: 0})
        elif fields[0] != self.session:
            self.peer = peer
            self.send_now(CLOSED, {2: 5}, fields[0])
        elif kind == PING:
            self.pings += 1
            if not self.silent:
                self.send_now(PONG, {2: self.boot, 4: fields[2]})
        elif kind == APPLIED:
            self.applied.append(fields[2])
        elif kind == FORWARD:
            self.forwards.append(fields)
            answer = self.auto(fields) if self.auto else None
            if answer is not None:
                self.send_now(REPLY, {2: fields[2], 4: answer})

    def registry(self):
        rows = [[k.id, k.public, roles, sets] for k, roles, sets in self.principals]
        return {2: self.serial, 4: rows, 6: self.configs}

    def send_now(self, kind, fields, session=None):
        self.socket.send_multipart([self.peer, pack([1, kind, {0: session or self.session, **fields}])])

    def send(self, kind, fields, session=None):
        """From any thread but the vault's own."""
        with self.lock:
            self.control.send(pack([1, kind, {0: session or self.session, **fields}]))

    def send_raw(self, frame):
        with self.lock:
            self.control.send(frame)

    def enrol(self, *rows):
        """Sets the registry and, if the gate is there, pushes it and waits until it is in force."""
        with self.lock:
            self.serial += 1
            self.principals = list(rows)
            if self.session:
                self.send(REGISTRY, self.registry())
        if self.session:
            self.wait(lambda: self.serial in self.applied)

    def wait(self, condition, patience=PATIENCE):
        with self.lock:
            if not self.news.wait_for(condition, patience):
                raise AssertionError("the vault waited in vain")

    def stop(self):
        if not self.running:
            return
        self.running = False
        with self.lock:
            self.control.send(b"")
        self.thread.join()
        self.control.close(0)
        self.context.term()


class Gate:
    """The program, in a directory of its own."""

    def __init__(self, extra="", environment=None):
        self.root = tempfile.mkdtemp(prefix="cvg")
        for d in ("state/public", "state/audit", "run/link", "keys"):
            os.makedirs(os.path.join(self.root, d))
        self.public = os.path.join(self.root, "state/public")
        self.audit = os.path.join(self.root, "state/audit")
        self.link_path = os.path.join(self.root, "run/link/vault")
        self.key = Key()
        self.write_secret("curve", "curve", self.key.secret)
        self.conf = os.path.join(self.root, "cellveil.conf")
        with open(self.conf, "w") as f:
            f.write(f"[authority]\nname = test\norigin = stats.example/log1\n[paths]\n"
                    f"state = {self.root}/state\nrun = {self.root}/run\nkeys = {self.root}/keys\n[gate]\n"
                    f"submit = tcp://127.0.0.1:0\nquery = tcp://127.0.0.1:0\nfeed = tcp://127.0.0.1:0\n{extra}")
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None
        self.lines, self.address = [], {}
        self.news = threading.Condition()

    def write_secret(self, name, purpose, secret):
        import base64
        path = os.path.join(self.root, "keys", name)
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(f"# cellveil {purpose}, made by a test\n")
            f.write(f"cellveil-secret-{purpose}:{base64.b64encode(secret).decode()}\n")

    def start(self):
        self.lines, self.address = [], {}
        self.process = subprocess.Popen([os.path.join(BIN, "cellveil-gate"), "--config", self.conf],
                                        stderr=subprocess.PIPE, text=True, env=self.environment)
        self.reader = threading.Thread(target=self.read, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        return self

    def read(self, stream):
        for line in stream:
            with self.news:
                self.lines.append(line.rstrip())
                found = re.match(r"(?:<\d>)?bound: (\w+) on (tcp://\S+)", line)
                if found:
                    self.address[found[1]] = found[2]
                self.news.notify_all()
        with self.news:
            self.lines.append("(end)")
            self.news.notify_all()

    def wait_line(self, pattern, patience=PATIENCE, count=1):
        def seen():
            hits = sum(1 for line in self.lines if re.search(pattern, line))
            return hits >= count or (self.lines and self.lines[-1] == "(end)")
        with self.news:
            self.news.wait_for(seen, patience)
            if sum(1 for line in self.lines if re.search(pattern, line)) < count:
                raise AssertionError(f"gate never said {pattern!r}:\n" + "\n".join(self.lines))

    def wait_ready(self):
        self.wait_line("^selftest-passed")
        return self

    def memory_mib(self, what="VmHWM"):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(what + r":\s+(\d+) kB", f.read())[1]) / 1024

    def put(self, path, content, tree=None):
        at = os.path.join(tree or self.public, path)
        os.makedirs(os.path.dirname(at), exist_ok=True)
        with open(at, "wb") as f:
            f.write(content)

    def stop(self, want=0):
        """Twice SIGTERM: what a test left under way is not waited for."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.wait_line("^stopping")
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(PATIENCE)
            self.reader.join(PATIENCE)
            assert want is None or code == want, f"gate ended with {code}:\n" + "\n".join(self.lines)

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)


class Client:
    """One connection. kind of socket DEALER or SUB; key None: no CURVE."""

    def __init__(self, address, server, key, kind=zmq.DEALER, identity=None, options=()):
        self.context = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.linger = 0
        if key is not None:
            self.socket.curve_serverkey = z85(server)
            self.socket.curve_publickey = z85(key.public)
            self.socket.curve_secretkey = z85(key.secret)
        if identity is not None:
            self.socket.setsockopt(zmq.IDENTITY, identity)
        for option, value in options:
            self.socket.setsockopt(option, value)
        self.monitor = self.socket.get_monitor_socket()
        self.socket.connect(address)

    def event(self, *wanted, patience=PATIENCE):
        """The first of the wanted monitor events as (event, value), or None."""
        end = time.monotonic() + patience
        while self.monitor.poll(max(0, (end - time.monotonic()) * 1000)):
            event = zmq.utils.monitor.recv_monitor_message(self.monitor)
            if event["event"] in wanted:
                return event["event"], event["value"]
        return None

    def refused(self, patience=PATIENCE):
        """The ZAP status a handshake was refused with; 0 for a line that was cut; None if let in or nothing."""
        e = self.event(zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_HANDSHAKE_FAILED_AUTH,
                       zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
                       zmq.EVENT_DISCONNECTED, patience=patience)
        if e is None or e[0] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            return None
        return e[1] if e[0] == zmq.EVENT_HANDSHAKE_FAILED_AUTH else 0

    def send(self, data):
        self.socket.send(data)

    def receive(self, patience=PATIENCE):
        """kind, rid, fields; None if nothing came."""
        if not self.socket.poll(patience * 1000):
            return None
        frames = self.socket.recv_multipart()
        assert len(frames) == 1
        version, kind, rid, fields = unpack(frames[0])
        assert version == 1
        return kind, rid, fields

    def ask(self, kind, fields, patience=PATIENCE, version=1):
        rid = os.urandom(16)
        self.send(body(kind, fields, rid, version))
        while (answer := self.receive(patience)) is not None:
            if answer[1] == rid:  # answers to earlier questions may still come
                return answer[0], answer[2]
        return None

    def close(self):
        self.socket.disable_monitor()
        self.context.destroy(0)


import zmq.utils.monitor  # noqa: E402  (after the classes that use it only at run time)


def submission(size=1024):
    return {0: os.urandom(100), 2: os.urandom(size), 4: os.urandom(8)}


def run(*tests):
    """Each test gets its own gate and vault if it takes two arguments: `extra` of the test are lines of the gate's
    configuration, `deaf` a vault that answers no OPEN from the start. Prints the names as they pass."""
    import inspect
    import sys
    import traceback
    only = sys.argv[1:]
    failed = 0
    for test in tests:
        if only and test.__name__ not in only:
            continue
        gate = vault = None
        try:
            if len(inspect.signature(test).parameters) == 2:
                gate = Gate(getattr(test, "extra", ""))
                vault = FakeVault(gate.link_path)
                vault.deaf = getattr(test, "deaf", False)
                gate.start()
                test(gate, vault)
                gate.stop()
            else:
                test()
            print("ok", test.__name__, flush=True)
        except Exception:
            traceback.print_exc()
            print("not ok", test.__name__, flush=True)
            if gate:
                print("\n".join(gate.lines[-30:]), flush=True)
            failed += 1
        finally:
            if gate:
                gate.remove()
            if vault:
                vault.stop()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1 if failed else 0)  # a failed test leaves sockets that the interpreter would wait for
