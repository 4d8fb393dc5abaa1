"""What a network sees of an implication of laws: what is made of what, and what is the same."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from selfplay.environment import Tokens
from selfplay_envs.proofs import matching
from selfplay_envs.proofs.equational_moves import NOT_ALLOWED
from selfplay_envs.proofs.term_arrays import (
    EMPTY,
    HOLES,
    LAW_NODES,
    MAX_HOLES,
    MAX_VARIABLES,
    OPERATION,
    VARIABLES,
    EquationalProblem,
    LawTable,
    depths,
)

CLOCK = 16
"""What is told of the steps left: sixteenths of `max_steps`."""

DEPTH = 16
"""Deeper nodes look like those of the last of these depths."""

GROWTHS = 7
"""What is told of a rewriting: that it is not allowed, or by how many nodes its side grows with it,
which is even: -4 or less, -2, 0, 2, 4, 6 or more."""

_KINDS = 1 + MAX_VARIABLES + MAX_HOLES
"""Of nodes: ◇, the variables, the holes."""
_LAW = _KINDS * GROWTHS * GROWTHS * 2
_CONSTANTS = _LAW + 1 + MAX_VARIABLES
_HOLES = _CONSTANTS + MAX_VARIABLES
_CLOCKS = _HOLES + MAX_HOLES
VOCABULARY = _CLOCKS + CLOCK
_LAW_POSITIONS = 2 * DEPTH * 2
_ELSEWHERE = _LAW_POSITIONS + 2 * LAW_NODES // 2 * 2
_OF_SIDES = _ELSEWHERE + 1
NUM_POSITIONS = _OF_SIDES + 2


class _Nodes(NamedTuple):
    """Some tokens, as in `Tokens`."""

    tokens: jax.Array
    positions: jax.Array
    mask: jax.Array
    links: jax.Array


def num_tokens(size: int) -> int:
    """Both sides' nodes, the law's, the goal's variables, both sides' holes, the clock."""
    return _first_constant(size) + MAX_VARIABLES + 2 * MAX_HOLES + 1


def action_kinds(size: int) -> tuple[int, ...]:
    """Of each action: its direction. Either reads the token of the node that is rewritten."""
    return (0,) * 2 * size + (1,) * 2 * size


def tokens(
    problem: EquationalProblem,
    codes: jax.Array,
    sizes: jax.Array,
    growth: jax.Array,
    left: jax.Array,
) -> Tokens:
    """`Tokens` [num_tokens(size)], each linked to its left part, its right part, and what it is.

    - A node of the goal: its id says ◇, which variable or which hole; what rewriting it in either
      direction does to its side; whether it occurs on the other side. What it is: of a product the
      first node of an equal one, otherwise its variable or its hole. Holes of one side are not
      those of the other, and terms of which they are a part are not the same.
    - A node of the law. What it is: the law's first node of its variable.
    - The goal's variables; the holes of either side; the clock.

    Positions tell the side, the depth, and if the node is a right part.

    Args:
        problem: of which the law is seen.
        codes: int8 [2, size], of the goal.
        sizes: int8 [2, size], of its subterms.
        growth: int8 [4 * size], of its moves.
        left: float32 [], the share of the steps that are left.
    """
    size = codes.shape[1]
    parts = [
        _goal(codes, sizes, growth),
        _law(problem.law, 2 * size),
        _leaves(problem.num_variables, codes, left),
    ]
    rows = [jnp.concatenate(columns) for columns in zip(*parts, strict=True)]
    nodes = jnp.arange(2 * size, dtype=jnp.int32)
    seen = _Nodes(*rows)
    return Tokens(**seen._asdict(), action_tokens=jnp.concatenate([nodes, nodes]))


def _first_constant(size: int) -> int:
    """The goal's first variable's token; the holes of the left side, and of the right side, come
    after the variables, as their codes do."""
    return 2 * size + LAW_NODES


def _goal(codes: jax.Array, sizes: jax.Array, growth: jax.Array) -> _Nodes:
    """The goal's nodes, [2 * size]."""
    size, token = codes.shape[1], _kind(codes.reshape(-1))
    apart = jnp.array([[0], [MAX_HOLES]], jnp.int8)  # the right side's holes are others
    codes = jnp.where(codes >= HOLES, codes + apart, codes)
    hashed = matching.hashes(codes, sizes)
    codes, sizes = codes.reshape(-1), sizes.reshape(-1).astype(jnp.int32)
    place = jnp.arange(2 * size, dtype=jnp.int32)
    for grown in growth.reshape(2, 2 * size):
        step = jnp.clip(grown.astype(jnp.int32) // 2, -2, GROWTHS - 4) + 3
        token = token * GROWTHS + jnp.where(grown == NOT_ALLOWED, 0, step)
    token = 2 * token + matching.occurrences(hashed)[1].astype(jnp.int32)
    leaf = _first_constant(size) + codes.astype(jnp.int32) - VARIABLES
    same = jnp.where(sizes > 1, matching.first_places(hashed), jnp.where(sizes > 0, leaf, place))
    depth = jnp.minimum(depths(sizes), DEPTH - 1)
    position = (place // size * DEPTH + depth) * 2 + _is_right_part(codes, place % size == 0)
    return _Nodes(
        tokens=token,
        positions=position,
        mask=sizes > 0,
        links=jnp.stack([*_parts(codes, sizes, place), same], axis=1),
    )


def _law(law: LawTable, begin: int) -> _Nodes:
    """The law's nodes, [LAW_NODES], whose tokens begin there."""
    slot = jnp.arange(LAW_NODES, dtype=jnp.int32)
    sizes, num_left = law.sizes.astype(jnp.int32), law.num_left.astype(jnp.int32)
    right = slot >= num_left
    link = law.link.astype(jnp.int32)
    depth = jnp.minimum(depths(sizes), LAW_NODES // 2 - 1)
    position = (right.astype(jnp.int32) * (LAW_NODES // 2) + depth) * 2
    is_right_part = _is_right_part(law.codes, (slot == 0) | (slot == num_left))
    links = jnp.stack([*_parts(law.codes, sizes, slot), link[link]], axis=1)
    return _Nodes(
        tokens=_LAW + _kind(law.codes),
        positions=_LAW_POSITIONS + position + is_right_part,
        mask=law.codes != EMPTY,
        links=begin + links,
    )


def _leaves(num_variables: jax.Array, codes: jax.Array, left: jax.Array) -> _Nodes:
    """What has no parts: the goal's variables, the holes, the clock."""
    constant = jnp.arange(MAX_VARIABLES, dtype=jnp.int32)
    hole = jnp.arange(MAX_HOLES, dtype=jnp.int32)
    clock = jnp.clip(jnp.ceil(left * CLOCK).astype(jnp.int32) - 1, 0, CLOCK - 1)
    token = [_CONSTANTS + constant, _HOLES + hole, _HOLES + hole, (_CLOCKS + clock)[None]]
    position = [_ELSEWHERE] * MAX_VARIABLES + [_OF_SIDES] * MAX_HOLES
    position += [_OF_SIDES + 1] * MAX_HOLES + [_ELSEWHERE]
    occurs = (codes[:, None] == hole[None, :, None].astype(jnp.int8) + HOLES).any(2).reshape(-1)
    there = [constant < num_variables.astype(jnp.int32), occurs, jnp.ones(1, jnp.bool_)]
    itself = _first_constant(codes.shape[1]) + jnp.arange(len(position), dtype=jnp.int32)
    return _Nodes(
        tokens=jnp.concatenate(token),
        positions=jnp.array(position, jnp.int32),
        mask=jnp.concatenate(there),
        links=jnp.broadcast_to(itself[:, None], (len(position), 3)),
    )


def _kind(codes: jax.Array) -> jax.Array:
    """int32 [N]: 0 for ◇, then the variables, then the holes; 0 for padding."""
    return jnp.maximum(codes - OPERATION, 0).astype(jnp.int32)


def _parts(codes: jax.Array, sizes: jax.Array, place: jax.Array) -> tuple[jax.Array, jax.Array]:
    """int32 [N] each: where a product's left part is, and its right part; itself without parts."""
    is_product = codes == OPERATION
    left = jnp.where(is_product, place + 1, place)
    return left, jnp.where(is_product, left + sizes[left], place)


def _is_right_part(codes: jax.Array, begins: jax.Array) -> jax.Array:
    """int32 [N]: 1 for right parts; a left part comes right after its product's ◇."""
    after_operation = jnp.pad(codes[:-1] == OPERATION, (1, 0))
    return ((codes != EMPTY) & ~begins & ~after_operation).astype(jnp.int32)
