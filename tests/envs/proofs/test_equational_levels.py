"""Walks are proved by as many rewritings as they took, by the slow rules."""

import functools

import jax
import jax.numpy as jnp
import pytest

from selfplay_envs.proofs import equational_levels as levels
from selfplay_envs.proofs import equational_problems, laws
from selfplay_envs.proofs.magma import Law, Term
from selfplay_envs.proofs.narrowing import unify
from selfplay_envs.proofs.term_arrays import HOLES, decode
from tests.reference import equational as reference

SIZE, EACH = 31, 16
LEVELS = [0, 1, 5, levels.WALKS, levels.NUM_LEVELS - 1]


@functools.cache
def drawn():
    """`EquationalProblem` [levels, EACH]."""
    draw = jax.jit(jax.vmap(lambda key, level: levels.draw(key, level, "train", SIZE)))
    keys = jax.random.split(jax.random.key(0), len(LEVELS) * EACH)
    flat = draw(keys, jnp.repeat(jnp.array(LEVELS, jnp.int32), EACH))
    rows = jax.tree.map(lambda leaf: leaf.reshape(len(LEVELS), EACH, *leaf.shape[1:]), flat)
    return jax.device_get(rows)


def problems(level: int) -> list[tuple[Law, Law]]:
    row = LEVELS.index(level)
    return [decode(jax.tree.map(lambda leaf, i=i: leaf[row, i], drawn())) for i in range(EACH)]


def test_all_are_problems_of_the_split():
    there = drawn()
    assert (there.goal < HOLES).all()
    assert there.trains.all()
    pairs = {tuple(pair) for pair in equational_problems.pairs("train")[:, :2].tolist()}
    for row, level in enumerate(LEVELS):
        for i, (hypothesis, conclusion) in enumerate(problems(level)):
            number = laws.number(hypothesis)
            assert number in levels.numbers("train")
            assert conclusion.left != conclusion.right
            assert conclusion == conclusion.renamed()
            assert there.num_variables[row, i] == conclusion.num_variables
            sizes = [
                [len(reference.subterms(part)) for part in reference.subterms(side)]
                for side in conclusion.sides
            ]
            for shown, expected in zip(there.goal_sizes[row, i], sizes, strict=True):
                assert shown[shown > 0].tolist() == expected
            if level >= levels.WALKS:
                assert (number, laws.number(conclusion)) in pairs


def meets(law: Law, start: Term, end: Term, rewritings: int) -> bool:
    """Whether the rules lead from one term to something that can be another one."""
    layer = {start}
    for _ in range(rewritings):
        layer = {after for term in layer for after in reference.allowed(law, term, SIZE).values()}
        if any(unify(term, end) is not None for term in layer):
            return True
    return False


@pytest.mark.parametrize("level", [0, 1])
def test_a_walk_has_as_many_rewritings_as_its_level_says(level):
    """Or more, where those left the term as it was."""
    found = [
        meets(law, *goal.sides, level + 1) or meets(law, *goal.sides[::-1], level + 1)
        for law, goal in problems(level)
    ]
    assert sum(found) >= 0.9 * EACH


def test_longer_walks_are_harder():
    """Few of many rewritings can be proved by one."""
    found = [meets(law, *goal.sides, 1) for law, goal in problems(5)]
    assert sum(found) < EACH / 4
    nodes = [drawn().goal_sizes[LEVELS.index(level), :, :, 0].mean() for level in (0, 5)]
    assert nodes[1] > nodes[0]
