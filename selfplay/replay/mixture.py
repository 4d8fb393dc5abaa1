"""Which generations are learnt from, and with which share: a mixture of real and made data.

Generation 0 is the real data; generation g was made by the model of generation g - 1. A share is
of the rows of a batch, or of the weight in a fit on all rows. Shares are arrays: to change
`real_fraction` compiles nothing.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.core import Tracer

Regime = Literal["replace", "accumulate"]
"""Of the made data: the newest generation alone, or all of them by their sizes."""


class Rows(NamedTuple):
    """Rows of a batch [B], by where they lie."""

    generation: jax.Array
    """int32 [B]."""
    row: jax.Array
    """int32 [B], in [0, size of the generation)."""


def refuse_unfit(sizes: Sequence[int], real_fraction: float | jax.Array | None) -> None:
    """Raises ValueError if generations of these sizes cannot be mixed with this fraction.

    What is traced has no value yet and passes: call this before `jit`.
    """
    if not sizes or min(sizes) < 0:
        raise ValueError(f"a mixture needs generations of 0 rows or more, got sizes {list(sizes)}")
    if sum(sizes) == 0:
        raise ValueError(f"a mixture needs rows, got none in {len(sizes)} generations")
    if real_fraction is None or isinstance(real_fraction, Tracer):
        return
    fraction = float(real_fraction)
    if math.isnan(fraction) or not 0 <= fraction <= 1:
        raise ValueError(f"real_fraction must lie between 0 and 1, got {fraction:g}")
    if fraction > 0 and sizes[0] == 0:
        raise ValueError(
            f"real_fraction is {fraction:g}, but generation 0 has no real data; "
            "real_fraction=0 would do"
        )


def shares(
    sizes: jax.Array, regime: Regime, real_fraction: float | jax.Array | None = None
) -> jax.Array:
    """float32 [G]: the share of each generation, their sum 1.

    The made data has the share 1 - real_fraction, the real data the rest; before anything is made
    it has all. Both may be traced; `refuse_unfit` says what cannot be.

    Args:
        sizes: int32 [G], rows of each generation; 0 for those yet to come.
        regime: which of the made generations count.
        real_fraction: in [0, 1]; 0 drops the real data, None has it weigh by its size.
    """
    if regime not in ("replace", "accumulate"):
        raise ValueError(f"regime must be 'replace' or 'accumulate', got {regime!r}")
    generation = jnp.arange(sizes.shape[0], dtype=jnp.int32)
    counted = (generation > 0) & (sizes > 0)
    if regime == "replace":
        counted &= generation == jnp.where(counted, generation, 0).max()
    made = jnp.where(counted, sizes, 0).astype(jnp.float32)
    total = made.sum()
    if real_fraction is None:
        real = sizes[0].astype(jnp.float32)
        real_fraction = real / jnp.maximum(real + total, 1.0)
    real_share = jnp.where(total > 0, jnp.asarray(real_fraction, jnp.float32), 1.0)
    made_shares = (1.0 - real_share) * made / jnp.maximum(total, 1.0)
    return jnp.where(generation == 0, real_share, made_shares)


def sample(key: jax.Array, shares: jax.Array, sizes: jax.Array, batch_size: int) -> Rows:
    """A batch, each row's generation by the shares, the row uniform within it, with replacement.

    Args:
        key: PRNG key.
        shares: float32 [G], 0 where a generation has no rows.
        sizes: int32 [G].
        batch_size: B.
    """
    generation_key, row_key = jax.random.split(key)
    generation = jax.random.categorical(generation_key, jnp.log(shares), shape=(batch_size,))
    row = jax.random.randint(row_key, (batch_size,), 0, sizes[generation])
    return Rows(generation.astype(jnp.int32), row)


def row_weights(shares: jax.Array, sizes: jax.Array, capacities: Sequence[int]) -> jax.Array:
    """float32 [sum of capacities]: the weight of every row, for a fit on all of them; their sum 1.

    The rows of generation g lie one after another in `capacities[g]` places, of which the first
    `sizes[g]` are filled; the others weigh 0.

    Args:
        shares: float32 [G].
        sizes: int32 [G].
        capacities: G lengths, fixed.
    """
    each = shares / jnp.maximum(sizes, 1).astype(jnp.float32)
    return jnp.concatenate(
        [
            jnp.where(jnp.arange(capacity, dtype=jnp.int32) < sizes[g], each[g], 0.0)
            for g, capacity in enumerate(capacities)
        ]
    )
