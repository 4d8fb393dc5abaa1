"""What a student compiles to, once for all generations: begin, and learn from batches."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from selfplay import sharding
from selfplay.config import Config
from selfplay.environment.contract import Environment
from selfplay.learning.learner import Learner, LearnerState
from selfplay.networks.contract import Network, Params
from selfplay.operators.targets import Targets

Metrics = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True)
class Student:
    """A network that learns from labels, one of which begins in each generation."""

    begin: Callable[[Params | None, jax.Array], LearnerState]
    """`(parameters or None for untrained ones, generation)`: one that has learnt nothing."""
    abstract: Callable[[], LearnerState]
    """Shapes, dtypes and placements of such a one, to restore into."""
    acting: Callable[[LearnerState], Params]
    """The parameters that label for the next, are judged and are saved."""
    fit: Callable[[LearnerState, Targets, jax.Array, jax.Array], tuple[LearnerState, Metrics]]
    """`(state, Targets [U, B], iteration, updates of the whole student)`: one update a batch. The
    old state is consumed."""


def make_student(
    env: Environment[Any], network: Network, config: Config, mesh: Mesh, key: jax.Array
) -> Student:
    """Raises ValueError naming the setting that does not fit."""
    batch_size = sharding.share(config.learner.batch_size, mesh, "learner.batch_size")
    learner = Learner(env, network.apply_all, config.learner, batch_size)
    network_key, learn_key = jax.random.split(key)

    def begin(params: Params | None, generation: jax.Array) -> LearnerState:
        if params is None:
            params = network.init(jax.random.fold_in(network_key, generation))
        return learner.init(params)

    def fit(
        state: LearnerState, batches: Targets, iteration: jax.Array, total: jax.Array
    ) -> tuple[LearnerState, Metrics]:
        key = sharding.device_key(jax.random.fold_in(learn_key, iteration))
        state, metrics = learner.fit(state, batches, key, total)
        metrics.pop("generation")
        return state, metrics

    split = (sharding.REPLICATED, sharding.SPLIT_SECOND, sharding.REPLICATED, sharding.REPLICATED)
    over = sharding.over_devices(mesh, fit, split, (sharding.REPLICATED, sharding.REPLICATED))

    def abstract() -> LearnerState:
        shapes = jax.eval_shape(begin, None, jnp.int32(0))
        return sharding.abstract(mesh, shapes, sharding.REPLICATED)

    return Student(
        begin=jax.jit(begin, out_shardings=sharding.replicated(mesh)),
        abstract=abstract,
        acting=learner.acting,
        fit=jax.jit(over, donate_argnums=0),
    )
