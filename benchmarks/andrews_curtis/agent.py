"""Which of the 1,190 Miller–Schupp presentations does a run trivialise, on a budget of evaluations?

    python -m benchmarks.andrews_curtis.agent RUN --budget 10000

Best-first search by the run's policy. Every path is replayed by the checker, which shares no code
with the rules. Those that greedy search solves are read from the file beside this one.
"""

import collections
import dataclasses
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from scipy import stats

from benchmarks.andrews_curtis.baselines import load
from benchmarks.whole_search import Flags, WholeSearch
from selfplay.agent import Agent
from selfplay.environment.contract import Environment, Problem
from selfplay.environment.verifier import Verdict
from selfplay.search.best_first import Found, best_first
from selfplay_envs.proofs import miller_schupp

COUNT = len(miller_schupp.presentations())
GREEDY = Path(__file__).with_name("greedy_10000_generated.csv")


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    run: tyro.conf.Positional[Path]
    search: Flags = dataclasses.field(default=WholeSearch(budget=10_000))
    every: int = 1
    """Only each so many-th instance."""
    together: int = 256
    """Instances side by side."""
    iteration: int | None = None
    """Which checkpoint or milestone of the run, by default the newest."""


def instances(env: Environment[Any], levels: jax.Array) -> Problem:
    """Problem [N] of levels (int32 [N])."""
    key = jax.random.key(0)  # of no consequence: each is a level of its own
    return jax.vmap(lambda level: env.sample_problem_at(key, level, "train"))(levels)


def solve(agent: Agent, levels: list[int], arguments: Arguments) -> dict[int, Found]:
    """What became of each instance. Raises RuntimeError if a path is not accepted."""
    env, verifier = agent.env, agent.env.verifier()
    if verifier is None:
        raise ValueError(f"{arguments.run} is of an environment without a checker")
    outcomes = {}
    for first in range(0, len(levels), arguments.together):
        group = levels[first : first + arguments.together]
        problems = jax.device_get(instances(env, jnp.array(group, jnp.int32)))
        options = arguments.search.options()
        found = best_first(env, agent.evaluator, agent.params, problems, **options)
        for row, (index, one) in enumerate(zip(group, found, strict=True)):
            problem = jax.tree.map(lambda x: x[row], problems)  # noqa: B023
            if one.actions is not None:
                verdict = verifier.verify(problem, one.actions)
                if verdict is not Verdict.ACCEPTED:
                    raise RuntimeError(f"instance {index}: the checker says {verdict.value}")
            outcomes[index] = one
    return outcomes


def main() -> None:
    """Prints how many, of which n, and which ones greedy search does not solve."""
    arguments = tyro.cli(Arguments, description=__doc__)
    agent = Agent.load(arguments.run, arguments.iteration)
    levels = list(range(0, COUNT, arguments.every))
    began = time.process_time()
    outcomes = solve(agent, levels, arguments)
    solved = [index for index, one in outcomes.items() if one.actions is not None]
    low, high = stats.binomtest(len(solved), len(levels)).proportion_ci(method="wilson")
    greedy = set(load(GREEDY))
    words = COUNT // miller_schupp.MAX_N
    lengths = [len(one.actions) for one in outcomes.values() if one.actions is not None]
    by_n = collections.Counter(index // words + 1 for index in solved)
    print(
        f"{len(solved)} of {len(levels)} solved, {100 * len(solved) / len(levels):.1f} % "
        f"({100 * low:.1f} to {100 * high:.1f}), {arguments.search.budget:,} evaluations each; "
        f"by n: {', '.join(f'{n}: {by_n[n]}' for n in sorted(by_n))}; "
        f"moves: median {np.median(lengths or [0]):.0f}, most {max(lengths, default=0)}; "
        f"evaluations in all {sum(one.evaluations for one in outcomes.values()):,}, rules applied "
        f"{sum(one.steps for one in outcomes.values()):,}; "
        f"{time.process_time() - began:.0f} s of processor time"
    )
    new = [index for index in solved if index not in greedy]
    print(f"greedy search, 10,000 generated, solves {len(greedy & set(levels))} of these")
    print(f"not solved by it: {', '.join(map(str, new)) or 'none'}")


if __name__ == "__main__":
    main()
