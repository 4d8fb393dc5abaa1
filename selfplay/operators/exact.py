"""What is known to be right, as targets: real data, where an environment has exact truth."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from selfplay.environment.contract import Environment, Problem, State, shapes
from selfplay.networks.contract import Params
from selfplay.operators.contract import OPERATORS, Improved, ImprovementOperator
from selfplay.operators.targets import Provenance, Targets
from selfplay.search.model import ILLEGAL_LOGIT

Oracle = Callable[[Problem, State], jax.Array | None]
"""Exact values of the actions, as `Environment.oracle`."""


@dataclasses.dataclass(frozen=True)
class Exact(ImprovementOperator):
    """Policies by the exact values of the actions, softened; needs no network."""

    env: Environment[Any]
    temperature: float = 0.0
    """A player who errs: probabilities go as exp(value / temperature), values in the oracle's
    units. At 0 all best actions are as likely."""
    oracle: Oracle | None = None
    """By default the environment's own."""

    def improve(
        self,
        params: Params,
        keys: jax.Array,
        problem: Problem,
        state: State,
        generation: jax.Array,
    ) -> Improved:
        """See `ImprovementOperator.improve`. Raises ValueError where there is no oracle."""
        del params
        values = jax.vmap(self.oracle or self.env.oracle)(problem, state)
        if values is None:
            raise ValueError(
                f"exact targets need an environment with an oracle; {type(self.env).__name__} "
                "has none"
            )
        best = jnp.nanmax(values, axis=-1, keepdims=True)
        logits = jnp.where(values == best, 0.0, ILLEGAL_LOGIT)
        if self.temperature > 0:
            logits = jnp.where(jnp.isnan(values), ILLEGAL_LOGIT, values / self.temperature)
        provenance = Provenance.of(
            best.shape[:1], OPERATORS.index("exact"), generation=generation, real=True
        )
        targets = Targets(
            problem=problem,
            state=state,
            action_weights=jax.nn.softmax(logits),
            value=jnp.clip(best[:, 0], -1.0, 1.0),
            weight=jnp.ones(best.shape[:1], jnp.float32),
            provenance=provenance,
        )
        action = jax.vmap(jax.random.categorical)(keys, logits).astype(jnp.int32)
        return Improved(action, targets)


def has_oracle(env: Environment[Any]) -> bool:
    """Whether the environment knows exact values."""
    return jax.eval_shape(env.oracle, *shapes(env)) is not None
