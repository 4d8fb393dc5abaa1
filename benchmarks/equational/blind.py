"""How many implications between laws does blind rewriting prove, on a budget of expansions?

    python -m benchmarks.equational.blind
    python -m benchmarks.equational.blind --strata MagmaEgg --budget 10000

Best-first search from both sides of the conclusion until they meet; smaller terms first. A term is
expanded by rewriting each of its subterms, by either side of the hypothesis, with all instances:
what matching leaves unbound is any of the terms at hand, which are the term's own subterms, those
of the conclusion's other side, and its variables. An expansion is a term so treated.
"""

import dataclasses
import statistics
import time

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.equational.pairs import STRATA, interval, read
from benchmarks.equational.term_search import FULL, MET, search
from selfplay_envs.proofs.laws import MOST_OPERATIONS, laws
from selfplay_envs.proofs.magma import Law, Term, variables

OPERATION = -1
"""In place of a variable, in preorder."""

WAITING_EACH = 16
"""Terms that wait, for each expansion left. With 1 a few pairs less are proved, in less time."""

LAW_SIZE = 2 * MOST_OPERATIONS + 1
"""Variables and operations of a law's largest side."""


@dataclasses.dataclass(frozen=True)
class Order:
    """Which term is expanded first: that of the smallest sum, the older of two alike."""

    size: int = 1
    """For each variable and operation that a term has."""
    step: int = 0
    """For each rewriting that led to it."""


@dataclasses.dataclass(frozen=True)
class Result:
    """Of one search."""

    chain: tuple[Term, ...] | None
    """From the conclusion's left side to its right, a rewriting each; None if it was not proved."""
    expansions: int


SIZE_FIRST = Order()


def prove(
    hypothesis: Law,
    conclusion: Law,
    *,
    budget: int = 1_500,
    max_size: int = 63,
    order: Order = SIZE_FIRST,
    waiting_each: int = WAITING_EACH,
) -> Result:
    """Whether a law implies another, by rewriting.

    Args:
        hypothesis: any law.
        conclusion: another; its variables are constants.
        budget: expansions, of both sides together.
        max_size: variables and operations of the largest terms.
        order: which term is next.
        waiting_each: how many terms may wait, for each expansion left; what would come after them
            is not made, and so not met from the other side.

    Raises:
        ValueError: a side of the conclusion is larger than that.
    """
    met, expansions, terms = _run(
        hypothesis, *conclusion.sides, budget, max_size, order, waiting_each
    )
    return Result(terms if met else None, expansions)


def reached(
    hypothesis: Law, term: Term, num_variables: int, *, budget: int = 500, max_size: int = 31
) -> tuple[Term, ...]:
    """Terms that may be sides of laws and that one equals, by a law; of all that search makes.

    Args:
        hypothesis: the law.
        term: a small term.
        num_variables: variables from 0 that may be picked, beside what is at hand.
        budget: expansions.
        max_size: variables and operations of the largest terms on the way.
    """
    _, _, terms = _run(hypothesis, term, None, budget, max_size, SIZE_FIRST, 1, num_variables)
    return terms


def _run(
    hypothesis: Law,
    left: Term,
    right: "Term | None",
    budget: int,
    max_size: int,
    order: Order,
    waiting_each: int,
    num_variables: int = 0,
) -> tuple[bool, int, tuple[Term, ...]]:
    law = hypothesis.renamed()
    goal = [left] if right is None else [left, right]
    names = sorted({v for side in goal for v in variables(side)} | {*range(num_variables)})
    number = {OPERATION: OPERATION} | {v: i for i, v in enumerate(names)}
    sides = [np.array([number[code] for code in preorder(side)]) for side in goal]
    if (largest := max(map(len, sides))) > max_size:
        raise ValueError(
            f"the goal must have sides of at most max_size={max_size} variables and operations, "
            f"one has {largest}"
        )
    room = 1 << 14
    while True:
        status, expansions, terms, lefts, rights = search(
            np.array(preorder(law.left)),
            np.array(preorder(law.right)),
            law.num_variables,
            sides[0],
            sides[1] if len(sides) == 2 else np.empty(0, np.int64),
            len(names),
            budget,
            max_size,
            order.size,
            order.step,
            waiting_each,
            LAW_SIZE,
            room,
        )
        if status != FULL:
            return status == MET, expansions, _decoded(terms, lefts, rights, names)
        room *= 8


def preorder(term: Term) -> list[int]:
    """Variables by number, and `OPERATION` before its two sides."""
    if isinstance(term, int):
        return [term]
    left, right = map(preorder, term)
    return [OPERATION, *left, *right]


def _decoded(
    chosen: np.ndarray, left: np.ndarray, right: np.ndarray, names: list[int]
) -> tuple[Term, ...]:
    known: dict[int, Term] = {}

    def term(node: int) -> Term:
        if node not in known:
            leaf = left[node] < 0
            known[node] = names[node] if leaf else (term(int(left[node])), term(int(right[node])))
        return known[node]

    return tuple(term(int(node)) for node in chosen)


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    strata: tuple[str, ...] = STRATA
    budget: int = 1_500
    """Expansions of a pair."""
    max_size: int = 63
    """Variables and operations of the largest terms."""
    order: Order = SIZE_FIRST


def main() -> None:
    """Prints the table."""
    arguments = tyro.cli(Arguments, description=__doc__)
    began = time.process_time()
    table = Table(
        "stratum", "pairs", "proved", "share", "steps, median (most)", "expansions, median"
    )
    for stratum in arguments.strata:
        pairs = read()[stratum]
        results = [
            prove(
                laws()[pair.hypothesis - 1],
                laws()[pair.conclusion - 1],
                budget=arguments.budget,
                max_size=arguments.max_size,
                order=arguments.order,
            )
            for pair in pairs
        ]
        proved = [(len(one.chain) - 1, one.expansions) for one in results if one.chain]
        steps, expansions = zip(*proved, strict=True) if proved else ((0,), (0,))
        table.add_row(
            stratum,
            str(len(pairs)),
            str(len(proved)),
            interval(len(proved), len(pairs)),
            f"{statistics.median(steps):.0f} ({max(steps)})",
            f"{statistics.median(expansions):.0f}",
        )
    console = Console(width=100)
    console.print(table)
    console.print(f"{time.process_time() - began:.0f} s of processor time")


if __name__ == "__main__":
    main()
