"""Stored rows with today's labels: old or real states, searched anew by the network of now.

Schrittwieser et al. 2020, "Mastering Atari, Go, chess and shogi by planning with a learned model",
appendix H (MuZero Reanalyze); Schrittwieser et al. 2021, "Online and offline reinforcement learning
by planning with a learned model", section 3.1. Both take fresh targets for policy and value.
"""

import dataclasses

import jax
import jax.numpy as jnp

from selfplay.networks.contract import Params
from selfplay.operators.contract import OPERATORS, ImprovementOperator
from selfplay.operators.episodes import Sample


@dataclasses.dataclass(frozen=True)
class Reanalysis:
    """Labels what another labelled, or what came from outside; a pure function."""

    operator: ImprovementOperator
    """Whose labels they become, such as a search."""
    fresh_value_fraction: float = 1.0
    """Share of the operator's value in the new value; what is stored has the rest."""

    def label(
        self, params: Params, key: jax.Array, index: jax.Array, rows: Sample, generation: jax.Array
    ) -> Sample:
        """Sample [B]: the same states, actions and episodes, otherwise labelled.

        The verdict stays, as it is of the episode that was played; `real` does not, as a model made
        the labels. What has ended is not learnt from.

        Args:
            params: the operator's.
            key: PRNG key of the generation.
            index: int32 [B], each row's number, from which its key derives.
            rows: Sample [B].
            generation: int32 [].
        """
        old = rows.targets
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, index)
        fresh = self.operator.improve(params, keys, old.problem, old.state, generation).targets
        share = self.fresh_value_fraction
        value = share * fresh.value + (1.0 - share) * old.value
        name = jnp.full_like(fresh.provenance.operator, OPERATORS.index("reanalysis"))
        targets = fresh.replace(
            value=jnp.clip(value, -1.0, 1.0),
            weight=jnp.where(old.state.ended, 0.0, old.weight),
            provenance=fresh.provenance.replace(operator=name, verdict=old.provenance.verdict),
        )
        return rows.replace(targets=targets)
