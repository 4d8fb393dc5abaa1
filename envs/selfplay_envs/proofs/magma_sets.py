"""Reckoning with sets of values: what partly known products say about each other.

A set of elements is a word, element a its bit a. What is known of a magma is for each cell of its
table the set of values that are still possible; so each term has a set of values, forwards from its
parts, and its parts have fewer, backwards from it (F. Benhamou et al. 1999, "Revising hull and box
consistency", HC4-revise, for finite sets). With tables of all pairs of sets a step is one look-up.
"""

import jax
import jax.numpy as jnp
from flax import struct

from selfplay_envs.proofs.law_table import VARIABLES, LawTable


class SetTables(struct.PyTreeNode):
    """Of a magma of which each product is one of a set; indexed by S times the first set, plus the
    second, with S = 2 ** elements."""

    products: jax.Array
    """uint8 [S * S]: by sets of left and of right factors, values of their products."""
    lefts: jax.Array
    """uint8 [S * S]: by sets of right factors and of products, left factors that can have such."""
    rights: jax.Array
    """uint8 [S * S]: by sets of left factors and of products, right factors."""


def set_tables(cells: jax.Array) -> SetTables:
    """From the sets of each cell, uint8 [elements, elements]."""
    elements = cells.shape[0]
    sets = jnp.arange(2**elements, dtype=jnp.uint8)
    bits = jnp.uint8(1) << jnp.arange(elements, dtype=jnp.uint8)
    by_right = jax.vmap(_unions)(cells)  # [a, set of right factors]
    possible = (cells[:, :, None] & sets[None, None]) != 0  # [a, b, set of products]
    by_left = jnp.where(possible, bits[:, None, None], jnp.uint8(0)).sum(0, dtype=jnp.uint8)
    by_product = jnp.where(possible, bits[None, :, None], jnp.uint8(0)).sum(1, dtype=jnp.uint8)
    return SetTables(*(_unions(x).reshape(-1) for x in (by_right, by_left, by_product)))


def _unions(rows: jax.Array) -> jax.Array:
    """uint8 [2 ** N, ...]: for each set of N rows, uint8 [N, ...], their union."""
    united = jnp.zeros((1, *rows.shape[1:]), jnp.uint8)
    for row in rows:
        united = jnp.concatenate([united, united | row[None]])
    return united


def is_single(sets: jax.Array) -> jax.Array:
    """bool: whether at most one element is in each."""
    return (sets & (sets - jnp.uint8(1))) == 0


def equal(left: jax.Array, right: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Sets of two sides that are equal, less what cannot be."""
    return left & right, left & right


def different(left: jax.Array, right: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Sets of two sides that differ, less what cannot be."""
    return (
        jnp.where(is_single(right), left & ~right, left),
        jnp.where(is_single(left), right & ~left, right),
    )


def narrowed(law: LawTable, tables: SetTables, variables: jax.Array, relation=equal) -> jax.Array:
    """Values that are possible for each part of a law, instance by instance.

    Args:
        law: the law.
        tables: of the magma.
        variables: uint8 [VARIABLES, I], of each instance the values of the variables.
        relation: what the two sides are, `equal` or `different`.

    Returns:
        uint8 [VARIABLES + operations, I], by the numbers of `LawTable`. Where one is empty, an
        instance cannot be as it should.
    """
    operations, count = len(law.products), variables.shape[1]
    size = jnp.uint16(round(len(tables.products) ** 0.5))
    sets = jnp.concatenate([variables, jnp.zeros((operations, count), jnp.uint8)])

    def look_up(table: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
        return table[first.astype(jnp.uint16) * size + second.astype(jnp.uint16)]

    for row in range(operations):
        left, right = (sets[part] for part in law.products[row])
        sets = sets.at[VARIABLES + row].set(look_up(tables.products, left, right))
    numbers = jnp.arange(len(sets), dtype=jnp.int8)[:, None]

    def keep(sets: jax.Array, number: jax.Array, kept: jax.Array) -> jax.Array:
        return jnp.where(numbers == number, sets & kept[None], sets)

    for side, kept in zip(law.sides, relation(*(sets[side] for side in law.sides)), strict=True):
        sets = keep(sets, side, kept)
    for row in reversed(range(operations)):
        product = sets[VARIABLES + row]
        left_number, right_number = law.products[row]
        left, right = sets[left_number], sets[right_number]
        sets = keep(sets, left_number, look_up(tables.lefts, right, product))
        sets = keep(sets, right_number, look_up(tables.rights, left, product))
    return sets


def allowed(law: LawTable, sets: jax.Array, valid: jax.Array, elements: int) -> jax.Array:
    """uint8 [elements, elements]: what instances leave of each cell, by the sets of `narrowed`.

    Args:
        law: the law.
        sets: uint8 [VARIABLES + operations, I].
        valid: bool [I]: instances that count. Where they cannot be as they should, nothing is left.
        elements: of the magma.
    """
    everything = jnp.uint8(2**elements - 1)
    failed = (valid & (sets == 0).any(0)).any()
    bits = jnp.uint8(1) << jnp.arange(elements, dtype=jnp.uint8)
    left = jnp.full((elements, elements), everything)
    for row in range(len(law.products)):
        rows, columns = (sets[part] for part in law.products[row])
        is_row = (rows[:, None] == bits[None]) & valid[:, None]
        here = is_row[:, :, None] & (columns[:, None] == bits[None])[:, None, :]
        kept = jnp.where(here, sets[VARIABLES + row][:, None, None], everything)
        left &= jax.lax.reduce(kept, everything, jax.lax.bitwise_and, (0,))
    return jnp.where(failed, jnp.uint8(0), left)
