"""The self-consuming loop: each generation is fitted to what earlier ones made (Alemohammad et al.
2023, "Self-Consuming Generative Models Go MAD", section 2).

    for generation in range(num_generations):
        params = fit(rows, weights)           # weights: `mixture`, by regime and real_fraction
        rows += sample(key, params)

What a model is does not matter: this is the loop of which the effect of a regime can be told, in
closed form for small models (`tests/replay/test_self_consuming.py`).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from selfplay.replay import mixture

Rows = Any
"""A pytree of arrays with the same first axis, one row each."""

Params = Any
"""What a fit finds: a pytree of arrays."""


def generations(
    key: jax.Array,
    *,
    real: Callable[[jax.Array], Rows],
    fit: Callable[[Rows, jax.Array], Params],
    sample: Callable[[jax.Array, Params], Rows],
    num_generations: int,
    regime: mixture.Regime = "accumulate",
    real_fraction: float | jax.Array | None = None,
    fresh_real: bool = False,
) -> Params:
    """The models of all generations: Params [num_generations]; the first is fitted to real data.

    One program whatever the number of generations; pure, to be used under `jit` and `vmap`.

    Args:
        key: PRNG key.
        real: a key to real Rows [M].
        fit: Rows [K] and their weights (float32 [K], sum 1, 0 on rows that do not count) to
            Params. What it sees in rows of weight 0 is arbitrary, but finite.
        sample: a key and Params to Rows [N], in all but N like the real ones.
        num_generations: fits, at least 1.
        regime: which of the made generations the next one learns from; see `mixture.shares`.
        real_fraction: share of the real data; None has it weigh by its size. May be traced.
        fresh_real: whether the real data is drawn anew for each generation.

    Raises:
        ValueError: the rows or numbers do not fit.
    """
    if num_generations < 1:
        raise ValueError(f"num_generations must be at least 1, got {num_generations}")
    first_key, loop_key = jax.random.split(key)
    first = real(first_key)
    real_size = _size(first)
    mixture.refuse_unfit([real_size], real_fraction)
    made = jax.eval_shape(lambda key: sample(key, fit(first, jnp.ones(real_size))), loop_key)
    _refuse_unlike(first, made)
    size, slots = _size(made), 1 if regime == "replace" else num_generations
    capacities = (real_size, *[size] * slots)

    def one(rows: Rows, now: tuple[jax.Array, jax.Array]) -> tuple[Rows, Params]:
        generation, key = now
        real_key, sample_key = jax.random.split(key)
        if fresh_real:
            rows = _written(rows, real(real_key), 0)
        filled = jnp.arange(slots, dtype=jnp.int32) < generation
        sizes = jnp.concatenate([jnp.full(1, real_size, jnp.int32), jnp.where(filled, size, 0)])
        shares = mixture.shares(sizes, regime, real_fraction)
        params = fit(rows, mixture.row_weights(shares, sizes, capacities))
        slot = jnp.minimum(generation, slots - 1)
        return _written(rows, sample(sample_key, params), real_size + slot * size), params

    empty = jax.tree.map(lambda x: jnp.zeros((size * slots, *x.shape[1:]), x.dtype), first)
    rows = jax.tree.map(lambda x, y: jnp.concatenate([x, y]), first, empty)
    each = jnp.arange(num_generations, dtype=jnp.int32), jax.random.split(loop_key, num_generations)
    return jax.lax.scan(one, rows, each)[1]


def _size(rows: Rows) -> int:
    """How many rows there are. Raises ValueError if the arrays disagree."""
    sizes = {leaf.shape[0] if leaf.ndim else None for leaf in jax.tree.leaves(rows)}
    if len(sizes) != 1 or None in sizes:
        shapes = [leaf.shape for leaf in jax.tree.leaves(rows)]
        raise ValueError(f"rows must be arrays with the same first axis, got shapes {shapes}")
    return sizes.pop() or 0


def _refuse_unlike(real: Rows, made: Rows) -> None:
    """Raises ValueError if the rows that a model makes are not like the real ones."""
    forms = [jax.tree.map(lambda x: (x.dtype.name, x.shape[1:]), rows) for rows in (real, made)]
    if forms[0] != forms[1]:
        raise ValueError(
            f"sample must make rows like the real ones, dtypes and shapes {forms[0]}, "
            f"got {forms[1]}"
        )
    if _size(made) == 0:
        raise ValueError("sample must make at least one row, got none")


def _written(rows: Rows, new: Rows, start: int | jax.Array) -> Rows:
    """`rows` with `new` from row `start` on."""
    return jax.tree.map(lambda x, y: jax.lax.dynamic_update_slice_in_dim(x, y, start, 0), rows, new)
