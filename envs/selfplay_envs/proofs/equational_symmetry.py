"""What an implication of laws looks like in a mirror, and with sides exchanged."""

import jax
import jax.numpy as jnp

from selfplay_envs.proofs.term_arrays import (
    EMPTY,
    LAW_NODES,
    EquationalProblem,
    LawTable,
    law_table,
    mirrored,
    renumbered,
)

NUM_SYMMETRIES = 8
"""By bits of their index: terms are read backwards; the goal's sides are exchanged; the law's."""


def turned(
    problem: EquationalProblem,
    codes: jax.Array,
    sizes: jax.Array,
    growth: jax.Array,
    index: jax.Array,
) -> tuple[EquationalProblem, jax.Array, jax.Array, jax.Array, jax.Array]:
    """Through a symmetry (int32 []): the problem, what is left of its goal, the actions.

    Args:
        problem: any.
        codes: int8 [2, size], of the goal as it stands.
        sizes: int8 [2, size], of its subterms.
        growth: int8 [4 * size], of its moves.
        index: of the symmetry.

    Returns:
        All of these as they look then, and the permutation of the actions, int32 [4 * size]: what
        each of them is called.
    """
    backwards, exchanged, reverse = (index // bit % 2 == 1 for bit in (1, 2, 4))
    goal_places = _places(problem.goal_sizes, backwards, exchanged)
    problem = problem.replace(
        law=_turned_law(problem.law, backwards, reverse),
        goal=_moved(problem.goal, goal_places),
        goal_sizes=_moved(problem.goal_sizes, goal_places),
    )
    places = _places(sizes, backwards, exchanged)
    ahead, back = places, len(places) + places
    permutation = jnp.concatenate(
        [jnp.where(reverse, back, ahead), jnp.where(reverse, ahead, back)]
    )
    codes = jax.vmap(renumbered)(_moved(codes, places))
    return problem, codes, _moved(sizes, places), _moved(growth, permutation), permutation


def _places(sizes: jax.Array, backwards: jax.Array, exchanged: jax.Array) -> jax.Array:
    """int32 [2 * size]: where the nodes of two terms go, by int8 [2, size]."""
    size = sizes.shape[1]
    place = jnp.arange(2 * size, dtype=jnp.int32)
    sizes = sizes.astype(jnp.int32)
    moved = mirrored(sizes.reshape(-1), place // size * size, jnp.repeat(sizes[:, 0], size))
    moved = jnp.where(backwards, moved, place)
    return jnp.where(exchanged, (moved + size) % (2 * size), moved)


def _moved(rows: jax.Array, places: jax.Array) -> jax.Array:
    """int8 of the same shape, each entry at its new place."""
    return jnp.zeros_like(rows.reshape(-1)).at[places].set(rows.reshape(-1)).reshape(rows.shape)


def _turned_law(law: LawTable, backwards: jax.Array, reverse: jax.Array) -> LawTable:
    """Read backwards, and with its sides exchanged."""
    slot = jnp.arange(LAW_NODES, dtype=jnp.int32)
    used = (law.codes != EMPTY).sum(dtype=jnp.int32)
    on_left, on_right = law.num_left.astype(jnp.int32), used - law.num_left.astype(jnp.int32)
    right = slot >= on_left
    sizes = law.sizes.astype(jnp.int32)
    moved = mirrored(sizes, jnp.where(right, on_left, 0), jnp.where(right, on_right, on_left))
    moved = jnp.where(backwards, moved, slot)
    crossed = jnp.where(right, moved - on_left, moved + on_right)
    moved = jnp.where(reverse & (slot < used), crossed, moved)
    codes = jnp.zeros_like(law.codes).at[moved].set(law.codes)
    return law_table(codes, jnp.where(reverse, on_right, on_left).astype(jnp.int8))
