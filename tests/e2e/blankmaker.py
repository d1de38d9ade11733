"""Random table folders as forms make them: measures within measures as views, boxes left blank, totals reported or not.

What is drawn follows docs/disclosure.md, "Files", and policy/README.md, "Forms": a box that was not reported under a
total that was is `blank`; one in no total, of which no other measure says anything either, is `nr`.
"""
import os

from tablemaker import lines_of, policy_of, write


def measures(rng):
    """(lines of the hierarchy, [(measure, the one it is within)])"""
    nodes = [("clients", None), ("new", "clients")]
    lines = [(1, "clients", True), (2, "new", False), (2, "new:not", False)]
    kind = rng.random()
    if kind < 0.25:
        lines[1:2] = [(2, "new", True), (3, "reason", False), (3, "reason:not", False)]
        nodes.append(("reason", "new"))
    elif kind < 0.6:
        lines += [(1, "clients", True), (2, "ended", False), (2, "ended:not", False)]
        nodes.append(("ended", "clients"))
    return lines, nodes


def offices_of(rng):
    offices = ["o%d" % i for i in range(rng.randint(2, 5))]
    if rng.random() < 0.5 or len(offices) < 3:
        return offices, [(1, "_T", False)] + [(2, o, False) for o in offices], False
    cut = rng.randint(1, len(offices) - 1)
    lines = [(1, "_T", False)]
    for area, part in (("N", offices[:cut]), ("S", offices[cut:])):
        lines += [(2, area, False)] + [(3, o, False) for o in part]
    return offices, lines, True


class Form:
    """One office's: value[measure, age], and which boxes say so."""

    def __init__(self, rng, k, nodes, ages, blankness):
        self.nodes, self.ages, self.base = nodes, ages, dict(nodes)
        self.value, self.box = {}, {}
        scale = rng.choice((3, 8, 20))
        for age in ages:
            self.value["clients", age] = rng.choice((0, rng.randint(0, scale), rng.randint(k, 4 * k)))
            for measure, base in nodes[1:]:
                lean = rng.choice((0, 0.3, 0.5, 0.9, 1))
                self.value[measure, age] = sum(rng.random() < lean for _ in range(self.value[base, age]))
        for measure, _ in nodes:
            for age in ages:
                self.box[measure, age] = rng.random() >= blankness
            self.box[measure, "_T"] = ages == ["_T"] and self.box[measure, "_T"] or rng.random() >= blankness * 0.5
        for measure, _ in reversed(nodes):  # what nobody counted is as little as it can be
            for age in ages:
                if not self.told(measure, age):
                    within = [self.value[m, age] for m, b in nodes if b == measure]
                    self.value[measure, age] = max(within + [0])

    def told(self, measure, age):
        return self.box[measure, age] or self.box[measure, "_T"]

    def status(self, measure, age, other):
        base = self.base[measure] if other else measure
        if self.box[measure, age] and self.box[base, age]:
            return ""
        return "blank" if any(self.told(m, age) or self.value[m, age] for m, _ in self.nodes) else "nr"

    def inner(self, age):
        """(leaf of the measures, count, status)"""
        for measure, base in self.nodes:
            if not any(b == measure for _, b in self.nodes):
                yield measure, self.value[measure, age], self.status(measure, age, False)
            if base is not None:
                rest = self.value[base, age] - self.value[measure, age]
                yield measure + ":not", rest, self.status(measure, age, True)


def tables(rng, names, areas, aged):
    ages = ["t,age,*"] if aged else []
    kind = rng.random()
    if kind < 0.6:
        return ["table,dim,codes", "t,office,*", "t,measure," + names] + ages
    if kind < 0.8:
        return ["table,dim,codes", "t,office," + ("_T|N|S" if areas else "_T"), "t,measure," + names] + ages
    return ["table,dim,codes", "t,office,*", "t,measure," + rng.choice((names, "clients", "new")),
            "u,office," + rng.choice(("_T", "*")), "u,measure," + names] + [a.replace("t,", "u,", 1) for a in ages]


def make(folder, rng):
    """Writes a folder; answers its policy."""
    offices, office_lines, areas = offices_of(rng)
    measure_lines, nodes = measures(rng)
    ages = ["a", "b", "c"][:rng.choice((0, 2, 3, 3))] or ["_T"]
    aged = ages != ["_T"]
    policy = policy_of(rng, len(offices))
    if rng.random() < 0.5:
        policy.pop("coalition", None)
    blankness = rng.choice((0, 0.15, 0.3, 0.5))
    dims = "office," + ("age," if aged else "") + "measure"
    cells, covered = [dims + ",freq,status"], [dims]
    for office in offices:
        share = 1 if rng.random() < 0.05 else blankness if rng.random() < 0.6 else 0
        form = Form(rng, policy["threshold"], nodes, ages, share)
        covered += [",".join([office] + ([age] if aged else []) + [m]) for (m, age), said in sorted(form.box.items()) if said]
        for age in ages:
            for code, count, status in form.inner(age):
                cells.append(",".join([office] + ([age] if aged else []) + [code, "" if status == "nr" else str(count),
                                                                            status]))
    for name, lines in (("cells", cells), ("covered", covered), ("hier_office", lines_of(office_lines)),
                        ("hier_measure", lines_of(measure_lines)),
                        ("tables", tables(rng, "|".join(m for m, _ in nodes), areas, aged)),
                        ("policy", ["%s: %s" % kv for kv in sorted(policy.items())])):
        write(os.path.join(folder, name + (".yaml" if name == "policy" else ".csv")), lines)
    if aged:
        write(os.path.join(folder, "hier_age.csv"), lines_of([(1, "_T", False)] + [(2, a, False) for a in ages]))
    return policy
