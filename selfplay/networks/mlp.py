"""The plain network: dense layers over the flattened observation, fast on a CPU."""

import math

import jax
import jax.numpy as jnp
from flax import nnx

from selfplay.config import NetworkConfig
from selfplay.environment.contract import ArraySpec, TokenSpec

HEAD_INIT = nnx.initializers.variance_scaling(1e-4, "fan_in", "truncated_normal")
"""A hundredth of the usual size: an untrained network is near uniform, its value near 0."""


class Heads(nnx.Module):
    """Logits and value from features, in float32 whatever the trunk computed in."""

    def __init__(
        self, policy_features: int, value_features: int, num_actions: int, *, rngs: nnx.Rngs
    ):
        self.policy = nnx.Linear(policy_features, num_actions, kernel_init=HEAD_INIT, rngs=rngs)
        self.value = nnx.Linear(value_features, 1, kernel_init=HEAD_INIT, rngs=rngs)

    def __call__(
        self, policy_features: jax.Array, value_features: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Features [B, ...] to prior_logits float32 [B, A] and value float32 [B] in [-1, 1]."""
        prior_logits = self.policy(policy_features.astype(jnp.float32))
        value = self.value(value_features.astype(jnp.float32))
        return prior_logits, jnp.tanh(value.squeeze(-1))


class DenseTrunk(nnx.Module):
    """`width` units, `depth` residual layers x + relu(Wx), two heads.

    With D features, W the width and A actions it has
    (D W + W) + depth (W W + W) + (W A + A) + (W + 1) parameters.
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
        self.heads = Heads(width, width, num_actions, rngs=rngs)

    def __call__(self, features: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Features [B, D] to prior_logits float32 [B, A] and value float32 [B]."""
        hidden = nnx.relu(self.stem(features.astype(self.dtype)))
        for layer in self.layers:
            hidden = hidden + nnx.relu(layer(hidden))
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

    def __call__(self, observation: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Array [B, *shape] to prior_logits float32 [B, A] and value float32 [B]."""
        return super().__call__(observation.reshape(observation.shape[0], -1))
