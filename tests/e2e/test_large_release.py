"""A release larger than the feed's bound of 256 KiB: the envelope goes out without its rows, those who listen fetch them,
those who come later get the same, and an auditor finds everything in its place."""
import os

from harness import DATASET, ORIGIN, Deployment

OFFICES = ["o%d" % i for i in range(28)]
KINDS = ["k%04d" % i for i in range(1000)]
BOUND = 256 * 1024


def codes(name, values):
    return "  %s:\n    - {code: _T, sv: T, en: T}\n" % name + "".join(
        "    - {code: %s, of: [_T], sv: c, en: c}\n" % v for v in values)


CONFIG = """cellveil-config: 1
origin: %s
dataset: %s
form: {id: large, version: "1", valid: "2020.."}
period: YYYY
codes:
%s%smeasures:
  - {id: clients, dims: [kind], max: 10000000, unit: person, about: client, sv: k, en: k}
asked: ["clients|*"]
release: {opens: P0D, closes: P15D, grace: P0D, publish: P0D, late: hold, office_dim: office,
  tables: [{id: clients, measures: [clients], dims: [office, kind], sv: k, en: k}]}
policy: {threshold: 5, effort: 0, ladder: [withhold]}
""" % (ORIGIN, DATASET, codes("kind", KINDS), codes("office", OFFICES))


def push(d, office):
    path = os.path.join(d.folder, "form.csv")
    with open(path, "w", encoding="ascii") as f:
        f.write("office,year,measure,kind,value\n%s,2024,clients,_T,%d\n" % (office, 7000 * len(KINDS)))
        f.writelines("%s,2024,clients,%s,7000\n" % (office, k) for k in KINDS)
    d.office(office).push(path, "--period", "2024")


def main():
    with Deployment(config=CONFIG, offices=OFFICES) as d:
        auditor = d.reader("revisor", "auditor")
        live = d.reader("early").start("subscribe", "--once", "--json", "--wait", "240")
        d.open_period("2024")
        for office in OFFICES:
            push(d, office)
        d.close_period("2024")
        d.publish("2024", timeout=240)
        folder = os.path.join(d.public, "release", DATASET, "2024/0")
        assert os.path.getsize(os.path.join(folder, "release.msgpack")) > BOUND
        feed = os.path.join(d.public, "feed", DATASET)
        envelope = next(os.path.join(p, "000000001") for p, _, names in os.walk(feed) if "000000001" in names)
        assert os.path.getsize(envelope) < 8192, "the rows are not in it"
        out, err = live.communicate(timeout=240)
        assert live.returncode == 0 and len(out) > BOUND, err
        late = d.reader("late").run("subscribe", "--once", "--json", "--wait", "60")
        assert late.stdout == out
        auditor.run("audit", "verify", timeout=240)
    print("ok")


if __name__ == "__main__":
    main()
