"""Q-transforms and choices of single nodes, against mctx's on a tree that mctx grew."""

import functools
from typing import Any

import hypothesis
import jax
import jax.numpy as jnp
import mctx
import numpy as np
import pytest
from hypothesis import strategies as st
from mctx._src import action_selection, seq_halving

from selfplay.search import choice
from selfplay.search.tree import Node
from tests.reference import random_trees
from tests.reference.random_trees import World

BATCH_SIZE, NUM_ACTIONS, NUM_SIMULATIONS = 4, 7, 64
NUM_NODES = NUM_SIMULATIONS + 1

mix = mctx.qtransform_completed_by_mix_value
TRANSFORMS = {
    "mix": mix,
    "mix, raw value": functools.partial(mix, use_mixed_value=False),
    "mix, not rescaled": functools.partial(mix, rescale_values=False),
    "mix, other scales": functools.partial(mix, value_scale=1.0, maxvisit_init=3.0),
    "parent and siblings": mctx.qtransform_by_parent_and_siblings,
    "parent and siblings, epsilon": functools.partial(
        mctx.qtransform_by_parent_and_siblings, epsilon=0.5
    ),
    "min max": functools.partial(mctx.qtransform_by_min_max, min_value=-3.0, max_value=2.0),
}


@pytest.fixture(scope="module")
def grown() -> Any:
    """An `mctx.Tree` that Gumbel grew, its nodes' statistics of all sorts."""
    world = World(
        seed=np.uint32(4),
        discounts=random_trees.ENDINGS,
        rewards=np.float32(0.5),
        masked=np.float32(0.3),
    )

    @jax.jit
    def run(key):
        root = random_trees.root(world, BATCH_SIZE, NUM_ACTIONS)
        recurrent_fn = random_trees.make_recurrent_fn(NUM_ACTIONS)
        output = mctx.gumbel_muzero_policy(world, key, root, recurrent_fn, NUM_SIMULATIONS)
        return output.search_tree

    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return jax.tree.map(jnp.asarray, run(jax.random.key(0)))


def nodes_of(tree: Any, prior: jax.Array) -> Node:
    """All nodes [B * N] of an mctx tree, with the prior [B, N, A] that is to be kept of them."""
    visits = tree.children_visits.astype(jnp.float32)
    qvalues = tree.children_rewards + tree.children_discounts * tree.children_values
    flat = lambda x: x.reshape(BATCH_SIZE * NUM_NODES, *x.shape[2:])  # noqa: E731
    return Node(
        prior=flat(prior),
        total=flat(qvalues * visits),
        visits=flat(visits),
        raw_value=flat(tree.raw_values),
        child=flat(jnp.maximum(tree.children_index, 0)),
    )


def at_each_node(function: Any, tree: Any) -> np.ndarray:
    """`function(tree of one game, node)` for all nodes, [B * N, ...]."""
    indices = jnp.arange(NUM_NODES, dtype=jnp.int32)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        of_game = lambda one: jax.vmap(lambda node: function(one, node))(indices)  # noqa: E731
        result = np.asarray(jax.jit(jax.vmap(of_game))(tree))
    return result.reshape(BATCH_SIZE * NUM_NODES, *result.shape[2:])


def led_to(nodes: Node, actions: np.ndarray) -> np.ndarray:
    """What a node plans that chose each action."""
    child = np.asarray(nodes.child)[np.arange(len(actions)), actions]
    return np.where(child > 0, child, -1 - actions)


def test_the_tree_has_nodes_of_all_sorts(grown):
    visits = np.asarray(grown.children_visits).sum(-1)
    assert (visits == 0).any() and (visits == 1).any() and (visits > 10).any()


def test_nodes_imply_what_mctx_stores(grown):
    nodes = nodes_of(grown, grown.children_prior_logits)
    np.testing.assert_array_equal(nodes.node_visits, grown.node_visits.reshape(-1))
    np.testing.assert_allclose(nodes.node_value, grown.node_values.reshape(-1), atol=1e-6)
    expected = at_each_node(lambda tree, node: tree.qvalues(node), grown)
    visited = np.asarray(nodes.visits) > 0
    np.testing.assert_allclose(np.asarray(nodes.qvalues)[visited], expected[visited], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(nodes.qvalues)[~visited], 0.0)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform_is_mctx_s(grown, name):
    prior = jax.nn.log_softmax(grown.children_prior_logits)
    nodes = nodes_of(grown, prior)
    got = jax.jit(functools.partial(choice.transform, TRANSFORMS[name]))(nodes, nodes.prior)
    expected = at_each_node(TRANSFORMS[name], grown)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", ["mix", "parent and siblings"])
def test_gumbel_s_inner_choice_is_mctx_s(grown, name):
    invalid = jnp.zeros((BATCH_SIZE, NUM_ACTIONS), jnp.bool_)
    budget = jnp.full(BATCH_SIZE, NUM_SIMULATIONS, jnp.int32)
    chooser = choice.gumbel(
        TRANSFORMS[name], invalid.astype(jnp.float32), invalid, budget, NUM_SIMULATIONS, 16
    )
    nodes = nodes_of(grown, chooser.prior(grown.children_prior_logits))
    games = jnp.repeat(jnp.arange(BATCH_SIZE, dtype=jnp.int32), NUM_NODES)
    select = functools.partial(
        action_selection.gumbel_muzero_interior_action_selection,
        jax.random.key(0),
        depth=1,
        qtransform=TRANSFORMS[name],
    )
    expected = led_to(nodes, at_each_node(lambda tree, node: select(tree, node), grown))
    np.testing.assert_array_equal(chooser.interior(nodes, games), expected)


@pytest.mark.parametrize("name", ["parent and siblings", "min max"])
def test_puct_s_inner_choice_is_mctx_s(grown, name):
    invalid = jnp.zeros((BATCH_SIZE, NUM_ACTIONS), jnp.bool_)
    chooser = choice.puct(TRANSFORMS[name], invalid.astype(jnp.float32), invalid, 1.25, 19652.0)
    nodes = nodes_of(grown, chooser.prior(grown.children_prior_logits))
    games = jnp.repeat(jnp.arange(BATCH_SIZE, dtype=jnp.int32), NUM_NODES)
    select = functools.partial(
        action_selection.muzero_action_selection,
        jax.random.key(0),
        depth=1,
        qtransform=TRANSFORMS[name],
    )
    expected = led_to(nodes, at_each_node(lambda tree, node: select(tree, node), grown))
    np.testing.assert_array_equal(chooser.interior(nodes, games), expected)


numbers = st.floats(-20, 20, width=32)


@hypothesis.given(
    rows=st.lists(
        st.tuples(numbers, numbers, numbers, st.sampled_from([0.0, 1.0, 2.0])),
        min_size=NUM_ACTIONS,
        max_size=NUM_ACTIONS,
    )
)
def test_score_considered_is_mctx_s(rows):
    noise, logits, completed, visits = np.array(rows, np.float32).T[:, None]
    considered = visits.max(-1, keepdims=True)
    got = choice.score_considered(considered, noise, logits, completed, visits)
    with jax.numpy_rank_promotion("allow"):
        expected = seq_halving.score_considered(considered, noise, logits, completed, visits)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


plan = jax.jit(choice.plan)
scores_of_any_kind = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 1.0, np.inf])


@hypothesis.given(
    rows=st.lists(st.lists(scores_of_any_kind, min_size=5, max_size=5), min_size=4, max_size=4),
    children=st.lists(st.integers(0, 2), min_size=20, max_size=20),
)
def test_a_plan_leads_where_the_first_best_action_does(rows, children):
    scores = np.array(rows, np.float32)
    zeros = jnp.zeros((4, 5), jnp.float32)
    child = jnp.array(children, jnp.int32).reshape(4, 5)
    nodes = Node(prior=zeros, total=zeros, visits=zeros, raw_value=zeros[:, 0], child=child)
    got = plan(jnp.asarray(scores), nodes)
    np.testing.assert_array_equal(got, led_to(nodes, scores.argmax(1)))


def test_masked_argmax_is_valid():
    scores = jnp.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [-jnp.inf, -jnp.inf, 0.0]], jnp.float32)
    invalid = jnp.array([[True, False, False], [True, True, True], [False, False, True]])
    np.testing.assert_array_equal(choice.masked_argmax(scores, invalid), [1, 0, 0])
