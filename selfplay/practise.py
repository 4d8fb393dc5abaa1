"""Practice before one hard problem: a run's network trains further on problems like it.

AlphaProof does so at test time (T. Hubert et al. 2025, "Olympiad-level formal mathematical
reasoning with reinforcement learning", Nature: Test-Time RL). The run that lends its network stays
as it is; the practice is a run of its own, to be looked at, and to be gone on with.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from selfplay.agent import Agent
from selfplay.config import Config, GuardsConfig
from selfplay.environment.contract import Problem
from selfplay.environment.neighbourhood import Neighbourhood, neighbours_of
from selfplay.networks.contract import Params
from selfplay.run import directory
from selfplay.run.directory import RunDirectory
from selfplay.run.metrics import Watcher, read
from selfplay.run.solutions import read_solutions
from selfplay.run.solver import without_idle
from selfplay.train import train

WARMUP_UPDATES = 20
"""At most: the network is no beginner, and the practice is short."""

KEPT = 2
"""Checkpoints, and milestones."""

Watch = Callable[[Config], contextlib.AbstractContextManager[Watcher]]
"""From the practice's settings to who is told of each iteration, such as a `LiveView`."""


@dataclasses.dataclass(frozen=True)
class Practice:
    """How a network practised."""

    problems: int
    """Different ones, the hard one among them."""
    updates: int
    """Of the network; none where the time was too short to learn from what was played."""
    seconds: float
    """Time that it took, compilation included."""
    run: Path
    """The practice's own folder, with the practised network."""
    solution: tuple[int, ...] | None
    """Of the hard problem, if a game or a search of the practice solved it."""


def practise(
    agent: Agent,
    problem: str,
    *,
    minutes: float,
    run: Path | None = None,
    watch: Watch | None = None,
) -> tuple[Params, Practice]:
    """The agent's network after so many minutes of training on neighbours of one problem.

    A first Ctrl-C ends the practice: what was learnt until then counts.

    Args:
        agent: of a run.
        problem: as its environment writes it.
        minutes: of training.
        run: the practice's own folder, by default `runs/practice-ENV-DATE-TIME`.
        watch: who is told how it goes.

    Raises:
        ValueError: the environment knows of no neighbours, or a setting does not fit.
    """
    config = settings(agent.config, problem, minutes)
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        watchers = [] if watch is None else [stack.enter_context(watch(config))]
        path = train(config, run=run, params=agent.params, watchers=watchers)
    practised = Agent.load(path)
    assert isinstance(practised.env, Neighbourhood)
    drawn = sum(row["buffer/rows_drawn"] for row in read(RunDirectory(path).metrics))
    solved = read_solutions(RunDirectory(path).solutions).get(problem)
    practice = Practice(
        problems=practised.env.num_neighbours,
        updates=int(drawn) // config.learner.batch_size,
        seconds=time.monotonic() - begun,
        run=path,
        solution=solved.actions if solved else None,
    )
    return practised.params, practice


def refuse_practice(agent: Agent, problem: Problem, minutes: float) -> None:
    """Raises ValueError as `practise` would, before anything takes long."""
    directory.refuse_taken(directory.default_path(settings(agent.config, "", minutes)))
    neighbours_of(agent.env, problem, 2)


def settings(config: Config, problem: str, minutes: float) -> Config:
    """A run's settings, changed to practise for one problem.

    Raises ValueError if it is a practice already, or for less than the least number of minutes.
    """
    if config.env.startswith("practice:"):
        raise ValueError(
            "this network has practised for one problem already; to go on with that: "
            "selfplay resume RUN --minutes MINUTES"
        )
    learner, checkpoint, replay = config.learner, config.checkpoint, config.replay
    warmup = min(learner.warmup_updates, WARMUP_UPDATES)
    min_rows = min(replay.min_rows, learner.batch_size)
    return dataclasses.replace(
        config,
        env=f"practice:{config.env}",
        env_args=config.env_args | {"problem": problem},
        minutes=minutes,
        iterations=None,
        practice=without_idle(config.practice),
        replay=dataclasses.replace(replay, min_rows=min_rows),
        learner=dataclasses.replace(learner, warmup_updates=warmup),
        checkpoint=dataclasses.replace(checkpoint, keep=KEPT, milestones=KEPT),
        guards=GuardsConfig(),  # that few problems begin alike is no alarm
    )
