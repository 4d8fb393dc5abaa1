"""What each move makes of its side, by a hash: known without making it.

The hash of a term is a polynomial in an odd base modulo 2^32, its codes in preorder the
coefficients. A rewriting puts a run of codes in place of another one, so the hash of what comes of
it is that of the codes before, of the law's side, and of the codes behind, shifted.
"""

import jax
import jax.numpy as jnp

from selfplay.environment import Ends
from selfplay_envs.proofs import equational_moves as moves
from selfplay_envs.proofs import matching
from selfplay_envs.proofs.equational_moves import Attempt
from selfplay_envs.proofs.term_arrays import (
    LAW_NODES,
    MAX_VARIABLES,
    OPERATION,
    VARIABLES,
    LawTable,
)

_BASES = (0x9E3779B1, 0x85EBCA77)
"""Of a key's halves."""


def ends(law: LawTable, codes: jax.Array, attempt: Attempt) -> Ends:
    """Both sides of the goal (int8 [2, size]), and what each action makes of its own.

    `attempt` is as picks see it.
    """
    size = attempt.codes.shape[1]
    place = jnp.arange(2 * size, dtype=jnp.int32)
    start, direction = moves.read(attempt.pending, size)
    count = (attempt.picks >= 0).sum(dtype=jnp.int32)
    num_open = moves.num_open(law)
    last = (attempt.pending >= 0) & (count + 1 == num_open[direction])
    pool = 2 * size + MAX_VARIABLES
    keys = [_sums(codes, base)[:, size] for base in _BASES]
    after = [_half(law, attempt, base) for base in _BASES]
    return Ends(
        keys=jnp.stack(keys, axis=-1),
        end=jnp.concatenate([place // size, place // size, jnp.full(pool, start // size)]).astype(
            jnp.int8
        ),
        after=jnp.stack(after, axis=-1),
        is_known=jnp.concatenate(
            [jnp.repeat(num_open == 0, 2 * size), jnp.broadcast_to(last, (pool,))]
        ),
    )


def _sums(codes: jax.Array, base: int) -> jax.Array:
    """uint32 [2, size + 1]: of both sides, the hash of what is before each place."""
    size = codes.shape[1]
    terms = codes.astype(jnp.uint32) * _powers(base, size)[size : 2 * size][None]
    return jnp.pad(jnp.cumsum(terms, axis=1, dtype=jnp.uint32), ((0, 0), (1, 0)))


def _half(law: LawTable, attempt: Attempt, base: int) -> jax.Array:
    """One half of the keys of what each action makes, uint32 [num_actions]."""
    size = attempt.codes.shape[1]
    powers, sums = _powers(base, size), _sums(attempt.codes, base)
    spans = attempt.sizes.reshape(-1).astype(jnp.int32)
    hashed = matching.hashes(attempt.codes, attempt.sizes, base)
    place = jnp.arange(2 * size, dtype=jnp.int32)

    def with_run(where: jax.Array, run: jax.Array, length: jax.Array) -> jax.Array:
        """Of a side with a run of codes, by its hash, in place of the subterm there."""
        side, begin, span = where // size, where % size, spans[where]
        behind = sums[side, size] - sums[side, begin + span]
        growth = jnp.clip(length - span, -size, size)
        return sums[side, begin] + powers[size + begin] * run + behind * powers[size + growth]

    cursors = matching.walk(law, spans, place)
    nothing = jnp.zeros(moves.MAX_PICKS, jnp.int32)
    after = []
    for direction in (0, 1):
        at = jax.vmap(lambda where: matching.values(law, jnp.int32(direction), where, nothing))(  # noqa: B023
            cursors.T
        ).T
        run, length = _run(law, jnp.int32(direction), at, spans, hashed, powers, size)
        after.append(with_run(place, run, length))

    start, direction = moves.read(attempt.pending, size)
    variable = jnp.arange(VARIABLES, VARIABLES + MAX_VARIABLES, dtype=jnp.uint32)
    spans_too = jnp.concatenate([spans, jnp.ones(MAX_VARIABLES, jnp.int32)])
    hashed_too = jnp.concatenate([hashed, variable])
    pick = jnp.arange(2 * size + MAX_VARIABLES, dtype=jnp.int32)
    count = (attempt.picks >= 0).sum(dtype=jnp.int32)
    now = jnp.arange(moves.MAX_PICKS, dtype=jnp.int32) == count
    picks = jnp.where(now[None], pick[:, None], attempt.picks[None].astype(jnp.int32))
    at = jax.vmap(lambda picks: matching.values(law, direction, cursors[:, start], picks))(picks).T
    run, length = _run(law, direction, at, spans_too, hashed_too, powers, size)
    after.append(with_run(jnp.broadcast_to(start, pick.shape), run, length))
    return jnp.concatenate(after)


def _run(
    law: LawTable,
    direction: jax.Array,
    at: jax.Array,
    spans: jax.Array,
    hashed: jax.Array,
    powers: jax.Array,
    size: int,
) -> tuple[jax.Array, jax.Array]:
    """Hash, uint32 [N], and length, int32 [N], of what the law puts in place.

    Args:
        law: read in `direction`, int32 [].
        at: int32 [MAX_VARIABLES, N], places of what its variables stand for.
        spans: int32 [M], sizes of the subterms there.
        hashed: uint32 [M], of these.
        powers: as `_powers` gives them.
        size: room of a side.
    """

    def onward(carry: tuple[jax.Array, jax.Array], slot: tuple[jax.Array, jax.Array]):
        run, length = carry
        number, code = slot
        put = ((number >= law.num_left) == (direction == 0)) & (code > 0)
        where = at[jnp.clip(code - VARIABLES, 0, MAX_VARIABLES - 1).astype(jnp.int32)]
        is_leaf = code >= VARIABLES
        value = jnp.where(is_leaf, hashed[where], jnp.uint32(OPERATION))
        shift = powers[size + jnp.minimum(length, size)]
        run = jnp.where(put, run + value * shift, run)
        return (run, jnp.where(put, length + jnp.where(is_leaf, spans[where], 1), length)), None

    begun = jnp.zeros(at.shape[1], jnp.uint32), jnp.zeros(at.shape[1], jnp.int32)
    slots = jnp.arange(LAW_NODES, dtype=jnp.int8), law.codes
    return jax.lax.scan(onward, begun, slots)[0]


def _powers(base: int, size: int) -> jax.Array:
    """uint32 [2 * size + 1]: from the power -size to size."""
    return jnp.array([pow(base, i, 2**32) for i in range(-size, size + 1)], jnp.uint32)
