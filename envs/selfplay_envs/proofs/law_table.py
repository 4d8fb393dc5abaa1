"""A law as arrays: variables and products are numbered, and each product names its two parts."""

from typing import Any

import jax
import numpy as np
from flax import struct

from selfplay_envs.proofs.magma import Law, Term, excerpt

VARIABLES = 6
"""Room for variables: as many as a law of four operations can have."""

MAX_OPERATIONS = 32
"""Rows of a table."""


class LawTable(struct.PyTreeNode):
    """Number v < VARIABLES is variable v, number VARIABLES + i the product in row i."""

    products: jax.Array
    """int8 [operations, 2]: numbers of the parts, which come before; equal products have one row.
    Rows that are not used are the square of variable 0."""
    sides: jax.Array
    """int8 [2]: numbers of the left and the right side."""
    num_variables: jax.Array
    """int8 []: variables are numbered as they occur."""


def encode(law: Law, operations: int) -> LawTable:
    """The table of NumPy arrays. Raises ValueError where it has no room for the law."""
    law = law.renamed()
    if law.num_variables > VARIABLES:
        raise ValueError(
            f"a law has at most {VARIABLES} variables here, {excerpt(str(law))} has "
            f"{law.num_variables}; that is a limit of this environment, which no argument changes"
        )
    rows: dict[tuple[Term, Term], int] = {}
    sides = [_number(side, rows) for side in law.sides]
    if len(rows) > operations:
        raise ValueError(
            f"a law has at most {operations} different products here, {excerpt(str(law))} has "
            f"{len(rows)}"
            + f"; --env-args operations {len(rows)} has room"
            * (len(rows) <= MAX_OPERATIONS)
        )
    products = np.zeros((operations, 2), np.int8)
    for row, product in enumerate(rows):
        products[row] = [_number(part, rows) for part in product]
    columns: list[Any] = [products, np.array(sides, np.int8), np.int8(law.num_variables)]
    return LawTable(*columns)


def num_products(law: Law) -> int:
    """How many different ones a law has."""
    rows: dict[tuple[Term, Term], int] = {}
    for side in law.sides:
        _number(side, rows)
    return len(rows)


def _number(term: Term, rows: dict[tuple[Term, Term], int]) -> int:
    """Of a term; new products get the next rows, their parts before them."""
    if isinstance(term, int):
        return term
    if term not in rows:
        for part in term:
            _number(part, rows)
        rows[term] = len(rows)
    return VARIABLES + rows[term]


def decode(table: LawTable) -> Law:
    """The law of a table of one problem."""
    left, right = (_term(int(side), np.asarray(table.products)) for side in table.sides)
    return Law(left, right)


def _term(number: int, products: np.ndarray) -> Term:
    if number < VARIABLES:
        return number
    left, right = (_term(int(part), products) for part in products[number - VARIABLES])
    return left, right
