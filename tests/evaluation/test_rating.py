"""Ratings: closed forms, a published table, symmetries, and intervals that hold what they say."""

import dataclasses
import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from selfplay.evaluation import rating
from selfplay.evaluation.rating import ELO, Prior, Ratings, fit, fit_pairs

OFF = Prior(rating=math.inf, advantage=math.inf, log_draw=math.inf)


def two_players(as_player_0, as_player_1):
    """Results of the first of two players, with either colour."""
    games = np.zeros((2, 2, 3))
    games[0, 1] = as_player_0
    games[1, 0] = as_player_1[::-1]
    return games


# Closed forms -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("wins", "losses"), [(10, 10), (30, 10), (9, 91)])
def test_two_players_without_draws(wins, losses):
    found = fit(two_players((wins, 0, losses), (wins, 0, losses)), OFF)
    assert found.elo[0] - found.elo[1] == pytest.approx(400 * math.log10(wins / losses), abs=1e-3)
    assert found.advantage == pytest.approx(0.0, abs=1e-3)
    # The variance of a log odds is 1/w + 1/l; the games are 2 w and 2 l.
    variance = ELO**2 * (1 / (2 * wins) + 1 / (2 * losses))
    assert found.variances()[0, 1] == pytest.approx(variance, rel=1e-4)


def test_two_players_with_draws_and_an_advantage():
    """Three parameters, two multinomials of three outcomes made to fit them: all are exact."""
    x, advantage, draw = 0.7, 0.4, 1.3

    def chances(x):
        odds = np.array([math.exp(x / 2), draw, math.exp(-x / 2)])
        return odds / odds.sum()

    as_player_1 = chances(-x + advantage)[::-1]
    found = fit(1000 * two_players(chances(x + advantage), as_player_1), OFF)
    assert (found.elo[0] - found.elo[1]) / ELO == pytest.approx(x, abs=1e-6)
    assert found.advantage / ELO == pytest.approx(advantage, abs=1e-6)
    assert found.draw == pytest.approx(draw, abs=1e-6)


HOME_WINS = {
    "Milwaukee": "4-3 4-2 4-3 6-1 4-2 6-0",
    "Detroit": "3-3 4-2 4-3 6-0 6-1 4-3",
    "Toronto": "2-5 4-3 2-4 4-3 4-2 6-0",
    "New York": "3-3 5-1 2-5 4-3 4-2 6-1",
    "Boston": "5-1 2-5 3-3 4-2 5-2 6-0",
    "Cleveland": "2-5 3-3 3-4 4-3 4-2 2-4",
    "Baltimore": "2-5 1-5 1-6 2-4 1-6 3-4",
}
"""American League East 1987: the home team's wins and losses, against the others in order.

Agresti 2002, "Categorical data analysis", tables 10.10 and 10.11, section 10.6.
"""


@pytest.fixture(scope="module")
def baseball():
    games = np.zeros((7, 7, 3))
    for home, row in enumerate(HOME_WINS.values()):
        others = [team for team in range(7) if team != home]
        for away, result in zip(others, row.split(), strict=True):
            games[home, away, [0, 2]] = [int(x) for x in result.split("-")]
    return games


def test_published_ratings_with_home_advantage(baseball):
    found = fit(baseball, OFF)
    worth = np.exp(found.elo / ELO)
    published = [0.220, 0.190, 0.164, 0.157, 0.137, 0.088, 0.044]
    np.testing.assert_allclose(worth / worth.sum(), published, atol=0.0006)
    assert found.advantage / ELO == pytest.approx(0.302, abs=0.0006)


def test_published_ratings_and_standard_errors_without_home_advantage(baseball):
    """Half of each game at either home: nobody has an advantage."""
    games = (baseball + baseball[..., ::-1].transpose(1, 0, 2)) / 2
    found = fit(games, OFF)
    published = [1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0.0]
    np.testing.assert_allclose((found.elo - found.elo[6]) / ELO, published, atol=0.006)
    errors = np.sqrt(found.variances()[6, :6]) / ELO
    np.testing.assert_array_equal(errors.round(1), 0.3)


# Laws -------------------------------------------------------------------------------------------

TABLES = st.integers(2, 5).flatmap(
    lambda n: st.lists(st.integers(0, 9), min_size=9 * n * n, max_size=9 * n * n).map(
        lambda counts: (
            np.array(counts).reshape(n, n, 3, 3) * np.triu(np.ones((n, n), int), 1)[..., None, None]
        )
    )
)


def assert_close(one: Ratings, other: Ratings):
    for field in dataclasses.fields(Ratings):
        name = field.name
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-3, rtol=1e-5)


def points(games):
    """Points of each player, and draws."""
    scores = games @ np.array([1.0, 0.5, 0.0])
    return scores.sum(1) + (games.sum(2) - scores).sum(0), games[..., 1].sum()


@hypothesis.settings(max_examples=25)
@hypothesis.given(TABLES)
def test_expected_points_are_those_seen(pairs):
    """The likelihood equations, but for the prior's pull: gradient = theta / sigma^2."""
    games = rating.single_games(pairs)
    found = fit(games)
    played = games.sum(2)[..., None]
    (seen, draws), (expected, expected_draws) = (
        points(games),
        points(played * found.probabilities()),
    )
    pull = Prior().rating / ELO
    np.testing.assert_allclose(seen - expected, found.elo / ELO / pull**2, atol=1e-5)
    assert draws - expected_draws == pytest.approx(math.log(found.draw) / 9.0, abs=1e-5)


@hypothesis.settings(max_examples=25)
@hypothesis.given(TABLES, st.randoms())
def test_the_order_of_players_means_nothing(pairs, random):
    order = list(range(len(pairs)))
    random.shuffle(order)
    shuffled, plain = fit_pairs(pairs[np.ix_(order, order)]), fit_pairs(pairs)
    np.testing.assert_allclose(shuffled.elo, plain.elo[order], atol=1e-3)
    covariance = plain.covariance[np.ix_(order, order)]
    np.testing.assert_allclose(shuffled.covariance, covariance, rtol=1e-4, atol=1e-2)


@hypothesis.settings(max_examples=25)
@hypothesis.given(TABLES)
def test_a_pair_may_be_seen_by_either_player(pairs):
    """i's outcome a as player 0 and b as player 1 is j's outcome 2 - b as 0 and 2 - a as 1."""
    mirrored = pairs.transpose(1, 0, 3, 2)[..., ::-1, ::-1]
    np.testing.assert_array_equal(rating.single_games(pairs), rating.single_games(mirrored))
    assert_close(fit_pairs(pairs), fit_pairs(mirrored))


@hypothesis.settings(max_examples=25)
@hypothesis.given(TABLES)
def test_wins_for_losses_turn_the_ratings_round(pairs):
    """The advantage too: who was better off is then worse off."""
    one, other = fit_pairs(pairs), fit_pairs(pairs[..., ::-1, ::-1])
    np.testing.assert_allclose(one.elo, -other.elo, atol=1e-3)
    assert one.advantage == pytest.approx(-other.advantage, abs=1e-3)
    assert one.draw == pytest.approx(other.draw, rel=1e-5)


@hypothesis.settings(max_examples=25)
@hypothesis.given(TABLES)
def test_ratings_have_mean_0_and_superiority_is_a_probability(pairs):
    found = fit_pairs(pairs)
    assert abs(found.elo.mean()) < 1e-6
    assert found.superiority(0, 1) + found.superiority(1, 0) == pytest.approx(1.0)
    assert (found.superiority(0, 1) > 0.5) == (found.elo[0] > found.elo[1])
    assert found.superiority(0, 0) == 0.5
    elo, half = found.relative_to(1)
    assert elo[1] == half[1] == 0.0
    assert (np.delete(half, 1) > 0).all()


def test_who_won_all_games_stays_finite():
    found = fit(two_players((50, 0, 0), (50, 0, 0)))
    difference = found.elo[0] - found.elo[1]
    assert 500 < difference < 3000
    assert found.relative_to(1)[1][0] > 200


def test_without_games_the_prior_is_left():
    found = fit(np.zeros((3, 3, 3)), Prior(rating=100.0))
    np.testing.assert_allclose(found.elo, 0.0)
    np.testing.assert_allclose(found.variances(), 2e4 * (1 - np.eye(3)), atol=1e-6)


@pytest.mark.parametrize(
    ("games", "message"),
    [
        (np.zeros((2, 3, 3)), "shape"),
        (np.zeros((1, 1, 3)), "at least 2"),
        (np.ones((2, 2, 3)), "against itself"),
        (-two_players((1, 0, 0), (0, 0, 0)), "counts"),
    ],
)
def test_tables_that_are_none_are_refused(games, message):
    with pytest.raises(ValueError, match=message):
        fit(games)


# Pairs of games ---------------------------------------------------------------------------------


def test_dispersion_of_pairs_that_the_colour_decides():
    """Whoever begins wins: 200 pairs tell that the players are equal, without any doubt."""
    pairs = np.zeros((2, 2, 3, 3), np.int64)
    pairs[0, 1, 0, 2] = pairs[0, 1, 2, 0] = 100
    certain, doubtful = fit_pairs(pairs), fit(rating.single_games(pairs))
    assert certain.dispersion[0, 1] < 0.05
    assert certain.relative_to(0)[1][1] < 0.25 * doubtful.relative_to(0)[1][1]


def test_dispersion_of_pairs_that_repeat_a_game():
    """The same player wins both games of each pair: half of the games tell nothing."""
    pairs = np.zeros((2, 2, 3, 3), np.int64)
    pairs[0, 1, 0, 0] = pairs[0, 1, 2, 2] = 200
    assert fit_pairs(pairs).dispersion[0, 1] == pytest.approx(2.0, abs=0.05)


# Intervals --------------------------------------------------------------------------------------


def play_pairs(rng, strengths, num_pairs, *, advantage=0.3, log_draw=-1.0):
    """A round robin of players whose ratings (nats) are known; the games are independent."""
    count = len(strengths)
    pairs = np.zeros((count, count, 3, 3), np.int64)
    for one in range(count):
        for other in range(one + 1, count):
            x = strengths[one] - strengths[other]
            by_colour = []
            for signed in (x + advantage, advantage - x):
                odds = np.exp([signed / 2, log_draw, -signed / 2])
                by_colour.append(rng.choice(3, size=num_pairs, p=odds / odds.sum()))
            np.add.at(pairs[one, other], (by_colour[0], 2 - by_colour[1]), 1)
    return pairs


def test_known_strengths_are_found():
    strengths = np.array([1.5, 0.5, 0.0, -2.0])
    found = fit_pairs(play_pairs(np.random.default_rng(0), strengths, 20_000))
    np.testing.assert_allclose(found.elo / ELO, strengths, atol=0.05)
    assert found.advantage / ELO == pytest.approx(0.3, abs=0.03)
    assert math.log(found.draw) == pytest.approx(-1.0, abs=0.03)
    assert found.dispersion == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("log_draw", [-3.0, 1.0])
def test_intervals_cover_the_truth(log_draw):
    """500 tournaments of four players; `benchmarks/rating_coverage.py` has more of each kind."""
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(500):
        truth = rng.normal(size=4)
        elo, half = fit_pairs(play_pairs(rng, truth, 15, log_draw=log_draw)).relative_to()
        covered.append(np.abs(elo - ELO * (truth - truth.mean())) <= half)
    assert 0.93 <= np.mean(covered) <= 0.97


def test_two_who_are_one_make_nobody_else_certain():
    """Twins share the points of every pair; the others' games are independent."""
    rng = np.random.default_rng(0)
    pairs = np.zeros((4, 4, 3, 3), np.int64)
    for one, other in ((0, 2), (0, 3), (1, 2), (1, 3), (2, 3)):
        np.add.at(pairs[one, other], tuple(2 * rng.integers(0, 2, (2, 64))), 1)
    without = fit_pairs(pairs)
    pairs[0, 1, 0, 2] = pairs[0, 1, 2, 0] = 64
    found = fit_pairs(pairs)
    assert found.dispersion[0, 1] < 0.1
    np.testing.assert_allclose(found.dispersion, found.dispersion.T)
    np.testing.assert_allclose(found.dispersion[2, :2], without.dispersion[2, :2], rtol=0.03)
    ratio = np.sqrt(found.variances() / np.maximum(without.variances(), 1e-9))
    assert ratio[0, 1] < 0.5
    assert ratio[2, 3] == pytest.approx(1.0, abs=0.05)


@hypothesis.given(st.integers(0, 2**32 - 1), st.floats(0.3, 3.0))
def test_games_that_all_vary_so_much_widen_intervals_so_much(seed, dispersion):
    rng = np.random.default_rng(seed)
    games = rng.integers(20, 200, (3, 3, 3)).astype(float)
    games[np.diag_indices(3)] = 0.0
    plain = fit(games, OFF)
    spread = fit(games, OFF, np.full((3, 3), dispersion))
    np.testing.assert_array_equal(spread.elo, plain.elo)
    np.testing.assert_allclose(spread.covariance, dispersion * plain.covariance, rtol=1e-6)
