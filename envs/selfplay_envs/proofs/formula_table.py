"""A formula as arrays of fixed shape: the table of its subformulas."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from selfplay_envs.proofs import atom_names
from selfplay_envs.proofs.formula import And, Atom, Falsum, Formula, Implies, Or, subformulas

ATOM, FALSUM, AND, OR, IMPLIES = range(5)

KINDS = (Atom, Falsum, And, Or, Implies)

_MADE_OF_TWO = {AND: And, OR: Or, IMPLIES: Implies}

SIZES = (16, 32, 64, 128)
"""Rows that tables are padded to."""

NUM_DEPTHS = 16
NUM_POSITIONS = 3 * NUM_DEPTHS
"""Depth in the formula, the deepest ones as one, by where it occurs: asserted, assumed, both."""


class FormulaTable(struct.PyTreeNode):
    """The S rows of subformulas: parts before wholes, the formula last, then padding."""

    kind: jax.Array
    """int8 [S]: ATOM, FALSUM, AND, OR or IMPLIES; ATOM on padding."""
    left: jax.Array
    """int8 [S]: row of the left part; its own row where there is none."""
    right: jax.Array
    """int8 [S]: row of the right part; its own row where there is none."""
    position: jax.Array
    """int8 [S], in [0, NUM_POSITIONS)."""
    size: jax.Array
    """int16 []: rows that are no padding."""
    names: jax.Array
    """uint32 [S / 2, 2]: of the atoms in the order of their rows; see `atom_names`."""


def encode(formula: Formula, size: int) -> FormulaTable:
    """The table of `formula`, in NumPy's arrays, padded to `size` rows.

    Raises:
        ValueError: it has more subformulas; says how many, and which of SIZES has room.
    """
    rows = subformulas(formula)
    if len(rows) > size:
        fitting = [other for other in SIZES if other >= len(rows)]
        more = f"--env-args subformulas {fitting[0]} has room" if fitting else ""
        raise ValueError(
            f"the formula has {len(rows)} different subformulas, with ¬ and ↔ expanded, and there "
            f"is room for {size}; {more or f'the most is {SIZES[-1]}'}"
        )
    number = {row: i for i, row in enumerate(rows)}
    kind = np.zeros(size, np.int8)
    left = np.arange(size, dtype=np.int8)
    right = left.copy()
    for i, row in enumerate(rows):
        kind[i] = KINDS.index(type(row))
        if isinstance(row, And | Or | Implies):
            left[i], right[i] = number[row.left], number[row.right]
    names = np.zeros((size // 2, atom_names.WORDS), np.uint32)
    for i, atom in enumerate(row for row in rows if isinstance(row, Atom)):
        names[i] = atom_names.pack(atom.name)
    position = _positions(kind, left, right, len(rows))
    columns: list[Any] = [kind, left, right, position, np.int16(len(rows)), names]
    return FormulaTable(*columns)


def decode(table: FormulaTable) -> Formula:
    """The formula of a table."""
    names = iter(atom_names.unpack(np.asarray(table.names).tolist()))
    rows: list[Formula] = []
    for kind, left, right in _columns(table):
        if kind == ATOM:
            rows.append(Atom(next(names)))
        elif kind == FALSUM:
            rows.append(Falsum())
        else:
            rows.append(_MADE_OF_TWO[kind](rows[left], rows[right]))
    return rows[-1]


def stack(tables: list[FormulaTable]) -> FormulaTable:
    """Tables [N] of equal shapes as one, on the device."""
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *tables)


def _columns(table: FormulaTable) -> list[tuple[int, int, int]]:
    """Kind, left and right of the rows that are no padding."""
    columns = (table.kind, table.left, table.right)
    return list(zip(*(np.asarray(x)[: int(table.size)].tolist() for x in columns), strict=True))


def _positions(kind: np.ndarray, left: np.ndarray, right: np.ndarray, size: int) -> np.ndarray:
    """int8 [S]: see NUM_POSITIONS; what occurs often is as deep as where it is least so."""
    depth = np.full(len(kind), NUM_DEPTHS - 1)
    occurs = np.zeros((len(kind), 2), bool)  # asserted, assumed
    depth[size - 1], occurs[size - 1, 0] = 0, True
    for i in reversed(range(size)):
        if kind[i] in (AND, OR, IMPLIES):
            flipped = occurs[i, ::-1] if kind[i] == IMPLIES else occurs[i]
            for part, sides in ((left[i], flipped), (right[i], occurs[i].copy())):
                occurs[part] |= sides
                depth[part] = min(depth[part], depth[i] + 1)
    return (3 * depth + np.where(occurs.all(1), 2, occurs[:, 1])).astype(np.int8)
