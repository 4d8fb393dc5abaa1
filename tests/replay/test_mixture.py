"""Mixtures of generations, against fractions in plain Python."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.replay import mixture

GENERATIONS, CAPACITY = 5, 50


def expected_shares(sizes, regime, real_fraction):
    """Exact shares."""
    made = [0, *sizes[1:]]
    if regime == "replace":
        newest = max([g for g, size in enumerate(made) if size], default=0)
        made = [size if g == newest else 0 for g, size in enumerate(made)]
    if real_fraction is None:
        real_fraction = Fraction(sizes[0], sizes[0] + sum(made))
    if not sum(made):
        return [Fraction(1), *[Fraction(0)] * (len(sizes) - 1)]
    rest = 1 - Fraction(real_fraction)
    return [Fraction(real_fraction), *[rest * Fraction(m, sum(made)) for m in made[1:]]]


jit_shares = jax.jit(mixture.shares, static_argnums=1)
jit_sample = jax.jit(mixture.sample, static_argnums=3)
jit_row_weights = jax.jit(mixture.row_weights, static_argnums=2)


@settings(max_examples=80)
@given(
    st.lists(st.integers(0, CAPACITY), min_size=GENERATIONS, max_size=GENERATIONS).filter(any),
    st.sampled_from(["replace", "accumulate"]),
    st.sampled_from([None, 0.0, 0.25, 0.5, 1.0]),
)
def test_shares_are_the_fractions(sizes, regime, real_fraction):
    got = jit_shares(jnp.array(sizes, jnp.int32), regime, real_fraction)
    wanted = [float(share) for share in expected_shares(sizes, regime, real_fraction)]
    np.testing.assert_allclose(got, wanted, atol=1e-6)
    capacities = (CAPACITY,) * GENERATIONS
    weights = np.asarray(jit_row_weights(got, jnp.array(sizes, jnp.int32), capacities))
    for g, (rows, size) in enumerate(zip(np.split(weights, GENERATIONS), sizes, strict=True)):
        if size:
            np.testing.assert_allclose(rows[:size], float(got[g]) / size, rtol=1e-5)
        assert not rows[size:].any()


def test_another_fraction_compiles_nothing():
    traces = 0

    @jax.jit
    def shares(sizes, real_fraction):
        nonlocal traces
        traces += 1
        return mixture.shares(sizes, "accumulate", real_fraction)

    sizes = jnp.array([100, 300, 100], jnp.int32)
    for fraction in (0.0, 0.25, 1.0):
        got = shares(sizes, jnp.float32(fraction))
        np.testing.assert_allclose(got, [fraction, 0.75 * (1 - fraction), 0.25 * (1 - fraction)])
    assert traces == 1


def test_a_batch_has_the_shares_and_rows_are_uniform():
    """Counts within six standard deviations, which chance exceeds once in 500 million counts."""
    sizes, n = jnp.array([3, 5, 0, 2], jnp.int32), 40_000
    shares = mixture.shares(sizes, "accumulate", 0.25)
    rows = jit_sample(jax.random.key(0), shares, sizes, n)
    assert rows.generation.dtype == rows.row.dtype == jnp.int32
    counts = np.zeros((4, 5), int)
    np.add.at(counts, (np.asarray(rows.generation), np.asarray(rows.row)), 1)
    for g, size in enumerate(sizes.tolist()):
        assert not counts[g, size:].any()
        if size:
            p = float(shares[g]) / size
            assert np.abs(counts[g, :size] - n * p).max() < 6 * np.sqrt(n * p * (1 - p))


def test_what_has_no_share_is_never_drawn():
    sizes = jnp.array([10, 10, 10], jnp.int32)
    for regime, fraction, drawn in [
        ("replace", 0.0, {2}),
        ("replace", None, {0, 2}),
        ("accumulate", 1.0, {0}),
    ]:
        shares = jit_shares(sizes, regime, fraction)
        rows = jit_sample(jax.random.key(1), shares, sizes, 2_000)
        assert set(rows.generation.tolist()) == drawn


@pytest.mark.parametrize(
    ("sizes", "fraction", "message"),
    [
        ([10, 10], 1.5, "real_fraction must lie between 0 and 1, got 1.5"),
        ([10, 10], -0.1, "between 0 and 1, got -0.1"),
        ([10, 10], float("nan"), "between 0 and 1, got nan"),
        ([0, 10], 0.25, "real_fraction is 0.25, but generation 0 has no real data"),
        ([0, 0], None, "needs rows, got none in 2 generations"),
        ([], None, r"rows or more, got sizes \[\]"),
        ([3, -1], None, r"rows or more, got sizes \[3, -1\]"),
    ],
)
def test_mixtures_that_do_not_add_up_are_refused(sizes, fraction, message):
    with pytest.raises(ValueError, match=message):
        mixture.refuse_unfit(sizes, fraction)


def test_fit_mixtures_pass():
    for sizes, fraction in [([0, 5], None), ([0, 5], 0.0), ([5], 1.0), ([5, 5], 0.25)]:
        mixture.refuse_unfit(sizes, fraction)


def test_an_unknown_regime_is_refused():
    with pytest.raises(ValueError, match="must be 'replace' or 'accumulate', got 'renew'"):
        mixture.shares(jnp.ones(2, jnp.int32), "renew")
