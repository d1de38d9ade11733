"""Witnesses: two auditors cosign; their signatures stand under the checkpoint, verified by the other
implementation, and survive restarts; a log that was rewritten gets none, and a stranger's are not taken."""
import json
import os
import shutil

import nacl.bindings as sodium

import pyclient
import test_audit_tamper as audit
from harness import BIN, ORIGIN, Deployment, run
from test_client_read import CONFIG, COUNTS, release


def witness_key(client, name):
    """What an auditor's identity line says, for a reader who wants to check."""
    with open(os.path.join(client.folder, "witness.key"), encoding="ascii") as f:
        secret = pyclient.unbase64(f.read().split("cellveil-secret-witness:")[1].strip(), 32)
    public = sodium.crypto_sign_seed_keypair(secret)[0]
    return "%s/witness/%s" % (ORIGIN.split("/")[0], name), public


def signers(d, auditors):
    """Names under the checkpoint whose signatures the other implementation finds good."""
    with open(os.path.join(d.public, "log/checkpoint"), encoding="utf-8") as f:
        note = f.read()
    good = set()
    for name, client in auditors.items():
        who, public = witness_key(client, name)
        try:
            pyclient.note_open(note, [(who, pyclient.NOTE_COSIGNATURE, public)], who)
            good.add(name)
        except (pyclient.Untrusted, pyclient.Malformed):
            pass
    return good


def forge(d, client):
    """What bo would remember had the operator shown it a log with another entry 4: a fork, signed."""
    spoiled = audit.Audit(d, client)
    public, _ = audit.spoil(spoiled, audit.edit)
    shutil.rmtree(os.path.join(client.folder, "audit"))
    client.run("audit", "log", "--public", public)


def verdicts(client, want):
    p = client.run("audit", "verify", "--json", want=want)
    return {(c["what"], c["verdict"]): c["text"] for c in json.loads(p.stdout)["checks"]}


def both(p):
    return p.stdout + p.stderr


def required():
    """The configuration wants two witnesses: nothing goes out before both have signed a log with the release's leaf,
    not necessarily under the same checkpoint; a stranger and a restart change nothing."""
    with Deployment(config=CONFIG.replace("late: hold", "late: hold\n  witnesses: 2"), offices=list(COUNTS)) as d:
        anna, bo = (d.reader(name, "auditor") for name in ("anna", "bo"))
        reader = d.reader("cecilia")
        named = d.reader("david")  # asks for both, by name: groups of c2sp.org/tlog-policy
        with open(os.path.join(named.folder, "witnesses"), "w", encoding="ascii") as f:
            lines = [l for c in (anna, bo) for l in c.run("audit", "keys").stdout.splitlines()]
            f.write("\n".join(sorted({l for l in lines if l.startswith(("log ", "witness "))})))
            f.write("\n# both\ngroup two all anna bo\nquorum two\n")
        anna.run("audit", "cosign")  # too early: the leaf is not there yet
        bo.run("audit", "cosign")
        d.open_period("2023")
        for office in COUNTS:
            path = os.path.join(d.folder, office + ".csv")
            with open(path, "w", encoding="utf-8") as f:
                f.write("office,year,measure,sex,value\n%s,2023,clients,F,%d\n%s,2023,clients,M,%d\n" % (
                    office, COUNTS[office][0], office, COUNTS[office][1]))
            d.office(office).push(path, "--period", "2023")
        d.close_period("2023")
        said = both(d.publish("2023"))
        assert "0 of 2 have signed" in said and "protected" in said, said
        reader.run("get", "2023", "--wait", "20", want=1)
        assert not os.path.exists(os.path.join(d.public, "release")), "no file of it is public"
        assert "waits for witnesses" in verdicts(anna, 3)["release", "unchecked"]
        reader.run("audit", "cosign", want=3)
        anna.run("audit", "cosign")
        d.vault.restart()
        assert "1 of 2 have signed" in both(d.publish("2023"))
        d.open_period("2030")  # the log grows; what anna signed still counts
        anna.run("audit", "cosign")
        assert "1 of 2 have signed" in both(d.ctl("release", "show", "2023")), "the same witness counts once"
        anna.run("audit", "verify", want=3)
        named.run("audit", "log", want=3)
        waiting = reader.start("subscribe", "--once", "--json", "--wait", "60")
        bo.run("audit", "cosign")
        out, err = waiting.communicate(timeout=90)
        assert waiting.returncode == 0 and json.loads(out)["period"] == "2023", err
        d.vault.restart()  # the newest checkpoint, which both now sign
        anna.run("audit", "cosign")
        bo.run("audit", "cosign")
        told = verdicts(anna, 0)
        assert ("release", "holds") in told and ("release", "unchecked") not in told
        assert both(named.run("get", "2023", "--format", "csv")).count("clients") > 10
        assert ("witnesses", "holds") in verdicts(named, 0)
        d.open_period("2031")
        d.vault.restart()  # a newer checkpoint that nobody has signed
        p = named.run("get", "2023", "--wait", "4", want=1)
        assert "have not signed" in p.stderr, p.stderr
        assert ("witnesses", "unchecked") in verdicts(named, 3)
        anna.run("audit", "cosign")
        named.run("get", "2023", "--wait", "4", want=1)  # one of two
        waiting = named.start("get", "2023", "--wait", "60")
        bo.run("audit", "cosign")
        out, err = waiting.communicate(timeout=90)
        assert waiting.returncode == 0, err
        with open(os.path.join(named.folder, "witnesses"), "a", encoding="ascii") as f:
            f.write("quorum none\n")
        assert "line" in named.run("get", "2023", want=1).stderr
        leaves = [x["k"] for x in json.loads(anna.run("audit", "log", "--json").stdout)]
        assert leaves.count("release") == 1


def main():
    required()
    with Deployment(config=CONFIG, offices=list(COUNTS)) as d:
        auditors = {name: d.reader(name, "auditor") for name in ("anna", "bo")}
        stranger = d.reader("cecilia")
        release(d, "2023")
        assert signers(d, auditors) == set()
        p = auditors["anna"].run("audit", "cosign")
        assert "cosigned" in p.stderr, p.stderr
        assert signers(d, auditors) == {"anna"}
        p = auditors["anna"].run("audit", "cosign")
        assert "already" in p.stderr, p.stderr
        auditors["bo"].run("audit", "cosign")
        assert signers(d, auditors) == {"anna", "bo"}
        stranger.run("audit", "cosign", want=3)
        stranger.run("audit", "verify")  # readers who know no witness read on
        d.vault.restart()
        d.gate.restart()
        assert signers(d, auditors) == {"anna", "bo"}, "a restart loses no signature"
        d.open_period("2030")  # the log grows: a new checkpoint, none have signed yet
        d.vault.stop()
        assert signers(d, auditors) == set()
        d.vault.start()
        auditors["anna"].run("audit", "cosign")
        assert signers(d, auditors) == {"anna"}
        # a witness that saw another entry there does not sign, and keeps both notes
        bo = auditors["bo"]
        bo.run("audit", "log")
        forge(d, bo)
        p = bo.run("audit", "cosign", want=1)
        assert "rewritten" in p.stderr and " kept in " in p.stderr, p.stderr
        assert signers(d, auditors) == {"anna"}
        kept = os.path.join(auditors["anna"].folder, "audit", "checkpoint")
        with open(kept, "rb") as f:
            seen = f.read()
        assert int(seen.split(b"\n")[1]) == len(json.loads(auditors["anna"].run("audit", "log", "--json").stdout))
    run([os.path.join(BIN, "cellveil"), "audit", "cosign", "--help"])
    print("ok")


if __name__ == "__main__":
    main()
