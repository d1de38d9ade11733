"""cellveil subscribe, get and verify against the real gate and vault: early, late, interrupted, deceived.

Two periods of a small dataset are released; one of the offices is so small that its cells must be hidden."""
import json
import os
import re
import signal
import time

from harness import DATASET, ORIGIN, Deployment, environment, run

COUNTS = {"north": (31, 24), "south": (2, 40), "west": (55, 61), "east": (18, 29), "centre": (70, 66), "harbour": (44, 3)}
CONFIG = """cellveil-config: 1
origin: %s
dataset: %s
form: {id: small, version: "1", valid: "2020.."}
period: YYYY
codes:
  sex:
    - {code: _T, sv: Totalt, en: Total}
    - {code: F, of: [_T], sv: Kvinnor, en: Women}
    - {code: M, of: [_T], sv: Män, en: Men}
  office:
    - {code: _T, sv: Hela staden, en: Whole city}
%smeasures:
  - {id: clients, dims: [sex], max: 100000, unit: person, about: client, sv: Klienter, en: Clients}
asked: ["clients|F,M"]
release:
  opens: P0D
  closes: P15D
  grace: P14D
  publish: P0D
  late: hold
  office_dim: office
  tables: [{id: clients, measures: [clients], dims: [office, sex], sv: Klienter efter enhet och kön, en: Clients by office and sex}]
policy: {threshold: 5, width: 2, min_reporting: 3, ladder: [unfreeze, withhold]}
""" % (ORIGIN, DATASET, "".join("    - {code: %s, of: [_T], sv: %s, en: %s}\n" % (c, c.capitalize(), c.capitalize())
                                for c in COUNTS))


def release(d, period, more=0):
    d.open_period(period)
    for office, (women, men) in COUNTS.items():
        path = os.path.join(d.folder, office + ".csv")
        with open(path, "w", encoding="utf-8") as f:
            f.write("office,year,measure,sex,value\n%s,%s,clients,F,%d\n%s,%s,clients,M,%d\n" % (
                office, period, women, office, period, men + more))
        d.office(office).push(path, "--period", period)
    d.close_period(period)
    d.publish(period)


def rows(text):
    """What one line of subscribe --json says: {(office, sex): value or status}."""
    table = json.loads(text)["tables"][0]["rows"]
    return {(r["office"], r["sex"]): r.get("value", r["status"]) for r in table}


def check_table(table):
    assert table["_T", "_T"] == sum(map(sum, COUNTS.values())), table
    assert table["south", "F"] == "suppressed" and table["harbour", "M"] == "suppressed", table


def test_live(d):
    """One who subscribed before the release gets it when it comes."""
    p = d.reader("early").start("subscribe", "--once", "--json", "--wait", "60")
    release(d, "2023")
    out, err = p.communicate(timeout=90)
    assert p.returncode == 0, err
    check_table(rows(out))
    return out


def test_late(d, early):
    reader = d.reader("late")
    p = reader.run("subscribe", "--once", "--json", "--wait", "30")
    assert json.loads(p.stdout) == json.loads(early), "late and early readers see the same"
    p = reader.run("subscribe", "--once", "--wait", "1", want=5)  # it has that one already
    assert p.stdout == ""
    p = reader.run("subscribe", "--once", "--all", "--wait", "30")
    assert p.stdout.startswith("Clients by office and sex, 2023\n"), p.stdout
    assert re.search(r"(?m)^  South +\S+ +\.\. +\S+$", p.stdout), p.stdout
    assert "..  hidden, to protect individuals\n" in p.stdout
    p = reader.run("subscribe", "--once", "--all", "--wait", "30", env=dict(environment(), LC_ALL="sv_SE.UTF-8"))
    assert "Klienter efter enhet och kön, 2023" in p.stdout and "Hela staden" in p.stdout, p.stdout


def test_get_and_verify(d):
    reader = d.reader("getter")
    csv = reader.run("get", "2023", "--format", "csv").stdout
    assert csv.startswith("table,measure,"), csv[:80]
    assert json.loads(reader.run("get", DATASET + "/2023/0", "--format", "json-stat").stdout)["class"] == "dataset"
    reader.run("get", "2019", want=1)
    reader.run("get", "2023/7", want=1)
    reader.run("get", "2023", "--format", "pdf", want=2)
    folder = os.path.join(d.folder, "release")
    reader.run("get", "2023", "-o", folder)
    assert "holds" in reader.run("verify", folder).stdout
    assert json.loads(reader.run("verify", os.path.join(folder, "manifest.txt"), "--json").stdout)["holds"]
    run(["b2sum", "--quiet", "-c", "manifest.txt"], cwd=folder)
    run(["minisign", "-V", "-q", "-p", os.path.join(d.home, "release.pub"), "-m", "manifest.txt"], cwd=folder)
    for name in sorted(os.listdir(folder)):  # one bit in any file, one file less: refused
        path = os.path.join(folder, name)
        with open(path, "rb") as f:
            good = f.read()
        bad = bytearray(good)
        bad[len(bad) // 2] ^= 1
        for change in (bytes(bad), good[:-1], good + b"\n", None):
            if change is None:
                os.unlink(path)
            else:
                with open(path, "wb") as f:
                    f.write(change)
            p = reader.run("verify", folder, want=1)
            assert "does not hold" in p.stderr and not p.stdout, p.stderr
        with open(path, "wb") as f:
            f.write(good)
    reader.run("verify", folder)


def test_resume(d):
    """A reader that stops and comes back continues; one that was killed too."""
    reader = d.readers[0]
    p = reader.start("subscribe", "--count", "1", "--json")
    release(d, "2024", more=7)
    out, err = p.communicate(timeout=90)
    assert p.returncode == 0 and json.loads(out)["period"] == "2024", err
    late = d.client("late")
    out = late.run("subscribe", "--once", "--json", "--wait", "30").stdout
    assert json.loads(out)["period"] == "2024", "only what is new"
    both = late.run("subscribe", "--count", "2", "--all", "--json", "--wait", "30").stdout.splitlines()
    assert [json.loads(line)["period"] for line in both] == ["2023", "2024"]


def catches(pid, number):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(re.search(r"(?m)^SigCgt:\s*(\w+)$", f.read()).group(1), 16) >> number - 1 & 1


def test_interrupted(d):
    p = d.readers[0].start("subscribe", "--json")
    while not catches(p.pid, signal.SIGINT):
        assert p.poll() is None, p.communicate()
        time.sleep(0.01)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=30)
    assert p.returncode == 130 and out == "", (p.returncode, err)


def test_gate_restarts(d):
    """The gate dies and comes back while a reader waits: nothing is missed, nothing comes twice."""
    p = d.readers[0].start("subscribe", "--once", "--json", "--wait", "90")
    d.gate.kill()
    d.gate.start()
    release(d, "2025")
    out, err = p.communicate(timeout=120)
    assert p.returncode == 0 and json.loads(out)["period"] == "2025", err


def test_withdrawn(d):
    d.ctl("release", "withdraw", "2025", "--reason", "error", "--dataset", DATASET)
    reader = d.client("late")
    reader.run("get", "2025", want=1)
    p = reader.run("subscribe", "--once", "--json", "--wait", "5", want=5)  # skips what is gone
    assert "2025, revision 0: withdrawn" in p.stderr and p.stdout == "", p.stderr


def test_deceived(d):
    """A gate that serves altered files: nothing is shown."""
    reader = d.reader("deceived")
    objects = os.path.join(d.public, "object")
    for folder, _, names in os.walk(objects):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "r+b") as f:
                first = f.read(1)
                f.seek(0)
                f.write(bytes([first[0] ^ 1]))
    p = reader.run("get", "2023", "--format", "csv", want=1)
    assert p.stdout == "" and "not the one that was asked for" in p.stderr, p.stderr
    p = reader.run("subscribe", "--once", "--wait", "20", want=1)
    assert p.stdout == "", p.stdout


def main():
    with Deployment(config=CONFIG, offices=list(COUNTS)) as d:
        early = test_live(d)
        test_late(d, early)
        test_get_and_verify(d)
        test_resume(d)
        test_interrupted(d)
        test_gate_restarts(d)
        test_withdrawn(d)
        test_deceived(d)
    print("ok")


if __name__ == "__main__":
    main()
