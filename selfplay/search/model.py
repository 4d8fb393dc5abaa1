"""The model that a search walks: an environment and an evaluator, with all masks and signs.

Values are in [-1, 1] for the player to move at the node. With `u(G)` the value of a return `G`
(`Environment.to_value`, an affine map), one step obeys

    u(r + G') = scale * r + discount * u(G')

where `discount` is 0 at the end, -1 if the player to move changed, otherwise +1 (AlphaZero's
signs; Silver et al. 2018, methods), and at the end the constant `u(0)` joins the reward.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import mctx

from selfplay.environment.contract import Environment, Problem, State
from selfplay.networks.contract import Apply, Params

ILLEGAL_LOGIT = -1e9
"""Of illegal actions, at the root and at interior nodes; finite, so that no NaN arises."""

Evaluator = Callable[[Params, jax.Array, Problem, State], tuple[jax.Array, jax.Array]]
"""`(params, keys [B], problem [B], state [B]) -> (prior_logits [B, A], value [B] in [-1, 1])`.

Each state has its own key, so that what is guessed of it does not depend on its batch.
"""


def network_evaluator(env: Environment, apply: Apply) -> Evaluator:
    """The network as evaluator: it observes each state and guesses; the key is unused."""

    def evaluate(
        params: Params, keys: jax.Array, problem: Problem, state: State
    ) -> tuple[jax.Array, jax.Array]:
        del keys
        return apply(params, jax.vmap(env.observe)(problem, state))

    return evaluate


def constant_evaluator(env: Environment) -> Evaluator:
    """Knows nothing: all actions are as likely, all positions even. The weak end of the scale."""

    def evaluate(
        params: Params, keys: jax.Array, problem: Problem, state: State
    ) -> tuple[jax.Array, jax.Array]:
        del params, problem, state
        batch_size = keys.shape[0]
        return jnp.zeros((batch_size, env.num_actions)), jnp.zeros(batch_size)

    return evaluate


def noisy_evaluator(evaluator: Evaluator, deviation: float) -> Evaluator:
    """Another's guesses, with Gaussian noise on its values, cut to [-1, 1]; each node its own."""

    def evaluate(
        params: Params, keys: jax.Array, problem: Problem, state: State
    ) -> tuple[jax.Array, jax.Array]:
        split = jax.vmap(jax.random.split)(keys)
        logits, value = evaluator(params, split[:, 0], problem, state)
        noise = deviation * jax.vmap(jax.random.normal)(split[:, 1])
        return logits, jnp.clip(value + noise, -1.0, 1.0)

    return evaluate


def tempered(evaluator: Evaluator, temperature: float) -> Evaluator:
    """Another's guesses, its policy flatter by a temperature above 1, sharper by one below.

    A network that learns what a search makes of its own policy is drawn to ever fewer actions, of
    several equally good ones to one. With the logits divided by a temperature T, targets
    softmax(logits / T + s), where s is what the search adds (Danihelka et al. 2022, section 4),
    have the fixed point softmax(s T / (T - 1)): what is as good stays as likely. KataGo does so at
    the root, to explore (Wu 2019).
    """
    if temperature == 1.0:
        return evaluator

    def evaluate(
        params: Params, keys: jax.Array, problem: Problem, state: State
    ) -> tuple[jax.Array, jax.Array]:
        logits, value = evaluator(params, keys, problem, state)
        return logits / temperature, value

    return evaluate


def mask_logits(logits: jax.Array, legal_action_mask: jax.Array) -> jax.Array:
    """Logits with those of illegal actions at `ILLEGAL_LOGIT`; shapes [..., A]."""
    return jnp.where(legal_action_mask, logits, ILLEGAL_LOGIT)


def root(
    env: Environment,
    evaluator: Evaluator,
    params: Params,
    keys: jax.Array,
    problem: Problem,
    state: State,
) -> mctx.RootFnOutput:
    """The root of a search from `state` [B], with a key for each."""
    prior_logits, value = evaluator(params, keys, problem, state)
    legal = jax.vmap(env.legal_action_mask)(problem, state)
    output: Any = mctx.RootFnOutput
    return output(prior_logits=mask_logits(prior_logits, legal), value=value, embedding=state)


def make_recurrent_fn(env: Environment, evaluator: Evaluator) -> Any:
    """The step from a node to its child, an `mctx.RecurrentFn`.

    mctx's `params` is the pair (network parameters, problem [B]), its key one for each game; the
    embedding is the State.
    """
    low, high = env.return_range
    scale = 2.0 / (high - low)
    end_value = env.to_value(0.0)

    def recurrent_fn(
        params: Any, keys: jax.Array, action: jax.Array, state: Any
    ) -> tuple[mctx.RecurrentFnOutput, Any]:
        network_params, problem = params
        ended_before = state.terminated
        mover = state.current_player
        state = jax.vmap(env.step)(problem, state, action.astype(jnp.int32))
        prior_logits, value = evaluator(network_params, keys, problem, state)
        legal = jax.vmap(env.legal_action_mask)(problem, state)
        reward = jax.vmap(lambda rewards, player: rewards[player])(state.rewards, mover)
        sign = jnp.where(state.current_player == mover, 1.0, -1.0)
        reward = reward * scale + jnp.where(state.terminated & ~ended_before, end_value, 0.0)
        output: Any = mctx.RecurrentFnOutput
        return output(
            reward=reward,
            discount=jnp.where(state.terminated, 0.0, sign),
            prior_logits=mask_logits(prior_logits, legal),
            value=jnp.where(state.terminated, 0.0, value),
        ), state

    return recurrent_fn
