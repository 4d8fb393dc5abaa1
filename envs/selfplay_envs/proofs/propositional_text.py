"""A proof attempt as text, for a person who plays."""

from collections.abc import Sequence

import jax
import numpy as np

from selfplay_envs.proofs.formula import subformulas
from selfplay_envs.proofs.formula_table import FormulaTable, decode
from selfplay_envs.proofs.syntax import show


def describe(
    problem: FormulaTable, held: jax.Array, goals: Sequence[jax.Array], choices: jax.Array
) -> str:
    """Hypotheses and what is to be proved, each after its row's number; * what may be acted on.

    Args:
        problem: the formula.
        held: bool [S].
        goals: rows of what is to be proved, the one at work last.
        choices: bool [S].
    """
    rows = [show(row) for row in subformulas(decode(problem))]
    if not goals:
        return f"proved: {rows[-1]}"
    used, chosen = np.asarray(held & choices), np.asarray(choices & ~held)
    lines = [f"{i:>3}{'*' if used[i] else ' '} {rows[i]}" for i in np.flatnonzero(held)]
    lines += [f"⊢ {rows[int(goals[-1])]}"]
    lines += [f"  by {i}* {rows[i]}" for i in np.flatnonzero(chosen)]
    return "\n".join([*lines, *(f"then ⊢ {rows[int(goal)]}" for goal in reversed(goals[:-1]))])
