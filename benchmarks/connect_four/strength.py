"""How strong is a Connect Four agent, beside perfect play?

    SELFPLAY_DATA=FOLDER python -m benchmarks.connect_four.strength runs/connect_four

Four questions, each written to RUN/strength.json as soon as it is answered:

- exact: which share of its moves keeps the value of 1,500 solved positions?
- signs: of all positions after 8 plies that are not draws and in which no move is forced (J.
  Tromp's, 61,108 of 67,557), how often does its value have the right sign? Always "win" is right
  in 73 %.
- mcts: how many games does it not lose against tree search with random playouts?
- perfect: how often does it win, as it should, when it begins against a perfect opponent?

Noise is off, so in the last two only openings and opponents vary.
"""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.connect_four import opening
from benchmarks.connect_four.board import COLUMNS, ROWS, STRIDE, Position
from benchmarks.connect_four.perfect import Games, PerfectOpponent, play_games
from benchmarks.connect_four.solver import Solver
from selfplay import __version__
from selfplay.agent import Agent
from selfplay.environment import Environment
from selfplay.evaluation import opponents
from selfplay.evaluation.arena import MatchResult, match, wilson
from selfplay.evaluation.exact import ExactScore, judge
from selfplay.evaluation.players import Player, agent_act
from selfplay.files import write_text
from selfplay.search.simulation import jit_search

PARTS = ("exact", "signs", "mcts", "perfect")


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    run: tyro.conf.Positional[Path]
    """The run's folder."""
    parts: tuple[str, ...] = PARTS
    """Which questions to answer."""
    simulations: tuple[int, ...] = (0, 16, 64, 256)
    """For solved positions; 0 is the network alone."""
    sign_simulations: tuple[int, ...] = (0, 64)
    """For the signs of values."""
    mcts_player: int = 256
    """The agent's simulations against pure MCTS."""
    mcts_simulations: int = 1000
    mcts_games: int = 200
    """From openings of 0 to 6 random plies, and again as many from the empty board."""
    perfect_player: tuple[int, ...] = (64, 256)
    """The agent's simulations against the perfect opponent."""
    perfect_games: int = 100
    seed: int = 0
    iteration: int | None = None
    """Which checkpoint, by default the newest."""
    output: Path | None = None
    """By default RUN/strength.json."""


def main() -> None:
    """Answers, one question after the other."""
    arguments = tyro.cli(Arguments, description=__doc__)
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        raise SystemExit(f"parts must be among {', '.join(PARTS)}, got {', '.join(unknown)}")
    try:
        judge_run(arguments)
    except ValueError as error:
        raise SystemExit(f"error: {error}") from None


def judge_run(arguments: Arguments) -> None:
    """Prints a table and writes figures for each question."""
    console = Console(width=100)
    agent = Agent.load(arguments.run, arguments.iteration)
    if agent.config.env != "connect_four" or agent.env.solved_positions() is None:
        raise ValueError(
            f"a run of connect_four with {ROWS} rows, {COLUMNS} columns and 4 in a row is needed, "
            f"got {agent.config.env} with {agent.config.env_args}"
        )
    opening.read_book()  # missing data should be missed now, not after minutes
    figures: dict[str, Any] = {
        "iteration": agent.iteration,
        "seed": arguments.seed,
        "selfplay": __version__,
        "jax": jax.__version__,
        "device": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
    }
    output = arguments.output or arguments.run / "strength.json"
    answer = {"exact": exact, "signs": signs, "mcts": mcts, "perfect": perfect}
    for part in PARTS:
        if part not in arguments.parts:
            continue
        begin = time.monotonic()
        figures[part] = answer[part](agent, arguments, console)
        console.print(f"{time.monotonic() - begin:.0f} s\n", style="dim")
        write_text(output, json.dumps(figures, indent=2) + "\n")
    console.print(f"written to {output}")


def exact(agent: Agent, arguments: Arguments, console: Console) -> dict[str, Any]:
    """Moves that keep the value of solved positions."""
    solved = agent.env.solved_positions()
    assert solved is not None
    scores: dict[int, ExactScore] = {}
    for count in console_progress(console, "solved positions", arguments.simulations):
        scores[count] = judge(_act(agent, count), agent.params, solved)
    table = Table(title=f"Moves that keep the value, % of {solved.bucket.shape[0]:,} positions")
    for name in ("simulations", *solved.bucket_names, "mean", "mean of critical ones"):
        table.add_column(name, justify="right")
    for count, score in scores.items():
        shares = [bucket.kept / bucket.positions for bucket in score.buckets]
        table.add_row(str(count), *map(_percent, (*shares, score.kept, score.critical_kept)))
    console.print(table)
    return {
        str(count): dataclasses.asdict(score)
        | {"kept": score.kept, "critical_kept": score.critical_kept}
        for count, score in scores.items()
    }


def signs(agent: Agent, arguments: Arguments, console: Console) -> dict[str, Any]:
    """Right signs of the value on decided positions after 8 plies."""
    path = opening.find_file()
    assert path is not None
    positions, scores = opening.read_positions(path)
    decided = np.flatnonzero(scores)
    states = to_states(agent.env, [positions[i] for i in decided])
    truth = np.sign(scores)[decided]
    table = Table(title=f"Values of the right sign, % of {len(truth):,} decided positions, 8 plies")
    for name in ("simulations", "all", "won", "lost"):
        table.add_column(name, justify="right")
    figures = {}
    for count in console_progress(console, "signs", arguments.sign_simulations):
        right = np.sign(values_of(_act(agent, count), agent.params, states)) == truth
        shares = right.mean(), right[truth > 0].mean(), right[truth < 0].mean()
        figures[str(count)] = dict(zip(("all", "won", "lost"), map(float, shares), strict=True))
        table.add_row(str(count), *map(_percent, shares))
    console.print(table)
    return {"positions": len(truth), "always_win": float((truth > 0).mean())} | figures


def mcts(agent: Agent, arguments: Arguments, console: Console) -> dict[str, Any]:
    """Games against pure MCTS, colours balanced."""
    count = arguments.mcts_player
    act = agent_act(agent.env, agent.evaluator, agent.config.search, count)
    player = Player(f"agent, {count} simulations", act, agent.params)
    rival = Player(
        f"pure MCTS, {arguments.mcts_simulations:,} simulations",
        opponents.pure_mcts(agent.env, arguments.mcts_simulations),
    )
    table = Table(title=f"{player.name}, against {rival.name}")
    for name in (
        "opening",
        "games",
        "won",
        "drawn",
        "lost",
        "not lost, % (95 %)",
        "begins",
        "follows",
    ):
        table.add_column(name, justify="right")
    figures: dict[str, Any] = {
        "agent_simulations": count,
        "simulations": arguments.mcts_simulations,
    }
    for plies in console_progress(console, "pure MCTS, opening plies up to", (6, 0)):
        result = match(
            agent.env,
            player,
            rival,
            num_games=arguments.mcts_games,
            seed=arguments.seed,
            max_opening_plies=plies,
        )
        name = f"0 to {plies} random plies" if plies else "empty board"
        table.add_row(name, *_match_cells(result))
        figures[name] = dataclasses.asdict(result) | {"not_lost": result.not_lost}
    console.print(table)
    return figures


def perfect(agent: Agent, arguments: Arguments, console: Console) -> dict[str, Any]:
    """Games as the first player against a perfect opponent."""
    solver = Solver(opening.read_book())
    table = Table(title="As first player against a perfect opponent, which can only lose")
    for name in (
        "replies",
        "simulations",
        "games",
        "distinct",
        "won",
        "drawn",
        "lost",
        "won, % (95 %)",
    ):
        table.add_column(name, justify="right")
    figures = {}
    for replies in ("best", "any"):
        opponent = PerfectOpponent(solver, replies)
        for count in arguments.perfect_player:
            player = Player("agent", _act(agent, count), agent.params)
            with console.status("") as status:
                games = play_games(
                    agent.env,
                    player,
                    opponent,
                    num_games=arguments.perfect_games,
                    seed=arguments.seed,
                    progress=lambda ply, running, words=f"{replies} replies, {count}": (
                        status.update(f"{words} simulations: ply {ply}, {running} games running")
                    ),
                )
            table.add_row(replies, str(count), *_games_cells(games))
            figures[f"{replies}, {count}"] = dataclasses.asdict(games)
    console.print(table)
    return figures


def to_states(env: Environment, positions: list[Position]) -> Any:
    """State [N] of the environment from positions of one ply."""
    ply = positions[0].ply
    boards = np.array([(p.mover, p.mover ^ p.stones) for p in positions], np.uint64)
    rows = np.arange(ROWS - 1, -1, -1, dtype=np.uint64)  # the environment's row 0 is the top
    columns = np.arange(COLUMNS, dtype=np.uint64)
    squares = rows[:, None] + np.uint64(STRIDE) * columns
    bits = (boards[..., None, None] >> squares & np.uint64(1)).astype(np.uint8)
    start = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(positions), *x.shape)), env.init(()))
    return start.replace(
        stones=jnp.asarray((bits << columns.astype(np.uint8)).sum(-1, dtype=np.uint8)),
        current_player=jnp.full_like(start.current_player, ply % 2),
        step_count=jnp.full_like(start.step_count, ply),
    )


def values_of(act: Any, params: Any, states: Any, batch_size: int = 2048) -> np.ndarray:
    """float32 [N]: the values that a player (its `act` jitted) claims of State [N]."""
    count = states.step_count.shape[0]
    keys = jax.random.split(jax.random.key(0), batch_size)
    values = []
    for start in range(0, count, batch_size):
        index = jnp.arange(start, start + batch_size) % count  # the last batch wraps around
        batch = jax.tree.map(lambda x, i=index: x[i], states)
        values.append(np.asarray(act(params, keys, (), batch)[1]))
    return np.concatenate(values)[:count]


def console_progress(console: Console, title: str, items: tuple[int, ...]):
    """The items, each shown while it is worked on."""
    for item in items:
        with console.status(f"{title}: {item}"):
            yield item


def _act(agent: Agent, num_simulations: int) -> Any:
    return jit_search(agent_act(agent.env, agent.evaluator, agent.config.search, num_simulations))


def _match_cells(result: MatchResult) -> tuple[str, ...]:
    sides = (result.as_player_0, result.as_player_1)
    return (
        *map(str, (result.games, result.wins, result.draws, result.losses)),
        _share(result.wins + result.draws, result.games),
        *(f"{side.wins}–{side.draws}–{side.losses}" for side in sides),
    )


def _games_cells(games: Games) -> tuple[str, ...]:
    total = games.won + games.drawn + games.lost
    counts = (total, games.distinct, games.won, games.drawn, games.lost)
    return *map(str, counts), _share(games.won, total)


def _share(successes: int, trials: int) -> str:
    low, high = wilson(successes, trials)
    return f"{_percent(successes / trials)} ({_percent(low)}–{_percent(high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


if __name__ == "__main__":
    main()
