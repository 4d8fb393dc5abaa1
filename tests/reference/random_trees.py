"""Search trees without end from a hash: what a node is told depends on its path alone.

All numbers are multiples of powers of two, the same in float32 and float64, under XLA and NumPy.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mctx
import numpy as np

_ILLEGAL_LOGIT = np.float32(-1e9)


class World(NamedTuple):
    """What kind of trees; numbers that may be traced."""

    seed: Any = np.uint32(0)
    discounts: Any = np.array([-1, -1, -1, -1], np.float32)
    """float32 [4]: each edge has one of them."""
    rewards: Any = np.float32(0)
    """Rewards lie within plus and minus this power of two."""
    masked: Any = np.float32(0)
    """Share of actions that each node below the root forbids."""
    stochastic: Any = np.uint32(0)
    """1 if guesses depend on the key of the evaluation, otherwise 0."""


ONE_PLAYER = np.array([1, 1, 1, 1], np.float32)
TWO_PLAYERS = np.array([-1, -1, -1, -1], np.float32)
ENDINGS = np.array([1, -1, -1, 0], np.float32)


def _mix(x: Any) -> Any:
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


def _unit(x: Any) -> Any:
    """[0, 1) in steps of 2**-24."""
    return (x >> 8).astype(np.float32) * np.float32(2**-24)


def roots(xp: Any, world: World, batch_size: int) -> Any:
    """uint32 [B]: the embeddings of the roots."""
    return _mix(xp.arange(batch_size, dtype=np.uint32) * np.uint32(7919) + world.seed)


def guess(xp: Any, world: World, embedding: Any, bits: Any, num_actions: int) -> Any:
    """Logits [K, A] in [0, 4) and values [K] in [-1, 1) of nodes [K]; `xp` is numpy or jnp."""
    seen = embedding ^ (_mix(bits) * world.stochastic)
    actions = xp.arange(num_actions, dtype=np.uint32)[None]
    hashes = _mix(seen[:, None] * np.uint32(977) + actions + np.uint32(17))
    logits = _unit(hashes) * np.float32(4)
    lucky = embedding % np.uint32(num_actions)  # always allowed
    masked = (_unit(_mix(hashes + np.uint32(5))) < world.masked) & (actions != lucky[:, None])
    value = _unit(_mix(seen + np.uint32(99991))) * np.float32(2) - np.float32(1)
    return xp.where(masked, _ILLEGAL_LOGIT, logits), value


def step(xp: Any, world: World, embedding: Any, action: Any) -> Any:
    """Embeddings, rewards and discounts [K] after actions [K] (uint32)."""
    after = _mix(embedding * np.uint32(31) + action + np.uint32(1))
    reward = (_unit(_mix(after + np.uint32(3))) * np.float32(2) - np.float32(1)) * world.rewards
    discount = xp.asarray(world.discounts)[(_mix(after + np.uint32(4)) & 3).astype(np.int32)]
    return after, reward, discount


def root(world: World, batch_size: int, num_actions: int) -> Any:
    """An `mctx.RootFnOutput`."""
    embedding = roots(jnp, world, batch_size)
    unmasked = world._replace(masked=np.float32(0))
    logits, value = guess(jnp, unmasked, embedding, embedding * np.uint32(0), num_actions)
    output: Any = mctx.RootFnOutput
    return output(prior_logits=logits, value=value, embedding=embedding)


def key_bits(keys: jax.Array) -> jax.Array:
    """uint32 [] or [B]: what a stochastic guess makes of its keys."""
    return jax.random.bits(keys) if keys.ndim == 0 else jax.vmap(jax.random.bits)(keys)


def make_recurrent_fn(num_actions: int) -> Any:
    """An `mctx.RecurrentFn` whose params are a World; for one key or one a game."""

    def recurrent_fn(world: World, keys: jax.Array, action: jax.Array, embedding: jax.Array):
        after, reward, discount = step(jnp, world, embedding, action.astype(jnp.uint32))
        bits = jnp.broadcast_to(key_bits(keys), after.shape)
        logits, value = guess(jnp, world, after, bits, num_actions)
        output: Any = mctx.RecurrentFnOutput
        return output(reward=reward, discount=discount, prior_logits=logits, value=value), after

    return recurrent_fn
