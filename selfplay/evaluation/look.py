"""A quick look at a run on its way: exact truth, where the environment has it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from selfplay.config import Config
from selfplay.environment.contract import Environment
from selfplay.evaluation.exact import decide, keeps, random_score, score
from selfplay.evaluation.players import agent_act
from selfplay.networks.contract import Network, Params
from selfplay.search.model import network_evaluator
from selfplay.search.simulation import jit_search

Look = Callable[[Params], tuple[dict[str, float], np.ndarray]]
"""From parameters to metrics, and to which questions the network alone answers rightly, bool [N],
always the same ones; of none where nobody knows the answers."""

NOTHING: tuple[dict[str, float], np.ndarray] = ({}, np.zeros(0, np.bool_))
"""Seen where nobody knows the answers."""


def make_look(env: Environment[Any], network: Network, config: Config) -> Look:
    """A look at solved positions; it compiles once, and sees nothing where there are none."""
    solved = env.solved_positions()
    evaluator = network_evaluator(env, network.apply)
    acts = {
        "network": jit_search(agent_act(env, evaluator, config.search, 0)),
        "search": jit_search(
            agent_act(env, evaluator, config.search, config.evaluation.num_simulations)
        ),
    }

    if solved is None:
        return lambda params: NOTHING
    random = random_score(solved).kept

    def look(params: Params) -> tuple[dict[str, float], np.ndarray]:
        decisions = {
            name: decide(act, params, solved, config.evaluation.batch_size)
            for name, act in acts.items()
        }
        scores = {name: score(*decision, solved) for name, decision in decisions.items()}
        row = {f"exact/{name}": found.kept for name, found in scores.items()} | {
            "exact/network_value_sign": scores["network"].value_sign_right,
            "exact/random": random,
        }
        return row, keeps(decisions["network"][0], solved)

    return look
