"""What guesses: a network is a pure function of its parameters and a batch of observations."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax

from selfplay.environment.observation import Observation

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


Drop = Callable[[jax.Array], jax.Array]
"""What becomes of hidden units [B, ...], of the same shape and dtype, while a student learns."""


def keep(hidden: jax.Array) -> jax.Array:
    """All units, as they are."""
    return hidden


class ApplyAll(Protocol):
    """Every head. `drop` is asked of what enters the trunk, and of what each branch adds to it
    (Vaswani et al. 2017, section 5.4).
    """

    def __call__(self, params: Params, observation: Observation, drop: Drop = keep, /) -> Outputs:
        """Outputs [B] of an observation [B]."""
        ...


class Network(NamedTuple):
    """A network, its structure fixed: parameters come from `init` and go through `apply`."""

    init: Callable[[jax.Array], Params]
    """PRNG key to fresh parameters."""
    apply: Apply
    """What play needs; compiled, it costs nothing for other heads."""
    apply_all: ApplyAll
    """What learning needs: every head, and noise where it is wanted."""
