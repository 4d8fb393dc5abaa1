"""Mirror images of goals with holes, and of their laws, against those of terms."""

import functools

import jax
import numpy as np
import pytest

from selfplay_envs.proofs.equational_symmetry import NUM_SYMMETRIES, turned
from selfplay_envs.proofs.magma import Law, Term, dual
from selfplay_envs.proofs.term_arrays import EMPTY, decode
from tests.envs.proofs.open_goals import GOALS, SIZE, codes, goals, renumbered, subterms


@functools.cache
def compiled():
    return jax.jit(jax.vmap(turned, in_axes=(0, 0, 0, 0, None)))


@functools.cache
def images(index: int):
    there = goals()
    turn = compiled()
    return jax.device_get(turn(there.problems, there.codes, there.sizes, there.growth, index))


def mirrored(index: int, pair: tuple[Term, Term], exchange: int) -> tuple[Term, Term]:
    left, right = map(dual, pair) if index & 1 else pair
    return (right, left) if index & exchange else (left, right)


@pytest.mark.parametrize("index", range(NUM_SYMMETRIES))
def test_images_are_those_of_terms(index):
    there = goals()
    problems, symbols, sizes, _, _ = images(index)
    for goal, sides in enumerate(there.sides):
        hypothesis, conclusion = decode(jax.tree.map(lambda leaf, i=goal: leaf[i], problems))
        before = there.laws[goal]
        assert hypothesis == Law(*mirrored(index, before[0].sides, 4))
        assert conclusion == Law(*mirrored(index, before[1].sides, 2))
        for side, term in enumerate(mirrored(index, sides, 2)):
            parts = subterms(term)
            assert symbols[goal, side, : len(parts)].tolist() == codes(renumbered(term))
            assert (symbols[goal, side, len(parts) :] == EMPTY).all()
            assert sizes[goal, side].sum() == sum(len(subterms(part)) for part in parts)
            assert sizes[goal, side, : len(parts)].tolist() == [len(subterms(p)) for p in parts]


@pytest.mark.parametrize("index", range(NUM_SYMMETRIES))
def test_an_action_is_called_after_the_image_of_its_subterm(index):
    there = goals()
    _, _, _, growth, permutation = images(index)
    assert (np.sort(permutation, axis=1) == np.arange(4 * SIZE)[None]).all()
    assert (np.take_along_axis(growth, permutation, axis=1) == there.growth).all()
    for goal, sides in enumerate(there.sides):
        after = [subterms(term) for term in mirrored(index, sides, 2)]
        for action in range(4 * SIZE):
            direction, rest = divmod(action, 2 * SIZE)
            side, place = divmod(rest, SIZE)
            if place >= len(subterms(sides[side])):
                continue
            part = subterms(sides[side])[place]
            new_direction, rest = divmod(int(permutation[goal, action]), 2 * SIZE)
            new_side, new_place = divmod(rest, SIZE)
            assert new_direction == direction ^ (index >> 2 & 1)
            assert new_side == side ^ (index >> 1 & 1)
            assert after[new_side][new_place] == (dual(part) if index & 1 else part)


@pytest.mark.parametrize("index", [1, 2, 4, 7])
def test_twice_is_nothing(index):
    there = goals()
    *once, permutation = images(index)
    *twice, back = compiled()(*once, index)
    before = (there.problems, there.codes, there.sizes, there.growth)
    jax.tree.map(np.testing.assert_array_equal, tuple(twice), before)
    assert (np.take_along_axis(np.asarray(back), permutation, 1) == np.arange(4 * SIZE)).all()
    assert len(permutation) == GOALS
