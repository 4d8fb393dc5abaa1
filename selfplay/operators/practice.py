"""Practice: which problems come next, by how well those of each level were solved of late.

A level is a grade of difficulty, or one problem that is tried again and again; the environment says
how many there are. What is solved always, or never, teaches little: a level is drawn the more often
the closer its problems are to being solved half of the time, where the outcome tells most.
"""

import jax
import jax.numpy as jnp
from flax import struct

MEMORY = 32.0
"""Attempts at a level that count: older ones fade as new ones come."""
BANDS = 10
"""At most so many groups of neighbouring levels are told of."""
LEAST = 0.02
"""Of a level's priority, where half solved has 1/4: none is given up, and none forgotten."""


class Practice(struct.PyTreeNode):
    """How L levels went."""

    attempts: jax.Array
    """float32 [L]: of late, at most about `MEMORY`."""
    solved: jax.Array
    """float32 [L]: of these."""
    ever: jax.Array
    """bool [L]: whether a problem of the level was solved at any time."""


def begin(num_levels: int) -> Practice:
    """Nothing has been tried."""
    nothing = jnp.zeros(num_levels, jnp.float32)
    return Practice(nothing, nothing, jnp.zeros(num_levels, jnp.bool_))


def solved_share(practice: Practice) -> jax.Array:
    """float32 [L]: (solved + 1) / (attempts + 2), Laplace's rule of succession."""
    return (practice.solved + 1.0) / (practice.attempts + 2.0)


def draw(key: jax.Array, practice: Practice) -> jax.Array:
    """int32 []: a level, in proportion to the variance of its outcome and a little more."""
    share = solved_share(practice)
    return jax.random.categorical(key, jnp.log(share * (1.0 - share) + LEAST)).astype(jnp.int32)


def count(level: jax.Array, ended: jax.Array, solved: jax.Array, num_levels: int) -> jax.Array:
    """float32 [2, L]: attempts that ended at each level, and those of them that solved.

    Args:
        level: int32 [...].
        ended: bool [...], whether an episode at that level ended here.
        solved: bool [...], whether it solved its problem.
        num_levels: L.
    """
    flags = jnp.stack([ended, ended & solved], axis=-1).astype(jnp.float32)
    return jax.ops.segment_sum(flags.reshape(-1, 2), level.reshape(-1), num_segments=num_levels).T


def record(practice: Practice, counts: jax.Array) -> Practice:
    """With what `count` counted: an attempt pushes out one of the older ones once there are many.

    The older ones fade by exp(-new / MEMORY), so that about `MEMORY` count in the long run.
    """
    new, solved = counts
    kept = jnp.exp(-new / MEMORY)
    return Practice(
        attempts=kept * practice.attempts + new,
        solved=kept * practice.solved + solved,
        ever=practice.ever | (solved > 0),
    )


def standing(practice: Practice) -> dict[str, jax.Array]:
    """Metrics, float32 []: at how many levels a problem was ever solved; and of each band of
    neighbouring levels, the lowest first, the share solved of late, 0 where nothing was tried.
    """
    num_levels = len(practice.attempts)
    bands = min(num_levels, BANDS)
    band = jnp.arange(num_levels, dtype=jnp.int32) * bands // num_levels
    sums = jax.ops.segment_sum(
        jnp.stack([practice.solved, practice.attempts], axis=-1), band, num_segments=bands
    )
    share = sums[:, 0] / jnp.maximum(sums[:, 1], 1e-6)
    found = {f"practice/solved_{i + 1}": share[i] for i in range(bands)}
    return {"practice/levels_ever_solved": practice.ever.sum(dtype=jnp.float32)} | found
