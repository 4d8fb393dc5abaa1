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


class SearchResult(struct.PyTreeNode):
    """What a search found for each of B states."""

    action: jax.Array
    """int32 [B]: the action to play."""
    action_weights: jax.Array
    """float32 [B, A]: the improved policy; zero on illegal actions."""
    value: jax.Array
    """float32 [B]: the root's value after the search, for the mover."""
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
            value=summary.value,
            qvalues=summary.qvalues,
            visit_counts=summary.visit_counts.astype(jnp.int32),
            prior=jax.nn.softmax(root.prior_logits),
            raw_value=root.value,
        )
        return jax.tree.map(lambda x: x[0], result)

    return jax.vmap(search_one)(keys, problem, state)


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
        qtransform=_legal_qvalues,
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
    gamma = jnp.where(legal, jax.random.gamma(key, jnp.broadcast_to(alpha, logits.shape)), 0.0)
    noise = gamma / jnp.maximum(gamma.sum(-1, keepdims=True), jnp.finfo(gamma.dtype).tiny)
    fraction = config.dirichlet_fraction
    probabilities = (1.0 - fraction) * jax.nn.softmax(logits) + fraction * noise
    tiny = jnp.finfo(probabilities.dtype).tiny
    return model.mask_logits(jnp.log(jnp.maximum(probabilities, tiny)), legal)


def _legal_qvalues(tree: Any, node_index: Any) -> jax.Array:
    """mctx's default for PUCT, with illegal actions out of reach at every node.

    mctx masks the root alone, and gives an unvisited action the least value seen: without this
    an illegal one could tie with the worst of the legal.
    """
    qvalues = mctx.qtransform_by_parent_and_siblings(tree, node_index)
    legal = tree.children_prior_logits[node_index] > model.ILLEGAL_LOGIT
    return jnp.where(legal, qvalues, model.ILLEGAL_LOGIT)
