"""A slow Monte Carlo tree search in float64, one tree at a time, written from the papers.

Beside the tree it tells how near to a tie each simulation's choices came: where the best two
scores are equal but for rounding, another implementation may rightly choose the other action.
"""

import dataclasses
from typing import Any

import numpy as np
from mctx._src.seq_halving import get_sequence_of_considered_visits

from tests.reference import random_trees
from tests.reference.random_trees import World

Array = Any


class Node:
    """A node and what its edges have seen."""

    def __init__(self, number: int, embedding: Array, logits: Array, value: float):
        self.number, self.embedding = number, embedding
        self.logits, self.raw_value = logits.astype(np.float64), float(value)
        self.children: dict[int, Node] = {}
        self.rewards, self.discounts = np.zeros(logits.size), np.zeros(logits.size)
        self.visits, self.totals = np.zeros(logits.size), np.zeros(logits.size)

    @property
    def value(self) -> float:
        return (self.raw_value + self.totals.sum()) / (1 + self.visits.sum())

    @property
    def qvalues(self) -> Array:
        return self.totals / np.maximum(self.visits, 1)


@dataclasses.dataclass
class Replay:
    """What a search did."""

    root: Node
    edges: list[tuple[int, int]]
    """Of each simulation: number of its last inner node, and action there."""
    gaps: list[float]
    """Of each simulation: the smallest lead of a choice over the next best."""


def softmax(logits: Array) -> Array:
    exp = np.exp(logits - logits.max())
    return exp / exp.sum()


# Q-transforms --------------------------------------------------------------------------------


def by_parent_and_siblings(node: Node) -> Array:
    """MuZero, appendix B: Q normalized by what was seen at this node."""
    q = np.where(node.visits > 0, node.qvalues, node.value)
    low, high = min(node.value, q.min()), max(node.value, q.max())
    return (np.where(node.visits > 0, node.qvalues, low) - low) / max(high - low, 1e-8)


def by_min_max(node: Node) -> Array:
    """AlphaZero's: Q in [-4, 4], normalized."""
    return (np.where(node.visits > 0, node.qvalues, -4.0) + 4.0) / 8.0


def completed_by_mix_value(
    node: Node,
    value_scale: float = 0.1,
    maxvisit_init: float = 50.0,
    rescale_values: bool = True,
    use_mixed_value: bool = True,
) -> Array:
    """Gumbel AlphaZero, section 3.4 and appendix D: unvisited actions take the mixed value."""
    seen, total = node.visits > 0, node.visits.sum()
    prior = np.where(seen, np.maximum(softmax(node.logits), np.finfo(np.float32).tiny), 0.0)
    mixed = node.raw_value
    if use_mixed_value and total > 0:
        mixed = (mixed + total * (prior * node.qvalues).sum() / prior.sum()) / (1 + total)
    q = np.where(seen, node.qvalues, mixed)
    if rescale_values:
        q = (q - q.min()) / max(q.max() - q.min(), 1e-8)
    return (maxvisit_init + node.visits.max()) * value_scale * q


# The search ----------------------------------------------------------------------------------


def _best(scores: Array, allowed: Array) -> tuple[int, float]:
    """The best action, and its lead over the next; relative, where scores are above 1."""
    scores = np.where(allowed, scores, -np.inf)
    best = int(scores.argmax())
    others = np.delete(scores, best)
    return best, (scores[best] - others.max()) / max(1.0, abs(scores[best]))


@dataclasses.dataclass
class Search:
    """Settings of a search; called with a root, it searches."""

    policy: str
    world: World
    num_simulations: int
    qtransform: Any
    noise: Array
    """Gumbel variables of the root's actions."""
    invalid: Array
    max_depth: int | None = None
    max_considered: int = 16
    key_bits: Array | None = None
    """uint32 [num_simulations], for stochastic guesses."""

    def choose(self, node: Node, is_root: bool) -> tuple[int, float]:
        values = self.qtransform(node)
        allowed = ~self.invalid if is_root else np.ones_like(self.invalid)
        total = node.visits.sum()
        if self.policy == "puct":
            weight = 1.25 + np.log((1 + total + 19652.0 + 1) / 19652.0)
            bonus = weight * softmax(node.logits) * np.sqrt(1 + total) / (1 + node.visits)
            return _best(values + bonus, allowed)
        if is_root:
            considered = allowed & (node.visits == self.schedule[int(total)])
            return _best(self.noise + node.logits + values, considered)
        improved = softmax(node.logits + values)
        return _best(improved - node.visits / (1 + total), allowed)

    def __call__(self, embedding: int) -> Replay:
        width = self.invalid.size
        self.schedule = get_sequence_of_considered_visits(
            min(self.max_considered, int((~self.invalid).sum())), self.num_simulations
        )
        unmasked = self.world._replace(masked=np.float32(0))
        start = np.array([embedding], np.uint32)
        logits, value = random_trees.guess(np, unmasked, start, start * 0, width)
        shifted = logits[0] - logits[0].max()
        logits = np.where(self.invalid, np.finfo(np.float32).min, shifted)
        replay = Replay(Node(0, start, logits, value[0]), [], [])
        for simulation in range(self.num_simulations):
            self._simulate(replay, simulation)
        return replay

    def _simulate(self, replay: Replay, simulation: int) -> None:
        node, path, gaps = replay.root, [], []
        while True:
            action, gap = self.choose(node, not path)
            path.append((node, action))
            gaps.append(gap)
            if action not in node.children or len(path) == self.max_depth:
                break
            node = node.children[action]
        replay.edges.append((node.number, action))
        replay.gaps.append(min(gaps))
        if action not in node.children:
            node.children[action] = self._expand(node, action, simulation)
        value = node.children[action].raw_value
        for node, action in reversed(path):
            value = node.rewards[action] + node.discounts[action] * value
            node.totals[action] += value
            node.visits[action] += 1

    def _expand(self, node: Node, action: int, simulation: int) -> Node:
        after, reward, discount = random_trees.step(
            np, self.world, node.embedding, np.array([action], np.uint32)
        )
        node.rewards[action], node.discounts[action] = reward[0], discount[0]
        bits = np.zeros(1, np.uint32) if self.key_bits is None else self.key_bits[simulation, None]
        logits, value = random_trees.guess(np, self.world, after, bits, self.invalid.size)
        return Node(simulation + 1, after, logits[0], value[0])
