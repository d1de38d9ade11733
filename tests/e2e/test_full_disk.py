"""A disk that fills up while cellveild runs: forms are told to come later, readers are served, no process ends, nothing
that was acknowledged is lost, and as soon as there is room everything goes on by itself.

Real file systems of a few MiB, in a mount namespace of our own; where the kernel gives none, the unit test of the
journal (F9) is what remains."""
import os
import re
import subprocess
import sys
import time

from harness import PATIENCE, Deployment
from test_audit_restore import push, receipt
from test_audit_tamper import read
from test_client_read import CONFIG, COUNTS, release


class Disk:
    """A small file system at a folder."""

    def __init__(self, path, mib):
        os.makedirs(path, exist_ok=True)
        self.path, self.filler = path, os.path.join(path, "filler")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm,mode=0755" % mib, "none", path], check=True)

    def fill(self):
        """To the last byte."""
        with open(self.filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError:
                pass

    def make_room(self):
        os.unlink(self.filler)

    def unmount(self):
        subprocess.run(["umount", "-l", self.path], check=True)


def mode(d):
    return re.search(r"(?m)^mode +(\S+)", d.ctl("status").stdout).group(1)


def wait_until(d, what, is_so):
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert d.vault.process.poll() is None, d.vault.tail()
        assert time.monotonic() < end, "never came to " + what
        time.sleep(0.2)


def wait_for(d, what):
    wait_until(d, what, lambda: mode(d) == what)


def deployment(vault):
    """Made, not started, with these lines of [vault]."""
    d = Deployment(start=False)
    with open(d.conf, "a", encoding="utf-8") as f:
        f.write("\n[vault]\n" + vault)
    return d


def start(d):
    d.start()
    d.add_config(CONFIG)
    for code in COUNTS:
        d.enrol(code)
    return d.vault.process.pid


def refused(d, office, period):
    """A form that is told to come later and stays in the outbox."""
    client = d.office(office)
    path = os.path.join(d.folder, office + ".csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("office,year,measure,sex,value\n%s,%s,clients,F,%d\n%s,%s,clients,M,%d\n" % (
            office, period, COUNTS[office][0], office, period, COUNTS[office][1]))
    p = client.run("push", path, "--yes", "--json", "--wait", "3", "--period", period, want=None)
    assert p.returncode != 0 and '"receipt"' not in p.stdout, p.stdout
    assert any(item["state"] == "waiting" for item in client.outbox()), client.outbox()


def push_and_fill(d, disk, offices, period):
    """The receipt of a form whose leaf is in no checkpoint when the disk is full: the next office's where one came between."""
    while True:
        kept = push(d, offices.pop(0), period)
        disk.fill()
        leaf = int(re.search(rb"(?m)^log-index (\d+)$", read(kept)).group(1))
        if leaf >= int(read(d.public, "log/checkpoint").split(b"\n")[1]):
            return kept
        disk.make_room()
        wait_for(d, "normal")


def fill_after_a_receipt(d, disk, period):
    """A form is in the store, and the tile of its leaf finds no room. Answers the path of its receipt."""
    offices = list(COUNTS)
    d.open_period(period)
    kept = push_and_fill(d, disk, offices, period)
    wait_until(d, "find no room", lambda: "space-full" in d.vault.tail())
    wait_for(d, "storage-low")
    refused(d, offices[0], period)
    d.ctl("period", "status", period)
    disk.make_room()
    wait_for(d, "normal")
    d.office(offices[0]).run("outbox", "send", "--wait", "90")
    for office in offices[1:]:
        push(d, office, period)
    d.close_period(period)
    return kept


def test_public_folder(d, disk):
    """public/ is a file system of its own: the store goes on, its files cannot follow."""
    pid = start(d)
    auditor = d.reader("revisor", "auditor")
    release(d, "2023")
    kept = fill_after_a_receipt(d, disk, "2024")
    assert "what waited for room is written" in d.vault.tail()
    disk.fill()
    said = d.publish("2024", want=1)
    assert "decided and kept; its files are written when there is room" in said.stderr, said.stderr
    auditor.run("get", "2023")  # what is there is read
    auditor.run("get", "2024", want=1)
    wait_for(d, "storage-low")
    disk.make_room()
    wait_for(d, "normal")
    auditor.run("get", "2024")
    assert receipt(auditor, kept, 0)["verdict"] == "holds"
    auditor.run("audit", "open", "2024")  # its sealed manifest came too
    assert d.vault.process.pid == pid and d.vault.process.poll() is None, d.vault.tail()


def test_whole_state(d, disk):
    """One file system for store, log and releases."""
    with open(os.path.join(d.state, "first-start"), "wb"):
        pass  # as cellveilctl init left it below
    pid = start(d)
    kept = fill_after_a_receipt(d, disk, "2024")
    d.publish("2024")
    assert receipt(d.reader("revisor", "auditor"), kept, 0)["verdict"] == "holds"
    assert d.vault.process.pid == pid and d.vault.process.poll() is None, d.vault.tail()


def main():
    if not os.environ.get("CELLVEIL_MOUNTS"):  # once more, where we may mount
        if subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], check=False).returncode != 0:
            print("skipped: no mount namespace to be had here")
            return
        os.execvpe("unshare", ["unshare", "-Urm", sys.executable, os.path.abspath(__file__)],
                   dict(os.environ, CELLVEIL_MOUNTS="1"))
    for test, below, mib in ((test_public_folder, "public", 2), (test_whole_state, "", 48)):
        with deployment("checkpoint_ms = 3000\nspace_low_mib = 1\nspace_critical_mib = 1\nballast_mib = 0\n") as d:
            disk = Disk(os.path.join(d.state, below), mib)
            try:
                test(d, disk)
            finally:
                d.gate.stop()
                d.vault.stop()
                disk.unmount()
    print("ok")


if __name__ == "__main__":
    main()
