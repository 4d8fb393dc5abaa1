"""Where a search from two ends meets: what was reached from either.

Every move of every state that was judged counts as reached, without having been made: of a state
with a hundred moves that is a hundred places where the other end may be met, for one evaluation.
So there are tens of thousands of ends in a search of a thousand evaluations, and hundreds of
millions of pairs. Few of them are looked at: ends are grouped by their features, and which groups
are compatible is told for all of them at once, a bit of an int for each.
"""

import math
from collections.abc import Iterator

import numpy as np

from selfplay.environment.ends import Encounter
from selfplay.search.edges import Edge, Node, way


class Meeting:
    """Of one problem."""

    def __init__(self, encounter: Encounter, limit: int):
        """Of ways of at most `limit` steps, both ends' together."""
        self._encounter, self._limit = encounter, limit
        self._reached = _Reached(), _Reached()

    def begin(self, now: np.ndarray) -> None:
        """Takes the ends (int8 [2, W]) before any move."""
        for reached, end in zip(self._reached, now, strict=True):
            name = end.tobytes()
            reached.add(name, None, self._encounter.features(name))

    def offer(self, node: Node, after: np.ndarray) -> tuple[int, ...] | None:
        """Takes what a state's moves make of their ends; the shortest way on which both meet.

        An end keeps the way by which it was reached first, and is compared only then.

        Args:
            node: the state; its moves are those of one end, or it is where all begins.
            after: int8 [A, W], of its moves by rank.

        Returns:
            The moves of end 0, then those of end 1; None if they do not meet here, in time.
        """
        assert node.ends is not None
        best, length = None, self._limit + 1
        names, width = after.tobytes(), after.shape[1]
        rows = zip(node.ends.tolist(), node.costs.tolist(), strict=True)
        for rank, (end, cost) in enumerate(rows):
            if cost == math.inf:
                break  # what is not allowed comes last
            name = names[rank * width : (rank + 1) * width]
            own, others = self._reached[end], self._reached[1 - end]
            if name in own.edges:
                continue
            edge, features = Edge(node, rank), self._encounter.features(name)
            own.add(name, edge, features)
            for other_name in others.compatible(features):
                other = others.edges[other_name]
                steps = node.depth + 1 + (0 if other is None else other.node.depth + 1)
                if steps < length and self._meet(end, name, other_name):
                    best, length = ((edge, other) if end == 0 else (other, edge)), steps
        return None if best is None else (*way(best[0]), *way(best[1]))

    def _meet(self, end: int, name: bytes, other: bytes) -> bool:
        """Whether what one end became meets what the other one became."""
        return self._encounter.meets(*((name, other) if end == 0 else (other, name)))


class _Reached:
    """What one end became, in groups of equal features."""

    def __init__(self):
        self.edges: dict[bytes, Edge | None] = {}
        """By which each was reached first; None at the beginning."""
        self._number: dict[tuple[int, ...], int] = {}
        """Of each group."""
        self._members: list[list[bytes]] = []
        """Of each group, by number."""
        self._with: list[dict[int, int]] = []
        """Of each feature, by its sets: the groups that have this one, as bits."""

    def add(self, end: bytes, edge: Edge | None, features: tuple[int, ...]) -> None:
        """Takes one that is new."""
        self.edges[end] = edge
        number = self._number.setdefault(features, len(self._members))
        if number == len(self._members):
            self._members.append([])
            self._with = self._with or [{} for _ in features]
            for groups, having in zip(self._with, features, strict=True):
                groups[having] = groups.get(having, 0) | 1 << number
        self._members[number].append(end)

    def compatible(self, features: tuple[int, ...]) -> Iterator[bytes]:
        """All that an end of these features may meet, in no order that matters."""
        found = (1 << len(self._members)) - 1
        for groups, having in zip(self._with, features, strict=True):
            common = 0
            for other, numbers in groups.items():
                if other & having:
                    common |= numbers
            found &= common
            if not found:
                return
        while found:
            lowest = found & -found
            yield from self._members[lowest.bit_length() - 1]
            found ^= lowest
