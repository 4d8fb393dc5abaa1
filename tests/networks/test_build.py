"""Laws that every network keeps, whatever its kind and whatever it reads."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from selfplay.config import NetworkConfig
from selfplay.environment import ArraySpec
from selfplay.networks.build import build
from selfplay.networks.contract import Network
from tests import worlds


class TwoPlanes(worlds.NimBoard):
    """A board with a plane for each player, of whom one has placed nothing."""

    def __init__(self):
        super().__init__()
        self.observation_spec = ArraySpec((2, 4, 2))

    def view(self, state):
        plane = super().view(state)
        return jnp.concatenate([plane, jnp.zeros_like(plane)], axis=-1)


KINDS = {
    "mlp": ("mlp", worlds.Nim),
    "lines": ("lines", TwoPlanes),
    "resnet": ("resnet", worlds.NimBoard),
    "board_transformer": ("transformer", worlds.NimBoard),
    "token_mlp": ("mlp", worlds.Spell),
    "token_transformer": ("transformer", worlds.LinkedSpell),
    "graph": ("graph", worlds.LinkedSpell),
}
NUM_ACTIONS = 3
BATCH = 7


@functools.cache
def situation(name, dtype="float32"):
    """A small network, jitted, arbitrary parameters, and observations [BATCH]."""
    network = make(name, dtype)
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda x: jnp.asarray(rng.normal(0.1, 0.4, x.shape), x.dtype),
        jax.eval_shape(network.init, jax.random.key(0)),
    )
    return network, params, observations(KINDS[name][1])


@functools.cache
def make(name, dtype="float32"):
    kind, world = KINDS[name]
    config = NetworkConfig(kind=kind, width=16, depth=1, line_length=2, num_heads=2, dtype=dtype)
    network = build(config, world())
    return Network(*map(jax.jit, network))


@functools.cache
def observations(world):
    """Observations [BATCH] from random play."""
    env = world()

    def one(key):
        problem_key, key = jax.random.split(key)
        problem = env.sample_problem(problem_key)
        state = env.init(problem)
        for step_key in jax.random.split(key, 3):
            noise_key, keep_key = jax.random.split(step_key)
            noise = jax.random.uniform(noise_key, (NUM_ACTIONS,))
            legal = env.legal_action_mask(problem, state)
            following = env.step(problem, state, jnp.where(legal, noise, -1.0).argmax())
            keep = jax.random.bernoulli(keep_key, 0.7) & ~following.terminated
            state = jax.tree.map(functools.partial(jnp.where, keep), following, state)
        return env.observe(problem, state)

    return jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(2), BATCH))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", KINDS)
def test_shapes_dtypes_and_range(name, dtype):
    network, params, observation = situation(name, dtype)
    large = jax.tree.map(lambda x: 10.0 * x, params)
    for some in (params, large):
        prior_logits, value = network.apply(some, observation)
        assert prior_logits.shape == (BATCH, NUM_ACTIONS)
        assert value.shape == (BATCH,)
        assert prior_logits.dtype == value.dtype == jnp.float32
        assert jnp.isfinite(prior_logits).all()
        assert (jnp.abs(value) <= 1.0).all()


@pytest.mark.parametrize("name", KINDS)
def test_fresh_params(name):
    """Plain dictionaries of float32 from the key alone; near uniform, value near 0."""

    def check(tree):
        if type(tree) is dict:
            for child in tree.values():
                check(child)
        else:
            assert isinstance(tree, jax.Array)
            assert tree.dtype == jnp.float32

    network, observation = make(name), observations(KINDS[name][1])
    params, again, other = (network.init(jax.random.key(seed)) for seed in (0, 0, 1))
    check(params)
    jax.tree.map(np.testing.assert_array_equal, params, again)
    assert any(map(np.any, jax.tree.leaves(jax.tree.map(np.not_equal, params, other))))
    prior_logits, value = network.apply(params, observation)
    assert np.abs(jax.nn.softmax(prior_logits) - 1.0 / NUM_ACTIONS).max() < 0.02
    assert np.abs(value).max() < 0.05


@pytest.mark.parametrize("name", KINDS)
def test_observations_are_judged_one_by_one(name):
    network, params, observation = situation(name)
    together = network.apply(params, observation)
    for index in range(0, BATCH, 3):
        alone = network.apply(params, jax.tree.map(lambda x, i=index: x[i : i + 1], observation))
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], many[index], atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_vmap_over_observations_and_over_params(name):
    network, params, observation = situation(name)
    together = network.apply(params, observation)
    batches = jax.tree.map(lambda x: np.stack([x, x[::-1]]), observation)
    population = jax.tree.map(lambda x: np.stack([x, 0 * x]), params)
    stacked = jax.jit(jax.vmap(jax.vmap(network.apply, (None, 0)), (0, None)))(population, batches)
    for one, many in zip(together, stacked, strict=True):
        np.testing.assert_allclose(many[0, 0], one, atol=1e-5)
        np.testing.assert_allclose(many[0, 1], one[::-1], atol=1e-5)
        np.testing.assert_allclose(many[1], np.zeros_like(many[1]), atol=1e-5)
    keys = jax.random.split(jax.random.key(3), 2)
    initial = jax.eval_shape(jax.vmap(network.init), keys)
    assert all(x.shape[0] == 2 for x in jax.tree.leaves(initial))


@pytest.mark.parametrize("name", KINDS)
def test_gradients_are_finite_and_reach_every_parameter(name):
    network, params, observation = situation(name, "bfloat16")

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
    network, observation = make(name), observations(KINDS[name][1])
    flat = np.concatenate([x.reshape(BATCH, -1) for x in jax.tree.leaves(observation)], axis=1)
    _, rows = np.unique(flat, axis=0, return_index=True)
    rows = rows[:3]
    assert len(rows) == 3
    observation = jax.tree.map(lambda x: x[rows], observation)
    actions = np.array([1, 0, 2], np.int32)
    values = np.array([0.8, -0.8, 0.1], np.float32)

    def loss(params):
        prior_logits, value = network.apply(params, observation)
        policy = optax.softmax_cross_entropy_with_integer_labels(prior_logits, actions)
        return (policy + jnp.square(value - values)).mean()

    @jax.jit
    def fit(params):
        def update(carry, _):
            params, state = carry
            with jax.numpy_dtype_promotion("standard"):  # optax's adam needs it
                direction, state = optimizer.update(jax.grad(loss)(params), state, params)
            return (optax.apply_updates(params, direction), state), None

        (params, _), _ = jax.lax.scan(update, (params, optimizer.init(params)), None, 150)
        return loss(params)

    optimizer = optax.adam(1e-2)
    assert fit(network.init(jax.random.key(0))) < 0.02


def test_observation_of_another_shape_is_refused():
    network, params, observation = situation("mlp")
    with pytest.raises(ValueError, match=r"observation must have shape \[B, 8\], got \[8\]"):
        network.apply(params, observation[0])
    network, params, observation = situation("token_transformer")
    with pytest.raises(ValueError, match=r"mask must have shape \[B, 7\], got \[7, 6\]"):
        network.apply(params, observation.replace(mask=observation.mask[:, :6]))
    with pytest.raises(ValueError, match="the observation must be Tokens, got "):
        network.apply(params, observation.tokens)
    with pytest.raises(ValueError, match="links must be there with num_links = 1"):
        network.apply(params, observation.replace(links=None))
    with pytest.raises(ValueError, match=r"links must have shape \[B, 7, 1\], got \[7, 7\]"):
        network.apply(params, observation.replace(links=observation.links[..., 0]))


class Duel(worlds.LinkedSpell):
    """A word as it would be seen by two."""

    num_players = 2


@pytest.mark.parametrize("name", ["resnet", "token_transformer"])  # all others share a head
def test_a_reply_head_is_one_more_and_costs_play_nothing(name):
    kind, world = KINDS[name]
    env = Duel() if world is worlds.LinkedSpell else world()
    config = NetworkConfig(kind=kind, width=16, depth=1, num_heads=2)
    plain, more = (build(dataclasses.replace(config, reply_head=x), env) for x in (False, True))
    params, observation = jax.jit(more.init)(jax.random.key(0)), observations(world)
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda x: jnp.asarray(rng.normal(0.1, 0.4, x.shape), x.dtype), params)

    def without_reply(tree):
        items = tree.items() if isinstance(tree, dict) else ()
        shared = {k: without_reply(v) for k, v in items if not str(k).startswith("reply")}
        return shared if isinstance(tree, dict) else tree

    shared = without_reply(params)
    assert jax.tree.structure(shared) == jax.tree.structure(
        jax.eval_shape(plain.init, jax.random.key(0))
    )
    outputs = jax.jit(more.apply_all)(params, observation)
    assert outputs.reply_logits.shape == (BATCH, NUM_ACTIONS)
    assert outputs.reply_logits.dtype == jnp.float32
    assert jnp.abs(outputs.reply_logits - outputs.prior_logits).max() > 1e-2
    assert jax.eval_shape(plain.apply_all, shared, observation).reply_logits is None
    compiled = [
        jax.jit(network.apply).lower(own, observation).compile()
        for network, own in ((plain, shared), (more, params))
    ]
    for one, two in zip(
        compiled[0](shared, observation), compiled[1](params, observation), strict=True
    ):
        np.testing.assert_array_equal(one, two)
    assert compiled[0].cost_analysis()["flops"] == compiled[1].cost_analysis()["flops"]


def test_who_plays_alone_has_no_replies():
    config = NetworkConfig(kind="transformer", reply_head=True)
    with pytest.raises(ValueError, match=r"network\.reply_head .*Spell has no opponent"):
        build(config, worlds.Spell())
