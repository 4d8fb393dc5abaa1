"""Equational reasoning in plain Python, slowly: terms, not arrays; actions numbered as in
`selfplay_envs.proofs.equational_moves`."""

from selfplay_envs.proofs.magma import Law, Term, variables


def subterms(term: Term) -> list[Term]:
    """Of a term, in preorder."""
    if isinstance(term, int):
        return [term]
    return [term, *subterms(term[0]), *subterms(term[1])]


def matched(pattern: Term, term: Term, values: dict[int, Term]) -> dict[int, Term] | None:
    """What the pattern's variables stand for beside `values`, if it can be the term."""
    if isinstance(pattern, int):
        return values | {pattern: term} if values.get(pattern, term) == term else None
    if isinstance(term, int):
        return None
    first = matched(pattern[0], term[0], values)
    return None if first is None else matched(pattern[1], term[1], first)


def filled(pattern: Term, values: dict[int, Term]) -> Term:
    if isinstance(pattern, int):
        return values[pattern]
    return filled(pattern[0], values), filled(pattern[1], values)


def replaced(term: Term, place: int, new: Term) -> Term:
    if place == 0:
        return new
    assert isinstance(term, tuple)
    on_left = len(subterms(term[0]))
    if place <= on_left:
        return replaced(term[0], place - 1, new), term[1]
    return term[0], replaced(term[1], place - 1 - on_left, new)


class Attempt:
    """A goal, and the rewriting that waits for picks."""

    def __init__(self, hypothesis: Law, conclusion: Law, size: int):
        self.law, self.size = hypothesis, size
        self.goal, self.begun = list(conclusion.sides), conclusion.sides
        self.constants = range(conclusion.num_variables)
        self.pending: int | None = None
        self.picks: list[int] = []

    @property
    def solved(self) -> bool:
        return self.goal[0] == self.goal[1]

    def read(self, action: int) -> tuple[int, int, Term, Term]:
        """Side, place, and the law's sides as a rewriting reads them."""
        direction, place = divmod(action, 2 * self.size)
        before, after = self.law.sides if direction == 0 else reversed(self.law.sides)
        return place // self.size, place % self.size, before, after

    def open(self, action: int) -> list[int]:
        """Variables that are picked, in order."""
        _, _, before, after = self.read(action)
        return sorted(set(variables(after)) - set(variables(before)))

    def picked(self, pick: int) -> Term:
        if pick >= 2 * self.size:
            return pick - 2 * self.size
        return subterms(self.shown(pick // self.size))[pick % self.size]

    def shown(self, side: int) -> Term:
        """Where picks are from: the side at work as it is, the other one as it began."""
        assert self.pending is not None
        own, *_ = self.read(self.pending)
        return (self.goal if side == own else self.begun)[side]

    def outcome(self, action: int, picks: list[Term]) -> "Term | None":
        """What the side becomes, if the law matches and it fits."""
        side, place, before, after = self.read(action)
        values = matched(before, subterms(self.goal[side])[place], {})
        if values is None:
            return None
        values |= dict(zip(self.open(action), picks, strict=True))
        result = replaced(self.goal[side], place, filled(after, values))
        return result if len(subterms(result)) <= self.size else None

    def allows(self, action: int, picks: list[Term]) -> bool:
        """With variables for what is still to be picked."""
        missing = len(self.open(action)) - len(picks)
        result = self.outcome(action, picks + [0] * missing)
        side, *_ = self.read(action)
        return result is not None and (missing > 0 or result != self.goal[side])

    def legal(self) -> list[int]:
        if self.pending is not None:
            before = [self.picked(pick) for pick in self.picks]
            return [
                4 * self.size + pick
                for pick in self.pool()
                if self.allows(self.pending, [*before, self.picked(pick)])
            ]
        return [
            direction * 2 * self.size + side * self.size + place
            for direction in range(2)
            for side in range(2)
            for place in range(len(subterms(self.goal[side])))
            if self.allows(direction * 2 * self.size + side * self.size + place, [])
        ]

    def pool(self) -> list[int]:
        """Products where they first occur, those of the side at work before others; variables."""
        first: dict[Term, int] = {}
        assert self.pending is not None
        own, *_ = self.read(self.pending)
        for side in (own, 1 - own):
            for place, term in enumerate(subterms(self.shown(side))):
                if isinstance(term, tuple):
                    first.setdefault(term, side * self.size + place)
        return [*first.values(), *(2 * self.size + v for v in self.constants)]

    def act(self, action: int) -> None:
        if self.pending is None:
            self.pending = action
        else:
            self.picks.append(action - 4 * self.size)
        if len(self.picks) == len(self.open(self.pending)):
            side, *_ = self.read(self.pending)
            result = self.outcome(self.pending, [self.picked(pick) for pick in self.picks])
            assert result is not None
            self.goal[side] = result
            self.pending, self.picks = None, []
