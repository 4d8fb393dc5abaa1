"""What must hold of every network that reads tokens with links."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from selfplay.config import NetworkConfig
from selfplay.environment.observation import Tokens, TokenSpec
from selfplay.networks.build import build
from tests import worlds

READERS = ("transformer", "graph")
ATOMS, COMPOUND, TOKENS = 3, 3, 8
KINDS = (1, 0, 0, 1, 0)


class Formulas(worlds.Spell):
    """Nothing to play: formulas to look at, whose tokens come in any order.

    An atom is token 0 or 1, false or true; 2, 3, 4 are and, or, implies. The whole formula is at
    position 1, all else at 0, so which is a part of which is in the links alone.
    """

    def __init__(self, num_tokens=TOKENS, kinds=KINDS):
        super().__init__()
        self.num_actions = len(kinds)
        self.observation_spec = TokenSpec(num_tokens, 5, 2, action_kinds=kinds, num_links=2)


def formulas(count, seed, num_tokens=TOKENS):
    """Tokens [count] and whether each formula is true; NumPy alone."""
    rng = np.random.default_rng(seed)
    rows, length = np.arange(count), ATOMS + COMPOUND
    place = np.argsort(rng.random((count, num_tokens)), axis=1)[:, :length]
    tokens, positions = np.zeros((2, count, num_tokens), np.int32)
    mask = np.zeros((count, num_tokens), bool)
    links = np.tile(np.arange(num_tokens, dtype=np.int32)[:, None], (count, 1, 2))
    truth = np.zeros((count, length), bool)
    for i in range(length):
        at = place[:, i]
        mask[rows, at] = True
        if i < ATOMS:
            truth[:, i] = rng.integers(2, size=count)
            tokens[rows, at] = truth[:, i]
        else:
            parts = np.stack([np.full(count, i - 1), rng.integers(0, i, count)], axis=1)
            parts = rng.permuted(parts, axis=1)
            left, right = truth[rows[:, None], parts].T
            which = rng.integers(3, size=count)
            truth[:, i] = np.choose(which, [left & right, left | right, ~left | right])
            tokens[rows, at] = 2 + which
            links[rows, at] = np.take_along_axis(place, parts, axis=1)
    positions[rows, place[:, -1]] = 1
    action_tokens = np.repeat(place[:, -1:], len(KINDS), axis=1).astype(np.int32)
    seen = Tokens(tokens, positions, mask, action_tokens, links)
    return jax.tree.map(jnp.asarray, seen), jnp.asarray(truth[:, -1])


@functools.cache
def make(kind):
    """A network, jitted, and arbitrary parameters."""
    network = build(NetworkConfig(kind=kind, width=16, depth=3, num_heads=4), Formulas())
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda x: jnp.asarray(rng.normal(0.1, 0.4, x.shape), x.dtype),
        jax.eval_shape(network.init, jax.random.key(0)),
    )
    return network, jax.jit(network.apply), params


@pytest.mark.parametrize("kind", READERS)
def test_the_truth_of_a_formula_is_learnt_from_its_links(kind):
    """Which no network could tell that saw the tokens without them."""
    network, apply, _ = make(kind)
    seen, truth = formulas(2000, 0)
    fresh, fresh_truth = formulas(500, 1)
    optimizer = optax.adam(4e-3)

    def loss(params, rows):
        logits, _ = network.apply(params, jax.tree.map(lambda x: x[rows], seen))
        labels = truth[rows].astype(jnp.float32)
        return optax.sigmoid_binary_cross_entropy(logits[:, 0], labels).mean()

    @jax.jit
    def fit(params, keys):
        def update(carry, key):
            params, state = carry
            rows = jax.random.randint(key, (64,), 0, len(truth))
            with jax.numpy_dtype_promotion("standard"):  # optax's adam needs it
                direction, state = optimizer.update(jax.grad(loss)(params, rows), state, params)
            return (optax.apply_updates(params, direction), state), None

        (params, _), _ = jax.lax.scan(update, (params, optimizer.init(params)), keys)
        return params

    params = jax.jit(network.init)(jax.random.key(0))
    params = fit(params, jax.random.split(jax.random.key(1), 330))

    def right(observation):
        logits, _ = apply(params, observation)
        return float(((logits[:, 0] > 0) == fresh_truth).mean())

    itself = jnp.broadcast_to(jnp.arange(TOKENS, dtype=jnp.int32)[:, None], fresh.links.shape)
    assert right(fresh) > 0.95
    assert right(fresh.replace(links=itself)) < 0.85


@pytest.mark.parametrize("kind", READERS)
def test_more_padding_and_other_numbers_change_nothing(kind):
    """And the same parameters serve at another number of tokens, and of actions."""
    _, apply, params = make(kind)
    seen, _ = formulas(4, 2)
    expected = apply(params, seen)
    order = np.array([10, 3, 6, 0, 5, 8, 1, 4, 2, 7, 9])
    number = np.argsort(order)
    rubbish = np.random.default_rng(3).integers(0, 2, (4, 11)).astype(np.int32)

    def padded(x, rest):
        return np.concatenate([x, rest[:, TOKENS:]], axis=1)[:, order]

    more = Tokens(
        tokens=padded(seen.tokens, rubbish),
        positions=padded(seen.positions, rubbish),
        mask=padded(seen.mask, np.zeros((4, 11), bool)),
        action_tokens=number[np.asarray(seen.action_tokens)][:, :2].astype(np.int32),
        links=padded(number[np.asarray(seen.links)], np.stack([rubbish, rubbish], -1)),
    )
    more = more.replace(links=more.links.astype(np.int32))
    other = build(NetworkConfig(kind=kind, width=16, depth=3, num_heads=4), Formulas(11, KINDS[:2]))
    prior_logits, value = jax.jit(other.apply)(params, more)
    np.testing.assert_allclose(prior_logits, expected[0][:, :2], atol=2e-5)
    np.testing.assert_allclose(value, expected[1], atol=2e-5)
    moved = seen.replace(links=seen.links[:, ::-1])
    assert jnp.abs(apply(params, moved)[0] - expected[0]).max() > 1e-2


def test_actions_of_one_kind_differ_by_their_tokens_alone():
    _, apply, params = make("graph")
    seen, _ = formulas(4, 2)
    logits, _ = apply(params, seen)  # all actions read the same token
    np.testing.assert_array_equal(logits[:, 0], logits[:, 3])
    np.testing.assert_array_equal(logits[:, 1], logits[:, 4])
    assert jnp.abs(logits[:, 0] - logits[:, 1]).min() > 1e-3
    tokens = seen.action_tokens.at[:, 3].set((seen.action_tokens[:, 3] + 1) % TOKENS)
    moved, _ = apply(params, seen.replace(action_tokens=tokens))
    assert jnp.abs(moved[:, 0] - moved[:, 3]).max() > 1e-3
    np.testing.assert_allclose(moved[:, [0, 1, 2, 4]], logits[:, [0, 1, 2, 4]], atol=1e-6)


@pytest.mark.parametrize("kind", READERS)
def test_gradients_are_finite_where_all_is_masked(kind):
    network, _, params = make(kind)
    seen, _ = formulas(4, 2)
    nothing = seen.replace(mask=jnp.zeros_like(seen.mask))

    def loss(params):
        prior_logits, value = network.apply(params, nothing)
        return prior_logits.sum() + value.sum()

    assert all(jnp.isfinite(x).all() for x in jax.tree.leaves(jax.jit(jax.grad(loss))(params)))


def test_what_has_no_links_is_refused_by_a_graph_network():
    with pytest.raises(ValueError, match=r"reads tokens with links, .*'transformer' would do"):
        build(NetworkConfig(kind="graph"), worlds.Spell())
    with pytest.raises(ValueError, match=r"reads tokens with links, .*'mlp' would do"):
        build(NetworkConfig(kind="graph"), worlds.Nim())
