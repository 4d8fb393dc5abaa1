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


def test_tokens_are_flattened_one_hot():
    """The rows that are added up, against the one-hot features that they stand for."""
    env = worlds.LinkedSpell()
    network = build(NetworkConfig(kind="mlp", width=16, depth=0), env)
    params = network.init(jax.random.key(0))
    trunk = params["trunk"]
    problem = env.parse_problem("abca")
    state = env.step(problem, env.init(problem), jnp.int32(0))
    seen = env.observe(problem, state)
    words, places, count = 9, 5, 7
    features = np.zeros((count, words + places + count), np.float32)
    for at in range(count):
        if seen.mask[at]:
            features[at, seen.tokens[at]] = 1
            features[at, words + seen.positions[at]] = 1
            features[at, words + places + seen.links[at, 0]] = 1
    assert features.sum() == 3 * 6
    stem = features.ravel() @ trunk["stem"]["kernel"] + trunk["stem"]["bias"]
    assert 0.5 < np.square(stem).mean() / 18 * 7 * 3 < 2  # as large as if nothing were masked
    head = trunk["heads"]["policy"]
    expected = np.maximum(stem, 0) @ head["kernel"] + head["bias"]
    prior_logits, _ = jax.jit(network.apply)(params, jax.tree.map(lambda x: x[None], seen))
    np.testing.assert_allclose(prior_logits[0], expected, atol=1e-6)


def test_an_mlp_of_another_number_of_tokens_is_refused():
    config = NetworkConfig(kind="mlp", width=16)
    small, large = worlds.Spell(), worlds.Spell(length=6)
    params = jax.eval_shape(build(config, small).init, jax.random.key(0))
    seen = jax.eval_shape(large.observe, jnp.zeros(6, jnp.int8), large._start(None))
    seen = jax.tree.map(lambda x: jax.ShapeDtypeStruct((2, *x.shape), x.dtype), seen)
    with pytest.raises(ValueError, match=r"over 9 tokens has 144 .* made for 98: .*'transformer'"):
        jax.eval_shape(build(config, large).apply, params, seen)
