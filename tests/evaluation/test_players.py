"""Players made of an evaluator, with and without a search."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.config import SearchConfig
from selfplay.evaluation.players import (
    agent_act,
    budgeted,
    raw_policy,
    searcher,
    without_noise,
)
from tests import worlds

NUM_STONES = 9


@pytest.fixture(scope="module")
def nim():
    return worlds.Nim(NUM_STONES)


@pytest.fixture(scope="module")
def heaps(nim):
    """Every heap, 1 to NUM_STONES."""
    return nim.solved_positions().state


def keys_for(heaps):
    return jax.random.split(jax.random.key(0), heaps.heap.shape[0])


def wishful(params, key, problem, state):
    """Always `params` as logits, and a value that is larger the more stones there are."""
    logits = jnp.broadcast_to(params[None], (*state.heap.shape, 3))
    return logits, state.heap.astype(jnp.float32) / NUM_STONES


def test_without_noise_keeps_the_rest():
    config = SearchConfig(policy="puct", exploration=3.0, max_depth=5, num_simulations=16)
    quiet = without_noise(config, 7)
    assert (quiet.num_simulations, quiet.gumbel_scale, quiet.dirichlet_fraction) == (7, 0.0, 0.0)
    assert (quiet.policy, quiet.exploration, quiet.max_depth) == ("puct", 3.0, 5)


@pytest.mark.parametrize("logits", [(0.0, 1.0, 2.0), (3.0, 1.0, 2.0), (-5.0, 0.0, -1.0)])
def test_raw_policy_plays_the_most_likely_legal_move(nim, heaps, logits):
    act = jax.jit(raw_policy(nim, wishful))
    action, value = act(jnp.array(logits, jnp.float32), keys_for(heaps), (), heaps)
    ranked = np.argsort(logits)[::-1]
    wanted = [next(a for a in ranked if a + 1 <= heap) for heap in range(1, NUM_STONES + 1)]
    np.testing.assert_array_equal(action, wanted)
    np.testing.assert_allclose(value, np.arange(1, NUM_STONES + 1) / NUM_STONES, rtol=1e-6)
    assert (action.dtype, value.dtype) == (jnp.int32, jnp.float32)


def test_agent_without_simulations_is_the_raw_policy(nim, heaps):
    params = jnp.array([0.0, 1.0, 0.5], jnp.float32)
    inputs = (params, keys_for(heaps), (), heaps)
    agent = agent_act(nim, wishful, SearchConfig(), 0)(*inputs)
    for one, other in zip(agent, raw_policy(nim, wishful)(*inputs), strict=True):
        np.testing.assert_array_equal(one, other)


def test_agent_searches_without_noise(nim, heaps):
    """The agent plays what the search finds without noise, whatever its key."""
    config = SearchConfig(num_simulations=3, gumbel_scale=1.0)
    params = jnp.zeros(3, jnp.float32)
    act = jax.jit(agent_act(nim, wishful, config, 32))
    action, value = act(params, keys_for(heaps), (), heaps)
    again, _ = act(params, jax.random.split(jax.random.key(1), NUM_STONES), (), heaps)
    quiet = jax.jit(searcher(nim, wishful, without_noise(config, 32)))
    for one, other in zip((action, value), quiet(params, keys_for(heaps), (), heaps), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(action, again)
    assert (np.asarray(action) + 1 <= np.asarray(heaps.heap)).all()


def test_searcher_keeps_the_noise(nim, heaps):
    """With equal values and a large Gumbel scale, different keys choose different moves."""

    def even(params, key, problem, state):
        return jnp.zeros((*state.heap.shape, 3)), jnp.zeros(state.heap.shape)

    many = jax.tree.map(lambda x: jnp.repeat(x[-1:], 40, axis=0), heaps)
    config = SearchConfig(num_simulations=2, max_depth=1, gumbel_scale=1.0)
    keys = jax.random.split(jax.random.key(0), 40)
    action, _ = jax.jit(searcher(nim, even, config))((), keys, (), many)
    assert set(np.asarray(action)) == {0, 1, 2}


@pytest.mark.parametrize("policy", ["gumbel", "puct"])
def test_one_program_serves_all_budgets(nim, heaps, policy):
    config = SearchConfig(policy=policy, num_simulations=12)
    params, keys = jnp.array([0.3, 0.1, 0.2]), keys_for(heaps)
    act = jax.jit(budgeted(nim, wishful, config))
    raw = raw_policy(nim, wishful)(params, keys, (), heaps)
    jax.tree.map(np.testing.assert_array_equal, act((params, jnp.int32(0)), keys, (), heaps), raw)
    for count in (1, 5, 12):
        alone = jax.jit(searcher(nim, wishful, without_noise(config, count)))
        action, value = alone(params, keys, (), heaps)
        same_action, same_value = act((params, jnp.int32(count)), keys, (), heaps)
        np.testing.assert_array_equal(same_action, action)
        np.testing.assert_allclose(same_value, value, atol=1e-6)
    assert act._cache_size() == 1
