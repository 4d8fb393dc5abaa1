"""Pairs of laws to find magmas for: generated ones, in levels, and as arrays.

All are in a table beside this file; how they were made is told in `magma_model_problems.md`. What
is held out is so by hypothesis: laws that say the same have the same models, and a law and its dual
have each other's, so that a hash of the models of two and three elements keeps them on one side.
"""

import csv
import functools
import hashlib
import importlib.resources
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfplay_envs.proofs import magma_finder
from selfplay_envs.proofs.law_table import LawTable, encode
from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma import Law

FILE = "magma_model_problems.csv"

EFFORTS = {2: 1, 3: 2, 4: 3, 5: 3}
"""Levels of each number of elements, by how long a plain finder searched; easiest first."""

HELD_OUT_EIGHTH = 5
"""Of all hypotheses, by their models; one of which each level has some."""


class PairOfLaws(NamedTuple):
    """A generated problem."""

    level: int
    held_out: bool
    elements: int
    """Of the smallest magma."""
    nodes: int
    """Tables that the plain finder looked at until it had one."""
    hypothesis: int
    """A law's number."""
    conclusion: int


def first_level(elements: int) -> int:
    """Of problems of so many elements."""
    return sum(count for n, count in EFFORTS.items() if n < elements)


def num_levels(elements: int) -> int:
    """Levels of problems of at most so many elements."""
    return first_level(elements + 1)


def is_held_out(hypothesis: Law) -> bool:
    """Whether a law's models keep it, what says the same, and their duals from training."""
    seen = [
        b"".join(magma_finder.models(law, n).astype(np.int8).tobytes() for n in (2, 3))
        for law in (hypothesis, hypothesis.dual)
    ]
    return hashlib.sha256(min(seen)).digest()[0] % 8 == HELD_OUT_EIGHTH


@functools.cache
def pairs() -> tuple[PairOfLaws, ...]:
    """All that were generated, the easiest level first."""
    source = importlib.resources.files("selfplay_envs.proofs") / FILE
    rows = csv.reader(source.read_text(encoding="ascii").splitlines()[1:])
    numbers = (tuple(map(int, row)) for row in rows)
    return tuple(PairOfLaws(level, held == 1, *rest) for level, held, *rest in numbers)


class _Arrays(NamedTuple):
    hypotheses: LawTable
    """LawTable [N], the easiest level first."""
    conclusions: LawTable
    elements: np.ndarray
    """int8 [N]."""
    begins: np.ndarray
    """int32 [num_levels + 1]: where each level begins, and where the last one ends."""


@functools.cache
def _arrays(operations: int, split: str) -> _Arrays:
    """Those of a split."""
    mine = [pair for pair in pairs() if pair.held_out == (split == "held_out")]
    sides = [
        jax.tree.map(lambda *rows: np.stack(rows), *[encode(law, operations) for law in side])
        for side in (
            [laws()[pair.hypothesis - 1] for pair in mine],
            [laws()[pair.conclusion - 1] for pair in mine],
        )
    ]
    counts = np.bincount([pair.level for pair in mine], minlength=num_levels(max(EFFORTS)))
    begins = np.cumsum([0, *counts], dtype=np.int32)
    elements = np.array([pair.elements for pair in mine], np.int8)
    return _Arrays(sides[0], sides[1], elements, begins)


def draw(
    operations: int, split: str, key: jax.Array, level: jax.Array
) -> tuple[LawTable, LawTable, jax.Array]:
    """Hypothesis, conclusion and elements (int8 []) of a problem of a level (int32 [])."""
    *rows, begins = _arrays(operations, split)
    first, end = jnp.asarray(begins)[level], jnp.asarray(begins)[level + 1]
    index = jax.random.randint(key, (), first, end, jnp.int32)
    hypothesis, conclusion, elements = jax.tree.map(lambda leaf: jnp.asarray(leaf)[index], rows)
    return hypothesis, conclusion, elements
