"""Search as an improvement operator: expert iteration's expert (Anthony et al. 2017)."""

import dataclasses

import jax
import jax.numpy as jnp

from selfplay.config import SearchConfig
from selfplay.environment.contract import Environment, Problem, State
from selfplay.networks.contract import Params
from selfplay.operators.contract import OPERATORS, Improved, ImprovementOperator
from selfplay.operators.targets import Provenance, Targets
from selfplay.search.model import Evaluator
from selfplay.search.policy import search


@dataclasses.dataclass(frozen=True)
class Search(ImprovementOperator):
    """Policy and value from a tree search with the network at its leaves."""

    env: Environment
    evaluator: Evaluator
    config: SearchConfig

    def improve(
        self,
        params: Params,
        keys: jax.Array,
        problem: Problem,
        state: State,
        generation: jax.Array,
    ) -> Improved:
        """See `ImprovementOperator.improve`."""
        result = search(self.env, self.evaluator, params, keys, problem, state, self.config)
        rows = result.action.shape
        provenance = Provenance.of(
            rows,
            OPERATORS.index("search"),
            generation=generation,
            simulations=self.config.num_simulations,
        )
        targets = Targets(
            problem=problem,
            state=state,
            action_weights=result.action_weights,
            value=result.value,
            weight=jnp.ones(rows, jnp.float32),
            provenance=provenance,
        )
        best, network_best = (x.argmax(-1) for x in (result.action_weights, result.prior))
        return Improved(
            result.action,
            targets,
            surprise=divergence(result.action_weights, result.prior),
            changed=best != network_best,
        )


def divergence(target: jax.Array, policy: jax.Array) -> jax.Array:
    """float32 [...]: KL(target || policy) of distributions [..., A], in nats."""
    tiny = jnp.finfo(jnp.float32).tiny
    ratio = jnp.log(jnp.maximum(target, tiny)) - jnp.log(jnp.maximum(policy, tiny))
    return jnp.maximum(jnp.sum(target * ratio, axis=-1), 0.0)
