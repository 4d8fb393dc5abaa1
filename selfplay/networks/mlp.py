"""The plain network: dense layers over the flattened observation, fast on a CPU."""

import math

import jax
import jax.numpy as jnp
from flax import nnx

from selfplay.config import NetworkConfig
from selfplay.environment.observation import ArraySpec, Tokens, TokenSpec
from selfplay.networks.contract import Drop, Outputs, keep

HEAD_INIT = nnx.initializers.variance_scaling(1e-4, "fan_in", "truncated_normal")
"""A hundredth of the usual size: an untrained network is near uniform, its value near 0."""

LECUN_NORMAL = nnx.initializers.lecun_normal()


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
        self,
        config: NetworkConfig,
        num_features: int,
        num_actions: int,
        *,
        stem_init: nnx.Initializer = LECUN_NORMAL,
        rngs: nnx.Rngs,
    ):
        self.dtype = jnp.dtype(config.dtype)
        # What relu adds is never negative, so it adds up: size 1/depth keeps the sum's scale.
        residual_init = nnx.initializers.variance_scaling(
            1.0 / max(config.depth, 1) ** 2, "fan_in", "truncated_normal"
        )
        width = config.width
        self.stem = nnx.Linear(
            num_features, width, dtype=self.dtype, kernel_init=stem_init, rngs=rngs
        )
        self.layers = nnx.List(
            nnx.Linear(width, width, dtype=self.dtype, kernel_init=residual_init, rngs=rngs)
            for _ in range(config.depth)
        )
        self.heads = Heads(width, width, num_actions, reply=config.reply_head, rngs=rngs)

    def __call__(self, features: jax.Array, drop: Drop = keep) -> Outputs:
        """Features [B, D] to outputs [B]."""
        return self.onwards(self.stem(features.astype(self.dtype)), drop)

    def onwards(self, stem: jax.Array, drop: Drop) -> Outputs:
        """What the first layer made of the features, [B, W], to outputs [B]."""
        hidden = drop(nnx.relu(stem))
        for layer in self.layers:
            hidden = hidden + drop(nnx.relu(layer(hidden)))
        return self.heads(hidden, hidden)


class MLP(DenseTrunk):
    """Dense layers over the flattened observation."""

    def __init__(self, config: NetworkConfig, spec: ArraySpec, num_actions: int, *, rngs: nnx.Rngs):
        super().__init__(config, math.prod(spec.shape), num_actions, rngs=rngs)

    def __call__(self, observation: jax.Array, drop: Drop = keep) -> Outputs:
        """Array [B, *shape] to outputs [B]."""
        return super().__call__(observation.reshape(observation.shape[0], -1), drop)


class TokenMLP(nnx.Module):
    """Dense layers over tokens in their order: each place tells one-hot what it holds.

    With T tokens, V words, P positions and R links it has T (V + P + R T) features; those of
    masked tokens are zero. Of a place's features all but 2 + R are zero, so the first layer adds
    up rows of its kernel instead. What differs from state to state in `action_tokens` is not
    seen: an action's logit is read from the whole.
    """

    def __init__(self, config: NetworkConfig, spec: TokenSpec, num_actions: int, *, rngs: nnx.Rngs):
        self.spec = spec
        per_place = spec.vocabulary_size + spec.num_positions + spec.num_links * spec.num_tokens
        self.num_features = spec.num_tokens * per_place
        # As if only those features were there that are 1 at a time.
        density = (2 + spec.num_links) / per_place
        self.trunk = DenseTrunk(
            config,
            self.num_features,
            num_actions,
            stem_init=nnx.initializers.variance_scaling(
                1.0 / density, "fan_in", "truncated_normal"
            ),
            rngs=rngs,
        )

    def __call__(self, observation: Tokens, drop: Drop = keep) -> Outputs:
        """Tokens [B] to outputs [B]."""
        kernel, bias = self.trunk.stem.kernel[...], self.trunk.stem.bias
        if kernel.shape[0] != self.num_features:
            raise ValueError(
                f"an mlp over {self.spec.num_tokens} tokens has {self.num_features} features, but "
                f"these parameters were made for {kernel.shape[0]}: an mlp plays at the size it "
                "was trained at; network.kind = 'transformer' would play at any"
            )
        rows = jnp.take(kernel, self._features(observation), axis=0)
        shown = jnp.where(observation.mask[:, :, None, None], rows, 0.0).sum((1, 2))
        stem = shown if bias is None else shown + bias[...][None]
        return self.trunk.onwards(stem.astype(self.trunk.dtype), drop)

    def _features(self, observation: Tokens) -> jax.Array:
        """int32 [B, T, 2 + R]: the index of those that are 1."""
        spec = self.spec
        columns = [observation.tokens, observation.positions + spec.vocabulary_size]
        before_links = spec.vocabulary_size + spec.num_positions
        for link in range(spec.num_links):
            assert observation.links is not None  # `build` has checked it
            columns.append(observation.links[:, :, link] + before_links + link * spec.num_tokens)
        per_place = self.num_features // spec.num_tokens
        places = jnp.arange(spec.num_tokens, dtype=jnp.int32) * per_place
        return jnp.stack(columns, axis=-1) + places[None, :, None]
