"""The raw operator against the distribution it samples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.operators.contract import OPERATORS
from selfplay.operators.raw import Raw
from tests import worlds

NIM = worlds.Nim(stones=8)
GUESS = jnp.log(jnp.array([0.5, 0.3, 0.2]))


def guess(params, keys, problem, state):
    rows = keys.shape[0]
    return jnp.broadcast_to(GUESS, (rows, 3)), jnp.full(rows, 0.25)


def improve(temperature, heap, rows=4096):
    keys = jax.random.split(jax.random.key(0), rows)
    state = jax.vmap(lambda _: NIM.start().replace(heap=jnp.int8(heap)))(jnp.arange(rows))
    raw = Raw(NIM, guess, temperature)
    return jax.jit(lambda: raw.improve((), keys, (), state, jnp.int32(3)))()


@pytest.mark.parametrize(
    ("heap", "expected"), [(8, [0.5, 0.3, 0.2]), (2, [0.625, 0.375, 0.0]), (1, [1.0, 0.0, 0.0])]
)
def test_it_samples_the_legal_part_of_the_policy(heap, expected):
    found = improve(1.0, heap)
    share = np.bincount(found.action, minlength=3) / 4096
    np.testing.assert_allclose(share, expected, atol=5 * np.sqrt(0.25 / 4096))
    np.testing.assert_array_equal(found.targets.action_weights, np.eye(3)[found.action])
    assert (found.targets.value == 0.25).all()


def test_cold_it_takes_the_likeliest():
    assert (improve(0.0, 8).action == 0).all()


def test_provenance():
    provenance = improve(1.0, 8).targets.provenance
    assert (provenance.operator == OPERATORS.index("raw")).all()
    assert (provenance.generation == 3).all()
    assert not provenance.real.any()
