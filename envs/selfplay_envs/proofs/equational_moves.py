"""The moves of equational reasoning: rewrite a subterm, and pick what the law leaves open.

Actions, of two terms with room for `size` nodes each, whose places are counted through:

- place, and 2 * size + place: the subterm there is rewritten by the law, from left to right, and
  from right to left.
- 4 * size + place, and 6 * size + v: the subterm there, or the goal's variable v, is picked for
  the first of the law's variables, by number, that have no value yet.

What may be picked is on the side that is rewritten, or on the other one as it was in the beginning:
so that what is done to one side does not depend on what becomes of the other (see `Ends`).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from selfplay_envs.proofs import matching
from selfplay_envs.proofs.term_arrays import MAX_PICKS, MAX_VARIABLES, VARIABLES, LawTable

NOT_ALLOWED = -128


class Attempt(NamedTuple):
    """Two terms, and the rewriting that waits for picks."""

    codes: jax.Array
    """int8 [2, size]."""
    sizes: jax.Array
    """int8 [2, size]: nodes of the subterms that begin there."""
    pending: jax.Array
    """int16 []: the action that waits, -1 if none does."""
    picks: jax.Array
    """int16 [MAX_PICKS]: places of what was picked, 2 * size + v for variable v; then -1."""


def begin(codes: jax.Array, sizes: jax.Array) -> Attempt:
    """Nothing is waiting."""
    codes, sizes = jnp.asarray(codes), jnp.asarray(sizes)  # a problem's may be NumPy's
    return Attempt(codes, sizes, jnp.int16(-1), jnp.full(MAX_PICKS, -1, jnp.int16))


def num_actions(size: int) -> int:
    """See the module's docstring."""
    return 6 * size + MAX_VARIABLES


def read(pending: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
    """Place and direction, int32 [], of the rewriting that waits; of no meaning if none does."""
    waiting = jnp.maximum(pending, 0).astype(jnp.int32)
    return waiting % (2 * size), jnp.minimum(waiting // (2 * size), 1)


def seen(attempt: Attempt, goal: jax.Array, goal_sizes: jax.Array) -> Attempt:
    """While a rewriting waits, with the other side as it began, by int8 [2, size] both."""
    start, _ = read(attempt.pending, attempt.codes.shape[1])
    side = jnp.arange(2, dtype=jnp.int32)
    begun = ((attempt.pending >= 0) & (side != start // attempt.codes.shape[1]))[:, None]
    return attempt._replace(
        codes=jnp.where(begun, goal, attempt.codes),
        sizes=jnp.where(begun, goal_sizes, attempt.sizes),
    )


def act(law: LawTable, attempt: Attempt, action: jax.Array) -> Attempt:
    """After a legal action, int32 []."""
    size = attempt.codes.shape[1]
    picking = action >= 4 * size
    pending = jnp.where(picking, attempt.pending, action.astype(jnp.int16))
    start, direction = read(pending, size)
    count = (attempt.picks >= 0).sum(dtype=jnp.int32)
    now = picking & (jnp.arange(MAX_PICKS, dtype=jnp.int32) == count)
    picks = jnp.where(now, (action - 4 * size).astype(jnp.int16), attempt.picks)
    complete = count + picking.astype(jnp.int32) == num_open(law)[direction]
    flat = attempt.sizes.reshape(-1).astype(jnp.int32)
    where = matching.walk(law, flat, start[None])[:, 0]
    values = matching.values(law, direction, where, picks.astype(jnp.int32))
    codes, sizes = matching.rewritten(law, attempt.codes, attempt.sizes, start, direction, values)
    return Attempt(
        codes=jnp.where(complete, codes, attempt.codes),
        sizes=jnp.where(complete, sizes, attempt.sizes),
        pending=jnp.where(complete, jnp.int16(-1), pending),
        picks=jnp.where(complete, jnp.int16(-1), picks),
    )


def legal(law: LawTable, num_variables: jax.Array, attempt: Attempt) -> jax.Array:
    """bool [num_actions]: what matches, fits and changes something.

    What is picked must leave room for the smallest picks to come. A product is picked where it
    first occurs, on the side that is rewritten if it is there; a variable by its own action.
    """
    flat = attempt.sizes.reshape(-1).astype(jnp.int32)
    hashed = matching.hashes(attempt.codes, attempt.sizes)
    found = matching.match(law, flat, hashed)
    size = attempt.codes.shape[1]
    room = size - jnp.repeat(attempt.sizes[:, 0].astype(jnp.int32), size)
    room = room[None] - found.growth
    least = law.copies.sum(1, dtype=jnp.int32)[:, None]
    idle = found.idle[None] & (num_open(law) == 0)[:, None]
    rewritable = found.matches & (least <= room) & ~idle & (flat > 0)[None]
    start, direction = read(attempt.pending, size)
    first, elsewhere = matching.occurrences(hashed)
    own_side = jnp.arange(2 * size, dtype=jnp.int32) // size == start // size
    first &= own_side | ~elsewhere
    variable = jnp.arange(MAX_VARIABLES, dtype=jnp.int8)
    pool = jnp.concatenate([first & (flat > 1), variable < num_variables])
    spans = jnp.concatenate([flat, jnp.ones(MAX_VARIABLES, jnp.int32)])
    hashed = jnp.concatenate([hashed, (variable + VARIABLES).astype(jnp.uint32)])
    pool &= _fits(law, direction, room[direction, start], attempt.picks, spans)
    where = matching.walk(law, flat, start[None])[:, 0]
    pool &= ~(found.idle[start] & _undoing(law, direction, where, attempt.picks, hashed))
    waits = attempt.pending >= 0
    return jnp.concatenate([rewritable.reshape(-1) & ~waits, pool & waits])


def growth(law: LawTable, attempt: Attempt) -> jax.Array:
    """int32 [num_actions]: nodes by which each action lets its side grow, if it is legal; what is
    still to be picked counts one node."""
    flat = attempt.sizes.reshape(-1).astype(jnp.int32)
    hashed = matching.hashes(attempt.codes, attempt.sizes)
    grown = matching.match(law, flat, hashed).growth
    least = law.copies.sum(1, dtype=jnp.int32)
    start, direction = read(attempt.pending, attempt.codes.shape[1])
    copies, given = law.copies[direction].astype(jnp.int32), attempt.picks >= 0
    spans = jnp.concatenate([flat, jnp.ones(MAX_VARIABLES, jnp.int32)])
    picked = spans[jnp.maximum(attempt.picks, 0).astype(jnp.int32)]
    now = jnp.arange(MAX_PICKS, dtype=jnp.int32) == given.sum(dtype=jnp.int32)
    rest = (copies * jnp.where(now, 0, jnp.where(given, picked, 1))).sum()
    picking = grown[direction, start] + rest + spans * jnp.where(now, copies, 0).sum()
    return jnp.concatenate([(grown + least[:, None]).reshape(-1), picking])


def num_open(law: LawTable) -> jax.Array:
    """int32 [2]: how many variables each direction leaves open."""
    return (law.open >= 0).sum(1, dtype=jnp.int32)


def _fits(
    law: LawTable, direction: jax.Array, room: jax.Array, picks: jax.Array, spans: jax.Array
) -> jax.Array:
    """bool [2 * size + MAX_VARIABLES]: which picks, of so many nodes (`spans`), leave room."""
    copies = law.copies[direction].astype(jnp.int32)
    given = picks >= 0
    taken = copies * jnp.where(given, spans[jnp.maximum(picks, 0).astype(jnp.int32)], 1)
    now = jnp.arange(MAX_PICKS, dtype=jnp.int32) == given.sum(dtype=jnp.int32)
    rest = room - jnp.where(now, 0, taken).sum()
    return spans * jnp.where(now, copies, 0).sum() <= rest


def _undoing(
    law: LawTable, direction: jax.Array, where: jax.Array, picks: jax.Array, hashed: jax.Array
) -> jax.Array:
    """bool [2 * size + MAX_VARIABLES]: which pick is the last, and with it nothing changes if what
    is put in place matches there already; `hashed` of all that can be picked."""
    nothing = jnp.zeros(MAX_PICKS, jnp.int32)
    there = matching.values(law, 1 - direction, where, nothing)
    is_open = law.open[direction] >= 0
    wanted = hashed[there[jnp.maximum(law.open[direction], 0).astype(jnp.int32)]]
    given = picks >= 0
    equal = hashed[jnp.maximum(picks, 0).astype(jnp.int32)] == wanted
    now = jnp.arange(MAX_PICKS, dtype=jnp.int32) == given.sum(dtype=jnp.int32)
    last = given.sum(dtype=jnp.int32) + 1 == is_open.sum(dtype=jnp.int32)
    last_wanted = jnp.where(now, wanted, jnp.uint32(0)).sum(dtype=jnp.uint32)
    return last & (equal | ~given).all() & (hashed == last_wanted)
