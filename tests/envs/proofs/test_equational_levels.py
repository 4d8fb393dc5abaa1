"""Walks are proved by as many rewritings as they took, by the slow rules."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay_envs.proofs import equational_levels as levels
from selfplay_envs.proofs import equational_problems, laws
from selfplay_envs.proofs.magma import Law, Term
from selfplay_envs.proofs.narrowing import unify
from selfplay_envs.proofs.term_arrays import HOLES, decode
from tests.reference import equational as reference

SIZE, EACH = 31, 24
LEVELS = [0, 1, *range(2, levels.NUM_LEVELS, 3)]


@functools.cache
def drawn(split: str):
    """`EquationalProblem` [levels, EACH]."""
    draw = jax.jit(
        jax.vmap(
            jax.vmap(lambda key, level: levels.draw(key, level, split, SIZE), in_axes=(0, None))
        )
    )
    keys = jax.random.split(jax.random.key(0), (len(LEVELS), EACH))
    return jax.device_get(draw(keys, jnp.array(LEVELS, jnp.int32)))


def problems(split: str, row: int) -> list[tuple[Law, Law]]:
    return [decode(jax.tree.map(lambda leaf, i=i: leaf[row, i], drawn(split))) for i in range(EACH)]


@pytest.mark.parametrize("split", ["train"])
def test_all_are_problems_of_the_split(split):
    there = drawn(split)
    assert (there.goal < HOLES).all()
    assert (there.trains == (split == "train")).all()
    pairs = {tuple(pair) for pair in equational_problems.pairs(split)[:, :2].tolist()}
    for row, level in enumerate(LEVELS):
        for i, (hypothesis, conclusion) in enumerate(problems(split, row)):
            number = laws.number(hypothesis)
            assert number in levels.numbers(split)
            assert conclusion.left != conclusion.right
            assert conclusion == conclusion.renamed()
            assert there.num_variables[row, i] == conclusion.num_variables
            sizes = [[len(reference.subterms(part)) for part in reference.subterms(side)] for side in conclusion.sides]
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


@pytest.mark.parametrize("row", [0, 1])
def test_a_walk_has_as_many_rewritings_as_its_level_says(row):
    """Or more, where that left the term as it was."""
    found = [
        meets(law, *goal.sides, row + 1) or meets(law, *goal.sides[::-1], row + 1)
        for law, goal in problems("train", row)
    ]
    assert sum(found) > 0.9 * EACH


def test_longer_walks_are_harder():
    """Few of many rewritings can be proved by one."""
    row = LEVELS.index(5)
    found = [meets(law, *goal.sides, 1) for law, goal in problems("train", row)]
    assert sum(found) < EACH / 2
    nodes = [np.mean(drawn("train").goal_sizes[i, :, :, 0]) for i in (0, row)]
    assert nodes[1] > nodes[0]
