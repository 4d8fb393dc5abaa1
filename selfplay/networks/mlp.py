"""The plain network: dense layers over the flattened observation, fast on a CPU."""

import math

import jax
import jax.numpy as jnp
from flax import nnx

from selfplay.config import NetworkConfig
from selfplay.environment.contract import ArraySpec, TokenSpec
from selfplay.networks.contract import Drop, Outputs, keep

HEAD_INIT = nnx.initializers.variance_scaling(1e-4, "fan_in", "truncated_normal")
"""A hundredth of the usual size: an untrained network is near uniform, its value near 0."""


class Heads(nnx.Module):
    """Logits and value from features, in float32 whatever the trunk computed in.

    With a `reply` head also logits of the opponent's next move, from the policy's features (Wu
    2019, section 3.4).
    """

    def __init__(
        self,
        policy_features: int,
        value_features: int,
        num_actions: int,
        *,
        reply: bool,
        rngs: nnx.Rngs,
    ):
        self.policy = nnx.Linear(policy_features, num_actions, kernel_init=HEAD_INIT, rngs=rngs)
        self.value = nnx.Linear(value_features, 1, kernel_init=HEAD_INIT, rngs=rngs)
        # Made last, so that the other heads begin as they would without it.
        self.reply = (
            nnx.Linear(policy_features, num_actions, kernel_init=HEAD_INIT, rngs=rngs)
            if reply
            else None
        )

    def __call__(self, policy_features: jax.Array, value_features: jax.Array) -> Outputs:
        """Features [B, ...] to outputs [B]."""
        policy_features = policy_features.astype(jnp.float32)
        value = self.value(value_features.astype(jnp.float32))
        return Outputs(
            prior_logits=self.policy(policy_features),
            value=jnp.tanh(value.squeeze(-1)),
            reply_logits=None if self.reply is None else self.reply(policy_features),
        )


class DenseTrunk(nnx.Module):
    """`width` units, `depth` residual layers x + relu(Wx), two heads.

    With D features, W the width and A actions it has
    (D W + W) + depth (W W + W) + (W A + A) + (W + 1) parameters, and
    W A + A more with a reply head.
    """

    def __init__(
        self, config: NetworkConfig, num_features: int, num_actions: int, *, rngs: nnx.Rngs
    ):
        self.dtype = jnp.dtype(config.dtype)
        # What relu adds is never negative, so it adds up: size 1/depth keeps the sum's scale.
        residual_init = nnx.initializers.variance_scaling(
            1.0 / max(config.depth, 1) ** 2, "fan_in", "truncated_normal"
        )
        width = config.width
        self.stem = nnx.Linear(num_features, width, dtype=self.dtype, rngs=rngs)
        self.layers = nnx.List(
            nnx.Linear(width, width, dtype=self.dtype, kernel_init=residual_init, rngs=rngs)
            for _ in range(config.depth)
        )
        self.heads = Heads(width, width, num_actions, reply=config.reply_head, rngs=rngs)

    def __call__(self, features: jax.Array, drop: Drop = keep) -> Outputs:
        """Features [B, D] to outputs [B]."""
        hidden = drop(nnx.relu(self.stem(features.astype(self.dtype))))
        for layer in self.layers:
            hidden = hidden + drop(nnx.relu(layer(hidden)))
        return self.heads(hidden, hidden)


class MLP(DenseTrunk):
    """Dense layers over the flattened observation."""

    def __init__(
        self,
        config: NetworkConfig,
        spec: ArraySpec | TokenSpec,
        num_actions: int,
        *,
        rngs: nnx.Rngs,
    ):
        if not isinstance(spec, ArraySpec):
            raise ValueError(
                f"an mlp reads one array, got an observation of tokens ({spec}); "
                "network.kind = 'transformer' would do"
            )
        super().__init__(config, math.prod(spec.shape), num_actions, rngs=rngs)

    def __call__(self, observation: jax.Array, drop: Drop = keep) -> Outputs:
        """Array [B, *shape] to outputs [B]."""
        return super().__call__(observation.reshape(observation.shape[0], -1), drop)
