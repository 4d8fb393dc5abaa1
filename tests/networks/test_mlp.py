import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.config import NetworkConfig
from selfplay.networks.build import build
from tests import worlds


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_parameter_count(depth):
    env = worlds.Nim(stones=7)
    width, inputs, actions = 16, 8, 3
    network = build(NetworkConfig(kind="mlp", width=width, depth=depth), env)
    params = jax.eval_shape(network.init, jax.random.key(0))
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    stem = inputs * width + width
    residual = depth * (width * width + width)
    heads = width * actions + actions + width + 1
    assert count == stem + residual + heads
    assert (stem, heads) == (144, 68)
    assert count == 212 + depth * 272


def test_layers_compute_what_they_say():
    env = worlds.Nim(stones=7)
    network = build(NetworkConfig(kind="mlp", width=16, depth=2), env)
    params = network.init(jax.random.key(0))
    observation = jax.random.normal(jax.random.key(1), (4, 8))

    def dense(layer, x):
        return x @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])

    x = np.maximum(dense(params["stem"], np.asarray(observation)), 0.0)
    for index in range(2):
        x = x + np.maximum(dense(params["layers"][index], x), 0.0)
    prior_logits, value = jax.jit(network.apply)(params, observation)
    np.testing.assert_allclose(prior_logits, dense(params["heads"]["policy"], x), atol=1e-6)
    expected = np.tanh(dense(params["heads"]["value"], x))[:, 0]
    np.testing.assert_allclose(value, expected, atol=1e-6)


def test_scale_does_not_grow_with_depth():
    observation = jnp.eye(8)
    sizes = []
    for depth in (1, 20):
        network = build(NetworkConfig(kind="mlp", width=64, depth=depth), worlds.Nim())
        prior_logits, _ = jax.jit(network.apply)(network.init(jax.random.key(0)), observation)
        sizes.append(float(jnp.abs(prior_logits).mean()))
    assert 0.5 < sizes[1] / sizes[0] < 2.0


def test_board_is_flattened():
    network = build(NetworkConfig(kind="mlp", width=16), worlds.NimBoard())
    params = jax.eval_shape(network.init, jax.random.key(0))
    assert params["stem"]["kernel"].shape == (8, 16)
    prior_logits, _ = jax.eval_shape(network.apply, params, jnp.ones((2, 2, 4, 1)))
    assert prior_logits.shape == (2, 3)


def test_tokens_are_refused():
    with pytest.raises(ValueError, match=r"observation of tokens .*'transformer' would do"):
        build(NetworkConfig(kind="mlp"), worlds.Spell())
