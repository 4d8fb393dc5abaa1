"""A whole search tree in one form, whichever engine grew it: what a person looks into.

    result, record = search_with_tree(env, evaluator, params, keys, problem, state, config)

Nodes are numbered by simulation, so a parent's number is below its children's. A number may
belong to no node: of a game that rested, or of a simulation that met the greatest depth.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from selfplay.search.engine import SearchTree


class TreeRecord(struct.PyTreeNode):
    """Trees of B games with room for N nodes each; the root is node 0."""

    parents: jax.Array
    """int32 [B, N]: -1 at the root."""
    actions: jax.Array
    """int32 [B, N]: which led from the parent; -1 at the root."""
    children: jax.Array
    """int32 [B, N, A]: -1 where no simulation went."""
    prior: jax.Array
    """float32 [B, N, A]: the evaluator's policy, probabilities."""
    visit_counts: jax.Array
    """int32 [B, N, A]: simulations that went through each action."""
    qvalues: jax.Array
    """float32 [B, N, A]: mean return of each action for the node's mover; 0 where unvisited."""
    values: jax.Array
    """float32 [B, N]: mean over all that reached the node, for its mover."""
    raw_values: jax.Array
    """float32 [B, N]: the evaluator's."""
    rewards: jax.Array
    """float32 [B, N]: on the way from the parent, for the parent's mover; 0 at the root."""
    discounts: jax.Array
    """float32 [B, N]: from the node's values to its parent's, see `model`; 0 at the root."""
    ended: jax.Array
    """bool [B, N]: the episode is over there."""


def of_engine(search_tree: SearchTree, state: Any, log_prior: bool) -> TreeRecord:
    """What our engine left of searches from `state` [B], priors kept as logarithms or not."""
    tree, batch_size = search_tree.tree, search_tree.batch_size
    rows = jnp.arange(tree.plans.shape[0] - 1, dtype=jnp.int32)  # the last row is nobody's
    nodes = tree.nodes(rows)
    edge, reward, discount = tree.arrival(rows)
    is_root = rows < batch_size
    by_row = TreeRecord(
        parents=jnp.where(is_root, -1, edge // tree.num_actions // batch_size),
        actions=jnp.where(is_root, -1, edge % tree.num_actions),
        children=jnp.where(nodes.visits > 0, nodes.child, -1),
        prior=jax.nn.softmax(nodes.prior) if log_prior else nodes.prior,
        visit_counts=nodes.visits.astype(jnp.int32),
        qvalues=nodes.qvalues,
        values=nodes.node_value,
        raw_values=nodes.raw_value,
        rewards=reward,
        discounts=discount,
        ended=tree.embedding(rows, state).ended,
    )
    return jax.tree.map(
        lambda x: jnp.swapaxes(x.reshape(-1, batch_size, *x.shape[1:]), 0, 1), by_row
    )


def of_mctx(tree: Any) -> TreeRecord:
    """What mctx left: an `mctx.Tree` of B games."""
    is_root = tree.parents < 0
    parent, action = jnp.maximum(tree.parents, 0), jnp.maximum(tree.action_from_parent, 0)

    def on_arrival(of_edges: jax.Array) -> jax.Array:
        along = jax.vmap(lambda edges, p, a: edges[p, a])(of_edges, parent, action)
        return jnp.where(is_root, 0.0, along)

    return TreeRecord(
        parents=tree.parents,
        actions=tree.action_from_parent,
        children=tree.children_index,
        prior=jax.nn.softmax(tree.children_prior_logits),
        visit_counts=tree.children_visits,
        qvalues=tree.children_rewards + tree.children_discounts * tree.children_values,
        values=tree.node_values,
        raw_values=tree.raw_values,
        rewards=on_arrival(tree.children_rewards),
        discounts=on_arrival(tree.children_discounts),
        ended=tree.embeddings.ended,
    )
