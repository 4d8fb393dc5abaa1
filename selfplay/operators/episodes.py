"""Whole episodes by an operator, for what is labelled rather than played on and on.

Self-play (`rollout`) begins a new game wherever one ends, and learns from each row once. A teacher
that labels wants every episode whole: a verifier judges all of its actions, a filter keeps or
drops it as one, and it is written to disk.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from selfplay.environment.contract import Environment, Problem, Split, State
from selfplay.networks.contract import Params
from selfplay.operators.contract import ImprovementOperator
from selfplay.operators.rollout import random_plies
from selfplay.operators.targets import Provenance, Targets, outcome_values


class Sample(struct.PyTreeNode):
    """A row to learn from, and where in its episode it stood; `...` is any leading shape."""

    targets: Targets
    """Targets [...]."""
    action: jax.Array
    """int32 [...]: what was played there."""
    episode: jax.Array
    """int32 [...]: number of its episode among those labelled together; rows are in order."""


class Episodes(struct.PyTreeNode):
    """B episodes of at most T steps, time first."""

    samples: Sample
    """Sample [T, B]; weight 0 after the end."""
    problem: Problem
    """Problem [B]."""
    final: State
    """State [B]: how each ended."""
    returns: jax.Array
    """float32 [B, P]: what was paid to each player in all, in the environment's units."""


def row(env: Environment[Any]) -> Sample:
    """Shapes and dtypes of one row of an environment's."""

    def one() -> Sample:
        problem = env.sample_problem(jax.random.key(0), "train")
        targets = Targets(
            problem=problem,
            state=env.init(problem),
            action_weights=jnp.zeros(env.num_actions, jnp.float32),
            value=jnp.float32(0),
            weight=jnp.float32(0),
            provenance=Provenance.of((), 0),
        )
        return Sample(targets, action=jnp.int32(0), episode=jnp.int32(0))

    return jax.eval_shape(one)


@dataclasses.dataclass(frozen=True)
class Labeller:
    """Plays episodes of an environment from beginning to end; pure functions."""

    env: Environment[Any]
    operator: ImprovementOperator
    temperature_plies: int = 0
    """For so many steps the action is sampled from the improved policy, then the operator's."""
    max_opening_plies: int = 0
    """Episodes begin with 0 to this many random moves, which are never learnt from."""
    split: Split = "train"

    def play(
        self, params: Params, key: jax.Array, index: jax.Array, generation: jax.Array
    ) -> Episodes:
        """One episode for each number in `index` (int32 [B]), from which its key derives."""
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, index)
        problem, state = jax.vmap(self._begin)(keys)

        def step(state: State, time: jax.Array):
            return self._step(params, keys, problem, generation, state, time)

        times = jnp.arange(1, self.env.max_steps + 1, dtype=jnp.int32)
        final, (targets, action, after) = jax.lax.scan(step, state, times)
        value, _ = outcome_values(self.env, targets, *after)
        samples = Sample(
            targets=targets.replace(value=jnp.clip(value, -1.0, 1.0)),
            action=action,
            episode=jnp.broadcast_to(index, action.shape),
        )
        return Episodes(samples, problem, final, returns=after[0].sum(0))

    def _begin(self, key: jax.Array) -> tuple[Problem, State]:
        """A fresh problem, and a state after a random opening."""
        problem_key, length_key, opening_key = jax.random.split(jax.random.fold_in(key, 0), 3)
        problem = self.env.sample_problem(problem_key, self.split)
        start = self.env.init(problem)
        if self.max_opening_plies == 0:
            return problem, start
        length = jax.random.randint(length_key, (), 0, self.max_opening_plies + 1)
        return problem, random_plies(self.env, opening_key, problem, start, length)

    def _step(self, params, keys, problem, generation, state, time):
        """A move in each episode; in those that have ended nothing happens."""
        now = jax.vmap(jax.random.fold_in, (0, None))(keys, time)
        keys = jax.vmap(lambda key: jax.random.split(key, 2), out_axes=1)(now)
        improved = self.operator.improve(params, keys[0], problem, state, generation)
        targets = improved.targets
        logits = jnp.log(targets.action_weights)
        sampled = jax.vmap(jax.random.categorical)(keys[1], logits).astype(jnp.int32)
        early = state.step_count < self.temperature_plies
        action = jnp.where(early, sampled, improved.action)
        after = jax.vmap(self.env.step)(problem, state, action)
        targets = targets.replace(weight=jnp.where(state.ended, 0.0, targets.weight))
        paid = (after.rewards, after.terminated, after.truncated)
        return after, (targets, action, paid)
