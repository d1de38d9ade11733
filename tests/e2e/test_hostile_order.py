#!/usr/bin/python3
"""An operator who starts things in the wrong order, twice, or from the wrong place."""
import os
import subprocess

from harness import PATIENCE, Deployment, data, environment, preset, run


def ended(process, what):
    assert process.poll() is None, "%s ended with %s" % (what, process.returncode)


def test_gate_before_the_first_vault(d):
    """F47, on a machine where no vault ever ran: the gate serves once the vault is there."""
    gate = subprocess.Popen(d.gate.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env=environment())
    try:
        d.vault.start()
        d.add_config(preset("2024"))
        office = d.enrol("efh")
        d.open_period("2024")
        assert office.push(data("forms/po-redovisning-2024-exempel.csv"), "--period", "2024") is not None
        ended(gate, "the gate")
    finally:
        gate.terminate()
        gate.wait(PATIENCE)


def test_second_daemons(d):
    """Each is refused, the first goes on."""
    d.gate.start()
    assert "another vault" in run(d.vault.command, want=74).stderr
    assert "in use" in run(d.gate.command, want=78).stderr
    ended(d.vault.process, "the vault")
    ended(d.gate.process, "the gate")


def test_relative_paths(d):
    """A daemon started in another folder must not find itself an empty vault."""
    path = os.path.join(d.folder, "relative.conf")
    with open(d.conf, encoding="utf-8") as f, open(path, "w", encoding="utf-8") as g:
        g.write(f.read().replace("state = /", "state = "))
    for daemon in (d.vault, d.gate):
        p = run([daemon.command[0], "--config", path], want=78, cwd=d.folder)
        assert "relative.conf:7: a path begins with /" in p.stderr, p.stderr


def test_open_folders(d):
    """Where others may write they could put a socket of their own; where they may look they see names and sizes."""
    d.gate.stop()
    for folder, mode in (("run/link", 0o777), ("run/admin", 0o770), ("state/vault", 0o755)):
        path = os.path.join(d.home, folder)
        d.vault.stop()
        before = os.stat(path).st_mode & 0o777
        os.chmod(path, mode)
        said = run(d.vault.command, want=78).stderr
        assert folder in said and "chmod" in said, said
        os.chmod(path, before)
        d.vault.start()


def main():
    with Deployment(start=False) as d:
        test_gate_before_the_first_vault(d)
        test_second_daemons(d)
        test_relative_paths(d)
        test_open_folders(d)


if __name__ == "__main__":
    main()
