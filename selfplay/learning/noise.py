"""Noise on the student: it learns with less than its teacher had, and so must understand more.

Xie et al. 2020, "Self-training with Noisy Student improves ImageNet classification", section 2,
which Jumper et al. 2021 follow in AlphaFold 2's self-distillation, with masked inputs and dropout.
Another kind of noise, symmetries, is the learner's `augment`.
"""

import itertools

import jax
import jax.numpy as jnp

from selfplay.config import LearnerConfig
from selfplay.environment.contract import Environment
from selfplay.environment.observation import ArraySpec, Observation
from selfplay.networks.contract import ApplyAll, Drop, Outputs, Params, keep


def noisy(apply: ApplyAll, config: LearnerConfig, key: jax.Array) -> ApplyAll:
    """The network as a student has it for one batch: with the noise of `config`, by `key`."""
    mask_key, drop_key = jax.random.split(key)

    def student(params: Params, observation: Observation, drop: Drop = keep, /) -> Outputs:
        if config.mask_fraction > 0:
            observation = masked(mask_key, observation, config.mask_fraction)
        if config.dropout > 0:
            drop = dropout(drop_key, config.dropout)
        return apply(params, observation, drop)

    return student


def is_noisy(config: LearnerConfig) -> bool:
    """Whether a student is denied anything."""
    return config.mask_fraction > 0 or config.dropout > 0


def refuse_unfit(env: Environment, config: LearnerConfig) -> None:
    """Raises ValueError where there is nothing to mask."""
    if config.mask_fraction > 0 and not isinstance(env.observation_spec, ArraySpec):
        raise ValueError(
            f"learner.mask_fraction masks observations that are arrays, but {type(env).__name__} "
            "shows tokens; learner.dropout would do"
        )


def masked(key: jax.Array, observation: Observation, fraction: float) -> Observation:
    """An observation [B] of which places are zeroed, each with probability `fraction`.

    A place is all that the last axis holds of it: a square with its planes in [B, rows, columns,
    planes], a number of its own in [B, features]. Only arrays of floats have places: indices and
    masks stay.
    """
    arrays, structure = jax.tree.flatten(observation)
    keys = jax.random.split(key, len(arrays))
    return jax.tree.unflatten(
        structure, [_masked(k, x, fraction) for k, x in zip(keys, arrays, strict=True)]
    )


def _masked(key: jax.Array, array: jax.Array, fraction: float) -> jax.Array:
    if not jnp.issubdtype(array.dtype, jnp.floating):
        return array
    places = array.shape if array.ndim <= 2 else (*array.shape[:-1], 1)
    return jnp.where(jax.random.bernoulli(key, fraction, places), 0.0, array)


def dropout(key: jax.Array, rate: float) -> Drop:
    """Each unit is dropped with probability `rate`; the others grow, so that the mean stays.

    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    What it returns serves for one pass: at every place that it is asked, it draws anew.
    """
    places = itertools.count()  # not nnx.Rngs, which cannot count within a loop over goals

    def drop(hidden: jax.Array) -> jax.Array:
        place_key = jax.random.fold_in(key, next(places))
        dropped = jax.random.bernoulli(place_key, rate, hidden.shape)
        return jnp.where(dropped, 0.0, hidden / (1.0 - rate))

    return drop
