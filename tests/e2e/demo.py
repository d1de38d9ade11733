#!/usr/bin/python3
"""./run demo: the main job on this machine, with the city's public figures of 2023.

Real programs, real sockets on loopback, a SQLite store in a temporary folder; nothing is left behind.
"""
import itertools
import os
import sys

from harness import BIN, CITY_FORMS, Deployment, preset, run

SWEDISH = (os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or "").startswith("sv")


def say(sv, en):
    print("\n\033[1m%s\033[0m" % (sv if SWEDISH else en) if sys.stdout.isatty() else "\n" + (sv if SWEDISH else en),
          flush=True)


def show(text):
    print("".join("    %s\n" % line for line in text.rstrip().splitlines()), end="", flush=True)


def locale():
    from harness import environment
    return environment(**({"LANGUAGE": "sv", "LANG": "sv_SE.UTF-8", "LC_ALL": "sv_SE.UTF-8"} if SWEDISH else {}))


def collect(d):
    """Six offices push what each really reported, with receipts."""
    for code, form in CITY_FORMS.items():
        receipt = d.office(code).push(form, "--period", "2023", "--blanks", "not-reported")
        show("%-28s log %s  %s" % (code, receipt.get("log_index", "?"), receipt.get("digest", "")[:16]))


def possibilities(total, shown, hidden, threshold):
    """Every way to fill the hidden places, when a hidden count is known to be 1 to threshold - 1."""
    rest = total - sum(shown)
    return [c for c in itertools.product(range(1, threshold), repeat=hidden) if sum(c) == rest]


def naive():
    """The made-up office: 16 men whose support ended, by age 1, 7, 5, 3."""
    total, ages = 16, (1, 7, 5, 3)
    for threshold in (3, 5):
        shown = [n for n in ages if n >= threshold]
        ways = possibilities(total, shown, len(ages) - len(shown), threshold)
        line = " ".join("%3s" % (n if n >= threshold else "..") for n in ages)
        show("%s  %s %d:  %s   %s %d" % ("tröskel" if SWEDISH else "threshold", "", threshold, line,
                                         "totalt" if SWEDISH else "total", total))
        if len(ways) == 1:
            show("    %d - %s = %d" % (total, " - ".join(map(str, shown)), ways[0][0]) +
                 (": den ende unge mannen, exakt." if SWEDISH else ": the one young man, exactly."))
        else:
            show("    " + ("bara %d möjligheter: " if SWEDISH else "only %d possibilities: ") % len(ways) +
                 ", ".join("+".join(map(str, w)) for w in ways))


def attack(d):
    """What the public and every office can work out from our release, by a program that is not the engine."""
    folder = os.path.join(d.folder, "table")
    d.ctl("release", "table", "2023", "--output", folder)
    p = run([os.path.join(BIN, "cellveil"), "attack", folder, os.path.join(folder, "RESULT.csv"), "--all-offices",
             "-o", os.path.join(d.folder, "intervals.csv")], env=locale())
    show(p.stderr)
    p = run([os.path.join(BIN, "cellveil"), "verify-certificate", folder, os.path.join(folder, "RESULT.csv"),
             os.path.join(folder, "certificate.cvc")], env=locale())
    show(p.stderr)


def main():
    say("1. Ett valv utan nät och en grind som inte kan läsa startar på den här datorn.",
        "1. A vault without a network and a gate that cannot read start on this machine.")
    with Deployment(config=preset("2023"), offices=list(CITY_FORMS)) as d:
        d.open_period("2023")
        early = d.reader("early")
        waiting = early.start("subscribe", "--once", env=locale())
        say("2. Sex enheter skickar sina uppgifter, förseglade, och får kvitton.",
            "2. Six offices push their counts, sealed, and get receipts.")
        collect(d)
        say("3. Perioden stängs; valvet slår samman, skyddar, bevisar, undertecknar.",
            "3. The period closes; the vault merges, protects, proves, signs.")
        d.close_period("2023")
        show(d.publish("2023", env=locale()).stdout)
        say("4. Den som lyssnade redan, och den som kommer efteråt, får samma tabell.",
            "4. Whoever listened already, and whoever comes later, gets the same table.")
        first, _ = waiting.communicate(timeout=60)
        late = d.reader("late").run("subscribe", "--once", env=locale()).stdout
        if waiting.returncode != 0 or first != late:
            sys.exit("demo: the two subscribers did not receive the same release")
        show(late)
        say("5. Vad en enkel tröskel hade avslöjat (påhittad enhet: 16 män avslutade, åldrar 1, 7, 5, 3):",
            "5. What a plain threshold would have given away (made-up office: 16 men ended, ages 1, 7, 5, 3):")
        naive()
        say("6. Ett angrepp på vår egen tabell, som allmänheten och som varje enhet:",
            "6. An attack on our own table, as the public and as each office:")
        attack(d)
    say("Allt är stoppat och borttaget.", "Everything is stopped and removed.")


if __name__ == "__main__":
    main()
