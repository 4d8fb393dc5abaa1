"""Which of the held-out problems of `magma_model` does a search solve, level by level?

    python -m benchmarks.equational.model_levels --budget 50              # without a network
    python -m benchmarks.equational.model_levels --budget 50 --run RUN

All problems side by side, on a budget of evaluations each; every solution is judged by the
verifier, which shares no code with the rules.
"""

import collections
import dataclasses
import time
from pathlib import Path

import jax
import numpy as np
import tyro

from selfplay.agent import Agent
from selfplay.environment import Verdict
from selfplay.search.best_first import BestFirst
from selfplay.search.model import constant_evaluator
from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma_model import MagmaModel
from selfplay_envs.proofs.magma_model_problems import num_levels, pairs


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    budget: int = 50
    """Evaluations of a problem."""
    heuristic_weight: float = 0.0
    """Of how much is decided, beside the policy."""
    run: Path | None = None
    """A run of `magma_model`; without one no network guides the search."""
    iteration: int | None = None
    """Which checkpoint or milestone of the run, by default the newest."""


def main() -> None:
    """Prints how many of each level, and what that took."""
    arguments = tyro.cli(Arguments, description=__doc__)
    agent = None if arguments.run is None else Agent.load(arguments.run, arguments.iteration)
    env = MagmaModel()
    mine = [pair for pair in pairs() if pair.held_out]
    problems = [
        env.problem(laws()[one.hypothesis - 1], laws()[one.conclusion - 1], one.elements)
        for one in mine
    ]
    began = time.process_time()
    found = BestFirst(env, constant_evaluator(env) if agent is None else agent.evaluator)(
        () if agent is None else agent.params,
        jax.tree.map(lambda *rows: np.stack(rows), *problems),
        budget=arguments.budget,
        path_memory=0.0,
        heuristic_weight=arguments.heuristic_weight,
        dives=True,
    )
    seconds = time.process_time() - began
    solved: collections.Counter[int] = collections.Counter()
    verdicts: collections.Counter[Verdict] = collections.Counter()
    for pair, problem, one in zip(mine, problems, found, strict=True):
        if one.actions is not None:
            verdict = env.verifier().verify(problem, one.actions)
            verdicts[verdict] += 1
            solved[pair.level] += verdict is Verdict.ACCEPTED
    levels = collections.Counter(pair.level for pair in mine)
    told = (f"{level}: {solved[level]} of {levels[level]}" for level in range(num_levels(5)))
    print(
        f"{sum(solved.values())} of {len(mine)} with {arguments.budget} evaluations each; by level "
        f"{', '.join(told)}; {sum(one.evaluations for one in found):,} evaluations, "
        f"{sum(one.steps for one in found):,} steps, {seconds:.0f} s of processor time"
    )
    print(f"verdicts: {', '.join(f'{v.value} {count}' for v, count in verdicts.items())}")


if __name__ == "__main__":
    main()
