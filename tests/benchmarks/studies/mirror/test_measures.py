"""Counts against closed forms, plain loops and draws at random."""

import itertools
import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from benchmarks.studies.mirror import measures

openings = st.lists(st.integers(0, 6), min_size=2, max_size=9).map(np.array)


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
    assert measures.openings(shards, num_actions=5, plies=3).tolist() == [35, 3, 124]


def test_games_without_their_first_moves_are_refused():
    with pytest.raises(ValueError, match="of 2 games 1 have not"):
        measures.openings([columns([[1, 2, 0], [0, 0, 3]], {1: 1})], num_actions=5, plies=3)


@hypothesis.given(openings, st.data())
def test_distinct_is_the_mean_over_all_draws(found, data):
    games = data.draw(st.integers(1, len(found)))
    sizes = [len(set(draw)) for draw in itertools.combinations(found.tolist(), games)]
    assert measures.distinct(found, games) == pytest.approx(np.mean(sizes))


def test_distinct_of_more_games_than_there_are_is_refused():
    with pytest.raises(ValueError, match="of 1000 games were asked for, but there are 3"):
        measures.distinct(np.arange(3))


@hypothesis.given(openings)
def test_heterozygosity_is_the_share_of_unlike_pairs(found):
    pairs = list(itertools.combinations(found.tolist(), 2))
    assert measures.heterozygosity(found) == pytest.approx(np.mean([a != b for a, b in pairs]))


def test_drift_follows_its_line():
    """Twenty kinds of opening, forty games, thirty generations, over many populations."""
    found = np.repeat(np.arange(20), 2)
    lineages = np.stack([measures.drift(found, 30, seed) for seed in range(400)])
    # Two drawn with replacement: what the closed form is about.
    seen = np.mean(
        [
            [1 - (np.unique(g, return_counts=True)[1] ** 2).sum() / 40**2 for g in lineage]
            for lineage in lineages
        ],
        axis=0,
    )
    line = measures.drift_line(seen[0], games=40, generations=30)
    assert line[0] == pytest.approx(1 - 1 / 20)
    np.testing.assert_allclose(seen, line, atol=0.02)


def test_a_first_draw_keeps_so_many_openings():
    """Of N that occur once each, N (1 - (1 - 1 / N)^N)."""
    kept = [len(set(measures.drift(np.arange(300), 1, seed)[1])) for seed in range(60)]
    assert np.mean(kept) == pytest.approx(300 * (1 - (1 - 1 / 300) ** 300), rel=0.01)
    assert np.mean(kept) == pytest.approx(300 * (1 - math.exp(-1)), rel=0.02)


def test_the_tail_is_what_is_rare():
    found = np.repeat([7, 3, 9, 1, 4], [50, 20, 1, 1, 10])
    assert measures.tail(found, share=0.1).tolist() == [1, 9]
    assert measures.tail(found, share=0.5).tolist() == [1, 4, 9]
    assert measures.recall(measures.tail(found), np.array([7, 9, 9, 5])) == 0.5


@hypothesis.given(openings)
def test_a_generation_recalls_its_own_tail(found):
    assert measures.recall(measures.tail(found), found) == 1
