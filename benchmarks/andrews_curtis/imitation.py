"""Can a network learn from greedy search what greedy search does not know?

    python -m benchmarks.andrews_curtis.imitation
    python -m benchmarks.andrews_curtis.imitation --network.kind transformer --network.width 64 \
        --network.depth 2 --observation tokens

Greedy search by total length solves what it can of the 1,190 presentations on a budget. Three in
four of its solutions are shown to a network, each move as the policy where it was made. Then the
network, and length, guide a best-first search of every fourth presentation, none of which it was
shown, on budgets of as many evaluations as greedy search popped presentations. Compares kinds of
networks at equal processor time as well.
"""

import dataclasses
import time
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from benchmarks.andrews_curtis.agent import instances
from benchmarks.andrews_curtis.baselines import run as search_all
from benchmarks.andrews_curtis.search import Outcome
from selfplay.config import Config, LearnerConfig, NetworkConfig
from selfplay.evaluation.arena import wilson
from selfplay.networks.build import build
from selfplay.networks.contract import Network, Params
from selfplay.operators.demonstrations import Demonstrations, rows
from selfplay.operators.targets import Targets
from selfplay.run.student import make_student
from selfplay.search.best_first import BestFirst
from selfplay.search.model import network_evaluator
from selfplay.sharding import make_mesh
from selfplay_envs.proofs.andrews_curtis import AndrewsCurtis, View

SHOWN_OF = 4
"""Every so many-th presentation is never shown."""

UPDATES_AT_ONCE = 50


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What is measured."""

    network: NetworkConfig = dataclasses.field(
        default_factory=lambda: NetworkConfig(kind="mlp", width=512, depth=3)
    )
    observation: View = "array"
    seconds: float = 60.0
    """Of processor time for learning, without compilation."""
    batch_size: int = 512
    learning_rate: float = 1e-3
    greedy: int = 1_000
    """Presentations that greedy search pops for each."""
    budgets: tuple[int, ...] = (100, 1_000)
    """Evaluations of the network for each."""
    heuristic_weights: tuple[float, ...] = (0.0, 60.0)
    seed: int = 0


def is_solved(outcome: Outcome, popped: int) -> bool:
    """Whether a search had solved it when it had popped so many."""
    return outcome.moves is not None and outcome.popped <= popped


def shown(env: AndrewsCurtis, solutions: dict[int, tuple[int, ...]]) -> Targets:
    """Targets [N] of solutions, by the levels of their problems."""
    levels = list(solutions)
    action = np.zeros((len(levels), env.max_steps), np.int32)
    for row, level in zip(action, levels, strict=True):
        row[: len(solutions[level])] = solutions[level]
    everyone = np.ones(len(levels), np.bool_)
    found = Demonstrations(
        problem=instances(env, jnp.array(levels, jnp.int32)),
        level=jnp.array(levels, jnp.int32),
        action=jnp.array(action),
        solved=jnp.array(everyone),
        counted=jnp.array(everyone),
        evaluations=jnp.zeros(len(levels), jnp.int32),
        first_end=jnp.zeros(len(levels), jnp.int8),
    )
    targets = jax.device_get(rows(env, found, jnp.int32(0)))
    there = targets.weight > 0
    return jax.tree.map(lambda x: x[there], targets)


def learnt(env: AndrewsCurtis, network: Network, targets: Targets, arguments: Arguments) -> Params:
    """A network that has learnt for so long."""
    learner = LearnerConfig(
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        final_learning_rate_fraction=1.0,  # how many updates there will be is not known
        average_decay=0.999,
    )
    config = Config(env="andrews_curtis", network=arguments.network, learner=learner)
    student = make_student(env, network, config, make_mesh(1), jax.random.key(arguments.seed))
    chance = np.random.default_rng(arguments.seed)
    state, updates, spent, loss = student.begin(None, jnp.int32(0)), 0, -1.0, 0.0
    begun = time.process_time()
    while spent < arguments.seconds:
        index = chance.integers(len(targets.weight), size=(UPDATES_AT_ONCE, arguments.batch_size))
        batches = jax.tree.map(lambda x: x[index], targets)  # noqa: B023
        state, metrics = student.fit(state, batches, jnp.int32(updates), jnp.int32(2**30))
        loss = float(metrics["loss/policy"])  # waits until they are done
        if spent < 0:  # compiled
            begun = time.process_time()
        updates += UPDATES_AT_ONCE
        spent = time.process_time() - begun
    print(f"{updates:,} updates in {spent:.0f} s of processor time; policy loss {loss:.3f}")
    return student.acting(state)


def compare(
    env: AndrewsCurtis,
    network: Network,
    params: Params,
    outcomes: dict[int, Outcome],
    levels: Sequence[int],
    arguments: Arguments,
) -> None:
    """A line for each search of what was not shown."""
    search = BestFirst(env, network_evaluator(env, network.apply))
    problems = jax.device_get(instances(env, jnp.array(levels, jnp.int32)))
    verifier = env.verifier()
    for budget in arguments.budgets:
        greedy = {level for level in levels if is_solved(outcomes[level], budget)}
        print(f"{budget:,} popped, greedy search: {len(greedy)}")
        for weight in arguments.heuristic_weights:
            began = time.process_time()
            found = search(params, problems, budget=budget, at_once=8, heuristic_weight=weight)
            solved = set()
            for i, (level, one) in enumerate(zip(levels, found, strict=True)):
                problem = jax.tree.map(lambda x: x[i], problems)  # noqa: B023
                if one.actions is not None:
                    assert verifier.verify(problem, one.actions).value == "accepted"
                    solved.add(level)
            low, high = wilson(len(solved), len(levels))
            print(
                f"{budget:,} evaluations, heuristic weight {weight:g}: {len(solved)} "
                f"({100 * low:.1f} to {100 * high:.1f} %), {len(solved - greedy)} of "
                f"them not solved by greedy search; {time.process_time() - began:.0f} s"
            )


def main() -> None:
    """Searches, learns, searches."""
    arguments = tyro.cli(Arguments, description=__doc__)
    env = AndrewsCurtis(observation=arguments.observation, step_cost=0.005)
    outcomes = search_all("greedy", arguments.greedy, "popped", env.length)
    solutions = {
        level: one.moves
        for level, one in outcomes.items()
        if one.moves is not None and len(one.moves) <= env.max_steps
    }
    levels = [level for level in outcomes if level % SHOWN_OF == 0]
    print(
        f"greedy search, {arguments.greedy:,} popped, solves {len(solutions)} of {len(outcomes)}; "
        f"of the {len(levels)} that are not shown {len(set(levels) & set(solutions))}"
    )
    network = build(arguments.network, env)
    targets = shown(env, {k: v for k, v in solutions.items() if k % SHOWN_OF})
    params = learnt(env, network, targets, arguments)
    compare(env, network, params, outcomes, levels, arguments)


if __name__ == "__main__":
    main()
