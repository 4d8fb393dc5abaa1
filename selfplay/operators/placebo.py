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

GROUPS = 8
"""Of states that exchange their policies."""


@dataclasses.dataclass(frozen=True)
class Placebo(ImprovementOperator):
    """Another operator's policies, each given to a state whose own was about as sharp."""

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
        keys, own_keys, lots = jax.vmap(lambda key: jax.random.split(key, 3), out_axes=1)(keys)
        targets = self.operator.improve(params, own_keys, problem, state, generation).targets
        legal = jax.vmap(self.env.legal_action_mask)(problem, state)
        weights = exchange(lots, targets.action_weights, legal)
        action = choose(keys, jnp.log(weights), 1.0)
        name = jnp.full_like(targets.provenance.operator, OPERATORS.index("placebo"))
        provenance = targets.provenance.replace(operator=name)
        return Improved(action, targets.replace(action_weights=weights, provenance=provenance))


def exchange(keys: jax.Array, weights: jax.Array, legal: jax.Array) -> jax.Array:
    """Policies float32 [B, A] exchanged among states with about as many legal actions and as much
    entropy: float32 [B, A].

    Sorted by both, the states fall into `GROUPS` of equal size; in a group, in an order drawn by
    lot, each takes the policy before its own. A group is wide, as equal states have equal
    entropies, and are to learn nothing from each other either. Of a policy there stays what is
    legal; where that is nothing, all legal actions are as likely.

    Args:
        keys: PRNG keys [B].
        weights: float32 [B, A], zero where illegal.
        legal: bool [B, A].
    """
    count = weights.shape[0]
    entropy = -jnp.sum(weights * jnp.log(jnp.where(weights > 0, weights, 1.0)), axis=-1)
    rank = jnp.argsort(jnp.lexsort((entropy, legal.sum(-1))))
    order = jnp.lexsort((jax.vmap(jax.random.uniform)(keys), rank * GROUPS // count))
    giver = jnp.zeros_like(order).at[order].set(jnp.roll(order, 1))
    given = jnp.where(legal, weights[giver], 0.0)
    total = given.sum(-1, keepdims=True)
    allowed = legal.astype(jnp.float32)
    uniform = allowed / allowed.sum(-1, keepdims=True)
    return jnp.where(total > 0, given / jnp.where(total > 0, total, 1.0), uniform)
