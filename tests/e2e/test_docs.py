#!/usr/bin/python3
"""The blocks ```sh run=N of the pages for people are run as they stand, in the order of N, as one shell script; and
every link between the pages of this repository leads somewhere."""
import glob
import os
import re
import subprocess
import sys
import tempfile

from harness import BIN, SOURCE, data, environment, free_ports

PAGES = ["operator.md", "office.md", "researcher.md", "auditor.md"]
# What other people do meanwhile: two more offices, and the operator's answer to a researcher.
MEANWHILE = """
for office in south east; do
    cellveil init --office "$office" --dir "$office" > "$office.id"
    cellveilctl office add "$office.id" --dataset "$DATASET" --config "$CONF" > "$office.join"
    cellveil join "$(cat "$office.join")" --dir "$office"
    cellveil push "$FORM" --yes --period 2024 --dir "$office"
done
"""
ANSWER = """cellveilctl office add anna.id --dataset "$DATASET" --config "$CONF" > anna.join\n"""
PROLOGUE = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n"


def blocks():
    found = [(45, "meanwhile", MEANWHILE), (61, "answer", ANSWER)]
    for page in PAGES:
        with open(os.path.join(SOURCE, "docs", page), encoding="utf-8") as f:
            found += [(int(n), page, text) for n, text in re.findall(r"(?ms)^```sh run=(\d+)\n(.*?)^```$", f.read())]
    return sorted(found, key=lambda b: b[0])


def run_blocks():
    script = PROLOGUE + "".join("echo '== %s %d'\n%s" % (page, n, text) for n, page, text in blocks())
    assert script.count("\necho '== ") > 15, "blocks are missing"
    submit, query, feed = (str(p) for p in free_ports(3))
    with tempfile.TemporaryDirectory(prefix="cv-", dir="/tmp") as folder:
        env = environment(HOME=folder, PATH=BIN + ":" + os.environ["PATH"], SUBMIT=submit, QUERY=query, FEED=feed,
                          FORM=data("forms/po-redovisning-2024-exempel.csv"))
        env.pop("XDG_CONFIG_HOME", None)
        with open(os.path.join(folder, "log"), "w+", encoding="utf-8") as log:
            p = subprocess.run(["timeout", "--kill-after=10", os.environ.get("PATIENCE", "900"), "bash", "-c", script],
                               cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
            log.seek(0)
            if p.returncode != 0:
                sys.exit("the pages end with %d\n%s" % (p.returncode, log.read()[-6000:]))


def dead_links():
    pages = [p for p in glob.glob(os.path.join(SOURCE, "**/*.md"), recursive=True)
             if "/build/" not in p and "/node_modules/" not in p]
    for page in pages:
        with open(page, encoding="utf-8") as f:
            text = re.sub(r"(?ms)^```.*?^```$", "", f.read())
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path = target.split("#")[0]
            if path and "://" not in path and not path.startswith("mailto:") and \
                    not os.path.exists(os.path.join(os.path.dirname(page), path)):
                yield "%s: %s" % (os.path.relpath(page, SOURCE), target)


if __name__ == "__main__":
    dead = list(dead_links())
    if dead:
        sys.exit("links that lead nowhere:\n" + "\n".join(dead))
    run_blocks()
    print("ok")
