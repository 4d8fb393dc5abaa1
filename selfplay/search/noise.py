"""Exploration noise at the root."""

import jax
import jax.numpy as jnp


def add_dirichlet(
    keys: jax.Array,
    logits: jax.Array,
    legal: jax.Array,
    fraction: float | jax.Array,
    alpha: float | jax.Array,
) -> jax.Array:
    """Logits [B, A] of the prior mixed with Dirichlet noise on legal actions alone.

    Wu 2019 (KataGo), section 2, shares one total concentration among the legal actions, so that
    noise is as peaked with few of them as with many: `alpha = total / number of legal actions`.

    Args:
        keys: one PRNG key, or one for each game [B].
        logits: float32 [B, A].
        legal: bool [B, A].
        fraction: share of the noise.
        alpha: concentration of each legal action, one for all or [B, 1].
    """
    alphas = jnp.broadcast_to(jnp.asarray(alpha, logits.dtype), logits.shape)
    draw = jax.random.loggamma if keys.ndim == 0 else jax.vmap(jax.random.loggamma)
    noise = jax.nn.softmax(jnp.where(legal, draw(keys, alphas), -jnp.inf))
    mixed = (1.0 - fraction) * jax.nn.softmax(logits) + fraction * jnp.where(legal, noise, 0.0)
    return jnp.log(jnp.maximum(mixed, jnp.finfo(logits.dtype).tiny))
