"""What is right, and how sure one is: against closed forms, plain Python and the known chains."""

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.studies.ablation import natives, truth
from benchmarks.studies.ablation.truth import STUCK, Truth
from selfplay.search.model import constant_evaluator
from selfplay_envs.science.hp_lattice import HPLattice

LENGTH = 11
TURNS = (1j, 1, -1j)


@pytest.fixture(scope="module")
def env():
    """Random chains of 11 residues."""
    return HPLattice(length=LENGTH, min_length=LENGTH)


@pytest.fixture(scope="module")
def chains():
    """The designed ones."""
    return natives.designed("train", LENGTH)


@pytest.fixture(scope="module")
def folds(chains):
    """Their native folds."""
    return natives.natives(chains)


def written(params, keys, problem, state):
    """Plays the turns that it is given as parameters."""
    del keys, problem
    games = jnp.arange(params.shape[0], dtype=jnp.int32)
    return params[games, jnp.minimum(state.step_count, params.shape[1] - 1)], jnp.zeros(1)


def test_whoever_plays_the_native_fold_is_right(env, chains, folds):
    turns, contacts = truth.fold(env, written, jnp.asarray(natives.turns(folds)), chains)
    assert (np.asarray(turns) == natives.turns(folds)).all()
    assert (np.asarray(contacts) == natives.contacts(folds)).all()


def test_a_chain_that_is_stuck_has_no_contacts(env, chains):
    inwards = [2, 1, 2, 1, 2, 2, 1, 1, 1]  # around a square, and into it
    turns = jnp.broadcast_to(jnp.array(inwards, jnp.int32), (len(chains.size), LENGTH - 2))
    assert (np.asarray(truth.fold(env, written, turns, chains)[1]) == STUCK).all()


def test_who_knows_nothing_is_as_sure_as_the_free_squares_say(env, chains, folds):
    turns = natives.turns(folds)
    sure = truth.probability(env, constant_evaluator(env), (), chains, jnp.asarray(turns))
    for found, fold in zip(np.asarray(sure), turns, strict=True):
        assert found == pytest.approx(2 * chance(fold), rel=1e-5)


def chance(fold):
    """Of a fold, each residue laid on any free square: in plain Python."""
    place, heading, taken, chance = 1 + 0j, 1 + 0j, {0j, 1 + 0j}, 1.0
    for turn in fold:
        free = [turned for turned in TURNS if place + heading * turned not in taken]
        heading *= TURNS[turn]
        place += heading
        taken.add(place)
        chance /= len(free)
    return chance


def test_calibration_error_of_those_who_know_how_often_they_err():
    right = np.array([True] * 3 + [False] * 1 + [True] * 1 + [False] * 3)
    confidence = np.array([0.75] * 4 + [0.25] * 4)
    assert truth.calibration_error(confidence, right) == pytest.approx(0.0)


def test_calibration_error_is_the_mean_distance_over_bins():
    right = np.array([True, False, False, False])
    confidence = np.array([1.0, 0.95, 0.95, 0.05])
    expected = 0.75 * abs(2.9 / 3 - 1 / 3) + 0.25 * 0.05
    assert truth.calibration_error(confidence, right) == pytest.approx(expected)


def test_designed_chains_have_one_best_fold(chains, folds):
    best = Truth(LENGTH).best(np.asarray(chains.hydrophobic))
    assert (best.degeneracy == 1).all()
    assert (best.contacts == natives.contacts(folds)).all()


def test_most_chains_have_more_than_one():
    everything = (np.arange(2**LENGTH)[:, None] >> np.arange(LENGTH) & 1).astype(bool)
    assert (Truth(LENGTH).best(everything).degeneracy == 1).sum() == 62  # Irbäck and Troein 2002
