"""Returns of episodes, against a loop over each episode in plain Python."""

import hypothesis.extra.numpy as arrays
import jax
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.operators.targets import episode_returns

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
