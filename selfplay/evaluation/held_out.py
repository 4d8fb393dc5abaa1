"""How good a network is beside exact truth: on held-out problems, or against its first teacher."""

from typing import Any

import numpy as np

from selfplay.config import Config
from selfplay.environment.contract import Environment
from selfplay.evaluation.arena import match, play_alone, solves
from selfplay.evaluation.look import NOTHING, Look
from selfplay.evaluation.players import Player, agent_act
from selfplay.networks.contract import Network, Params
from selfplay.search.model import network_evaluator

OPENING_PLIES = 6
"""Games begin with 0 to this many random plies."""


def make_held_out(
    env: Environment[Any],
    network: Network,
    config: Config,
    episodes: int,
    rival: tuple[Network, Params],
) -> Look:
    """A look at a lone player's held-out problems: the share solved, by the network alone and by
    its search; in games of two the share of points that the network alone makes against the
    rival's alone, which says nothing of single questions.
    """
    act = _act(env, network, config, 0)
    if env.num_players == 2:
        games = episodes + episodes % 2
        other = Player("teacher", _act(env, rival[0], config, 0), rival[1])
        plies = min(OPENING_PLIES, env.max_steps - 1)

        def play(params: Params) -> tuple[dict[str, float], np.ndarray]:
            found = match(
                env,
                Player("student", act, params),
                other,
                num_games=games,
                seed=0,
                max_opening_plies=plies,
            )
            return {"games/score": found.score}, NOTHING[1]

        return play

    acts = {"network": act, "search": _act(env, network, config, config.evaluation.num_simulations)}

    def solve(params: Params) -> tuple[dict[str, float], np.ndarray]:
        row: dict[str, float] = {}
        solved = {}
        for name, act in acts.items():
            returns, _ = play_alone(env, Player(name, act, params), episodes, seed=0)
            solved[name] = solves(env, returns)
            row[f"held_out/{name}"] = float(solved[name].mean())
            row[f"held_out/{name}_return"] = float(returns.mean(dtype=np.float64))
        return row, solved["network"]

    return solve


def _act(env: Environment[Any], network: Network, config: Config, num_simulations: int):
    evaluator = network_evaluator(env, network.apply)
    return agent_act(env, evaluator, config.search, num_simulations)
