#!/usr/bin/python3
"""verify-certificate holds each line of DERIVED.csv against its cells, and the method of a release against the policy."""
import os
import shutil
import tempfile

from harness import BIN, run

CELLVEIL = os.path.join(BIN, "cellveil")
CELLS = ["office,kind,freq"] + ["%s,%s,%d" % (o, k, n) for o, row in zip("abcd", ((3, 40), (50, 60), (20, 25), (31, 29)))
                                for k, n in zip("xy", row)]
METHODS = {"suppression": [], "rounding": ["method: rounding", "base: 5"],
           "noise": ["method: noise", "noise_max: 4", "noise_variance: 1.5"]}
# of those that print the share of a, 3 of 43: the lines, or another line for one of them, and what is said
FALSE = [("sa,7.0,R", "made of a cell that is not"), ("sa,7.0,P", "made of a cell that is not"), ("sa,7.0,H", "nothing is expected"),
         ("sa,three of 43,R", "a number with its digits"), ("sa,,three", "status:"), ("sa,,", "status:"), ("sa,,A", "not the status"),
         ("sb,45.5,R", "not the status"), ("sb,,H", "not the status"), ("sb,45.4,P", "not what its cells give")]


def write(path, lines):
    with open(path, "w") as f:
        f.write("".join(line + "\n" for line in lines))


def read(path):
    with open(path) as f:
        return f.read().splitlines()


def put(folder, method):
    """A table of shares, protected in this way; the result stands beside it."""
    os.makedirs(folder)
    at = lambda name: os.path.join(folder, name)
    for name, codes in (("office", "abcd"), ("kind", "xy")):
        write(at("hier_%s.csv" % name), ["level,code", "@,_T"] + ["@@," + c for c in codes])
    write(at("cells.csv"), CELLS)
    write(at("derived.csv"), ["id,numerator,denominator,factor,digits"] + ["s%s,%s|x,%s|_T,100,1" % (o, o, o) for o in "abcd"])
    write(at("policy.yaml"), ["min_reporting: 1"] + METHODS[method])
    run([CELLVEIL, "protect", folder, "--policy", at("policy.yaml"), "-o", at("out")])
    for name in os.listdir(at("out")):
        shutil.copy(os.path.join(at("out"), name), folder)


def verdict(folder, audited=True):
    at = lambda name: os.path.join(folder, name)
    more = ["--auditor", at("certificate.auditor.cvc"), "--truth", at("cells.csv"), "--policy", at("policy.yaml")] if audited else []
    p = run([CELLVEIL, "verify-certificate", folder, at("RESULT.csv"), at("certificate.cvc"), *more], want=None)
    return p.returncode, p.stderr


def figures_fit(folder):
    derived = os.path.join(folder, "DERIVED.csv")
    before = read(derived)
    assert before == ["id,value,status", "sa,,H", "sb,45.5,P", "sc,,H", "sd,,H"], before
    for line, why in FALSE:
        write(derived, [line if row.split(",")[0] == line.split(",")[0] else row for row in before])
        for audited in (False, True):
            code, said = verdict(folder, audited)
            assert code in (1, 2) and why in said, (line, code, said)
    for lines, why in ((["id,a has 3,status"] + before[1:], "id,value,status"), (before[:-1], "sd: it is missing"), ([row + "," for row in before], "id,value,status"),
                       (before + before[-1:], "once, in its order"), (before[:1] + before[:0:-1], "once, in its order")):
        write(derived, lines)
        code, said = verdict(folder)
        assert code in (1, 2) and why in said, (lines, code, said)
    write(derived, before)
    assert verdict(folder)[0] == 0


def moved_figures_fit(folder):
    """A share of rounded figures is theirs, not the true one."""
    derived = os.path.join(folder, "DERIVED.csv")
    before = read(derived)
    assert before[1] == "sa,11.1,R", before
    for line in ("sa,7.0,R", "sa,7.0,P", "sa,11.1,P", "sa,,H"):
        write(derived, before[:1] + [line] + before[2:])
        assert verdict(folder)[0] == 1, line
    write(derived, before)


def unlisted(folder):
    """Figures that no derived.csv lists."""
    at = lambda name: os.path.join(folder, name)
    os.remove(at("derived.csv"))
    run([CELLVEIL, "protect", folder, "--policy", at("policy.yaml"), "-o", at("new")])
    for name in os.listdir(at("new")):
        shutil.copy(os.path.join(at("new"), name), folder)
    code, said = verdict(folder)
    assert code == 2 and "each figure of derived.csv" in said, (code, said)
    os.remove(at("DERIVED.csv"))
    assert verdict(folder)[0] == 0


def main():
    with tempfile.TemporaryDirectory(prefix="cv-") as top:
        for method in METHODS:
            folder = os.path.join(top, method)
            put(folder, method)
            policy = os.path.join(folder, "policy.yaml")
            others = {**METHODS, "more noise": ["method: noise", "noise_max: 5", "noise_variance: 1.5"],
                      "wider noise": ["method: noise", "noise_max: 4", "noise_variance: 2"],
                      "less": ["method: rounding", "base: 3", "width: 2"]}
            for other, lines in others.items():
                write(policy, ["min_reporting: 1"] + lines)
                code, said = verdict(folder)
                assert code == (0 if other == method else 1), (method, other, said)
                assert other == method or "the method is not the policy's" in said or "level" in said, said
            write(policy, ["min_reporting: 1"] + METHODS[method])
        figures_fit(os.path.join(top, "suppression"))
        moved_figures_fit(os.path.join(top, "rounding"))
        unlisted(os.path.join(top, "suppression"))
    print("ok")


if __name__ == "__main__":
    main()
