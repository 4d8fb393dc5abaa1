"""Laws that every network keeps, whatever its kind and whatever it reads."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import worlds

from selfplay.config import NetworkConfig
from selfplay.networks.build import build

KINDS = {
    "mlp": ("mlp", worlds.Nim),
    "resnet": ("resnet", worlds.NimBoard),
    "board_transformer": ("transformer", worlds.NimBoard),
    "token_transformer": ("transformer", worlds.Spell),
}
NUM_ACTIONS = 3
BATCH = 7


@functools.cache
def situation(name, dtype="float32"):
    """A small network, its parameters moved off their small heads, and observations [BATCH]."""
    kind, world = KINDS[name]
    env = world()
    config = NetworkConfig(kind=kind, width=16, depth=2, num_heads=2, dtype=dtype)
    network = build(config, env)
    params = jax.jit(network.init)(jax.random.key(0))
    keys = jax.random.split(jax.random.key(1), len(jax.tree.leaves(params)))
    leaves, treedef = jax.tree.flatten(params)
    leaves = [x + 0.2 * jax.random.normal(k, x.shape) for x, k in zip(leaves, keys, strict=True)]
    return network, treedef.unflatten(leaves), observations(env)


def observations(env):
    """Observations [BATCH] from random play."""

    def one(key):
        problem_key, key = jax.random.split(key)
        problem = env.sample_problem(problem_key)
        state = env.init(problem)
        for step_key in jax.random.split(key, 3):
            legal = jnp.where(env.legal_action_mask(problem, state), 0.0, -jnp.inf)
            following = env.step(problem, state, jax.random.categorical(step_key, legal))
            keep = jax.random.bernoulli(step_key, 0.7) & ~following.terminated
            state = jax.tree.map(functools.partial(jnp.where, keep), following, state)
        return env.observe(problem, state)

    return jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(2), BATCH))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", KINDS)
def test_shapes_dtypes_and_range(name, dtype):
    network, params, observation = situation(name, dtype)
    large = jax.tree.map(lambda x: 10.0 * x, params)
    for some in (params, large):
        prior_logits, value = jax.jit(network.apply)(some, observation)
        assert prior_logits.shape == (BATCH, NUM_ACTIONS)
        assert value.shape == (BATCH,)
        assert prior_logits.dtype == value.dtype == jnp.float32
        assert jnp.isfinite(prior_logits).all()
        assert (jnp.abs(value) <= 1.0).all()


@pytest.mark.parametrize("name", KINDS)
def test_params_are_plain_dicts_of_float32(name):
    network, _, _ = situation(name, "bfloat16")

    def check(tree):
        if type(tree) is dict:
            for child in tree.values():
                check(child)
        else:
            assert isinstance(tree, jax.Array)
            assert tree.dtype == jnp.float32

    params = network.init(jax.random.key(0))
    check(params)
    other = network.init(jax.random.key(1))
    assert not jnp.allclose(*(jax.tree.leaves(tree)[-1] for tree in (params, other)))


@pytest.mark.parametrize("name", KINDS)
def test_untrained_is_near_uniform_with_value_near_zero(name):
    network, _, observation = situation(name)
    prior_logits, value = network.apply(network.init(jax.random.key(0)), observation)
    assert jnp.abs(jax.nn.softmax(prior_logits) - 1.0 / NUM_ACTIONS).max() < 0.02
    assert jnp.abs(value).max() < 0.05


@pytest.mark.parametrize("name", KINDS)
def test_observations_are_judged_one_by_one(name):
    network, params, observation = situation(name)
    together = jax.jit(network.apply)(params, observation)
    for index in range(BATCH):
        alone = network.apply(params, jax.tree.map(lambda x, i=index: x[i : i + 1], observation))
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], many[index], atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_vmap_over_observations_and_over_params(name):
    network, params, observation = situation(name)
    together = network.apply(params, observation)
    batches = jax.tree.map(lambda x: jnp.stack([x, x[::-1]]), observation)
    stacked = jax.jit(jax.vmap(network.apply, (None, 0)))(params, batches)
    for one, two in zip(together, stacked, strict=True):
        np.testing.assert_allclose(two[0], one, atol=1e-5)
        np.testing.assert_allclose(two[1], one[::-1], atol=1e-5)
    population = jax.vmap(network.init)(jax.random.split(jax.random.key(3), 2))
    of_each = jax.vmap(network.apply, (0, None))(population, observation)
    second = network.apply(jax.tree.map(lambda x: x[1], population), observation)
    for one, two in zip(second, of_each, strict=True):
        np.testing.assert_allclose(two[1], one, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", KINDS)
def test_gradients_are_finite_and_reach_every_parameter(name, dtype):
    network, params, observation = situation(name, dtype)

    def loss(params):
        prior_logits, value = network.apply(params, observation)
        illegal_off = jnp.where(jnp.arange(NUM_ACTIONS) == 0, prior_logits, -1e9)
        return jnp.square(prior_logits).sum() + jnp.square(value).sum() + illegal_off[:, 0].sum()

    gradients = jax.jit(jax.grad(loss))(params)
    for path, gradient in jax.tree_util.tree_leaves_with_path(gradients):
        assert gradient.dtype == jnp.float32
        assert jnp.isfinite(gradient).all(), jax.tree_util.keystr(path)
        assert jnp.abs(gradient).max() > 0, jax.tree_util.keystr(path)


@pytest.mark.parametrize("name", KINDS)
def test_bfloat16_is_close_to_float32(name):
    network, params, observation = situation(name)
    low, _, _ = situation(name, "bfloat16")
    exact = network.apply(params, observation)
    rough = low.apply(params, observation)
    for one, two in zip(exact, rough, strict=True):
        assert not jnp.array_equal(one, two)
        np.testing.assert_allclose(two, one, atol=0.05 * float(jnp.abs(one).max()) + 0.02)


@pytest.mark.parametrize("name", KINDS)
def test_overfits_a_tiny_batch(name):
    network, _, observation = situation(name)
    observation = jax.tree.map(lambda x: x[:3], observation)
    flat = np.concatenate([x.reshape(3, -1) for x in jax.tree.leaves(observation)], axis=1)
    _, which = np.unique(flat, axis=0, return_inverse=True)  # the same seen, the same wanted
    actions = jnp.asarray(which % NUM_ACTIONS, jnp.int32)
    values = jnp.asarray([0.8, -0.8, 0.1], jnp.float32)[jnp.asarray(which)]
    optimizer = optax.adam(1e-2)

    def loss(params):
        prior_logits, value = network.apply(params, observation)
        policy = optax.softmax_cross_entropy_with_integer_labels(prior_logits, actions)
        return (policy + jnp.square(value - values)).mean()

    @jax.jit
    def fit(params):
        def update(carry, _):
            params, state = carry
            direction, state = optimizer.update(jax.grad(loss)(params), state, params)
            return (optax.apply_updates(params, direction), state), None

        (params, _), _ = jax.lax.scan(update, (params, optimizer.init(params)), None, 150)
        return loss(params)

    assert len(np.unique(which)) > 1
    assert fit(network.init(jax.random.key(0))) < 0.02


@pytest.mark.parametrize("name", KINDS)
def test_compiles_once(name):
    network, params, observation = situation(name)
    traces = []

    @jax.jit
    def apply(params, observation):
        traces.append(1)
        return network.apply(params, observation)

    for seed in range(3):
        apply(network.init(jax.random.key(seed)), observation)
    apply(params, observation)
    assert len(traces) == 1


def test_observation_of_another_shape_is_refused():
    network, params, observation = situation("mlp")
    with pytest.raises(ValueError, match=r"observation must have shape \[B, 8\], got \[8\]"):
        network.apply(params, observation[0])
    network, params, observation = situation("token_transformer")
    with pytest.raises(ValueError, match=r"mask must have shape \[B, 7\], got \[7, 6\]"):
        network.apply(params, observation.replace(mask=observation.mask[:, :6]))
    with pytest.raises(ValueError, match="must be Tokens, got ArrayImpl"):
        network.apply(params, observation.tokens)
