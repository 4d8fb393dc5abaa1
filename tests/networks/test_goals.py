"""Several goals at once, against each of them alone and against the product in closed form."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from selfplay.config import LearnerConfig, NetworkConfig
from selfplay.environment.observation import Tokens, TokenSpec
from selfplay.learning.noise import noisy
from selfplay.networks.build import build
from selfplay.networks.contract import Outputs
from selfplay.networks.goals import judge_goals
from tests import worlds

BATCH, GOALS, TOKENS, WORDS = 5, 3, 4, 7


class Goals(worlds.Spell):
    """Nothing to play: goals to look at, of a few tokens each, linked at random."""

    def __init__(self, goals):
        super().__init__()
        self.num_actions = TOKENS
        self.observation_spec = TokenSpec(
            TOKENS, WORDS, 2, action_kinds=(0,) * TOKENS, num_links=1, num_goals=goals
        )


def arbitrary(shape, seed=0):
    """Tokens [*shape]; every goal is open."""
    rng = np.random.default_rng(seed)

    def whole(high, *more):
        return rng.integers(0, high, (*shape, TOKENS, *more)).astype(np.int32)

    mask = np.arange(TOKENS) < rng.integers(1, TOKENS + 1, (*shape, 1))
    return Tokens(whole(WORDS), whole(2), mask, whole(TOKENS), whole(TOKENS, 1))


@functools.cache
def networks(kind):
    """The one that sees goals one by one, and the plain one; the same arbitrary parameters."""
    config = NetworkConfig(kind=kind, width=8, depth=1, num_heads=2)
    several, plain = (build(config, Goals(goals)) for goals in (GOALS, 1))
    params, same = (jax.eval_shape(n.init, jax.random.key(0)) for n in (several, plain))
    assert jax.tree.structure(params) == jax.tree.structure(same)
    assert jax.tree.leaves(params) == jax.tree.leaves(same)
    rng = np.random.default_rng(1)
    params = jax.tree.map(lambda x: jnp.asarray(rng.normal(0.1, 0.8, x.shape), x.dtype), params)
    return jax.jit(several.apply), jax.jit(plain.apply), params


@pytest.mark.parametrize("kind", ["graph", "transformer", "mlp"])
def test_a_state_is_worth_the_product_of_its_goals_that_are_open(kind):
    several, plain, params = networks(kind)
    seen = arbitrary((BATCH, GOALS))
    is_open = np.arange(GOALS) < np.array([1, 2, 3, 2, 0])[:, None]
    seen = seen.replace(mask=seen.mask & is_open[:, :, None])
    logits, value = several(params, seen)
    alone = [plain(params, jax.tree.map(lambda x, g=g: x[:, g], seen)) for g in range(GOALS)]
    values = np.stack([v for _, v in alone], axis=1)
    assert np.abs(values).max() > 0.2
    chances = np.where(is_open, (1 + values.astype(np.float64)) / 2, 1)
    np.testing.assert_allclose(value, 2 * chances.prod(1) - 1, atol=1e-5)
    np.testing.assert_allclose(value[0], values[0, 0], atol=1e-5)
    assert value[4] == 1.0
    np.testing.assert_allclose(logits, alone[0][0], atol=1e-5)
    rubbish = arbitrary((BATCH, GOALS), seed=2)
    other = jax.tree.map(
        lambda x, y: np.where(is_open.reshape(BATCH, GOALS, *[1] * (x.ndim - 2)), x, y),
        seen,
        rubbish.replace(mask=seen.mask),
    )
    np.testing.assert_array_equal(several(params, other)[1], value)


def test_the_gradient_by_a_goal_is_the_product_of_the_others():
    """Also where some have no chance at all: of one such goal it is more than 0."""

    def value(chances):
        def network(seen, drop):
            del drop  # it has no hidden units
            return Outputs(jnp.zeros((1, TOKENS)), 2.0 * chances[seen.tokens[:, 0]] - 1.0)

        seen = arbitrary((1, GOALS))
        seen.tokens[0, :, 0] = range(GOALS)
        return judge_goals(network, seen).value[0]

    gradient = jax.jit(jax.grad(value))
    for chances in ([0.5, 0.25, 0.75], [0.0, 0.5, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]):
        others = [2 * np.prod(np.delete(chances, goal)) for goal in range(GOALS)]
        np.testing.assert_allclose(gradient(jnp.array(chances)), others, atol=1e-6)


def test_what_each_goal_is_worth_is_learnt_from_their_product():
    """Of words, of which the even ones can be reached, three at a time; WORDS - 1 has no part."""
    network = build(NetworkConfig(kind="mlp", width=16, depth=1), Goals(GOALS))
    rng = np.random.default_rng(0)
    words = rng.integers(0, WORDS - 1, (64, GOALS))
    seen = jax.tree.map(np.zeros_like, arbitrary((64, GOALS)))
    seen.mask[..., 0] = np.arange(GOALS) < rng.integers(1, GOALS + 1, (64, 1))
    seen.tokens[..., 0] = words
    reached = np.where((words % 2 == 0) | ~seen.mask[..., 0], 1.0, -1.0).min(1).astype(np.float32)
    optimizer = optax.adam(1e-2)

    def loss(params):
        return jnp.square(network.apply(params, seen)[1] - reached).mean()

    @jax.jit
    def fit(params):
        def update(carry, _):
            params, state = carry
            with jax.numpy_dtype_promotion("standard"):  # optax's adam needs it
                direction, state = optimizer.update(jax.grad(loss)(params), state, params)
            return (optax.apply_updates(params, direction), state), None

        return jax.lax.scan(update, (params, optimizer.init(params)), None, 150)[0][0]

    alone = jax.tree.map(lambda x: np.zeros((WORDS - 1, *x.shape[1:]), x.dtype), seen)
    alone.mask[:, 0, 0] = True
    alone.tokens[:, 0, 0] = range(WORDS - 1)
    value = network.apply(fit(network.init(jax.random.key(0))), alone)[1]
    np.testing.assert_allclose(value, [1, -1] * (WORDS // 2), atol=0.2)


def test_units_are_dropped_as_from_one_goal():
    network = build(NetworkConfig(kind="graph", width=8, depth=1), Goals(GOALS))
    _, _, params = networks("graph")
    seen = arbitrary((BATCH, GOALS))

    def student(rate, key):
        return noisy(network.apply_all, LearnerConfig(dropout=rate), key)(params, seen).value

    values = [jax.jit(student, static_argnums=0)(0.5, jax.random.key(i)) for i in (0, 0, 1)]
    np.testing.assert_array_equal(values[0], values[1])
    assert jnp.abs(values[0] - values[2]).max() > 1e-3


def test_what_was_seen_of_one_goal_is_refused_where_there_are_several():
    network = build(NetworkConfig(kind="graph", width=8, depth=1), Goals(GOALS))
    with pytest.raises(ValueError, match=r"tokens must have shape \[B, 3, 4\], got \[5, 4\]"):
        network.apply({}, arbitrary((BATCH,)))
