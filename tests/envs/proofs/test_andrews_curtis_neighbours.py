"""Presentations like one: what moves and missing letters make of it."""

import itertools

import jax.numpy as jnp
import pytest

from selfplay_envs.proofs import andrews_curtis_problems as problems
from selfplay_envs.proofs import miller_schupp
from selfplay_envs.proofs.andrews_curtis_neighbours import neighbours
from selfplay_envs.proofs.andrews_curtis_replay import moved

PROBLEM = miller_schupp.presentations()[170 + 40]
LENGTH = 24


def images(relators):
    """All sixteen: generators renamed, relators exchanged."""
    for x, y in itertools.product((1, -1, 2, -2), repeat=2):
        if abs(x) != abs(y):
            name = {1: x, -1: -x, 2: y, -2: -y}
            pair = tuple(tuple(name[letter] for letter in word) for word in relators)
            yield pair
            yield pair[::-1]


def determinant(relators):
    (a, b), (c, d) = (
        [word.count(letter) - word.count(-letter) for letter in (1, 2)] for word in relators
    )
    return a * d - b * c


@pytest.fixture(scope="module")
def found():
    return neighbours(PROBLEM, 200, LENGTH, seed=0)


def test_they_are_different_and_fit_and_may_be_trivial(found):
    assert len(found) == 200
    assert PROBLEM in found
    assert len({min(images(one)) for one in found}) == 200
    assert all(max(map(len, one)) <= LENGTH for one in found)
    assert {abs(determinant(one)) for one in found} == {1}
    lengths = [sum(map(len, one)) for one in found]
    assert lengths == sorted(lengths)
    assert lengths[0] > 2
    assert neighbours(PROBLEM, 200, LENGTH, seed=0) == found


def test_none_is_held_out_but_the_problem_itself(found):
    def held_out(relators):
        return bool(problems.is_held_out(jnp.asarray(problems.padded(relators, LENGTH))))

    assert not any(held_out(one) for one in found if one != PROBLEM)
    asked = next(one for one in results_of_moves() if held_out(one))
    mine = neighbours(asked, 30, LENGTH, seed=0)
    assert [one for one in mine if held_out(one)] == [asked]


def results_of_moves():
    """What one and two moves make of the problem."""
    for first, second in itertools.product(range(12), repeat=2):
        yield moved(moved(PROBLEM, first), second)


def test_moves_and_shorter_relatives_are_among_them(found):
    assert any(moved(PROBLEM, move) in found for move in range(12))
    easier = miller_schupp.first_relator(1)
    assert any(easier in image for one in found for image in images(one))
