"""The loss and its gradient against closed forms in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.learning.losses import distillation_loss
from selfplay.networks.contract import Outputs
from selfplay.operators.targets import Provenance, Targets
from tests import worlds

ENV = worlds.Nim(stones=6)
HEAPS = np.array([1, 2, 3, 4, 5, 6, 2, 1])
LEGAL = np.arange(1, 4) <= HEAPS[:, None]
VALUE_WEIGHT, REPLY_WEIGHT = 0.7, 0.3


def apply(params, observation):
    """A table: a row of logits and a value for each heap."""
    reply = observation @ params["reply"] if "reply" in params else None
    return Outputs(observation @ params["logits"], observation @ params["value"], reply)


def make_batch(action_weights, value, weight):
    rows = len(HEAPS)
    state = ENV.solved_positions().state
    return Targets(
        problem=(),
        state=jax.tree.map(lambda x: x[HEAPS - 1], state),
        action_weights=jnp.asarray(action_weights, jnp.float32),
        value=jnp.asarray(value, jnp.float32),
        weight=jnp.asarray(weight, jnp.float32),
        provenance=Provenance.of((rows,), 0),
    )


@jax.jit
def loss_and_gradient(params, batch):
    def loss(params):
        return distillation_loss(ENV, apply, VALUE_WEIGHT, params, batch, reply_weight=REPLY_WEIGHT)

    return jax.value_and_grad(loss, has_aux=True)(params)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.fixture(scope="module")
def example():
    """Logits of all kinds, and targets with zeros among the legal actions."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(7, 3)) * 3
    logits[:, 2] += 20  # the network's favourite is illegal on small heaps
    values = rng.uniform(-1, 1, 7)
    target = softmax(np.where(LEGAL, rng.normal(size=(8, 3)), -np.inf))
    target[2] = [0, 1, 0]
    target[4] = [0.5, 0, 0.5]
    value, weight = rng.uniform(-1, 1, 8), np.array([1, 2, 0.5, 0, 1, 1, 3, 1.0])
    params = {"logits": jnp.asarray(logits, jnp.float32), "value": jnp.asarray(values, jnp.float32)}
    return logits, values, target, value, weight, params


def test_loss_and_metrics_equal_the_closed_form(example):
    logits, values, target, value, weight, params = example
    (loss, metrics), _ = loss_and_gradient(params, make_batch(target, value, weight))
    policy = softmax(np.where(LEGAL, logits[HEAPS], -np.inf))
    log = lambda p: np.log(np.where(p > 0, p, 1.0))  # noqa: E731
    expected = {
        "loss/policy": np.mean(weight * -(target * log(policy)).sum(1)),
        "loss/value": np.mean(weight * (values[HEAPS] - value) ** 2),
        "entropy/policy": np.mean(weight * -(policy * log(policy)).sum(1)),
        "entropy/target": np.mean(weight * -(target * log(target)).sum(1)),
        "kl/target_policy": np.mean(weight * (target * (log(target) - log(policy))).sum(1)),
    }
    assert metrics.keys() == expected.keys()
    for name, number in expected.items():
        np.testing.assert_allclose(metrics[name], number, rtol=1e-4, atol=1e-5, err_msg=name)
    whole = expected["loss/policy"] + VALUE_WEIGHT * expected["loss/value"]
    np.testing.assert_allclose(loss, whole, rtol=1e-5)


def test_gradient_equals_the_closed_form(example):
    """d/dlogits = weight * (policy - target) / K where legal, 0 where illegal."""
    logits, values, target, value, weight, params = example
    _, gradient = loss_and_gradient(params, make_batch(target, value, weight))
    policy = softmax(np.where(LEGAL, logits[HEAPS], -np.inf))
    expected_logits, expected_value = np.zeros((7, 3)), np.zeros(7)
    for row, heap in enumerate(HEAPS):
        expected_logits[heap] += weight[row] * (policy[row] - target[row]) / 8
        expected_value[heap] += VALUE_WEIGHT * weight[row] * 2 * (values[heap] - value[row]) / 8
    np.testing.assert_allclose(gradient["logits"], expected_logits, atol=1e-5)
    np.testing.assert_allclose(gradient["value"], expected_value, atol=1e-5)
    illegal = np.asarray(gradient["logits"])[1:][~(np.arange(1, 4) <= np.arange(1, 7)[:, None])]
    np.testing.assert_array_equal(illegal, 0.0)


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_extreme_logits_give_finite_numbers(example, size):
    _, _, target, value, weight, params = example
    params = params | {"logits": params["logits"].at[:, 2].set(size)}
    outcome = loss_and_gradient(params, make_batch(target, value, weight))
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(outcome))


def test_divergence_is_zero_for_equal_policies_alone(example):
    logits, values, target, value, _, _ = example
    target = softmax(np.where(LEGAL, np.stack([HEAPS, 1 - HEAPS, HEAPS % 2], 1), -np.inf))
    table = np.zeros((7, 3))
    table[HEAPS] = np.where(LEGAL, np.log(np.where(LEGAL, target, 1.0)), 5.0)
    equal = {"logits": jnp.asarray(table, jnp.float32), "value": jnp.asarray(values, jnp.float32)}
    batch = make_batch(target, value, np.ones(8))
    (_, metrics), gradient = loss_and_gradient(equal, batch)
    np.testing.assert_allclose(metrics["kl/target_policy"], 0.0, atol=2e-6)
    np.testing.assert_allclose(gradient["logits"], 0.0, atol=1e-6)
    other = equal | {"logits": equal["logits"].at[2, 0].add(0.5)}
    (_, metrics), _ = loss_and_gradient(other, batch)
    assert metrics["kl/target_policy"] > 1e-3


def test_weightless_rows_teach_nothing(example):
    _, _, target, value, _, params = example
    (loss, _), gradient = loss_and_gradient(params, make_batch(target, value, np.zeros(8)))
    assert float(loss) == 0.0
    assert all((np.asarray(x) == 0).all() for x in jax.tree.leaves(gradient))


def test_reply_loss_equals_the_closed_form(example):
    """All actions count, the mover's illegal ones too; a row without a reply counts as zero."""
    _, _, target, value, weight, params = example
    rng = np.random.default_rng(1)
    table = rng.normal(size=(7, 3)) * 2
    reply = softmax(rng.normal(size=(8, 3)))
    reply[[1, 5]] = 0.0
    reply[2] = [0.0, 0.0, 1.0]
    batch = make_batch(target, value, weight)
    (plain, _), _ = loss_and_gradient(params, batch)
    params = params | {"reply": jnp.asarray(table, jnp.float32)}
    batch = batch.replace(reply=jnp.asarray(reply, jnp.float32))
    (loss, metrics), gradient = loss_and_gradient(params, batch)
    policy = softmax(table[HEAPS])
    expected = np.mean(weight * -(reply * np.log(policy)).sum(1))
    np.testing.assert_allclose(metrics["loss/reply"], expected, rtol=1e-5)
    np.testing.assert_allclose(loss - plain, REPLY_WEIGHT * expected, rtol=1e-4)
    slope = np.zeros((7, 3))
    for row, heap in enumerate(HEAPS):
        whole = reply[row].sum()
        slope[heap] += REPLY_WEIGHT * weight[row] * (whole * policy[row] - reply[row]) / 8
    np.testing.assert_allclose(gradient["reply"], slope, atol=1e-5)
