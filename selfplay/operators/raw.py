"""The network's own samples, unimproved: the control that collapses.

Learning from them is the maximum-likelihood fit of a model to its own output: on average nothing
changes, and each generation loses some of what is rare (Shumailov et al. 2024, "AI models collapse
when trained on recursively generated data").
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from selfplay.environment.contract import Environment, Problem, State
from selfplay.networks.contract import Params
from selfplay.operators.contract import OPERATORS, Improved, ImprovementOperator
from selfplay.operators.targets import Provenance, Targets
from selfplay.search.model import Evaluator, mask_logits


@dataclasses.dataclass(frozen=True)
class Raw(ImprovementOperator):
    """A sample of the policy as the target, as if it had been right."""

    env: Environment[Any]
    evaluator: Evaluator
    temperature: float = 1.0
    """Of the sampling; 0 takes the likeliest action."""

    def improve(
        self,
        params: Params,
        keys: jax.Array,
        problem: Problem,
        state: State,
        generation: jax.Array,
    ) -> Improved:
        """See `ImprovementOperator.improve`."""
        guess_keys, keys = jax.vmap(lambda key: jax.random.split(key, 2), out_axes=1)(keys)
        logits, value = self.evaluator(params, guess_keys, problem, state)
        legal = jax.vmap(self.env.legal_action_mask)(problem, state)
        action = choose(keys, mask_logits(logits, legal), self.temperature)
        weights = jax.nn.one_hot(action, self.env.num_actions, dtype=jnp.float32)
        provenance = Provenance.of(action.shape, OPERATORS.index("raw"), generation=generation)
        ones = jnp.ones(action.shape, jnp.float32)
        return Improved(action, Targets(problem, state, weights, value, ones, provenance))


def choose(keys: jax.Array, logits: jax.Array, temperature: float) -> jax.Array:
    """int32 [B]: sampled from logits [B, A], each row by its own key; the likeliest at 0."""
    if temperature == 0:
        return jnp.argmax(logits, axis=-1).astype(jnp.int32)
    return jax.vmap(jax.random.categorical)(keys, logits / temperature).astype(jnp.int32)
