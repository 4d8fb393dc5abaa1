"""Propositional formulas: what they are, their subformulas, and how they are written.

A formula is built from atoms and falsum by `And`, `Or` and `Implies`. What else people write is
expanded: not p is p → ⊥, verum is ⊥ → ⊥, p ↔ q is (p → q) ∧ (q → p).
"""

import dataclasses
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Atom:
    """A proposition about which nothing is known but its name."""

    name: str


@dataclasses.dataclass(frozen=True)
class Falsum:
    """What has no proof: ⊥."""


@dataclasses.dataclass(frozen=True)
class And:
    """Both."""

    left: "Formula"
    right: "Formula"


@dataclasses.dataclass(frozen=True)
class Or:
    """One of the two, and it is known which."""

    left: "Formula"
    right: "Formula"


@dataclasses.dataclass(frozen=True)
class Implies:
    """From the left, the right."""

    left: "Formula"
    right: "Formula"


Formula = Atom | Falsum | And | Or | Implies

FALSUM = Falsum()
VERUM = Implies(FALSUM, FALSUM)


def negation(formula: Formula) -> Formula:
    """¬ formula."""
    return Implies(formula, FALSUM)


def equivalence(left: Formula, right: Formula) -> Formula:
    """left ↔ right."""
    return And(Implies(left, right), Implies(right, left))


def parts(formula: Formula) -> tuple[Formula, ...]:
    """What it is built from: left and right, or nothing."""
    return () if isinstance(formula, Atom | Falsum) else (formula.left, formula.right)


def subformulas(formula: Formula) -> list[Formula]:
    """The different ones, each after its parts, the formula itself last.

    Those of the left part come first. No recursion: formulas may be thousands of levels deep.
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
