"""Training for search: planes that are known, and how often their intervals hold the truth."""

import numpy as np
import pytest

from selfplay.evaluation.depth import Estimate
from selfplay.evaluation.exchange import fit, log_odds

TRAINING, SEARCH = (x.ravel() for x in np.meshgrid(10.0 ** np.arange(4, 8), 2.0 ** np.arange(8)))


def plane(b, c):
    return 3.0 + b * np.log10(TRAINING) + c * np.log10(SEARCH)


def test_a_plane_without_noise_is_found():
    found = fit(plane(600.0, 500.0), np.full(len(SEARCH), 1e-6), TRAINING, SEARCH)
    np.testing.assert_allclose(found.coefficients, [3.0, 600.0, 500.0], rtol=1e-6)
    assert found.explained == pytest.approx(1.0)
    assert found.exchange is not None
    assert found.exchange.value == pytest.approx(10.0**1.2)  # 500 Elo of search for 600 of training
    np.testing.assert_allclose(found.quality(np.array(5.0), np.array(2.0)), 3.0 + 3000.0 + 1000.0)


def test_points_count_by_how_well_they_are_known():
    rng = np.random.default_rng(0)
    deviation = rng.uniform(1.0, 50.0, len(SEARCH))
    quality = plane(60.0, 50.0) + deviation * rng.normal(size=len(SEARCH))
    design = np.stack([np.ones_like(SEARCH), np.log10(TRAINING), np.log10(SEARCH)], axis=1)
    expected = np.linalg.lstsq(design / deviation[:, None], quality / deviation, rcond=None)[0]
    np.testing.assert_allclose(fit(quality, deviation, TRAINING, SEARCH).coefficients, expected)


@pytest.mark.parametrize("scatter", [1.0, 3.0])
def test_intervals_hold_the_truth_as_often_as_they_say(scatter):
    """Also where points scatter more than they say."""
    rng, held = np.random.default_rng(1), []
    for _ in range(1000):
        quality = plane(60.0, 50.0) + scatter * 5.0 * rng.normal(size=len(SEARCH))
        found = fit(quality, np.full(len(SEARCH), 5.0), TRAINING, SEARCH).exchange
        held.append(found is not None and found.low <= 10.0**1.2 <= found.high)
    assert 0.92 <= np.mean(held) <= 0.99


def test_where_search_gains_nothing_there_is_no_rate():
    rng = np.random.default_rng(2)
    quality = plane(60.0, 0.0) + rng.normal(size=len(SEARCH))
    assert fit(quality, np.ones(len(SEARCH)), TRAINING, SEARCH).exchange is None


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="at least 2 checkpoints that were trained and 2 numbers"):
        fit(np.zeros(8), np.ones(8), np.full(8, 10.0), SEARCH[:8])


def test_log_odds_of_shares():
    value, deviation = log_odds(Estimate(0.9, 0.88, 0.9167))
    assert value == pytest.approx(np.log(9.0))
    assert deviation == pytest.approx((np.log(11.0) - np.log(0.88 / 0.12)) / 3.92, rel=0.01)
    value, deviation = log_odds(Estimate(1.0, 0.99, 1.0))
    assert np.isfinite(value) and value > np.log(99.0) and deviation > 0.5
