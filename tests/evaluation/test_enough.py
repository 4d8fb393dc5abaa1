"""How many simulations are enough: shares by hand, intervals by resampling."""

import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment.contract import SolvedPositions
from selfplay.evaluation import depth, enough
from selfplay.evaluation.depth import Cost, Estimate
from selfplay.evaluation.searcher import Searcher
from selfplay.evaluation.study import Point


def point(simulations, exact=None, solved=None):
    searcher = Searcher(policy="gumbel", simulations=simulations)
    return Point(searcher, Cost(0.1, 1.0, 1, 1), exact, solved)


def judged(kept, bucket):
    """Of decisions, True where the value was kept, in buckets."""
    positions = SolvedPositions(
        problem=(),
        state=(),
        action_values=jnp.array([[1.0, -1.0]] * len(kept)),
        bucket=jnp.array(bucket, jnp.int32),
        bucket_names=("a", "b"),
    )
    return depth.exact(np.where(kept, 0, 1), np.zeros(len(kept)), positions)


def test_the_fewest_with_the_share_asked_for():
    points = [point(count) for count in (0, 1, 4, 16)]
    values = np.array([0.5, 0.6, 0.95, 1.0])
    shown = enough.enough(points, values, 1e-4 * np.eye(4), 0.8)
    assert shown.enough is points[2] and shown.share.value == pytest.approx(0.9)
    assert shown.share_before == shown.share and shown.before is points[2]
    assert shown.is_gain and shown.gain.value == pytest.approx(0.5)
    # v2 - 0.9 v3 - 0.1 v0, independent: a hundredth's deviation each, over a gain of a half.
    margin = 1.96 * 0.01 * (1 + 0.81 + 0.01) ** 0.5 / 0.5
    assert shown.share.high - shown.share.value == pytest.approx(margin)


def test_no_gain_needs_no_search():
    points = [point(count) for count in (0, 1, 4)]
    shown = enough.enough(points, np.array([0.9, 0.95, 0.9]), 1e-4 * np.eye(3), 0.9)
    assert not shown.is_gain and shown.enough is points[0]
    shown = enough.enough(points, np.array([0.9, 0.9, 0.901]), 1e-4 * np.eye(3), 0.9)
    assert not shown.is_gain


def test_the_covariance_is_that_of_resampled_positions():
    """Two searchers that err mostly in the same positions, and a third that does not."""
    rng = np.random.default_rng(0)
    bucket = np.repeat([0, 1], [300, 100])
    first = rng.random(400) < np.where(bucket == 0, 0.9, 0.6)
    second = np.where(rng.random(400) < 0.8, first, rng.random(400) < 0.9)
    kept = np.stack([first, second, rng.random(400) < 0.95])
    values, covariance = enough.exact_kept(
        [point(i, judged(k, bucket)) for i, k in enumerate(kept)]
    )
    shares = np.stack([kept[:, bucket == b].mean(axis=1) for b in (0, 1)])
    np.testing.assert_allclose(values, shares.mean(axis=0))
    resampled = [
        np.mean(
            [
                kept[:, rng.choice(np.flatnonzero(bucket == b), (bucket == b).sum())].mean(axis=1)
                for b in (0, 1)
            ],
            axis=0,
        )
        for _ in range(4000)
    ]
    np.testing.assert_allclose(covariance, np.cov(np.array(resampled).T), rtol=0.12, atol=2e-5)
    assert covariance[0, 1] > 0.4 * covariance[0, 0]


def test_solved_problems_are_known_by_their_intervals():
    points = [point(i, solved=Estimate(s, s - 0.05, s + 0.05)) for i, s in enumerate((0.2, 0.5))]
    values, covariance = enough.solved(points)
    np.testing.assert_allclose(values, [0.2, 0.5])
    np.testing.assert_allclose(covariance, (0.05 / 1.96) ** 2 * np.eye(2))
