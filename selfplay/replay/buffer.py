"""A ring of targets on the device: bare functions on a pytree.

On several devices each holds a ring of its own, of equal capacity, fed by its own games.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from selfplay.operators.targets import Targets


class Buffer(struct.PyTreeNode):
    """Rows, of which the first `size` are filled; the next one goes to `cursor`."""

    rows: Targets
    """Targets [capacity]."""
    cursor: jax.Array
    """int32 [1]; one a device."""
    size: jax.Array
    """int32 [1]; one a device."""


def init(row: Any, capacity: int) -> Buffer:
    """An empty ring for rows like `row` (Targets [], arrays or their shapes)."""
    rows = jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape), x.dtype), row)
    return Buffer(rows=rows, cursor=jnp.zeros(1, jnp.int32), size=jnp.zeros(1, jnp.int32))


def add(buffer: Buffer, targets: Targets) -> tuple[Buffer, jax.Array]:
    """Adds the rows of `targets` [K] that have weight, overwriting the oldest.

    Returns the buffer and how many rows entered (int32 []). Raises ValueError if K rows could
    overwrite each other.
    """
    capacity = buffer.rows.weight.shape[0]
    keep = targets.weight > 0
    if keep.shape[0] > capacity:
        raise ValueError(
            f"the ring must hold at least the {keep.shape[0]} rows that are added at once, "
            f"got a capacity of {capacity}"
        )
    count = keep.sum(dtype=jnp.int32)
    slot = (buffer.cursor[0] + jnp.cumsum(keep, dtype=jnp.int32) - 1) % capacity
    slot = jnp.where(keep, slot, capacity)
    rows = jax.tree.map(lambda ring, x: ring.at[slot].set(x, mode="drop"), buffer.rows, targets)
    cursor = (buffer.cursor + count) % capacity
    size = jnp.minimum(buffer.size + count, capacity)
    return Buffer(rows=rows, cursor=cursor, size=size), count


def sample(buffer: Buffer, key: jax.Array, batch_size: int) -> Targets:
    """Targets [batch_size], uniform with replacement. The buffer must not be empty."""
    index = jax.random.randint(key, (batch_size,), 0, buffer.size[0])
    return jax.tree.map(lambda x: x[index], buffer.rows)
