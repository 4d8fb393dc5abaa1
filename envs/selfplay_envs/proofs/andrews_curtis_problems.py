"""Presentations to trivialise: the Miller–Schupp instances, and scrambles of the trivial one.

A scramble lies some random moves from ⟨x, y | x, y⟩; moves can be undone, so it can be solved. One
scramble in eight, by a hash that all symmetric images share, is held out and never trained on.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from selfplay_envs.proofs import andrews_curtis_moves as moves
from selfplay_envs.proofs import free_group, miller_schupp

HELD_OUT_EIGHTHS = 1
"""Of all presentations, by their hash."""

_FACTOR, _MIXER = 0x9E3779B1, 0x85EBCA6B
"""Odd constants: the hash's base, and what spreads its low bits over the high ones."""


def padded(relators: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """int8 [2, length]: two words. Raises ValueError where one is too long."""
    longest = max(len(word) for word in relators)
    if longest > length:
        most = free_group.MAX_LENGTH
        more = f"--env-args length {longest} has room" if longest <= most else f"the most is {most}"
        raise ValueError(
            f"relators have at most {length} letters here, got one of {longest}; {more}"
        )
    words = np.zeros((2, length), np.int8)
    for row, word in zip(words, relators, strict=True):
        row[: len(word)] = word
    return words


def instances(length: int) -> np.ndarray:
    """int8 [1190, 2, length]: the Miller–Schupp presentations, in their order."""
    return np.stack([padded(pair, length) for pair in miller_schupp.presentations()])


@jax.jit
def symmetric_hash(words: jax.Array) -> jax.Array:
    """uint32 []: equal for symmetric images, and whatever the array's length."""
    powers = [pow(_FACTOR, 1 + place, 2**32) for place in range(words.size)]
    # By turns of either relator, so that padding changes no letter's power.
    powers = jnp.array(powers, jnp.uint32).reshape(-1, 2).T

    def one(index: jax.Array) -> jax.Array:
        image, _ = moves.symmetric(words, index)
        letters = jnp.where(image == 0, 0, image.astype(jnp.int32) + 3).astype(jnp.uint32)
        total = (letters * powers).sum(dtype=jnp.uint32) * jnp.uint32(_MIXER)
        return (total ^ (total >> 15)) * jnp.uint32(_FACTOR)

    indices = jnp.arange(moves.NUM_SYMMETRIES, dtype=jnp.int32)
    return jax.vmap(one)(indices).sum(dtype=jnp.uint32)


def is_held_out(words: jax.Array) -> jax.Array:
    """bool []: whether the presentation's hash keeps it from training, were it a scramble."""
    return symmetric_hash(words) >> 29 < jnp.uint32(HELD_OUT_EIGHTHS)


def scrambled(
    key: jax.Array, num_moves: jax.Array, length: int, held_out: bool, taken: jax.Array
) -> jax.Array:
    """int8 [2, length]: random legal moves from the trivial presentation.

    Args:
        key: of the moves.
        num_moves: int32 [], at least 1.
        length: room for a relator.
        held_out: which side of the split it must be on. Where no luck has been had, it is tried
            again with one more move, for few moves may lead to nothing that fits.
        taken: uint32 [N], hashes of presentations that are no scrambles, and not to be drawn.
    """
    trivial = jnp.zeros((2, length), jnp.int8).at[:, 0].set(jnp.array([1, 2], jnp.int8))

    def walk(key: jax.Array, num_moves: jax.Array) -> jax.Array:
        def step(i: jax.Array, words: jax.Array) -> jax.Array:
            noise = jax.random.uniform(jax.random.fold_in(key, i), (moves.NUM_MOVES,))
            drawn = jnp.where(moves.legal_moves(words), noise, -1.0).argmax()
            return moves.moved(words, drawn.astype(jnp.int32))

        return jax.lax.fori_loop(jnp.int32(0), num_moves, step, trivial)

    def unfit(carried: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        words = carried[0]
        known = (symmetric_hash(words) == taken).any()
        return moves.is_trivial(words) | (is_held_out(words) != held_out) | known

    def again(carried: tuple[jax.Array, jax.Array, jax.Array]):
        _, key, num_moves = carried
        key, walk_key = jax.random.split(key)
        return walk(walk_key, num_moves), key, num_moves + 1

    # The trivial presentation is unfit, so the first walk is made in the loop.
    return jax.lax.while_loop(unfit, again, (trivial, key, num_moves))[0]
