"""Terms and laws of magmas: what they are, and as people write them.

A magma is a set with one binary operation ◇, of which nothing else is known. A law is an equation
of two terms, for all values of its variables.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import TypeAlias

Term: TypeAlias = "int | tuple[Term, Term]"
"""A variable, by its number from 0; or the product of two terms. In `narrowing` a hole, too, which
stands for any term: hole h is -1 - h."""

VARIABLES = "xyzwuvrst"
"""Names of variables by number, the order of the Equational Theories Project; then x9, x10, …"""

MAX_OPERATIONS = 200
"""Of a law that is read, and pairs of parentheses."""

OPERATIONS = "◇*∘·⋄⋅"
"""How the operation may be written."""

_A_VARIABLE = "one letter a to z, perhaps with digits or primes behind it"
_EXCERPT = 60
"""Characters of a text that a message repeats, at most."""

_TOKEN = re.compile(rf"\s*(?:([A-Za-z][A-Za-z0-9_']*)|([{OPERATIONS}])|([()])|(=))")
_VARIABLE = re.compile(r"[A-Za-z][0-9_']*")
_NUMBERED = re.compile(r"(?:E|Equation)[0-9]+")


@dataclasses.dataclass(frozen=True)
class Law:
    """An equation of two terms."""

    left: Term
    right: Term

    @property
    def sides(self) -> tuple[Term, Term]:
        """Left, right."""
        return self.left, self.right

    @property
    def dual(self) -> "Law":
        """Both sides read from right to left: what holds of x ◇ y, said of y ◇ x."""
        return Law(dual(self.left), dual(self.right))

    @property
    def num_variables(self) -> int:
        """How many different ones there are."""
        return len({*variables(self.left), *variables(self.right)})

    def renamed(self) -> "Law":
        """Variables numbered as they occur, from the left: equal for laws that differ by names."""
        order = {v: i for i, v in enumerate(dict.fromkeys(self._occurring()))}
        return Law(*(substituted(side, order) for side in self.sides))

    def _occurring(self) -> Iterator[int]:
        for side in self.sides:
            yield from variables(side)

    def __str__(self) -> str:
        return f"{show(self.left)} = {show(self.right)}"


def variables(term: Term) -> Iterator[int]:
    """Those of a term from the left, as often as they occur."""
    waiting = [term]
    while waiting:
        here = waiting.pop()
        if isinstance(here, int):
            yield here
        else:
            waiting += reversed(here)


def substituted(term: Term, values: dict[int, Term] | dict[int, int]) -> Term:
    """A term with values in place of its variables; each must have one."""
    if isinstance(term, int):
        return values[term]
    left, right = term
    return substituted(left, values), substituted(right, values)


def dual(term: Term) -> Term:
    """The term read from right to left."""
    if isinstance(term, int):
        return term
    left, right = term
    return dual(right), dual(left)


def num_operations(term: Term) -> int:
    """How many ◇ a term has."""
    return sum(1 for _ in variables(term)) - 1


def name(variable: int) -> str:
    """Of a variable, for a person; holes are ?1, ?2, …"""
    if variable < 0:
        return f"?{-variable}"
    return VARIABLES[variable] if variable < len(VARIABLES) else f"x{variable}"


def show(term: Term) -> str:
    """As a person writes it, without the outermost parentheses: x ◇ (y ◇ x)."""
    if isinstance(term, int):
        return name(term)
    left, right = (show(part) if isinstance(part, int) else f"({show(part)})" for part in term)
    return f"{left} ◇ {right}"


def excerpt(text: str, around: int = 0) -> str:
    """A text as a message repeats it: of a long one what is around a place."""
    begin = max(0, min(around - _EXCERPT // 2, len(text) - _EXCERPT))
    end = begin + _EXCERPT
    return "…" * (begin > 0) + text[begin:end] + "…" * (end < len(text))


def parse_law(text: str) -> tuple[Law, tuple[str, ...]]:
    """A law and the names of its variables, which are numbered as they occur.

    The operation is written ◇, *, ∘, ·, ⋅ or ⋄, a variable as one letter, and each product of three
    or more has parentheses.

    Raises:
        ValueError: it is no equation; says where, and what was expected.
    """
    return _Reader(text).law()


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str):
        self._text, self._names = text, dict[str, int]()
        self._tokens: list[tuple[str, int]] = []
        self._next = 0
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise self._refusal(
                    at, f"a variable ({_A_VARIABLE}), ◇ (or * ∘ ·), =, or a parenthesis"
                )
            self._tokens.append((found.group().strip(), found.start() + _indent(found.group())))
            at = found.end()
        for what, signs in (("operations", OPERATIONS), ("pairs of parentheses", "(")):
            if sum(token in signs for token, _ in self._tokens) > MAX_OPERATIONS:
                raise ValueError(f"a law has at most {MAX_OPERATIONS} {what}, this one has more")

    def law(self) -> tuple[Law, tuple[str, ...]]:
        left = self._term()
        self._expect("=", "= and another term")
        right = self._term()
        if self._next < len(self._tokens):
            raise self._refusal(self._tokens[self._next][1], "the end")
        return Law(left, right), tuple(self._names)

    def _term(self) -> Term:
        """A product, or what may be a part of one."""
        left = self._part()
        if not _is_operation(self._here):
            return left
        self._next += 1
        right = self._part()
        if _is_operation(self._here):
            where = self._tokens[self._next][1]
            raise self._refusal(where, "parentheses: ◇ is not associative, a product has two parts")
        return left, right

    def _part(self) -> Term:
        token, self._next = self._here, self._next + 1
        if token == "(":
            inside = self._term()
            self._expect(")", "◇ or )")
            return inside
        if not token or not token[0].isalpha():
            self._next -= 1
            raise self._refusal(self._place, "a variable or (")
        if _NUMBERED.fullmatch(token):
            raise ValueError(
                f"{excerpt(token)} is a law's number, which stands alone on its side of ⊢"
            )
        if not _VARIABLE.fullmatch(token):
            raise ValueError(
                f"a variable is {_A_VARIABLE}, got {excerpt(token)!r}; a product needs its sign: "
                "x ◇ y, or x * y"
            )
        return self._names.setdefault(token, len(self._names))

    @property
    def _here(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    @property
    def _place(self) -> int:
        inside = self._next < len(self._tokens)
        return self._tokens[self._next][1] if inside else len(self._text)

    def _expect(self, token: str, what: str) -> None:
        if self._here != token:
            raise self._refusal(self._place, what)
        self._next += 1

    def _refusal(self, at: int, what: str) -> ValueError:
        found = repr(self._text[at]) if at < len(self._text) else "the end"
        return ValueError(
            f"a law reads like x ◇ (y ◇ x) = y; expected {what} at character {at + 1} of "
            f"{excerpt(self._text, at)!r}, found {found}"
        )


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _is_operation(token: str) -> bool:
    return len(token) == 1 and token in OPERATIONS
