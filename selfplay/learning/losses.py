"""The losses: the network is drawn to the improved policy and to the value (Silver et al. 2018)."""

import jax
import jax.numpy as jnp

from selfplay.environment.contract import Environment
from selfplay.networks.contract import Apply, Params
from selfplay.operators.targets import Targets
from selfplay.search.model import mask_logits


def distillation_loss(
    env: Environment, apply: Apply, value_weight: float, params: Params, batch: Targets
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Weighted cross-entropy to `action_weights`, plus squared error to `value`.

    Args:
        env: observes the batch's states and says what is legal.
        apply: the network.
        value_weight: of the value loss, beside the policy loss.
        params: the network's parameters.
        batch: Targets [K].

    Returns:
        The loss, float32 [], and metrics: both parts, entropies of target and of policy in
        nats, and the divergence KL(target || policy), all means over the batch.
    """
    logits, value = apply(params, jax.vmap(env.observe)(batch.problem, batch.state))
    legal = jax.vmap(env.legal_action_mask)(batch.problem, batch.state)
    log_policy = jax.nn.log_softmax(mask_logits(logits, legal))
    cross_entropy = -_expectation(batch.action_weights, log_policy)
    squared_error = jnp.square(value - batch.value)

    def weighted_mean(x: jax.Array) -> jax.Array:
        return jnp.mean(batch.weight * x)

    policy_loss = weighted_mean(cross_entropy)
    value_loss = weighted_mean(squared_error)
    tiny = jnp.finfo(jnp.float32).tiny
    log_target = jnp.log(jnp.maximum(batch.action_weights, tiny))
    target_entropy = weighted_mean(-_expectation(batch.action_weights, log_target))
    metrics = {
        "loss/policy": policy_loss,
        "loss/value": value_loss,
        "entropy/policy": weighted_mean(-_expectation(jnp.exp(log_policy), log_policy)),
        "entropy/target": target_entropy,
        "kl/target_policy": policy_loss - target_entropy,
    }
    return policy_loss + value_weight * value_loss, metrics


def _expectation(probabilities: jax.Array, x: jax.Array) -> jax.Array:
    """Mean of `x` under `probabilities`, over the last axis; nothing where they are zero."""
    return jnp.sum(jnp.where(probabilities > 0, probabilities * x, 0.0), axis=-1)
