"""One search: from parameters and states to better policies, values and actions.

    evaluator = network_evaluator(env, network.apply)
    result = search(env, evaluator, params, keys, problem, state, SearchConfig())
    result.action_weights  # [B, A], a better policy than the network's

Each game's search depends on its own key alone, not on the batch it happens to be in, so a
batch split over devices gives what one device gives.
"""

from typing import Any

import jax
import jax.numpy as jnp
import mctx
from flax import struct

from selfplay.config import SearchConfig
from selfplay.environment.contract import Environment, Problem, State
from selfplay.networks.contract import Params
from selfplay.search import model

_LEAST_WEIGHT = 1e-30
"""Keeps a mean defined where all actions visited have no weight."""


class SearchResult(struct.PyTreeNode):
    """What a search found for each of B states."""

    action: jax.Array
    """int32 [B]: the action to play."""
    action_weights: jax.Array
    """float32 [B, A]: the improved policy; zero on illegal actions."""
    value: jax.Array
    """float32 [B]: value of the improved policy over the actions visited, for the mover."""
    qvalues: jax.Array
    """float32 [B, A]: value of each action for the mover; 0 where it was not visited."""
    visit_counts: jax.Array
    """int32 [B, A]: simulations that went through each action."""
    prior: jax.Array
    """float32 [B, A]: the network's policy, before the search."""
    raw_value: jax.Array
    """float32 [B]: the network's value, before the search."""


def search(
    env: Environment,
    evaluator: model.Evaluator,
    params: Params,
    keys: jax.Array,
    problem: Problem,
    state: State,
    config: SearchConfig,
) -> SearchResult:
    """Searches from each of B states, none of which has ended.

    Gumbel AlphaZero (Danihelka et al. 2022, "Policy improvement by planning with Gumbel",
    algorithm 2 and section 4) or PUCT (Silver et al. 2018), by `config.policy`.

    Args:
        env: the rules.
        evaluator: guesses at the root and at every new node.
        params: the evaluator's.
        keys: PRNG keys [B], each used for one game.
        problem: Problem [B].
        state: State [B].
        config: which search, how many simulations, how much noise.
    """
    policy = {"gumbel": _gumbel, "puct": _puct}[config.policy]
    recurrent_fn = model.make_recurrent_fn(env, evaluator)

    def search_one(key: jax.Array, problem: Problem, state: State) -> SearchResult:
        problem, state = jax.tree.map(lambda x: x[None], (problem, state))
        root_key, search_key = jax.random.split(key)
        root: Any = model.root(env, evaluator, params, root_key, problem, state)
        illegal = ~jax.vmap(env.legal_action_mask)(problem, state)
        with jax.numpy_dtype_promotion("standard"):  # mctx mixes integers and floats
            output: Any = policy((params, problem), search_key, root, recurrent_fn, illegal, config)
        summary: Any = output.search_tree.summary()
        result = SearchResult(
            action=output.action.astype(jnp.int32),
            action_weights=output.action_weights,
            value=_improved_value(output.action_weights, summary.qvalues, summary.visit_counts),
            qvalues=summary.qvalues,
            visit_counts=summary.visit_counts.astype(jnp.int32),
            prior=jax.nn.softmax(root.prior_logits),
            raw_value=root.value,
        )
        return jax.tree.map(lambda x: x[0], result)

    return jax.vmap(search_one)(keys, problem, state)


def _improved_value(
    action_weights: jax.Array, qvalues: jax.Array, visit_counts: jax.Array
) -> jax.Array:
    """Mean of the actions' values [..., A] under the improved policy, where they were visited.

    The mean over visits, mctx's root value, is no estimate of how well the state is played
    under Gumbel: sequential halving spends half of them on moves that it then rejects.
    """
    weights = jnp.where(visit_counts > 0, jnp.maximum(action_weights, _LEAST_WEIGHT), 0.0)
    return (weights * qvalues).sum(-1) / weights.sum(-1)


def _gumbel(params, key, root, recurrent_fn, illegal, config: SearchConfig):
    return mctx.gumbel_muzero_policy(
        params,
        key,
        root,
        recurrent_fn,
        config.num_simulations,
        invalid_actions=illegal,
        max_depth=config.max_depth,
        max_num_considered_actions=config.max_considered_actions,
        gumbel_scale=config.gumbel_scale,
    )


def _puct(params, key, root, recurrent_fn, illegal, config: SearchConfig):
    noise_key, key = jax.random.split(key)
    if config.dirichlet_fraction > 0.0:
        noisy = _add_dirichlet_noise(noise_key, root.prior_logits, config)
        root = root.replace(prior_logits=noisy)
    return mctx.muzero_policy(
        params,
        key,
        root,
        recurrent_fn,
        config.num_simulations,
        invalid_actions=illegal,
        max_depth=config.max_depth,
        dirichlet_fraction=0.0,
        pb_c_init=config.exploration,
        temperature=0.0,
    )


def _add_dirichlet_noise(key: jax.Array, logits: jax.Array, config: SearchConfig) -> jax.Array:
    """Root logits [1, A] with Dirichlet noise on legal actions only.

    The concentration is shared by the legal actions, so noise is as peaked with few moves as
    with many (Wu 2019, KataGo, section 2).
    """
    legal = logits > model.ILLEGAL_LOGIT
    alpha = config.dirichlet_concentration / legal.sum(-1, keepdims=True).astype(logits.dtype)
    log_gamma = jax.random.loggamma(key, jnp.broadcast_to(alpha, logits.shape))
    noise = jax.nn.softmax(model.mask_logits(log_gamma, legal))
    fraction = config.dirichlet_fraction
    probabilities = (1.0 - fraction) * jax.nn.softmax(logits) + fraction * noise
    tiny = jnp.finfo(probabilities.dtype).tiny
    return model.mask_logits(jnp.log(jnp.maximum(probabilities, tiny)), legal)
