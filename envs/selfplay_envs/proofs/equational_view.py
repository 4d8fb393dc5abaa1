"""What a network sees of an implication of laws: what is made of what, and what is the same."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from selfplay.environment import Tokens
from selfplay_envs.proofs import equational_moves, matching
from selfplay_envs.proofs.equational_moves import Attempt
from selfplay_envs.proofs.term_arrays import (
    EMPTY,
    LAW_NODES,
    MAX_PICKS,
    MAX_VARIABLES,
    OPERATION,
    VARIABLES,
    EquationalProblem,
    depths,
    subterm_sizes,
)

CLOCK = 16
"""What is told of the steps left: sixteenths of `max_steps`."""

DEPTH = 16
"""Deeper nodes look like those of the last of these depths."""

_KINDS = 1 + MAX_VARIABLES
"""Of nodes: ◇ and the variables."""
_NODE_FLAGS = 6
_ROLES = 6
_LAW = _KINDS * 2**_NODE_FLAGS
_CONSTANTS = _LAW + _KINDS * _ROLES
_CLOCKS = _CONSTANTS + 2 * MAX_VARIABLES
VOCABULARY = _CLOCKS + CLOCK
_LAW_POSITIONS = 2 * DEPTH * 2
_ELSEWHERE = _LAW_POSITIONS + 2 * LAW_NODES // 2 * 2
NUM_POSITIONS = _ELSEWHERE + 1


class _Nodes(NamedTuple):
    """Some tokens, as in `Tokens`."""

    tokens: jax.Array
    positions: jax.Array
    mask: jax.Array
    links: jax.Array


def num_tokens(size: int) -> int:
    """Both sides' nodes, the law's, the goal's variables, the clock."""
    return 2 * size + LAW_NODES + MAX_VARIABLES + 1


def tokens(
    problem: EquationalProblem, attempt: Attempt, legal: jax.Array, left: jax.Array
) -> Tokens:
    """`Tokens` [num_tokens(size)], each linked to its left part, its right part, and what it is.

    - A node of the goal: its id says ◇ or which variable; whether it may be rewritten in either
      direction, picked; whether it occurs on the other side; whether it is what is rewritten, or
      was picked. What it is: the first node of an equal subterm, of a variable that variable.
    - A node of the law, likewise; while a rewriting waits, whether it is of the side that matched,
      and on the other one whether it has a value, was picked, is to be picked now or later. What it
      is: the node of the goal that it stands for, otherwise its variable's first node in the law.
    - The goal's variables, and if they may be picked; the clock.

    Positions tell the side, the depth, and if the node is a right part.

    Args:
        problem: of which the law is seen.
        attempt: of which all is seen.
        legal: bool [num_actions].
        left: float32 [], the share of the steps that are left.
    """
    size = attempt.codes.shape[1]
    goal, law = _goal(attempt, legal), _law(problem, attempt)
    constant = jnp.arange(MAX_VARIABLES, dtype=jnp.int32)
    clock = jnp.clip(jnp.ceil(left * CLOCK).astype(jnp.int32) - 1, 0, CLOCK - 1)
    may_be_picked = legal[6 * size :].astype(jnp.int32)
    last = jnp.concatenate([_CONSTANTS + 2 * constant + may_be_picked, (_CLOCKS + clock)[None]])
    itself = 2 * size + LAW_NODES + jnp.arange(MAX_VARIABLES + 1, dtype=jnp.int32)
    nodes = jnp.arange(2 * size, dtype=jnp.int32)
    picked = jnp.concatenate([nodes, itself[:MAX_VARIABLES]])
    there = constant < problem.num_variables.astype(jnp.int32)
    return Tokens(
        tokens=jnp.concatenate([goal.tokens, law.tokens, last]),
        positions=jnp.concatenate([goal.positions, law.positions, jnp.full_like(last, _ELSEWHERE)]),
        mask=jnp.concatenate([goal.mask, law.mask, there, jnp.ones(1, jnp.bool_)]),
        action_tokens=jnp.concatenate([nodes, nodes, picked]),
        links=jnp.concatenate(
            [goal.links, law.links, jnp.broadcast_to(itself[:, None], (len(last), 3))]
        ),
    )


def _goal(attempt: Attempt, legal: jax.Array) -> _Nodes:
    """The goal's nodes, [2 * size]."""
    size = attempt.codes.shape[1]
    codes, sizes = attempt.codes.reshape(-1), attempt.sizes.reshape(-1).astype(jnp.int32)
    place = jnp.arange(2 * size, dtype=jnp.int32)
    hashed = matching.hashes(attempt.codes, attempt.sizes)
    start, _ = equational_moves.read(attempt.pending, size)
    was_picked = (attempt.picks[:, None].astype(jnp.int32) == place[None]).any(0)
    flags = (
        legal[: 2 * size],
        legal[2 * size : 4 * size],
        legal[4 * size : 6 * size],
        matching.occurrences(hashed)[1],
        (attempt.pending >= 0) & (place == start),
        was_picked,
    )
    token = _kind(codes)
    for flag in flags:
        token = 2 * token + flag.astype(jnp.int32)
    constant = 2 * size + LAW_NODES + codes.astype(jnp.int32) - VARIABLES
    same = jnp.where(
        sizes > 1, matching.first_places(hashed), jnp.where(sizes > 0, constant, place)
    )
    depth = jnp.minimum(depths(sizes), DEPTH - 1)
    position = (place // size * DEPTH + depth) * 2 + _is_right_part(codes, place % size == 0)
    return _Nodes(
        tokens=token,
        positions=position,
        mask=sizes > 0,
        links=jnp.stack([*_parts(codes, sizes, place), same], axis=1),
    )


def _law(problem: EquationalProblem, attempt: Attempt) -> _Nodes:
    """The law's nodes, [LAW_NODES], whose tokens come after the goal's."""
    law, size = problem.law, attempt.codes.shape[1]
    slot = jnp.arange(LAW_NODES, dtype=jnp.int32)
    sizes = subterm_sizes(law.codes).astype(jnp.int32)
    right = slot >= law.num_left.astype(jnp.int32)
    waits = attempt.pending >= 0
    start, direction = equational_moves.read(attempt.pending, size)
    flat = attempt.sizes.reshape(-1).astype(jnp.int32)
    where = matching.walk(law, flat, start[None])[:, 0]

    # Of each of the law's variables: what it stands for, and whether it is picked yet.
    pick = jnp.arange(MAX_PICKS, dtype=jnp.int32)
    count = (attempt.picks >= 0).sum(dtype=jnp.int32)
    stage = jnp.where(pick < count, 5, jnp.where(pick == count, 3, 4))
    is_open = law.open[direction][None] == jnp.arange(MAX_VARIABLES, dtype=jnp.int8)[:, None]
    status = jnp.where(is_open.any(1), jnp.where(is_open, stage[None], 0).sum(1), 2)
    values = matching.values(law, direction, where, attempt.picks.astype(jnp.int32))
    values = jnp.where(values >= 2 * size, values + LAW_NODES, values)

    leaf = law.codes >= VARIABLES
    variable = jnp.clip(law.codes - VARIABLES, 0, MAX_VARIABLES - 1).astype(jnp.int32)
    matched = right == (direction == 1)
    role = jnp.where(matched, 1, jnp.where(leaf, status[variable], 2))
    role = jnp.where(waits, role, 0)
    link = law.link.astype(jnp.int32)
    first = 2 * size + link[link]
    stands_for = jnp.where(matched, where, jnp.where(leaf, values[variable], 2 * size + slot))
    has_value = (role > 0) & (role != 3) & (role != 4)
    begins = (slot == 0) | (slot == law.num_left.astype(jnp.int32))
    depth = jnp.minimum(depths(sizes), LAW_NODES // 2 - 1)
    position = (right.astype(jnp.int32) * (LAW_NODES // 2) + depth) * 2
    return _Nodes(
        tokens=_LAW + _kind(law.codes) * _ROLES + role,
        positions=_LAW_POSITIONS + position + _is_right_part(law.codes, begins),
        mask=law.codes != EMPTY,
        links=jnp.stack(
            [
                *(2 * size + part for part in _parts(law.codes, sizes, slot)),
                jnp.where(has_value & (law.codes != EMPTY), stands_for, first),
            ],
            axis=1,
        ),
    )


def _kind(codes: jax.Array) -> jax.Array:
    """int32 [N]: 0 for ◇, 1 + v for variable v; 0 for padding."""
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
