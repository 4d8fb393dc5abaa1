"""Where a search from two ends meets: what was reached from either, by its key.

Every move of every state that was judged counts as reached, without having been made: of a state
with a hundred moves that is a hundred places where the other end may be met, for one evaluation.
"""

import math

import numpy as np

from selfplay.search.edges import Edge, Node, way


class Meeting:
    """Of one problem."""

    def __init__(self, limit: int):
        """Of ways of at most so many steps, both ends' together."""
        self._limit = limit
        self._reached: tuple[dict[int, Edge | None], dict[int, Edge | None]] = ({}, {})

    def begin(self, keys: np.ndarray) -> None:
        """Takes the ends (uint64 [2]) before any move."""
        for known, key in zip(self._reached, keys.tolist(), strict=True):
            known[key] = None

    def offer(self, node: Node, keys: np.ndarray) -> tuple[int, ...] | None:
        """Takes what a state's moves make of their ends; the shortest way on which both meet.

        Args:
            node: the state; its moves are those of one end, or it is where all begins.
            keys: uint64 [A], of its moves by rank; 0 where nobody knows.

        Returns:
            The moves of end 0, then those of end 1; None if they do not meet here, in time.
        """
        assert node.ends is not None
        best, length = None, self._limit + 1
        rows = zip(keys.tolist(), node.ends.tolist(), node.costs.tolist(), strict=True)
        for rank, (key, end, cost) in enumerate(rows):
            if cost == math.inf:
                break  # what is not allowed comes last
            if key == 0:
                continue
            edge, others = Edge(node, rank), self._reached[1 - end]
            if key in others:
                other = others[key]
                steps = node.depth + 1 + (0 if other is None else other.node.depth + 1)
                if steps < length:
                    best, length = ((edge, other) if end == 0 else (other, edge)), steps
            self._reached[end].setdefault(key, edge)
        return None if best is None else (*way(best[0]), *way(best[1]))
