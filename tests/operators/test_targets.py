"""Returns of episodes, against a loop over each episode in plain Python."""

import hypothesis.extra.numpy as arrays
import jax
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.operators.targets import (
    Provenance,
    Targets,
    episode_returns,
    opponent_replies,
    surprise_weights,
)
from tests import worlds

NIM = worlds.Nim()
T, B, P = 7, 3, 2
quarters = st.integers(-8, 8).map(lambda n: n / 4)  # sums of these are exact in float32
compiled = jax.jit(episode_returns)


def plain_returns(rewards, ending, bootstrap):
    """Forward from each step: add what is paid until the episode ends, if it does."""
    returns, known = np.zeros((T, B, P)), np.zeros((T, B), bool)
    for t in range(T):
        for game in range(B):
            total = np.zeros(P)
            for later in range(t, T):
                if ending[later, game] == 2:
                    total, known[t, game] = total + bootstrap[later, game], True
                    break
                total = total + rewards[later, game]
                if ending[later, game] == 1:
                    known[t, game] = True
                    break
            returns[t, game] = total
    return returns, known


@settings(max_examples=60)
@given(
    rewards=arrays.arrays(np.float32, (T, B, P), elements=quarters),
    ending=arrays.arrays(np.int8, (T, B), elements=st.sampled_from([0, 0, 0, 1, 2])),
    bootstrap=arrays.arrays(np.float32, (T, B, P), elements=quarters),
)
def test_returns_equal_a_plain_loop(rewards, ending, bootstrap):
    returns, known = compiled(rewards, ending == 1, ending == 2, bootstrap)
    expected, expected_known = plain_returns(rewards, ending, bootstrap)
    np.testing.assert_array_equal(known, expected_known)
    np.testing.assert_array_equal(np.asarray(returns)[known], expected[expected_known])
    assert (returns.dtype, known.dtype) == (np.float32, np.bool_)


def test_an_example_by_hand():
    """Game 0 pays 1, 2, 3 and ends, then 5 is paid in a game cut short, worth 8, then unknown."""
    rewards = np.zeros((T, B, P), np.float32)
    rewards[:6, 0, 0] = [1, 2, 3, 5, 6, 7]
    rewards[..., 1] = -rewards[..., 0]
    bootstrap = np.zeros((T, B, P), np.float32)
    bootstrap[4, 0] = [8, -8]
    ending = np.zeros((T, B), np.int8)
    ending[:, 0] = [0, 0, 1, 0, 2, 0, 0]
    returns, known = compiled(rewards, ending == 1, ending == 2, bootstrap)
    np.testing.assert_array_equal(known[:, 0], [True] * 5 + [False] * 2)
    np.testing.assert_array_equal(returns[:5, 0, 0], [6, 5, 3, 13, 8])
    np.testing.assert_array_equal(returns[:5, 0, 1], [-6, -5, -3, -13, -8])


# Surprise ----------------------------------------------------------------------------------------

weigh = jax.jit(surprise_weights, static_argnums=3)


def plain_surprise_weights(weight, surprise, ended, fraction):
    """Game by game, over the rows that are learnt from."""
    weighed = np.zeros((T, B))
    for game in range(B):
        start = 0
        for t in range(T):
            if ended[t, game] or t == T - 1:
                rows = [i for i in range(start, t + 1) if weight[i, game] > 0]
                whole = sum(weight[i, game] for i in rows)
                surprised = sum(weight[i, game] * surprise[i, game] for i in rows)
                for i in rows:
                    by_surprise = surprise[i, game] * whole / surprised if surprised else 1.0
                    share = (1 - fraction) + fraction * by_surprise
                    weighed[i, game] = weight[i, game] * share
                start = t + 1
    return weighed


@settings(max_examples=60)
@given(
    arrays.arrays(np.float32, (T, B), elements=st.sampled_from([0.0, 1.0, 1.0, 0.5])),
    arrays.arrays(np.float32, (T, B), elements=st.sampled_from([0.0, 0.0, 0.25, 1.0, 3.0])),
    arrays.arrays(bool, (T, B), elements=st.booleans()),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_surprise_weights_equal_a_loop_over_games(weight, surprise, ended, fraction):
    got = np.asarray(weigh(weight, surprise, ended, fraction))
    expected = plain_surprise_weights(weight, surprise, ended, fraction)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    np.testing.assert_allclose(got.sum(0), weight.sum(0), rtol=1e-5)  # no game gains or loses
    if fraction == 0.0:
        np.testing.assert_array_equal(got, weight)


# Replies -----------------------------------------------------------------------------------------


def test_replies_equal_a_loop():
    """Over games in which now and then a player moves twice, and some moves had no full search."""
    rng = np.random.default_rng(0)
    steps, games = 12, 50
    state = jax.vmap(jax.vmap(lambda _: NIM.start()))(np.zeros((steps, games)))
    mover = rng.integers(0, 2, (steps, games)).astype(np.int8)
    policy = rng.random((steps, games, 3), np.float32)
    weight = rng.choice([0.0, 1.0, 0.5], (steps, games)).astype(np.float32)
    ended = rng.random((steps, games)) < 0.2
    provenance = Provenance.of((steps, games), 0)
    targets = Targets((), state.replace(current_player=mover), policy, weight, weight, provenance)
    got = np.asarray(jax.jit(opponent_replies)(targets, ended))
    answered = 0
    for game in range(games):
        for t in range(steps):
            expected = np.zeros(3)
            goes_on = t + 1 < steps and not ended[t, game]
            if goes_on and mover[t, game] != mover[t + 1, game] and weight[t + 1, game] > 0:
                expected = policy[t + 1, game]
                answered += 1
            np.testing.assert_array_equal(got[t, game], expected)
    assert 100 < answered < 300
