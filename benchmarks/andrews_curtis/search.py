"""Breadth-first and greedy search over Andrews–Curtis moves, in plain Python.

The searches of A. Shehper et al. (arXiv 2408.15332, section 3): a queue of presentations that were
reached, from which the first in line (breadth-first), or one of least total length (greedy: a
priority queue, ties by the number of moves, then by who came first), is popped and its twelve
neighbours generated. Two counts are kept apart: `popped`, presentations whose twelve moves were
tried, and `generated`, presentations that were new, the given one included. A budget is of either.

A word is a string over x, y, X, Y (capitals are inverses), which Python compares and hashes fast.
"""

import dataclasses
import heapq
import itertools
import math
from collections import deque
from typing import Literal

Pair = tuple[str, str]
Kind = Literal["breadth_first", "greedy"]
Count = Literal["popped", "generated"]

LETTERS = "xXyY"
"""In the order of the conjugations."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a search came to."""

    moves: tuple[int, ...] | None
    """From the presentation to the trivial one; None where the budget ran out, or all was seen."""
    popped: int
    generated: int


def inverse(word: str) -> str:
    """The inverse of a word."""
    return word[::-1].swapcase()


def product(left: str, right: str) -> str:
    """Two reduced words' product, reduced."""
    cancelled = 0
    for a, b in zip(reversed(left), right, strict=False):
        if a != b.swapcase():
            break
        cancelled += 1
    return left[: len(left) - cancelled] + right[cancelled:]


def neighbours(pair: Pair) -> list[Pair]:
    """The presentations after moves 0 to 11, in the environment's order."""
    first, second = pair
    return [(word, second) for word in _moved(first, second)] + [
        (first, word) for word in _moved(second, first)
    ]


def _moved(mine: str, other: str) -> list[str]:
    words = [product(mine, other), product(mine, inverse(other))]
    return words + [product(product(g, mine), g.swapcase()) for g in LETTERS]


def solve(start: Pair, kind: Kind, *, budget: int, count: Count, longest: int) -> Outcome:
    """Searches until the trivial presentation is generated, or the budget is spent.

    Args:
        start: relators, reduced.
        kind: which is popped first.
        budget: presentations that may be popped or generated.
        count: which of the two.
        longest: letters that a relator may have; what is longer is not generated.
    """
    parents: dict[Pair, tuple[Pair, int] | None] = {start: None}
    depths = {start: 0}
    order = itertools.count()
    heap = [(0, 0, next(order), start)]
    queue = deque([start])
    popped, most_popped = 0, budget if count == "popped" else math.inf
    most_generated = budget if count == "generated" else math.inf
    while (heap if kind == "greedy" else queue) and popped < most_popped:
        pair = heapq.heappop(heap)[-1] if kind == "greedy" else queue.popleft()
        popped += 1
        depth = depths[pair] + 1
        for move, new in enumerate(neighbours(pair)):
            if new in parents or len(new[0]) > longest or len(new[1]) > longest:
                continue
            parents[new] = pair, move
            total = len(new[0]) + len(new[1])
            if total == 2:
                return Outcome(_path(parents, new), popped, len(parents))
            if len(parents) >= most_generated:
                return Outcome(None, popped, len(parents))
            depths[new] = depth
            if kind == "greedy":
                heapq.heappush(heap, (total, depth, next(order), new))
            else:
                queue.append(new)
    return Outcome(None, popped, len(parents))


def _path(parents: dict[Pair, tuple[Pair, int] | None], reached: Pair) -> tuple[int, ...]:
    """The moves that led there."""
    moves = []
    while (step := parents[reached]) is not None:
        reached, move = step
        moves.append(move)
    return tuple(reversed(moves))
