"""The learner: one optax update after another, drawn from the buffer, in one scan."""

import dataclasses

import jax
import jax.numpy as jnp
import optax
from flax import struct

from selfplay import sharding
from selfplay.config import LearnerConfig
from selfplay.environment.contract import Environment
from selfplay.learning import noise
from selfplay.learning.losses import distillation_loss
from selfplay.networks.contract import ApplyAll, Params
from selfplay.operators.targets import Targets
from selfplay.replay import buffer as replay


class LearnerState(struct.PyTreeNode):
    """What learning changes."""

    params: Params
    average: Params
    """What acts: the moving average of `params`, or nothing where `params` themselves act."""
    optimizer_state: optax.OptState
    num_updates: jax.Array
    """int32 []."""


@dataclasses.dataclass(frozen=True)
class Learner:
    """Distils targets into the network; a bundle of pure functions, run inside `over_devices`."""

    env: Environment
    apply: ApplyAll
    config: LearnerConfig
    batch_size: int
    """Rows per update on each device."""

    def __post_init__(self) -> None:
        """Raises ValueError for noise that the environment has no use for."""
        noise.refuse_unfit(self.env, self.config)

    @property
    def _optimizer(self) -> optax.GradientTransformation:
        """AdamW with clipping, but for the learning rate (Loshchilov & Hutter 2019)."""
        return optax.chain(
            optax.clip_by_global_norm(self.config.max_gradient_norm),
            optax.scale_by_adam(),
            optax.add_decayed_weights(self.config.weight_decay, mask=_is_matrix),
        )

    def init(self, params: Params) -> LearnerState:
        """A learner that has seen nothing."""
        return LearnerState(
            params=params,
            average=params if self.config.average_decay else (),
            optimizer_state=self._optimizer.init(params),
            num_updates=jnp.int32(0),
        )

    def acting(self, state: LearnerState) -> Params:
        """The parameters that play and are judged."""
        return state.average if self.config.average_decay else state.params

    def learn(
        self, state: LearnerState, buffer: replay.Buffer, key: jax.Array, total_updates: jax.Array
    ) -> tuple[LearnerState, dict[str, jax.Array]]:
        """`updates_per_iteration` updates on batches from this device's buffer.

        Args:
            state: the learner, the same on all devices.
            buffer: this device's ring, not empty.
            key: this device's PRNG key.
            total_updates: int32 [], the run's planned length, by which the learning rate falls.

        Returns:
            The new state, and means over the updates of all metrics, among them the rows'
            generation.
        """

        def step(state, key):
            sample_key, symmetry_key = jax.random.split(key)
            batch = replay.sample(buffer, sample_key, self.batch_size)
            return self._augmented_update(state, batch, symmetry_key, total_updates)

        keys = jax.random.split(key, self.config.updates_per_iteration)
        state, metrics = jax.lax.scan(step, state, keys)
        return state, jax.tree.map(jnp.mean, metrics)

    def fit(
        self, state: LearnerState, batches: Targets, key: jax.Array, total_updates: jax.Array
    ) -> tuple[LearnerState, dict[str, jax.Array]]:
        """One update for each of the batches Targets [U, B] of this device; else as `learn`."""

        def step(state, now):
            batch, key = now
            return self._augmented_update(state, batch, key, total_updates)

        keys = jax.random.split(key, batches.weight.shape[0])
        state, metrics = jax.lax.scan(step, state, (batches, keys))
        return state, jax.tree.map(jnp.mean, metrics)

    def _augmented_update(
        self, state: LearnerState, batch: Targets, key: jax.Array, total_updates: jax.Array
    ) -> tuple[LearnerState, dict[str, jax.Array]]:
        """One update on a batch seen through random symmetries and noise, if they are wanted."""
        apply = self.apply
        if noise.is_noisy(self.config):
            key, noise_key = jax.random.split(key)
            apply = noise.noisy(apply, self.config, noise_key)
        if self.config.symmetries:
            batch = augment(self.env, key, batch)
        state, metrics = self.update(state, batch, total_updates, apply)
        generation = batch.provenance.generation.astype(jnp.float32).mean()
        return state, metrics | {"generation": sharding.mean(generation)}

    def update(
        self,
        state: LearnerState,
        batch: Targets,
        total_updates: jax.Array,
        apply: ApplyAll | None = None,
    ) -> tuple[LearnerState, dict[str, jax.Array]]:
        """One update on this device's share of a batch; gradients are averaged over devices.

        `apply` is the network as the student has it, by default without noise.
        """

        def loss(params):
            return distillation_loss(
                self.env,
                apply or self.apply,
                self.config.value_weight,
                params,
                batch,
                reply_weight=self.config.reply_weight,
            )

        gradients, metrics = jax.grad(loss, has_aux=True)(state.params)
        gradients, metrics = sharding.mean((gradients, metrics))
        with jax.numpy_dtype_promotion("standard"):  # optax raises floats to integer powers
            direction, optimizer_state = self._optimizer.update(
                gradients, state.optimizer_state, state.params
            )
        rate = learning_rate(self.config, state.num_updates, total_updates)
        params = jax.tree.map(lambda p, d: p - rate * d, state.params, direction)
        average = state.average
        if self.config.average_decay:
            decay = average_decay(self.config, state.num_updates)
            average = jax.tree.map(lambda a, p: a + (1.0 - decay) * (p - a), average, params)
        metrics |= {
            "learning_rate": rate,
            "norm/gradient": optax.tree.norm(gradients),
            "norm/parameters": optax.tree.norm(params),
        }
        new_state = LearnerState(
            params=params,
            average=average,
            optimizer_state=optimizer_state,
            num_updates=state.num_updates + 1,
        )
        return new_state, metrics


def learning_rate(
    config: LearnerConfig, num_updates: jax.Array, total_updates: jax.Array
) -> jax.Array:
    """float32 []: linear warm-up, then a cosine to the final fraction (Loshchilov & Hutter 2017).

    The length of the run is traced: to change it compiles nothing.
    """
    done = num_updates.astype(jnp.float32)
    warmup = jnp.minimum(1.0, (done + 1.0) / max(1, config.warmup_updates))
    progress = jnp.clip(done / jnp.maximum(total_updates.astype(jnp.float32), 1.0), 0.0, 1.0)
    final = config.final_learning_rate_fraction
    cosine = final + (1.0 - final) * 0.5 * (1.0 + jnp.cos(jnp.pi * progress))
    return config.learning_rate * warmup * cosine


def average_decay(config: LearnerConfig, num_updates: jax.Array) -> jax.Array:
    """float32 []: the configured decay, but no more than (1 + n) / (10 + n) after n updates.

    Early on the average is short, so that it forgets what was learnt from nothing.
    """
    done = num_updates.astype(jnp.float32)
    return jnp.minimum(config.average_decay, (1.0 + done) / (10.0 + done))


def augment(env: Environment, key: jax.Array, batch: Targets) -> Targets:
    """Each row of the batch [K] seen through a random symmetry of the environment."""
    if env.num_symmetries == 1:
        return batch
    index = jax.random.randint(key, batch.value.shape, 0, env.num_symmetries)
    problem, state, permutation = jax.vmap(env.symmetry)(batch.problem, batch.state, index)
    rename = jax.vmap(lambda weights, to: jnp.zeros_like(weights).at[to].set(weights))
    return batch.replace(
        problem=problem,
        state=state,
        action_weights=rename(batch.action_weights, permutation),
        reply=None if batch.reply is None else rename(batch.reply, permutation),
    )


def _is_matrix(params: Params) -> Params:
    """Which parameters decay: weights, not biases or scales."""
    return jax.tree.map(lambda x: x.ndim > 1, params)
