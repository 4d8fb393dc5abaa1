"""The placebo: as sharp as what it shuffles, and ignorant of the state."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.config import SearchConfig
from selfplay.operators.contract import OPERATORS
from selfplay.operators.placebo import Placebo, exchange
from selfplay.operators.search import Search
from selfplay.search.model import constant_evaluator
from tests import worlds

exchange = jax.jit(exchange)


def entropy(weights):
    return -np.sum(weights * np.log(np.where(weights > 0, weights, 1.0)), axis=-1)


KEYS = jax.random.split(jax.random.key(0), 64)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_each_policy_goes_to_one_other_state_about_as_sharp(seed):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet([0.3] * 5, 64).astype(np.float32)
    given_ = np.asarray(exchange(KEYS, weights, np.ones((64, 5), bool)))
    giver = np.abs(weights[None] - given_[:, None]).sum(-1).argmin(1)
    np.testing.assert_allclose(weights[giver], given_, rtol=1e-5)
    assert sorted(giver) == list(range(64))
    assert (giver != np.arange(64)).all()
    group = np.argsort(np.argsort(entropy(weights), kind="stable")) // 8
    away = (group - group[giver]) % 8
    assert (away <= 1).all()
    assert (away == 1).sum() == 8  # one of each group takes from the group before


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_nothing_illegal_and_all_of_it(seed):
    rng = np.random.default_rng(seed)
    legal = rng.random((64, 5)) < 0.6
    legal[:, 0] |= ~legal.any(1)
    weights = rng.random((64, 5)).astype(np.float32) * legal
    weights /= weights.sum(1, keepdims=True)
    given_ = np.asarray(exchange(KEYS, weights, legal))
    assert (given_[~legal] == 0).all()
    np.testing.assert_allclose(given_.sum(1), 1.0, rtol=1e-5)


def test_it_does_not_find_the_moves_that_its_search_finds():
    nim = worlds.Nim(stones=12)
    search = Search(nim, constant_evaluator(nim), SearchConfig(num_simulations=64))
    solved = nim.solved_positions()
    keys = jax.random.split(jax.random.key(1), (50, 12))

    def weights(operator):
        one = functools.partial(operator.improve, ())
        batch = jax.vmap(lambda keys: one(keys, (), solved.state, jnp.int32(0)).targets)
        return jax.jit(batch)(keys)

    values = np.nan_to_num(solved.action_values, nan=-np.inf)
    best = np.sign(values) == np.sign(values).max(1, keepdims=True)
    decisive = (np.isfinite(values) & ~best).any(1)

    def right(targets):
        return (np.asarray(targets.action_weights) * best).sum(-1)[:, decisive].mean()

    found, shuffled = weights(search), weights(Placebo(nim, search))
    assert right(found) > 0.7
    assert right(shuffled) < right(found) - 0.2
    assert (shuffled.provenance.operator == OPERATORS.index("placebo")).all()
    assert (shuffled.provenance.simulations == 64).all()
