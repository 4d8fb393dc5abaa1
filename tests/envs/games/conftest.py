"""Replays our random games in OpenSpiel, an independent judge of the rules."""

import numpy as np
import pytest


def replay(games, game, boards=0):
    """Holds every move of `Games` against a pyspiel game, and the boards of the first few games.

    Our actions must be OpenSpiel's, and its text the board with x for the first player.
    """
    states = games.states
    players, paid = states.current_player.tolist(), states.rewards.tolist()
    actions, ended = games.actions.tolist(), games.ended.tolist()
    for number in range(games.actions.shape[1]):
        theirs = game.new_initial_state()
        for step in range(len(actions) + 1):
            if number < boards:
                assert_same_board(games, theirs, step, number)
            assert ended[step][number] == theirs.is_terminal()
            if theirs.is_terminal():
                assert paid[step][number] == theirs.returns()
                break
            assert players[step][number] == theirs.current_player()
            assert paid[step][number] == theirs.rewards()
            assert np.flatnonzero(games.masks[step, number]).tolist() == theirs.legal_actions()
            theirs.apply_action(actions[step][number])
        assert theirs.is_terminal()


def assert_same_board(games, theirs, step, number):
    rows, columns = games.observations.shape[2:4]
    squares = list("".join(str(theirs).split()))[: rows * columns]
    text = np.array(squares).reshape(rows, columns)
    mine, other = ("x", "o") if games.states.current_player[step, number] == 0 else ("o", "x")
    seen = games.observations[step, number]
    np.testing.assert_array_equal(seen[..., 0], (text == mine).astype(np.float32))
    np.testing.assert_array_equal(seen[..., 1], (text == other).astype(np.float32))


@pytest.fixture(scope="session")
def assert_open_spiel_agrees():
    """`assert_open_spiel_agrees(games, game, boards=0)`; see `replay`."""
    return replay


@pytest.fixture(scope="session")
def pyspiel():
    return pytest.importorskip("pyspiel", reason="OpenSpiel comes with selfplay[peers]")
