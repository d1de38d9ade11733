#!/usr/bin/python3
"""The disclosure engine on tables whose results by other programs are known. bench/README.md explains.

    engine.py [--long] [--b1 DIR] [--b2 DIR] [TABLE...]

--long: every run may take ten minutes, and T5 and T6 too. --b1, --b2 (or CELLVEIL_B1, CELLVEIL_B2): folders with two public
tables as `cellveil protect` reads them, the first dimension that of the offices.
"""
import json
import math
import os
import resource
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.environ.get("CELLVEIL_BIN", os.path.join(HERE, "../build/release/bin"))
PROGRAMS = os.path.join(BIN, "../bench")
TABLES = ["T1", "T2-A", "T2-B", "T2-C", "T3b", "T4s", "T4"]
OFFICE_DIM = {"T1": "office", "T3b": "row"}  # others: geo
POLICY = """threshold: %d
zeros: %s
width: 1
group_min: 0
hidden_sum_min: 0
redundancy: 0
office_dim: %s
effort: %d
"""
# Measured elsewhere on the same tables, same rule, zeros published: secondary cells / their value.
# GaussSuppression 1.2.3 without its singleton rules, which is what L1 promises, and its CPU seconds; by threshold.
PEER = {("T1", 5): "13/140 0.1", ("T2-A", 5): "213/2436 2.4", ("T2-B", 5): "425/3698 3.2",
        ("T2-C", 5): "330/2432 2.8", ("T3b", 5): "1/5 19.6", ("T4s", 5): "1353/17426 18",
        ("T4", 5): "> 600 s", ("T5", 5): "> 400 s", ("B-1", 4): "145/1194 0.3", ("B-2", 3): "725/3772 14",
        ("B-2", 5): "659/4994 11", ("B-2", 11): "405/6020 11"}
# The prototype of this engine, its patterns after improvement (T4, T5 at L1: the best it reached).
PROTOTYPE = {("T1", 5): ("11/126", "19/236", "25/395"), ("T2-A", 5): ("193/2279", "220/2654", "322/4346"),
             ("T2-B", 5): ("393/3568", "637/6151", "789/8991"), ("T2-C", 5): ("305/2378", "765/7320", "968/13241"),
             ("T3b", 5): ("1/5", "12/203", "17/302"), ("T4s", 5): ("1312/17678", "2783/65720", "3885/152706"),
             ("T4", 5): ("9641/88856", "", ""), ("T5", 5): ("40065/341482", "", ""),
             ("T6", 5): ("464504/6.71M", "", ""), ("B-1", 4): ("116/993", "257/2843", "336/5534"),
             ("B-2", 3): ("681/3822", "1244/8870", "1509/12255"), ("B-2", 5): ("635/5036", "1399/15022", "1686/23587"),
             ("B-2", 11): ("399/5981", "1319/31508", "1665/56172")}
# The same at L3, k 5, where noughts may be hidden, and where they are protected too.
PROTOTYPE_ZEROS = {"T1": ("20/322", "23/345"), "T2-A": ("278/3856", "291/3921"), "T2-B": ("581/5933", "605/6589"),
                   "T2-C": ("636/5756", "684/8413"), "T3b": ("3/22", "6/226"), "T4s": ("2777/61794", "3197/123614")}
# What we would like the fast run to take at most, in seconds.
AIM = {("T1", "L3"): 0.001, ("T2-B", "L2"): 0.02, ("B-2", "L3"): 0.1, ("T4s", "L3"): 0.3, ("T4", "L2"): 1, ("T4", "L3"): 2,
       ("T5", "L1"): 1.5, ("T5", "L2"): 10, ("T5", "L3"): 20, ("T6", "L1"): 8, ("T6", "L2"): 60}
# And how many cells it is meant to hide beside the protected ones; bytes a cell in memory; a second thread's worth.
AIM_CELLS = {("T4", "L1"): 9600, ("T5", "L1"): 40000}
AIM_BYTES = {"L1": 60, "L2": 120, "L3": 160}
SHORT, LONG = 12, 600  # seconds of CPU for one run
LEVELS = ("L1", "L2", "L3")
HEAD = "%-5s %2s %2s %7s | %-15s %9s %8s | %-15s %9s %8s | %-15s %-14s %s"
LINE = "%-5s %2s %2d %7s | %-15s %9s %8s | %-15s %9s %8s | %-15s %-14s %s"


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(command, limit):
    """What the program prints, as JSON; None if it was stopped after so many seconds of CPU."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as p:
        while True:
            try:
                out, err = p.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                if cpu_seconds(p.pid) > limit:
                    p.kill()
                    p.communicate()
                    return None
    if p.returncode != 0:
        sys.exit("bench: %s: %s" % (" ".join(command[1:]), err.strip()))
    return json.loads(out)


class Bench:
    def __init__(self, folder, limit):
        self.folder, self.limit, self.done = folder, limit, {}

    def policy(self, table, k, effort, office_dim, zeros="published"):
        path = os.path.join(self.folder, "policy.yaml")
        with open(path, "w", encoding="ascii") as f:
            f.write(POLICY % (k, zeros, office_dim or OFFICE_DIM.get(table, "geo"), effort))
        return path

    def protect(self, table, level, k, effort, where, office_dim):
        if self.done.get((table, level, k, 0), True) is None:
            return None  # without improvement it was too slow already
        r = run([os.path.join(PROGRAMS, "bench_engine"), where, self.policy(table, k, effort, office_dim), level],
                self.limit)
        if r and not r.get("holds", True):
            sys.exit("bench: %s %s: the certificate does not hold" % (table, level))
        self.done[table, level, k, effort] = r
        return r

    def row(self, table, level, k=5, where=None, office_dim=None, improved=True):
        where = where or os.path.join(self.folder, table)
        fast = self.protect(table, level, k, 0, where, office_dim)
        best = self.protect(table, level, k, 20, where, office_dim) if improved else {}
        known = PROTOTYPE.get((table, k), ("", "", ""))[LEVELS.index(level)]
        peer = PEER.get((table, k), "") if level == "L1" else ""
        aims = ["%g ms" % (AIM[table, level] * 1000)] if (table, level) in AIM else []
        aims += ["%d cells" % AIM_CELLS[table, level]] if (table, level) in AIM_CELLS else []
        print(LINE % (table, level, k, (fast or best or {}).get("printed", ""), *outcome(fast), *outcome(best), peer, known,
                      ", ".join(aims)), flush=True)

    def proof(self, table, level, k=5):
        r = self.done.get((table, level, k, 20)) or self.done.get((table, level, k, 0))
        if not r or "refused" in r:
            return
        cells = r["printed"]
        print("%-5s %s %7d | %8d %8.0f %4d | %9.1f %9.1f %8s | %9.1f %9.1f | %9.2f %9.2f" % (
            table, level, cells, r["moves"], r["kib"] * 1024 / cells, AIM_BYTES[level], r["check_s"] * 1e3, r["proof_s"] * 1e3,
            "%d/%d" % (r["components"] - r["open"], r["components"]), r["public_bytes"] / 1024,
            r["auditor_bytes"] / 1024, r["public_s"] * 1e3, r["auditor_s"] * 1e3), flush=True)

    def growth(self, level):
        """The slope between the smallest and the largest table of the same depth, log to log."""
        points = [self.done.get((t, level, 5, 0)) for t in ("T4s", "T4", "T5", "T6")]
        points = [p for p in points if p and "printed" in p]
        if len(points) < 2:
            return "-"
        a, b = points[0], points[-1]
        ratio = math.log(b["printed"] / a["printed"])
        return "%.2f in time, %.2f in work" % (math.log(b["pattern_s"] / a["pattern_s"]) / ratio,
                                               math.log(b["work"] / a["work"]) / ratio)


def outcome(r):
    if r is None:
        return "stopped", "", ""
    if not r:
        return "", "", ""
    if "refused" in r:
        return "refused", "", ""
    return "%d/%d" % (r["secondary"], r["value"]), "%.1f" % (1e3 * r["pattern_s"]), "%.1f" % (r["work"] / 1e6)


def outside(bench, options):
    for name, office_dim, thresholds in (("B-1", None, (4,)), ("B-2", None, (3, 5, 11))):
        where = options.get(name)
        if not where:
            continue
        with open(os.path.join(where, "cells.csv"), encoding="utf-8") as f:
            office_dim = f.readline().split(",")[0].strip().strip('"')
        for level in LEVELS:
            for k in thresholds:
                bench.row(name, level, k, where, office_dim)


def attack(bench, tables):
    """Every reader who knows the rule, by a program that shares no code with the engine; and one audit of millions."""
    found = []
    for table in [t for t in ("T1", "T2-B", "T4s") if t in tables]:
        out = os.path.join(bench.folder, "out")
        for level in ("L1", "L2"):
            subprocess.run(["rm", "-rf", out], check=True)
            subprocess.run([os.path.join(BIN, "cellveil"), "protect", os.path.join(bench.folder, table), "--policy",
                            bench.policy(table, 5, 0, None), "--level", level, "-o", out], check=True,
                           capture_output=True)
            done = subprocess.run([os.path.join(BIN, "cellveil"), "attack", os.path.join(bench.folder, table),
                                   os.path.join(out, "RESULT.csv"), "-o", os.path.join(out, "i.csv"), "--json"],
                                  capture_output=True, text=True, check=False)
            found.append("%s %s %s" % (table, level, json.loads(done.stdout)["disclosures"]))
    print("attack, cells with one possible value: %s" % ", ".join(found), flush=True)


def zeros(bench, tables):
    """L3 under the other two settings of `zeros`, beside what the prototype reached."""
    print("%-5s %2s | %-12s %8s %-12s | %-12s %8s %-12s" % (
        "zeros", "", "camouflage", "ms", "prototype", "sensitive", "ms", "prototype"))
    for table in [t for t in tables if t in PROTOTYPE_ZEROS]:
        line = "%-5s L3" % table
        for setting, known in zip(("camouflage", "sensitive"), PROTOTYPE_ZEROS[table]):
            r = run([os.path.join(PROGRAMS, "bench_engine"), os.path.join(bench.folder, table),
                     bench.policy(table, 5, 20, None, setting), "L3"], bench.limit)
            if r and not r.get("holds", True):
                sys.exit("bench: %s L3: the certificate does not hold" % table)
            line += " | %-12s %8s %-12s" % (*outcome(r)[:2], known)
        print(line, flush=True)


def optimal(bench, table, setting):
    """The cheapest pattern there is, by a solver, and whether it is proven."""
    found = []
    for level in LEVELS:
        out = os.path.join(bench.folder, "optimal-" + setting + level)
        subprocess.run([os.path.join(BIN, "cellveil"), "protect", os.path.join(bench.folder, table), "--policy",
                        bench.policy(table, 5, 20, None, setting), "--level", level, "--optimal", "-o", out], check=True,
                       capture_output=True)
        with open(os.path.join(out, "summary.json"), encoding="utf-8") as f:
            s = json.load(f)
        found.append("%s %d/%d%s" % (level, s["secondary"], s["secondary_value"],
                                     " proven" if s["optimal"]["proven"] else " gap %.1f %%" % (100 * s["optimal"]["gap"])))
    print("the optimum of %s (--optimal), zeros %s: %s" % (table, setting, ", ".join(found)), flush=True)


def threads(bench, tables):
    """Two threads against one: by the clock, which others' work on this machine disturbs, and by the work of each."""
    print("two threads (aim 1.8)   %-28s %s" % ("fast: clock, by work, bytes", "default effort"))
    for table in tables:
        for level in LEVELS:
            shown = []
            for effort in (0, 20):
                before = bench.done.get((table, level, 5, effort))
                if effort > 0 and bench.limit < LONG and table == "T4":
                    before = None  # three times half a minute
                where = os.path.join(bench.folder, table)
                r = before and "refused" not in before and run(
                    [os.path.join(PROGRAMS, "bench_engine"), where, bench.policy(table, 5, effort, None), level, "2"],
                    4 * bench.limit)
                shown.append("%.2f  %.2f  %s" % (r["wall"], r["by_work"], "same" if r["same"] else "NOT THE SAME") if r else "-")
                if r and not r["same"]:
                    sys.exit("bench: %s %s: two threads gave other bytes" % (table, level))
            print("%-5s %s %15s %-28s %s" % (table, level, "", *shown), flush=True)


def audit(bench, table, hidden, aim):
    make(bench.folder, [table])
    r = run([os.path.join(PROGRAMS, "bench_audit"), os.path.join(bench.folder, table),
             bench.policy(table, 5, 0, None), str(hidden)], max(bench.limit, 60))
    print("audit by elimination, %s: %s" % (table, "stopped" if r is None else "%d hidden cells of %d in %.2f s%s" % (
        r["hidden"], r["cells"], r["audit_s"], aim)), flush=True)


def make(folder, tables):
    subprocess.run([sys.executable, os.path.join(HERE, "tables.py"), folder, *tables], check=True,
                   stdout=subprocess.DEVNULL)


def read_options(words):
    options, tables = {"B-1": os.environ.get("CELLVEIL_B1"), "B-2": os.environ.get("CELLVEIL_B2")}, []
    words = list(words)
    while words:
        word = words.pop(0)
        if word in ("--b1", "--b2") and words:
            options["B-" + word[3]] = words.pop(0)
        elif word == "--long":
            options["long"] = True
        elif word.startswith("-"):
            sys.exit(__doc__)
        else:
            tables.append(word)
    return options, tables


def main():
    options, asked = read_options(sys.argv[1:])
    long = "long" in options
    tables = asked or TABLES + (["T5", "T6"] if long else [])
    print("The engine, one thread unless said, zeros published, width 1, no extra hiding. CPU time of the engine alone; a run is stopped after "
          "%d s%s." % (LONG if long else SHORT, "" if long else " (--long: ten minutes, and all of T5, T6)"))
    print("`secondary` is cells / value. Right of it: what others reached, and what the fast run should take.")
    print(HEAD % ("table", "", "k", "cells", "fast: secondary", "ms", "work/1e6", "improved", "ms", "work/1e6", "peer n/v s",
                  "prototype n/v", "aim, fast"))
    with tempfile.TemporaryDirectory(prefix="cv-bench-") as folder:
        bench = Bench(folder, LONG if long else SHORT)
        large = [] if asked or long else ["T5"]  # at L1, without improvement
        make(folder, tables + large)
        for level in LEVELS:
            for table in tables:
                bench.row(table, level)
            for table in large if level == "L1" else []:
                bench.row(table, level, improved=False)
            print("      %s fast grows with cells to the power of %s" % (level, bench.growth(level)))
        outside(bench, options)
        zeros(bench, tables)
        print("\n%-5s %2s %7s | %8s %8s %4s | %9s %9s %8s | %9s %9s | %9s %9s" % (
            "proof", "", "cells", "moves", "B/cell", "aim", "check ms", "proof ms", "public", "kB public", "kB audit",
            "verify ms", "audit ms"))
        for level in LEVELS:
            for table in tables + large:
                bench.proof(table, level)
        attack(bench, tables)
        if "T1" in tables:
            for setting in ("published", "camouflage", "sensitive"):
                optimal(bench, "T1", setting)
        threads(bench, [t for t in ("T2-B", "T4s", "T4", "T5") if t in tables])
        if not asked:
            audit(bench, "T6", 2000000, " (aim 5)")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
