"""The open list of a best-first search: of one problem the edges not taken yet, the best first.

Plain Python, for it holds millions of them, of which few are looked at again.
"""

import dataclasses
import heapq
import math
from typing import NamedTuple

import numpy as np

from selfplay.environment.ends import Encounter
from selfplay.search.edges import Edge, Node, way
from selfplay.search.meeting import Meeting

LEAST_CHANCE = 1e-6
"""That a value or a heuristic can say."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What a search of one problem came to."""

    actions: tuple[int, ...] | None
    """From the beginning to where it is solved; None if it was not."""
    evaluations: int
    """States that the network judged."""
    steps: int
    """Rules applied: to reach those, and ends, and states that were known already."""
    exhausted: bool
    """Whether nothing was left to try, within the environment's limit of steps."""


class Guess(NamedTuple):
    """What is known of a state once it was judged, its A actions by rank."""

    order: np.ndarray
    costs: np.ndarray
    hints: np.ndarray
    """These three as in `Node`."""
    value: float
    ends: np.ndarray | None = None
    """As in `Node`; the next two are None where it is."""
    after: np.ndarray | None = None
    """int8 [A, W]: what each action makes of its end; of no meaning where it is illegal."""
    now: np.ndarray | None = None
    """int8 [2, W]: what both ends are."""


class OpenList:
    """One problem's queue and budget."""

    def __init__(
        self,
        budget: int,
        path_memory: float,
        value_weight: float,
        chance: np.random.Generator | None,
        longest: int | None,
        limit: int,
        encounter: Encounter | None = None,
    ):
        """`limit` is the environment's own, of steps, and `encounter` too; the rest as in
        `BestFirst`.
        """
        self.budget, self.path_memory, self.value_weight = budget, path_memory, value_weight
        self.chance, self.longest = chance, longest
        self.diver: Node | None = None
        self.falling: Edge | None = None
        """The edge by which a dive goes on; None where the next best one begins a dive."""
        self.is_turn = False
        self.evaluations = self.steps = 0
        self.solution: tuple[int, ...] | None = None
        limit = limit if longest is None else min(longest, limit)
        self.meeting = None if encounter is None else Meeting(encounter, limit)
        self.queue: list[tuple[float, int, Edge]] = []
        self.pushed = 0
        self.known: dict[bytes, int] = {}
        """The steps in which each state was reached."""

    def arrives(self, edge: Edge | None, identity: bytes, solved: bool, ended: bool) -> bool:
        """Takes a state that was reached; says whether it is to be judged."""
        self.steps += edge is not None
        if solved and self.solution is None:
            self.solution = way(edge)
        depth = 0 if edge is None else edge.node.depth + 1
        if ended or self.is_over or self._is_known(identity, depth):
            if edge is self.falling:
                self.diver = self.falling = None
            return False
        self.known[identity] = depth
        self.evaluations += 1
        return True

    def _is_known(self, identity: bytes, depth: int) -> bool:
        """Whether nothing new can come of a state that was reached in so many steps."""
        if self.longest is None:
            return identity in self.known
        return depth >= min(self.longest, self.known.get(identity, self.longest))

    @property
    def is_over(self) -> bool:
        """It is solved, or the budget is spent."""
        return self.solution is not None or self.evaluations >= self.budget

    def add(self, edge: Edge | None, state: bytes, guess: Guess) -> None:
        """Takes what was judged of a state; its best action joins the queue."""
        depth, steps, cost = 0, 0.0, 0.0
        if edge is not None:
            depth, (steps, cost) = edge.node.depth + 1, self._way(edge)
        chance = max((1.0 + float(guess.value)) / 2.0, LEAST_CHANCE)
        value_cost = -self.value_weight * math.log(chance)
        node = Node(state, edge, depth, steps, cost, value_cost, *guess[:3], guess.ends)
        if edge is not None and edge is self.falling:
            leads_on = node.costs[0] < math.inf  # of its end, which may be the only one that does
            self.diver, self.falling = (node, edge) if leads_on else (None, None)
        self._push(node, rank=0)
        if self.meeting is not None and guess.now is not None and guess.after is not None:
            if edge is None:
                self.meeting.begin(guess.now)
            self.solution = self.solution or self.meeting.offer(node, guess.after)

    def best(self, count: int) -> list[Edge]:
        """The next edges, at most so many; of each its state's next best takes the place."""
        edges = []
        self.is_turn = not self.is_turn
        if self.diver is not None and not self.is_over and (self.is_turn or count > 1):
            edges.append(self._fall(self.diver))
        while self.queue and len(edges) < count and not self.is_over:
            edge = heapq.heappop(self.queue)[2]
            self._push(edge.node, edge.rank + 1)
            edges.append(edge)
        if self.chance is not None and self.falling is None and edges:
            self.falling = edges[0]
        return edges

    def _fall(self, node: Node) -> Edge:
        """On by an action that is drawn from the policy."""
        assert self.chance is not None
        shares = np.exp(-node.costs.astype(np.float64))
        rank = int(self.chance.choice(len(shares), p=shares / shares.sum()))
        self.falling, self.diver = Edge(node, rank), None
        return self.falling

    def _push(self, node: Node, rank: int) -> None:
        if rank < len(node.costs) and node.costs[rank] < math.inf:
            edge = Edge(node, rank)
            self.pushed += 1  # of equal ones the first comes first
            steps, cost = self._way(edge)
            cost += math.log(steps) + node.value_cost + float(node.hints[rank])
            heapq.heappush(self.queue, (cost, self.pushed, edge))

    def _way(self, edge: Edge) -> tuple[float, float]:
        """`steps` and `cost` of the way through an edge."""
        memory, node = self.path_memory, edge.node
        return memory * node.steps + 1.0, memory * node.cost + edge.cost

    def found(self) -> Found:
        """What it came to."""
        return Found(
            actions=self.solution,
            evaluations=self.evaluations,
            steps=self.steps,
            exhausted=self.solution is None and not self.queue,
        )
