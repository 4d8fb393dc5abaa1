"""Batches of several generations."""

import jax
import numpy as np
import pytest

from selfplay.replay import generations
from selfplay.replay.pool import Pool
from selfplay.replay.selection import Filter, select
from tests.replay.test_generations import ABOUT, ROW, make_sample


@pytest.fixture
def pool(tmp_path):
    """Real rows 0 to 29, made ones from 100 and, in generation 2, from 200 on."""
    selections = {}
    for number, (first, size) in enumerate([(0, 30), (100, 30), (200, 60)]):
        made = generations.create(tmp_path / f"g{number}", ABOUT)
        made.add(make_sample(first, size))
        selections[number] = select(made, Filter(), tmp_path / f"s{number}")
    return lambda regime: Pool(selections, capacity=5, like=ROW, regime=regime)


@pytest.mark.parametrize(
    ("regime", "fraction", "expected"),
    [
        ("replace", 0.25, [0.25, 0.0, 0.75]),
        ("replace", 0.0, [0.0, 0.0, 1.0]),
        ("replace", 1.0, [1.0, 0.0, 0.0]),
        ("accumulate", 0.1, [0.1, 0.3, 0.6]),
        ("accumulate", None, [0.25, 0.25, 0.5]),
    ],
)
def test_shares_are_those_of_the_mixture(pool, regime, fraction, expected):
    mixed = pool(regime)
    shares = mixed.shares(fraction)
    assert shares.tolist() == pytest.approx([*expected, 0.0, 0.0])
    drawn = mixed.draw(jax.random.key(0), shares, 4_000)
    number = drawn.value.astype(np.int32) // 100
    counts = np.bincount(number, minlength=3) / 4_000
    assert counts == pytest.approx(expected, abs=0.04)


def test_a_row_comes_whole_and_equal_keys_draw_equal_rows(pool):
    mixed = pool("replace")
    shares = mixed.shares(0.5)
    one, again = (mixed.draw(jax.random.key(7), shares, 64) for _ in range(2))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(a, b)
    assert jax.tree.structure(one) == jax.tree.structure(ROW.targets)


def test_real_data_that_are_not_there_cannot_be_mixed(tmp_path):
    made = generations.create(tmp_path / "g", ABOUT)
    made.add(make_sample(0, 30))
    only = Pool({1: select(made, Filter(), tmp_path / "s")}, 3, ROW, "replace")
    assert only.shares(0.0).tolist() == [0.0, 1.0, 0.0]
    with pytest.raises(ValueError, match="generation 0 has no real data"):
        only.shares(0.25)
