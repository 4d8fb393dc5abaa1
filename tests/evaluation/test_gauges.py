"""Gauges beside closed forms, and a network's guesses beside its own."""

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from selfplay.config import NetworkConfig
from selfplay.evaluation.gauges import calibration_error, gauges, make_guess
from selfplay.networks.build import build
from selfplay.operators.targets import Provenance, Targets
from tests import worlds


def measured(policy, *, value=(0.0,), depth=(0,), outcome=(0.0,), earlier=None):
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(np.array(policy, np.float32)), -1e9)
        before = None if earlier is None else np.log(np.array(earlier, np.float32))
    parts = (np.array(value, np.float32), np.array(depth), np.array(outcome, np.float32))
    return gauges(logs, *parts, before)


def test_entropy_is_told_by_depth():
    uniform, sure = [0.25] * 4, [1.0, 0.0, 0.0, 0.0]
    rows = {"value": np.zeros(4), "outcome": np.zeros(4)}
    told = measured([uniform, sure, sure, uniform], depth=[0, 3, 5, 300], **rows)
    assert told["policy/entropy_0"] == pytest.approx(np.log(4) / 2)
    assert told["policy/entropy_4"] == 0.0
    assert told["policy/entropy_128"] == pytest.approx(np.log(4))
    assert "policy/entropy_8" not in told and "kl/earlier" not in told
    assert told["policy/effective_moves"] == pytest.approx(2.0)


@hypothesis.given(st.lists(st.floats(0.01, 1.0), min_size=6, max_size=6))
def test_divergence_is_scipys(numbers):
    now, before = (np.array(half) / sum(half) for half in (numbers[:3], numbers[3:]))
    told = measured([now], earlier=[before])
    assert told["kl/earlier"] == pytest.approx(stats.entropy(before, now), abs=1e-5)


def test_calibration():
    """Of ten predictions of 0.75 seven came true, of ten of 0.25 five."""
    predicted = np.repeat(np.float32([0.75, 0.25]), 10)
    happened = np.float32([1] * 7 + [0] * 3 + [1] * 5 + [0] * 5)
    assert calibration_error(predicted, happened) == pytest.approx((0.05 + 0.25) / 2)
    assert calibration_error(np.float32([1.0]), np.float32([1.0])) == 0.0
    sure = measured([[1.0]] * 2, value=[1.0, 1.0], depth=[0, 0], outcome=[1.0, -1.0])
    assert sure["value/calibration_error"] == 0.5 and sure["value/variance"] == 0.0


def test_a_guess_is_the_networks_over_legal_moves():
    env = worlds.Nim(stones=7)
    network = build(NetworkConfig(width=8, depth=0), env)
    params = network.init(jax.random.key(0))
    state = jax.tree.map(lambda x: jnp.stack([x, x]), env.init(()))
    state = state.replace(heap=jnp.array([7, 1], state.heap.dtype))
    weights, zeros = jnp.zeros((2, env.num_actions)), jnp.zeros(2)
    rows = Targets((), state, weights, zeros, zeros, Provenance.of((2,), 0))
    policy, value = make_guess(env, network)(params, rows)
    logits, expected = network.apply(params, jax.vmap(env.observe)((), state))
    legal = np.asarray(jax.vmap(env.legal_action_mask)((), state))
    np.testing.assert_allclose(np.exp(policy).sum(1), 1.0, atol=1e-5)
    assert np.all(np.exp(np.asarray(policy))[~legal] == 0.0)
    np.testing.assert_allclose(policy[0], jax.nn.log_softmax(logits[0]), atol=1e-5)
    np.testing.assert_allclose(value, expected, atol=1e-6)
