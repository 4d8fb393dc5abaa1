"""Which implications that are false does a small magma refute? The fixed pairs of the `test` split.

    python -m benchmarks.equational.models finder
    python -m benchmarks.equational.models search
    python -m benchmarks.equational.models search --run RUN --skip-quick

All tables of two and of three elements are looked at; then, for four and for five, the plain finder
looks, or best-first search on `magma_model`. Every table is checked by plain definitions. Of each
number of elements: how many pairs a magma of at most so many refutes, with Wilson's 95 % intervals
over pairs.
"""

import collections
import dataclasses
import time
from pathlib import Path
from typing import Literal

import jax
import numpy as np
import tyro
from scipy import stats

from benchmarks.equational.pairs import FALSE, Pair, read
from selfplay.agent import Agent
from selfplay.environment.certificate import Claim
from selfplay.search.best_first import BestFirst
from selfplay.search.model import constant_evaluator
from selfplay.solve import HEURISTIC_WEIGHT
from selfplay_envs.proofs import magma_finder, magma_models
from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma import Law
from selfplay_envs.proofs.magma_model import MOST_ELEMENTS, MagmaModel
from selfplay_envs.proofs.magma_model_certificate import ModelCertifier
from selfplay_envs.proofs.magma_model_replay import actions_of, completed


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    who: tyro.conf.Positional[Literal["finder", "search"]]
    """The plain finder, or best-first search on `magma_model`."""
    budget: int = 1_500
    """Of each number of elements: evaluations of the search; nodes of the finder for each way in
    which a conclusion can fail."""
    skip_quick: bool = False
    """Begin with nothing: all tables of two and three elements are not looked at first."""
    elements: int = 5
    """Of the largest magma."""
    first: int = 100
    """Pairs."""
    lean: bool = False
    """Show the tables to Lean, those with too many cases to our own check."""
    run: Path | None = None
    """A run of `magma_model` whose network guides the search; else none does."""


class Search:
    """Best-first search, compiled once."""

    def __init__(self, arguments: Arguments):
        agent = None if arguments.run is None else Agent.load(arguments.run)
        env = MagmaModel() if agent is None else agent.env
        assert isinstance(env, MagmaModel)
        self.env, self.budget = env, arguments.budget
        self.params = () if agent is None else agent.params
        self.search = BestFirst(env, constant_evaluator(env) if agent is None else agent.evaluator)

    def __call__(self, pair: tuple[Law, Law], elements: int) -> np.ndarray | None:
        """A table that the search has come to."""
        problem = jax.tree.map(np.asarray, self.env.problem(*pair, elements))
        found = self.search(
            self.params,
            jax.tree.map(lambda x: x[None], problem),
            budget=self.budget,
            at_once=8,
            path_memory=0.0,
            heuristic_weight=HEURISTIC_WEIGHT,
            dives=True,
        )[0]
        if found.actions is None:
            return None
        return completed(problem, found.actions, self.env.elements)


def refutation(pair: tuple[Law, Law], arguments: Arguments, search: Search | None):
    """The first table that is found, the small ones first; None if none is."""
    if not arguments.skip_quick:
        table = magma_finder.smallest(*pair, arguments.elements)
        if table is not None:
            return table
    begin = 2 if arguments.skip_quick else magma_finder.ALL_TABLES + 1
    for elements in range(begin, arguments.elements + 1):
        if search is not None:
            table = search(pair, elements)
        else:
            budget = arguments.budget
            table = magma_finder.backtracking(*pair, elements, max_nodes=budget).table
        if table is not None:
            return table
    return None


def claim(pair: tuple[Law, Law], table: np.ndarray) -> Claim:
    """What a table says of a pair, as the judge is shown it."""
    env, certifier = MagmaModel(), ModelCertifier(MOST_ELEMENTS)
    problem = env.problem(*pair, len(table))
    actions = actions_of(table, magma_models.failing(pair[1], table) or {}, MOST_ELEMENTS)
    return certifier.statement(problem), certifier.proof(problem, actions)


def main() -> None:
    """Prints how many are refuted, and which are not."""
    arguments = tyro.cli(Arguments, description=__doc__)
    search = Search(arguments) if arguments.who == "search" else None
    pairs = read()[FALSE][: arguments.first]
    began, sizes, left = time.process_time(), [], list[Pair]()
    claims: list[Claim] = []
    for pair in pairs:
        both = laws()[pair.hypothesis - 1], laws()[pair.conclusion - 1]
        table = refutation(both, arguments, search)
        if table is None:
            left.append(pair)
            continue
        if not magma_models.refutes(table, *both):
            raise RuntimeError(f"{pair}: the table refutes nothing")
        sizes.append(len(table))
        claims.append(claim(both, table))
    for elements in range(2, arguments.elements + 1):
        count = sum(size <= elements for size in sizes)
        low, high = stats.binomtest(count, len(pairs)).proportion_ci(method="wilson")
        print(
            f"at most {elements} elements: {count} of {len(pairs)}, {count / len(pairs):.1%} "
            f"({100 * low:.1f} to {100 * high:.1f})"
        )
    if arguments.lean:
        judged = ModelCertifier(MOST_ELEMENTS).judge(claims)
        told = collections.Counter((one.verdict.value, one.judge) for one in judged)
        print(", ".join(f"{count} {verdict} by {who}" for (verdict, who), count in told.items()))
    names = ", ".join(f"E{pair.hypothesis} ⊢ E{pair.conclusion}" for pair in left)
    print(f"not refuted: {names or 'none'}; {time.process_time() - began:.1f} s of processor time")


if __name__ == "__main__":
    main()
