"""What is packed comes back bit for bit; what a node costs."""

from typing import Any

import hypothesis
import jax
import jax.numpy as jnp
import mctx
import numpy as np
import pytest
from hypothesis import strategies as st
from mctx._src.search import instantiate_tree_from_root

from selfplay.environment import make
from selfplay.search import tree as trees

# Bits ------------------------------------------------------------------------------------------

DTYPES = [
    jnp.bool_,
    jnp.int8,
    jnp.uint8,
    jnp.int16,
    jnp.float16,
    jnp.bfloat16,
    jnp.int32,
    jnp.float32,
    jnp.uint32,
]
SHAPES = [(), (1,), (3,), (2, 3), (0,)]


def raw(array) -> bytes:
    return np.asarray(array).tobytes()


def random_array(rng, dtype, shape) -> jax.Array:
    """All bit patterns, NaNs and infinities among them."""
    dtype = jnp.dtype(dtype)
    if dtype == jnp.bool_:
        return jnp.asarray(rng.random(shape) < 0.5)
    bytes_ = rng.integers(0, 256, int(np.prod(shape)) * dtype.itemsize, dtype=np.uint8)
    return jnp.asarray(np.frombuffer(bytes_.tobytes(), dtype).reshape(shape))


kinds = st.tuples(st.sampled_from(DTYPES), st.sampled_from(SHAPES))


@jax.jit
def packed(embedding):
    """Words, what they are unpacked to, and other rows of the same kind."""
    words = trees.pack(embedding)
    other = words[jnp.array([2, 0], jnp.int32)]
    return words, trees.unpack(words, embedding), trees.unpack(other, embedding)


@hypothesis.settings(max_examples=20)
@hypothesis.given(st.lists(kinds, min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_packing_loses_nothing(leaves, seed):
    rng = np.random.default_rng(seed)
    embedding = {str(i): (random_array(rng, d, (3, *s)),) for i, (d, s) in enumerate(leaves)}
    words, back, rows = packed(embedding)
    sizes = [x.size // 3 * x.dtype.itemsize for x in jax.tree.leaves(embedding)]
    assert (words.dtype, words.shape) == (jnp.uint32, (3, -(-sum(sizes) // 4)))
    assert jax.tree.map(jax.typeof, back) == jax.tree.map(jax.typeof, embedding)
    for got, expected in zip(jax.tree.leaves(back), jax.tree.leaves(embedding), strict=True):
        assert raw(got) == raw(expected)
    for got, expected in zip(jax.tree.leaves(rows), jax.tree.leaves(embedding), strict=True):
        assert raw(got) == raw(np.asarray(expected)[[2, 0]])


def test_every_dtype_is_packed_among_others():
    """One program, compiled, for all of them; bytes lie together whatever their order."""
    rng = np.random.default_rng(0)
    embedding = [random_array(rng, d, (5, *s)) for d in DTYPES for s in ((), (3,), (2, 3))]
    back = jax.jit(lambda x: trees.unpack(trees.pack(x), x))(embedding)
    for got, expected in zip(back, embedding, strict=True):
        assert got.dtype == expected.dtype
        assert raw(got) == raw(expected)
    small = 10 * 1 * 3 + 10 * 2 * 3  # three of one byte, three of two
    assert trees.pack(embedding).shape == (5, -(-small // 4) + 10 * 3)


def test_not_a_number_keeps_its_payload():
    words = np.array([[0x7FC00001, 0xFFC12345, 0x7F800000, 0x80000000, 0x00000001]], np.uint32)
    numbers = jnp.asarray(words.view(np.float32))
    packed = trees.pack(numbers)
    np.testing.assert_array_equal(packed, words)
    assert raw(trees.unpack(packed, numbers)) == words.tobytes()


def test_keys_are_refused():
    keys = jax.random.split(jax.random.key(0), 3)
    with pytest.raises(ValueError, match="foresee chance"):
        trees.pack({"state": jnp.zeros(3, jnp.int32), "key": keys})


def test_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one array"):
        trees.pack({})


# Bytes -----------------------------------------------------------------------------------------


def connect_four(batch_size: int):
    """State [B] of Connect Four, as shapes."""
    env = make("connect_four")
    state = jax.eval_shape(lambda: env.init(()))
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct((batch_size, *x.shape), x.dtype), state)


def logits_of(batch_size: int, num_actions: int):
    return jax.ShapeDtypeStruct((batch_size, num_actions), jnp.float32)


def test_bytes_of_a_node_of_connect_four():
    state = connect_four(4)
    fours = sum(x.size // 4 for x in jax.tree.leaves(state) if x.dtype.itemsize == 4)
    rest = [x.size // 4 * x.dtype.itemsize for x in jax.tree.leaves(state) if x.dtype.itemsize < 4]
    words = fours + -(-sum(rest) // 4)
    # An edge: prior, total, visits and child. A node: raw value, arrival, depth, plan, state.
    expected = 12 * 7 + 4 + 12 + 2 + 4 + 4 * words
    assert trees.bytes_per_node(logits_of(4, 7), state) == expected
    tree = jax.eval_shape(lambda *x: trees.allocate(101, *x), logits_of(4, 7), state)
    rows = 101 * 4 + 1
    assert sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(tree)) == expected * rows


def test_arrays_as_allocated_are_as_large():
    tree = trees.allocate(5, jnp.zeros((3, 7), jnp.float32), jnp.zeros((3, 5), jnp.int8))
    size = sum(x.nbytes for x in jax.tree.leaves(tree))
    per_node = trees.bytes_per_node(logits_of(3, 7), jnp.zeros((3, 5), jnp.int8))
    assert (per_node, size) == (114, 114 * 16)  # 12 * 7 + 22 + 4 * 2, 5 nodes a game and one


@pytest.mark.parametrize("num_actions", [7, 362])
def test_a_node_is_smaller_than_one_of_mctx(num_actions):
    """At most 60% of the size beside the state, which takes no more."""
    state = connect_four(1)

    def grow(embedding, num_simulations):
        output: Any = mctx.RootFnOutput
        logits, value = jnp.zeros((1, num_actions), jnp.float32), jnp.zeros(1, jnp.float32)
        root = output(prior_logits=logits, value=value, embedding=embedding)
        return instantiate_tree_from_root(root, num_simulations, logits, None)

    def mctx_size(num_simulations):
        tree = jax.eval_shape(lambda x: grow(x, num_simulations), state)
        return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(tree))

    state_size = sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(state))
    our_state = 4 * jax.eval_shape(trees.pack, state).shape[1]
    ours = trees.bytes_per_node(logits_of(1, num_actions), state)
    theirs = mctx_size(2) - mctx_size(1)
    assert ours - our_state <= 0.6 * (theirs - state_size)
    assert our_state <= state_size + 3


# Nodes -----------------------------------------------------------------------------------------


def test_what_is_written_is_read():
    """A root, a child each, and one return counted through the edge between them."""
    embedding = {"a": jnp.arange(3, dtype=jnp.int8), "b": jnp.arange(3, dtype=jnp.float32)}
    prior = jnp.arange(6, dtype=jnp.float32).reshape(3, 2)
    tree = trees.allocate(2, prior, embedding)
    nothing, value = jnp.zeros(3, jnp.int32), jnp.array([0.5, -1.0, 2.0], jnp.float32)
    edge = jnp.array([1, 2, 5], jnp.int32)  # actions 1, 0, 1
    fields = {"reward": value, "discount": -value, "raw_value": value, "plan": nothing - 1}
    for node in range(2):
        shifted = jax.tree.map(lambda x: x + jnp.asarray(10 * node, x.dtype), embedding)  # noqa: B023
        at = {"edge": edge, "depth": nothing + node, "prior": prior + node, "embedding": shifted}
        tree = tree.grow(jnp.int32(node), **at, **fields)
    tree = tree.count(edge, value, nothing + 1)
    tree = tree.count(edge[:1], value[:1], nothing[:1] + 1)
    roots = tree.roots(3)
    np.testing.assert_array_equal(roots.visits, [[0, 2], [1, 0], [0, 1]])
    np.testing.assert_array_equal(roots.total, [[0, 1], [-1, 0], [0, 2]])
    np.testing.assert_array_equal(roots.child, [[0, 1], [1, 0], [0, 1]])
    np.testing.assert_array_equal(roots.qvalues, [[0, 0.5], [-1, 0], [0, 2]])
    np.testing.assert_array_equal(roots.node_visits, [3, 2, 2])
    np.testing.assert_allclose(roots.node_value, [0.5, -1, 2])
    below = tree.nodes(jnp.array([5, 3], jnp.int32))
    np.testing.assert_array_equal(below.prior, prior[jnp.array([2, 0])] + 1)
    np.testing.assert_array_equal(below.raw_value, value[jnp.array([2, 0])])
    np.testing.assert_array_equal(below.visits, 0)
    for got, expected in zip(tree.arrival(jnp.arange(3, 6)), (edge, value, -value), strict=True):
        np.testing.assert_array_equal(got, expected)
    got = tree.embedding(jnp.array([4, 0], jnp.int32), embedding)
    np.testing.assert_array_equal(got["a"], [11, 0])
    np.testing.assert_array_equal(got["b"], [11.0, 0.0])


def test_a_line_may_be_as_deep_as_a_tree_has_nodes():
    tree = trees.allocate(1, jnp.zeros((2, 3)), jnp.zeros(2))
    nothing, zero = jnp.zeros(2), jnp.zeros(2, jnp.int32)
    tree = tree.grow(
        jnp.int32(0),
        edge=zero,
        reward=nothing,
        discount=nothing,
        depth=jnp.array([40_000, trees.MAX_NODES], jnp.int32),
        prior=jnp.zeros((2, 3)),
        raw_value=nothing,
        plan=zero,
        embedding=nothing,
    )
    found = tree.depth(jnp.arange(2, dtype=jnp.int32))
    np.testing.assert_array_equal(found, [40_000, trees.MAX_NODES])
