"""Model collapse in closed form: three small worlds whose expectations are known exactly.

Means over many lineages must lie within six standard errors of the expectation: chance exceeds
that once in 500 million times. N is the rows of a generation, f the share of real data.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.replay.self_consuming import generations

GENERATIONS, LINEAGES = 8, 6_000

# Worlds: what is real, what is fitted, and what of it is measured -------------------------------

ROWS, FEATURES, NOISE = 20, 3, 0.5
"""Of repeated regression."""

NUM_SAMPLES = 8
"""Of the Gaussian and the categories: few, so that the drift is strong."""

FREQUENCIES = np.array([0.5, 0.3, 0.2], np.float32)
HETEROZYGOSITY = float(1 - (FREQUENCIES**2).sum())


def regression_errors(key, num_generations=GENERATIONS, **settings):
    """float32 [generations]: squared error of weights, the features the same in each generation."""
    design_key, key = jax.random.split(key)
    features = jax.random.normal(design_key, (ROWS, FEATURES))
    truth = jnp.ones(FEATURES)

    def labelled(key, weights):
        return features, features @ weights + NOISE * jax.random.normal(key, (ROWS,))

    def fit(rows, row_weights):
        x, y = rows
        weighted = x * row_weights[:, None]
        return jnp.linalg.solve(weighted.T @ x, weighted.T @ y)

    real = functools.partial(labelled, weights=truth)
    fitted = generations(
        key, real=real, fit=fit, sample=labelled, num_generations=num_generations, **settings
    )
    return ((fitted - truth[None]) ** 2).sum(-1)


def gaussian_variances(key, num_generations=GENERATIONS, **settings):
    """float32 [generations]: variance of the most likely Gaussian, the real one's being 1."""

    def draw(key, params):
        mean, variance = params
        return mean + jnp.sqrt(variance) * jax.random.normal(key, (NUM_SAMPLES,))

    def fit(rows, weights):
        mean = rows @ weights
        return mean, ((rows - mean) ** 2) @ weights

    return generations(
        key,
        real=functools.partial(draw, params=(jnp.float32(0), jnp.float32(1))),
        fit=fit,
        sample=draw,
        num_generations=num_generations,
        **settings,
    )[1]


def heterozygosities(key, num_generations=GENERATIONS, **settings):
    """float32 [generations]: the chance that two draws differ, of frequencies fitted to counts."""

    def draw(key, frequencies):
        return jax.random.categorical(key, jnp.log(frequencies), shape=(NUM_SAMPLES,))

    def fit(rows, weights):
        return weights @ jax.nn.one_hot(rows, len(FREQUENCIES), dtype=jnp.float32)

    frequencies = generations(
        key,
        real=functools.partial(draw, frequencies=jnp.asarray(FREQUENCIES)),
        fit=fit,
        sample=draw,
        num_generations=num_generations,
        **settings,
    )
    return 1 - (frequencies**2).sum(-1)


def assert_mean_is(world, expected, **settings):
    """Means over lineages, generation by generation, beside the expectation [generations]."""
    keys = jax.random.split(jax.random.key(0), LINEAGES)
    found = jax.jit(jax.vmap(functools.partial(world, num_generations=len(expected), **settings)))
    measured = np.asarray(found(keys), np.float64)
    error = measured.std(0, ddof=1) / math.sqrt(LINEAGES)
    deviation = np.abs(measured.mean(0) - expected)
    assert (deviation < 6 * error + 1e-6).all(), (measured.mean(0), expected, error)
    assert (6 * error < 0.12 * np.asarray(expected).max()).all()  # the test can tell


# Repeated regression: Gerstgrasser et al. 2024, theorems 1 and 2 ----------------------------------

ONE_FIT = NOISE**2 * FEATURES / (ROWS - FEATURES - 1)
"""Expected squared error of the first fit: σ² d / (T - d - 1)."""

n = np.arange(1, GENERATIONS + 1)


def test_replacing_multiplies_the_error_of_regression_by_the_generations():
    assert_mean_is(regression_errors, ONE_FIT * n, regime="replace", real_fraction=0.0)


def test_accumulating_bounds_the_error_of_regression():
    """Fit n + 1 moves by the noise of generation n over n + 1: the sum of 1/i² up to n."""
    sums = np.cumsum(1 / n**2)
    assert (sums < math.pi**2 / 6).all()
    assert_mean_is(regression_errors, ONE_FIT * sums, regime="accumulate")


def test_a_fixed_share_of_the_same_real_data_bounds_the_error_of_regression():
    """The real noise stays whole, the made noise decays: b' = (1 - f)² (b + 1) beside 1."""
    made = [0.0]
    for _ in n[1:]:
        made.append((1 - 0.25) ** 2 * (made[-1] + 1))
    expected = ONE_FIT * (1 + np.array(made))
    limit = 1 / (1 - (1 - 0.25) ** 2)
    assert (expected <= ONE_FIT * limit).all() and expected[-1] > 0.95 * ONE_FIT * limit
    assert_mean_is(regression_errors, expected, regime="replace", real_fraction=0.25)


# The Gaussian and the categories lose diversity alike --------------------------------------------

DRIFT = 1 - 1 / NUM_SAMPLES
WORLDS = [
    pytest.param(gaussian_variances, 1.0, id="variance of a Gaussian"),
    pytest.param(heterozygosities, HETEROZYGOSITY, id="heterozygosity of categories"),
]
"""Both are a second moment less the square of a mean that drifts."""


@pytest.mark.parametrize(("world", "start"), WORLDS)
def test_replacing_loses_diversity_at_a_constant_rate(world, start):
    """(1 - 1/N)^t: Wright 1931 for frequencies; Alemohammad et al. 2023 for the Gaussian."""
    assert_mean_is(world, start * DRIFT**n, regime="replace", real_fraction=0.0)


def test_replacing_ends_in_one_category_and_in_no_variance():
    settings = {"num_generations": 200, "regime": "replace", "real_fraction": 0.0}
    keys = jax.random.split(jax.random.key(1), 200)
    for world in (gaussian_variances, heterozygosities):
        left = jax.jit(jax.vmap(functools.partial(world, **settings)))(keys)[:, -1]
        # By Markov's inequality above 1e-3 with a chance of 1000 (1 - 1/N)^200 < 1e-8 each.
        assert np.asarray(left).max() < 1e-3


@pytest.mark.parametrize(("world", "start"), WORLDS)
def test_accumulating_keeps_most_diversity_for_ever(world, start):
    """Product of 1 - 1/(N i²), never below Euler's sin(x)/x with x = π / √N."""
    expected = start * np.cumprod(1 - 1 / (NUM_SAMPLES * n**2))
    x = math.pi / math.sqrt(NUM_SAMPLES)
    assert (expected > start * math.sin(x) / x).all()
    assert_mean_is(world, expected, regime="accumulate")


@pytest.mark.parametrize(("world", "start"), WORLDS)
def test_fresh_real_data_holds_diversity_at_an_equilibrium(world, start):
    """Migration (Wright 1931): with migrants' share f,

    H' = f² drift H₀ + (1 - f)² drift H + 2 f (1 - f) H₀
    """
    f = 0.25
    gain = (f**2 * DRIFT + 2 * f * (1 - f)) * start
    expected = [start * DRIFT]
    for _ in n[1:]:
        expected.append(gain + (1 - f) ** 2 * DRIFT * expected[-1])
    equilibrium = gain / (1 - (1 - f) ** 2 * DRIFT)
    assert abs(expected[-1] - equilibrium) < 0.01 * start
    settings = {"regime": "replace", "real_fraction": f, "fresh_real": True}
    assert_mean_is(world, np.array(expected), **settings)


# What is refused, and what is not compiled twice --------------------------------------------------


def test_generation_by_generation_the_loop_fits_what_a_plain_loop_would():
    """A model is the mean of what it learns from, and makes two rows: the mean plus 1, plus 2."""
    real = np.array([1.0, 3.0, 8.0], np.float32)
    offsets = np.array([1.0, 2.0], np.float32)
    for regime, fraction in [("replace", 0.0), ("replace", None), ("accumulate", 0.25)]:
        found = generations(
            jax.random.key(0),
            real=lambda key: jnp.asarray(real),
            fit=lambda rows, weights: rows @ weights,
            sample=lambda key, mean: mean + offsets,
            num_generations=5,
            regime=regime,
            real_fraction=fraction,
        )
        made, means = [], []
        for _ in range(5):
            kept = np.concatenate(made[-1:] if regime == "replace" else made) if made else None
            if kept is None:
                means.append(real.mean())
            else:
                f = 3 / (3 + len(kept)) if fraction is None else fraction
                means.append(f * real.mean() + (1 - f) * kept.mean())
            made.append(means[-1] + offsets)
        np.testing.assert_allclose(found, means, rtol=1e-5)


def test_another_fraction_compiles_nothing():
    traces = 0

    @jax.jit
    def run(key, fraction):
        nonlocal traces
        traces += 1
        return gaussian_variances(key, 3, real_fraction=fraction)

    found = [run(jax.random.key(0), jnp.float32(fraction)) for fraction in (0.0, 0.5)]
    assert traces == 1
    assert not np.allclose(*found)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_generations": 0}, "num_generations must be at least 1, got 0"),
        ({"real_fraction": 2.0}, "real_fraction must lie between 0 and 1, got 2"),
        ({"real": lambda key: jnp.zeros(0)}, "a mixture needs rows, got none"),
        ({"real": lambda key: jnp.float32(0)}, r"same first axis, got shapes \[\(\)\]"),
        ({"sample": lambda key, mean: jnp.zeros(3, jnp.int32)}, "rows like the real ones.*int32"),
        ({"sample": lambda key, mean: jnp.zeros(0)}, "at least one row, got none"),
        ({"regime": "renew"}, "must be 'replace' or 'accumulate', got 'renew'"),
    ],
)
def test_what_does_not_fit_is_refused(changed, message):
    arguments = {
        "real": lambda key: jnp.zeros(2),
        "fit": lambda rows, weights: rows @ weights,
        "sample": lambda key, mean: jnp.zeros(3) + mean,
        "num_generations": 2,
    }
    with pytest.raises(ValueError, match=message):
        generations(jax.random.key(0), **(arguments | changed))
