"""The losses: the network is drawn to the improved policy and to the value (Silver et al. 2018)."""

import jax
import jax.numpy as jnp

from selfplay.environment.contract import Environment
from selfplay.networks.contract import ApplyAll, Params
from selfplay.operators.targets import Targets
from selfplay.search.model import mask_logits


def distillation_loss(
    env: Environment,
    apply: ApplyAll,
    value_weight: float,
    params: Params,
    batch: Targets,
    *,
    reply_weight: float = 0.0,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Weighted cross-entropy to `action_weights`, plus squared error to `value`.

    Args:
        env: observes the batch's states and says what is legal.
        apply: the network, with all its heads.
        value_weight: of the value loss, beside the policy loss.
        params: the network's parameters.
        batch: Targets [K].
        reply_weight: of the cross-entropy to `reply`, where the batch has it (Wu 2019, section
            3.4); rows without a reply count as zero.

    Returns:
        The loss, float32 [], and metrics: its parts, entropies of target and of policy in
        nats, and the divergence KL(target || policy), all means over the batch.
    """
    outputs = apply(params, jax.vmap(env.observe)(batch.problem, batch.state))
    legal = jax.vmap(env.legal_action_mask)(batch.problem, batch.state)
    log_policy = jax.nn.log_softmax(mask_logits(outputs.prior_logits, legal))
    cross_entropy = -_expectation(batch.action_weights, log_policy)
    squared_error = jnp.square(outputs.value - batch.value)

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
    loss = policy_loss + value_weight * value_loss
    if batch.reply is not None and outputs.reply_logits is not None:
        log_reply = jax.nn.log_softmax(outputs.reply_logits)
        metrics["loss/reply"] = weighted_mean(-_expectation(batch.reply, log_reply))
        loss = loss + reply_weight * metrics["loss/reply"]
    return loss, metrics


def _expectation(probabilities: jax.Array, x: jax.Array) -> jax.Array:
    """Mean of `x` under `probabilities`, over the last axis; nothing where they are zero."""
    return jnp.sum(jnp.where(probabilities > 0, probabilities * x, 0.0), axis=-1)
