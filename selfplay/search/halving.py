"""Sequential halving: which root actions a simulation may try, by how often they were tried.

The schedule depends on the number of simulations, which is traced here: one compiled search
serves every budget. Karnin et al. 2013, "Almost optimal exploration in multi-armed bandits",
algorithm 1, as adapted by Danihelka et al. 2022 (Gumbel AlphaZero), algorithm 2.
"""

import jax
import jax.numpy as jnp


def considered_visits(
    num_considered: jax.Array, num_simulations: jax.Array, max_considered: int, length: int
) -> jax.Array:
    """int32 [length, B]: simulation t of game b tries an action visited so often before.

    The budget is spent in phases. Each gives every action still considered the same number of
    visits, a share of the budget, and ends with half as many; the last two share what is left.

    Args:
        num_considered: int32 [B], actions that enter, at most `max_considered`.
        num_simulations: int32 [B], the budget.
        max_considered: bound on `num_considered`.
        length: simulations to give the schedule for.
    """
    simulation = jnp.arange(length, dtype=jnp.int32)[:, None]
    num_phases = jnp.maximum(_ceil_log2(num_considered), 1)
    considered = jnp.maximum(num_considered, 1)
    start = jnp.zeros_like(num_considered)
    visits = jnp.zeros_like(num_considered)
    schedule = jnp.zeros((length, num_considered.shape[0]), jnp.int32)
    for _ in range(max(max_considered.bit_length(), 1)):
        here = visits[None] + (simulation - start[None]) // considered[None]
        schedule = jnp.where(simulation >= start[None], here, schedule)
        share = jnp.maximum(num_simulations // (num_phases * considered), 1)
        halves = considered > 2
        start = jnp.where(halves, start + share * considered, start)
        visits = jnp.where(halves, visits + share, visits)
        considered = jnp.where(halves, jnp.maximum(considered // 2, 2), considered)
    return schedule


def _ceil_log2(number: jax.Array) -> jax.Array:
    """int32 [B]: the least k with 2**k >= number (int32 [B], below 2**30)."""
    powers = 2 ** jnp.arange(30, dtype=jnp.int32)
    return (powers[None] < number[:, None]).sum(-1, dtype=jnp.int32)
