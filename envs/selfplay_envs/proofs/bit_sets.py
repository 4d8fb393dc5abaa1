"""Sets of small numbers, packed into words: number i is bit i % 32 of word i // 32.

No gather and no scatter, at which a CPU is slow.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

_ONE = np.uint32(1)


def num_words(size: int) -> int:
    """Words that sets of the numbers below `size` take."""
    return -(-size // 32)


def pack(members: jax.Array) -> jax.Array:
    """bool [S] to uint32 [words]; S is at most 32, or a multiple of it."""
    lanes = min(members.shape[0], 32)
    bits = jnp.asarray(np.left_shift(_ONE, np.arange(lanes, dtype=np.uint32)))
    rows = members.reshape(-1, lanes)
    return jnp.where(rows, bits[None], jnp.uint32(0)).sum(1, dtype=jnp.uint32)


def unpack(words: jax.Array, size: int) -> jax.Array:
    """uint32 [words] to bool [size]."""
    lanes = jnp.arange(min(size, 32), dtype=jnp.uint32)
    return ((words[:, None] >> lanes[None]) & _ONE).astype(jnp.bool_).reshape(size)


def single(number: jax.Array, num_words: int) -> jax.Array:
    """uint32 [words]: the set of one number, int []."""
    number = number.astype(jnp.uint32)
    word = jnp.arange(num_words, dtype=jnp.uint32)
    return jnp.where(number >> 5 == word, _ONE << (number & jnp.uint32(31)), jnp.uint32(0))


def has(words: jax.Array, numbers: jax.Array) -> jax.Array:
    """bool [...]: which of the numbers, int [...], are in the set."""
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


def collect(num_words: int, *sets: Sequence[tuple[jax.Array, jax.Array]]) -> list[jax.Array]:
    """Sets, uint32 [words] each, that are the chosen (bool [N]) of some numbers, int [N].

    Each set comes of some pairs of numbers and what is chosen of them, all of one length. All come
    of one reduction: XLA makes a quick loop of it, and computes once what they have in common.
    """

    def both(a: tuple[jax.Array, ...], b: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        return tuple(x | y for x, y in zip(a, b, strict=True))

    words = []
    for pairs in sets:
        found = [jnp.uint32(0)] * num_words
        for numbers, chosen in pairs:
            numbers = numbers.astype(jnp.uint32)
            bits = jnp.where(chosen, _ONE << (numbers & jnp.uint32(31)), jnp.uint32(0))
            for i in range(num_words):
                found[i] = found[i] | jnp.where(numbers >> 5 == i, bits, jnp.uint32(0))
        words += found
    reduced = jax.lax.reduce(tuple(words), (np.uint32(0),) * len(words), both, (0,))
    return [jnp.stack(reduced[i : i + num_words]) for i in range(0, len(words), num_words)]


def union(sets: jax.Array, chosen: jax.Array) -> jax.Array:
    """uint32 [words]: all that is in any of the chosen (bool [N]) of the sets [N, words]."""
    kept = jnp.where(chosen[:, None], sets, jnp.uint32(0))
    return jax.lax.reduce(kept, np.uint32(0), jax.lax.bitwise_or, (0,))
