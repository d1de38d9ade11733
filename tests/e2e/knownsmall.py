"""Rule R12, "Known to be small" of docs/disclosure.md, as it is written there: of which cells that no table prints do all
that may be printed leave less than the threshold? Reckoned relation by relation from "at least" and "at most".

A cell that can only be small is a small count like a printed one: an office that takes its own part off "at most 9" knows
the others' as narrowly as a reader knows the whole. So it is protected against offices and coalitions too, and not only
from being known exactly (test_attack_blanks.py asks for no more of cells that are not known to be small).
"""
ROUNDS = 8
ANYTHING = float("inf")


class Reckoning:
    """known: what may be printed or follows from it. named: what a rule protects, of which nothing is concluded; None: to
    all offices together nothing is a secret."""

    def __init__(self, judge, known, named):
        self.table, self.k, self.published = judge.table, judge.k, judge.zeros == "published"
        self.nothing_is_secret, self.named = named is None, named or set()
        self.certain = {c for c in judge.table.cells if not judge.table.live[c] or (c in known and c not in self.named)}
        self.span = {c: self.at_first(c, judge) for c in judge.table.cells}
        self.lines = [(parent, children) for _, _, parent, children in judge.table.relations()]

    def at_first(self, cell, judge):
        if cell in self.certain:
            return self.table.value[cell], self.table.value[cell]
        return judge.floor if cell in self.named and judge.counted(cell) else 0, ANYTHING

    def is_protected(self, parent, children):
        """Less than the threshold is left to the uncertain cells: their sum is protected, or each of them."""
        value = self.table.value
        if self.nothing_is_secret or parent not in self.certain or (value[parent] == 0 and self.published):
            return False
        return value[parent] - sum(value[c] for c in children if c in self.certain) < self.k

    def run(self):
        for _ in range(ROUNDS):
            said = dict(self.span)
            for parent, children in self.lines:
                if not self.is_protected(parent, children):
                    self.say(said, parent, children)
            if said == self.span:
                break
            self.span = said
        return {c: most for c, (_, most) in self.span.items()}

    def say(self, said, parent, children):
        span = self.span
        low, high = span[parent]
        self.narrow(said, parent, sum(span[c][0] for c in children), sum(span[c][1] for c in children))
        for i, child in enumerate(children):
            others = children[:i] + children[i + 1:]
            self.narrow(said, child, low - sum(span[c][1] for c in others), high - sum(span[c][0] for c in others))

    def narrow(self, said, cell, low, high):
        if cell not in self.named and cell not in self.certain:
            said[cell] = max(said[cell][0], low), min(said[cell][1], high)


def known_small(judge, known, named):
    """{cell: is it a nought that offices may know of}"""
    table, sensitive = judge.table, judge.zeros == "sensitive"
    most = Reckoning(judge, known, named).run()
    small = [c for c in table.cells if table.live[c] and c not in known and c not in named and most[c] < judge.k and (
        most[c] > 0 or sensitive)]
    if judge.zeros == "published" and any(table.value[c] == 0 for c in small):
        nobody = Reckoning(judge, known, None).run()
        small = [c for c in small if nobody[c] > 0]
    return {c: table.value[c] == 0 and not sensitive for c in small}
