"""Messages along the links between tokens: for what is made of parts, and parts of those.

Paliwal et al. 2020, "Graph representations for higher-order logic and theorem proving", section
3: what a formula is made of and what it is part of send messages of different kinds, of which
the mean is added. A token hears of all others by their mean alone, so a block's cost grows with
the number of tokens, where attention's grows with its square.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from selfplay.config import NetworkConfig
from selfplay.environment.observation import ArraySpec, Tokens, TokenSpec
from selfplay.networks.contract import Drop, Outputs, keep
from selfplay.networks.resnet import Norm
from selfplay.networks.tokens import Embedding, PointerHeads


class Block(nnx.Module):
    """x + dense(relu(dense(own, parts, wholes) + dense(all))), each of norm(x).

    With R links a token has R parts, and for each of the R ways to be one, the mean of the wholes
    that it is a part of; all is the mean over the tokens that are not masked.
    """

    def __init__(self, config: NetworkConfig, num_links: int, *, rngs: nnx.Rngs):
        width, dtype = config.width, jnp.dtype(config.dtype)
        residual_init = nnx.initializers.variance_scaling(
            1.0 / max(config.depth, 1), "fan_in", "truncated_normal"
        )
        self.norm = Norm(width, rngs=rngs)
        self.near = nnx.Linear((1 + 2 * num_links) * width, width, dtype=dtype, rngs=rngs)
        self.all = nnx.Linear(width, width, use_bias=False, dtype=dtype, rngs=rngs)
        self.outward = nnx.Linear(width, width, dtype=dtype, kernel_init=residual_init, rngs=rngs)

    def __call__(
        self, hidden: jax.Array, mask: jax.Array, links: jax.Array, drop: Drop
    ) -> jax.Array:
        """Float [B, T, width], bool [B, T] and int32 [B, T, R] to float [B, T, width]."""
        normed = jnp.where(mask[:, :, None], self.norm(hidden), 0.0)
        near = [normed]
        for link in range(links.shape[-1]):
            target = links[:, :, link]
            near.append(jnp.take_along_axis(normed, target[:, :, None], axis=1))
            near.append(_mean_at(normed, mask, target))
        count = jnp.maximum(mask.sum(1, dtype=jnp.float32), 1.0).astype(normed.dtype)
        everything = self.all(normed.sum(1) / count[:, None])
        inner = nnx.relu(self.near(jnp.concatenate(near, axis=-1)) + everything[:, None])
        return hidden + drop(self.outward(inner))


def _mean_at(hidden: jax.Array, mask: jax.Array, target: jax.Array) -> jax.Array:
    """For each token the mean of float [B, T, width] over those whose target (int32 [B, T]) it is.

    What is masked counts for nothing; where there is none, the mean is 0.
    """

    def one(hidden: jax.Array, mask: jax.Array, target: jax.Array) -> jax.Array:
        count = jnp.zeros(mask.shape, jnp.int32).at[target].add(mask.astype(jnp.int32))
        total = jnp.zeros_like(hidden).at[target].add(jnp.where(mask[:, None], hidden, 0.0))
        return total / jnp.maximum(count, 1).astype(hidden.dtype)[:, None]

    return jax.vmap(one)(hidden, mask, target)


class TokenGraph(nnx.Module):
    """Over `Tokens` with links: `depth` blocks, so that news travels as many links far."""

    def __init__(
        self,
        config: NetworkConfig,
        spec: ArraySpec | TokenSpec,
        num_actions: int,
        *,
        rngs: nnx.Rngs,
    ):
        if not isinstance(spec, TokenSpec) or spec.num_links == 0:
            instead = "mlp" if isinstance(spec, ArraySpec) else "transformer"
            raise ValueError(
                f"a graph network reads tokens with links, got {spec}; "
                f"network.kind = '{instead}' would do"
            )
        self.embedding = Embedding(config, spec, rngs=rngs)
        self.blocks = nnx.List(
            Block(config, spec.num_links, rngs=rngs) for _ in range(config.depth)
        )
        self.norm = Norm(config.width, rngs=rngs)
        self.heads = PointerHeads(config, spec, num_actions, rngs=rngs)

    def __call__(self, observation: Tokens, drop: Drop = keep) -> Outputs:
        """Tokens [B] to outputs [B]."""
        links = observation.links
        assert links is not None  # `build` has checked it
        hidden = drop(self.embedding(observation))
        for block in self.blocks:
            hidden = block(hidden, observation.mask, links, drop)
        return self.heads(self.norm(hidden), observation)
