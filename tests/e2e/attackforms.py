"""Random forms that are awkward to protect: small counts, silent offices, full cells, blanks, one office above all."""


class Form:
    """One office's figures as {(measure, codes): count or None}, drawn person by person."""

    def __init__(self, rng, publicationlike, style, blanks):
        self.sexes, self.ages, self.reasons, self.parts = publicationlike
        self.box = {}
        for sex in self.sexes:
            self.draw(rng, sex, style)
        if blanks:
            self.leave_blank(rng)

    def draw(self, rng, sex, style):
        clients = {age: self.count(rng, style, sex) for age in self.ages}
        self.put("clients", sex, clients)
        for measure in self.parts:
            lean = rng.choice((0.0, 0.1, 0.5, 0.9, 1.0)) if style != "full" else 1.0
            within = {age: sum(rng.random() < lean for _ in range(n)) for age, n in clients.items()}
            if measure == "clients_children_home":
                self.box[measure, (sex,)] = sum(within.values())
                continue
            self.put(measure, sex, within)
            if measure == "clients_new":
                for reason in self.reasons:
                    n, lean = sum(within.values()), rng.choice((0.0, 0.05, 0.5, 0.95, 1.0))
                    self.box["contact_reasons", (sex, reason)] = sum(rng.random() < lean for _ in range(n))

    def put(self, measure, sex, by_age):
        for age, n in by_age.items():
            self.box[measure, (sex, age)] = n
        self.box[measure, (sex, "_T")] = sum(by_age.values())

    def count(self, rng, style, sex):
        if style == "zero" or (style == "women" and sex != "F"):
            return 0
        if style == "large":
            return rng.randint(30, 120)
        return rng.choice((0, 0, 1, 1, 2, 3, 4, 5, 6, 9, rng.randint(5, 30)))

    def leave_blank(self, rng):
        """Some ages of some measures of one sex: the total stays, or goes as well."""
        measure = rng.choice(["clients"] + [m for m in self.parts if m != "clients_children_home"])
        sex = rng.choice(self.sexes)
        ages = rng.sample(self.ages, rng.randint(1, len(self.ages)))
        if rng.random() < 0.3:
            ages = self.ages + ["_T"]
        for age in ages:
            self.box[measure, (sex, age)] = None

    def lines(self, office, year):
        out = ["office,year,measure,sex,age,reason,value"]
        for (measure, codes), n in self.box.items():
            sex, rest = codes[0], codes[1] if len(codes) > 1 else ""
            age, reason = ("", rest) if measure == "contact_reasons" else (rest, "")
            out.append(",".join((office, year, measure, sex, age, reason, "" if n is None else str(n))))
        return out

    def figures(self, office):
        return {(measure, office, codes): n for (measure, codes), n in self.box.items() if n is not None}


STYLES = ("mixed", "mixed", "mixed", "zero", "large", "women", "full")


def forms(rng, shape, offices):
    """{office: Form}: at least one office of an awkward kind, at most one that is far larger."""
    out = {}
    for office in offices:
        style = rng.choice(STYLES)
        out[office] = Form(rng, shape, style, rng.random() < 0.25)
    return out
