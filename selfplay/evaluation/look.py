"""A quick look at a run on its way: exact truth, where the environment has it."""

from collections.abc import Callable
from typing import Any

from selfplay.config import Config
from selfplay.environment.contract import Environment
from selfplay.evaluation.exact import judge, random_score
from selfplay.evaluation.players import agent_act
from selfplay.networks.contract import Network, Params
from selfplay.search.model import network_evaluator
from selfplay.search.simulation import jit_search


def make_look(
    env: Environment[Any], network: Network, config: Config
) -> Callable[[Params], dict[str, float]]:
    """A function from parameters to metrics; it compiles once, and finds nothing where no exact
    truth is known.
    """
    solved = env.solved_positions()
    evaluator = network_evaluator(env, network.apply)
    acts = {
        "network": jit_search(agent_act(env, evaluator, config.search, 0)),
        "search": jit_search(
            agent_act(env, evaluator, config.search, config.evaluation.num_simulations)
        ),
    }

    if solved is None:
        return lambda params: {}
    random = random_score(solved).kept

    def look(params: Params) -> dict[str, float]:
        scores = {
            name: judge(act, params, solved, config.evaluation.batch_size)
            for name, act in acts.items()
        }
        return {f"exact/{name}": score.kept for name, score in scores.items()} | {
            "exact/network_value_sign": scores["network"].value_sign_right,
            "exact/random": random,
        }

    return look
