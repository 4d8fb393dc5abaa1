"""Finite magmas: what holds in one, by plain definitions; who judges an episode of `magma_model`.

A magma of n elements is its table, the product a ◇ b in row a and column b. One in which the
hypothesis holds and the conclusion fails shows that the one law does not imply the other. Nothing
here is shared with the environment that looks for such tables.
"""

from collections.abc import Iterator

import numpy as np

from selfplay_envs.proofs.magma import Law, Term, name, variables

MAX_INSTANCES = 10_000_000
"""Of a law in a magma, one for each choice of values; these are checked a part at a time."""

_AT_ONCE = 1 << 16
"""Instances that are in memory together."""


def refutes(table: np.ndarray, hypothesis: Law, conclusion: Law) -> bool:
    """Whether the hypothesis holds in a magma, int [n, n], and the conclusion does not.

    Raises:
        ValueError: it is no table of a magma, or too large for the laws' variables.
    """
    return failing(hypothesis, table) is None and failing(conclusion, table) is not None


def failing(law: Law, table: np.ndarray) -> dict[int, int] | None:
    """Values of a law's variables at which its sides differ; None where it holds.

    Raises:
        ValueError: as `refutes`.
    """
    table = _checked(table)
    names = sorted({*variables(law.left), *variables(law.right)})
    for values in _assignments(len(table), len(names)):
        given = dict(zip(names, values, strict=True))
        wrong = np.flatnonzero(
            evaluated(law.left, table, given) != evaluated(law.right, table, given)
        )
        if len(wrong):
            return {v: int(values[i][wrong[0]]) for i, v in enumerate(names)}
    return None


def evaluated(term: Term, table: np.ndarray, given: dict[int, np.ndarray]) -> np.ndarray:
    """A term's values [I], given those of its variables [I]."""
    if isinstance(term, int):
        return given[term]
    left, right = (evaluated(part, table, given) for part in term)
    return table[left, right]


def as_text(table: np.ndarray) -> str:
    """A table with its rows and columns named, a line for each."""
    n = len(table)
    lines = ["◇ │ " + " ".join(map(str, range(n))), "──┼" + "──" * n]
    return "\n".join([*lines, *(f"{a} │ {' '.join(map(str, row))}" for a, row in enumerate(table))])


def explained(table: np.ndarray, hypothesis: Law, conclusion: Law) -> str:
    """The table, and where the conclusion fails. Raises ValueError if it refutes nothing."""
    where = failing(conclusion, table)
    if where is None or failing(hypothesis, table) is not None:
        raise ValueError(f"this table does not refute {hypothesis} ⊢ {conclusion}")
    values = ", ".join(f"{name(v)} = {value}" for v, value in where.items())
    given = {v: np.array(value) for v, value in where.items()}
    left, right = (int(evaluated(side, table, given)) for side in conclusion.sides)
    return (
        f"{as_text(table)}\n\n{hypothesis} holds for all values, but {conclusion} does not:\n"
        f"at {values} the left side is {left} and the right side {right}"
    )


def _checked(table: np.ndarray) -> np.ndarray:
    """The table as int64. Raises ValueError if it is none."""
    table = np.asarray(table)
    n = len(table) if table.ndim else 0
    if n < 1 or table.shape != (n, n) or table.dtype.kind not in "iu":
        raise ValueError(
            f"a magma of n elements is an n×n table of integers, got {table.dtype} "
            f"{list(table.shape)}"
        )
    if table.min() < 0 or table.max() >= n:
        raise ValueError(f"products in a table of {n} elements are 0 to {n - 1}")
    return table.astype(np.int64)


def _assignments(elements: int, count: int) -> Iterator[np.ndarray]:
    """All values of so many variables, int64 [count, part], a part at a time."""
    total = elements**count
    if total > MAX_INSTANCES:
        raise ValueError(
            f"{count} variables have {total:,} values among {elements} elements, at most "
            f"{MAX_INSTANCES:,} can be checked"
        )
    for start in range(0, total, _AT_ONCE):
        places = np.arange(start, min(start + _AT_ONCE, total))
        yield np.stack([places // elements**i % elements for i in range(count)])
