"""Who plays whom next: the pair whose games tell most about the ratings."""

import math

import numpy as np

from selfplay.evaluation.rating import ELO, Ratings


def information_gain(ratings: Ratings, num_pairs: int) -> np.ndarray:
    """What so many pairs of games of any two players would tell, float64 [N, N], nats.

    The expected gain of information on their difference, as the posterior and the games'
    Fisher information at its mode have it: 0.5 * log(1 + information * variance). Lindley
    1956, "On a measure of the information provided by an experiment". It is greatest where
    much is unknown and the outcome is open, least where it is foregone. The diagonal is 0.
    """
    in_a_game = ratings.point_variance() / ELO**2
    information = num_pairs * (in_a_game + in_a_game.T) / ratings.dispersion
    return 0.5 * np.log1p(information * ratings.variances())


def next_pair(ratings: Ratings, num_pairs: int, may_play: np.ndarray) -> tuple[int, int] | None:
    """The two players, the lower index first, of whom `num_pairs` pairs of games tell most.

    `may_play` is bool [N, N], its upper triangle alone looked at. Of equals the first is taken;
    None where nobody may play.
    """
    allowed = np.triu(may_play, k=1)
    if not allowed.any():
        return None
    gain = np.where(allowed, information_gain(ratings, num_pairs), -math.inf)
    first, second = np.unravel_index(np.argmax(gain), gain.shape)
    return int(first), int(second)
