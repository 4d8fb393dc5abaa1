"""Counts against closed forms, plain loops and draws at random."""

import itertools
import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from selfplay.replay import diversity

openings = st.lists(st.integers(0, 6), min_size=2, max_size=9).map(np.array)


@hypothesis.given(openings, st.data())
def test_distinct_is_the_mean_over_all_draws(found, data):
    games = data.draw(st.integers(1, len(found)))
    sizes = [len(set(draw)) for draw in itertools.combinations(found.tolist(), games)]
    assert diversity.distinct(found, games) == pytest.approx(np.mean(sizes))


def test_distinct_of_more_games_than_there_are_is_refused():
    with pytest.raises(ValueError, match="of 1000 games were asked for, but there are 3"):
        diversity.distinct(np.arange(3))


@hypothesis.given(st.lists(st.integers(0, 6), min_size=2, max_size=9))
def test_unseen_is_how_often_one_left_out_is_new(found):
    new = [one not in found[:i] + found[i + 1 :] for i, one in enumerate(found)]
    assert diversity.unseen(np.array(found)) == pytest.approx(np.mean(new))


def test_unseen_is_near_the_mass_that_is_missing():
    """Of a Zipf law over 500 openings, by draws of 1,000 games."""
    chances = 1 / np.arange(1, 501)
    chances /= chances.sum()
    dice = np.random.default_rng(0)
    draws = [dice.choice(500, 1_000, p=chances) for _ in range(50)]
    missing = [1 - chances[np.unique(draw)].sum() for draw in draws]
    assert np.mean([diversity.unseen(d) for d in draws]) == pytest.approx(
        np.mean(missing), rel=0.05
    )


@hypothesis.given(openings)
def test_heterozygosity_is_the_share_of_unlike_pairs(found):
    pairs = list(itertools.combinations(found.tolist(), 2))
    assert diversity.heterozygosity(found) == pytest.approx(np.mean([a != b for a, b in pairs]))


def test_drift_follows_its_line():
    """Twenty kinds of opening, forty games, thirty generations, over many populations."""
    found = np.repeat(np.arange(20), 2)
    lineages = np.stack([diversity.drift(found, 30, seed) for seed in range(400)])
    # Two drawn with replacement: what the closed form is about.
    seen = np.mean(
        [
            [1 - (np.unique(g, return_counts=True)[1] ** 2).sum() / 40**2 for g in lineage]
            for lineage in lineages
        ],
        axis=0,
    )
    line = diversity.drift_line(seen[0], games=40, generations=30)
    assert line[0] == pytest.approx(1 - 1 / 20)
    np.testing.assert_allclose(seen, line, atol=0.02)


def test_a_first_draw_keeps_so_many_openings():
    """Of N that occur once each, N (1 - (1 - 1 / N)^N)."""
    kept = [len(set(diversity.drift(np.arange(300), 1, seed)[1])) for seed in range(60)]
    assert np.mean(kept) == pytest.approx(300 * (1 - (1 - 1 / 300) ** 300), rel=0.01)
    assert np.mean(kept) == pytest.approx(300 * (1 - math.exp(-1)), rel=0.02)


def test_the_tail_is_what_is_rare():
    found = np.repeat([7, 3, 9, 1, 4], [50, 20, 1, 1, 10])
    assert diversity.tail(found, share=0.1).tolist() == [1, 9]
    assert diversity.tail(found, share=0.5).tolist() == [1, 4, 9]
    assert diversity.recall(diversity.tail(found), np.array([7, 9, 9, 5])) == 0.5


@hypothesis.given(openings)
def test_a_generation_recalls_its_own_tail(found):
    assert diversity.recall(diversity.tail(found), found) == 1
