"""How many simulations are enough: the fewest that give nearly all that the most give.

Along a curve of K searchers, with measures v and their covariance C, searcher k gives the share
R = (v_k - v_0) / (v_last - v_0) of the whole gain. Its variance is that of (v_k - v_0) - R (v_last
- v_0), over the squared gain: the delta method, as in Oehlert 1992, "A note on the delta method".
What is measured on the same positions, or in one tournament, is correlated, and C says how.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from selfplay.evaluation.arena import Z_95
from selfplay.evaluation.depth import Estimate, Exact
from selfplay.evaluation.study import Point, Study


@dataclasses.dataclass(frozen=True)
class Enough:
    """What a curve shows."""

    first: Point
    enough: Point
    """Of all with at least the share that was asked for, the one with the fewest simulations."""
    before: Point
    """The last but one."""
    last: Point
    gain: Estimate
    """Of the last over the first, in the measure's units."""
    share: Estimate
    """Of that gain: what `enough` has."""
    share_before: Estimate
    """What `before` has."""

    @property
    def is_gain(self) -> bool:
        """Whether the longest search is better beyond chance than the shortest."""
        return self.gain.low > 0.0


def enough(
    points: Sequence[Point], values: np.ndarray, covariance: np.ndarray, least: float
) -> Enough:
    """Looks for the share `least` of the gain from the first to the last of K >= 2 points.

    `values` [K] are better when greater; `covariance` is [K, K]. The share's interval does not
    know that the point was chosen by its share.
    """
    gains = values - values[0]
    contrast = np.eye(len(points)) - np.eye(len(points))[0]
    whole = _estimate(gains[-1], contrast[-1], covariance)
    shares = gains / gains[-1] if gains[-1] > 0.0 else np.ones(len(points))
    found = next(k for k in range(len(points)) if shares[k] >= least)

    def share(k: int) -> Estimate:
        margin = _estimate(0.0, contrast[k] - shares[k] * contrast[-1], covariance).high
        width = margin / gains[-1] if gains[-1] > 0.0 else 0.0
        return Estimate(*(float(shares[k] + sign * width) for sign in (0.0, -1.0, 1.0)))

    before = len(points) - 2
    return Enough(
        points[0], points[found], points[before], points[-1], whole, share(found), share(before)
    )


def exact_kept(points: Sequence[Point]) -> tuple[np.ndarray, np.ndarray]:
    """Shares of moves that keep the value, [K], and their covariance [K, K]; all have `exact`."""
    exacts = [point.exact for point in points if point.exact is not None]
    return np.array([exact.kept.value for exact in exacts]), _covariance(exacts)


def solved(points: Sequence[Point]) -> tuple[np.ndarray, np.ndarray]:
    """Shares of problems solved, [K], and their covariance, as if the problems had differed."""
    shares = [point.solved for point in points if point.solved is not None]
    deviations = [(share.high - share.low) / (2.0 * Z_95) for share in shares]
    return np.array([share.value for share in shares]), np.diag(np.square(deviations))


def elo(known: Study, points: Sequence[Point]) -> tuple[np.ndarray, np.ndarray]:
    """Ratings of points that have played, [K], and their covariance [K, K]."""
    assert known.games is not None
    index = [known.games.names.index(point.searcher.name) for point in points]
    ratings = known.games.ratings
    return ratings.elo[index], ratings.covariance[np.ix_(index, index)]


def _covariance(exacts: Sequence[Exact]) -> np.ndarray:
    """Of means over buckets, of decisions in the same positions."""
    sizes = exacts[0].bucket_sizes
    total = np.zeros((len(exacts), len(exacts)))
    for bucket, size in enumerate(sizes):
        wrong = [{i for i, _, where in exact.mistakes if where == bucket} for exact in exacts]
        both = np.array([[len(one & other) for other in wrong] for one in wrong]) / size
        share = np.diagonal(both)
        total += (both - share[:, None] * share) / size
    return total / len(sizes) ** 2


def _estimate(value: float, contrast: np.ndarray, covariance: np.ndarray) -> Estimate:
    margin = Z_95 * math.sqrt(max(float(contrast @ covariance @ contrast), 0.0))
    return Estimate(float(value), float(value - margin), float(value + margin))
