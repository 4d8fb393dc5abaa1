"""Fixed opponents, which know the rules and learn nothing: random, pure MCTS, minimax.

Each function makes an `Act`; its players have no parameters.
"""

import re
from typing import Any

import jax
import jax.numpy as jnp

from selfplay.config import SearchConfig
from selfplay.environment.contract import Environment, Problem, State
from selfplay.evaluation.minimax import minimax
from selfplay.evaluation.players import Act, searcher, without_noise
from selfplay.search.model import Evaluator

MCTS_EXPLORATION = 4.0
"""For `pure_mcts`: on Connect Four stronger than 1.25, 2 and 16, and no weaker than 8."""

_NAME = re.compile(r"(mcts|minimax):(\d+)|random")


def is_named(name: str) -> bool:
    """Whether a name is of the form `random`, `mcts:SIMULATIONS` or `minimax:DEPTH`."""
    return _NAME.fullmatch(name) is not None


def by_name(env: Environment, name: str) -> Act:
    """The opponent of that name. Raises ValueError if there is none."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(
            f"an opponent is random, mcts:100 or minimax:2, for instance; got {name!r}"
        )
    if found[1] is None:
        return random_legal(env)
    if int(found[2]) < 1:
        raise ValueError(f"{name} needs a number of at least 1")
    return {"mcts": pure_mcts, "minimax": minimax}[found[1]](env, int(found[2]))


def random_legal(env: Environment) -> Act:
    """Plays any legal move, each as likely as the others; claims that every position is even."""

    def act(params: Any, keys: jax.Array, problem: Problem, state: State):
        del params
        legal = jax.vmap(env.legal_action_mask)(problem, state)
        return jax.vmap(_choose_any)(keys, legal), jnp.zeros(legal.shape[0], jnp.float32)

    return act


def pure_mcts(env: Environment, num_simulations: int, exploration: float = MCTS_EXPLORATION) -> Act:
    """Monte Carlo tree search without knowledge: PUCT, uniform prior, one random playout a node.

    The search is the agent's own (`search`, noise off), so that only the guesses differ.

    Args:
        env: the rules.
        num_simulations: playouts per move.
        exploration: PUCT's constant `pb_c_init`. mctx rescales the values in [-1, 1] below each
            node to [0, 1], so it has no unit. A uniform prior over A moves makes the bonus
            `exploration * sqrt(N) / (A * (1 + n))`; the 1.25 of learned priors would starve all
            but the first good move.
    """
    config = SearchConfig(policy="puct", exploration=exploration)
    return searcher(env, _playout_evaluator(env), without_noise(config, num_simulations))


def _choose_any(key: jax.Array, allowed: jax.Array) -> jax.Array:
    """int32 []: an action among the allowed (bool [A], not empty), each equally likely.

    One random number a choice: a Gumbel for each action would cost more than most rules.
    """
    rank = jnp.cumsum(allowed, dtype=jnp.int32)
    chosen = (jax.random.uniform(key) * rank[-1].astype(jnp.float32)).astype(jnp.int32)
    return jnp.argmax(rank > jnp.minimum(chosen, rank[-1] - 1)).astype(jnp.int32)


def _playout_evaluator(env: Environment) -> Evaluator:
    """Uniform prior, and the value of one random playout from each state."""

    def evaluate(params: Any, keys: jax.Array, problem: Problem, state: State):
        del params
        value = jax.vmap(lambda *inputs: _playout(env, *inputs))(keys, problem, state)
        return jnp.zeros((*value.shape, env.num_actions), jnp.float32), value

    return evaluate


def _playout(env: Environment, key: jax.Array, problem: Problem, state: State) -> jax.Array:
    """float32 []: value of random play to the end, for the mover.

    Rewards on the way count; after a truncation nothing more is paid.
    """
    mover = state.current_player

    def unfinished(carry: tuple[State, jax.Array]) -> jax.Array:
        return ~carry[0].ended

    def body(carry: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
        state, total = carry
        legal = env.legal_action_mask(problem, state)
        action = _choose_any(jax.random.fold_in(key, state.step_count), legal)
        state = env.step(problem, state, action)
        return state, total + state.rewards[mover]

    return env.to_value(jax.lax.while_loop(unfinished, body, (state, jnp.float32(0)))[1])
