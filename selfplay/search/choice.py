"""How a simulation chooses: Gumbel AlphaZero's rules and PUCT, as `Chooser`s of the engine.

Q-transforms are mctx's own (or a user's): functions of an `mctx.Tree` and a node's index, given
here a tree of that one node.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import mctx

from selfplay.search.halving import considered_visits
from selfplay.search.simulation import Chooser
from selfplay.search.tree import Node

_LOW_LOGIT = -1e9
"""Below it no score falls, so that the only action considered is tried even if hopeless."""

_EPSILON = 1e-8
"""The least range of values, as in mctx."""

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
        return plan(jnp.where(invalid_actions, -jnp.inf, scores), nodes)

    def interior(nodes: Node, game: jax.Array) -> jax.Array:
        del game
        improved = jax.nn.softmax(nodes.prior + transform(qtransform, nodes, nodes.prior))
        return plan(improved - nodes.visits / nodes.node_visits[:, None], nodes)

    return Chooser(prior=jax.nn.log_softmax, root=root, interior=interior)


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
        return plan(jnp.where(invalid_actions, -jnp.inf, scores(nodes, noise)), nodes)

    def interior(nodes: Node, game: jax.Array) -> jax.Array:
        return plan(scores(nodes, noise.at[game].get(mode="promise_in_bounds")), nodes)

    return Chooser(prior=jax.nn.softmax, root=root, interior=interior)


def plan(scores: jax.Array, nodes: Node) -> jax.Array:
    """int32 [K]: where the highest score [K, A] leads: a child, or -1 - action if there is none."""
    action = jax.lax.broadcasted_iota(jnp.int32, scores.shape, 1)

    def better(a, b):
        first = (a[0] > b[0]) | ((a[0] == b[0]) & (a[1] < b[1]))
        return tuple(jnp.where(first, x, y) for x, y in zip(a, b, strict=True))

    nobody = (jnp.float32(-jnp.inf), jnp.int32(scores.shape[1]), jnp.int32(0))
    _, action, child = jax.lax.reduce((scores, action, nodes.child), nobody, better, (1,))
    action = jnp.minimum(action, scores.shape[1] - 1)  # scores may be NaN, and nobody be best
    return jnp.where(child > 0, child, -1 - action)


def transform(qtransform: Any, nodes: Node, log_prior: jax.Array) -> jax.Array:
    """float32 [K, A]: the Q-transform of each node, whose prior has the given logarithm."""
    function, options = qtransform, {}
    if isinstance(qtransform, functools.partial) and not qtransform.args:
        function, options = qtransform.func, qtransform.keywords
    if function is mctx.qtransform_completed_by_mix_value and set(options) <= _FOLDED_OPTIONS:
        return completed_by_mix_value(nodes, log_prior, **options)
    if qtransform is mctx.qtransform_by_parent_and_siblings:
        return by_parent_and_siblings(nodes)
    return by_mctx(qtransform, nodes, log_prior)


_FOLDED_OPTIONS = {"value_scale", "maxvisit_init", "rescale_values"}


def completed_by_mix_value(
    nodes: Node,
    log_prior: jax.Array,
    *,
    value_scale: float = 0.1,
    maxvisit_init: float = 50.0,
    rescale_values: bool = True,
) -> jax.Array:
    """`mctx.qtransform_completed_by_mix_value`, in few passes over the actions.

    Danihelka et al. 2022, appendix D (the mixed value) and equation 8 (the scale).
    """
    visited = nodes.visits > 0
    qvalues = nodes.qvalues
    prior = jnp.maximum(jnp.exp(log_prior), jnp.finfo(jnp.float32).tiny)
    prior = jnp.where(visited, prior, 0.0)
    visits, most, weight, weighted = _fold(
        (nodes.visits, nodes.visits, prior, prior * qvalues),
        (jnp.add, jnp.maximum, jnp.add, jnp.add),
        (0.0, 0.0, 0.0, 0.0),
    )
    mean = weighted / jnp.where(weight > 0, weight, 1.0)
    mixed = (nodes.raw_value + visits * mean) / (visits + 1.0)
    completed = jnp.where(visited, qvalues, mixed[:, None])
    scale = (maxvisit_init + most) * value_scale
    if not rescale_values:
        return scale[:, None] * completed
    low, high = _fold((completed, completed), (jnp.minimum, jnp.maximum), (jnp.inf, -jnp.inf))
    scale = scale / jnp.maximum(high - low, _EPSILON)
    return scale[:, None] * (completed - low[:, None])


def by_parent_and_siblings(nodes: Node) -> jax.Array:
    """`mctx.qtransform_by_parent_and_siblings`, in few passes over the actions."""
    visited = nodes.visits > 0
    visits, total = _fold((nodes.visits, nodes.total), (jnp.add, jnp.add), (0.0, 0.0))
    value = (nodes.raw_value + total) / (1.0 + visits)
    qvalues = jnp.where(visited, nodes.qvalues, value[:, None])
    low, high = _fold((qvalues, qvalues), (jnp.minimum, jnp.maximum), (jnp.inf, -jnp.inf))
    low, high = jnp.minimum(low, value), jnp.maximum(high, value)
    qvalues = jnp.where(visited, qvalues, low[:, None])
    return (qvalues - low[:, None]) / jnp.maximum(high - low, _EPSILON)[:, None]


def _fold(operands: tuple, functions: tuple, starts: tuple) -> list[jax.Array]:
    """Each operand [K, A] folded over actions by its function, all in one pass."""

    def combine(a, b):
        return tuple(f(x, y) for f, x, y in zip(functions, a, b, strict=True))

    return jax.lax.reduce(operands, tuple(jnp.float32(x) for x in starts), combine, (1,))


def by_mctx(qtransform: Any, nodes: Node, log_prior: jax.Array) -> jax.Array:
    """float32 [K, A]: any Q-transform, given an `mctx.Tree` of each node alone."""
    tree: Any = mctx.Tree
    ones, zeros = jnp.ones_like(log_prior), jnp.zeros_like(log_prior)
    fields = {
        "node_visits": nodes.node_visits,
        "raw_values": nodes.raw_value,
        "node_values": nodes.node_value,
        "parents": jnp.full(nodes.raw_value.shape, -1),
        "action_from_parent": jnp.full(nodes.raw_value.shape, -1),
        "children_index": nodes.child,
        "children_prior_logits": log_prior,
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
