"""Problems to practise on: what random rewritings make of a term, then pairs of laws.

Level l below `WALKS` is a walk: a term and what it became by 1 + l random rewritings, by a law
drawn from those that the split allows. After those come the pairs of `equational_problems`.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfplay_envs.proofs import equational_moves as moves
from selfplay_envs.proofs import equational_problems, laws
from selfplay_envs.proofs.equational_moves import Attempt
from selfplay_envs.proofs.term_arrays import (
    EMPTY,
    LAW_NODES,
    MAX_VARIABLES,
    VARIABLES,
    EquationalProblem,
    LawTable,
    law_table,
    padded,
    preorder,
    subterm_sizes,
)

WALKS = 8
"""Levels of walks, and rewritings of the longest one."""

NUM_LEVELS = WALKS + equational_problems.NUM_LEVELS

WALK_SIZE = 31
"""Room for nodes on a walk, whatever there is afterwards."""

_START_VARIABLES = 3
"""Different ones that a walk begins with, at most."""


class _Laws(NamedTuple):
    """The laws by number less 1, in NumPy's arrays."""

    codes: np.ndarray
    """int8 [N, LAW_NODES]."""
    num_left: np.ndarray
    """int8 [N]."""


@functools.cache
def _laws() -> _Laws:
    sides = [[preorder(side) for side in law.sides] for law in laws.laws()]
    codes = np.stack([padded(left + right, LAW_NODES) for left, right in sides])
    return _Laws(codes, np.array([len(left) for left, _ in sides], np.int8))


@functools.cache
def _pairs(split: str) -> tuple[np.ndarray, np.ndarray]:
    """int16 [N, 2] hypotheses and conclusions, easiest level first; int32 [NUM_LEVELS + 1], where
    each level begins, and where the last one ends."""
    found = equational_problems.pairs(split)
    found = found[np.argsort(found[:, 2], kind="stable")]
    count = np.bincount(found[:, 2], minlength=equational_problems.NUM_LEVELS)
    return found[:, :2], np.cumsum([0, *count], dtype=np.int32)


@functools.cache
def numbers(split: str) -> frozenset[int]:
    """Of laws that are a split's to rewrite by: the hypotheses of its pairs."""
    return frozenset(equational_problems.hypotheses(split).tolist())


def draw(key: jax.Array, level: jax.Array, split: str, size: int) -> EquationalProblem:
    """A problem of a level, int32 [], of those of the split."""
    pair = _draw_pair(key, jnp.maximum(level - WALKS, 0), split, size)
    walk = _draw_walk(key, jnp.minimum(level, WALKS - 1) + 1, split, size, level < WALKS)
    return jax.tree.map(lambda a, b: jnp.where(level < WALKS, a, b), walk, pair)


def with_goal(problem: EquationalProblem, goal: jax.Array) -> EquationalProblem:
    """The problem with another goal, int8 [2, size]."""
    sizes = jax.vmap(subterm_sizes)(goal)
    return problem.replace(
        goal=goal, goal_sizes=sizes, num_variables=_occurring(goal).sum(dtype=jnp.int8)
    )


def is_gapless(goal: jax.Array) -> jax.Array:
    """bool []: whether the variables of a goal are numbered from 0 without gaps."""
    occurring = _occurring(goal)
    return (occurring == (jnp.arange(MAX_VARIABLES, dtype=jnp.int32) < occurring.sum())).all()


def _occurring(goal: jax.Array) -> jax.Array:
    """bool [MAX_VARIABLES]."""
    variable = jnp.arange(VARIABLES, VARIABLES + MAX_VARIABLES, dtype=jnp.int8)
    return (variable[:, None] == goal.reshape(-1)[None]).any(1)


def _problem(law: LawTable, goal: jax.Array, split: str, size: int) -> EquationalProblem:
    """Of a goal, int8 [2, N], its variables numbered as they occur."""
    goal = jnp.pad(goal, ((0, 0), (0, size - goal.shape[1])))
    variable = jnp.arange(VARIABLES, VARIABLES + MAX_VARIABLES, dtype=jnp.int8)
    there = variable[:, None] == goal.reshape(-1)[None]
    first = jnp.where(there.any(1), there.argmax(1), goal.size).astype(jnp.int32)
    rank = (first[None] < first[:, None]).sum(1, dtype=jnp.int8)
    renamed = rank[jnp.maximum(goal - VARIABLES, 0).astype(jnp.int32)] + jnp.int8(VARIABLES)
    goal = jnp.where(goal >= VARIABLES, renamed, goal)
    num_variables = there.any(1).sum(dtype=jnp.int8)
    sizes = jax.vmap(subterm_sizes)(goal)
    return EquationalProblem(law, goal, sizes, num_variables, jnp.bool_(split == "train"))


# Pairs of laws ---------------------------------------------------------------------------------


def _draw_pair(key: jax.Array, level: jax.Array, split: str, size: int) -> EquationalProblem:
    """A pair of a level of `equational_problems`, each as likely as another."""
    pairs, begins = _pairs(split)
    first, end = jnp.asarray(begins)[level], jnp.asarray(begins)[level + 1]
    hypothesis, conclusion = jnp.asarray(pairs)[jax.random.randint(key, (), first, end, jnp.int32)]
    return _problem(_table(hypothesis), _sides(conclusion), split, size)


def _table(number: jax.Array) -> LawTable:
    """Of the law of a number, int []."""
    known = _laws()
    index = number.astype(jnp.int32) - 1
    return law_table(jnp.asarray(known.codes)[index], jnp.asarray(known.num_left)[index])


def _sides(number: jax.Array) -> jax.Array:
    """int8 [2, LAW_NODES]: codes of either side of the law of a number, int []."""
    known = _laws()
    index = number.astype(jnp.int32) - 1
    codes, num_left = jnp.asarray(known.codes)[index], jnp.asarray(known.num_left)[index]
    slot = jnp.arange(LAW_NODES, dtype=jnp.int8)
    left = jnp.where(slot < num_left, codes, jnp.int8(EMPTY))
    return jnp.stack([left, jnp.roll(jnp.where(slot < num_left, jnp.int8(0), codes), -num_left)])


# Walks -----------------------------------------------------------------------------------------


class _Walk(NamedTuple):
    """A walk that is under way; side 0 is where it began, side 1 what it has become."""

    key: jax.Array
    law: LawTable
    attempt: Attempt
    legal: jax.Array
    """bool [num_actions(WALK_SIZE)]: ways on."""
    rewritings: jax.Array
    """int32 []: made so far."""


def _draw_walk(
    key: jax.Array, rewritings: jax.Array, split: str, size: int, wanted: jax.Array
) -> EquationalProblem:
    """Some random rewritings (int32 []) of a random term, and more until it is another one.

    It begins with either side of the law, its variables renamed at random, so that there is a way;
    where none leads on, it begins anew with another law. Nothing is done where it is not `wanted`.
    """
    key, exchange_key = jax.random.split(key)
    allowed = jnp.array(sorted(numbers(split)), jnp.int16)

    def unfinished(walk: _Walk) -> jax.Array:
        codes = walk.attempt.codes
        short = (walk.rewritings < rewritings) | (codes[0] == codes[1]).all()
        return wanted & (short | (walk.attempt.pending >= 0))

    def onward(walk: _Walk) -> _Walk:
        key, fresh_key, draw_key = jax.random.split(walk.key, 3)
        fresh = _begin_walk(fresh_key, allowed)
        drawn = jax.random.uniform(draw_key, walk.legal.shape)
        action = jnp.where(walk.legal, drawn, -1.0).argmax().astype(jnp.int32)
        attempt = moves.act(walk.law, walk.attempt, action)
        made = walk.rewritings + (attempt.pending < 0).astype(jnp.int32)
        moved = _Walk(key, walk.law, attempt, walk.legal, made)
        stuck = ~walk.legal.any()
        here = jax.tree.map(lambda a, b: jnp.where(stuck, a, b), fresh._replace(key=key), moved)
        return here._replace(legal=_ways(here.law, here.attempt))

    # No way leads on from nothing, so that the loop begins with a new walk.
    shapes = jax.eval_shape(_begin_walk, key, allowed)
    nothing = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes._replace(key=None)
    )
    nothing = nothing._replace(key=key)
    walk = jax.lax.while_loop(unfinished, onward, nothing)
    goal = walk.attempt.codes
    goal = jnp.where(jax.random.bernoulli(exchange_key), goal[::-1], goal)
    return _problem(walk.law, goal, split, size)


def _begin_walk(key: jax.Array, allowed: jax.Array) -> _Walk:
    """On both sides: a side of a law, drawn from int16 [N], its variables renamed at random."""
    law_key, side_key, names_key = jax.random.split(key, 3)
    number = jax.random.choice(law_key, allowed)
    side = _sides(number)[jax.random.bernoulli(side_key).astype(jnp.int32)]
    names = jax.random.randint(names_key, (MAX_VARIABLES,), 0, _START_VARIABLES, jnp.int32)
    named = names[jnp.maximum(side - VARIABLES, 0).astype(jnp.int32)].astype(jnp.int8) + VARIABLES
    codes = jnp.pad(jnp.where(side >= VARIABLES, named, side), (0, WALK_SIZE - LAW_NODES))
    both = jnp.broadcast_to(codes[None], (2, WALK_SIZE))
    attempt = moves.begin(both, jax.vmap(subterm_sizes)(both))
    nowhere = jnp.zeros(moves.num_actions(WALK_SIZE), jnp.bool_)
    return _Walk(key, _table(number), attempt, nowhere, jnp.int32(0))


def _ways(law: LawTable, attempt: Attempt) -> jax.Array:
    """bool [num_actions(WALK_SIZE)]: legal moves that leave side 0 as it is."""
    action = jnp.arange(moves.num_actions(WALK_SIZE), dtype=jnp.int32)
    on_left = (action < 4 * WALK_SIZE) & (action % (2 * WALK_SIZE) < WALK_SIZE)
    return moves.legal(law, jnp.int8(_START_VARIABLES), attempt) & ~on_left
