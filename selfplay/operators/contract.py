"""An improvement operator: parameters and states in, better targets out."""

import abc
from typing import NamedTuple

import jax

from selfplay.environment.contract import Problem, State
from selfplay.networks.contract import Params
from selfplay.operators.targets import Targets

OPERATORS = ("search", "raw", "placebo", "exact", "hindsight", "reanalysis", "best_first")
"""Names behind `Provenance.operator`; new ones are appended, so that old rows keep theirs."""


class Improved(NamedTuple):
    """What an operator made of B states."""

    action: jax.Array
    """int32 [B]: what it would play."""
    targets: Targets
    """Targets [B]; the value is the operator's own, until an outcome is known."""
    surprise: jax.Array | None = None
    """float32 [B], in nats: KL(action_weights || the guess), how much the operator improved on
    it; None from one that has no guess to improve on."""
    changed: jax.Array | None = None
    """bool [B]: whether its best action is another than the network's own; None if it cannot be."""


class ImprovementOperator(abc.ABC):
    """Turns a weak guess into a better one; what it returns may train."""

    @abc.abstractmethod
    def improve(
        self,
        params: Params,
        keys: jax.Array,
        problem: Problem,
        state: State,
        generation: jax.Array,
    ) -> Improved:
        """Better targets for B states, none of which has ended. Pure; called under `jit`.

        Args:
            params: the network's.
            keys: PRNG keys [B], one a state.
            problem: Problem [B].
            state: State [B].
            generation: int32 [], the iteration that `params` come from.
        """
