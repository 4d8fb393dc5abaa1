"""Generated formulas as tables, drawn by level."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfplay_envs.proofs import formula_problems
from selfplay_envs.proofs.formula_table import FormulaTable, encode
from selfplay_envs.proofs.syntax import parse


class FormulaLevels(NamedTuple):
    """The formulas of one split that there is room for."""

    tables: FormulaTable
    """FormulaTable [N], in NumPy's arrays, the easiest level first; atoms have no names."""
    begins: np.ndarray
    """int32 [num_levels + 1]: where each level begins, and where the last one ends."""


@functools.cache
def formula_levels(size: int, split: str) -> FormulaLevels:
    """All of a split with up to `size` subformulas; made once, which takes seconds."""
    levels = formula_problems.levels(size)[split]
    tables = [encode(parse(problem.text), size) for level in levels for problem in level]
    begins = np.cumsum([0, *map(len, levels)], dtype=np.int32)
    return FormulaLevels(jax.tree.map(lambda *leaves: np.stack(leaves), *tables), begins)


def draw(size: int, split: str, key: jax.Array, level: jax.Array) -> FormulaTable:
    """A formula of a level (int32 []), each as likely as any other."""
    tables, begins = formula_levels(size, split)
    first, end = jnp.asarray(begins)[level], jnp.asarray(begins)[level + 1]
    index = jax.random.randint(key, (), first, end, jnp.int32)
    return jax.tree.map(lambda leaf: jnp.asarray(leaf)[index], tables)
