#!/usr/bin/python3
"""verify-certificate holds each line of DERIVED.csv against its cells, the method of a release against the policy, what is
printed as nought by definition (Z) against what is declared, with the counts or in a published release, and the marks of cells
that absent.csv names."""
import hashlib
import os
import shutil
import struct
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


def put(folder, method, more=None):
    """A table of shares, protected in this way; the result stands beside it. more: other files, or the same otherwise."""
    os.makedirs(folder)
    at = lambda name: os.path.join(folder, name)
    for name, codes in (("office", "abcd"), ("kind", "xy")):
        write(at("hier_%s.csv" % name), ["level,code", "@,_T"] + ["@@," + c for c in codes])
    write(at("cells.csv"), CELLS)
    write(at("derived.csv"), ["id,numerator,denominator,factor,digits"] + ["s%s,%s|x,%s|_T,100,1" % (o, o, o) for o in "abcd"])
    write(at("policy.yaml"), ["min_reporting: 1"] + METHODS[method])
    for name, lines in (more or {}).items():
        write(at(name), lines)
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


def redigest(folder):
    """The certificate and its part fit files of the grid that were changed."""
    at = lambda name: os.path.join(folder, name)
    digest = lambda path: hashlib.sha256(b"".join(line.encode() + b"\n" for line in read(path))).hexdigest()
    code, said = verdict(folder)
    assert code == 1 and "another file" in said, said
    grid = hashlib.sha256()
    for name in sorted(n for n in os.listdir(folder) if n.startswith("hier_") or n in ("structural.csv", "derived.csv")):
        with open(at(name), "rb") as f:
            data = f.read()
        grid.update(struct.pack("<Q", len(name)) + name.encode() + struct.pack("<Q", len(data)) + data)
    for name, word, is_now in (("certificate.cvc", "grid ", grid.hexdigest), ("certificate.auditor.cvc", "public ",
                                                                              lambda: digest(at("certificate.cvc")))):
        lines = [word + is_now() if line.startswith(word) else line for line in read(at(name))]
        end = lines.pop().split(" ")[0] + " "
        whole = "".join(line + "\n" for line in lines)
        write(at(name), lines + [end + hashlib.sha256(whole.encode()).hexdigest()])


def declared(folder):
    """Of kind y there can be nobody at a, nor anybody at all of b: so says structural.csv, and if not nobody."""
    gone = {"a,y,40": "a,y,0", "b,x,50": "b,x,0", "b,y,60": "b,y,0"}
    put(folder, "suppression", {"cells.csv": [gone.get(line, line) for line in CELLS], "policy.yaml": ["min_reporting: 1", "zeros: sensitive"],
                                "structural.csv": ["office,kind", "a,y", "b,_T"]})
    path = os.path.join(folder, "structural.csv")
    assert verdict(folder)[0] == 0 and [row for row in read(os.path.join(folder, "RESULT.csv")) if row.endswith(",0,Z")]
    for lines, cell in ((["b,*"], "a|y"), (["a,y"], "b|_T"), (["b,x", "a,y"], "b|_T"), ([], "a|y")):
        write(path, ["office,kind"] + lines)
        redigest(folder)
        code, said = verdict(folder)
        assert code == 1 and "cell %s: Z, but something can be there" % cell in said, (lines, code, said)
    write(path, ["office,kind", "a,y", "b,x", "b,y"])
    redigest(folder)
    assert verdict(folder)[0] == 0
    release = publish(folder, folder + "-published")
    assert said_of(release)[0] == 0
    for lines, cell in ((["b,*"], "a|y"), (["b,x", "a,y"], "b|_T"), ([], "a|y")):
        write(path, ["office,kind"] + lines)
        redigest(folder)
        assert verdict(folder, False)[0] == 0  # beside counts, where a status declares noughts too, they are asked
        code, said = said_of(publish(folder, release))
        assert code == 1 and "cell %s: Z, but something can be there" % cell in said, (lines, code, said)


def publish(folder, release):
    """The folder under the names of a published release, without the counts."""
    shutil.rmtree(release, ignore_errors=True)
    os.makedirs(release)
    for name in ("hier_office.csv", "hier_kind.csv", "structural.csv", "derived.csv"):
        shutil.copy(os.path.join(folder, name), os.path.join(release, "grid-" + name.replace("_", "-")))
    for name, its in (("RESULT.csv", "result.csv"), ("DERIVED.csv", "derived.csv"), ("certificate.cvc", "certificate.cvc")):
        shutil.copy(os.path.join(folder, name), os.path.join(release, its))
    write(os.path.join(release, "manifest.txt"), [])
    return release


def said_of(folder):
    p = run([CELLVEIL, "verify-certificate", folder], want=None)
    return p.returncode, p.stderr


def absent(folder):
    """Nobody asked for y at c, nor for anything at d, so no figure stands there."""
    put(folder, "suppression", {"absent.csv": ["office,kind", "c,y", "d,*"], "policy.yaml": ["min_reporting: 1", "zeros: published"]})
    result = os.path.join(folder, "RESULT.csv")
    good = read(result)
    assert verdict(folder)[0] == 0 and [line for line in good if line.endswith(",,A")] == [
        "c,y,,A", "d,_T,,A", "d,x,,A", "d,y,,A"], good
    for i, line in enumerate(good):
        if not line.endswith(",,A"):
            continue
        for other in (",N", ",H", "0,P", "0,Z", "20,P"):
            write(result, good[:i] + [line[:-2] + other] + good[i + 1:])
            code, said = verdict(folder, False)
            assert code == 1 and "RESULT.csv:%d: a cell of absent.csv, marked as another than A" % (i + 1) in said, (line, other, said)


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
        declared(os.path.join(top, "declared"))
        absent(os.path.join(top, "absent"))
        unlisted(os.path.join(top, "suppression"))
    print("ok")


if __name__ == "__main__":
    main()
