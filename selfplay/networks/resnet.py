"""The convolutional network of AlphaZero, with a norm that keeps no running statistics.

Silver et al. 2018, "A general reinforcement learning algorithm that masters chess, shogi, and
Go through self-play", supplementary section "Architecture"; blocks pre-activated as in He et
al. 2016, "Identity mappings in deep residual networks". The norm is over the channels of each
square, so a position's output never depends on the rest of its batch.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from selfplay.config import NetworkConfig
from selfplay.environment.observation import ArraySpec, TokenSpec
from selfplay.networks.contract import Drop, Outputs, keep
from selfplay.networks.convolution import convolve
from selfplay.networks.mlp import Heads

POLICY_CHANNELS = 8
VALUE_CHANNELS = 4


class Norm(nnx.Module):
    """Layer norm over the last axis; statistics in float32, result in the input's dtype."""

    def __init__(self, width: int, *, rngs: nnx.Rngs):
        self.norm = nnx.LayerNorm(width, rngs=rngs)

    def __call__(self, hidden: jax.Array) -> jax.Array:
        """Float [..., width] to the same."""
        return self.norm(hidden.astype(jnp.float32)).astype(hidden.dtype)


class SquareHeads(nnx.Module):
    """AlphaZero's heads: 1x1 convolutions to few channels, then dense layers over all squares."""

    def __init__(
        self, config: NetworkConfig, num_squares: int, num_actions: int, *, rngs: nnx.Rngs
    ):
        width, dtype = config.width, jnp.dtype(config.dtype)
        # A 1x1 convolution is a dense layer over the last axis.
        self.policy_channels = nnx.Linear(width, POLICY_CHANNELS, dtype=dtype, rngs=rngs)
        self.value_channels = nnx.Linear(width, VALUE_CHANNELS, dtype=dtype, rngs=rngs)
        self.value_hidden = nnx.Linear(num_squares * VALUE_CHANNELS, width, dtype=dtype, rngs=rngs)
        self.heads = Heads(
            num_squares * POLICY_CHANNELS, width, num_actions, reply=config.reply_head, rngs=rngs
        )

    def __call__(self, hidden: jax.Array) -> Outputs:
        """Float [B, ..., width] over all squares to outputs [B]."""
        batch = hidden.shape[0]
        policy = nnx.relu(self.policy_channels(hidden)).reshape(batch, -1)
        value = nnx.relu(self.value_channels(hidden)).reshape(batch, -1)
        return self.heads(policy, nnx.relu(self.value_hidden(value)))


class Block(nnx.Module):
    """x + conv(relu(norm(conv(relu(norm(x))))))."""

    def __init__(self, config: NetworkConfig, *, rngs: nnx.Rngs):
        width = config.width
        self.norms = nnx.List(Norm(width, rngs=rngs) for _ in range(2))
        self.convs = nnx.List(Conv(width, config, rngs=rngs) for _ in range(2))

    def __call__(self, hidden: jax.Array, drop: Drop) -> jax.Array:
        """Float [B, rows, columns, width] to the same."""
        branch = hidden
        for norm, conv in zip(self.norms, self.convs, strict=True):
            branch = conv(nnx.relu(norm(branch)))
        return hidden + drop(branch)


class ResNet(nnx.Module):
    """A stem of `width` channels, `depth` residual blocks, two heads."""

    def __init__(
        self,
        config: NetworkConfig,
        spec: ArraySpec | TokenSpec,
        num_actions: int,
        *,
        rngs: nnx.Rngs,
    ):
        rows, columns, planes = board_shape("a resnet", spec)
        self.dtype = jnp.dtype(config.dtype)
        self.stem = Conv(planes, config, rngs=rngs)
        self.blocks = nnx.List(Block(config, rngs=rngs) for _ in range(config.depth))
        self.norm = Norm(config.width, rngs=rngs)
        self.heads = SquareHeads(config, rows * columns, num_actions, rngs=rngs)

    def __call__(self, observation: jax.Array, drop: Drop = keep) -> Outputs:
        """Array [B, rows, columns, planes] to outputs [B]."""
        hidden = drop(self.stem(observation.astype(self.dtype)))
        for block in self.blocks:
            hidden = block(hidden, drop)
        return self.heads(nnx.relu(self.norm(hidden)))


def board_shape(reader: str, spec: ArraySpec | TokenSpec) -> tuple[int, int, int]:
    """Rows, columns and planes. Raises ValueError, saying what would do, if it is no board."""
    if isinstance(spec, ArraySpec) and len(spec.shape) == 3:
        return spec.shape
    what, would_do = "tokens", "transformer"
    if isinstance(spec, ArraySpec):
        what, would_do = f"an array of shape {spec.shape}", "mlp"
    raise ValueError(
        f"{reader} reads a board [rows, columns, planes], got an observation that is {what}; "
        f"network.kind = '{would_do}' would do"
    )


class Conv(nnx.Module):
    """Each square from the three by three around it."""

    def __init__(self, features: int, config: NetworkConfig, *, rngs: nnx.Rngs):
        shape, dtype = (3, 3, features, config.width), jnp.float32
        self.dtype = jnp.dtype(config.dtype)
        self.kernel = nnx.Param(nnx.initializers.lecun_normal()(rngs.params(), shape, dtype))
        self.bias = nnx.Param(jnp.zeros(config.width, dtype))

    def __call__(self, hidden: jax.Array) -> jax.Array:
        """Float [B, rows, columns, features] to [B, rows, columns, width]."""
        kernel, bias = self.kernel[...].astype(self.dtype), self.bias[...].astype(self.dtype)
        # An axis of batch, rows and columns each: ranks are never raised silently.
        return convolve(hidden.astype(self.dtype), kernel) + bias[None, None, None]
