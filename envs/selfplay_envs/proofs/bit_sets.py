"""Sets of small numbers, packed into words: number i is bit i % 32 of word i // 32."""

import jax
import jax.numpy as jnp
import numpy as np

_ONE = np.uint32(1)


def pack(members: jax.Array) -> jax.Array:
    """bool [S] to uint32 [words]."""
    size = members.shape[0]
    lanes = min(size, 32)
    bits = jnp.asarray(np.left_shift(_ONE, np.arange(lanes, dtype=np.uint32)))
    rows = members.reshape(-1, lanes)
    return jnp.where(rows, bits[None], jnp.uint32(0)).sum(1, dtype=jnp.uint32)


def unpack(words: jax.Array, size: int) -> jax.Array:
    """uint32 [words] to bool [size]."""
    lanes = jnp.arange(min(size, 32), dtype=jnp.uint32)
    return ((words[:, None] >> lanes[None]) & _ONE).astype(jnp.bool_).reshape(size)


def single(number: jax.Array, num_words: int) -> jax.Array:
    """uint32 [words]: the set of one number, int [...]; the words come last."""
    number = number.astype(jnp.uint32)[..., None]
    word = jnp.arange(num_words, dtype=jnp.uint32)
    bit = _ONE << (number & jnp.uint32(31))
    return jnp.where(number >> 5 == word, bit, jnp.uint32(0))


def has(words: jax.Array, numbers: jax.Array) -> jax.Array:
    """bool [...]: which of the numbers, int [...], are in the set. No gather: CPUs are slow at it."""
    numbers = numbers.astype(jnp.uint32)
    word = jnp.broadcast_to(words[0], numbers.shape)
    for i in range(1, words.shape[0]):
        word = jnp.where(numbers >> 5 == i, words[i], word)
    return (word >> (numbers & jnp.uint32(31)) & _ONE).astype(jnp.bool_)


def first(words: jax.Array) -> jax.Array:
    """int8 []: the least number in the set; 0 of the empty set."""
    found = jnp.int32(0)
    for i in reversed(range(words.shape[0])):
        lowest = words[i] & -words[i]
        number = 32 * i + jax.lax.population_count(lowest - _ONE).astype(jnp.int32)
        found = jnp.where(words[i] != 0, number, found)
    return found.astype(jnp.int8)


def count(words: jax.Array) -> jax.Array:
    """int32 []: how many numbers are in the set."""
    return jax.lax.population_count(words).astype(jnp.int32).sum(dtype=jnp.int32)


def contains(words: jax.Array, part: jax.Array) -> jax.Array:
    """bool [...]: whether each set `part` [..., words] is within the set."""
    return ((part & ~words) == 0).all(-1)


def union(sets: jax.Array, chosen: jax.Array) -> jax.Array:
    """uint32 [words]: all that is in any of the chosen (bool [N]) of N sets."""
    kept = jnp.where(chosen[:, None], sets, jnp.uint32(0))
    return jax.lax.reduce(kept, np.uint32(0), jax.lax.bitwise_or, (0,))
