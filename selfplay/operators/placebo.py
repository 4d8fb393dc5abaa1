"""Targets as sharp as a search's, which know nothing: what only looks like improvement.

Whoever learns as well from these owes nothing to the search.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from selfplay.environment.contract import Environment, Problem, State
from selfplay.networks.contract import Params
from selfplay.operators.contract import OPERATORS, Improved, ImprovementOperator
from selfplay.operators.raw import choose


@dataclasses.dataclass(frozen=True)
class Placebo(ImprovementOperator):
    """Another operator's policies, each given to the state whose own was nearest in entropy."""

    env: Environment[Any]
    operator: ImprovementOperator

    def improve(
        self,
        params: Params,
        keys: jax.Array,
        problem: Problem,
        state: State,
        generation: jax.Array,
    ) -> Improved:
        """See `ImprovementOperator.improve`; it takes two states at least to exchange."""
        keys, own_keys = jax.vmap(lambda key: jax.random.split(key, 2), out_axes=1)(keys)
        targets = self.operator.improve(params, own_keys, problem, state, generation).targets
        legal = jax.vmap(self.env.legal_action_mask)(problem, state)
        weights = exchange(targets.action_weights, legal)
        action = choose(keys, jnp.log(weights), 1.0)
        name = jnp.full_like(targets.provenance.operator, OPERATORS.index("placebo"))
        provenance = targets.provenance.replace(operator=name)
        return Improved(action, targets.replace(action_weights=weights, provenance=provenance))


def exchange(weights: jax.Array, legal: jax.Array) -> jax.Array:
    """Policies float32 [B, A] exchanged among states with as many legal actions (bool [B, A]).

    Sorted by that number, then by entropy, each takes the policy before its own, restricted to
    what is legal there; where nothing is left of it, all legal actions are as likely.
    """
    entropy = -jnp.sum(weights * jnp.log(jnp.where(weights > 0, weights, 1.0)), axis=-1)
    order = jnp.lexsort((entropy, legal.sum(-1)))
    giver = jnp.zeros_like(order).at[order].set(jnp.roll(order, 1))
    given = jnp.where(legal, weights[giver], 0.0)
    total = given.sum(-1, keepdims=True)
    allowed = legal.astype(jnp.float32)
    uniform = allowed / allowed.sum(-1, keepdims=True)
    return jnp.where(total > 0, given / jnp.where(total > 0, total, 1.0), uniform)
