"""What an implication of laws looks like in a mirror, and with sides exchanged."""

import jax
import jax.numpy as jnp

from selfplay_envs.proofs import equational_moves as moves
from selfplay_envs.proofs import matching
from selfplay_envs.proofs.equational_moves import Attempt
from selfplay_envs.proofs.term_arrays import (
    EMPTY,
    LAW_NODES,
    MAX_VARIABLES,
    EquationalProblem,
    LawTable,
    law_table,
    mirrored,
    subterm_sizes,
)

NUM_SYMMETRIES = 8
"""By bits of their index: terms are read backwards; the goal's sides are exchanged; the law's."""


def turned(
    problem: EquationalProblem, attempt: Attempt, index: jax.Array
) -> tuple[EquationalProblem, Attempt, jax.Array]:
    """Problem and attempt through a symmetry (int32 []), and its permutation of the actions."""
    backwards, exchanged, reverse = (index // bit % 2 == 1 for bit in (1, 2, 4))
    size = attempt.codes.shape[1]
    goal_sizes = problem.goal_sizes
    shown = moves.seen(attempt, problem.goal, goal_sizes)
    goal_places = _places(goal_sizes, backwards, exchanged)
    goal, goal_sizes = _moved(problem.goal, goal_places), _moved(goal_sizes, goal_places)
    places = _places(attempt.sizes, backwards, exchanged)
    codes, sizes = _moved(attempt.codes, places), _moved(attempt.sizes, places)
    seen_places = _places(shown.sizes, backwards, exchanged)
    before = matching.hashes(shown.codes, shown.sizes)
    after = matching.hashes(_moved(shown.codes, seen_places), _moved(shown.sizes, seen_places))
    picks = _picks(seen_places, before, after)
    variables = 2 * size + jnp.arange(MAX_VARIABLES, dtype=jnp.int32)
    picks = jnp.concatenate([picks, variables])
    ahead, back = places, 2 * size + places
    permutation = jnp.concatenate(
        [jnp.where(reverse, back, ahead), jnp.where(reverse, ahead, back), 4 * size + picks]
    )
    attempt = Attempt(
        codes=codes,
        sizes=sizes,
        pending=_renamed(attempt.pending, permutation),
        picks=_renamed(attempt.picks, picks),
    )
    law = _turned_law(problem.law, backwards, reverse)
    return problem.replace(law=law, goal=goal, goal_sizes=goal_sizes), attempt, permutation


def _places(sizes: jax.Array, backwards: jax.Array, exchanged: jax.Array) -> jax.Array:
    """int32 [2 * size]: where the nodes of two terms go, by int8 [2, size]."""
    size = sizes.shape[1]
    place = jnp.arange(2 * size, dtype=jnp.int32)
    sizes = sizes.astype(jnp.int32)
    moved = mirrored(sizes.reshape(-1), place // size * size, jnp.repeat(sizes[:, 0], size))
    moved = jnp.where(backwards, moved, place)
    return jnp.where(exchanged, (moved + size) % (2 * size), moved)


def _moved(rows: jax.Array, places: jax.Array) -> jax.Array:
    """int8 [2, size], each entry at its new place."""
    return jnp.zeros_like(rows.reshape(-1)).at[places].set(rows.reshape(-1)).reshape(rows.shape)


def _picks(places: jax.Array, before: jax.Array, after: jax.Array) -> jax.Array:
    """int32 [2 * size]: new names of picks, by hashes of subterms before and after.

    What is picked where it first occurs must be called by where it first occurs then, so the n-th
    occurrence of a subterm on a side is called by its n-th occurrence there.
    """
    place, size = jnp.arange(places.shape[0], dtype=jnp.int32), places.shape[0] // 2
    same = (after[places][:, None] == after[None]) & (
        (places // size)[:, None] == (place // size)[None]
    )
    rank = _ranks(before)[:, None] == _ranks(after)[None]
    return (same & rank).argmax(1).astype(jnp.int32)


def _ranks(hashed: jax.Array) -> jax.Array:
    """int32 [2 * size]: at how many earlier places of its side there is the same."""
    place, size = jnp.arange(hashed.shape[0], dtype=jnp.int32), hashed.shape[0] // 2
    same_side = (place // size)[:, None] == (place // size)[None]
    earlier = (hashed[:, None] == hashed[None]) & same_side & (place[:, None] > place[None])
    return earlier.sum(1, dtype=jnp.int32)


def _renamed(names: jax.Array, new: jax.Array) -> jax.Array:
    """int16 [...]: by their new names, int32 [N]; -1 stays."""
    found = new[jnp.maximum(names, 0).astype(jnp.int32)].astype(jnp.int16)
    return jnp.where(names < 0, names, found)


def _turned_law(law: LawTable, backwards: jax.Array, reverse: jax.Array) -> LawTable:
    """Read backwards, and with its sides exchanged."""
    slot = jnp.arange(LAW_NODES, dtype=jnp.int32)
    used = (law.codes != EMPTY).sum(dtype=jnp.int32)
    on_left, on_right = law.num_left.astype(jnp.int32), used - law.num_left.astype(jnp.int32)
    right = slot >= on_left
    sizes = subterm_sizes(law.codes).astype(jnp.int32)
    moved = mirrored(sizes, jnp.where(right, on_left, 0), jnp.where(right, on_right, on_left))
    moved = jnp.where(backwards, moved, slot)
    crossed = jnp.where(right, moved - on_left, moved + on_right)
    moved = jnp.where(reverse & (slot < used), crossed, moved)
    codes = jnp.zeros_like(law.codes).at[moved].set(law.codes)
    return law_table(codes, jnp.where(reverse, on_right, on_left).astype(jnp.int8))
