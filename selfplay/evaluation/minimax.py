"""Minimax with alpha-beta pruning, every game of a batch by itself, under one jit.

Knuth and Moore 1975, "An analysis of alpha-beta pruning", section 2: negamax, in which a move
that the opponent can already refute better elsewhere is looked into no further. With A actions
and depth D it needs no more than about A ** D nodes, and with luck in the order of moves their
square root. Only legal moves count: nodes are visited one after another, as a person would.
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from selfplay.environment.contract import Environment, Problem, State
from selfplay.evaluation.players import Act
from selfplay.search.model import Evaluator, make_recurrent_fn

MAX_NODES = 2**20
"""Of a tree pruned as well as can be; more would take minutes a move."""

_TIE = 1e-6
"""Actions whose values differ by less are equally good."""


class _Line(NamedTuple):
    """The moves being looked at, from the root on; D is the depth, A the number of actions.

    All values are the mover's at their node; `ply` is the last node of the line.
    """

    ply: jax.Array
    """int32 []."""
    action: jax.Array
    """int32 []: the best at the root so far."""
    states: State
    """[D]."""
    untried: jax.Array
    """bool [D, A]."""
    chosen: jax.Array
    """int32 [D]: the last action tried at each node."""
    value: jax.Array
    """float32 [D]: the best so far."""
    alpha: jax.Array
    """float32 [D]: what the mover is sure of, here or earlier on the line."""
    beta: jax.Array
    """float32 [D]: what the opponent will not let the mover have more of."""
    reward: jax.Array
    """float32 [D]: of the move that led to the node, to its mover."""
    discount: jax.Array
    """float32 [D]: of the node's value, to the mover of the node before."""


def minimax(env: Environment, depth: int) -> Act:
    """Looks `depth` moves ahead, then asks the environment's heuristic.

    Exact at endings; the heuristic (0 where there is none) at leaves and truncations. Actions
    are tried in an order drawn by the position's key, so that ties are broken at random. Its
    value is the best action's.

    Raises:
        ValueError: `depth` is less than 1, or even a perfectly pruned tree has more than
            `MAX_NODES` nodes.
    """
    _check_depth(env.num_actions, depth)

    def act(params: Any, keys: jax.Array, problem: Problem, state: State):
        del params
        line = jax.vmap(functools.partial(_look_ahead, env, depth))(keys, problem, state)
        return line.action, line.value[:, 0]

    return act


def _look_ahead(
    env: Environment, depth: int, key: jax.Array, problem: Problem, state: State
) -> _Line:
    """The whole tree of one position."""
    order = jax.random.uniform(key, (env.num_actions,))
    step = functools.partial(_step, env, problem)

    def visit(line: _Line) -> _Line:
        here = line.ply
        done = ~line.untried[here].any() | (line.alpha[here] >= line.beta[here])
        back = _credit(line, here - 1, line.reward[here], line.discount[here], line.value[here])
        back = back._replace(ply=here - 1)
        return _where(done, back, _try_next(step, depth, order, line))

    start = _start(env, depth, problem, state)
    return jax.lax.while_loop(_unfinished, visit, start)


def _start(env: Environment, depth: int, problem: Problem, state: State) -> _Line:
    """A line of the root alone."""
    zeros = jnp.zeros(depth, jnp.float32)
    untried = jnp.zeros((depth, env.num_actions), jnp.bool_)
    return _Line(
        ply=jnp.int32(0),
        action=jnp.int32(0),
        states=jax.tree.map(lambda x: jnp.stack([x] * depth), state),
        untried=untried.at[0].set(env.legal_action_mask(problem, state)),
        chosen=jnp.zeros(depth, jnp.int32),
        value=zeros - jnp.inf,
        alpha=zeros - jnp.inf,
        beta=zeros + jnp.inf,
        reward=zeros,
        discount=zeros,
    )


def _unfinished(line: _Line) -> jax.Array:
    """bool []: whether the root has actions left."""
    return (line.ply > 0) | line.untried[0].any()


def _try_next(step: Any, depth: int, order: jax.Array, line: _Line) -> _Line:
    """Tries the next action of the last node: credits it at a leaf, else goes on from there."""
    here = line.ply
    action = jnp.argmax(jnp.where(line.untried[here], order, -1.0)).astype(jnp.int32)
    line = line._replace(
        untried=line.untried.at[here, action].set(False),
        chosen=line.chosen.at[here].set(action),
    )
    before = jax.tree.map(lambda x: x[here], line.states)
    reward, discount, value, legal, after = step(before, action)
    leaf = (here + 1 >= depth) | after.ended
    deeper = _extend(line, reward, discount, legal, after)
    return _where(leaf, _credit(line, here, reward, discount, value), deeper)


def _step(env: Environment, problem: Problem, state: State, action: jax.Array) -> Any:
    """Reward, discount, heuristic value, legal actions and state after an action."""
    model = make_recurrent_fn(env, _heuristic_evaluator(env))
    one = jax.tree.map(lambda x: x[None], (problem, action, state))
    key = jax.random.key(0)[None]  # the heuristic uses none
    output, after = model(((), one[0]), key, one[1], one[2])
    after = jax.tree.map(lambda x: x[0], after)
    legal = env.legal_action_mask(problem, after)
    return output.reward[0], output.discount[0], output.value[0], legal, after


def _credit(
    line: _Line, ply: jax.Array, reward: jax.Array, discount: jax.Array, value: jax.Array
) -> _Line:
    """The line after the action chosen at `ply` has led to `value` for the next mover."""
    gained = reward + discount * value
    better = (ply == 0) & (gained > line.value[0] + _TIE)
    best = jnp.maximum(line.value[ply], gained)
    return line._replace(
        action=jnp.where(better, line.chosen[0], line.action),
        value=line.value.at[ply].set(best),
        alpha=line.alpha.at[ply].max(best),
    )


def _extend(
    line: _Line, reward: jax.Array, discount: jax.Array, legal: jax.Array, after: State
) -> _Line:
    """The line one node longer; its window is what of the last one's is left after the reward."""
    here, there = line.ply, line.ply + 1
    low, high = line.alpha[here] - reward, line.beta[here] - reward
    same = discount > 0
    return line._replace(
        ply=there,
        states=jax.tree.map(lambda all, new: all.at[there].set(new), line.states, after),
        untried=line.untried.at[there].set(legal),
        value=line.value.at[there].set(-jnp.inf),
        alpha=line.alpha.at[there].set(jnp.where(same, low, -high)),
        beta=line.beta.at[there].set(jnp.where(same, high, -low)),
        reward=line.reward.at[there].set(reward),
        discount=line.discount.at[there].set(discount),
    )


def _where(condition: jax.Array, yes: _Line, no: _Line) -> _Line:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def _heuristic_evaluator(env: Environment) -> Evaluator:
    """The environment's heuristic as value; the prior is uniform."""

    def evaluate(params: Any, keys: jax.Array, problem: Problem, state: State):
        del params, keys
        value = jax.vmap(env.heuristic)(problem, state)
        return jnp.zeros((*value.shape, env.num_actions), jnp.float32), value

    return evaluate


def _check_depth(num_actions: int, depth: int) -> None:
    """Raises ValueError unless `depth` is at least 1 and the pruned tree small enough."""
    if depth < 1:
        raise ValueError(f"minimax needs a depth of at least 1, got {depth}")
    if fewest_nodes(num_actions, depth) <= MAX_NODES:
        return
    most = deepest(num_actions)
    hint = f"depth={most} would do" if most else "it has too many actions for minimax"
    raise ValueError(
        f"minimax of depth {depth} with {num_actions} actions has to look at "
        f"{fewest_nodes(num_actions, depth):,} positions a move, however well it prunes, more "
        f"than {MAX_NODES:,}; {hint}"
    )


def deepest(num_actions: int) -> int:
    """The depth to which minimax can look with so many actions, 0 if to none."""
    depths = range(1, MAX_NODES.bit_length() * 2 + 1)
    return max((d for d in depths if fewest_nodes(max(num_actions, 2), d) <= MAX_NODES), default=0)


def fewest_nodes(num_actions: int, depth: int) -> int:
    """Leaves that alpha-beta looks at with the best moves first; Knuth and Moore, section 6."""
    return num_actions ** math.ceil(depth / 2) + num_actions ** (depth // 2) - 1
