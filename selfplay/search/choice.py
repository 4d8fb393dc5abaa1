"""How a simulation chooses: Gumbel AlphaZero's rules and PUCT, as `Chooser`s of the engine.

Q-transforms are mctx's own (or a user's): functions of an `mctx.Tree` and a node's index, given
here a tree of that one node.
"""

from typing import Any

import jax
import jax.numpy as jnp
import mctx

from selfplay.search.halving import considered_visits
from selfplay.search.simulation import Chooser
from selfplay.search.tree import Node

_LOW_LOGIT = -1e9
"""Below it no score falls, so that the only action considered is tried even if hopeless."""

_TIE = 1e-7
"""Height of the noise that breaks ties in PUCT, as in mctx."""


def gumbel(
    qtransform: Any,
    noise: jax.Array,
    invalid_actions: jax.Array,
    num_simulations: jax.Array,
    max_num_simulations: int,
    max_considered: int,
) -> Chooser:
    """Sequential halving at the root, the improved policy's own visits below.

    Danihelka et al. 2022, "Policy improvement by planning with Gumbel", algorithm 2 and
    section 5.

    Args:
        qtransform: an mctx Q-transform.
        noise: float32 [B, A], one Gumbel variable an action.
        invalid_actions: bool [B, A], at the root.
        num_simulations: int32 [B].
        max_num_simulations: bound on it.
        max_considered: actions that may enter the halving.
    """
    valid = (~invalid_actions).sum(-1, dtype=jnp.int32)
    schedule = considered_visits(
        jnp.minimum(valid, max_considered), num_simulations, max_considered, max_num_simulations
    )

    def root(nodes: Node, simulation: jax.Array) -> jax.Array:
        considered = schedule[simulation].astype(jnp.float32)[:, None]
        completed = transform(qtransform, nodes, nodes.prior)
        scores = score_considered(considered, noise, nodes.prior, completed, nodes.visits)
        return masked_argmax(scores, invalid_actions)

    def interior(nodes: Node, game: jax.Array) -> jax.Array:
        del game
        improved = jax.nn.softmax(nodes.prior + transform(qtransform, nodes, nodes.prior))
        return _argmax(improved - nodes.visits / nodes.node_visits[:, None])

    return Chooser(prior=lambda logits: logits, root=root, interior=interior)


def puct(
    qtransform: Any,
    noise: jax.Array,
    invalid_actions: jax.Array,
    pb_c_init: float,
    pb_c_base: float,
) -> Chooser:
    """A prior's probabilities weighed against values by PUCT.

    Silver et al. 2018 (AlphaZero), methods; Schrittwieser et al. 2020 (MuZero), appendix B.

    Args:
        qtransform: an mctx Q-transform.
        noise: float32 [B, A] in [0, 1), which breaks ties.
        invalid_actions: bool [B, A], at the root.
        pb_c_init: constant c1.
        pb_c_base: constant c2.
    """

    def scores(nodes: Node, noise: jax.Array) -> jax.Array:
        visits = nodes.node_visits[:, None]
        weight = jnp.sqrt(visits) * (pb_c_init + jnp.log((visits + pb_c_base + 1.0) / pb_c_base))
        logits = jnp.log(jnp.maximum(nodes.prior, jnp.finfo(jnp.float32).tiny))
        exploration = weight * nodes.prior / (nodes.visits + 1.0)
        return transform(qtransform, nodes, logits) + exploration + _TIE * noise

    def root(nodes: Node, simulation: jax.Array) -> jax.Array:
        del simulation
        return masked_argmax(scores(nodes, noise), invalid_actions)

    def interior(nodes: Node, game: jax.Array) -> jax.Array:
        return _argmax(scores(nodes, noise.at[game].get(mode="promise_in_bounds")))

    return Chooser(prior=jax.nn.softmax, root=root, interior=interior)


def transform(qtransform: Any, nodes: Node, logits: jax.Array) -> jax.Array:
    """float32 [K, A]: the Q-transform of each node, whose prior has the given logits."""
    tree: Any = mctx.Tree
    ones, zeros = jnp.ones_like(logits), jnp.zeros_like(logits)
    fields = {
        "node_visits": nodes.node_visits,
        "raw_values": nodes.raw_value,
        "node_values": nodes.node_value,
        "parents": jnp.full(nodes.raw_value.shape, -1),
        "action_from_parent": jnp.full(nodes.raw_value.shape, -1),
        "children_index": nodes.child,
        "children_prior_logits": logits,
        "children_visits": nodes.visits,
        "children_rewards": zeros,
        "children_discounts": ones,
        "children_values": nodes.qvalues,
        "embeddings": nodes.raw_value,
    }
    of_one_node = jax.tree.map(lambda x: x[:, None], fields)
    batch = tree(**of_one_node, root_invalid_actions=zeros, extra_data=None)
    with jax.numpy_dtype_promotion("standard"):  # mctx mixes integers and floats
        return jax.vmap(lambda one: qtransform(one, 0))(batch)


def score_considered(
    considered: jax.Array,
    noise: jax.Array,
    logits: jax.Array,
    completed: jax.Array,
    visits: jax.Array,
) -> jax.Array:
    """float32 [B, A]: `noise + logits + completed` of actions visited `considered` [B, 1] times.

    All others are at minus infinity.
    """
    logits = logits - logits.max(-1, keepdims=True)
    scores = jnp.maximum(_LOW_LOGIT, noise + logits + completed)
    return jnp.where(visits == considered, scores, -jnp.inf)


def masked_argmax(scores: jax.Array, invalid_actions: jax.Array) -> jax.Array:
    """int32 [B]: the valid action with the highest score; 0 where there is none."""
    return _argmax(jnp.where(invalid_actions, -jnp.inf, scores))


def _argmax(scores: jax.Array) -> jax.Array:
    return jnp.argmax(scores, axis=-1).astype(jnp.int32)
