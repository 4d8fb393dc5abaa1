"""What search and what practice are worth: the share of known problems that a run solves, by both.

    python -m benchmarks.problem_curves andrews_curtis RUN
    SELFPLAY_DATA=FOLDER python -m benchmarks.problem_curves propositional RUN
    python -m benchmarks.problem_curves equational RUN --budget 1500 --at-once 16 --path-memory 0.7

Problems are searched whole, best-first, on a budget of evaluations, which tells what less of it
would have solved, too. Beside that each is played move by move, never back: by the network's
likeliest action (no simulations), and by searches of a few simulations a move. All this for the
last network and for the untrained one, and with fewer settings for those between, which the run
kept as milestones: the generations of its practice. Only what the environment's verifier accepts
counts. Prints tables, with Wilson's 95 % intervals over problems; `--output FILE` also writes
FILE.json and the picture FILE.png.
"""

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from rich.console import Console

from benchmarks.andrews_curtis import agent as andrews_curtis
from benchmarks.equational import agent as equational
from benchmarks.equational import pairs
from benchmarks.problem_points import Point, budget_table, draw, said, table
from benchmarks.propositional import iltp as propositional
from benchmarks.whole_search import Flags, WholeSearch
from selfplay.agent import Agent
from selfplay.environment.contract import Environment, Problem
from selfplay.environment.verifier import Verdict
from selfplay.evaluation.players import Act, agent_act
from selfplay.files import write_text
from selfplay.networks.build import build
from selfplay.networks.contract import Params
from selfplay.run import checkpoint
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate
from selfplay.search.best_first import BestFirst
from selfplay.search.model import Evaluator, network_evaluator
from selfplay.search.simulation import jit_search
from selfplay_envs.proofs.equational import Equational


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What is measured."""

    problems: tyro.conf.Positional[Literal["andrews_curtis", "propositional", "equational"]]
    run: tyro.conf.Positional[Path]
    simulations: tuple[int, ...] = (0, 8, 32, 128)
    """A move, by the first and the last network; by those between the first two of them."""
    moves: int = 64
    """Of an attempt."""
    search: Flags = dataclasses.field(default=WholeSearch(budget=1_000))
    every: int = 1
    """Only each so many-th problem, of each stratum."""
    output: Path | None = None


ALL = "all"
"""The stratum of problems that are told together."""


@dataclasses.dataclass(frozen=True)
class Group:
    """Problems of one shape."""

    env: Environment[Any]
    evaluator: Evaluator
    problems: dict[str, Problem]
    """Problem [N] of each stratum."""


class Try(NamedTuple):
    """At one problem."""

    is_solved: bool
    evaluations: int


class Player:
    """Plays a group's problems move by move; compiled once for all networks."""

    def __init__(self, env: Environment[Any], act: Act, evaluations: int, moves: int):
        self._env, self._evaluations = env, evaluations
        self._play = jit_search(lambda params, these: played(env, act, params, these, moves))

    def __call__(self, params: Params, problems: Problem) -> list[Try]:
        """Of Problem [N]."""
        actions, ended, solved = map(np.asarray, self._play(params, problems))
        steps = np.where(ended.any(0), ended.argmax(0) + 1, len(ended)).tolist()
        ways = [actions[: steps[i], i].tolist() if done else None for i, done in enumerate(solved)]
        are_solved = accepted(self._env, problems, ways)
        return [
            Try(solved, taken * self._evaluations)
            for solved, taken in zip(are_solved, steps, strict=True)
        ]


def played(
    env: Environment[Any], act: Act, params: Params, problems: Problem, moves: int
) -> tuple[jax.Array, ...]:
    """Actions int32 [moves, N], whether it has ended bool [moves, N], solved bool [N]."""
    state = jax.vmap(env.init)(problems)

    def step(carry: tuple[Any, jax.Array], _: Any):
        state, solved = carry
        keys = jax.random.split(jax.random.key(0), len(solved))  # nothing is drawn by chance
        action, _ = act(params, keys, problems, state)
        after = jax.vmap(env.step)(problems, state, action)
        solved |= after.ended & ~state.ended & jax.vmap(env.solved)(problems, after)
        return (after, solved), (action, after.ended)

    begun = (state, jnp.zeros(state.step_count.shape, jnp.bool_))
    (_, solved), (actions, ended) = jax.lax.scan(step, begun, None, length=moves)
    return actions, ended, solved


def accepted(
    env: Environment[Any], problems: Problem, ways: Sequence[Sequence[int] | None]
) -> list[bool]:
    """Which ways the verifier accepts. Raises RuntimeError if it rejects one."""
    verifier = env.verifier()
    assert verifier is not None
    found = []
    for i, way in enumerate(ways):
        problem = jax.tree.map(lambda x: np.asarray(x)[i], problems)  # noqa: B023
        verdict = None if way is None else verifier.verify(problem, way)
        if verdict is Verdict.REJECTED:
            raise RuntimeError(f"rejected: {env.format_problem(problem)} by {way}")
        found.append(verdict is Verdict.ACCEPTED)
    return found


class Ruler:
    """Measures networks on groups of problems."""

    def __init__(self, agent: Agent, groups: Sequence[Group], arguments: Arguments):
        self._arguments, self._groups = arguments, groups
        self._players = {
            count: [
                Player(
                    group.env,
                    agent_act(group.env, group.evaluator, agent.config.search, count),
                    count + 1,
                    arguments.moves,
                )
                for group in groups
            ]
            for count in arguments.simulations
        }
        self._searches = [BestFirst(group.env, group.evaluator) for group in groups]

    def by_moves(self, iteration: int, params: Params, simulations: int) -> list[Point]:
        """Move by move."""
        found: dict[str, list[Try]] = {}
        for group, player in zip(self._groups, self._players[simulations], strict=True):
            for stratum, problems in group.problems.items():
                found.setdefault(stratum, []).extend(player(params, problems))
        return _points(iteration, simulations, found)

    def whole(self, iteration: int, params: Params) -> list[Point]:
        """Each problem searched whole."""
        options, found = self._arguments.search.options(), dict[str, list[Try]]()
        for group, search in zip(self._groups, self._searches, strict=True):
            for stratum, problems in group.problems.items():
                here = search(params, problems, **options)
                are_solved = accepted(group.env, problems, [one.actions for one in here])
                tries = map(Try, are_solved, (one.evaluations for one in here))
                found.setdefault(stratum, []).extend(tries)
        return _points(iteration, None, found)


def _points(iteration: int, simulations: int | None, found: dict[str, list[Try]]) -> list[Point]:
    return [
        Point(
            stratum,
            iteration,
            simulations,
            count=len(tries),
            evaluations=sum(one.evaluations for one in tries),
            solved_after=sorted(one.evaluations for one in tries if one.is_solved),
        )
        for stratum, tries in found.items()
    ]


def groups_of(agent: Agent, arguments: Arguments) -> list[Group]:
    """The problems, and how the agent's networks look at them."""
    if arguments.problems == "andrews_curtis":
        levels = jnp.arange(0, andrews_curtis.COUNT, arguments.every, dtype=jnp.int32)
        problems = jax.device_get(andrews_curtis.instances(agent.env, levels))
        return [Group(agent.env, agent.evaluator, {ALL: problems})]
    if arguments.problems == "equational":
        settings = equational.Arguments()
        env = Equational(size=settings.size, max_steps=settings.max_steps)
        problems = {
            stratum: stacked(
                [env.parse_problem(f"E{a} ⊢ E{b}") for a, b in there[:: arguments.every]]
            )
            for stratum, there in pairs.read().items()
            if stratum != pairs.FALSE
        }
        return [Group(env, evaluator_at(env, agent), problems)]
    theorems = [one for one in propositional.read(128) if one.is_theorem][:: arguments.every]
    return [
        Group(env, evaluator_at(env, agent), {ALL: stacked(tables)})
        for _, env, tables in propositional.by_size(theorems, agent, max_steps=512)
    ]


def evaluator_at(env: Environment[Any], agent: Agent) -> Evaluator:
    """The agent's kind of network, at the size of an environment."""
    return network_evaluator(env, build(agent.config.network, env).apply)


def stacked(problems: Sequence[Problem]) -> Problem:
    """Problem [N]."""
    return jax.tree.map(lambda *rows: np.stack(rows), *problems)


def measure(arguments: Arguments) -> list[Point]:
    """All points, told as they come."""
    console = Console(width=100)
    folder = RunDirectory(locate(arguments.run))
    last = Agent.load(arguments.run)
    kept = {int(path.name) for path in checkpoint.available(folder.milestones)}
    ruler = Ruler(last, groups_of(last, arguments), arguments)
    points = list[Point]()
    for iteration in sorted({0, last.iteration} | kept):
        params = Agent.load(arguments.run, iteration).params
        is_end = iteration in (0, last.iteration)
        here = ruler.whole(iteration, params)
        for count in arguments.simulations if is_end else arguments.simulations[:2]:
            here += ruler.by_moves(iteration, params, count)
        for point in here:
            console.print(said(point, arguments.search.budget))
        points += here
    return points


def main() -> None:
    """Measures, prints, writes."""
    arguments = tyro.cli(Arguments, description=__doc__)
    began = time.process_time()
    points = measure(arguments)
    console = Console(width=100)
    console.print(table(points, arguments.search.budget))
    console.print(budget_table(points, arguments.search.budget))
    console.print(f"{time.process_time() - began:.0f} s of processor time")
    if arguments.output is not None:
        rows = [dataclasses.asdict(point) for point in points]
        write_text(arguments.output.with_suffix(".json"), json.dumps(rows, indent=1) + "\n")
        draw(points, arguments.search.budget, arguments.output.with_suffix(".png"))


if __name__ == "__main__":
    main()
