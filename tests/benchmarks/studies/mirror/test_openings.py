"""First moves, against numbers written by hand."""

import numpy as np
import pytest

from benchmarks.studies.mirror.openings import openings


def columns(games, firsts=None):
    """Rows of games, each a list of moves; `firsts` are their first plies."""
    rows = [
        (episode, ply, move)
        for episode, moves in enumerate(games)
        for ply, move in enumerate(moves, (firsts or {}).get(episode, 0))
    ]
    episode, ply, action = np.array(rows, np.int32).T
    names = "episode", "targets.state.step_count", "action"
    return dict(zip(names, (episode, ply.astype(np.int16), action), strict=True))


def test_openings_are_the_first_moves():
    shards = [columns([[1, 2, 0, 4], [0, 0, 3]]), columns([[4, 4, 4, 1, 1]])]
    assert openings(shards, num_actions=5, plies=3).tolist() == [35, 3, 124]


def test_games_without_their_first_moves_are_refused():
    with pytest.raises(ValueError, match="of 2 games 1 have not"):
        openings([columns([[1, 2, 0], [0, 0, 3]], {1: 1})], num_actions=5, plies=3)
