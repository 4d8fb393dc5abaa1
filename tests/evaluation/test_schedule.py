"""The next match is the one that tells most."""

import math

import numpy as np
import pytest

from selfplay.evaluation.rating import ELO, Prior, fit, fit_pairs
from selfplay.evaluation.schedule import information_gain, next_pair, variance_cut


def ratings_of(games):
    """Of the players in `{(first, second): (wins, draws, losses)}`, half with each colour."""
    count = 1 + max(max(pair) for pair in games)
    table = np.zeros((count, count, 3))
    for (one, other), result in games.items():
        table[one, other] += np.array(result) / 2
        table[other, one] += np.array(result[::-1]) / 2
    return fit(table)


def all_of(ratings):
    return np.ones((len(ratings.elo),) * 2, np.bool_)


def test_unknown_players_come_first():
    ratings = ratings_of({(0, 1): (50, 20, 50), (1, 2): (50, 20, 50), (0, 2): (50, 20, 50)})
    games = np.zeros((4, 4, 3))
    games[:3, :3] = 20.0 * (1 - np.eye(3))[..., None]
    ratings = fit(games)
    chosen = next_pair(information_gain(ratings, 10), all_of(ratings))
    assert chosen is not None and chosen[1] == 3


def test_at_first_everyone_plays():
    pairs = np.zeros((6, 6, 3, 3), np.int64)
    seen = set()
    for _ in range(3):
        ratings = fit_pairs(pairs)
        one, other = next_pair(information_gain(ratings, 16), all_of(ratings)) or (0, 0)
        assert one < other
        pairs[one, other, 0, 2] += 16
        seen |= {one, other}
    assert seen == set(range(6))


def test_foregone_results_come_last():
    """Four players in a line, equally well known: neighbours first, the ends last."""
    line = {(i, i + 1): (75, 10, 15) for i in range(3)}
    gain = information_gain(ratings_of(line), 10)
    line[0, 3] = (100, 0, 0)
    assert gain[0, 1] > 0
    ratings = ratings_of({**line, (0, 2): (96, 2, 2), (1, 3): (96, 2, 2)})
    gain = information_gain(ratings, 10)
    ends, neighbours = gain[0, 3], [gain[i, i + 1] for i in range(3)]
    assert ends < min(neighbours)
    allowed = all_of(ratings)
    order = []
    while (chosen := next_pair(gain, allowed)) is not None:
        order.append(chosen)
        allowed[chosen] = False
    assert len(order) == 6
    assert order[-1] == (0, 3)


def test_the_gain_is_that_of_a_normal_observation():
    """Before any game: variance 2 sigma^2, information 2/3 * 1/4 * 4 a pair's ... in nats."""
    ratings = fit(np.zeros((3, 3, 3)), Prior(rating=100.0))
    # A third each of wins, draws and losses: points vary by (1/4 + 0 + 1/4) / 3 = 1/6.
    expected = 0.5 * math.log1p(7 * 2 / 6 / ELO**2 * 2 * 100.0**2)
    gain = information_gain(ratings, 7)
    assert gain[0, 1] == pytest.approx(expected)
    np.testing.assert_allclose(gain, gain.T)
    np.testing.assert_allclose(np.diagonal(gain), 0.0)


def test_playing_a_match_lowers_its_gain():
    before = ratings_of({(0, 1): (10, 5, 10), (1, 2): (10, 5, 10)})
    after = ratings_of({(0, 1): (50, 25, 50), (1, 2): (10, 5, 10)})
    assert information_gain(after, 10)[0, 1] < information_gain(before, 10)[0, 1]


def test_nobody_may_play():
    ratings = fit(np.zeros((3, 3, 3)))
    assert next_pair(information_gain(ratings, 10), np.tril(all_of(ratings))) is None


@pytest.mark.parametrize("anchor", [None, 0, 2])
def test_the_cut_is_what_the_match_takes_from_the_variances(anchor):
    """Against Fisher's information of the four ratings, inverted before and after the match."""
    line = {(i, i + 1): (60 - 20 * i, 10, 15) for i in range(3)}
    ratings, pairs = ratings_of(line), 5
    cut = variance_cut(ratings, pairs, 1e-6, anchor)
    covariance = ratings.covariance + 1e5  # of the ratings themselves, their common level unknown
    centre = np.eye(4) - (0.25 if anchor is None else np.eye(4)[anchor])
    for one, other in [(0, 1), (0, 3), (1, 2)]:
        difference = np.eye(4)[one] - np.eye(4)[other]
        variance = ratings.point_variance() / ELO**2
        told = pairs * (variance[one, other] + variance[other, one]) * np.outer(*[difference] * 2)
        after = np.linalg.inv(np.linalg.inv(covariance) + told)
        saved = np.trace(centre @ (covariance - after) @ centre.T)
        assert cut[one, other] == pytest.approx(saved, rel=1e-4)


def test_nothing_is_wanted_of_those_who_are_known_well():
    ratings = ratings_of({(0, 1): (50, 20, 50), (1, 2): (5, 2, 5)})
    half = ratings.relative_to(0)[1]
    assert half[1] < half[2]
    between = float(half[1:].mean())
    cut = variance_cut(ratings, 10, between, 0)
    assert next_pair(cut, all_of(ratings)) in [(0, 2), (1, 2)]
    assert not variance_cut(ratings, 10, between, 0, wanted=[0, 1]).any()
