"""What is learnt from: targets, each with where it came from, and returns for the mover."""

import chex
import jax
import jax.numpy as jnp
from flax import struct

from selfplay.environment.contract import Problem, State


class Provenance(struct.PyTreeNode):
    """Where a row came from."""

    operator: jax.Array
    """uint8 [...]: index into `operators.contract.OPERATORS`."""
    generation: jax.Array
    """int32 [...]: the iteration whose parameters made it."""
    simulations: jax.Array
    """int32 [...]: simulations spent on it."""
    real: jax.Array
    """bool [...]: True if it came from outside, False if the model made it."""


class Targets(struct.PyTreeNode):
    """Rows to learn from; `...` is any leading shape.

    The state is packed and observed only when sampled, so symmetries and re-analysis stay
    possible. A rejected row has weight 0 and never enters the buffer: shapes never shrink.
    """

    problem: Problem
    """Problem [...]."""
    state: State
    """State [...]."""
    action_weights: jax.Array
    """float32 [..., num_actions]: the improved policy."""
    value: jax.Array
    """float32 [...]: in [-1, 1], for the mover."""
    weight: jax.Array
    """float32 [...]: of the row in the loss, at least 0."""
    provenance: Provenance


def episode_returns(
    rewards: jax.Array,
    terminated: jax.Array,
    truncated: jax.Array,
    bootstrap: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Undiscounted returns of each player, and where they are known already.

    Backwards over t = T-1 … 0 (Sutton & Barto 2018, section 3.3, with gamma 1)::

        returns[t] = bootstrap[t]                 where truncated[t]
                     rewards[t]                   where terminated[t]
                     rewards[t] + returns[t + 1]  otherwise

    A return is unknown while the episode has not ended by step T-1.

    Args:
        rewards: float32 [T, B, P], paid by the step taken at t.
        terminated: bool [T, B], whether that step ended the episode.
        truncated: bool [T, B], whether it hit the step limit.
        bootstrap: float32 [T, B, P], what is expected from t on, such as the search's value.

    Returns:
        returns float32 [T, B, P] and known bool [T, B].
    """

    chex.assert_rank(rewards, 3)
    chex.assert_equal_shape([rewards, bootstrap])
    chex.assert_shape([terminated, truncated], rewards.shape[:2])

    def backwards(later, now):
        later_return, later_known = later
        reward, terminated, truncated, bootstrap = now
        total = reward + jnp.where(terminated[:, None], 0.0, later_return)
        total = jnp.where(truncated[:, None], bootstrap, total)
        known = terminated | truncated | later_known
        return (total, known), (total, known)

    start = (jnp.zeros_like(rewards[0]), jnp.zeros_like(terminated[0]))
    _, (returns, known) = jax.lax.scan(
        backwards, start, (rewards, terminated, truncated, bootstrap), reverse=True
    )
    return returns, known
