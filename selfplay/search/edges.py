"""What a best-first search remembers: the states it judged, and the ways to and from them."""

from typing import NamedTuple

import numpy as np


class Node(NamedTuple):
    """A state that was judged."""

    state: bytes
    edge: "Edge | None"
    """By which it was reached; None at the beginning."""
    depth: int
    steps: float
    """Of the way here, as far as they are remembered."""
    cost: float
    """-log of the policy of these."""
    value_cost: float
    """-log of what its value says, by its weight."""
    order: np.ndarray
    """int16 [A]: actions, those that come first in front."""
    costs: np.ndarray
    """float32 [A]: -log of their shares; infinite where they are illegal."""
    hints: np.ndarray
    """float32 [A]: -log of what the heuristic says of where they lead, by its weight."""
    ends: np.ndarray | None
    """int8 [A]: which end each works on; None where a problem has no two ends."""


class Edge(NamedTuple):
    """An action of a state that was judged, by its rank."""

    node: Node
    rank: int

    @property
    def action(self) -> int:
        """Its number."""
        return int(self.node.order[self.rank])

    @property
    def cost(self) -> float:
        """-log of its own share."""
        return float(self.node.costs[self.rank])

    @property
    def end(self) -> int:
        """Which end it works on; -1 where there are none."""
        return -1 if self.node.ends is None else int(self.node.ends[self.rank])


def way(edge: Edge | None) -> tuple[int, ...]:
    """The actions from the beginning through an edge."""
    actions = []
    while edge is not None:
        actions.append(edge.action)
        edge = edge.node.edge
    return tuple(reversed(actions))
