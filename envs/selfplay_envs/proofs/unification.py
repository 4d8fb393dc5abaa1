"""Whether two terms with holes can be filled so that both are equal: on arrays."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from selfplay_envs.proofs.term_arrays import HOLES, MAX_HOLES, OPERATION

_UNKNOWNS = 2 * MAX_HOLES
_FILLED_BY_NOTHING = -1


class _Work(NamedTuple):
    """What is still to be compared, and what the holes are filled with."""

    pairs: jax.Array
    """int16 [2 * size, 2]: a stack of places of subterms that must be equal."""
    waiting: jax.Array
    """int32 []: how many."""
    filled: jax.Array
    """int16 [_UNKNOWNS]: places of subterms, or -1."""
    possible: jax.Array
    """bool []."""
    steps: jax.Array
    """int32 []."""


def unifiable(codes: jax.Array, sizes: jax.Array) -> jax.Array:
    """bool []: whether two terms can be, holes of either apart (F. Baader, T. Nipkow, "Term
    Rewriting and All That", 1998, section 4.7); False where it takes more than 4 * size steps.

    Args:
        codes: int8 [2, size].
        sizes: int8 [2, size], nodes of their subterms.
    """
    size = codes.shape[1]
    apart = jnp.where(codes[1] >= HOLES, codes[1] + jnp.int8(MAX_HOLES), codes[1])
    flat, spans = jnp.concatenate([codes[0], apart]), sizes.reshape(-1).astype(jnp.int16)

    def going(work: _Work) -> jax.Array:
        return work.possible & (work.waiting > 0) & (work.steps < 4 * size)

    def onward(work: _Work) -> _Work:
        pair = work.pairs[work.waiting - 1].astype(jnp.int32)
        code = flat[pair]
        is_hole = code >= HOLES
        unknown = jnp.maximum(code - HOLES, 0).astype(jnp.int32)
        filled = jnp.where(is_hole, work.filled[unknown], _FILLED_BY_NOTHING)
        is_filled = filled != _FILLED_BY_NOTHING
        equal = (code[0] == code[1]) & (code[0] != OPERATION)
        follows = is_filled.any() & ~equal
        takes = is_hole.any() & ~equal & ~follows
        parts = ~equal & ~follows & ~takes & (code == OPERATION).all()

        # A hole is filled with the other one of the pair.
        one = jnp.where(is_hole[0], 0, 1)
        other = pair[1 - one].astype(jnp.int16)
        fill = takes & (jnp.arange(_UNKNOWNS, dtype=jnp.int32) == unknown[one])

        # On the stack: what holes are filled with in their place, or both parts, left one on top.
        followed = jnp.where(is_filled, filled, pair.astype(jnp.int16))
        left = (pair + 1).astype(jnp.int16)
        right = left + spans[jnp.minimum(pair + 1, 2 * size - 1)]
        here = work.waiting - 1
        top = jnp.where(follows, followed, right)
        pairs = work.pairs.at[here].set(jnp.where(follows | parts, top, work.pairs[here]))
        pairs = pairs.at[jnp.where(parts, here + 1, 2 * size)].set(left, mode="drop")
        waiting = here + jnp.where(parts, 2, jnp.where(follows, 1, 0))
        return _Work(
            pairs=pairs,
            waiting=waiting,
            filled=jnp.where(fill, other, work.filled),
            possible=(equal | follows | takes | parts) & (waiting <= 2 * size),
            steps=work.steps + 1,
        )

    begun = _Work(
        pairs=jnp.zeros((2 * size, 2), jnp.int16).at[0, 1].set(size),
        waiting=jnp.int32(1),
        filled=jnp.full(_UNKNOWNS, _FILLED_BY_NOTHING, jnp.int16),
        possible=jnp.bool_(True),
        steps=jnp.int32(0),
    )
    done = jax.lax.while_loop(going, onward, begun)
    return done.possible & (done.waiting == 0) & ~_is_cyclic(flat, spans, done.filled)


def _is_cyclic(codes: jax.Array, spans: jax.Array, filled: jax.Array) -> jax.Array:
    """bool []: whether a hole would be a proper part of itself."""
    place = jnp.arange(codes.shape[0], dtype=jnp.int32)[None]
    begin = filled.astype(jnp.int32)[:, None]
    end = begin + spans[jnp.maximum(filled, 0).astype(jnp.int32)].astype(jnp.int32)[:, None]
    inside = (begin >= 0) & (place >= begin) & (place < end)
    unknown = jnp.arange(HOLES, HOLES + _UNKNOWNS, dtype=jnp.int8)
    needs = (inside[:, None] & (codes[None, None] == unknown[None, :, None])).any(-1)
    for _ in range((_UNKNOWNS - 1).bit_length()):
        needs |= (needs[:, :, None] & needs[None]).any(1)
    return jnp.diagonal(needs).any()
