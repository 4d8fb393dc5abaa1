"""How episodes begin, against tuples of what was done."""

from collections import Counter

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from selfplay.replay import diversity
from selfplay.replay import openings as openings_module
from selfplay.replay.openings import measures, openings


def columns(games, first=0, start=0):
    """Rows of games, each a list of moves, which are also its positions; numbered from `first`."""
    rows = [
        (episode, start + ply, move)
        for episode, moves in enumerate(games, first)
        for ply, move in enumerate(moves)
    ]
    episode, ply, action = np.array(rows, np.int32).T
    return {
        "episode": episode,
        "targets.state.step_count": ply.astype(np.int16),
        "targets.value": np.arange(len(rows), dtype=np.float32),
        "action": action,
    }


GAMES = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=5), min_size=1, max_size=8)


@hypothesis.given(GAMES, GAMES, st.integers(0, 3))
def test_they_are_equal_where_the_first_moves_are(some, others, start):
    shards = [columns(some, start=start), columns(others, first=len(some), start=start)]
    found = openings(shards, plies=3)
    expected = Counter(tuple(moves[:3]) for moves in [*some, *others])
    assert found.shape == (len(some) + len(others),)
    assert sorted(Counter(found.tolist()).values()) == sorted(expected.values())


def test_what_was_made_up_in_hindsight_does_not_count():
    both = [columns([[1, 0], [1, 1]], first=-2), columns([[0, 0], [0, 1], [0, 1]])]
    assert len(openings(both)) == 3
    assert len(openings([])) == 0


def test_of_very_many_episodes_the_first_count(monkeypatch):
    shards = [columns([[0], [1]]), columns([[0], [0]], first=2)]
    every = openings(shards)
    monkeypatch.setattr(openings_module, "MOST", 3)
    np.testing.assert_array_equal(openings(shards), every[:3])


def test_measures_are_those_of_diversity():
    dice = np.random.default_rng(0)
    first = dice.integers(0, 400, 2_000).astype(np.uint64)
    later = dice.choice(first, 2_000)
    row = measures(later, first, age=5)
    assert row["openings/per_thousand"] == diversity.distinct(later, 1_000)
    assert row["openings/heterozygosity"] == diversity.heterozygosity(later)
    line = diversity.heterozygosity(first) * (1 - 1 / 2_000) ** 5
    assert row["openings/drift_line"] == pytest.approx(line)
    assert 0 < row["openings/tail_recall"] < 1
    assert measures(first, first)["openings/tail_recall"] == 1.0


def test_little_is_known_of_few():
    assert measures(np.zeros(1, np.uint64)) == {}
    assert set(measures(np.arange(9))) == {"openings/heterozygosity", "openings/unseen"}
