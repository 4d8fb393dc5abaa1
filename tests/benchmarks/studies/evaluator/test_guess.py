"""Noise is a function of the position, Gaussian, and of the size that was asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from benchmarks.studies.evaluator.guess import LOGIT_NOISE, Guess, weak_evaluator
from selfplay_envs.games.connect_four import ConnectFour

ENV = ConnectFour()


def even(params, observation):
    """A network that has no opinion."""
    del params
    return jnp.zeros((len(observation), 7)), jnp.zeros(len(observation))


@pytest.fixture(scope="module")
def judge():
    """`judge(stones uint8 [N, 2, 6], noise, seed, key)`: what the weak evaluator says of boards."""
    evaluator = weak_evaluator(ENV, even)

    @jax.jit
    def compiled(stones, noise, seed, key):
        state = jax.vmap(lambda stones: ENV.init(()).replace(stones=stones))(stones)
        keys = jax.random.split(jax.random.key(key), len(stones))
        return evaluator(Guess((), noise, jax.random.key(seed)), keys, (), state)

    return lambda stones, noise, seed=0, key=0: jax.device_get(
        compiled(jnp.asarray(stones), jnp.float32(noise), seed, key)
    )


@pytest.fixture(scope="module")
def boards():
    """Any stones at all, uint8 [4096, 2, 6]."""
    return np.random.default_rng(0).integers(0, 128, (4_096, 2, 6)).astype(np.uint8)


def test_without_noise_it_is_the_network(judge, boards):
    logits, value = judge(boards, 0.0)
    assert not logits.any()
    assert not value.any()


def test_noise_is_gaussian_and_as_large_as_asked_for(judge, boards):
    logits, value = judge(boards, 0.2)
    for found, deviation in ((value, 0.2), (logits.ravel(), 0.2 * LOGIT_NOISE)):
        assert found.std() == pytest.approx(deviation, rel=0.05)
        assert stats.kstest(found / deviation, "norm").pvalue > 1e-3


def test_values_stay_in_their_range(judge, boards):
    value = judge(boards, 2.0)[1]
    assert np.abs(value).max() == 1


def test_a_position_is_misjudged_in_one_way_for_ever(judge, boards):
    order = np.random.default_rng(1).permutation(len(boards))
    first, again = judge(boards, 1.0), judge(boards[order], 1.0, key=1)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one[order], other)


def test_other_positions_and_other_seeds_are_misjudged_otherwise(judge, boards):
    one_more = boards.copy()
    one_more[:, 0, 0] ^= 1
    value = judge(boards, 0.2)[1]
    for other in (judge(one_more, 0.2)[1], judge(boards, 0.2, seed=1)[1]):
        assert abs(np.corrcoef(value, other)[0, 1]) < 0.05
