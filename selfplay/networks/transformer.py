"""The transformer: over tokens, or over a board whose squares are its tokens.

Vaswani et al. 2017, "Attention is all you need"; normed before each branch as in Xiong et al.
2020, "On layer normalization in the transformer architecture".
"""

import math

import jax
import jax.numpy as jnp
from flax import nnx

from selfplay.config import NetworkConfig
from selfplay.environment.observation import ArraySpec, Tokens, TokenSpec
from selfplay.networks.contract import Drop, Outputs, keep
from selfplay.networks.resnet import Norm, SquareHeads, board_shape
from selfplay.networks.tokens import EMBEDDING_INIT, Embedding, PointerHeads


class Attention(nnx.Module):
    """Multi-head self-attention; nobody attends to a masked token.

    With R links each head adds a number to the logit of a pair for each relation that holds: the
    one is a part of the other by link r, or the other of the one (Shaw et al. 2018,
    "Self-attention with relative position representations"; as numbers, not vectors: Ying et al.
    2021, "Do transformers really perform badly for graph representation?", section 3.1.2).
    """

    def __init__(self, config: NetworkConfig, num_links: int = 0, *, rngs: nnx.Rngs):
        width, dtype = config.width, jnp.dtype(config.dtype)
        self.num_heads = config.num_heads
        self.inward = nnx.Linear(width, 3 * width, dtype=dtype, rngs=rngs)
        self.outward = nnx.Linear(
            width, width, dtype=dtype, kernel_init=_residual_init(config), rngs=rngs
        )
        relations = None
        if num_links:
            relations = nnx.Param(_one_relation_a_head(self.num_heads, 2 * num_links))
        self.relations = relations

    def __call__(
        self, hidden: jax.Array, mask: jax.Array, links: jax.Array | None = None
    ) -> jax.Array:
        """Float [B, T, width], bool [B, T] and int32 [B, T, R] to float [B, T, width]."""
        batch, length, width = hidden.shape
        size = width // self.num_heads
        inward = self.inward(hidden).reshape(batch, length, 3, self.num_heads, size)
        query, key, value = jnp.moveaxis(inward, (2, 3), (0, 2))  # each [B, H, T, size]
        # Not jax.nn.dot_product_attention: with bfloat16 it breaks strict dtype promotion.
        logits = jnp.einsum("bhqd,bhkd->bhqk", query, key, preferred_element_type=jnp.float32)
        logits = logits / math.sqrt(size)
        if self.relations is not None and links is not None:
            for relation, holds in enumerate(_relations(links)):
                numbers = self.relations[...][:, relation]
                logits += jnp.where(holds[:, None], numbers[None, :, None, None], 0.0)
        logits = jnp.where(mask[:, None, None, :], logits, jnp.finfo(jnp.float32).min)
        # As softmax, but what is divided by the sum is the mixture, which is smaller.
        top = jax.lax.stop_gradient(logits.max(-1, keepdims=True))
        weights = jnp.exp(logits - top)
        total = weights.sum(-1)[..., None]
        mixed = jnp.einsum(
            "bhqk,bhkd->bhqd",
            weights.astype(value.dtype),
            value,
            preferred_element_type=jnp.float32,
        )
        mixed = (mixed / total).astype(value.dtype)
        return self.outward(jnp.swapaxes(mixed, 1, 2).reshape(hidden.shape))


def _relations(links: jax.Array) -> list[jax.Array]:
    """2 R times bool [B, T, T]: the second is the first's part by link r, then the reverse."""
    others = jnp.arange(links.shape[1], dtype=links.dtype)
    parts = [links[:, :, link, None] == others[None, None] for link in range(links.shape[-1])]
    wholes = [links[:, None, :, link] == others[None, :, None] for link in range(links.shape[-1])]
    return parts + wholes


def _one_relation_a_head(num_heads: int, num_relations: int) -> jax.Array:
    """float32 [num_heads, num_relations]: each head begins with an eye for one relation.

    exp(4) is about 55: among as many tokens, half of its attention.
    """
    head = jnp.arange(num_heads, dtype=jnp.int32) % num_relations
    return 4.0 * jax.nn.one_hot(head, num_relations, dtype=jnp.float32)


class Block(nnx.Module):
    """x + attention(norm(x)), then x + dense(gelu(dense(norm(x)))), four times as wide inside."""

    def __init__(self, config: NetworkConfig, num_links: int = 0, *, rngs: nnx.Rngs):
        width, dtype = config.width, jnp.dtype(config.dtype)
        self.attention_norm = Norm(width, rngs=rngs)
        self.attention = Attention(config, num_links, rngs=rngs)
        self.dense_norm = Norm(width, rngs=rngs)
        self.inward = nnx.Linear(width, 4 * width, dtype=dtype, rngs=rngs)
        self.outward = nnx.Linear(
            4 * width, width, dtype=dtype, kernel_init=_residual_init(config), rngs=rngs
        )

    def __call__(
        self, hidden: jax.Array, mask: jax.Array, drop: Drop, links: jax.Array | None = None
    ) -> jax.Array:
        """Float [B, T, width], bool [B, T] and int32 [B, T, R] to float [B, T, width]."""
        hidden = hidden + drop(self.attention(self.attention_norm(hidden), mask, links))
        return hidden + drop(self.outward(nnx.gelu(self.inward(self.dense_norm(hidden)))))


class Trunk(nnx.Module):
    """`depth` blocks and a last norm."""

    def __init__(self, config: NetworkConfig, num_links: int = 0, *, rngs: nnx.Rngs):
        if config.width % config.num_heads:
            raise ValueError(
                "network.num_heads must divide network.width, got "
                f"{config.num_heads} heads for width {config.width}"
            )
        self.blocks = nnx.List(Block(config, num_links, rngs=rngs) for _ in range(config.depth))
        self.norm = Norm(config.width, rngs=rngs)

    def __call__(
        self, hidden: jax.Array, mask: jax.Array, drop: Drop, links: jax.Array | None = None
    ) -> jax.Array:
        """Float [B, T, width], bool [B, T] and int32 [B, T, R] to float [B, T, width]."""
        hidden = drop(hidden)
        for block in self.blocks:
            hidden = block(hidden, mask, drop, links)
        return self.norm(hidden)


class TokenTransformer(nnx.Module):
    """Over `Tokens`; with links, attention sees what is made of what."""

    def __init__(self, config: NetworkConfig, spec: TokenSpec, num_actions: int, *, rngs: nnx.Rngs):
        self.embedding = Embedding(config, spec, rngs=rngs)
        self.trunk = Trunk(config, spec.num_links, rngs=rngs)
        self.heads = PointerHeads(config, spec, num_actions, rngs=rngs)

    def __call__(self, observation: Tokens, drop: Drop = keep) -> Outputs:
        """Tokens [B] to outputs [B]."""
        hidden = self.embedding(observation)
        hidden = self.trunk(hidden, observation.mask, drop, observation.links)
        return self.heads(hidden, observation)


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
