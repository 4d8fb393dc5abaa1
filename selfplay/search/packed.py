"""States as bytes: small to keep by the million, equal where the same can be done from them."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from selfplay.environment.contract import State

_PASSING = frozenset(field.name for field in dataclasses.fields(State)) - {"current_player"}
"""Fields that do not tell what can be done from a state: how long it took, what a step paid."""


class Packing:
    """Between states of one environment and bytes, on the host."""

    def __init__(self, state: Any):
        """From a State [] of arrays, or of their shapes and dtypes."""
        found, self._structure = jax.tree_util.tree_flatten_with_path(state)
        passing = [jax.tree_util.keystr(path[:1], simple=True) in _PASSING for path, _ in found]
        self._shapes = [(leaf.shape, np.dtype(leaf.dtype)) for _, leaf in found]
        self._sizes = [math.prod(shape) * dtype.itemsize for shape, dtype in self._shapes]
        self._places = sorted(range(len(found)), key=passing.__getitem__)
        """Leaves in the order in which they are packed: what tells states apart comes first."""
        self.identity = sum(
            size for size, passes in zip(self._sizes, passing, strict=True) if not passes
        )
        """How many of the first bytes are equal exactly where the same can be done."""

    def pack(self, states: State) -> list[bytes]:
        """State [N] of NumPy arrays to bytes, one after another."""
        leaves = jax.tree.leaves(states)
        rows = [
            np.ascontiguousarray(leaves[i]).view(np.uint8).reshape(len(leaves[i]), -1)
            if leaves[i].ndim > 1
            else np.ascontiguousarray(leaves[i])[:, None].view(np.uint8)
            for i in self._places
        ]
        return [row.tobytes() for row in np.concatenate(rows, axis=1)]

    def unpack(self, packed: Sequence[bytes]) -> State:
        """Bytes to State [N] of NumPy arrays."""
        rows = np.frombuffer(b"".join(packed), np.uint8).reshape(len(packed), -1)
        leaves: list[Any] = [None] * len(self._places)
        first = 0
        for i in self._places:
            shape, dtype = self._shapes[i]
            piece = np.ascontiguousarray(rows[:, first : first + self._sizes[i]])
            leaves[i] = piece.view(dtype).reshape(len(packed), *shape)
            first += self._sizes[i]
        return jax.tree.unflatten(self._structure, leaves)
