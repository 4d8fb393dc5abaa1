"""What training and search compute: network evaluations, and floating-point operations.

An evaluation is one position through the network. An update's share of a row counts as three: the
way back costs about twice the way there (Kaplan et al. 2020, "Scaling laws for neural language
models", section 2.1).
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from selfplay.config import Config
from selfplay.environment.contract import Environment
from selfplay.networks.contract import Network

_OF_A_LEARNT_ROW = 3

_TOGETHER = 64
"""Positions that the count is taken of."""


@dataclasses.dataclass(frozen=True)
class Compute:
    """What was spent."""

    evaluations: float
    flops: float


def training(config: Config, iterations: int, flops: float) -> Compute:
    """Of so many iterations by these settings; `flops` are of one evaluation."""
    moves = config.rollout.num_games * config.rollout.steps_per_iteration
    played = moves * (config.search.mean_simulations + 1.0)
    learnt = config.learner.updates_per_iteration * config.learner.batch_size
    evaluations = iterations * (played + _OF_A_LEARNT_ROW * learnt)
    return Compute(evaluations, evaluations * flops)


def searching(simulations: int, flops: float) -> Compute:
    """Of a move: the root, and a node a simulation. Those that meet an ending count too."""
    return Compute(simulations + 1.0, (simulations + 1.0) * flops)


def flops_of_evaluation(env: Environment[Any], network: Network) -> float:
    """Floating-point operations of the network on one position, as XLA counts them."""
    problem = env.sample_problem(jax.random.key(0), "train")
    observation = env.observe(problem, env.init(problem))
    batch = jax.tree.map(lambda x: jnp.broadcast_to(x, (_TOGETHER, *x.shape)), observation)
    params = network.init(jax.random.key(0))
    compiled = jax.jit(network.apply).lower(params, batch).compile()
    analysis: Any = compiled.cost_analysis()
    return float(analysis["flops"]) / _TOGETHER
