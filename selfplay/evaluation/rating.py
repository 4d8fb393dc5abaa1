"""Elo ratings from games: a Bayesian fit with draws, the first player's advantage, intervals.

With ratings r in nats (400 / ln 10 Elo each), advantage a and draw parameter nu, player i, who
is player 0, wins, draws or loses against j with probabilities in the ratio

    exp(x / 2) : nu : exp(-x / 2),    x = r_i - r_j + a

Davidson 1970, "On extending the Bradley-Terry model to accommodate ties in paired comparison
experiments", section 2; the advantage as in Davidson and Beaver 1977, "On extending the
Bradley-Terry model to incorporate within-pair order effects". In (r, a, log nu) it is an
exponential family: the posterior has one mode, where points and draws are what the model expects
of them, and the observed information is Fisher's.

What is assumed. Ratings are normal a priori, so wide that they only keep finite who won all
games. The two games of a pair, from one opening with either colour, need not be independent: a
good opening is good for both, so that a pair's points vary less (or, where its games repeat each
other, more) than those of two games. How much less is measured (`dispersions`, as in McCullagh
and Nelder 1989, "Generalized linear models", section 4.5), for each two players on their own: two
that move alike vary not at all, two that move at random as much as independent games do. A game
counts for so much more by the mean of all; the covariance is then set right by the variance that
each two players' games had (the sandwich of White 1982, "Maximum likelihood estimation of
misspecified models").
Pairs of games are independent: no two players meet twice from one opening. Ratings describe play
from such openings; what an opening, the colours or an opponent means to one player alone is noise.
"""

import dataclasses
import math

import numpy as np

from selfplay.evaluation.arena import Z_95

ELO = 400.0 / math.log(10.0)
"""Elo points of one nat: odds of 10 are 400 points."""

POINTS = np.array([1.0, 0.5, 0.0])
"""Of a win, a draw and a loss: the order of every table here."""

_DISPERSION_WEIGHT = 4.0
"""Squared points of prior belief, of two players in the mean, and of the mean in 1: about as many
as 8 pairs of games give."""


@dataclasses.dataclass(frozen=True)
class Prior:
    """Standard deviations of normal priors around 0.

    An infinite one turns a prior off, for results that set bounds of their own.
    """

    rating: float = 1000.0
    """Elo: of each player."""
    advantage: float = 400.0
    """Elo: of player 0."""
    log_draw: float = 3.0
    """Nats: of log nu; at its mean a third of the games of equals are drawn."""


@dataclasses.dataclass(frozen=True)
class Ratings:
    """The posterior of N players' ratings, normal around its mode; all but `draw` in Elo."""

    elo: np.ndarray
    """float64 [N]: the ratings; their mean is 0."""
    covariance: np.ndarray
    """float64 [N, N], Elo squared: of the ratings about their mean."""
    advantage: float
    """Of player 0: how much stronger the better colour makes a player."""
    draw: float
    """nu: between equals without advantage, nu / (2 + nu) of the games are drawn."""
    dispersion: np.ndarray | float = 1.0
    """float64 [N, N], symmetric: variance of the points in a pair of games between two players,
    as a multiple of what independent games would have.
    """

    def relative_to(self, anchor: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Ratings and half the widths of their 95 % intervals, float64 [N] each.

        Against a player, whose rating is then 0 and certain, or against the mean of all.
        """
        if anchor is None:
            return self.elo, Z_95 * np.sqrt(np.diagonal(self.covariance))
        return self.elo - self.elo[anchor], Z_95 * np.sqrt(self.variances()[anchor])

    def variances(self) -> np.ndarray:
        """float64 [N, N]: posterior variance of each difference of two ratings, Elo squared."""
        own = np.diagonal(self.covariance)
        return np.maximum(own[:, None] + own[None] - 2.0 * self.covariance, 0.0)

    def superiority(self, one: int, other: int) -> float:
        """Posterior probability that one player is stronger than another."""
        deviation = math.sqrt(self.variances()[one, other])
        difference = self.elo[one] - self.elo[other]
        if deviation == 0.0:
            return 0.5 * (1.0 + float(np.sign(difference)))
        return 0.5 * math.erfc(-difference / deviation / math.sqrt(2.0))

    def probabilities(self) -> np.ndarray:
        """float64 [N, N, 3]: that i, as player 0, wins, draws and loses against j."""
        x = (self.elo[:, None] - self.elo[None] + self.advantage) / ELO
        return outcome_probabilities(x, math.log(self.draw))

    def point_variance(self) -> np.ndarray:
        """float64 [N, N]: variance of i's points in a game as player 0 against j.

        It is also the Fisher information of that game on x.
        """
        return _moments(self.probabilities())[1]


def outcome_probabilities(x: np.ndarray, log_draw: float) -> np.ndarray:
    """float64 [..., 3]: win, draw and loss of player 0, whose advantage is x (nats, [...])."""
    logits = np.stack([x / 2, np.full_like(x, log_draw), -x / 2], axis=-1)
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def fit(
    games: np.ndarray, prior: Prior | None = None, dispersion: np.ndarray | None = None
) -> Ratings:
    """The posterior given how games ended.

    Args:
        games: [N, N, 3], at least 0: in [i, j], the wins, draws and losses of i, who was player
            0, against j. They need not be whole numbers.
        prior: beliefs before any game.
        dispersion: [N, N], symmetric: how many times as much as independent games the games of
            two players vary; by default as much. It widens the covariance, and moves no rating.

    Raises:
        ValueError: no table of counts, or none that a prior turned off can do with.
    """
    games = np.asarray(games, np.float64)
    if games.ndim != 3 or games.shape != (len(games), len(games), 3) or len(games) < 2:
        raise ValueError(f"games must have shape [N, N, 3] with N at least 2, got {games.shape}")
    if (games < 0).any() or np.diagonal(games).any():
        raise ValueError("games must be counts, and none of a player against itself")
    first, second = np.nonzero(games.sum(axis=-1))
    count, played = len(games), games[first, second]
    design = np.zeros((len(first), count + 2))  # of x
    rows = np.arange(len(first))
    design[rows, first], design[rows, second], design[:, count] = 1.0, -1.0, 1.0
    held = _held(prior, count)
    mode = _mode(design, played, held)
    total = played.sum(axis=1)
    posterior = np.linalg.inv(_information(design, total, mode) + held)
    if dispersion is not None:
        total = total * dispersion[first, second]
        posterior = posterior @ (_information(design, total, mode) + held) @ posterior
    centre = np.eye(count) - 1.0 / count
    covariance = centre @ posterior[:count, :count] @ centre
    return Ratings(
        elo=ELO * (mode[:count] - mode[:count].mean()),
        covariance=ELO**2 * covariance,
        advantage=float(ELO * mode[count]),
        draw=float(np.exp(mode[count + 1])),
    )


def fit_pairs(pairs: np.ndarray, prior: Prior | None = None) -> Ratings:
    """The posterior given how pairs of games ended, each from one opening with either colour.

    Args:
        pairs: [N, N, 3, 3]: in [i, j, a, b], how often i's outcome against j was a as player 0
            and b as player 1 (0 a win, 1 a draw, 2 a loss). A pair may be counted in [i, j] or,
            seen by the other, in [j, i], but only once.
        prior: beliefs before any game.
    """
    games = single_games(pairs)
    mean, spread = dispersions(fit(games, prior), pairs)
    return dataclasses.replace(fit(games / mean, prior, spread / mean), dispersion=spread)


def single_games(pairs: np.ndarray) -> np.ndarray:
    """The table that `fit` takes, [N, N, 3], from the one that `fit_pairs` takes."""
    as_player_1 = pairs.sum(axis=2)[..., ::-1]  # as the other, who was player 0, sees it
    return pairs.sum(axis=3) + as_player_1.transpose(1, 0, 2)


def dispersions(ratings: Ratings, pairs: np.ndarray) -> tuple[float, np.ndarray]:
    """Variances of the points in a pair of games, as multiples of two independent games'.

    Pearson's statistic over the pairs of each two players [N, N], drawn towards the mean where
    there are few; and that mean over players who met, drawn towards 1, each two of whom count for
    the more the better theirs is known, but for no more than one.
    """
    mean, variance = _moments(ratings.probabilities())
    expected = mean + 1.0 - mean.T
    points = POINTS[:, None] + POINTS
    seen = (pairs * (points - expected[..., None, None]) ** 2).sum(axis=(2, 3))
    independent = pairs.sum(axis=(2, 3)) * (variance + variance.T)
    total = pairs.sum()
    independent *= total / (total + len(pairs) - 1)  # the fit has followed the results
    seen, independent = seen + seen.T, independent + independent.T
    known = np.triu(independent / (independent + _DISPERSION_WEIGHT))
    own = seen / np.maximum(independent, 1e-9)
    typical = (1.0 + (known * own).sum()) / (1.0 + known.sum())
    each = (_DISPERSION_WEIGHT * typical + seen) / (_DISPERSION_WEIGHT + independent)
    return float(typical), each


def _held(prior: Prior | None, count: int) -> np.ndarray:
    """The prior's precision [count + 2, count + 2]: of ratings, advantage and log nu, in nats.

    The sum of the ratings, which no game tells of, is held at 0.
    """
    prior = prior or Prior()
    deviations = [*[prior.rating / ELO] * count, prior.advantage / ELO, prior.log_draw]
    held = np.diag(np.array(deviations) ** -2.0)
    held[:count, :count] += 1.0
    return held


def _moments(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance [...] of player 0's points, from probabilities [..., 3]."""
    mean = probabilities @ POINTS
    return mean, probabilities @ POINTS**2 - mean**2


def _mode(design: np.ndarray, games: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Where the log posterior is greatest, [N + 2], given games [M, 3] with x = design @ mode.

    Newton's method with halved steps; the log posterior is concave.
    """
    total, points, draws = games.sum(axis=1), games @ POINTS, games[:, 1]

    def log_posterior(theta: np.ndarray) -> float:
        logs = np.log(np.maximum(outcome_probabilities(design @ theta, theta[-1]), 1e-300))
        return float((games * logs).sum() - theta @ held @ theta / 2)

    theta = np.zeros(design.shape[1])
    reached = log_posterior(theta)
    for _ in range(100):
        chances = outcome_probabilities(design @ theta, theta[-1])
        gradient = design.T @ (points - total * (chances @ POINTS)) - held @ theta
        gradient[-1] += (draws - total * chances[:, 1]).sum()
        if np.abs(gradient).max() < 1e-9 * (1.0 + total.sum()):
            return theta
        step = np.linalg.solve(_information(design, total, theta) + held, gradient)
        while (ahead := log_posterior(theta + step)) < reached - 1e-9 * abs(reached):
            step /= 2.0
        theta, reached = theta + step, ahead
    raise ValueError("the games set no bounds to the ratings; a finite prior does")


def _information(design: np.ndarray, total: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Fisher's, [N + 2, N + 2], of so many games [M] with x = design @ theta."""
    chances = outcome_probabilities(design @ theta, theta[-1])
    mean, variance = _moments(chances)
    drawn = chances[:, 1]
    information = design.T @ (design * (total * variance)[:, None])
    shared = design.T @ (total * drawn * (0.5 - mean))
    information[:, -1] += shared
    information[-1] += shared
    information[-1, -1] += (total * drawn * (1.0 - drawn)).sum()
    return information
