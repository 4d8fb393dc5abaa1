"""Fixed opponents, which know the rules and learn nothing: random, pure MCTS, minimax.

Each function makes an `Act`; its players have no parameters.
"""

import math
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from selfplay.config import SearchConfig
from selfplay.environment.contract import Environment, Problem, State
from selfplay.evaluation.players import Act, searcher, without_noise
from selfplay.search.model import Evaluator, make_recurrent_fn

MAX_LEAVES = 2**20
"""Of one position's full-width tree; more would take seconds a move."""

_LEAVES_AT_ONCE = 2**13
"""Leaves that minimax expands together; more take memory, fewer leave the device idle."""

MCTS_EXPLORATION = 4.0
"""For `pure_mcts`: on Connect Four stronger than 1.25, 2 and 16, and no weaker than 8."""

_NAME = re.compile(r"(mcts|minimax):(\d+)|random")

_TIE = 1e-6
"""Actions whose values differ by less are equally good."""


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


def minimax(env: Environment, depth: int) -> Act:
    """Looks at every line of `depth` moves, then asks the environment's heuristic.

    Negamax (Knuth and Moore 1975, "An analysis of alpha-beta pruning", section 2) without
    pruning: exact at endings, the heuristic (0 where there is none) at leaves and truncations.
    Ties are broken at random by the position's key.

    Args:
        env: the rules.
        depth: moves to look ahead, at least 1; num_actions ** depth may be `MAX_LEAVES`.
    """
    _check_depth(env.num_actions, depth)

    def act(params: Any, keys: jax.Array, problem: Problem, state: State):
        del params

        def decide(inputs: tuple[jax.Array, Problem, State]) -> tuple[jax.Array, jax.Array]:
            key, problem, state = inputs
            problem, state = jax.tree.map(lambda x: x[None], (problem, state))
            qvalues = _negamax(env, problem, state, depth)[0]
            best = qvalues.max()
            return _choose_any(key, qvalues >= best - _TIE), best

        together = _divisor(keys.shape[0], _LEAVES_AT_ONCE // env.num_actions**depth)
        return jax.lax.map(decide, (keys, problem, state), batch_size=together)

    return act


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


def _negamax(env: Environment, problem: Problem, state: State, depth: int) -> jax.Array:
    """float32 [N, A]: value of each action to the mover of each of N states; -inf if illegal.

        q(s, a) = reward + discount * max_b q(s', b)

    with `search.model`'s rewards and discounts; at depth 1 the heuristic replaces the maximum.
    """
    recurrent_fn = make_recurrent_fn(env, _heuristic_evaluator(env))
    num_states = state.terminated.shape[0]

    def value_of(action: jax.Array) -> jax.Array:
        actions = jnp.full(num_states, action)
        keys = jax.random.split(jax.random.key(0), num_states)  # the heuristic uses none
        output, after = recurrent_fn(((), problem), keys, actions, state)
        value = output.value if depth == 1 else _negamax(env, problem, after, depth - 1).max(-1)
        return output.reward + output.discount * value

    spread = _spread(env.num_actions**depth)
    values = spread(value_of)(jnp.arange(env.num_actions, dtype=jnp.int32)).T
    legal = jax.vmap(env.legal_action_mask)(problem, state)
    return jnp.where(legal, values, -jnp.inf)


def _spread(leaves: int) -> Callable[[Callable], Callable]:
    """All actions together where their leaves are few enough, otherwise one after another."""
    if leaves <= _LEAVES_AT_ONCE:
        return jax.vmap
    return lambda function: lambda actions: jax.lax.map(function, actions)


def _heuristic_evaluator(env: Environment) -> Evaluator:
    """The environment's heuristic as value; the prior is uniform."""

    def evaluate(params: Any, keys: jax.Array, problem: Problem, state: State):
        del params, keys
        value = jax.vmap(env.heuristic)(problem, state)
        return jnp.zeros((*value.shape, env.num_actions), jnp.float32), value

    return evaluate


def deepest(num_actions: int) -> int:
    """The depth to which minimax can look with so many actions, 0 if to none."""
    return int(math.log(MAX_LEAVES) / math.log(max(num_actions, 2)) + 1e-9)


def _check_depth(num_actions: int, depth: int) -> None:
    """Raises ValueError unless `depth` is at least 1 and the tree small enough."""
    if depth < 1:
        raise ValueError(f"minimax needs a depth of at least 1, got {depth}")
    if num_actions**depth <= MAX_LEAVES:
        return
    most = deepest(num_actions)
    hint = f"depth={most} would do" if most else "it has too many actions for minimax"
    raise ValueError(
        f"minimax of depth {depth} with {num_actions} actions has {num_actions**depth:,} leaves "
        f"a move, more than {MAX_LEAVES:,}; {hint}"
    )


def _divisor(number: int, limit: int) -> int:
    """The largest divisor of `number` that is at most `limit`, or 1."""
    return max((d for d in range(1, min(number, limit) + 1) if number % d == 0), default=1)
