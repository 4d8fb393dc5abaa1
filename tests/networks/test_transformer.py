import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.config import NetworkConfig
from selfplay.environment.observation import Tokens
from selfplay.networks.build import build
from selfplay.networks.contract import Network
from tests import worlds

CONFIG = NetworkConfig(kind="transformer", width=16, depth=1, num_heads=2)


@pytest.fixture(scope="module")
def spell():
    """A network over tokens, arbitrary parameters, and an observation [1]."""
    env = worlds.Spell()
    network = build(CONFIG, env)
    network = Network(*map(jax.jit, network))
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda x: jnp.asarray(rng.normal(0.1, 0.4, x.shape), x.dtype),
        jax.eval_shape(network.init, jax.random.key(0)),
    )
    problem = env.parse_problem("abca")
    state = env.step(problem, env.init(problem), jnp.int32(0))
    state = env.step(problem, state, jnp.int32(2))
    observation = jax.tree.map(lambda x: x[None], env.observe(problem, state))
    assert observation.mask.tolist() == [[False, False, True, True, True, True, True]]
    return network, params, observation


def same(one, two):
    for x, y in zip(one, two, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-5)


def differ(one, two):
    for x, y in zip(one, two, strict=True):
        assert jnp.abs(x - y).max() > 1e-3


def test_padding_changes_nothing(spell):
    network, params, observation = spell
    outputs = network.apply(params, observation)
    other = observation.replace(
        tokens=observation.tokens.at[:, :2].set(8), positions=observation.positions.at[:, :2].set(3)
    )
    same(outputs, network.apply(params, other))
    seen = other.replace(mask=jnp.ones_like(other.mask))
    differ(outputs, network.apply(params, seen))


def test_padding_can_be_cut_off(spell):
    network, params, observation = spell
    env = worlds.Spell()
    env.observation_spec = type(env.observation_spec)(
        num_tokens=5,
        vocabulary_size=env.observation_spec.vocabulary_size,
        num_positions=env.observation_spec.num_positions,
    )
    short = Tokens(
        tokens=observation.tokens[:, 2:],
        positions=observation.positions[:, 2:],
        mask=observation.mask[:, 2:],
        action_tokens=observation.action_tokens - 2,
    )
    same(network.apply(params, observation), jax.jit(build(CONFIG, env).apply)(params, short))


def test_order_is_in_the_positions_alone(spell):
    network, params, observation = spell
    order = jnp.array([3, 6, 0, 5, 1, 4, 2])
    where = jnp.argsort(order)
    shuffled = Tokens(
        tokens=observation.tokens[:, order],
        positions=observation.positions[:, order],
        mask=observation.mask[:, order],
        action_tokens=where[observation.action_tokens],
    )
    outputs = network.apply(params, observation)
    same(outputs, network.apply(params, shuffled))
    differ(outputs, network.apply(params, shuffled.replace(positions=observation.positions)))


def test_each_logit_is_read_at_its_token(spell):
    network, params, observation = spell
    prior_logits, value = network.apply(params, observation)
    moved = observation.replace(action_tokens=observation.action_tokens.at[:, 1].set(2))
    other_logits, other_value = network.apply(params, moved)
    np.testing.assert_allclose(other_logits[:, [0, 2]], prior_logits[:, [0, 2]], atol=1e-6)
    assert jnp.abs(other_logits[:, 1] - prior_logits[:, 1]).min() > 1e-3
    np.testing.assert_allclose(other_value, value, atol=1e-6)


def test_actions_that_read_one_token_differ(spell):
    network, params, observation = spell
    together = observation.replace(action_tokens=jnp.full_like(observation.action_tokens, 2))
    prior_logits, _ = network.apply(params, together)
    assert len(set(prior_logits[0].tolist())) == 3


def test_all_masked_is_finite(spell):
    network, params, observation = spell
    nothing = observation.replace(mask=jnp.zeros_like(observation.mask))

    def loss(params):
        prior_logits, value = network.apply(params, nothing)
        return prior_logits.sum() + value.sum()

    gradients = jax.jit(jax.grad(loss))(params)
    assert all(jnp.isfinite(x).all() for x in jax.tree.leaves(gradients))


def test_board_squares_have_positions():
    network = build(CONFIG, worlds.NimBoard())
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda x: rng.normal(0.1, 0.4, x.shape).astype(x.dtype),
        jax.eval_shape(network.init, jax.random.key(0)),
    )
    assert params["positions"].shape == (8, 16)
    params["positions"] = np.zeros((8, 16), np.float32)
    kernel = params["heads"]["heads"]["policy"]["kernel"]
    params["heads"]["heads"]["policy"]["kernel"] = np.tile(kernel[:8], (8, 1))
    boards = np.zeros((2, 2, 4, 1), np.float32)
    boards[0, 0, 0] = boards[1, 1, 3] = 1.0
    apply = jax.jit(network.apply)
    first, second = apply(params, boards)[0]
    np.testing.assert_allclose(first, second, atol=1e-4)  # all squares alike but for positions
    params["positions"] = rng.standard_normal((8, 16), np.float32)
    first, second = apply(params, boards)[0]
    assert np.abs(first - second).max() > 1e-2


def test_errors():
    with pytest.raises(ValueError, match=r"must divide network.width, got 3 heads for width 16"):
        build(NetworkConfig(kind="transformer", width=16, num_heads=3), worlds.Spell())
    with pytest.raises(ValueError, match=r"array of shape \(8,\); network.kind = 'mlp' would do"):
        build(CONFIG, worlds.Nim())
