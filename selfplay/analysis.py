"""What an agent makes of one state: its decision, and the search tree behind it, as NumPy.

analysis = agent.analyse(state)
for step in analysis.tree.principal_line():
    print(agent.env.format_action(step.action), step.visits, step.qvalue)
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from selfplay.environment.contract import State
from selfplay.search.policy import SearchResult


@dataclasses.dataclass(frozen=True)
class Decision:
    """What the agent would do in one state, and why. Values are in [-1, 1] for the mover."""

    action: int
    value: float
    """After the search."""
    raw_value: float
    """The network's, before it."""
    action_weights: np.ndarray
    """float32 [num_actions]: the improved policy."""
    prior: np.ndarray
    """float32 [num_actions]: the network's policy."""
    visit_counts: np.ndarray
    """int32 [num_actions]."""
    qvalues: np.ndarray
    """float32 [num_actions]: value of each action; 0 where it was not visited."""

    @classmethod
    def of(cls, result: SearchResult) -> "Decision":
        """What a search found for one state: a `SearchResult` without batch axis, on the host."""
        return cls(
            action=int(result.action),
            value=float(result.value),
            raw_value=float(result.raw_value),
            action_weights=np.asarray(result.action_weights),
            prior=np.asarray(result.prior),
            visit_counts=np.asarray(result.visit_counts),
            qvalues=np.asarray(result.qvalues),
        )


class Step(NamedTuple):
    """One move of a line through the tree."""

    action: int
    node: int
    """That the action leads to."""
    visits: int
    qvalue: float
    """The action's, for the player who takes it."""


@dataclasses.dataclass(frozen=True)
class SearchTree:
    """A search tree of N nodes and A actions; the root is node 0, parents come before children.

    Values are in [-1, 1] for the mover at their node. A node where the episode has ended has no
    children, though simulations may have come there often; what the ending is worth is the
    reward on the way to it.
    """

    action: int
    """That the search chose at the root."""
    parents: np.ndarray
    """int32 [N]: -1 at the root."""
    actions: np.ndarray
    """int32 [N]: which led to the node; -1 at the root."""
    children: np.ndarray
    """int32 [N, A]: -1 where there is none."""
    prior: np.ndarray
    """float32 [N, A]: the network's policy; 0 where illegal."""
    visit_counts: np.ndarray
    """int32 [N, A]: simulations that went through each action."""
    qvalues: np.ndarray
    """float32 [N, A]: mean return of each action; 0 where it was not visited."""
    node_visits: np.ndarray
    """int32 [N]: simulations that came to the node, its own evaluation among them."""
    values: np.ndarray
    """float32 [N]: mean over those; 0 where the rules ended the episode."""
    raw_values: np.ndarray
    """float32 [N]: the network's; 0 where the rules ended the episode."""
    rewards: np.ndarray
    """float32 [N]: on the way from the parent, for the parent's mover; 0 at the root."""
    discounts: np.ndarray
    """float32 [N]: by which a parent's mover counts the node's values: -1 where the opponent
    moves, 1 where the same player does, 0 where the rules ended the episode and at the root."""
    depth: np.ndarray
    """int32 [N]: moves from the root."""
    ended: np.ndarray
    """bool [N]: the episode is over."""

    @classmethod
    def of(cls, record: Any, action: int) -> "SearchTree":
        """The tree of one search: a `search.record.TreeRecord` without batch axis, on the host."""
        kept, depth = _reachable(record)
        number = np.full(record.parents.shape[0] + 1, -1, np.int32)  # the last entry is for -1
        number[kept] = np.arange(len(kept), dtype=np.int32)
        parents, actions = record.parents[kept], record.actions[kept]
        ended = record.ended[kept]
        visit_counts = np.where(ended[:, None], 0, record.visit_counts[kept])
        arrived = record.visit_counts[parents, actions]
        arrived[0] = 1 + visit_counts[0].sum()
        return cls(
            action=action,
            parents=number[parents],
            actions=actions,
            children=number[record.children[kept]],
            prior=record.prior[kept],
            visit_counts=visit_counts,
            qvalues=np.where(ended[:, None], np.float32(0), record.qvalues[kept]),
            node_visits=arrived,
            values=record.values[kept],
            raw_values=record.raw_values[kept],
            rewards=record.rewards[kept],
            discounts=record.discounts[kept],
            depth=depth,
            ended=ended,
        )

    def child(self, node: int, action: int) -> int | None:
        """The node that `action` leads to from `node`; None if no simulation went there."""
        child = int(self.children[node, action])
        return None if child < 0 else child

    def path(self, node: int) -> list[int]:
        """The actions from the root to `node`."""
        actions = []
        while node > 0:
            actions.append(int(self.actions[node]))
            node = int(self.parents[node])
        return actions[::-1]

    def best_replies(self, node: int, most: int) -> list[Step]:
        """The `most` most visited moves at a node, of equals the more valuable first.

        At the root the chosen one comes first: under Gumbel another may have as many visits.
        """
        expanded = np.flatnonzero(self.children[node] >= 0)
        steps = [
            Step(
                action=int(action),
                node=int(self.children[node, action]),
                visits=int(self.visit_counts[node, action]),
                qvalue=float(self.qvalues[node, action]),
            )
            for action in expanded
        ]
        steps.sort(key=lambda s: (node == 0 and s.action == self.action, s.visits, s.qvalue))
        return steps[::-1][:most]

    def principal_line(self, node: int = 0) -> list[Step]:
        """The first of `best_replies`, and of those to it, until the tree ends."""
        line = []
        while replies := self.best_replies(node, 1):
            line += replies
            node = replies[0].node
        return line


@dataclasses.dataclass(frozen=True)
class Analysis:
    """One search, with all that it saw."""

    state: State
    """State []: the root's."""
    decision: Decision
    tree: SearchTree


def _reachable(record: Any) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the nodes that a game can come to, in order, and their depths: both int32."""
    depth = np.full(record.parents.shape[0], -1, np.int32)
    depth[0] = 0
    for node in range(1, len(depth)):
        parent, action = record.parents[node], record.actions[node]
        linked = parent >= 0 and record.children[parent, action] == node
        if linked and depth[parent] >= 0 and not record.ended[parent]:
            depth[node] = depth[parent] + 1
    kept = np.flatnonzero(depth >= 0).astype(np.int32)
    return kept, depth[kept]
