"""What search and what practice are worth: the share of known problems that a run solves, by both.

    python -m benchmarks.problem_curves andrews_curtis RUN
    SELFPLAY_DATA=FOLDER python -m benchmarks.problem_curves propositional RUN

Problems are played move by move, never back: by the network's likeliest action (no simulations),
and by searches of a few simulations a move. Beside that each is searched whole, best-first, on a
budget of evaluations. All this for the last network and for the untrained one, and with fewer
settings for those between, which the run kept as milestones: the generations of its practice.
Only what the environment's verifier accepts counts. Prints a table, with Wilson's 95 % intervals
over problems; `--output FILE` also writes FILE.json and the picture FILE.png.
"""

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.andrews_curtis import agent as andrews_curtis
from benchmarks.propositional import iltp as propositional
from benchmarks.whole_search import Flags, WholeSearch
from selfplay.agent import Agent
from selfplay.environment.contract import Environment, Problem
from selfplay.environment.verifier import Verdict
from selfplay.evaluation.arena import wilson
from selfplay.evaluation.players import Act, agent_act
from selfplay.files import write_text
from selfplay.networks.contract import Params
from selfplay.run import checkpoint
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate
from selfplay.search.best_first import BestFirst
from selfplay.search.model import Evaluator
from selfplay.search.simulation import jit_search


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What is measured."""

    problems: tyro.conf.Positional[Literal["andrews_curtis", "propositional"]]
    run: tyro.conf.Positional[Path]
    simulations: tuple[int, ...] = (0, 8, 32, 128)
    """A move, by the first and the last network; by those between the first two of them."""
    moves: int = 64
    """Of an attempt."""
    search: Flags = dataclasses.field(default=WholeSearch(budget=1_000))
    every: int = 1
    """Only each so many-th problem."""
    output: Path | None = None


@dataclasses.dataclass(frozen=True)
class Group:
    """Problems of one shape."""

    env: Environment[Any]
    evaluator: Evaluator
    problems: Problem
    """Problem [N]."""


@dataclasses.dataclass(frozen=True)
class Point:
    """One number of the curves."""

    iteration: int
    """Of the network; 0 is the untrained one."""
    simulations: int | None
    """A move; None: searched whole."""
    solved: int
    count: int
    evaluations: int
    """Of all problems together."""


class Player:
    """Plays a group's problems move by move; compiled once for all networks."""

    def __init__(self, group: Group, act: Act, evaluations: int, moves: int):
        self._group, self._evaluations = group, evaluations
        self._play = jit_search(lambda params: played(group, act, params, moves))

    def __call__(self, params: Params) -> tuple[list[bool], int]:
        """Which are solved, and evaluations of all."""
        actions, ended, solved = map(np.asarray, self._play(params))
        steps = np.where(ended.any(0), ended.argmax(0) + 1, len(ended))
        ways = [actions[: steps[i], i].tolist() if done else None for i, done in enumerate(solved)]
        return accepted(self._group, ways), int(steps.sum()) * self._evaluations


def played(group: Group, act: Act, params: Params, moves: int) -> tuple[jax.Array, ...]:
    """Actions int32 [moves, N], whether it has ended bool [moves, N], solved bool [N]."""
    env, problems = group.env, group.problems
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


def accepted(group: Group, ways: Sequence[Sequence[int] | None]) -> list[bool]:
    """Which ways the verifier accepts. Raises RuntimeError if it rejects one."""
    verifier = group.env.verifier()
    assert verifier is not None
    found = []
    for i, way in enumerate(ways):
        problem = jax.tree.map(lambda x: np.asarray(x)[i], group.problems)  # noqa: B023
        verdict = None if way is None else verifier.verify(problem, way)
        if verdict is Verdict.REJECTED:
            raise RuntimeError(f"rejected: {group.env.format_problem(problem)} by {way}")
        found.append(verdict is Verdict.ACCEPTED)
    return found


class Ruler:
    """Measures networks on groups of problems."""

    def __init__(self, agent: Agent, groups: Sequence[Group], arguments: Arguments):
        self._arguments = arguments
        self._players = {
            count: [
                Player(
                    group,
                    agent_act(group.env, group.evaluator, agent.config.search, count),
                    count + 1,
                    arguments.moves,
                )
                for group in groups
            ]
            for count in arguments.simulations
        }
        self._searches = [(group, BestFirst(group.env, group.evaluator)) for group in groups]

    def by_moves(self, iteration: int, params: Params, simulations: int) -> Point:
        """Move by move."""
        found = [player(params) for player in self._players[simulations]]
        return _point(iteration, simulations, found)

    def whole(self, iteration: int, params: Params) -> Point:
        """Each problem searched whole."""
        arguments, found = self._arguments, []
        for group, search in self._searches:
            of_group = search(params, group.problems, **arguments.search.options())
            ways = [one.actions for one in of_group]
            found.append((accepted(group, ways), sum(one.evaluations for one in of_group)))
        return _point(iteration, None, found)


def _point(
    iteration: int, simulations: int | None, found: Sequence[tuple[list[bool], int]]
) -> Point:
    solved = [one for group, _ in found for one in group]
    return Point(iteration, simulations, sum(solved), len(solved), sum(n for _, n in found))


def groups_of(agent: Agent, arguments: Arguments) -> list[Group]:
    """The problems, and how the agent's networks look at them."""
    if arguments.problems == "andrews_curtis":
        levels = jnp.arange(0, andrews_curtis.COUNT, arguments.every, dtype=jnp.int32)
        problems = jax.device_get(andrews_curtis.instances(agent.env, levels))
        return [Group(agent.env, agent.evaluator, problems)]
    theorems = [one for one in propositional.read(128) if one.is_theorem][:: arguments.every]
    return [
        Group(env, propositional.guess(env, agent)[0], propositional.stacked(tables))
        for _, env, tables in propositional.by_size(theorems, agent, max_steps=512)
    ]


def measure(arguments: Arguments) -> list[Point]:
    """All points, told as they come."""
    console = Console(width=100)
    folder = RunDirectory(locate(arguments.run))
    last = Agent.load(arguments.run)
    kept = {int(path.name) for path in checkpoint.available(folder.milestones)}
    ruler = Ruler(last, groups_of(last, arguments), arguments)
    points = []
    for iteration in sorted({0, last.iteration} | kept):
        params = Agent.load(arguments.run, iteration).params
        is_end = iteration in (0, last.iteration)
        counts = arguments.simulations if is_end else arguments.simulations[:2]
        points.append(ruler.whole(iteration, params))
        points += [ruler.by_moves(iteration, params, count) for count in counts]
        for point in points[-1 - len(counts) :]:
            console.print(said(point, arguments))
    return points


def said(point: Point, arguments: Arguments) -> str:
    """As a line."""
    how = (
        f"{arguments.search.budget:,} evaluations, whole"
        if point.simulations is None
        else (f"{point.simulations} simulations a move")
    )
    return f"iteration {point.iteration}, {how}: {point.solved} of {point.count}"


def table(points: Sequence[Point], arguments: Arguments) -> Table:
    """A row for each network."""
    columns = [None, *arguments.simulations]
    heads = [f"whole, {arguments.search.budget:,}", *(f"{n} a move" for n in arguments.simulations)]
    drawn = Table("iteration", *heads, title=f"solved of {points[0].count} (%, 95 % interval)")
    for iteration in sorted({point.iteration for point in points}):
        here = {point.simulations: point for point in points if point.iteration == iteration}
        drawn.add_row(str(iteration), *(_cell(here[n]) if n in here else "" for n in columns))
    return drawn


def _cell(point: Point) -> str:
    low, high = wilson(point.solved, point.count)
    return f"{point.solved} ({100 * low:.0f}–{100 * high:.0f})"


def draw(points: Sequence[Point], arguments: Arguments, path: Path) -> None:
    """By generation, and by simulations."""
    from selfplay.display.picture import empty_figure

    figure = empty_figure(10, 4)
    left, right = figure.subplots(1, 2, sharey=True)
    for simulations in (None, *arguments.simulations[:2]):
        line = [point for point in points if point.simulations == simulations]
        name = (
            f"whole, {arguments.search.budget:,}"
            if simulations is None
            else f"{simulations} a move"
        )
        _line(left, [point.iteration for point in line], line, name)
    left.set(title="by generation of practice", xlabel="iterations", ylabel="solved, %")
    ends = (0, max(point.iteration for point in points))
    for iteration, name in zip(ends, ("untrained", "trained"), strict=True):
        line = [p for p in points if p.iteration == iteration and p.simulations is not None]
        places = [str(point.simulations) for point in line]
        _line(right, places, line, name)
    right.set(title="by simulations a move", xlabel="simulations (0: the policy alone)")
    for axis in (left, right):
        axis.legend()
        axis.grid(alpha=0.3)
        axis.set_ylim(bottom=0)
    figure.savefig(path, dpi=120)


def _line(axis: Any, places: Sequence[Any], points: Sequence[Point], name: str) -> None:
    shares = [100 * point.solved / point.count for point in points]
    bounds = [wilson(point.solved, point.count) for point in points]
    (line,) = axis.plot(places, shares, marker="o", label=name)
    low, high = zip(*((100 * a, 100 * b) for a, b in bounds), strict=True)
    axis.fill_between(places, low, high, alpha=0.15, color=line.get_color())


def main() -> None:
    """Measures, prints, writes."""
    arguments = tyro.cli(Arguments, description=__doc__)
    began = time.process_time()
    points = measure(arguments)
    console = Console(width=100)
    console.print(table(points, arguments))
    console.print(f"{time.process_time() - began:.0f} s of processor time")
    if arguments.output is not None:
        rows = [dataclasses.asdict(point) for point in points]
        write_text(arguments.output.with_suffix(".json"), json.dumps(rows, indent=1) + "\n")
        draw(points, arguments, arguments.output.with_suffix(".png"))


if __name__ == "__main__":
    main()
