"""Dirichlet noise against the distribution's own moments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.search import model
from selfplay.search.noise import add_dirichlet

LEGAL = jnp.array([True, False, True, True, False])
NUM_GAMES = 4000

add_noise = jax.jit(add_dirichlet)


@pytest.mark.parametrize("own_keys", [False, True], ids=["one key", "own keys"])
def test_noise_is_on_legal_actions_alone(own_keys):
    fraction, total = 0.25, 6.0
    legal = jnp.broadcast_to(LEGAL, (NUM_GAMES, 5))
    logits = model.mask_logits(jnp.array([0.3, 9.0, -1.0, 2.0, 9.0]), LEGAL)
    keys = jax.random.key(0)
    keys = jax.random.split(keys, NUM_GAMES) if own_keys else keys
    alpha = total / legal.sum(-1, keepdims=True).astype(jnp.float32)
    logits_of_all = jnp.broadcast_to(logits, legal.shape)
    noisy = add_noise(keys, logits_of_all, legal, fraction, alpha)
    assert np.isfinite(noisy).all()
    probabilities = np.asarray(jax.nn.softmax(noisy), np.float64)
    np.testing.assert_array_equal(probabilities[:, ~LEGAL] < 1e-30, True)
    np.testing.assert_allclose(np.exp(noisy).sum(1), 1.0, rtol=1e-4)
    # Dirichlet(2, 2, 2): mean 1/3, variance 1/3 * 2/3 / (6 + 1)
    prior = np.asarray(jax.nn.softmax(logits))
    noise = ((probabilities - (1 - fraction) * prior) / fraction)[:, LEGAL]
    assert noise.min() > -1e-5
    np.testing.assert_allclose(noise.mean(0), 1 / 3, atol=5 * np.sqrt(2 / 63 / NUM_GAMES))
    np.testing.assert_allclose(noise.var(0), 2 / 63, rtol=0.12)
    assert len(np.unique(noise[:, 0])) > NUM_GAMES * 0.99  # each game has its own


def test_each_game_has_its_own_concentration():
    """With one legal action there is nothing to share, with two of four the noise is peaked."""
    legal = jnp.array([[True, False, False, False], [True, True, False, False]] * 2000)
    logits = jnp.zeros(legal.shape, jnp.float32)
    alpha = 1.0 / legal.sum(-1, keepdims=True).astype(jnp.float32)
    noisy = add_noise(jax.random.key(1), logits, legal, 1.0, alpha)
    noise = np.exp(noisy)
    np.testing.assert_allclose(noise[::2, 0], 1.0, rtol=1e-5)
    # Dirichlet(1/2, 1/2): variance 1/4 / (1 + 1)
    np.testing.assert_allclose(noise[1::2, 0].mean(), 0.5, atol=5 * np.sqrt(1 / 8 / 2000))
    np.testing.assert_allclose(noise[1::2, 0].var(), 1 / 8, rtol=0.1)


def test_a_game_does_not_depend_on_its_batch():
    keys = jax.random.split(jax.random.key(2), 3)
    logits = jnp.broadcast_to(jnp.arange(5, dtype=jnp.float32), (3, 5))
    legal = jnp.broadcast_to(LEGAL, (3, 5))
    together = add_noise(keys, logits, legal, 0.5, 0.3)
    for game in range(3):
        one = slice(game, game + 1)
        alone = add_noise(keys[one], logits[one], legal[one], 0.5, 0.3)
        np.testing.assert_allclose(alone, together[one], rtol=1e-5)


def test_no_noise_leaves_the_prior():
    legal = jnp.array([[True, True, False]])
    logits = model.mask_logits(jnp.array([[0.5, -0.5, 3.0]]), legal)
    noisy = add_noise(jax.random.key(0), logits, legal, 0.0, 0.3)
    np.testing.assert_allclose(jax.nn.softmax(noisy), jax.nn.softmax(logits), rtol=1e-5, atol=1e-30)
