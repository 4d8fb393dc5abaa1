"""Who plays whom next: the pair whose games tell most about the ratings."""

from collections.abc import Sequence

import numpy as np

from selfplay.evaluation.rating import ELO, Ratings


def information_gain(ratings: Ratings, num_pairs: int) -> np.ndarray:
    """What so many pairs of games of any two players would tell, float64 [N, N], nats.

    The expected gain of information on their difference, as the posterior and the games'
    Fisher information at its mode have it: 0.5 * log(1 + information * variance). Lindley
    1956, "On a measure of the information provided by an experiment". It is greatest where
    much is unknown and the outcome is open, least where it is foregone. The diagonal is 0.
    """
    return 0.5 * np.log1p(_information(ratings, num_pairs) * ratings.variances())


def variance_cut(
    ratings: Ratings,
    num_pairs: int,
    precision: float,
    anchor: int | None = None,
    wanted: Sequence[int] | None = None,
) -> np.ndarray:
    """What so many pairs of games of any two players would take from the variances, [N, N], Elo².

    Of the ratings against the anchor, and of those alone whose 95 % interval is wider than
    `precision` to either side: A-optimal design (Chernoff 1953, "Locally optimal designs for
    estimating parameters"), one match at a time. Arguments as of `tournament.play`.
    """
    count = len(ratings.elo)
    centre = np.eye(count) - (1.0 / count if anchor is None else np.eye(count)[anchor])
    about = np.arange(count) if wanted is None else np.array(wanted)
    wide = ratings.relative_to(anchor)[1][about] > precision
    shared = centre[about[wide]] @ ratings.covariance  # of those ratings with each player's own
    moved = ((shared[:, :, None] - shared[:, None]) ** 2).sum(axis=0)
    information = _information(ratings, num_pairs)
    return moved * information / (1.0 + information * ratings.variances())


def next_pair(worth: np.ndarray, may_play: np.ndarray) -> tuple[int, int] | None:
    """The two players, the lower index first, whose match is worth most (float [N, N]).

    `may_play` is bool [N, N], its upper triangle alone looked at. Of equals the first is taken;
    None where nobody may play.
    """
    allowed = np.triu(may_play, k=1)
    if not allowed.any():
        return None
    first, second = np.unravel_index(np.argmax(np.where(allowed, worth, -np.inf)), worth.shape)
    return int(first), int(second)


def _information(ratings: Ratings, num_pairs: int) -> np.ndarray:
    """Fisher's, of so many pairs of games on the difference of any two, [N, N], 1 / Elo²."""
    in_a_game = ratings.point_variance() / ELO**2
    return num_pairs * (in_a_game + in_a_game.T) / ratings.dispersion
