"""A ring of rows on the device, mostly targets: bare functions on a pytree.

On several devices each holds a ring of its own, of equal capacity, fed by its own games.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from selfplay.operators.targets import Targets


class Buffer(struct.PyTreeNode):
    """Rows, of which the first `size` are filled; the next one goes to `cursor`."""

    rows: Any
    """Targets [capacity], or rows of any other kind."""
    cursor: jax.Array
    """int32 [1]; one a device."""
    size: jax.Array
    """int32 [1]; one a device."""


def init(row: Any, capacity: int) -> Buffer:
    """An empty ring for rows like `row` (arrays of one row, or their shapes)."""
    rows = jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape), x.dtype), row)
    return Buffer(rows=rows, cursor=jnp.zeros(1, jnp.int32), size=jnp.zeros(1, jnp.int32))


def add(buffer: Buffer, targets: Targets) -> tuple[Buffer, jax.Array]:
    """Adds the rows of `targets` [K] that have weight, overwriting the oldest.

    Returns the buffer and how many rows entered (int32 []). Raises ValueError if K rows could
    overwrite each other.
    """
    return put(buffer, targets, targets.weight > 0)


def put(buffer: Buffer, rows: Any, keep: jax.Array) -> tuple[Buffer, jax.Array]:
    """As `add`, of rows [K] of any kind, and those that are to be kept, bool [K]."""
    capacity = jax.tree.leaves(buffer.rows)[0].shape[0]
    if keep.shape[0] > capacity:
        raise ValueError(
            f"the ring must hold at least the {keep.shape[0]} rows that are added at once, "
            f"got a capacity of {capacity}"
        )
    count = keep.sum(dtype=jnp.int32)
    slot = (buffer.cursor[0] + jnp.cumsum(keep, dtype=jnp.int32) - 1) % capacity
    slot = jnp.where(keep, slot, capacity)
    rows = jax.tree.map(lambda ring, x: ring.at[slot].set(x, mode="drop"), buffer.rows, rows)
    cursor = (buffer.cursor + count) % capacity
    size = jnp.minimum(buffer.size + count, capacity)
    return Buffer(rows=rows, cursor=cursor, size=size), count


def sample(buffer: Buffer, key: jax.Array, batch_size: int) -> Any:
    """Rows [batch_size], uniform with replacement. The buffer must not be empty."""
    index = jax.random.randint(key, (batch_size,), 0, buffer.size[0])
    return jax.tree.map(lambda x: x[index], buffer.rows)


def newest(buffer: Buffer) -> np.ndarray:
    """The filled rows [N] of a ring of numbers, the newest first, on the host.

    Of several devices' rings as many each as the least filled has, turn and turn about.
    """
    rows, cursor, size = jax.device_get((buffer.rows, buffer.cursor, buffer.size))
    rings = rows.reshape(len(cursor), -1)
    back = cursor[:, None] - 1 - np.arange(size.min())[None]
    return np.take_along_axis(rings, back % rings.shape[1], axis=1).T.reshape(-1)
