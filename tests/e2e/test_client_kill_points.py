"""cellveil killed at every named point, twice at once, and with the vault killed under it: every form counts once.

Each push carries another figure; after the kill the same push is repeated until it is received. Then the vault
must hold exactly one revision for each form. In builds without crash points nothing is killed and the count
must hold all the same."""
import os
import re
import signal

from harness import Deployment, data, environment

POINTS = ["file-written:%d", "file-synced:%d", "file-renamed:%d"]
KILLS = [p % n for p in POINTS for n in (1, 2, 3)] + ["outbox-stored:1", "answered:1", "receipt:1", "receipt-stored:1"]


def form(folder, n):
    with open(data("forms/po-redovisning-2024-exempel.csv"), "rb") as f:
        text = f.read()
    for before, after in ((b"Totalt antal klienter;48;41", b"Totalt antal klienter;%d;41" % (48 + n)),
                          ("därav mellan 18 och 29 år;6;5".encode(),
                           "därav mellan 18 och 29 år;%d;5".encode() % (6 + n))):
        assert before in text
        text = text.replace(before, after, 1)
    path = os.path.join(folder, "form-%d.csv" % n)
    with open(path, "wb") as f:
        f.write(text)
    return path


def received(office):
    status = office.run("status").stdout
    return int(re.search(r"; (\d+) of our forms received", status).group(1))


def test_killed(d, office):
    killed = 0
    for n, point in enumerate(KILLS):
        path = form(d.folder, n)
        p = office.run("push", path, "--yes", "--wait", "30", want=(0, -signal.SIGKILL),
                       env=environment(CELLVEIL_CRASH=point))
        killed += p.returncode != 0
        leftovers = len(office.outbox())
        assert office.push(path)["state"] == "received"
        assert len(office.outbox()) in (leftovers, leftovers + 1), point
        assert received(office) == n + 1, "after %s: %d forms for %d pushes" % (point, received(office), n + 1)
    assert killed in (0, len(KILLS)), "%d of %d points were passed" % (killed, len(KILLS))
    revisions = [item["revision"] for item in office.outbox()]
    assert revisions == list(range(len(KILLS))), revisions


def test_two_at_once(d, office):
    before = received(office)
    path = form(d.folder, 100)
    runs = [office.start("push", path, "--yes", "--json", "--wait", "60") for _ in range(4)]
    ids = set()
    for p in runs:
        out, err = p.communicate(timeout=90)
        assert p.returncode == 0, err
        ids.add(re.search(r'"id":"([0-9a-f]{32})"', out).group(1))
    assert len(ids) == 1 and received(office) == before + 1, (ids, received(office), before)


def test_vault_killed(d, office):
    """The office waits through a vault that dies and comes back, and ends with a receipt."""
    before = received(office)
    d.vault.kill()
    p = office.start("push", form(d.folder, 101), "--yes", "--json", "--wait", "90")
    for line in p.stderr:  # it has tried, and says why it waits
        if "trying again" in line:
            break
    d.vault.start()
    out, err = p.communicate(timeout=120)
    assert p.returncode == 0 and '"received"' in out, err
    assert received(office) == before + 1


def main():
    with Deployment(offices=["efh"]) as d:
        d.open_period("2024")
        office = d.office("efh")
        office.run("check", data("forms/po-redovisning-2024-exempel.csv"))  # fills the caches
        test_killed(d, office)
        test_two_at_once(d, office)
        test_vault_killed(d, office)
    print("ok")


if __name__ == "__main__":
    main()
