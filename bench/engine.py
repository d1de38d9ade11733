#!/usr/bin/python3
"""The disclosure engine on tables whose results by other programs are known. bench/README.md explains.

    engine.py [--long] [TABLE...]     --long: no result is given up before ten minutes, and T5

Every row is the real `cellveil protect`, in a process of its own, reading and writing files.
"""
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.environ.get("CELLVEIL_BIN", os.path.join(HERE, "../build/release/bin"))
TABLES = ["T1", "T2-A", "T2-B", "T2-C", "T3b", "T4s", "T4"]
OFFICE_DIM = {"T1": "office", "T3b": "row"}  # others: geo
POLICY = """threshold: 5
zeros: published
width: 1
group_min: 0
hidden_sum_min: 0
redundancy: 0
office_dim: %s
"""
# Measured elsewhere, same tables, same rule, zeros published. Secondary cells / their value, CPU seconds.
# GaussSuppression 1.2.3 (default settings) with its CPU seconds; the prototype of this engine (L1 its fast pass, L2 and
# L3 its improved patterns with zeros published, as here).
GAUSS = {"T1": "18/182 0.12", "T2-A": "217/2472 2.4", "T2-B": "439/3800 2.5", "T2-C": "377/2729 2.4",
         "T3b": "2/10 14.0", "T4s": "1599/20429 16.6", "T4": "> 392, stopped", "T5": "> 258, stopped"}
PROTOTYPE = {("T1", "L1"): "11/128", ("T2-A", "L1"): "196/2294", ("T2-B", "L1"): "412/3666",
             ("T2-C", "L1"): "335/2557", ("T3b", "L1"): "1/5", ("T4s", "L1"): "1376/18152",
             ("T4", "L1"): "10800/103222", ("T5", "L1"): "58951/633434",
             ("T1", "L2"): "19/236", ("T2-A", "L2"): "220/2654", ("T2-B", "L2"): "637/6151",
             ("T2-C", "L2"): "765/7320", ("T3b", "L2"): "12/203", ("T4s", "L2"): "2783/65720",
             ("T1", "L3"): "25/395", ("T2-A", "L3"): "322/4346", ("T2-B", "L3"): "789/8991",
             ("T2-C", "L3"): "968/13241", ("T3b", "L3"): "17/302", ("T4s", "L3"): "3885/152706"}


def measured(command, limit):
    """(exit code or None, stdout, wall s, CPU s, peak MiB)"""
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        try:
            pid, status, usage = wait(p.pid, begin + limit)
        except TimeoutError:
            p.kill()
            p.wait()
            return None, "", limit, 0, 0
        p.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return (p.returncode, out.read(), time.monotonic() - begin, usage.ru_utime + usage.ru_stime,
                usage.ru_maxrss / 1024)


def wait(pid, until):
    """os.wait4 with an end; resource usage of exactly this child."""
    pause = 0.001
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return done, status, usage
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(pause)
        pause = min(0.05, pause * 2)


def row(folder, table, level, limit):
    """Protects, verifies, attacks; answers (printed cells, CPU s, work) or None when stopped."""
    policy, out = os.path.join(folder, table + ".yaml"), os.path.join(folder, "out")
    subprocess.run(["rm", "-rf", out], check=True)
    with open(policy, "w", encoding="ascii") as f:
        f.write(POLICY % OFFICE_DIM.get(table, "geo"))
    cells = os.path.join(folder, table)
    code, text, wall, cpu, mib = measured([os.path.join(BIN, "cellveil"), "protect", cells, "--policy", policy,
                                           "--level", level, "-o", out, "--json"], limit)
    known = "%-15s %-14s" % (GAUSS.get(table, "") if level == "L1" else "", PROTOTYPE.get((table, level), ""))
    if code is None:
        print("%-5s %s  stopped after %d s %38s %s" % (table, level, limit, "", known), flush=True)
        return None
    if code != 0:
        sys.exit("bench: %s %s: cellveil protect ended with %d" % (table, level, code))
    s = json.loads(text)
    result = os.path.join(out, "RESULT.csv")
    checked = measured([os.path.join(BIN, "cellveil"), "verify-certificate", cells, result,
                        os.path.join(out, "certificate.cvc")], limit)
    attacked = measured([os.path.join(BIN, "cellveil"), "attack", cells, result, "-o", os.path.join(out, "i.csv"),
                         "--json"], limit)
    found = "-" if attacked[0] is None else str(json.loads(attacked[1])["disclosures"])
    print("%-5s %s %7d %15s %8.2f %8.2f %9.1f %7.0f  %-14s %s  %s" % (
        table, level, s["printed"], "%d/%d" % (s["secondary"], s["secondary_value"]), wall, cpu, s["work"] / 1e6,
        mib * 1048576 / s["printed"], known, {0: "holds", None: "late"}.get(checked[0], "FAILS"), found), flush=True)
    return s["printed"], cpu, s["work"]


def growth(points):
    """The slope between the smallest and the largest table of the same depth, log to log."""
    points = sorted(p for p in points if p)
    if len(points) < 2 or points[0][1] <= 0:
        return "-"
    (n0, t0, w0), (n1, t1, w1) = points[0], points[-1]
    return "%.2f in CPU time, %.2f in work" % (math.log(t1 / t0) / math.log(n1 / n0),
                                              math.log(w1 / w0) / math.log(n1 / n0))


def main():
    long = "--long" in sys.argv[1:]
    tables = [a for a in sys.argv[1:] if not a.startswith("-")] or TABLES + (["T5"] if long else [])
    limit = 600 if long else 10
    print("The engine: threshold 5, zeros published, width 1, no extra hiding. Given up after %d s%s." % (
        limit, "" if long else "; --long waits ten minutes"))
    print("%-5s %2s %7s %15s %8s %8s %9s %7s  %-15s %-14s %s" % (
        "table", "", "cells", "secondary n/v", "wall s", "CPU s", "work/1e6", "B/cell", "GaussSuppr. n/v s",
        "prototype n/v", "certificate, cells found by attack"))
    with tempfile.TemporaryDirectory(prefix="cv-bench-") as folder:
        subprocess.run([sys.executable, os.path.join(HERE, "tables.py"), folder, *tables], check=True,
                       stdout=subprocess.DEVNULL)
        for level in ("L1", "L2", "L3"):
            points = {t: row(folder, t, level, limit) for t in tables}
            print("      %s grows with cells to the power of (T4s, T4, T5): %s" % (
                level, growth([points.get(t) for t in ("T4s", "T4", "T5")])))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
