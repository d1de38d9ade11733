"""What an office is told when it is refused: what happened and what to do, in English and in Swedish, and the exit code
that a script needs. Every refusal is one of the real gate and vault."""
import os
import re
import shutil

from harness import Deployment, data, environment, preset

EXAMPLE = data("forms/po-redovisning-2024-exempel.csv")
SWEDISH = dict(environment(), LC_ALL="sv_SE.UTF-8")
LATE_REFUSED = [(r"(?m)^  late: hold$", "  late: refuse"), (r"(?m)^  grace: .*\n", "")]


LATER = ("--opens", "2098-01-01", "--closes", "2099-01-01")


def form_of(d, year):
    with open(EXAMPLE, "rb") as f:
        text = f.read()
    path = os.path.join(d.folder, "form-%s.csv" % year)
    with open(path, "wb") as f:
        f.write(text.replace("avseende år;2024".encode(), ("avseende år;" + year).encode()).replace(b"2025-01", b"2030-01"))
    return path


def told(client, english, swedish, code, *command):
    """The command ends with that code, and says both what happened and what to do."""
    for language, words, env in (("en", english, environment()), ("sv", swedish, SWEDISH)):
        p = client.run(*command, want=code, env=env)
        for word in words:
            assert word in p.stderr, "%s: %s is not in\n%s" % (language, word, p.stderr)
        assert not re.search(r"\b([A-Z_]{6,}): \1\b", p.stderr), p.stderr
        if language == "sv":
            for word in set(english) - set(swedish):
                assert word not in p.stderr, "%s is English\n%s" % (word, p.stderr)


def push(client, english, swedish, code, *more):
    told(client, english, swedish, code, "push", EXAMPLE, "--yes", "--wait", "20", *more)


def test_strangers(d):
    """The gate does not know the key: not enrolled, or blocked. The wrong gate, by the key we hold of it."""
    known = d.enrol("efh")
    with open(os.path.join(known.folder, "cellveil.ini"), encoding="ascii") as f:
        deployment = f.read().split("[deployment]")[1]
    stranger = d.client("stranger")
    line = stranger.run("init", "--office", "efh").stdout
    with open(os.path.join(stranger.folder, "cellveil.ini"), "a", encoding="ascii") as f:
        f.write("[deployment]" + deployment)
    push(stranger, ["refuses our key", "not enrolled yet, or was blocked", "Ask the operator"],
         ["avvisar vår nyckel", "inte inskriven än, eller är spärrad", "Fråga den driftansvarige"], 7)
    mixed = d.enrol("rinkeby-kista")
    path = os.path.join(mixed.folder, "cellveil.ini")
    with open(path, encoding="ascii") as f:
        text = f.read()
    with open(path, "w", encoding="ascii") as f:
        f.write(re.sub(r"(?m)^curve = .*$", "curve = " + re.search(r"cellveil-curve:\S+", line).group(), text))
    push(mixed, ["server key mismatch", "Ask the operator whether the gate has a new key"],
         ["fel servernyckel", "Fråga den driftansvarige om grinden har fått ny nyckel"], 7)
    blocked = d.enrol("hasselby-vallingby-bromma")
    d.ctl("office", "disable", "hasselby-vallingby-bromma")
    push(blocked, ["refuses our key", "blocked"], ["avvisar vår nyckel", "spärrad"], 7)
    nobody = d.client("nobody")
    push(nobody, ["no identity yet", "cellveil init"], ["ingen identitet", "cellveil init"], 7)
    nobody.run("init", "--office", "efh")
    told(nobody, ["join line: the word name... breaks its grammar"], ["svarsraden: ordet name... är felskrivet"], 7, "join", "cellveil-join office")
    bad = os.path.join(d.folder, "bad.yaml")
    for text, english, swedish in (("form: [\n", "did not find expected", "rad 2: innehåll saknas"),
                                   ("a: b\na: c\n", "line 2: name 'a' stands twice (first on line 1)",
                                    "rad 2: namnet 'a' står två gånger (först på rad 1)")):
        with open(bad, "w", encoding="ascii") as f:
            f.write(text)
        told(nobody, [english], [swedish], 2, "check", EXAMPLE, "--config", bad)
    push(nobody, ["the operator's answer is missing"], ["svaret från den driftansvarige saknas"], 7)


def test_not_listed(d):
    """Enrolled, but the form's definition does not have the office."""
    office = d.enrol("north")
    push(office, ["does not have north", "ask the operator to add it"], ["har inte north", "lägga till den"], 6)
    assert office.outbox() == []


def test_periods(d):
    office = d.office("efh")
    push(office, ["no period 2031", "cellveil status"], ["ingen period 2031", "cellveil status"], 6, "--period", "2031")
    d.open_period("2026", *LATER)
    path = form_of(d, "2026")
    told(office, ["2026 is not open yet", "2098-01-01", "push then"], ["2026 är inte öppen än", "2098-01-01", "skicka då"], 6,
         "push", path, "--yes")
    assert office.outbox() == [], "nothing waits that cannot be taken"
    d.close_period("2024")
    push(office, ["the period is closed", "call the operator", "[PERIOD_CLOSED]"],
         ["perioden är stängd", "ring den driftansvarige", "[PERIOD_CLOSED]"], 6)
    listed = office.run("outbox", "list").stdout
    assert "refused" in listed and "the period is closed" in listed, listed


def test_no_period(d):
    office = d.enrol("spanga-tensta")
    push(office, ["no period is open for forms"], ["ingen period är öppen"], 6)


def test_changed_configuration(d):
    """The form waited for the gate while the operator changed the definition of a period that was only planned."""
    office, path = d.office("spanga-tensta"), form_of(d, "2025")
    d.open_period("2025", *LATER)
    office.run("check", path)
    d.gate.stop()
    office.run("push", path, "--yes", "--wait", "1", want=5)
    d.add_config(preset("2024", changes=LATE_REFUSED + [("label: Annan orsak", "label: Någon annan orsak")]))
    d.open_period("2025")
    d.gate.start()
    told(office, ["definition has changed", "check the form and push it again", "[CONFIG_MISMATCH]"],
         ["definition har ändrats", "kontrollera redovisningen och skicka den igen", "[CONFIG_MISMATCH]"], 6, "outbox", "send", "--all", "--wait",
         "20")
    item = office.outbox()[-1]
    assert item["state"] == "paused", item
    with open(path, "rb") as f:
        text = f.read()
    with open(path, "wb") as f:
        f.write(text.replace(b"Annan orsak", "Någon annan orsak".encode()))
    assert office.push(path)["state"] == "received"


def test_revoked_key(d):
    """The office was disabled and enrolled anew; a form signed with the key of then comes over the new connection."""
    old = d.office("hasselby-vallingby-bromma")
    new = d.enrol("hasselby-vallingby-bromma", folder="anew")
    shutil.copy(os.path.join(new.folder, "curve.key"), os.path.join(old.folder, "curve.key"))
    push(old, ["this key was revoked", "cellveil init --dir NEW", "[KEY_REVOKED]"],
         ["nyckeln är återkallad", "cellveil init --dir NY", "[KEY_REVOKED]"], 6)
    assert new.push(EXAMPLE)["state"] == "received"


def test_one_machine(d):
    """An office has two machines, one is stolen: its signing key, then its CURVE key is revoked, the other one goes on."""
    lost, kept = d.enrol("rinkeby-kista", folder="lost"), d.enrol("rinkeby-kista", folder="kept")
    keys = dict(line.split(": ", 1) for line in lost.run("status").stdout.splitlines() if " key: " in line)
    for _ in range(2):
        p = d.ctl("key", "revoke", "spanga-tensta", keys["signing key"], want=None)
        assert p.returncode == 6 and "no such key of this office" in p.stderr, (p.returncode, p.stderr)
    d.ctl("key", "revoke", "rinkeby-kista", *keys["signing key"].split())
    push(lost, ["this key was revoked", "[KEY_REVOKED]"], ["nyckeln är återkallad", "[KEY_REVOKED]"], 6)
    d.ctl("key", "revoke", "rinkeby-kista", keys["curve key"].replace(" ", ""))
    push(lost, ["refuses our key", "blocked"], ["avvisar vår nyckel", "spärrad"], 7)
    assert kept.push(EXAMPLE)["state"] == "received"
    listed = d.ctl("key", "list", "rinkeby-kista").stdout.splitlines()
    for key in keys.values():
        assert any(key in line and "revoked" in line for line in listed), listed
    assert sum("active" in line for line in listed) >= 2, listed


def main():
    with Deployment(config=preset("2024", changes=LATE_REFUSED), offices=[]) as d:
        test_strangers(d)
        test_no_period(d)
        d.open_period("2024")
        test_not_listed(d)
        test_revoked_key(d)
        test_one_machine(d)
        test_periods(d)
        test_changed_configuration(d)
    print("ok")


if __name__ == "__main__":
    main()
