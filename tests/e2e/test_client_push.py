"""cellveil push and its relatives against the real gate and vault: what an office sees, and exit codes."""
import glob
import json
import os
import re

from harness import Deployment, data, environment

EXAMPLE = data("forms/po-redovisning-2024-exempel.csv")


def corrected(folder, women):
    """The example with another number of women, the sum still right."""
    with open(EXAMPLE, "rb") as f:
        form = f.read()
    for before, after in ((b"Totalt antal klienter;48;41", b"Totalt antal klienter;%d;41" % women),
                          ("därav mellan 18 och 29 år;6;5".encode(), "därav mellan 18 och 29 år;%d;5".encode() %
                           (women - 42))):
        assert before in form
        form = form.replace(before, after, 1)
    path = os.path.join(folder, "corrected-%d.csv" % women)
    with open(path, "wb") as f:
        f.write(form)
    return path


def test_receipts(d, office):
    first = office.push(EXAMPLE)
    assert (first["state"], first["revision"], first["outcome"]) == ("received", 0, "counts"), first
    again = office.push(EXAMPLE)
    assert again == first, "the same form again is the same submission"
    second = office.push(corrected(d.folder, 49))
    assert second["revision"] == 1 and second["id"] != first["id"], second
    assert len(office.outbox()) == 2 and all(i["state"] == "received" for i in office.outbox())

    # a receipt says what was signed, and nothing else
    kept = first["receipt"]
    shown = office.run("receipt", "verify", kept).stdout
    assert "log-index %d\n" % first["log_index"] in shown and first["digest"] in shown, shown
    with open(kept, encoding="ascii") as f:
        text = f.read()
    for before, after in (("revision 0", "revision 1"), ("office efh", "office eft"), ("signature ", "signature A")):
        forged = os.path.join(d.folder, "forged.receipt")
        with open(forged, "w", encoding="ascii") as f:
            f.write(text.replace(before, after, 1))
        office.run("receipt", "verify", forged, want=1)
    for mailed in (text.replace("\n", "\r\n"), "\ufeff" + text, text[:-1]):
        with open(forged, "w", encoding="utf-8", newline="") as f:
            f.write(mailed)
        office.run("receipt", "verify", forged)
    p = office.run("receipt", "verify", os.path.join(d.folder, "none"), want=1)
    assert p.stderr.count("none") == 1, p.stderr
    test_damaged_item(d, office, first["id"])
    # another office's receipt does not become ours by lying in our outbox: its fields are checked on arrival
    d.office("spanga-tensta").run("receipt", "verify", kept, want=(0, 1))


def test_damaged_item(d, office, item):
    """A file of the outbox that the disk spoilt: which one, and what to do."""
    path = os.path.join(office.folder, "outbox", item)
    with open(path, "rb") as f:
        kept = f.read()
    with open(path, "wb") as f:
        f.write(kept[:len(kept) // 2])
    for command in (("outbox", "list"), ("push", EXAMPLE, "--yes")):
        p = office.run(*command, want=1)
        assert item in p.stderr and "move the file away, then push its form again" in p.stderr, p.stderr
    with open(path, "wb") as f:
        f.write(kept)


def test_dry_run_and_difference(d, office):
    p = office.run("push", corrected(d.folder, 50), "--dry-run", "--yes")
    assert "clients|F|_T: 49 -> 50" in p.stderr and "dry-run" in p.stderr, p.stderr
    lines = p.stdout.splitlines()
    assert "clients|F|_T 50" in lines and len(lines) == 79, lines
    p = office.run("push", corrected(d.folder, 50), "--dry-run", "--yes", "--json")
    told = [json.loads(line) for line in p.stdout.splitlines()]
    assert told[0]["errors"] == 0 and told[1]["state"] == "dry-run" and len(told[1]["figures"]) == 79, told
    assert {c: float(v) for c, v in told[1]["figures"].items()} == {c: float(v) for c, v in (l.split() for l in lines)}
    assert len(office.outbox()) == 2


def test_bad_forms(d, office):
    before = office.outbox()
    p = office.run("push", data("forms/fel/fel-04-summa.csv"), "--yes", want=3)
    assert re.search(r"fel-04-summa\.csv:\d+: Kvinnor: error", p.stderr), p.stderr
    p = office.run("push", data("forms/fel/fel-22-minus-som-blank.csv"), want=4)  # nobody is there to be asked
    assert "--yes" in p.stderr, p.stderr
    p = office.run("check", data("forms/fel/fel-08-nya-storre-an-klienter.csv"), "--json", want=3)
    assert '"errors":' in p.stdout
    office.run("check", EXAMPLE)
    office.run("push", os.path.join(d.folder, "nowhere.csv"), "--yes", want=1)
    office.run("push", EXAMPLE, "--yes", "--period", "2023", want=6)
    office.run("push", EXAMPLE, "--yes", "--dataset", "births", want=2)
    office.run("push", want=2)
    assert office.outbox() == before, "nothing of all this went into the outbox"


def test_withdraw(office):
    office.run("withdraw", want=4)  # nobody is there to be asked
    office.run("withdraw", "--yes", "--wait", "30")
    assert office.outbox()[-1]["act"] == "withdrawal"
    again = office.push(EXAMPLE)
    assert again["revision"] == 3, again


def test_gate_away(d, office):
    form = corrected(d.folder, 51)
    d.gate.stop()
    p = office.run("push", form, "--yes", "--wait", "2", want=5)
    assert "outbox" in p.stderr and "cannot be reached" in p.stderr, p.stderr
    assert office.outbox()[-1]["state"] == "waiting"
    d.gate.start()
    received = office.push(form)  # the stored bytes, not new ones
    assert received["id"] == office.outbox()[-1]["id"] and received["revision"] == 4
    office.run("outbox", "send", "--wait", "30")  # nothing left to do
    n = len(office.outbox())
    office.run("outbox", "remove", received["id"][:8], want=4)  # nobody is there to be asked
    office.run("outbox", "remove", "xyz", "--yes", want=2)
    office.run("outbox", "remove", received["id"][:8], "--yes")
    assert len(office.outbox()) == n - 1 and not os.path.exists(received["receipt"])


def test_language(office):
    p = office.run("status", env=dict(environment(), LC_ALL="sv_SE.UTF-8"))
    assert "identitet: office efh" in p.stdout and "personal-support 2024: öppen" in p.stdout, p.stdout


def test_secrets_stay_put(office):
    for path in glob.glob(office.folder + "/**", recursive=True):
        if os.path.isfile(path) and not path.endswith((".ini", "lock")) and "/config/" not in path:
            mode = os.stat(path).st_mode & 0o777
            assert mode == 0o600 or "keyset" in path, (path, oct(mode))
    key = os.path.join(office.folder, "sign.key")
    os.chmod(key, 0o644)
    p = office.run("push", EXAMPLE, "--yes", "--wait", "30", want=(0, 7))  # 0 only if nothing had to be signed
    os.chmod(key, 0o600)
    assert p.returncode == 7 or "Received" in p.stderr


def test_strangers(d):
    # the gate's key is not the one we pinned: named, and soon
    fresh = d.enrol("rinkeby-kista", folder="mixed-up")
    ini = os.path.join(fresh.folder, "cellveil.ini")
    with open(ini, encoding="ascii") as f:
        text = f.read()
    other = d.client("key-of-nobody")
    line = other.run("init", "--researcher", "nobody").stdout
    with open(ini, "w", encoding="ascii") as f:
        f.write(re.sub(r"(?m)^curve = .*$", "curve = " + re.search(r"cellveil-curve:\S+", line).group(), text))
    p = fresh.run("push", EXAMPLE, "--yes", want=7)
    assert "server key mismatch" in p.stderr, p.stderr

    # a key the gate does not know
    with open(os.path.join(other.folder, "cellveil.ini"), "a", encoding="ascii") as f:
        f.write(re.sub(r"(?m)^submit = .*\n", "", text[text.index("[deployment]"):]))
    p = other.run("get", "2024", want=7)
    assert "refuses our key" in p.stderr, p.stderr

    # an office that was disabled
    office = d.office("hasselby-vallingby-bromma")
    office.push(EXAMPLE)
    d.ctl("office", "disable", "hasselby-vallingby-bromma")
    p = office.run("push", corrected(d.folder, 52), "--yes", "--wait", "2", want={5, 6, 7})
    assert not p.stdout.count('"received"')


def main():
    with Deployment() as d:
        d.open_period("2024")
        office = d.office("efh")
        test_receipts(d, office)
        test_dry_run_and_difference(d, office)
        test_bad_forms(d, office)
        test_withdraw(office)
        test_gate_away(d, office)
        test_language(office)
        test_secrets_stay_put(office)
        test_strangers(d)
    print("ok")


if __name__ == "__main__":
    main()
