"""Who plays: a player chooses moves for a batch of positions, by a pure function."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from selfplay.config import SearchConfig
from selfplay.environment.contract import Environment
from selfplay.networks.contract import Params
from selfplay.search.model import Evaluator, mask_logits
from selfplay.search.policy import search, without_noise

Act = Callable[[Any, jax.Array, Any, Any], tuple[jax.Array, jax.Array]]
"""`(params, keys [B], problem [B], state [B]) -> (action int32 [B], value float32 [B])`."""


class Player(NamedTuple):
    """A player; two with the same `act` object share one compilation."""

    name: str
    act: Act
    params: Any = ()


def raw_policy(env: Environment, evaluator: Evaluator) -> Act:
    """Plays the network's most likely legal move."""

    def act(params: Params, keys: jax.Array, problem: Any, state: Any):
        logits, value = evaluator(params, keys, problem, state)
        legal = jax.vmap(env.legal_action_mask)(problem, state)
        return jnp.argmax(mask_logits(logits, legal), axis=-1).astype(jnp.int32), value

    return act


def searcher(env: Environment, evaluator: Evaluator, config: SearchConfig) -> Act:
    """Plays what a search chooses."""

    def act(params: Params, keys: jax.Array, problem: Any, state: Any):
        result = search(env, evaluator, params, keys, problem, state, config)
        return result.action, result.value

    return act


def budgeted(env: Environment, evaluator: Evaluator, config: SearchConfig) -> Act:
    """A searcher, noise off, whose params are `(params, number of simulations)`, the latter an
    int32 [] of at most `config.num_simulations`: one program serves all budgets. With 0 it is the
    raw policy.
    """
    quiet = without_noise(config, config.num_simulations)

    def act(params: Any, keys: jax.Array, problem: Any, state: Any):
        own, budget = params
        result = search(env, evaluator, own, keys, problem, state, quiet, budget)
        return result.action, result.value

    return act


def agent_act(
    env: Environment, evaluator: Evaluator, config: SearchConfig, num_simulations: int
) -> Act:
    """The agent as it is judged: noise off; the raw policy where `num_simulations` is 0."""
    if num_simulations == 0:
        return raw_policy(env, evaluator)
    return searcher(env, evaluator, without_noise(config, num_simulations))
