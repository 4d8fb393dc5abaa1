"""What guesses: a network is a pure function of its parameters and a batch of observations."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from selfplay.environment.contract import Observation

Params = Any
"""A pytree of float32 arrays."""

Apply = Callable[[Params, Observation], tuple[jax.Array, jax.Array]]
"""`(params, observation [B]) -> (prior_logits float32 [B, A], value float32 [B] in [-1, 1])`."""


class Outputs(NamedTuple):
    """All that a network says of a batch [B]."""

    prior_logits: jax.Array
    """float32 [B, A]."""
    value: jax.Array
    """float32 [B], in [-1, 1]."""
    reply_logits: jax.Array | None = None
    """float32 [B, A]: of the opponent's next move, legal or not; None without such a head."""


ApplyAll = Callable[[Params, Observation], Outputs]


class Network(NamedTuple):
    """A network, its structure fixed: parameters come from `init` and go through `apply`."""

    init: Callable[[jax.Array], Params]
    """PRNG key to fresh parameters."""
    apply: Apply
    """What play needs; compiled, it costs nothing for other heads."""
    apply_all: ApplyAll
    """What learning needs: every head."""
