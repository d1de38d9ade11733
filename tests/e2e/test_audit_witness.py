"""Witnesses: two auditors cosign; their signatures stand under the checkpoint, verified by the other
implementation, and survive restarts; a log that was rewritten gets none, and a stranger's are not taken."""
import json
import os
import shutil

import pyclient
import test_audit_tamper as audit
from harness import BIN, ORIGIN, Deployment, run
from test_client_read import CONFIG, COUNTS, release


def witness_key(client, name):
    """What an auditor's identity line says, for a reader who wants to check."""
    with open(os.path.join(client.folder, "witness.key"), encoding="ascii") as f:
        secret = pyclient.unbase64(f.read().split("cellveil-secret-witness:")[1].strip(), 32)
    public = pyclient.sodium.crypto_sign_seed_keypair(secret)[0]
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


def main():
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
