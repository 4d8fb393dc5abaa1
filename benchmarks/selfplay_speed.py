"""How fast is the whole self-play loop, beside pgx's published AlphaZero recipe?

    python benchmarks/selfplay_speed.py --output speed.md

Moves per second of search, rules, network and new games for those that end, scanned under one
jit, on Connect Four, with the same network and simulations on both sides: our `Rollout` with our
search, and pgx's rules with mctx's Gumbel search as in `pgx_recipe.py`. Value targets are made
inside the clock too, on both sides. Ours runs as `selfplay train` does, on a device a core; pgx's
recipe as published, on what JAX makes of a processor, one.

Both sides begin in the same positions, after random moves. Everything compiles first; then the
two take turns, and each carries its games on from run to run. Rates are medians, and the ratio is
given with its range over the pairs. The network's share is the time that it takes alone, for as
many evaluations of the whole batch on one device, beside the loop's; where ours runs on several,
its share can be more than all.
"""

import dataclasses
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from selfplay import sharding

if "--one-device" not in sys.argv:
    sharding.spread_over_cores(256)  # before pgx's import, which uses JAX

import pgx
import tyro
from pgx_recipe import SelfPlay, as_pgx_sees, play_both, where, with_outcomes

from selfplay.agent import Agent
from selfplay.config import NetworkConfig, RolloutConfig, SearchConfig
from selfplay.environment import Environment, make
from selfplay.environment.registry import preset
from selfplay.networks.build import build
from selfplay.networks.contract import Apply, Params
from selfplay.operators.rollout import Games, Rollout
from selfplay.operators.search import Search
from selfplay.search.engine import COMPILER_OPTIONS
from selfplay.search.model import network_evaluator

NetworkName = Literal["convolutional", "preset"]
GOALS: dict[tuple[str, int], float] = {
    ("convolutional", 32): 1.1,
    ("convolutional", 400): 3.0,
    ("preset", 32): 1.5,
    ("preset", 400): 10.0,
}
"""How many times as fast we mean to be."""
EVALUATIONS = 200
"""Of the network alone, in one run."""
Play = Callable[[Params, jax.Array, Any], tuple[Any, Any]]
"""`(params, key, games) -> (games, targets)`."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    simulations: tuple[int, ...] = (32, 400)
    networks: tuple[NetworkName, ...] = ("convolutional", "preset")
    """convolutional: our resnet of width 16 and depth 1; preset: Connect Four's preset's."""
    batch: int = 256
    """Games at once."""
    plies: int = 60
    """Random moves in each game before the clock, so that games are at all stages."""
    pairs: int = 5
    """Paired runs."""
    seconds: float = 3.0
    """Of a run of the slower side, about; at least one move in each game."""
    run: Path | None = None
    """A trained run on Connect Four, whose network takes the preset's place on both sides."""
    one_device: bool = False
    """All cores as one device on our side too; `selfplay train` makes a device of each."""
    same_options: bool = False
    """Give pgx's side our compiler options too."""
    seed: int = 0
    output: Path | None = None
    """A file for the table."""


class Case(NamedTuple):
    """A network and what it plays with."""

    name: str
    apply: Apply
    params: Params
    simulations: int
    batch: int
    peer_options: dict[str, Any]


@dataclasses.dataclass
class Side:
    """Something that takes turns, with its games."""

    play: Play
    params: Params
    games: Any
    runs: int = 0

    def seconds(self) -> float:
        """Of one run; the first one compiles."""
        key = jax.block_until_ready(jax.random.key(self.runs))
        begin = time.perf_counter()
        self.games, _ = jax.block_until_ready(self.play(self.params, key, self.games))
        self.runs += 1
        return time.perf_counter() - begin


def ours(env: Environment[Any], case: Case, steps: int, state: Any) -> Side:
    """Our rollout with our search, from State [B]."""
    search = SearchConfig(
        policy="gumbel", num_simulations=case.simulations, max_considered_actions=16
    )
    operator = Search(env, network_evaluator(env, case.apply), search)
    config = RolloutConfig(num_games=case.batch, steps_per_iteration=steps)
    rollout = Rollout(env, operator, config)

    def play(params: Params, key: jax.Array, games: Any) -> tuple[Any, Any]:
        games, targets, *_ = rollout.play(params, key, games, jnp.int32(0))
        return games, targets

    index = jnp.arange(case.batch, dtype=jnp.int32)
    games = rollout.init(case.params, jax.random.key(0), index).replace(state=state)
    split: Any = sharding.SPLIT
    pending: Any = sharding.SPLIT_SECOND
    specs = Games(index=split, problem=split, state=split, standing=None, pending=pending)
    inputs = (sharding.REPLICATED, sharding.REPLICATED, specs)
    spread = sharding.over_devices(sharding.make_mesh(), play, inputs, (specs, split))
    return Side(jax.jit(spread, compiler_options=COMPILER_OPTIONS), case.params, games)


def theirs(peer: pgx.Env, case: Case, steps: int, state: Any) -> Side:
    """The recipe's self-play, from pgx.State [B]."""
    selfplay = SelfPlay(peer, case.apply, case.simulations)

    def play(params: Params, key: jax.Array, state: Any) -> tuple[Any, Any]:
        state, played = selfplay.play(params, key, state, steps)
        return state, with_outcomes(played)

    return Side(jax.jit(play, compiler_options=case.peer_options), case.params, state)


def alone(case: Case, observation: jax.Array, options: dict[str, Any]) -> Side:
    """The network without the loop, on the batch [B, 6, 7, 2], `EVALUATIONS` times."""

    def play(params: Params, key: jax.Array, observation: jax.Array) -> tuple[Any, Any]:
        del key

        def evaluate(observation: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
            logits, value = case.apply(params, observation)
            # Another order each time, or the compiler would evaluate once.
            return jnp.roll(observation, 1, axis=0), logits.sum() + value.sum()

        return jax.lax.scan(evaluate, observation, None, length=EVALUATIONS)

    return Side(jax.jit(play, compiler_options=options), case.params, observation)


class Result(NamedTuple):
    """What was measured of a case."""

    case: Case
    steps: int
    rates: tuple[float, float]
    """Moves per second, ours and pgx's."""
    ratios: list[float]
    """How many times as fast we are, by pair, sorted."""
    shares: tuple[float, float]
    """The network's, of our time and of pgx's, medians."""

    @property
    def ratio(self) -> float:
        """Median of the ratios."""
        return statistics.median(self.ratios)


def measure(case: Case, env: Environment[Any], peer: pgx.Env, arguments: Arguments) -> Result:
    """Both sides in turn."""
    key = jax.random.key(arguments.seed)
    state, peer_state = play_both(env, peer, key, case.batch, arguments.plies)

    def sides(steps: int) -> tuple[Side, Side]:
        pair = ours(env, case, steps, state), theirs(peer, case, steps, peer_state)
        for side in pair:
            side.seconds()  # compiles
            side.seconds()  # again, now that its games lie on its devices
        return pair

    slowest = max(side.seconds() for side in sides(1))
    steps = max(1, round(arguments.seconds / slowest))
    loops = sides(steps)
    observation = jax.vmap(lambda s: as_pgx_sees(env, s))(state)
    lone = [alone(case, observation, o) for o in (COMPILER_OPTIONS, case.peer_options)]
    for side in lone:
        side.seconds()
    times, shares = [], []
    for i in range(arguments.pairs):
        order = (0, 1) if i % 2 == 0 else (1, 0)
        took = {j: loops[j].seconds() for j in order}
        times.append((took[0], took[1]))
        evaluations = steps * (case.simulations + 1) / EVALUATIONS
        shares.append([evaluations * lone[j].seconds() / took[j] for j in (0, 1)])
        print(f"  {steps} moves in {took[0]:.2f} s, pgx {took[1]:.2f} s", flush=True)
    moves = steps * case.batch
    rates = [moves / statistics.median(side) for side in zip(*times, strict=True)]
    medians = [statistics.median(side) for side in zip(*shares, strict=True)]
    return Result(
        case=case,
        steps=steps,
        rates=(rates[0], rates[1]),
        ratios=sorted(theirs_s / ours_s for ours_s, theirs_s in times),
        shares=(medians[0], medians[1]),
    )


def cases(env: Environment[Any], arguments: Arguments) -> list[Case]:
    """Every network with every number of simulations."""
    options = COMPILER_OPTIONS if arguments.same_options else {}
    found = []
    for name in arguments.networks:
        apply, params = network(name, env, arguments)
        for simulations in arguments.simulations:
            found.append(Case(name, apply, params, simulations, arguments.batch, options))
    return found


def network(name: NetworkName, env: Environment[Any], arguments: Arguments) -> tuple[Apply, Params]:
    """A network at float32 with fresh parameters, or those of a run."""
    config = NetworkConfig(kind="resnet", width=16, depth=1)
    trained = None
    if name == "preset":
        config = preset("connect_four").network
        trained = None if arguments.run is None else Agent.load(arguments.run)
    if trained is not None:
        if trained.config.env != "connect_four" or trained.config.env_args:
            raise SystemExit(f"{arguments.run} is no run on the standard Connect Four")
        config = trained.config.network
    built = build(dataclasses.replace(config, dtype="float32"), env)
    params = built.init(jax.random.key(arguments.seed)) if trained is None else trained.params
    return built.apply, params


def row(result: Result) -> str:
    """A line of the table."""
    ratios = result.ratios
    return (
        f"| {result.case.name} | {result.case.simulations} "
        f"| {result.rates[0]:,.0f} | {result.rates[1]:,.0f} "
        f"| {result.ratio:.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) "
        f"| {100 * result.shares[0]:.0f} % | {100 * result.shares[1]:.0f} % | {result.steps} |"
    )


def goal(result: Result) -> str:
    """Whether a goal holds."""
    wanted = GOALS.get((result.case.name, result.case.simulations))
    what = f"- {result.case.name}, {result.case.simulations} simulations: {result.ratio:.2f} times"
    if wanted is None:
        return f"{what}, no goal"
    return f"{what}, goal {wanted:g}: {'holds' if result.ratio >= wanted else 'missed'}"


def report(results: list[Result], arguments: Arguments) -> str:
    """The table and the goals, as Markdown."""
    parameters = "fresh" if arguments.run is None else f"of {arguments.run.name}"
    options = "our" if arguments.same_options else "no"
    devices = 1 if arguments.one_device else jax.device_count()
    return "\n".join(
        [
            ", ".join(f"{name} {value}" for name, value in where().items()),
            "",
            f"{arguments.batch} games at once, {arguments.pairs} pairs; parameters of the preset's "
            f"network {parameters}; {devices} device(s) on our side, one on pgx's, with {options} "
            "compiler options.",
            "",
            "| network | simulations | ours, moves/s | pgx, moves/s | times as fast "
            "| network's share, ours | network's share, pgx | moves a game and run |",
            "|---|---|---|---|---|---|---|---|",
            *map(row, results),
            "",
            *map(goal, results),
            "",
        ]
    )


def main() -> None:
    """Measures case by case."""
    arguments = tyro.cli(Arguments)
    jax.config.update("jax_enable_compilation_cache", False)
    env, peer = make("connect_four"), pgx.make("connect_four")
    results = []
    for case in cases(env, arguments):
        print(f"{case.name}, {case.simulations} simulations", flush=True)
        results.append(measure(case, env, peer, arguments))
        print(f"  {results[-1].ratio:.2f} times as fast", flush=True)
        jax.clear_caches()
    text = report(results, arguments)
    print(f"\n{text}", end="")
    if arguments.output is not None:
        arguments.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
