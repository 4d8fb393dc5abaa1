"""Hindsight: what was reached in vain is the answer to another question, and is learnt as such.

Andrychowicz et al. 2017, "Hindsight experience replay", here for whole episodes: the same actions
are played again from the beginning of the problem that they solve, by the same rules.
"""

from typing import Any

import jax
import jax.numpy as jnp

from selfplay.environment.contract import Environment, shapes
from selfplay.operators.contract import OPERATORS
from selfplay.operators.demonstrations import replayed
from selfplay.operators.episodes import Episodes, Sample
from selfplay.operators.targets import Provenance


def has_hindsight(env: Environment[Any]) -> bool:
    """Whether the environment knows what episodes have solved."""
    return jax.eval_shape(env.hindsight, *shapes(env)) is not None


def in_hindsight(env: Environment[Any], episodes: Episodes, generation: jax.Array) -> Episodes:
    """Episodes of a lone player as if they had been about what they solved: Episodes [B].

    Only those count that are paid more for it; the rows of the others have weight 0. Episode e
    becomes episode -1 - e. Raises ValueError if the environment knows of no hindsight.
    """
    found = jax.vmap(env.hindsight)(episodes.problem, episodes.final)
    if found is None:
        raise ValueError(
            f"{type(env).__name__} does not say what an episode has solved; write its `hindsight`, "
            "or distill without"
        )
    problem, solved = found
    shape = episodes.samples.action.shape[1:]
    provenance = Provenance.of(shape, OPERATORS.index("hindsight"), generation=generation)
    targets, final, returns = replayed(env, problem, episodes.samples.action, provenance)
    counts = solved & (returns[:, 0] > episodes.returns[:, 0])
    targets = targets.replace(weight=jnp.where(counts, targets.weight, 0.0))
    samples = Sample(targets, episodes.samples.action, -1 - episodes.samples.episode)
    return Episodes(samples, problem, final, returns)


def both(episodes: Episodes, others: Episodes) -> Episodes:
    """Two sets of episodes as one."""
    samples = jax.tree.map(
        lambda a, b: jnp.concatenate([a, b], axis=1), episodes.samples, others.samples
    )
    rest = jax.tree.map(
        lambda a, b: jnp.concatenate([a, b]),
        (episodes.problem, episodes.final, episodes.returns),
        (others.problem, others.final, others.returns),
    )
    return Episodes(samples, *rest)
