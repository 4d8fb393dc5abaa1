"""Propositional formulas: what they are, and their subformulas.

A formula is built from atoms and falsum by `And`, `Or` and `Implies`. What else people write is
expanded: not p is p → ⊥, verum is ⊥ → ⊥, p ↔ q is (p → q) ∧ (q → p).

Parts may be shared: a chain of n equivalences is a graph of 3n nodes, and would be a tree of 2ⁿ.
So hash and depth are computed once, in construction, and nothing here walks a formula as a tree.
"""

import dataclasses
from collections.abc import Iterator

MAX_DEPTH = 10_000
"""Levels of a formula. The deepest of ILTP that was seen, of pigeons in holes, has 2,194."""


class _Node:
    """What all formulas have in common: equality by structure, in time linear in the graph."""

    depth: int
    """Levels: 1 for an atom."""
    _hash: int

    def _remember(self, *key: object, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ValueError(f"a formula has at most {MAX_DEPTH:,} levels, this one has {depth:,}")
        object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "_hash", hash((type(self).__name__, *key)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Node):
            return NotImplemented
        pairs: list[tuple[_Node, _Node]] = [(self, other)]
        seen: set[tuple[int, int]] = set()
        while pairs:
            one, two = pairs.pop()
            if one is two or (id(one), id(two)) in seen:
                continue
            if type(one) is not type(two) or one._hash != two._hash:
                return False
            seen.add((id(one), id(two)))
            if isinstance(one, Atom) and isinstance(two, Atom) and one.name != two.name:
                return False
            pairs.extend(zip(parts(one), parts(two), strict=True))
        return True

    def __repr__(self) -> str:
        """Its beginning at least, for messages."""
        text = ""
        waiting: list[_Node | str] = [self]
        while waiting and len(text) < 500:
            here = waiting.pop()
            if isinstance(here, str):
                text += here
            elif isinstance(here, Atom):
                text += repr(here.name)
            elif isinstance(here, Falsum):
                text += "FALSUM"
            else:
                left, right = parts(here)
                waiting += [")", right, ", ", left, f"{type(here).__name__}("]
        return text + "…" if waiting else text


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Atom(_Node):
    """A proposition about which nothing is known but its name."""

    name: str

    def __post_init__(self) -> None:
        self._remember(self.name, depth=1)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Falsum(_Node):
    """What has no proof: ⊥."""

    def __post_init__(self) -> None:
        self._remember(depth=1)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class _Binary(_Node):
    left: "Formula"
    right: "Formula"

    def __post_init__(self) -> None:
        depth = 1 + max(self.left.depth, self.right.depth)
        self._remember(self.left, self.right, depth=depth)


class And(_Binary):
    """Both."""


class Or(_Binary):
    """One of the two, and it is known which."""


class Implies(_Binary):
    """From the left, the right."""


Formula = Atom | Falsum | And | Or | Implies

FALSUM = Falsum()
VERUM = Implies(FALSUM, FALSUM)


def negation(formula: Formula) -> Formula:
    """¬ formula."""
    return Implies(formula, FALSUM)


def equivalence(left: Formula, right: Formula) -> Formula:
    """left ↔ right."""
    return And(Implies(left, right), Implies(right, left))


def parts(formula: _Node) -> tuple[Formula, ...]:
    """What it is built from: left and right, or nothing."""
    return (formula.left, formula.right) if isinstance(formula, And | Or | Implies) else ()


def subformulas(formula: Formula) -> list[Formula]:
    """The different ones, each after its parts, the formula itself last.

    Those of the left part come first.
    """
    found: dict[Formula, None] = {}
    stack = [(formula, False)]
    while stack:
        here, visited = stack.pop()
        if here in found:
            continue
        if visited:
            found[here] = None
        else:
            stack.append((here, True))
            stack.extend((part, False) for part in reversed(parts(here)))
    return list(found)


def atoms(formula: Formula) -> Iterator[Atom]:
    """The different atoms, in the order in which they occur."""
    return (part for part in subformulas(formula) if isinstance(part, Atom))
