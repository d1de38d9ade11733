#!/usr/bin/python3
"""The service on this machine: a vault, a gate, 64 offices, real sockets, one disk. bench/README.md explains.

    intake.py            prints a table; daemons, offices and load all share this machine's cores
"""
import json
import os
import re
import subprocess
import sys
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE, "tests/e2e"))
from harness import BIN, DATASET, ORIGIN, Deployment, data, preset, run  # noqa: E402

HELPERS = os.path.join(os.path.dirname(BIN), "bench")
CITY = ["efh", "spanga-tensta", "rinkeby-kista", "hasselby-vallingby-bromma", "innerstaden", "soderort"]
OFFICES = ["o%02d" % i for i in range(64)]
FORMS = 90     # an office: the gate lets 100 through at once, then 20 a second
OPEN_FORMS = 60
CELLS = {"4 KiB": 610, "16 KiB": 2690}


def form_version(cells):
    """A form with so many figures; blinds and padding included a sealed one has the size wanted."""
    codes = "\n".join("    - {code: c%04d, of: [_T], sv: c, en: c}" % i for i in range(cells))
    offices = "\n".join("    - {code: %s, of: [_T], sv: o, en: o}" % o for o in OFFICES)
    return """cellveil-config: 1
origin: %s
dataset: %s
form: {id: bench, version: "1", valid: "2020.."}
period: YYYY
codes:
  kind:
    - {code: _T, sv: T, en: T}
%s
  office:
    - {code: _T, sv: T, en: T}
%s
measures:
  - {id: clients, dims: [kind], max: 100000, unit: person, about: client, sv: k, en: k}
asked:
  - "clients|*"
release:
  opens: P0D
  closes: P15D
  grace: P0D
  publish: P90D
  late: refuse
  office_dim: office
  tables:
    - {id: clients, measures: [clients], dims: [office, kind], sv: k, en: k}
policy:
  threshold: 5
""" % (ORIGIN, DATASET, codes, offices)


def load(d, config, period, forms, rate):
    p = run([os.path.join(HELPERS, "bench_intake"), config, DATASET, period, str(forms), str(rate)] +
            [d.office(o).folder for o in OFFICES], timeout=300)
    return json.loads(p.stdout)


def high_water(daemon):
    with open("/proc/%d/status" % daemon.process.pid, encoding="ascii") as f:
        return int(re.search(r"VmHWM:\s+(\d+) kB", f.read()).group(1)) / 1024


def peers(folder, size):
    return json.loads(run([os.path.join(HELPERS, "bench_peers"), folder, str(size), "1"]).stdout)


def intake(name, cells):
    with Deployment(config=form_version(cells), offices=OFFICES) as d:
        config = os.path.join(d.folder, "config.yaml")
        for period in ("2021", "2022"):
            d.open_period(period)
        peak = load(d, config, "2021", FORMS, 0)
        time.sleep(5)  # the gate's buckets fill again
        rate = 0.7 * peak["per_second"]
        steady = load(d, config, "2022", OPEN_FORMS, rate)
        best = peers(d.folder, peak["bytes"])
        memory = high_water(d.vault), high_water(d.gate)
    print("\nforms of %s (%d bytes on the wire), 64 offices, at most 4 in flight each" % (name, peak["bytes"]))
    print("  closed loop            %6.0f accepted/s   %d forms, %d told to come later, %d refused"
          % (peak["per_second"], peak["accepted"], peak["busy"], peak["rejected"]))
    print("  open loop at 70 %%      %6.0f offered/s    median %d ms, 99 %% within %d ms (%d of %d accepted)"
          % (rate, steady["median_ms"], steady["p99_ms"], steady["accepted"], 64 * OPEN_FORMS))
    for key, what in (("open_verify", "libsodium opens and verifies"), ("commit", "SQLite commits, one a time"),
                      ("commit64", "SQLite commits, 64 a time")):
        print("  %-32s %7.0f/s on one core; closed loop reaches %.2f of it"
              % (what, best[key], peak["per_second"] / best[key]))
    print("  memory at most: vault %.0f MiB, gate %.0f MiB" % memory)


def to_subscriber():
    """From `period close` to the release verified by somebody who was listening."""
    with Deployment(config=preset("2023"), offices=CITY) as d:
        d.open_period("2023")
        for code in CITY:
            form = data("forms", "po-redovisning-2023-efh.csv") if code == "efh" else data("demo", code + "-2023.csv")
            d.office(code).push(form, "--period", "2023", "--blanks", "not-reported")
        waiting = d.reader().start("subscribe", "--once")
        begin = time.monotonic()
        d.close_period("2023")
        closed = time.monotonic()
        d.publish("2023")
        published = time.monotonic()
        waiting.communicate(timeout=60)
        end = time.monotonic()
    print("\nfrom closing to the subscriber, six offices, five tables: %.2f s" % (end - begin))
    print("  close %.2f s, protect and publish %.2f s, subscriber has verified %.2f s later"
          % (closed - begin, published - closed, end - published))


def main():
    print("The service: everything below shares this machine's %d cores; look at the ratios." % os.cpu_count())
    for name, cells in CELLS.items():
        intake(name, cells)
    to_subscriber()


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, subprocess.TimeoutExpired) as e:
        sys.exit("bench: %s" % e)
