"""The arrays of a batch of search trees, and what a node costs.

Node i of game b is row `i * B + b`: simulation i makes one node in every game, so a new node is
one contiguous write. A last row, owned by no game, takes what is written for games that rest.

An edge is three words: prior, sum of returns, and visits beside the child's node number (16 bits
each). Nothing is kept that its neighbours imply: a node's visits and value are sums over its
edges, a child's reward and discount lie with the child.

Every array is updated in place inside the search's loop, which XLA can do only if each read
comes before a write by the data's own order: read from the newest array, never from an old one.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

MAX_NODES = 2**16 - 1
"""Of one tree: node numbers and visit counts are 16 bits wide."""

_MAX_EDGES = 2**31 - 1
"""Of all trees together: edges are numbered by int32."""

_HIGH = 16
_LOW = 0xFFFF


class Node(struct.PyTreeNode):
    """K nodes as their choice sees them."""

    prior: jax.Array
    """float32 [K, A]: what the policy keeps of the prior, probabilities or their logarithms."""
    total: jax.Array
    """float32 [K, A]: sum of the returns through each action, for the node's mover."""
    visits: jax.Array
    """float32 [K, A]: whole numbers."""
    raw_value: jax.Array
    """float32 [K]: the evaluator's."""
    child: jax.Array
    """int32 [K, A]: the node each action leads to; 0 where it was not visited."""

    @property
    def node_visits(self) -> jax.Array:
        """float32 [K]: simulations that reached the node, its own evaluation among them."""
        return 1.0 + self.visits.sum(-1)

    @property
    def node_value(self) -> jax.Array:
        """float32 [K]: mean over all that reached it."""
        return (self.raw_value + self.total.sum(-1)) / self.node_visits

    @property
    def qvalues(self) -> jax.Array:
        """float32 [K, A]: mean return of each action; 0 where it was not visited."""
        return self.total / jnp.maximum(self.visits, 1.0)


class Tree(struct.PyTreeNode):
    """Trees of B games, R = N * B + 1 rows."""

    guesses: jax.Array
    """float32 [R, A + 1]: priors, then the raw value; the evaluator's."""
    edges: jax.Array
    """uint32 [R * A, 2]: total, then visits (high half) and child (low)."""
    arrivals: jax.Array
    """uint32 [R, 3]: number of the edge that leads to the node, its reward and its discount."""
    depths: jax.Array
    """uint16 [R]: edges from the root."""
    plans: jax.Array
    """int32 [R]: where the next simulation goes: a child, or -1 - action if there is none yet."""
    embeddings: jax.Array
    """uint32 [R, W]: packed, see `pack`."""

    @property
    def num_actions(self) -> int:
        """A."""
        return self.guesses.shape[1] - 1

    def nodes(self, rows: jax.Array) -> Node:
        """The nodes in `rows` (int32 [K])."""
        edges = self.edges.reshape(-1, 2 * self.num_actions)
        return _node(_take(self.guesses, rows), _take(edges, rows))

    def roots(self, batch_size: int) -> Node:
        """The root nodes [B]."""
        edges = self.edges[: batch_size * self.num_actions]
        return _node(self.guesses[:batch_size], edges.reshape(batch_size, -1))

    def embedding(self, rows: jax.Array, like: Any) -> Any:
        """The embeddings in `rows` (int32 [K]), of the structure of `like`."""
        return unpack(_take(self.embeddings, rows), like)

    def grow(
        self,
        node: jax.Array,
        *,
        edge: jax.Array,
        reward: jax.Array,
        discount: jax.Array,
        depth: jax.Array,
        prior: jax.Array,
        raw_value: jax.Array,
        plan: jax.Array,
        embedding: Any,
    ) -> "Tree":
        """Writes node number `node` (int32 []) of every game."""
        batch_size = plan.shape[0]
        start = node * batch_size
        guess = jnp.concatenate([prior, raw_value[:, None]], 1)
        arrival = jnp.stack([edge.astype(_U), bits(reward), bits(discount)], -1)
        return Tree(
            guesses=_write(self.guesses, guess, start),
            edges=self.edges,
            arrivals=_write(self.arrivals, arrival, start),
            depths=_write(self.depths, depth.astype(jnp.uint16), start),
            plans=_write(self.plans, plan, start),
            embeddings=_write(self.embeddings, pack(embedding), start),
        )

    def arrival(self, rows: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Edge (int32), reward and discount (float32) by which the nodes in `rows` are reached."""
        words = _take(self.arrivals, rows)
        return words[:, 0].astype(jnp.int32), floats(words[:, 1]), floats(words[:, 2])

    def depth(self, rows: jax.Array) -> jax.Array:
        """int32 [K]: edges between the root and the nodes in `rows`."""
        return _take(self.depths, rows).astype(jnp.int32)

    def plan(self, rows: jax.Array) -> jax.Array:
        """int32 [K]: what the nodes in `rows` plan."""
        return _take(self.plans, rows)

    def set_plan(self, rows: jax.Array, plan: jax.Array) -> "Tree":
        """Writes what the nodes in `rows` (all different, or nobody's) plan."""
        return self.replace(plans=self.plans.at[rows].set(plan, mode="promise_in_bounds"))

    def count(self, edge: jax.Array, value: jax.Array, child: jax.Array) -> "Tree":
        """Adds a return to each edge (int32 [K], all different), which leads to node `child`."""
        words = _take(self.edges, edge)
        total = floats(words[:, 0]) + value
        word = ((words[:, 1] >> _HIGH) + 1 << _HIGH) | child.astype(_U)
        words = jnp.stack([bits(total), word], -1)
        return self.replace(edges=self.edges.at[edge].set(words, mode="promise_in_bounds"))


def allocate(num_nodes: int, prior: jax.Array, embedding: Any) -> Tree:
    """Empty trees for B games from a prior [B, A] and an embedding [B, ...].

    Raises ValueError if the trees are larger than their numbers can count.
    """
    batch_size, num_actions = prior.shape
    if num_nodes > MAX_NODES:
        raise ValueError(
            f"a search may have at most {MAX_NODES - 1} simulations, got {num_nodes - 1}"
        )
    rows = num_nodes * batch_size + 1
    if rows * num_actions > _MAX_EDGES:
        raise ValueError(
            f"{batch_size} games of {num_nodes - 1} simulations with {num_actions} actions have "
            f"{rows * num_actions:,} edges, more than {_MAX_EDGES:,}: search fewer games at once "
            "or with fewer simulations"
        )
    words = jax.eval_shape(pack, embedding).shape[1]
    return Tree(
        guesses=jnp.zeros((rows, num_actions + 1), jnp.float32),
        edges=jnp.zeros((rows * num_actions, 2), _U),
        arrivals=jnp.zeros((rows, 3), _U),
        depths=jnp.zeros(rows, jnp.uint16),
        plans=jnp.zeros(rows, jnp.int32),
        embeddings=jnp.zeros((rows, words), _U),
    )


def bytes_per_node(prior_logits: Any, embedding: Any) -> int:
    """Bytes that one node takes, from a root's logits [B, A] and embedding, or their shapes."""
    shapes = jax.eval_shape(functools.partial(allocate, 1), prior_logits, embedding)
    rows = shapes.plans.shape[0]
    return sum(x.dtype.itemsize * (x.size // rows) for x in jax.tree.leaves(shapes))


def pack(embedding: Any) -> jax.Array:
    """An embedding [B, ...] as uint32 [B, W]: four-byte numbers as they are, smaller in bytes.

    Raises ValueError for PRNG keys: a search that knew its key would foresee chance.
    """
    words, small = [], []
    for leaf in jax.tree.leaves(embedding):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            raise ValueError("an embedding must hold no PRNG key: the search would foresee chance")
        leaf = leaf.reshape(leaf.shape[0], -1)
        if leaf.dtype == jnp.bool_:
            leaf = leaf.astype(jnp.uint8)
        if leaf.dtype.itemsize >= 4:
            words.append(jax.lax.bitcast_convert_type(leaf, _U).reshape(leaf.shape[0], -1))
        else:
            bytes_ = jax.lax.bitcast_convert_type(leaf, jnp.uint8)
            small.append(bytes_.reshape(leaf.shape[0], -1))
    if small:
        bytes_ = jnp.concatenate(small, 1)
        bytes_ = jnp.pad(bytes_, ((0, 0), (0, -bytes_.shape[1] % 4)))
        words.append(jax.lax.bitcast_convert_type(bytes_.reshape(bytes_.shape[0], -1, 4), _U))
    if not words:
        raise ValueError("an embedding must hold at least one array")
    return jnp.concatenate(words, 1)


def unpack(words: jax.Array, like: Any) -> Any:
    """The inverse of `pack`: an embedding [K, ...] of the kind of `like` [B, ...]."""
    leaves, structure = jax.tree.flatten(like)
    sizes = [leaf.size // leaf.shape[0] * leaf.dtype.itemsize for leaf in leaves]
    wide = [leaf.dtype.itemsize >= 4 for leaf in leaves]
    end = sum(size for size, is_wide in zip(sizes, wide, strict=True) if is_wide) // 4
    bytes_ = jax.lax.bitcast_convert_type(words[:, end:], jnp.uint8).reshape(words.shape[0], -1)
    at = {True: 0, False: 0}
    unpacked = []
    for leaf, size, is_wide in zip(leaves, sizes, wide, strict=True):
        source, count = (words, size // 4) if is_wide else (bytes_, size)
        part = source[:, at[is_wide] : at[is_wide] + count]
        at[is_wide] += count
        unpacked.append(_from_bits(part, leaf.dtype).reshape(words.shape[0], *leaf.shape[1:]))
    return jax.tree.unflatten(structure, unpacked)


_U = jnp.uint32


def _from_bits(part: jax.Array, dtype: Any) -> jax.Array:
    """uint8 or uint32 [K, S] as `dtype` [K, ...]."""
    if dtype == jnp.bool_:
        return part.astype(jnp.bool_)
    ratio = dtype.itemsize // part.dtype.itemsize
    if ratio > 1:
        part = part.reshape(part.shape[0], -1, ratio)
    return jax.lax.bitcast_convert_type(part, dtype)


def _node(guesses: jax.Array, edges: jax.Array) -> Node:
    """Nodes from rows of guesses [K, A + 1] and of edges [K, 2 * A]."""
    counts = edges[:, 1::2]
    return Node(
        prior=guesses[:, :-1],
        total=floats(edges[:, ::2]),
        visits=(counts >> _HIGH).astype(jnp.float32),
        raw_value=guesses[:, -1],
        child=(counts & _LOW).astype(jnp.int32),
    )


def _take(array: jax.Array, rows: jax.Array) -> jax.Array:
    return array.at[rows].get(mode="promise_in_bounds")


def _write(array: jax.Array, rows: jax.Array, start: jax.Array) -> jax.Array:
    return jax.lax.dynamic_update_slice_in_dim(array, rows, start, 0)


def bits(x: jax.Array) -> jax.Array:
    """float32 as uint32, bit by bit."""
    return jax.lax.bitcast_convert_type(x, _U)


def floats(x: jax.Array) -> jax.Array:
    """uint32 as float32, bit by bit."""
    return jax.lax.bitcast_convert_type(x, jnp.float32)
