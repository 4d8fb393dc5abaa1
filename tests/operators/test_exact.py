"""Exact targets against the oracle of a solved world."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.operators.exact import Exact
from tests import worlds

NIM = worlds.Nim(stones=8)


def improve(temperature, oracle=None):
    solved = NIM.solved_positions()
    keys = jax.random.split(jax.random.key(0), solved.bucket.shape[0])
    exact = Exact(NIM, temperature, oracle)
    found = jax.jit(lambda: exact.improve((), keys, (), solved.state, jnp.int32(2)))()
    return found, np.asarray(solved.action_values)


def test_cold_all_best_actions_are_as_likely():
    found, values = improve(0.0)
    best = values == np.nanmax(values, 1, keepdims=True)
    np.testing.assert_allclose(found.targets.action_weights, best / best.sum(1, keepdims=True))
    np.testing.assert_array_equal(found.targets.value, np.nanmax(values, 1))
    assert best[np.arange(len(best)), found.action].all()
    assert found.targets.provenance.real.all()


def test_softened_it_errs_by_the_boltzmann_distribution():
    found, values = improve(0.5)
    weights = np.where(np.isnan(values), 0.0, np.exp(np.nan_to_num(values) / 0.5))
    weights /= weights.sum(1, keepdims=True)
    np.testing.assert_allclose(found.targets.action_weights, weights, rtol=1e-5)


def test_another_oracle_may_be_given():
    found, _ = improve(0.0, lambda problem, state: jnp.array([0.0, 0.0, 1.0]))
    assert (found.action == 2).all()


def test_without_an_oracle_it_is_refused():
    with pytest.raises(ValueError, match="need an environment with an oracle"):
        improve(0.0, lambda problem, state: None)
