#!/usr/bin/python3
"""`cellveil protect --threads N` writes the same files for any N, on benchmark tables at each level, one of them large enough to
be worked on in zones; the verifier judges what was written from the counts."""
import filecmp
import os
import subprocess
import sys
import tempfile

BIN = os.environ.get("CELLVEIL_BIN", "build/release/bin")
SOURCE = os.environ.get("CELLVEIL_SOURCE", ".")
POLICY = "threshold: 5\nwidth: 2\nzeros: %s\noffice_dim: %s\neffort: %d\n"
# table, the offices' dimension, noughts, effort
TABLES = [("T1", "office", "sensitive", 20), ("T2-B", "geo", "published", 2), ("T4s", "geo", "camouflage", 0)]
THREADS = [1, 2, 3, 8]
if os.environ.get("CELLVEIL_EFFORT"):  # sanitized programs are slow
    TABLES, THREADS = TABLES[:2], [1, 2]
else:
    TABLES.append(("T4", "geo", "camouflage", 0))  # more than 20,000 cells: zones


def protect(table, policy, level, threads, out):
    command = [os.path.join(BIN, "cellveil"), "protect", table, "--policy", policy, "--level", level, "-o", out]
    if threads > 1:
        command += ["--threads", str(threads)]
    subprocess.run(command, check=True, capture_output=True)


def compare(folder, name, level, policy):
    first = os.path.join(folder, "%s-%s-1" % (name, level))
    for threads in THREADS:
        out = os.path.join(folder, "%s-%s-%d" % (name, level, threads))
        protect(os.path.join(folder, name), policy, level, threads, out)
        files = sorted(os.listdir(out))
        assert "certificate.auditor.cvc" in files and files == sorted(os.listdir(first)), files
        _, other, missing = filecmp.cmpfiles(first, out, files, shallow=False)
        assert not other and not missing, "%s %s, %d threads: other bytes in %s" % (name, level, threads, other + missing)


def holds(folder, name, level, policy):
    """By `cellveil verify-certificate`, which shares no code with the engine."""
    table, out = os.path.join(folder, name), os.path.join(folder, "%s-%s-%d" % (name, level, THREADS[-1]))
    files = [os.path.join(out, f) for f in ("RESULT.csv", "certificate.cvc", "certificate.auditor.cvc")]
    done = subprocess.run([os.path.join(BIN, "cellveil"), "verify-certificate", table, *files[:2], "--auditor", files[2],
                           "--truth", os.path.join(table, "cells.csv"), "--policy", policy],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and level + " holds" in done.stdout + done.stderr, (name, level, done)


def refuses(folder, table, policy):
    for wrong in ("0", "65", "two", "-1"):
        done = subprocess.run([os.path.join(BIN, "cellveil"), "protect", table, "--policy", policy, "--threads", wrong,
                               "-o", os.path.join(folder, "none")], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "--threads" in done.stderr, (wrong, done.returncode, done.stderr)
        assert not os.path.exists(os.path.join(folder, "none"))


def main():
    with tempfile.TemporaryDirectory(prefix="cv-threads-") as folder:
        subprocess.run([sys.executable, os.path.join(SOURCE, "bench/tables.py"), folder] + [t[0] for t in TABLES],
                       check=True, stdout=subprocess.DEVNULL)
        for name, office_dim, noughts, effort in TABLES:
            policy = os.path.join(folder, name + ".yaml")
            with open(policy, "w", encoding="ascii") as f:
                f.write(POLICY % (noughts, office_dim, effort))
            for level in ("L3",) if name == "T4" else ("L1", "L2", "L3"):
                compare(folder, name, level, policy)
                holds(folder, name, level, policy)
        refuses(folder, os.path.join(folder, "T1"), os.path.join(folder, "T1.yaml"))


if __name__ == "__main__":
    main()
