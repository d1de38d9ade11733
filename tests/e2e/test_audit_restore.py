"""A backup is put back: refused without the deliberate step, and with it the log goes on, says from where to where the
store went back and who did it; receipts of forms that are lost say so until the form has come again."""
import json
import os
import re
import shutil

from harness import BIN, Deployment, run
from test_audit_tamper import read, refuse_start, write
from test_client_read import CONFIG, COUNTS, release
from test_store_rows import Bench, older_program


class Restore:
    def __init__(self, d):
        self.d = d
        self.vault = os.path.join(d.state, "vault")

    def copy(self, name):
        self.d.vault.stop()
        shutil.copytree(self.vault, os.path.join(self.d.folder, name))
        self.d.vault.start()

    def put(self, name):
        shutil.rmtree(self.vault)
        shutil.copytree(os.path.join(self.d.folder, name), self.vault)

    def restored(self, leaves, want=0):
        return run([os.path.join(BIN, "cellveild"), "--config", self.d.conf, "--restored", str(leaves)], want=want)

    def size(self):
        return int(read(self.d.public, "log/checkpoint").split(b"\n")[1])


def push(d, office, period):
    path = os.path.join(d.folder, office + ".csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("office,year,measure,sex,value\n%s,%s,clients,F,%d\n%s,%s,clients,M,%d\n" % (
            office, period, COUNTS[office][0], office, period, COUNTS[office][1]))
    d.office(office).push(path, "--period", period)
    folder = os.path.join(d.office(office).folder, "outbox")
    names = [os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".receipt")]
    return next(n for n in names if b"period " + period.encode() in read(n) or period.encode() in read(n))


def receipt(auditor, path, want):
    p = auditor.run("audit", "verify", "--json", "--receipt", path, want=want)
    return next(c for c in json.loads(p.stdout)["checks"] if c["what"] == "receipt")


def test_refused(r):
    """Another number, changed entries, a lost release: nothing is changed and the vault still does not start."""
    d = r.d
    n = r.size()
    r.put("before-release")
    refuse_start(d, "checkpoint: it has seen %d leaves.*--restored" % n)
    assert "have seen %d leaves, not %d" % (n, n - 1) in r.restored(n - 1, want=78).stderr
    assert "number of leaves" in r.restored("all", want=78).stderr
    assert re.search(r"leaf \d+ is a release that the backup does not know", r.restored(n, want=78).stderr)
    r.put("backup")
    path = next(os.path.join(p, f) for p, _, names in os.walk(os.path.join(d.public, "log/tile/entries"))
                for f in names if f == str(n))
    good = read(path)
    write(good[:-30] + good[-30:].replace(b'"by":"', b'"by":"1', 1)[:30], path)
    said = r.restored(n, want=78).stderr
    assert "do not lead to its root" in said or "log entry" in said, said
    os.unlink(path)
    assert path.split("public/")[1] in r.restored(n, want=78).stderr
    write(good, path)
    refuse_start(d, "went back in time")
    return n


def test_older_program(r, n):
    """A backup from before rows were bound is bound on the way."""
    bench = Bench(r.d, os.path.join(r.d.folder, "older"))
    code, text = bench.check(older_program)
    assert code == 78 and "its rows are not bound" in text, text
    code, text = bench.check(older_program, ["--restored", str(n)])
    assert code == 0 and '"k":"submission"' in text, text
    shutil.copy(bench.store, bench.good)
    code, text = bench.check()
    assert code == 0 and "holds: %d leaves" % (n + 3) in text, text


def main():
    uid = str(os.getuid())
    with Deployment(config=CONFIG, offices=list(COUNTS)) as d:
        r = Restore(d)
        auditor = d.reader("revisor", "auditor")
        r.copy("before-release")
        release(d, "2023")
        d.open_period("2024")
        kept = push(d, "north", "2024")
        r.copy("backup")
        had = r.size()
        lost = push(d, "south", "2024")
        d.enrol("cecilia", "researcher")
        d.vault.restart()
        assert receipt(auditor, lost, 0)["verdict"] == "holds"
        d.vault.stop()
        n = test_refused(r)
        assert n > had
        test_older_program(r, n)
        said = r.restored(n).stdout
        assert said.count('"k":"submission"') == 1 and '"class":"enrol"' in said, said
        assert "went back from %d leaves to %d" % (n, had) in said, said
        assert r.restored(n, want=78).stderr
        d.vault.start()
        leaves = json.loads(auditor.run("audit", "log", "--json").stdout)
        assert [(x["k"], x.get("size"), x.get("reason"), x.get("class"), x.get("by")) for x in leaves[n:n + 2]] == [
            ("recovery", had, 2, None, None), ("admin", None, None, "restore", uid)], leaves[n:]
        assert auditor.run("audit", "verify").stdout, "nothing was rewritten, whoever looked before sees that"
        said = auditor.run("audit", "policy").stdout
        assert "an older store was put back: of %d entries it had %d, by %s" % (n, had, uid) in said, said
        assert receipt(auditor, kept, 0)["verdict"] == "holds"
        bad = receipt(auditor, lost, 1)
        assert "leaf %d says that an older store was put back" % n in bad["text"], bad
        d.enrol("cecilia", "researcher", folder="cecilia-2")  # the gate takes the registry after this
        again = push(d, "south", "2024")
        d.vault.restart()
        assert receipt(auditor, again, 0)["verdict"] == "holds"
        for office in list(COUNTS)[2:]:
            push(d, office, "2024")
        d.close_period("2024")
        d.publish("2024")
        d.vault.restart()
        auditor.run("audit", "verify")
        d.vault.stop()
    print("ok")


if __name__ == "__main__":
    main()
