"""cellveil push killed with SIGKILL at random moments, against a real gate and vault: every form counts exactly once.

Twelve offices push one revision after the other. Each push is killed until 200 kills have fallen in all: by a
timer, at a named point (builds that have them) or at the n-th system call of some kind (strace, if it may).
After a kill the same form is pushed again. The figure of an office's last form carries a power of two of its
own: the released total is right only if each last form counts once and none before it counts. The named points
one by one are test_client_kill_points.py; here are also a full disk, a clock that is off by a day, two pushes at
once, and a gate and a vault that are away.

CELLVEIL_SEED replays the choices (not the scheduler's), CELLVEIL_KILLS sets their number."""
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time

from harness import Deployment, environment, preset, random_seed, run

SEED = random_seed()
KILLS = int(os.environ.get("CELLVEIL_KILLS") or 200)
BUDGET = 45.0  # seconds for the random part, but half of KILLS in any case
OFFICES = ["o%02d" % k for k in range(12)]
AGES = ["Y18-29", "Y30-49", "Y50-64", "Y_GE65"]
REASONS = ["economy", "housing", "occupation", "daily_structure", "isolation", "relationships", "existential",
           "authority_contact", "healthcare_contact", "other"]
POINTS = ["file-written", "file-synced", "file-renamed", "outbox-stored", "answered", "receipt", "receipt-stored"]
CALLS = ["openat", "write", "fsync", "rename", "unlink", "flock", "connect", "sendto", "recvfrom", "close", "read",
         "epoll_wait", "poll", "mkdir", "fchmod"]


def config():
    rows = ["{code: _T, sv: Alla, en: All}"] + ["{code: %s, of: [_T], sv: %s, en: %s}" % (o, o, o) for o in OFFICES]
    return preset("2024", offices=rows)


def form(folder, office, young):
    """A table in which every count is large, so that the release hides nothing. young: women of 18 to 29."""
    lines = ["office,year,measure,sex,age,reason,value"]

    def put(measure, sex, age, reason, value):
        lines.append("%s,2024,%s,%s,%s,%s,%d" % (office, measure, sex, age, reason, value))
    for sex in "FM":
        for measure, n in (("clients", 90), ("clients_new", 60), ("clients_ended", 40)):
            ages = [young if measure == "clients" and sex == "F" else n, n, n, n]
            for age, count in zip(["_T"] + AGES, [sum(ages)] + ages):
                put(measure, sex, age, "_Z", count)
        put("clients_children_home", sex, "_Z", "_Z", 50)
        for reason in REASONS:
            put("contact_reasons", sex, "_Z", reason, 100)
    path = os.path.join(folder, "%s-%d.csv" % (office, young))
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    return path


PUSH = ("--yes", "--json", "--blanks", "not-reported", "--wait", "40")


def pushed(office, path, **kwargs):
    p = office.run("push", path, *PUSH, **kwargs)
    assert '"state":"received"' in p.stdout, p.stdout + p.stderr
    return p


def received(office):
    """How many of the office's forms the vault holds, as the vault says."""
    return int(re.search(r"; (\d+) of our forms received", office.run("status").stdout).group(1))


def may_trace(d):
    if not shutil.which("strace"):
        return False
    p = run(["strace", "-f", "-qq", "-o", os.path.join(d.folder, "trace"), "-e", "inject=exit_group:signal=SIGKILL",
             "/bin/true"], want=None)
    return p.returncode == -signal.SIGKILL


class Killer:
    def __init__(self, d, rng):
        self.rng, self.kills, self.by = rng, 0, {"timer": 0, "point": 0, "call": 0}
        self.ways = ["timer"] * 6 + ["point"] * 2 + (["call"] * 2 if may_trace(d) else [])
        self.typical, self.last_killed = 0.1, False

    def once(self, office, path):
        """A push under threat. True: it came through."""
        way = self.rng.choice(self.ways)
        command, env, timeout = office.command("push", path, *PUSH), environment(), 60
        if way == "timer":
            timeout = self.rng.uniform(0.0, 1.3 * self.typical)
        elif way == "point":
            env["CELLVEIL_CRASH"] = "%s:%d" % (self.rng.choice(POINTS), self.rng.randrange(1, 4))
        else:  # the leak sanitizer cannot work under another tracer
            env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
            command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=?%s:signal=SIGKILL:when=%d" % (
                self.rng.choice(CALLS), self.rng.randrange(1, 60))] + command
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=env, text=True)
        try:
            out, err = p.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
        assert p.returncode in (0, -signal.SIGKILL), "%s\n%s" % (p.returncode, err)
        if p.returncode == 0:
            assert '"state":"received"' in out, err
            self.last_killed = False
            return True
        self.last_killed = True
        self.kills += 1
        self.by[way] += 1
        return False


def test_random_kills(d, rng):
    killer, end = Killer(d, rng), time.monotonic() + BUDGET
    forms = {code: 0 for code in OFFICES}
    before = time.monotonic()
    pushed(d.office(OFFICES[0]), form(d.folder, OFFICES[0], 5000))
    forms[OFFICES[0]] = 1
    killer.typical = time.monotonic() - before
    while killer.kills < KILLS // 2 or (killer.kills < KILLS and time.monotonic() < end):
        code = rng.choice(OFFICES)
        path = form(d.folder, code, 5001 + forms[code])
        patience = 12
        while killer.kills < KILLS and patience > 0 and not killer.once(d.office(code), path):
            patience -= 1
        if killer.last_killed or rng.randrange(4) == 0:  # the same form once more is the same submission
            pushed(d.office(code), path)
        forms[code] += 1
    for k, code in enumerate(OFFICES):
        pushed(d.office(code), form(d.folder, code, 90 + (1 << k)))
        forms[code] += 1
    print("kills: %d %s, forms: %d, a push takes %.0f ms" % (killer.kills, killer.by, sum(forms.values()),
                                                             1000 * killer.typical))
    check_accounts(d, forms, rng)
    return forms


def check_accounts(d, forms, rng):
    """One revision, one receipt, one leaf of the log for each form; receipts hold without a network; no litter."""
    leaves = set()
    for code in OFFICES:
        office = d.office(code)
        items = office.outbox()
        assert [i["revision"] for i in items] == list(range(forms[code])), (code, items)
        assert all(i["state"] == "received" for i in items), (code, items)
        assert received(office) == forms[code], (code, received(office), forms[code])
        for item in items:
            path = os.path.join(office.folder, "outbox", item["id"] + ".receipt")
            with open(path, encoding="ascii") as f:
                leaves.add(re.search(r"(?m)^log-index (\d+)$", f.read()).group(1))
            if rng.randrange(8) == 0:
                office.run("receipt", "verify", path)
        litter = [os.path.join(at, n) for at, _, names in os.walk(office.folder) for n in names if ".part" in n]
        assert not litter, litter
    assert len(leaves) == sum(forms.values()), "each form has a leaf of its own in the log"


def test_disk_full(d, forms):
    """No file may grow: the push says so, nothing is sent, and the next one is the same as if it had not been."""
    office, path = d.office(OFFICES[1]), form(d.folder, OFFICES[1], 7000)

    def no_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    before = len(office.outbox())
    p = office.run("push", path, *PUSH, want=1, preexec_fn=no_room)
    assert "File too large" in p.stderr, p.stderr
    p = office.run("check", path, "--blanks", "not-reported", preexec_fn=no_room)  # nothing to keep: it goes on
    assert "cannot be kept" in p.stderr and "can be sent" in p.stderr, p.stderr
    assert len(office.outbox()) == before and received(office) == forms[OFFICES[1]]
    pushed(office, form(d.folder, OFFICES[1], 90 + 2))  # the form the vault has already
    assert received(office) == forms[OFFICES[1]]


def test_clock_off(d, forms):
    """A day early, a day late: the form counts, and the receipt tells the vault's time."""
    library = os.path.join(d.folder, "clock.so")
    source = os.path.join(d.folder, "clock.c")
    with open(source, "w", encoding="ascii") as f:
        f.write("#define _GNU_SOURCE\n#include <stdlib.h>\n#include <sys/syscall.h>\n#include <time.h>\n"
                "#include <unistd.h>\n"
                "static long off(void) { const char *s = getenv(\"CLOCK_OFF\"); return s ? atol(s) : 0; }\n"
                "int clock_gettime(clockid_t c, struct timespec *t) { int r = (int)syscall(SYS_clock_gettime, c, t);\n"
                "\tif (r == 0 && c == CLOCK_REALTIME) t->tv_sec += off(); return r; }\n"
                "time_t time(time_t *t) { struct timespec s; clock_gettime(CLOCK_REALTIME, &s);\n"
                "\tif (t) *t = s.tv_sec; return s.tv_sec; }\n")
    if subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=False).returncode != 0:
        print("no compiler: the clock was not tried")
        return
    code = OFFICES[2]
    for n, off in enumerate((-86400, 86400)):
        path = form(d.folder, code, 7100 + n)
        p = pushed(d.office(code), path, env=environment(LD_PRELOAD=library, CLOCK_OFF=str(off), ASAN_OPTIONS=
                   os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"))
        forms[code] += 1
        accepted = int(re.search(r'"accepted_at":(\d+)', p.stdout).group(1))
        assert abs(accepted - time.time()) < 600, "the vault's time, not ours"
        created = d.office(code).outbox()[-1]["created"]
        assert abs(created - time.time() - off) < 600, "our clock was not off"
    path = form(d.folder, code, 90 + (1 << 2))
    p = d.office(code).run("push", path, *PUSH, want=7, env=environment(
        LD_PRELOAD=library, CLOCK_OFF=str(20 * 366 * 86400),
        ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"))
    assert "this computer's clock" in p.stderr, p.stderr  # twenty years on no key set is good
    pushed(d.office(code), path)
    forms[code] += 1
    assert received(d.office(code)) == forms[code]


def test_away(d, forms):
    """Two pushes at once on one folder while gate and vault go away and come back in turn."""
    code = OFFICES[3]
    office, path = d.office(code), form(d.folder, code, 7200)
    d.vault.kill()
    both = [office.start("push", path, *PUSH) for _ in range(2)]
    for p in both:  # both have tried, and say why they wait
        while "trying again" not in p.stderr.readline():
            assert p.poll() is None
    d.gate.stop()
    d.vault.start()  # the gate is not ready before it has met the vault
    d.gate.start()
    ids = set()
    for p in both:
        out, err = p.communicate(timeout=90)
        assert p.returncode == 0, err
        ids.add(re.search(r'"id":"([0-9a-f]{32})"', out).group(1))
    forms[code] += 1
    assert len(ids) == 1 and received(office) == forms[code], (ids, received(office))
    pushed(office, form(d.folder, code, 90 + (1 << 3)))
    forms[code] += 1


def test_released_sum(d):
    """Closed, merged, published: each office's last form is in the total once."""
    d.close_period("2024")
    d.publish("2024")
    found = {}
    for line in d.reader().run("get", "2024", "--format", "csv").stdout.splitlines():
        cells = line.split(",")
        for code in OFFICES + ["_T"]:
            if "clients" in cells and code in cells and "F" in cells and "Y18-29" in cells:
                found[code] = [int(c) for c in cells if c.isdigit() and int(c) > 90]
    for k, code in enumerate(OFFICES):
        assert 90 + (1 << k) in found[code], (code, found.get(code))
    total = len(OFFICES) * 90 + (1 << len(OFFICES)) - 1
    assert total in found["_T"], (found["_T"], total)


def main():
    print("CELLVEIL_SEED=%d" % SEED, flush=True)
    with Deployment(config=config(), offices=OFFICES) as d:
        d.open_period("2024")
        forms = test_random_kills(d, random.Random(SEED))
        test_disk_full(d, forms)
        test_clock_off(d, forms)
        test_away(d, forms)
        check_accounts(d, forms, random.Random(SEED))
        test_released_sum(d)
    print("ok")


if __name__ == "__main__":
    main()
