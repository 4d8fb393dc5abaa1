"""Batches of positions and keys, and what is best in them."""

import jax
import jax.numpy as jnp
import numpy as np


def split(seed: int, count: int) -> jax.Array:
    return jax.random.split(jax.random.key(seed), count)


def repeat(state, count: int):
    return jax.tree.map(lambda x: jnp.repeat(x[None], count, axis=0), state)


def best_actions(values: np.ndarray) -> np.ndarray:
    """bool [N, A]: which actions are best, from exact values [N, A]."""
    return values == np.nanmax(values, axis=1)[:, None]
