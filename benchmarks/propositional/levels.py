"""How many held-out formulas of each level does a run prove, on a budget of evaluations?

    python -m benchmarks.propositional.levels RUN --budget 100
    python -m benchmarks.propositional.levels --budget 100            # no network

Best-first search as in `iltp`. Formulas of a level are taken evenly from its easiest to its
hardest; a proof counts if the replay accepts it.
"""

import dataclasses
import time
from pathlib import Path

import jax
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.propositional.iltp import guess, interval
from benchmarks.whole_search import Flags, WholeSearch
from selfplay.agent import Agent
from selfplay.environment.verifier import Verdict
from selfplay.networks.build import build
from selfplay.search.best_first import BestFirst
from selfplay_envs.proofs import formula_problems
from selfplay_envs.proofs.formula_table import encode
from selfplay_envs.proofs.propositional import Propositional
from selfplay_envs.proofs.syntax import parse


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    run: tyro.conf.Positional[Path | None] = None
    search: Flags = dataclasses.field(default=WholeSearch(budget=100, at_once=4, dives=True))
    size: int = 64
    """Subformulas of the largest formulas."""
    each: int = 40
    """Formulas of a level, at most."""
    iteration: int | None = None
    """Which checkpoint or milestone of the run, by default the newest."""
    untrained: int | None = None
    """With the run's network as it would begin from this seed."""


def main() -> None:
    """Prints the table."""
    arguments = tyro.cli(Arguments, description=__doc__)
    agent = None if arguments.run is None else Agent.load(arguments.run, arguments.iteration)
    began = time.process_time()
    env = Propositional(subformulas=arguments.size, max_steps=512)
    evaluator, params = guess(env, agent)
    if agent is not None and arguments.untrained is not None:
        params = build(agent.config.network, env).init(jax.random.key(arguments.untrained))
    search, judge = BestFirst(env, evaluator), env.verifier()
    console, table = Console(width=100), Table("level", "held out", "theorems", "proved", "share")
    for level, there in enumerate(formula_problems.levels(arguments.size)["held_out"]):
        step = -(-len(there) // arguments.each)
        chosen = there[::step]
        tables = [encode(parse(problem.text), arguments.size) for problem in chosen]
        found = search(
            params,
            jax.tree.map(lambda *rows: np.stack(rows), *tables),
            **arguments.search.options(),
        )
        proved = sum(
            one.actions is not None and judge.verify(row, one.actions) is Verdict.ACCEPTED
            for row, one in zip(tables, found, strict=True)
        )
        theorems = sum(problem.is_theorem for problem in chosen)
        table.add_row(*map(str, (level, len(chosen), theorems, proved)), interval(proved, theorems))
    console.print(table)
    console.print(f"{time.process_time() - began:.0f} s of processor time")


if __name__ == "__main__":
    main()
