"""How good a network is beside exact truth: on held-out problems, or against its first teacher."""

from collections.abc import Callable
from typing import Any

from selfplay.config import Config
from selfplay.environment.contract import Environment
from selfplay.evaluation.arena import match, solo
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
) -> Callable[[Params], dict[str, float]]:
    """A function from parameters to metrics: of a lone player the share of held-out problems
    solved, by the network alone and by its search; in games of two the share of points that the
    network alone makes against the rival's alone.
    """
    act = _act(env, network, config, 0)
    if env.num_players == 2:
        games = episodes + episodes % 2
        other = Player("teacher", _act(env, rival[0], config, 0), rival[1])
        plies = min(OPENING_PLIES, env.max_steps - 1)

        def play(params: Params) -> dict[str, float]:
            found = match(
                env,
                Player("student", act, params),
                other,
                num_games=games,
                seed=0,
                max_opening_plies=plies,
            )
            return {"games/score": found.score}

        return play

    acts = {"network": act, "search": _act(env, network, config, config.evaluation.num_simulations)}

    def solve(params: Params) -> dict[str, float]:
        row: dict[str, float] = {}
        for name, act in acts.items():
            found = solo(env, Player(name, act, params), num_episodes=episodes, seed=0)
            row[f"held_out/{name}"] = found.solved / found.episodes
            row[f"held_out/{name}_return"] = found.mean_return
        return row

    return solve


def _act(env: Environment[Any], network: Network, config: Config, num_simulations: int):
    evaluator = network_evaluator(env, network.apply)
    return agent_act(env, evaluator, config.search, num_simulations)
