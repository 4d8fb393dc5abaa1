"""The transformer: over tokens, or over a board whose squares are its tokens.

Vaswani et al. 2017, "Attention is all you need"; normed before each branch as in Xiong et al.
2020, "On layer normalization in the transformer architecture".
"""

import math

import jax
import jax.numpy as jnp
from flax import nnx

from selfplay.config import NetworkConfig
from selfplay.environment.contract import ArraySpec, Tokens, TokenSpec
from selfplay.networks.contract import Drop, Outputs, keep
from selfplay.networks.mlp import HEAD_INIT
from selfplay.networks.resnet import Norm, SquareHeads, board_shape

EMBEDDING_INIT = nnx.initializers.normal(0.5)


class Attention(nnx.Module):
    """Multi-head self-attention; nobody attends to a masked token."""

    def __init__(self, config: NetworkConfig, *, rngs: nnx.Rngs):
        width, dtype = config.width, jnp.dtype(config.dtype)
        self.num_heads = config.num_heads
        self.inward = nnx.Linear(width, 3 * width, dtype=dtype, rngs=rngs)
        self.outward = nnx.Linear(
            width, width, dtype=dtype, kernel_init=_residual_init(config), rngs=rngs
        )

    def __call__(self, hidden: jax.Array, mask: jax.Array) -> jax.Array:
        """Float [B, T, width] and bool [B, T] to float [B, T, width]."""
        batch, length, width = hidden.shape
        heads = (batch, length, self.num_heads, width // self.num_heads)
        query, key, value = (
            part.reshape(heads) for part in jnp.split(self.inward(hidden), 3, axis=-1)
        )
        # Not jax.nn.dot_product_attention: with bfloat16 it breaks strict dtype promotion.
        logits = jnp.einsum("bqhd,bkhd->bhqk", query, key, preferred_element_type=jnp.float32)
        logits = logits / math.sqrt(heads[-1])
        logits = jnp.where(mask[:, None, None, :], logits, jnp.finfo(jnp.float32).min)
        shares = jax.nn.softmax(logits, axis=-1).astype(value.dtype)
        mixed = jnp.einsum("bhqk,bkhd->bqhd", shares, value)
        return self.outward(mixed.reshape(hidden.shape))


class Block(nnx.Module):
    """x + attention(norm(x)), then x + dense(gelu(dense(norm(x)))), four times as wide inside."""

    def __init__(self, config: NetworkConfig, *, rngs: nnx.Rngs):
        width, dtype = config.width, jnp.dtype(config.dtype)
        self.attention_norm = Norm(width, rngs=rngs)
        self.attention = Attention(config, rngs=rngs)
        self.dense_norm = Norm(width, rngs=rngs)
        self.inward = nnx.Linear(width, 4 * width, dtype=dtype, rngs=rngs)
        self.outward = nnx.Linear(
            4 * width, width, dtype=dtype, kernel_init=_residual_init(config), rngs=rngs
        )

    def __call__(self, hidden: jax.Array, mask: jax.Array, drop: Drop) -> jax.Array:
        """Float [B, T, width] and bool [B, T] to float [B, T, width]."""
        hidden = hidden + drop(self.attention(self.attention_norm(hidden), mask))
        return hidden + drop(self.outward(nnx.gelu(self.inward(self.dense_norm(hidden)))))


class Trunk(nnx.Module):
    """`depth` blocks and a last norm."""

    def __init__(self, config: NetworkConfig, *, rngs: nnx.Rngs):
        if config.width % config.num_heads:
            raise ValueError(
                "network.num_heads must divide network.width, got "
                f"{config.num_heads} heads for width {config.width}"
            )
        self.blocks = nnx.List(Block(config, rngs=rngs) for _ in range(config.depth))
        self.norm = Norm(config.width, rngs=rngs)

    def __call__(self, hidden: jax.Array, mask: jax.Array, drop: Drop) -> jax.Array:
        """Float [B, T, width] and bool [B, T] to float [B, T, width]."""
        hidden = drop(hidden)
        for block in self.blocks:
            hidden = block(hidden, mask, drop)
        return self.norm(hidden)


class TokenTransformer(nnx.Module):
    """Over `Tokens`: logit[a] = <hidden[action_tokens[a]], w[a]> + b[a].

    The value is read from the mean over the tokens that are not masked.
    """

    def __init__(self, config: NetworkConfig, spec: TokenSpec, num_actions: int, *, rngs: nnx.Rngs):
        width, dtype = config.width, jnp.dtype(config.dtype)
        self.tokens = nnx.Embed(
            spec.vocabulary_size, width, dtype=dtype, embedding_init=EMBEDDING_INIT, rngs=rngs
        )
        self.positions = nnx.Embed(
            spec.num_positions, width, dtype=dtype, embedding_init=EMBEDDING_INIT, rngs=rngs
        )
        self.trunk = Trunk(config, rngs=rngs)
        self.action_vectors = nnx.Param(HEAD_INIT(rngs.params(), (width, num_actions)).T)
        self.action_biases = nnx.Param(jnp.zeros(num_actions, jnp.float32))
        self.value = nnx.Linear(width, 1, kernel_init=HEAD_INIT, rngs=rngs)
        vectors = biases = None
        if config.reply_head:
            vectors = nnx.Param(HEAD_INIT(rngs.params(), (width, num_actions)).T)
            biases = nnx.Param(jnp.zeros(num_actions, jnp.float32))
        self.reply_vectors, self.reply_biases = vectors, biases

    def __call__(self, observation: Tokens, drop: Drop = keep) -> Outputs:
        """Tokens [B] to outputs [B]."""
        mask = observation.mask
        hidden = self.tokens(observation.tokens) + self.positions(observation.positions)
        hidden = self.trunk(hidden, mask, drop).astype(jnp.float32)
        read = jnp.take_along_axis(hidden, observation.action_tokens[:, :, None], axis=1)

        def logits(vectors: nnx.Param, biases: nnx.Param) -> jax.Array:
            return jnp.einsum("baw,aw->ba", read, vectors[...]) + biases[...][None]

        reply_logits = None
        if self.reply_vectors is not None and self.reply_biases is not None:
            reply_logits = logits(self.reply_vectors, self.reply_biases)
        count = jnp.maximum(mask.sum(1, dtype=jnp.float32), 1.0)
        mean = jnp.where(mask[:, :, None], hidden, 0.0).sum(1) / count[:, None]
        return Outputs(
            prior_logits=logits(self.action_vectors, self.action_biases),
            value=jnp.tanh(self.value(mean).squeeze(-1)),
            reply_logits=reply_logits,
        )


class BoardTransformer(nnx.Module):
    """Over a board: each square is a token with a learned position; AlphaZero's heads."""

    def __init__(self, config: NetworkConfig, spec: ArraySpec, num_actions: int, *, rngs: nnx.Rngs):
        rows, columns, planes = board_shape("a transformer", spec)
        self.dtype = jnp.dtype(config.dtype)
        self.stem = nnx.Linear(planes, config.width, dtype=self.dtype, rngs=rngs)
        self.positions = nnx.Param(EMBEDDING_INIT(rngs.params(), (rows * columns, config.width)))
        self.trunk = Trunk(config, rngs=rngs)
        self.heads = SquareHeads(config, rows * columns, num_actions, rngs=rngs)

    def __call__(self, observation: jax.Array, drop: Drop = keep) -> Outputs:
        """Array [B, rows, columns, planes] to outputs [B]."""
        batch, rows, columns, planes = observation.shape
        squares = observation.reshape(batch, rows * columns, planes).astype(self.dtype)
        hidden = self.stem(squares) + self.positions[...].astype(self.dtype)[None]
        return self.heads(self.trunk(hidden, jnp.ones(squares.shape[:2], jnp.bool_), drop))


def _residual_init(config: NetworkConfig) -> nnx.Initializer:
    """Smaller with depth, so that the sum over 2 * depth branches keeps its scale."""
    scale = 0.5 / max(config.depth, 1)
    return nnx.initializers.variance_scaling(scale, "fan_in", "truncated_normal")
