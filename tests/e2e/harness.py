"""A whole deployment on loopback: cellveil-gate, cellveild, offices and readers in a temporary folder.

    with Deployment(offices=["efh", "norrmalm", ...]) as d:
        d.open_period("2024")
        d.office("efh").push(FORM, "--period", "2024")
        d.close_period("2024")
        d.publish("2024")
        print(d.reader().run("get", "2024", "--format", "csv").stdout)

Every program is the one in $CELLVEIL_BIN. Nothing here sleeps: daemons say READY=1 to a socket of ours, the
registry is in force when `cellveilctl office add` answers, and everything else is a command that ends. What
was started is stopped at the end, also after a failure; on failure the daemons' journals are printed.
"""
import errno
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback

SOURCE = os.environ.get("CELLVEIL_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
BIN = os.environ.get("CELLVEIL_BIN", os.path.join(SOURCE, "build/debug/bin"))
PATIENCE = 180.0  # seconds an event may take on a slow and busy machine before the test fails
DATASET = "personal-support"
ORIGIN = "stats.example/log1"
OFFICES_2024 = ["efh", "spanga-tensta", "rinkeby-kista", "hasselby-vallingby-bromma"]


def random_seed(at=None):
    """What a random test starts from: argument number `at` of the command line, else CELLVEIL_SEED, else another each time."""
    if at is not None and len(sys.argv) > at:
        return int(sys.argv[at])
    return int(os.environ.get("CELLVEIL_SEED") or random.SystemRandom().randrange(10**9))


def port_range():
    """Below the ports that clients' connections are given, or above; usual is 32768 to 60999."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
            low, high = map(int, f.read().split())
    except OSError:
        low, high = 32768, 60999
    if low <= 21000 and high < 64000:
        return high + 1, 65536
    return 20000, min(low, 32000) if low > 21000 else 32000


def is_free(port):
    """Nobody listens on it, at any address."""
    for family, everywhere in ((socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as s:
                s.bind((everywhere, port))
        except OSError as e:
            if e.errno == errno.EADDRINUSE:
                return False
    return True


reserved = []  # sockets without a file, whose names tell the tests beside us which ports are ours until we end


def reserve(port):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        s.bind("\0cellveil-test-port-%d" % port)
    except OSError as e:
        if e.errno == errno.EADDRINUSE:
            s.close()
            return False
    reserved.append(s)
    return True


def free_ports(n):
    """n ports that nobody listens on and that no other test has or will have, also while our daemons are stopped."""
    found = []
    while len(found) < n:
        port = random.SystemRandom().randrange(*port_range())
        if reserve(port) and is_free(port):
            found.append(port)
    return found


def data(*path):
    """A file below tests/data."""
    return os.path.join(SOURCE, "tests/data", *path)


# What the six offices of the city reported for 2023: public figures.
CITY_FORMS = {code: data("forms", "po-redovisning-2023-efh.csv") if code == "efh" else data("demo", code + "-2023.csv")
              for code in ("efh", "spanga-tensta", "rinkeby-kista", "hasselby-vallingby-bromma", "innerstaden",
                           "soderort")}


def preset(year, offices=None, changes=()):
    """A configuration's text from policy/presets. offices: lines of the office list, without it the preset's
    own. changes: pairs (pattern, replacement) for re.sub, each of which must match."""
    with open(os.path.join(SOURCE, "policy/presets/po-redovisning-%s.yaml" % year), encoding="utf-8") as f:
        text = f.read()
    text = text.replace("@ORIGIN@", ORIGIN).replace("@DATASET@", DATASET)
    if offices is not None:
        text = re.sub(r"(?m)^  office:\n(    - .*\n)+",
                      "  office:\n" + "".join("    - %s\n" % line for line in offices), text)
    for pattern, replacement in changes:
        text, n = re.subn(pattern, replacement, text)
        assert n > 0, "nothing to change: " + pattern
    return text


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    env.update({"LC_ALL": "C.UTF-8", "NO_COLOR": "1", **more})
    return env


def run(command, want=0, timeout=PATIENCE, **kwargs):
    """Runs a command to its end. want: the exit code that is right, a collection of them, or None."""
    kwargs.setdefault("env", environment())
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, text=True,
                       stdin=subprocess.DEVNULL, check=False, **kwargs)
    if want is not None and p.returncode not in (want if isinstance(want, (set, tuple, list)) else (want,)):
        raise AssertionError("%s\nexit code %d, wanted %s\n%s%s" % (
            " ".join(command), p.returncode, want, p.stdout[-4000:], p.stderr[-4000:]))
    return p


def cellveil(*args):
    """Runs the client's program to whatever end."""
    return run([os.path.join(BIN, "cellveil"), *args], want=None, timeout=500)


def run_tests(names):
    """Calls each test_... of a module's globals() with a temporary folder of its own; how many failed."""
    failed = 0
    for name, test in sorted(names.items()):
        if not name.startswith("test_"):
            continue
        with tempfile.TemporaryDirectory(prefix="cv-") as folder:
            try:
                test(folder)
                print("ok", name, flush=True)
            except AssertionError:
                failed += 1
                print("FAILED", name, traceback.format_exc(), flush=True)
    return failed


class Daemon:
    """A program that tells $NOTIFY_SOCKET when it is ready."""

    def __init__(self, name, command, folder):
        self.name, self.command, self.folder = name, command, folder
        self.process = None
        self.journal = os.path.join(folder, name + ".journal")

    def start(self, **env):
        path = os.path.join(self.folder, self.name + ".notify")
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, open(self.journal, "ab") as journal:
            s.bind(path)
            s.settimeout(1.0)
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=journal, stderr=journal,
                                            env=environment(NOTIFY_SOCKET=path, **env))
            for _ in range(int(PATIENCE)):
                try:
                    if b"READY=1" in s.recv(4096).split(b"\n"):
                        return self
                except socket.timeout:
                    pass
                if self.process.poll() is not None:
                    raise AssertionError("%s ended with %d\n%s" % (self.name, self.process.returncode, self.tail()))
        raise AssertionError("%s is not ready\n%s" % (self.name, self.tail()))

    def stop(self, number=signal.SIGTERM):
        """Ends it and answers the exit code; None if it was not running."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    def kill(self):
        return self.stop(signal.SIGKILL)

    def restart(self, number=signal.SIGTERM):
        self.stop(number)
        return self.start()

    def tail(self):
        with open(self.journal, encoding="utf-8", errors="replace") as f:
            return "--- %s\n%s" % (self.name, f.read()[-6000:])


class Client:
    """`cellveil` with a folder of its own: an office, a researcher or an auditor."""

    def __init__(self, folder):
        self.folder = folder

    def command(self, *args):
        words = 2 if args and args[0] in ("outbox", "receipt", "audit") else 1
        return [os.path.join(BIN, "cellveil"), *args[:words], "--dir", self.folder, *args[words:]]

    def run(self, *args, **kwargs):
        return run(self.command(*args), **kwargs)

    def start(self, *args, **kwargs):
        """In the background, stdout and stderr piped; the caller waits for it."""
        kwargs.setdefault("env", environment())
        return subprocess.Popen(self.command(*args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **kwargs)

    def push(self, path, *args, **kwargs):
        """Pushes a form; answers the JSON that tells of the receipt (None if it was not received)."""
        p = self.run("push", path, "--yes", "--json", "--wait", "90", *args, **kwargs)
        lines = [line for line in p.stdout.splitlines() if line.startswith('{"state"')]
        return json.loads(lines[-1]) if lines else None

    def outbox(self):
        return json.loads(self.run("outbox", "list", "--json").stdout)


class Deployment:
    def __init__(self, config=None, offices=OFFICES_2024, dataset=DATASET, start=True):
        self.folder = tempfile.mkdtemp(prefix="cv-", dir="/tmp")  # short: Unix sockets have 107 bytes
        self.dataset = dataset
        self.offices = {}
        self.readers = []
        try:
            self._init()
            if start:
                self.start()
                self.add_config(config or preset("2024"))
                for code in offices:
                    self.enrol(code)
        except BaseException:
            self.close(failed=True)
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close(failed=kind is not None)

    def _init(self):
        ports = free_ports(3)
        self.ports = dict(zip(("submit", "query", "feed"), ports))
        self.home = os.path.join(self.folder, "d")
        run([os.path.join(BIN, "cellveilctl"), "init", self.home, "--name", "test", "--origin", ORIGIN,
             "--host", "127.0.0.1", "--bind", "127.0.0.1", "--submit-port", str(ports[0]), "--query-port",
             str(ports[1]), "--feed-port", str(ports[2])])
        self.conf = os.path.join(self.home, "cellveil.conf")
        self.state = os.path.join(self.home, "state")
        self.public = os.path.join(self.state, "public")
        self.vault = Daemon("cellveild", [os.path.join(BIN, "cellveild"), "--config", self.conf], self.folder)
        self.gate = Daemon("cellveil-gate", [os.path.join(BIN, "cellveil-gate"), "--config", self.conf], self.folder)

    def start(self):
        self.vault.start()
        self.gate.start()

    def close(self, failed=False):
        for daemon in (getattr(self, "gate", None), getattr(self, "vault", None)):
            if daemon is None:
                continue
            try:
                daemon.stop()
            except subprocess.TimeoutExpired:
                daemon.kill()
            if failed and os.path.exists(daemon.journal):
                print(daemon.tail(), file=sys.stderr)
        if failed and os.environ.get("CELLVEIL_KEEP"):
            print("kept:", self.folder, file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def ctl(self, *args, **kwargs):
        words = 2 if args[0] not in ("init", "status", "mode") else 1
        return run([os.path.join(BIN, "cellveilctl"), *args[:words], "--config", self.conf, *args[words:]], **kwargs)

    def add_config(self, text):
        path = os.path.join(self.folder, "config.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return self.ctl("config", "add", path)

    def client(self, name):
        return Client(os.path.join(self.folder, "client-" + name))

    def enrol(self, name, kind="office", folder=None):
        """A new participant: init, office add, join. It is in force when this returns."""
        client = self.client(folder or name)
        line = client.run("init", "--" + kind, name).stdout
        answer = self.ctl("office", "add", line.strip(), "--dataset", self.dataset).stdout
        joins = [l for l in answer.splitlines() if l.startswith("cellveil-join ")]
        assert len(joins) == 1, answer
        client.run("join", joins[0])
        if kind == "office":
            self.offices[name] = client
        return client

    def office(self, code):
        return self.offices[code]

    def reader(self, name=None, kind="researcher"):
        name = name or "reader-%d" % len(self.readers)
        client = self.enrol(name, kind)
        self.readers.append(client)
        return client

    def open_period(self, period, *args):
        """Opens it now, whatever the configuration says, until the year 2099."""
        if not args:
            args = ("--opens", "2020-01-01", "--closes", "2099-01-01")
        return self.ctl("period", "open", period, "--dataset", self.dataset, *args)

    def close_period(self, period):
        return self.ctl("period", "close", period, "--dataset", self.dataset)

    def publish(self, period, **kwargs):
        return self.ctl("release", "publish", period, "--dataset", self.dataset, **kwargs)
