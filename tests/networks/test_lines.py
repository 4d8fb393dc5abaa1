"""The network of lines, against counting by hand and against the rules."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.config import NetworkConfig
from selfplay.environment import make
from selfplay.networks.build import build
from selfplay.networks.lines import line_features
from tests import worlds


def lines_by_hand(rows, columns, length):
    """Every set of `length` squares one step apart in one of four directions."""
    found = set()
    for row, column in itertools.product(range(rows), range(columns)):
        for down, right in ((0, 1), (1, 0), (1, 1), (-1, 1)):
            line = [(row + i * down, column + i * right) for i in range(length)]
            if all(0 <= r < rows and 0 <= c < columns for r, c in line):
                found.add(frozenset(line))
    return found


# 69 is J. Allis's count for Connect Four (1988, section 1.1); 8 is everybody's for tic-tac-toe.
@pytest.mark.parametrize(
    ("rows", "columns", "length", "count"), [(6, 7, 4, 69), (3, 3, 3, 8), (15, 15, 5, 572)]
)
def test_number_of_lines(rows, columns, length, count):
    lines, threats = line_features(jnp.zeros((1, rows, columns, 2)), length)
    assert len(lines_by_hand(rows, columns, length)) == count
    assert lines.shape == (1, 2 * (length - 1) * count)
    assert threats.shape == (1, 2 * rows * columns)


@given(st.lists(st.integers(0, 2), min_size=30, max_size=30), st.sampled_from([3, 4]))
def test_features_by_hand(squares, length):
    board = np.reshape(squares, (5, 6))
    observation = np.stack([board == 1, board == 2], axis=-1).astype(np.float32)
    lines, threats = line_features(jnp.asarray(observation[None]), length)
    both = np.asarray(threats)[0].reshape(2, 5, 6)
    totals = np.asarray(lines)[0].reshape(2, length - 1, -1).sum(-1)
    for player in (0, 1):
        expected_total = np.zeros(length - 1)
        expected = np.zeros((5, 6))
        for line in lines_by_hand(5, 6, length):
            own = sum(observation[square][player] for square in line)
            other = sum(observation[square][1 - player] for square in line)
            if other == 0:
                expected_total += np.maximum(own - np.arange(length - 1), 0)
            if own == length - 1 and other == 0:
                expected[next(square for square in line if not observation[square].any())] = 1
        np.testing.assert_array_equal(totals[player], expected_total)
        np.testing.assert_array_equal(both[player], expected)


def test_threats_are_the_winning_moves(random_games):
    env = make("connect_four", rows=5, columns=5, in_a_row=3)
    _, states = random_games(env, 40).running()
    observation = jax.vmap(env.observe, (None, 0))((), states)
    _, threats = line_features(observation, 3)
    mine = np.asarray(threats)[:, :25].reshape(-1, 5, 5).astype(bool)
    filled = np.asarray(observation).any(-1)
    wins = 0
    for column in range(5):
        after = jax.vmap(env.step, (None, 0, None))((), states, jnp.int32(column))
        legal = np.asarray(jax.vmap(env.legal_action_mask, (None, 0))((), states))[:, column]
        lands = 4 - filled[:, :, column].sum(1)
        completes = mine[np.arange(len(mine)), lands, column]
        won = np.asarray(after.terminated)
        np.testing.assert_array_equal(completes[legal], won[legal])
        wins += won[legal].sum()
    assert wins > 50


def test_parameter_count():
    env = make("connect_four")
    network = build(NetworkConfig(kind="lines", width=16, depth=1), env)
    params = jax.eval_shape(network.init, jax.random.key(0))
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    features = 6 * 7 * 2 + 2 * 3 * 69 + 2 * 42
    assert count == (features * 16 + 16) + (16 * 16 + 16) + (16 * 7 + 7) + (16 + 1)


def test_what_it_cannot_read_is_refused():
    with pytest.raises(ValueError, match=r"plane 1, got a board of 1 plane; .*'mlp' would do"):
        build(NetworkConfig(kind="lines"), worlds.NimBoard())
    with pytest.raises(ValueError, match=r"a network of lines reads a board .*'mlp' would do"):
        build(NetworkConfig(kind="lines"), worlds.Nim())
    with pytest.raises(ValueError, match=r"line_length must fit on the board of 3 by 3, got 4"):
        build(NetworkConfig(kind="lines"), make("tic_tac_toe"))
