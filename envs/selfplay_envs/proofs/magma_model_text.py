"""Problems of `magma_model` as people write them, and what is known of a table."""

import re

import jax
import numpy as np

from selfplay_envs.proofs.implication_text import parse_implication
from selfplay_envs.proofs.magma import Law, name

_SIZE = re.compile(r"\s+with\s+(\d{1,9})\s+elements?\s*$")


def parse(text: str) -> tuple[tuple[Law, Law], int | None]:
    """Hypothesis and conclusion, and the number of elements if there is one.

    Such as "E168 ⊢ E387" or "x = (y ◇ x) ◇ y |- x = y ◇ (x ◇ y) with 3 elements".

    Raises:
        ValueError: says where it is no such text.
    """
    size = _SIZE.search(text)
    problem = text[: size.start()] if size else text
    return parse_implication(problem), int(size[1]) if size else None


def show(hypothesis: Law, conclusion: Law, elements: int) -> str:
    """Text that `parse` reads."""
    return f"{hypothesis} ⊢ {conclusion} with {elements} elements"


def describe(possible: jax.Array, num_variables: int, elements: int) -> str:
    """What is known: a value, or the values that are possible, as 013; nothing if all are.

    Args:
        possible: bool [VARIABLES + most², most]: values of variables, then of cells by row.
        num_variables: how many of the variables there are.
        elements: of the magma.
    """
    sets = np.asarray(possible)
    most = sets.shape[1]
    told = ["".join(map(str, np.flatnonzero(row))) or "✗" for row in sets]
    told = ["·" if len(one) == elements else one for one in told]
    cells = np.array(told[len(told) - most**2 :], dtype=object).reshape(most, most)
    variables = ", ".join(f"{name(v)} = {told[v]}" for v in range(num_variables))
    rows = (" ".join(f"{c:>{elements - 1}}" for c in row[:elements]) for row in cells[:elements])
    heads = " ".join(f"{b:>{elements - 1}}" for b in range(elements))
    lines = [f"the conclusion fails at {variables}", f"◇ │ {heads}"]
    return "\n".join([*lines, *(f"{a} │ {row}" for a, row in enumerate(rows))])
