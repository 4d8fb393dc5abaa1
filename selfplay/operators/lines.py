"""Which games are the same, and begin alike: hashes of lines, and how many pairs are equal."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_TURN = np.uint32(0x9E3779B1)
"""Odd, so that a line's hash depends on the order of its positions."""


def fingerprint(tree: Any, ndim: int) -> jax.Array:
    """uint32 [...]: a hash of what a pytree holds, over all but its leaves' first `ndim` axes.

    The sum of a random function of each word and its place (Zobrist 1970). Trees that differ
    collide with a probability of about 2^-32.
    """
    words = [_words(leaf, ndim) for leaf in jax.tree.leaves(tree) if leaf.size]
    if not words:
        raise ValueError("there is nothing to hash in a tree without arrays")
    joined = jnp.concatenate(words, axis=-1)
    place = np.random.default_rng(0).integers(0, 2**32, joined.shape[-1], np.uint32)
    return _mixed(joined ^ jnp.asarray(place)[(None,) * ndim]).sum(-1, dtype=jnp.uint32)


OPENING_PLIES = 6
"""Of an opening: short enough that games still share theirs, long enough to tell lines apart."""


def line_hashes(positions: jax.Array, ended: jax.Array) -> tuple[jax.Array, jax.Array]:
    """At each step a hash of the game's positions up to there, in their order, and how many
    they are; uint32 [T, B] and int32 [T, B].

    Args:
        positions: uint32 [T, B], `fingerprint` of the position that each step was taken in.
        ended: bool [T, B], whether the step ended its game; the next step is of another.
    """

    def step(so_far: tuple[jax.Array, jax.Array], now: tuple[jax.Array, jax.Array]):
        (line, length), (position, ended) = so_far, now
        line, length = line * _TURN + position, length + 1
        going_on = (jnp.where(ended, jnp.uint32(0), line), jnp.where(ended, 0, length))
        return going_on, (line, length)

    none = jnp.zeros_like(positions[0])
    return jax.lax.scan(step, (none, none.astype(jnp.int32)), (positions, ended))[1]


def begins(lengths: jax.Array, ended: jax.Array) -> jax.Array:
    """bool [T, B]: the steps at which the line is its game's opening, one a game.

    The first `OPENING_PLIES` positions, or all of a shorter game's. Takes the lengths of
    `line_hashes`, and its `ended`.
    """
    return (lengths == OPENING_PLIES) | (ended & (lengths < OPENING_PLIES))


def equal_pairs(hashes: jax.Array, counted: jax.Array) -> tuple[jax.Array, jax.Array]:
    """How many pairs of the counted hashes are equal, and how many there are; float32 [] both.

    Their ratio estimates, without bias by how many are counted, the probability that two are the
    same (Simpson 1949); its inverse is the effective number of different ones.

    Args:
        hashes: uint32 [N].
        counted: bool [N].
    """
    # What is not counted sorts behind, and is told from an equal hash by its place.
    in_order = jnp.sort(jnp.where(counted, hashes, jnp.uint32(2**32 - 1)))
    count = counted.sum(dtype=jnp.int32)
    end = jnp.minimum(jnp.searchsorted(in_order, in_order, side="right"), count)
    # Each is equal to those that come after it in its own stretch.
    later = end.astype(jnp.int32) - 1 - jnp.arange(hashes.shape[0], dtype=jnp.int32)
    number = count.astype(jnp.float32)
    return jnp.maximum(later, 0).sum(dtype=jnp.float32), number * (number - 1.0) / 2.0


def _words(leaf: jax.Array, ndim: int) -> jax.Array:
    """uint32 [..., n]: the leaf's numbers, each in words of its own."""
    if jnp.issubdtype(leaf.dtype, jnp.floating):
        leaf = jax.lax.bitcast_convert_type(leaf.astype(jnp.float32), jnp.uint32)
    return leaf.astype(jnp.uint32).reshape(*leaf.shape[:ndim], -1)


def _mixed(word: jax.Array) -> jax.Array:
    """The word's bits, stirred: the last steps of MurmurHash3 (Appleby 2011)."""
    word = (word ^ (word >> 16)) * np.uint32(0x85EBCA6B)
    word = (word ^ (word >> 13)) * np.uint32(0xC2B2AE35)
    return word ^ (word >> 16)
