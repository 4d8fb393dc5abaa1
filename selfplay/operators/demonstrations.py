"""Demonstrations: known actions, played by the rules, as rows to learn from.

Expert iteration (Anthony et al. 2017) with an expert that solves whole problems: what it did at
each state of a solution is the policy to learn there, and what it earned from there on the value.
A problem that it did not solve within its budget gives no rows at all: no policy was found wanting,
and that a search gave up says little of the value.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from selfplay.environment.contract import Environment, Problem, State
from selfplay.environment.facts import has_ends
from selfplay.operators import practice as levels
from selfplay.operators.contract import OPERATORS
from selfplay.operators.targets import VERDICTS, Provenance, Targets, outcome_values


class Demonstrations(struct.PyTreeNode):
    """What searches of P problems came to."""

    problem: Problem
    """Problem [P]."""
    level: jax.Array
    """int32 [P]: of the problem."""
    action: jax.Array
    """int32 [P, T]: from the beginning; anything after the end, or where it was not solved."""
    solved: jax.Array
    """bool [P]: whether the actions solve it, as the environment's verifier says."""
    counted: jax.Array
    """bool [P]: whether it was an attempt that practice counts."""
    evaluations: jax.Array
    """int32 [P]: spent on it."""
    first_end: jax.Array
    """int8 [P]: where an environment has `ends`, the moves of this one are shown first, 0 or 1. A
    search moves one end while the other stays where it began, and of each solution either half
    can be shown so."""


def rows(env: Environment[Any], found: Demonstrations, generation: jax.Array) -> Targets:
    """Targets [T, P] of what was solved; weight 0 elsewhere, and after the end."""
    provenance = Provenance.of(
        found.solved.shape,
        OPERATORS.index("best_first"),
        generation=generation,
        simulations=found.evaluations,
    )
    accepted = jnp.full(found.solved.shape, VERDICTS.index("accepted"), jnp.uint8)
    provenance = provenance.replace(verdict=accepted)
    action = found.action
    if has_ends(env):
        action = jax.vmap(lambda *each: by_ends(env, *each))(
            found.problem, found.action, found.first_end
        )
    targets, _, _ = replayed(env, found.problem, action.T, provenance)
    return targets.replace(weight=jnp.where(found.solved, targets.weight, 0.0))


def by_ends(
    env: Environment[Any], problem: Problem, action: jax.Array, first: jax.Array
) -> jax.Array:
    """int32 [T]: the actions (int32 [T]) of end `first` (int8 []), then those of the other.

    They come to the same, for what one end's moves do does not depend on the other.
    """

    def step(state: State, action: jax.Array) -> tuple[State, jax.Array]:
        ends = env.ends(problem, state)
        assert ends is not None
        place = jnp.where(state.ended, 2, ends.end[action] ^ first)
        return env.step(problem, state, action), place

    _, place = jax.lax.scan(step, env.init(problem), action)
    return action[jnp.argsort(place, stable=True)]


def counts(found: Demonstrations, num_levels: int) -> jax.Array:
    """float32 [2, L]: what practice counts of them; see `practice.count`."""
    return levels.count(found.level, found.counted, found.solved, num_levels)


def replayed(
    env: Environment[Any], problem: Problem, action: jax.Array, provenance: Provenance
) -> tuple[Targets, State, jax.Array]:
    """Episodes of given actions, from the beginning of their problems.

    Args:
        env: the rules.
        problem: Problem [B].
        action: int32 [T, B].
        provenance: Provenance [B], that of each row of the episode.

    Returns:
        Targets [T, B], whose policy is the action and whose value the return from there on, weight
        0 after the end; State [B], the last ones; and returns float32 [B, P] of each player.
    """
    start = jax.vmap(lambda _, p: env.init(p))(action[0], problem)

    def step(state: State, action: jax.Array):
        after = jax.vmap(env.step)(problem, state, action)
        targets = Targets(
            problem=problem,
            state=state,
            action_weights=jax.nn.one_hot(action, env.num_actions, dtype=jnp.float32),
            value=jnp.zeros(action.shape, jnp.float32),
            weight=jnp.where(state.ended, 0.0, 1.0),
            provenance=provenance,
        )
        return after, (targets, (after.rewards, after.terminated, after.truncated))

    final, (targets, paid) = jax.lax.scan(step, start, action)
    value, _ = outcome_values(env, targets, *paid)
    return targets.replace(value=jnp.clip(value, -1.0, 1.0)), final, paid[0].sum(0)


def reached(env: Environment[Any], problem: Problem, action: jax.Array, count: jax.Array) -> State:
    """The state [] after the first `count` (int32 []) of some actions (int32 [T])."""
    return jax.lax.fori_loop(
        0, count, lambda i, state: env.step(problem, state, action[i]), env.init(problem)
    )
