"""Random goals with holes, as terms and as arrays; whether any play leads there does not matter."""

import dataclasses
import functools
import random
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma import Law, Term, variables
from selfplay_envs.proofs.term_arrays import encode

SIZE, GOALS, MAX_HOLES = 31, 64, 6


@dataclasses.dataclass(frozen=True)
class Goals:
    """GOALS of them."""

    laws: list[tuple[Law, Law]]
    """Hypothesis and conclusion, which has nothing to do with the sides."""
    sides: list[tuple[Term, Term]]
    """Hole h is -1 - h; they are numbered as they occur on their side."""
    problems: Any
    codes: np.ndarray
    """int8 [GOALS, 2, SIZE]."""
    sizes: np.ndarray
    """int8 [GOALS, 2, SIZE]."""
    growth: np.ndarray
    """int8 [GOALS, 4 * SIZE]: even, or -128, at random."""


def subterms(term: Term) -> list[Term]:
    """In preorder."""
    if isinstance(term, int):
        return [term]
    return [term, *subterms(term[0]), *subterms(term[1])]


def codes(term: Term) -> list[int]:
    """1 for ◇, 2 + v for variable v, 8 + h for hole h."""

    def code(part: Term) -> int:
        if isinstance(part, tuple):
            return 1
        return 2 + part if part >= 0 else 7 - part

    return [code(part) for part in subterms(term)]


def renumbered(term: Term) -> Term:
    """Holes by where they first occur."""
    order = dict.fromkeys(leaf for leaf in variables(term) if leaf < 0)
    names = {hole: -1 - i for i, hole in enumerate(order)}

    def renamed(term: Term) -> Term:
        if isinstance(term, int):
            return names.get(term, term)
        return renamed(term[0]), renamed(term[1])

    return renamed(term)


def any_term(rng: random.Random, operations: int, leaves: Sequence[int]) -> Term:
    if operations == 0:
        return rng.choice(leaves)
    on_left = rng.randrange(operations)
    return (
        any_term(rng, on_left, leaves),
        any_term(rng, operations - 1 - on_left, leaves),
    )


@functools.cache
def goals() -> Goals:
    rng, lots = random.Random(0), np.random.default_rng(0)
    there = [(rng.choice(laws()), rng.choice(laws()[1:])) for _ in range(GOALS)]
    sides = list[tuple[Term, Term]]()
    for _ in there:
        leaves = [*range(rng.choice([1, 1, 2, 6])), *range(-rng.choice([0, 1, MAX_HOLES]), 0)]
        largest = rng.choice([2, 5, 15])
        left, right = (any_term(rng, rng.randint(0, largest), leaves) for _ in range(2))
        sides.append((renumbered(left), renumbered(right)))
    problems = [jax.device_get(encode(*pair, SIZE, True)) for pair in there]
    symbols, sizes = np.zeros((2, GOALS, 2, SIZE), np.int8)
    for goal, pair in enumerate(sides):
        for side, term in enumerate(pair):
            parts = subterms(term)
            symbols[goal, side, : len(parts)] = codes(term)
            sizes[goal, side, : len(parts)] = [len(subterms(part)) for part in parts]
    growth = lots.choice(np.array([-128, -8, -4, -2, 0, 2, 4, 6, 20], np.int8), (GOALS, 4 * SIZE))
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *problems)
    return Goals(there, sides, stacked, symbols, sizes, growth)
