"""Who did what: every command of an operator that changes something is a leaf with his user id, beside the leaf of what
it did; `audit policy` shows both. Dry runs and questions leave none."""
import json
import os

from harness import DATASET, Deployment
from test_client_read import CONFIG, COUNTS, release


def leaves(client):
    return json.loads(client.run("audit", "log", "--json").stdout)


def main():
    uid = str(os.getuid())
    with Deployment(config=CONFIG, offices=list(COUNTS)) as d:
        auditor = d.reader("revisor", "auditor")
        d.vault.restart()
        seen = len(leaves(auditor))

        def did(*kinds):
            """The leaves since the last look: these kinds in this order, commands by us."""
            nonlocal seen
            d.vault.restart()  # everything is in a checkpoint
            new = leaves(auditor)[seen:]
            seen += len(new)
            found = [x["k"] + (" " + x["class"] if x["k"] == "admin" else "") for x in new if x["k"] != "submission"]
            assert found == list(kinds), found
            assert all(x["by"] == uid for x in new if x["k"] == "admin"), new
            return new

        first = leaves(auditor)
        classes = [x["class"] for x in first if x["k"] == "admin"]
        assert classes.count("enrol") == len(COUNTS) + 1 and "config" in classes and first[0]["k"] == "log-start"
        d.enrol("cecilia", "researcher")
        did("admin enrol")
        d.ctl("office", "list")
        d.ctl("period", "status")
        did()
        p = d.ctl("office", "disable", "centre")
        did("admin disable")
        d.add_config(CONFIG.replace("threshold: 5", "threshold: 6"))
        new = did("config", "admin config")
        assert new[0]["old"] != new[0]["new"] and new[0]["ds"] == DATASET
        said = auditor.run("audit", "policy").stdout
        assert "threshold: 5 -> 6" in said and "command disable, by " + uid in said, said
        d.open_period("2022")
        did("period-open", "admin period")
        d.close_period("2022")
        did("period-close", "admin period")
        d.ctl("release", "publish", "2022", "--dry-run", want=None)
        did()
        d.publish("2022", want=None)  # nobody has filed: withheld
        new = did("admin publish", "period-seal", "no-release")
        assert new[2]["man"] != "0" * 64
        COUNTS.pop("centre")
        release(d, "2023")
        new = did("period-open", "admin period", "period-close", "admin period", "admin publish", "period-seal", "release")
        d.ctl("release", "withdraw", "2023", "--reason", "error")
        new = did("admin withdraw", "withdraw")
        assert new[1]["reason"] == 2
        d.ctl("mode", "read-only")
        did("admin mode")
        d.ctl("mode", "normal")
        did("admin mode")
        d.vault.kill()
        d.vault.start()
        did("recovery")  # stopped without a word: the next start says so
        assert [x["k"] for x in json.loads(auditor.run("audit", "log", "--outcome", "withheld", "--json").stdout)] == ["no-release"]
        assert [x["p"] for x in json.loads(auditor.run("audit", "log", "--outcome", "withdrawn", "--json").stdout)] == ["2023"]
        assert auditor.run("audit", "verify").stdout
        assert p.returncode == 0
    print("ok")


if __name__ == "__main__":
    main()
