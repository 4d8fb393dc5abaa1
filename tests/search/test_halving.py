"""The traced schedule against mctx's tables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mctx._src.seq_halving import get_sequence_of_considered_visits

from selfplay.search.halving import considered_visits

traced = jax.jit(considered_visits, static_argnums=(2, 3))


def assert_mctx(max_considered, numbers, budgets):
    """Every number of actions with every budget, all in one batch."""
    pairs = [(number, budget) for number in numbers for budget in budgets]
    columns = np.array(pairs, np.int32).T
    got = np.asarray(traced(*jnp.asarray(columns), max_considered, max(budgets)))
    assert got.dtype == np.int32
    for column, (number, budget) in enumerate(pairs):
        expected = get_sequence_of_considered_visits(number, budget)
        np.testing.assert_array_equal(got[:budget, column], expected, str((number, budget)))


def test_small_budgets():
    assert_mctx(20, range(21), range(1, 131))


@pytest.mark.parametrize("max_considered", [1, 2, 3, 16])
def test_any_bound_on_the_actions(max_considered):
    assert_mctx(max_considered, range(max_considered + 1), [1, 2, 8, 33])


def test_large_budgets():
    assert_mctx(64, [0, 1, 2, 3, 5, 16, 20, 31, 32, 33, 48, 63, 64], [512, 1000, 2048])
