"""Reduced words of a free group as padded arrays: inverse, product, conjugate, without a scatter.

A word is int8 [length]: generators 1, 2, …, inverses -1, -2, …, then zeros to the array's end. It
is reduced: no letter stands beside its inverse. So the product of two words cancels where the end
of the one meets the start of the other and nowhere else: as many letters as the inverse of the
first and the second have in common from their beginning.
"""

import jax
import jax.numpy as jnp


def size(word: jax.Array) -> jax.Array:
    """int32 []: letters of a word."""
    return (word != 0).sum(dtype=jnp.int32)


def inverse(word: jax.Array) -> jax.Array:
    """int8 [length]: the letters' inverses in reverse order."""
    return -_shifted(word[::-1], word.size - size(word))


def common_prefix(left: jax.Array, right: jax.Array) -> jax.Array:
    """int32 []: letters in which two words agree before they differ or either ends."""
    differ = (left != right) | (left == 0)
    return jnp.where(differ, _index(left), left.size).min()


def product(left: jax.Array, right: jax.Array, cancelled: jax.Array) -> jax.Array:
    """int8 [length]: `left` times `right`, of whose borders `cancelled` letters meet their inverse.

    What is longer than the array is cut off: for the caller to forbid.
    """
    kept = size(left) - cancelled
    index = _index(left)
    return jnp.where(index < kept, left, _shifted(right, cancelled - kept))


def conjugate(word: jax.Array, letter: jax.Array) -> jax.Array:
    """int8 [length]: `letter` (int8 [], not 0) times `word`, which is not empty, times its inverse.

    What is longer than the array is cut off: for the caller to forbid.
    """
    index, closes = _index(word), _last(word) == letter
    open_end = jnp.where(closes & (index == size(word) - 1), jnp.int8(0), word)
    later = jnp.concatenate([letter[None], open_end[:-1]])
    sooner = jnp.concatenate([open_end[1:], jnp.zeros(1, jnp.int8)])
    begun = jnp.where(word[0] == -letter, sooner, later)
    return jnp.where(~closes & (index == size(begun)), -letter, begun)


def conjugate_size(word: jax.Array, letter: jax.Array) -> jax.Array:
    """int32 []: letters of `conjugate`."""
    cancelled = jnp.stack([word[0] == -letter, _last(word) == letter]).sum(dtype=jnp.int32)
    return size(word) + 2 - 2 * cancelled


def is_power(word: jax.Array, letter: jax.Array) -> jax.Array:
    """bool []: whether a word is some power of a letter, which conjugation then leaves alone."""
    return ((word == 0) | (jnp.abs(word) == jnp.abs(letter))).all()


def _last(word: jax.Array) -> jax.Array:
    """int8 []: the last letter, 0 of the empty word."""
    follows = jnp.concatenate([word[1:], jnp.zeros(1, jnp.int8)])
    return jnp.where(follows == 0, word, jnp.int8(0)).sum(dtype=jnp.int8)


def _shifted(word: jax.Array, by: jax.Array) -> jax.Array:
    """int8 [length]: the array moved `by` places (int32 [], of either sign) to the front."""
    place = _index(word) + by
    inside = (place >= 0) & (place < word.size)
    moved = word[jnp.clip(place, 0, word.size - 1)]
    return jnp.where(inside, moved, jnp.int8(0))


def _index(word: jax.Array) -> jax.Array:
    """int32 [length]: places."""
    return jnp.arange(word.size, dtype=jnp.int32)
