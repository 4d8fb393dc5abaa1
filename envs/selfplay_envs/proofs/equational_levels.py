"""Problems to practise on: what random rewritings make of a term, then pairs of laws.

Level l below `WALKS` is a walk: a term and what it became by 1 + l random rewritings, by a law
drawn from those that the split allows; holes that are left in the end are filled with variables.
After those come the pairs of `equational_problems`.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfplay_envs.proofs import equational_moves as moves
from selfplay_envs.proofs import equational_problems, laws
from selfplay_envs.proofs.term_arrays import (
    EMPTY,
    HOLES,
    LAW_NODES,
    MAX_HOLES,
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
"""Different ones that a walk begins with, and ends with, at most."""


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
    """A walk that is under way."""

    key: jax.Array
    law: LawTable
    start: jax.Array
    """int8 [WALK_SIZE]: the term that it began with."""
    codes: jax.Array
    """int8 [WALK_SIZE]: what has become of it, holes and all."""
    ways: jax.Array
    """int8 [2, WALK_SIZE]: ways on, as `moves.ways` tells them."""
    filling: jax.Array
    """int8 [MAX_HOLES]: variables, as codes, for the holes in the end."""
    rewritings: jax.Array
    """int32 []: made so far."""

    @property
    def end(self) -> jax.Array:
        """int8 [WALK_SIZE]: what has become of it, its holes filled."""
        hole = jnp.maximum(self.codes - HOLES, 0).astype(jnp.int32)
        return jnp.where(self.codes >= HOLES, self.filling[hole], self.codes)


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
        return wanted & ((walk.rewritings < rewritings) | (walk.start == walk.end).all())

    def onward(walk: _Walk) -> _Walk:
        key, fresh_key, draw_key = jax.random.split(walk.key, 3)
        fresh = _begin_walk(fresh_key, allowed)
        legal = walk.ways != moves.NOT_ALLOWED
        drawn = jnp.where(legal, jax.random.uniform(draw_key, legal.shape), -1.0).argmax()
        direction, place = jnp.divmod(drawn.astype(jnp.int32), WALK_SIZE)
        sizes = subterm_sizes(walk.codes)
        codes = moves.rewritten(walk.law, walk.codes, sizes, direction, place)
        moved = walk._replace(codes=codes, rewritings=walk.rewritings + 1)
        here = jax.tree.map(lambda a, b: jnp.where(legal.any(), a, b), moved, fresh)
        ways = moves.ways(here.law, here.codes, subterm_sizes(here.codes))
        return here._replace(key=key, ways=ways)

    # No way leads on from nothing, so that the loop begins with a new walk.
    shapes = jax.eval_shape(_begin_walk, key, allowed)
    nothing = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes._replace(key=None)
    )
    nothing = nothing._replace(key=key, ways=_nowhere())
    walk = jax.lax.while_loop(unfinished, onward, nothing)
    goal = jnp.stack([walk.start, walk.end])
    goal = jnp.where(jax.random.bernoulli(exchange_key), goal[::-1], goal)
    return _problem(walk.law, goal, split, size)


def _begin_walk(key: jax.Array, allowed: jax.Array) -> _Walk:
    """With a side of a law, drawn from int16 [N], its variables renamed at random."""
    law_key, side_key, names_key = jax.random.split(key, 3)
    number = jax.random.choice(law_key, allowed)
    side = _sides(number)[jax.random.bernoulli(side_key).astype(jnp.int32)]
    names = jax.random.randint(
        names_key, (MAX_VARIABLES + MAX_HOLES,), VARIABLES, VARIABLES + _START_VARIABLES, jnp.int8
    )
    named = names[jnp.maximum(side - VARIABLES, 0).astype(jnp.int32)]
    codes = jnp.pad(jnp.where(side >= VARIABLES, named, side), (0, WALK_SIZE - LAW_NODES))
    filling = names[MAX_VARIABLES:]
    return _Walk(key, _table(number), codes, codes, _nowhere(), filling, jnp.int32(0))


def _nowhere() -> jax.Array:
    """int8 [2, WALK_SIZE]: no way on."""
    return jnp.full((2, WALK_SIZE), moves.NOT_ALLOWED, jnp.int8)
