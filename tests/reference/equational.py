"""Equational reasoning in plain Python, slowly: terms, not arrays; negative numbers are holes, hole
h is -1 - h; directions and places as in `selfplay_envs.proofs.equational_moves`."""

from selfplay_envs.proofs.magma import Law, Term, variables

ROUNDS = 4
MAX_HOLES = 6


class NotAllowedError(Exception):
    """What a rewriting must not do."""


def subterms(term) -> list:
    """Of a term, in preorder."""
    if not isinstance(term, tuple):
        return [term]
    return [term, *subterms(term[0]), *subterms(term[1])]


def replaced(term, place: int, new):
    if place == 0:
        return new
    on_left = len(subterms(term[0]))
    if place <= on_left:
        return replaced(term[0], place - 1, new), term[1]
    return term[0], replaced(term[1], place - 1 - on_left, new)


def renumbered(term: Term) -> Term:
    """Holes by first occurrence."""
    order = list(dict.fromkeys(v for v in variables(term) if v < 0))
    return _mapped(term, lambda leaf: -1 - order.index(leaf) if leaf < 0 else leaf)


def allowed(law: Law, side: Term, size: int) -> dict[tuple[int, int], Term]:
    """What each rewriting makes of a side of up to `size` nodes, by direction and place."""
    found = {}
    for direction in range(2):
        for place in range(len(subterms(side))):
            try:
                found[direction, place] = rewritten(law, side, size, direction, place)
            except NotAllowedError:
                continue
    return found


def rewritten(law: Law, side: Term, size: int, direction: int, place: int) -> Term:
    """Raises NotAllowedError."""
    pattern, replacement = law.sides if direction == 0 else law.sides[::-1]
    here = subterms(side)[place]
    if isinstance(here, int) and here < 0 and list(variables(side)).count(here) == 1:
        raise NotAllowedError("it is a hole that occurs once")
    classes = Classes()
    classes.walk(pattern, here)
    outcome = classes.resolved(replaced(_of_side(side), place, _of_law(replacement)))
    open_ = list(dict.fromkeys(leaf for leaf in subterms(outcome) if isinstance(leaf, str)))
    outcome = _mapped(outcome, lambda leaf: -1 - open_.index(leaf) if leaf in open_ else leaf)
    if len(subterms(outcome)) > size or len(open_) > MAX_HOLES:
        raise NotAllowedError("it is too large")
    return outcome


class Classes:
    """Of unknowns, which are "v0", "v1", … for the law's variables, "h0", … for the side's holes.

    A class has at most one value.
    """

    def __init__(self):
        self.members: dict[str, list[str]] = {}
        self.values: dict[str, tuple[bool, object]] = {}
        """Of a class by its first member: whether it is a subterm of the side, and which term."""

    def of(self, unknown: str) -> str:
        """The first member of its class."""
        for first, members in self.members.items():
            if unknown in members:
                return first
        self.members[unknown] = [unknown]
        return unknown

    def walk(self, pattern: Term, term: Term) -> None:
        """Pattern and subterm together."""
        if isinstance(pattern, int) and isinstance(term, int) and term < 0:
            self.join(_of_law(pattern), _of_side(term))
        elif isinstance(pattern, int):
            self.give(self.of(_of_law(pattern)), True, _of_side(term))
        elif isinstance(term, tuple):
            self.walk(pattern[0], term[0])
            self.walk(pattern[1], term[1])
        elif term < 0:
            self.give(self.of(_of_side(term)), False, _of_law(pattern))
        else:
            raise NotAllowedError("◇ against a constant")

    def give(self, first: str, of_side: bool, value) -> None:
        """To a class that has no value, or the same subterm of the side."""
        if first not in self.values:
            self.values[first] = of_side, value
        elif not of_side or self.values[first] != (True, value):
            raise NotAllowedError("two values of a class")

    def join(self, one: str, other: str) -> None:
        one, other = self.of(one), self.of(other)
        if one != other:
            self.members[one] += self.members.pop(other)
            if other in self.values:
                self.give(one, *self.values.pop(other))

    def resolved(self, term):
        """With values in place of unknowns, and the first of their class where it has none."""
        for first in self.values:  # all of them: one may need itself that the term is without
            self._in_rounds(first)
        term = self._in_rounds(term)
        return _mapped(term, lambda leaf: self.of(leaf) if isinstance(leaf, str) else leaf)

    def _in_rounds(self, term):
        for _ in range(ROUNDS):
            term = _mapped(term, self.value)
        if _mapped(term, self.value) != term:
            raise NotAllowedError("values are left after so many rounds")
        return term

    def value(self, leaf):
        """Of an unknown whose class has one; else itself."""
        known = self.values.get(self.of(leaf)) if isinstance(leaf, str) else None
        return leaf if known is None else known[1]


def _of_law(term: Term):
    return _mapped(term, lambda leaf: f"v{leaf}")


def _of_side(term: Term):
    return _mapped(term, lambda leaf: f"h{-1 - leaf}" if leaf < 0 else leaf)


def _mapped(term, leaf_to):
    if isinstance(term, tuple):
        return _mapped(term[0], leaf_to), _mapped(term[1], leaf_to)
    return leaf_to(term)
