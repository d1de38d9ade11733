"""`cellveil outbox clear`: a form goes from the office's machine when the log proves that it is in a sealed set, and not
before; its receipt stays, the newest form stays for next year's comparison, and corrections go on counting."""
import glob
import os

from harness import Deployment, environment
from test_client_kill import OFFICES, config, form, pushed

SWEDISH = dict(environment(), LC_ALL="sv_SE.UTF-8")


def form_of_2025(folder, office, young):
    path = form(folder, office, young)
    with open(path, encoding="ascii") as f:
        text = f.read()
    with open(path, "w", encoding="ascii") as f:
        f.write(text.replace(",2024,", ",2025,"))
    return path


def revisions(office):
    return [(i["period"], i["revision"]) for i in office.outbox()]


def main():
    with Deployment(config=config(), offices=OFFICES) as d:
        d.open_period("2024")
        d.open_period("2025")
        office = d.office(OFFICES[0])
        pushed(office, form(d.folder, OFFICES[0], 500))
        for n, code in enumerate(OFFICES):
            pushed(d.office(code), form(d.folder, code, 90 + n))
        p = office.run("outbox", "clear")
        assert "Removed here: 0" in p.stderr and len(revisions(office)) == 2, "nothing is sealed yet"
        d.close_period("2024")
        d.publish("2024")
        receipts = sorted(glob.glob(os.path.join(office.folder, "outbox", "*.receipt")))
        p = office.run("outbox", "clear")
        assert "one of %d forms of the sealed set" % len(OFFICES) in p.stderr and "Removed here: 1" in p.stderr, p.stderr
        assert revisions(office) == [("2024", 1)], "the newest stays"
        pushed(office, form_of_2025(d.folder, OFFICES[0], 700))
        p = office.run("outbox", "clear", env=SWEDISH)
        assert "Borttagna här: 1" in p.stderr, p.stderr
        assert revisions(office) == [("2025", 0)]
        assert set(receipts) <= set(glob.glob(os.path.join(office.folder, "outbox", "*.receipt")))
        office.run("receipt", "verify", *receipts)
        pushed(office, form_of_2025(d.folder, OFFICES[0], 701))
        assert revisions(office) == [("2025", 0), ("2025", 1)]

        # a damaged receipt proves nothing: the form stays
        other = d.office(OFFICES[1])
        pushed(other, form_of_2025(d.folder, OFFICES[1], 800))
        for path in glob.glob(os.path.join(other.folder, "outbox", "*.receipt")):
            with open(path, encoding="ascii") as f:
                text = f.read()
            with open(path, "w", encoding="ascii") as f:
                f.write(text.replace("period 2024", "period 2023"))
        other.run("outbox", "clear", want=1)
        assert revisions(other) == [("2024", 0), ("2025", 0)]
        d.gate.stop()
        office.run("outbox", "clear", "--wait", "2", want=5)
        assert len(revisions(office)) == 2
    print("ok")


if __name__ == "__main__":
    main()
