"""A run, judged: against exact truth where it is known, and against fixed opponents.

from selfplay.evaluate import evaluate

report = evaluate("runs/connect_four", simulations=(0, 64), games=0)
report.exact[64].kept
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax

from selfplay import __version__
from selfplay.adapters import bots
from selfplay.agent import Agent
from selfplay.evaluation import opponents as fixed
from selfplay.evaluation.arena import MatchResult, SoloResult, match, solo
from selfplay.evaluation.exact import ExactScore, judge, random_score
from selfplay.evaluation.minimax import deepest, minimax
from selfplay.evaluation.players import Player, agent_act
from selfplay.files import write_text
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate
from selfplay.search.simulation import jit_search


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What was found of one checkpoint."""

    run: Path
    env: str
    random: ExactScore | None
    """What random moves would score; None where no exact truth is known."""
    exact: dict[int, ExactScore]
    """By number of simulations; 0 is the network alone."""
    matches: tuple[MatchResult, ...]
    """The agent against each opponent, where there are two players."""
    alone: SoloResult | None
    """Returns on held-out problems, where there is one."""
    settings: dict[str, Any]
    """Which checkpoint was judged, how, and on what."""


def evaluate(
    run: Path | str,
    *,
    simulations: Sequence[int] = (0, 16, 64, 256),
    games: int = 400,
    player_simulations: int | None = None,
    mcts_simulations: int = 100,
    minimax_depth: int = 2,
    opponents: Sequence[str] = (),
    opening_plies: int = 6,
    seed: int = 0,
    iteration: int | None = None,
) -> Evaluation:
    """Judges a run's agent, and writes what was found to `RUN/evaluation.json` if it may.

    Args:
        run: the run's folder, or an environment that comes with a trained agent.
        simulations: searches to judge against exact truth; 0 is the network alone.
        games: games against each opponent, half with each colour; 0 for none.
        player_simulations: the agent's in those games, by default the run's evaluation setting.
        mcts_simulations: of the opponent that searches with random rollouts.
        minimax_depth: of the opponent that looks so many plies ahead, or as many as the number of
            actions allows; 0 for none.
        opponents: more of them, `mcts:1000` or `open_spiel:mcts:100`, for instance.
        opening_plies: games begin with 0 to this many random plies, the same for both colours.
        seed: of openings and opponents.
        iteration: which checkpoint, by default the newest.

    Raises:
        ValueError: there is no such run, or a number does not fit.
    """
    agent = Agent.load(run, iteration)
    env, config = agent.env, agent.config
    if any(count < 0 for count in simulations):
        raise ValueError(f"simulations must be at least 0, got {list(simulations)}")
    if games < 0 or games % 2:
        raise ValueError(f"games must be 0 or more and even, half with each colour, got {games}")
    count = config.evaluation.num_simulations if player_simulations is None else player_simulations
    act = agent_act(env, agent.evaluator, config.search, count)
    player = Player(f"agent, {count} simulations", act, agent.params)
    rivals = _opponents(agent, mcts_simulations, minimax_depth) if env.num_players == 2 else []
    if opponents and not rivals:
        raise ValueError(f"opponents are for games of two players, {config.env} has one")
    rivals += [bots.player(env, name) for name in opponents]
    judged = {n: agent_act(env, agent.evaluator, config.search, n) for n in simulations}
    solved = env.solved_positions()
    exact: dict[int, ExactScore] = {}
    if solved is not None:
        together = config.evaluation.batch_size
        exact = {
            n: judge(jit_search(act), agent.params, solved, together) for n, act in judged.items()
        }
    matches, alone = [], None
    if games and env.num_players == 1:
        alone = solo(env, player, num_episodes=games, seed=seed)
    elif games:
        plies = min(opening_plies, env.max_steps - 1)
        for rival in rivals:
            seated, pair = bots.seat(env, [player, rival])
            matches.append(
                match(seated, *pair, num_games=games, seed=seed, max_opening_plies=plies)
            )
    evaluation = Evaluation(
        run=locate(run),
        env=config.env,
        random=None if solved is None else random_score(solved),
        exact=exact,
        matches=tuple(matches),
        alone=alone,
        settings={
            "iteration": agent.iteration,
            "games": games,
            "opening_plies": opening_plies,
            "seed": seed,
            "selfplay": __version__,
            "jax": jax.__version__,
            "device": jax.devices()[0].device_kind,
        },
    )
    folder = RunDirectory(locate(run))
    if folder.keeps_results:
        write_text(folder.evaluation, json.dumps(to_json(evaluation), indent=2) + "\n")
    return evaluation


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation as plain data."""
    values: dict[str, Any] = dataclasses.asdict(evaluation) | {"run": evaluation.run.name}
    means = [(values["exact"][count], score) for count, score in evaluation.exact.items()]
    if evaluation.random is not None:
        means.append((values["random"], evaluation.random))
    for written, score in means:
        written |= {"kept": score.kept, "critical_kept": score.critical_kept}
    for result, written in zip(evaluation.matches, values["matches"], strict=True):
        written |= {"score": result.score, "interval": result.interval}
    return values


def _opponents(agent: Agent, mcts_simulations: int, minimax_depth: int) -> list[Player]:
    """From weak to strong, as a rule; without minimax where its depth is 0."""
    env = agent.env
    network = agent_act(env, agent.evaluator, agent.config.search, 0)
    depth = min(minimax_depth, deepest(env.num_actions))
    looker = [Player(f"minimax, depth {depth}", minimax(env, depth))] if depth else []
    return [
        Player("random moves", fixed.random_legal(env)),
        Player("network alone", network, agent.params),
        *looker,
        Player(f"pure MCTS, {mcts_simulations:,}", fixed.pure_mcts(env, mcts_simulations)),
    ]
