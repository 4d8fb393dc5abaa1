"""What training and search are worth to each other: a plane through quality over log compute.

With T spent on training and S on a move's search, quality is fitted as

    q = a + b * log10(T) + c * log10(S)

where q is Elo, or the log-odds of a share: what grows without bound. Along a line of equal quality,
ten times less training is made up for by 10**(b / c) times more search. Jones 2021, "Scaling
scaling laws with board games", section 5, found about 15 in Hex; Neumann and Gros 2022, "Scaling
laws for a multi-agent reinforcement learning model", fit ratings by power laws of compute, which
are lines over its logarithm too.
"""

import dataclasses
import math

import numpy as np

from selfplay.evaluation.arena import Z_95
from selfplay.evaluation.depth import Estimate


@dataclasses.dataclass(frozen=True)
class Plane:
    """The fit."""

    coefficients: np.ndarray
    """float64 [3]: a, b, c."""
    covariance: np.ndarray
    """float64 [3, 3], for the scatter that was seen."""
    explained: float
    """Share of the variance of q that the plane explains, R²."""

    @property
    def training(self) -> Estimate:
        """b, of ten times more training."""
        return self._coefficient(1)

    @property
    def search(self) -> Estimate:
        """c, of ten times more search."""
        return self._coefficient(2)

    @property
    def exchange(self) -> Estimate | None:
        """How many times more search makes up for ten times less training.

        By the delta method on b / c. None unless both are more than 0 beyond chance: then no
        search makes up for training, or none is needed.
        """
        if self.training.low <= 0.0 or self.search.low <= 0.0:
            return None
        _, b, c = self.coefficients
        slope = np.array([0.0, 1.0 / c, -b / c**2])
        margin = Z_95 * math.sqrt(float(slope @ self.covariance @ slope))
        return Estimate(*(float(10.0 ** (b / c + sign * margin)) for sign in (0, -1, 1)))

    def quality(self, log_training: np.ndarray, log_search: np.ndarray) -> np.ndarray:
        """q, of logarithms to the base of 10."""
        a, b, c = self.coefficients
        return a + b * log_training + c * log_search

    def _coefficient(self, index: int) -> Estimate:
        value = float(self.coefficients[index])
        margin = Z_95 * math.sqrt(float(self.covariance[index, index]))
        return Estimate(value, value - margin, value + margin)


def fit(
    quality: np.ndarray, deviation: np.ndarray, training: np.ndarray, search: np.ndarray
) -> Plane:
    """The plane through N points of least squares, each weighted by how well it is known.

    Args:
        quality: float [N].
        deviation: float [N], positive: the standard deviation of each.
        training: float [N], positive: compute spent until then.
        search: float [N], positive: compute of a move.

    Raises:
        ValueError: fewer than 4 points, or all of one training or one search.
    """
    if len(quality) < 4 or len(set(training)) < 2 or len(set(search)) < 2:
        raise ValueError(
            "the exchange of training for search needs at least 2 checkpoints that were trained "
            f"and 2 numbers of simulations, got {len(set(training))} and {len(set(search))}"
        )
    design = np.stack([np.ones_like(quality), np.log10(training), np.log10(search)], axis=1)
    weight = 1.0 / deviation**2
    information = design.T @ (design * weight[:, None])
    coefficients = np.linalg.solve(information, design.T @ (weight * quality))
    residual = quality - design @ coefficients
    scatter = float((weight * residual**2).sum()) / (len(quality) - 3)
    middle = np.average(quality, weights=weight)
    explained = 1.0 - (weight * residual**2).sum() / (weight * (quality - middle) ** 2).sum()
    covariance = max(scatter, 1.0) * np.linalg.inv(information)
    return Plane(coefficients, covariance, float(explained))


def log_odds(share: Estimate) -> tuple[float, float]:
    """The log-odds of a share and their standard deviation, from its 95 % interval.

    Of a share of 0 or 1, those of the middle of its interval.
    """
    low, high = (math.log(end / (1.0 - end)) for end in _open(share.low, share.high))
    inside = 0.0 < share.value < 1.0
    middle = math.log(share.value / (1.0 - share.value)) if inside else (low + high) / 2.0
    return middle, (high - low) / (2.0 * Z_95)


def _open(low: float, high: float) -> tuple[float, float]:
    """The interval's ends, kept off 0 and 1."""
    least = 1e-4
    return max(low, least), min(high, 1.0 - least)
