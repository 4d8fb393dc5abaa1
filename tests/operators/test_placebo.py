"""The placebo: as sharp as what it shuffles, and ignorant of the state."""

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


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_all_policies_are_there_still_in_the_order_of_entropy(seed):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet([0.3] * 5, 64).astype(np.float32)
    given_ = np.asarray(exchange(weights, np.ones((64, 5), bool)))
    order = np.argsort(entropy(weights), kind="stable")
    expected = np.empty_like(weights)
    expected[order] = weights[np.roll(order, 1)]
    # Equal but for rounding in the sort's keys: every policy goes to one other state.
    np.testing.assert_allclose(np.sort(given_, 0), np.sort(expected, 0), atol=1e-6)
    assert np.abs(entropy(given_) - entropy(expected)).max() < 1e-3


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_nothing_illegal_and_all_of_it(seed):
    rng = np.random.default_rng(seed)
    legal = rng.random((64, 5)) < 0.6
    legal[:, 0] |= ~legal.any(1)
    weights = rng.random((64, 5)).astype(np.float32) * legal
    weights /= weights.sum(1, keepdims=True)
    given_ = np.asarray(exchange(weights, legal))
    assert (given_[~legal] == 0).all()
    np.testing.assert_allclose(given_.sum(1), 1.0, rtol=1e-5)


def test_it_does_not_find_the_move_that_its_search_finds():
    nim = worlds.Nim(stones=12)
    search = Search(nim, constant_evaluator(nim), SearchConfig(num_simulations=64))
    solved = nim.solved_positions()
    rows = 240
    pick = jnp.arange(rows) % solved.bucket.shape[0]
    state = jax.tree.map(lambda x: x[pick], solved.state)
    keys = jax.random.split(jax.random.key(1), rows)

    def right(operator):
        targets = operator.improve((), keys, (), state, jnp.int32(0)).targets
        values = solved.action_values[pick]
        best = values == jnp.nanmax(values, -1, keepdims=True)
        worse = jnp.sign(values) < jnp.sign(jnp.nanmax(values, -1, keepdims=True))
        decisive = worse.any(-1).astype(jnp.float32)
        share = jnp.sum(jnp.where(best, targets.action_weights, 0.0), -1)
        return jnp.sum(decisive * share) / decisive.sum(), targets

    found, _ = jax.jit(lambda: right(search))()
    shuffled, targets = jax.jit(lambda: right(Placebo(nim, search)))()
    assert shuffled < found - 0.2
    assert (targets.provenance.operator == OPERATORS.index("placebo")).all()
    assert (targets.provenance.simulations == 64).all()
