"""Chains: text, bound, and a split that reversal and padding cannot get round."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay_envs.science.hp_chain import (
    MAX_SHARE,
    MIN_SHARE,
    any_chain,
    format_chain,
    is_held_out,
    make_chain,
    parse_chain,
)
from selfplay_envs.science.hp_lattice_scorer import parity_bound

chains = st.text("HP", min_size=3, max_size=24)


@given(chains)
@settings(max_examples=50)
def test_text_and_bound(text):
    chain = parse_chain(text, 24)
    assert format_chain(chain) == text
    assert int(chain.most_contacts) == parity_bound(text)


@given(chains)
@settings(max_examples=50)
def test_the_split_depends_on_the_residues_alone(text):
    side = bool(is_held_out(parse_chain(text, 24)))
    assert bool(is_held_out(parse_chain(text[::-1], 24))) == side
    assert bool(is_held_out(parse_chain(text, 40))) == side


@pytest.mark.parametrize("text", ["HP", "", "HPX", "HPHPHPHPHPH"])
def test_no_chain(text):
    with pytest.raises(ValueError, match="3 to 10 letters, each H"):
        parse_chain(text, 10)


@functools.partial(jax.jit, static_argnums=1)
def draw(keys, length):
    return jax.vmap(lambda key: any_chain(key, length, 8))(keys)


def test_random_chains():
    """Sizes and shares are spread as they should be, and one in eight is held out."""
    drawn = jax.device_get(draw(jax.random.split(jax.random.key(0), 4_096), 20))
    assert np.bincount(drawn.size).nonzero()[0].tolist() == list(range(8, 21))
    shares = drawn.hydrophobic.sum(1) / drawn.size
    assert abs(shares.mean() - (MIN_SHARE + MAX_SHARE) / 2) < 0.02
    assert shares.std() > 0.15  # were all drawn with the mean share it would be 0.13
    assert not drawn.hydrophobic[np.arange(20) >= drawn.size[:, None]].any()
    assert abs(np.asarray(jax.vmap(is_held_out)(drawn)).mean() - 1 / 8) < 0.02


def test_palindromes_are_on_both_sides():
    halves = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool)
    whole = jnp.asarray(np.concatenate([halves, halves[:, ::-1]], 1))
    sides = jax.vmap(lambda h: is_held_out(make_chain(h, jnp.int8(16))))(whole)
    assert 0.05 < float(sides.mean()) < 0.25
