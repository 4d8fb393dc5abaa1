"""The search loop: many trees at once, at a cost that does not grow with their size.

A simulation goes down each tree to a new leaf, evaluates all leaves together, and goes up again.
What makes it cheap:

- Each node remembers what it will do when next visited (`Tree.plans`). A node's statistics
  change only when a simulation passes, so its choice is made once, then. Going down is a chase
  of plans.
- The nodes that a simulation passed, of all games, are put into one flat list, and only they are
  updated, in blocks: work follows the mean depth of the trees, not the deepest.
- All loops are over the whole batch, stop on a scalar, and update flat arrays in place. A
  `vmap` of a `while_loop` would select between old and new trees at every turn instead.

Choices at the root and below are a `Chooser`'s; see `choice.py`.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from selfplay.search import tree as trees
from selfplay.search.tree import Node, Tree, bits, floats

COMPILER_OPTIONS = {"xla_disable_hlo_passes": "cpu-parallel-task-assigner"}
"""For the `jax.jit` around a search. On CPUs XLA would judge a gather from a tree by the size of
the tree, and hand each half of a microsecond's work to another thread: half the speed."""

jit_search = functools.partial(jax.jit, compiler_options=COMPILER_OPTIONS)
"""`jax.jit` for a function that searches."""

_MIN_BLOCK = 8
_MAX_BLOCK = 128
"""Bounds of the nodes updated together: fewer leave the processor idle, more wait for few."""


class Chooser(NamedTuple):
    """Where a simulation goes; pure functions, called under `jit`."""

    prior: Callable[[jax.Array], jax.Array]
    """Logits [B, A] to what a node keeps of them, its `Node.prior`."""
    root: Callable[[Node, jax.Array], jax.Array]
    """`(roots [B], simulation int32 []) -> plan int32 [B]`, see `Tree.plans`."""
    interior: Callable[[Node, jax.Array], jax.Array]
    """`(nodes [K], game int32 [K]) -> plan int32 [K]`."""


def search(
    params: Any,
    keys: jax.Array,
    root: Any,
    recurrent_fn: Any,
    chooser: Chooser,
    num_simulations: jax.Array,
    max_num_simulations: int,
    max_depth: int | None = None,
) -> Tree:
    """Trees after `num_simulations` (int32 [B], traced) simulations in each of B games.

    Args:
        params: given to `recurrent_fn`.
        keys: one PRNG key, or one for each game [B]; what `recurrent_fn` gets derives from it as
            in mctx.
        root: an `mctx.RootFnOutput`, float32.
        recurrent_fn: an `mctx.RecurrentFn`.
        chooser: the choices.
        num_simulations: between 0 and `max_num_simulations`; a game that has had its own rests,
            and the loop ends with the last.
        max_num_simulations: room in the trees.
        max_depth: of a node; a simulation that gets there evaluates the node again.

    Raises:
        ValueError: trees too large, or a `recurrent_fn` that returns other shapes or dtypes.
    """
    batch_size, num_actions = root.prior_logits.shape
    deepest = min(max_depth or max_num_simulations, max_num_simulations)
    block = min(max(4 * batch_size, _MIN_BLOCK), _MAX_BLOCK)
    games = jnp.arange(batch_size, dtype=jnp.int32)
    nobody = jnp.int32((max_num_simulations + 1) * batch_size)  # the row that no game owns

    tree = trees.allocate(max_num_simulations + 1, root.prior_logits, root.embedding)
    nothing = jnp.zeros(batch_size, jnp.float32)
    tree = tree.grow(
        jnp.int32(0),
        edge=jnp.zeros(batch_size, jnp.int32),
        reward=nothing,
        discount=nothing,
        depth=jnp.zeros(batch_size, jnp.int32),
        prior=chooser.prior(root.prior_logits),
        raw_value=root.value,
        plan=jnp.zeros(batch_size, jnp.int32),
        embedding=root.embedding,
    )
    # What one simulation passes: edge, return through it, child; then one row for nobody.
    room = (deepest * batch_size + block - 1) // block * block
    passed = jnp.zeros((room + 1, 3), jnp.uint32)

    def descend(plan: jax.Array, tree: Tree) -> tuple[jax.Array, jax.Array]:
        """From the roots' plans [B] to the last node there is: its row, and what it plans."""

        def unfinished(carry):
            depth, _, plan = carry
            return (plan.max() > 0) & (depth < deepest - 1)

        def step(carry):
            depth, row, plan = carry
            row = jnp.where(plan > 0, plan * batch_size + games, row)
            next_plan = tree.plans.at[row].get(mode="promise_in_bounds")
            return depth + 1, row, jnp.where(plan > 0, next_plan, plan)

        return jax.lax.while_loop(unfinished, step, (jnp.int32(0), games, plan))[1:]

    def ascend(
        tree: Tree, row: jax.Array, value: jax.Array, length: jax.Array, passed: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """From new nodes up to the roots' children: their rows and values; lists what it passes.

        Game b passes `length[b]` nodes below the root, and lists the edge taken at each.
        """
        start = jnp.cumsum(length) - length
        highest = length.max()

        def unfinished(carry):
            return carry[0] < highest

        def step(carry):
            height, place, passed = carry
            row, value = place[:, 0].astype(jnp.int32), floats(place[:, 1])
            edge, reward, discount = tree.arrival(row)
            through = bits(reward + discount * value)
            parent = (edge // num_actions).astype(jnp.uint32)
            below = height < length
            entry = jnp.stack([edge.astype(jnp.uint32), through, place[:, 0] // batch_size], -1)
            at = jnp.where(below, start + height, room)
            passed = passed.at[at].set(entry, mode="promise_in_bounds")
            place = jnp.where(below[:, None], jnp.stack([parent, through], -1), place)
            return height + 1, place, passed

        # Row and value are one array: each array more is one more microsecond's work a step.
        place = jnp.stack([row.astype(jnp.uint32), bits(value)], -1)
        _, place, passed = jax.lax.while_loop(unfinished, step, (jnp.int32(0), place, passed))
        return place[:, 0].astype(jnp.int32), floats(place[:, 1]), passed

    def revise(tree: Tree, passed: jax.Array, count: jax.Array) -> Tree:
        """Updates the first `count` nodes listed, and what they plan."""

        def unfinished(carry):
            return carry[0] < count

        def step(carry):
            start, tree = carry
            entry = jax.lax.dynamic_slice_in_dim(passed, start, block)
            listed = start + jnp.arange(block, dtype=jnp.int32) < count
            edge = jnp.where(listed, entry[:, 0].astype(jnp.int32), nobody * num_actions)
            tree = tree.count(edge, floats(entry[:, 1]), entry[:, 2])
            row = edge // num_actions
            nodes = tree.nodes(row)
            plan = chooser.interior(nodes, row % batch_size)
            plans = tree.plans.at[row].set(plan, mode="promise_in_bounds")
            return start + block, tree.replace(plans=plans)

        return jax.lax.while_loop(unfinished, step, (jnp.int32(0), tree))[1]

    def simulate(carry):
        simulation, keys, tree, passed = carry
        keys, expand_key = _next_keys(keys)
        active = simulation < num_simulations
        roots = tree.roots(batch_size)
        plan = chooser.root(roots, simulation)
        leaf, plan = descend(jnp.where(active, plan, -1), tree)

        again = plan > 0  # the node is there already, at the greatest depth
        known = jnp.where(again, plan * batch_size + games, leaf)
        action = jnp.where(again, tree.arrival(known)[0] % num_actions, -1 - plan)
        like = root.embedding
        step, embedding = recurrent_fn(params, expand_key, action, tree.embedding(leaf, like))
        _refuse_unfit(step, embedding, root)
        prior = chooser.prior(step.prior_logits)
        depth = tree.depths.at[leaf].get(mode="promise_in_bounds").astype(jnp.int32)
        fresh = Node(
            prior=prior,
            total=jnp.zeros_like(prior),
            visits=jnp.zeros_like(prior),
            raw_value=step.value,
            child=jnp.zeros(prior.shape, jnp.int32),
        )
        node = simulation + 1
        tree = tree.grow(
            node,
            edge=leaf * num_actions + action,
            reward=step.reward,
            discount=step.discount,
            depth=depth + 1,
            prior=prior,
            raw_value=step.value,
            plan=chooser.interior(fresh, games),
            embedding=embedding,
        )
        row = jnp.where(again, known, node * batch_size + games)
        length = jnp.where(active, depth, 0)
        row, value, passed = ascend(tree, row, step.value, length, passed)
        tree = revise(tree, passed, length.sum())
        edge, reward, discount = tree.arrival(row)
        edge = jnp.where(active, edge, nobody * num_actions)
        tree = tree.count(edge, reward + discount * value, row // batch_size)
        return simulation + 1, keys, tree, passed

    def unfinished(carry):
        return carry[0] < num_simulations.max()

    return jax.lax.while_loop(unfinished, simulate, (jnp.int32(0), keys, tree, passed))[2]


def _next_keys(keys: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Keys to carry on with and for `recurrent_fn`, as mctx derives them (it uses the second)."""
    if keys.ndim == 0:
        carry, _, expand = jax.random.split(keys, 3)
        return carry, expand
    split = jax.vmap(lambda key: jax.random.split(key, 3))(keys)
    return split[:, 0], split[:, 2]


def _refuse_unfit(step: Any, embedding: Any, root: Any) -> None:
    """Raises ValueError if `recurrent_fn` returned what does not fit its root."""
    batch_size = root.value.shape[0]
    wanted = {
        "prior_logits": jax.ShapeDtypeStruct(root.prior_logits.shape, jnp.float32),
        "value": jax.ShapeDtypeStruct((batch_size,), jnp.float32),
        "reward": jax.ShapeDtypeStruct((batch_size,), jnp.float32),
        "discount": jax.ShapeDtypeStruct((batch_size,), jnp.float32),
    }
    for name, want in wanted.items():
        got = jax.typeof(getattr(step, name))
        if (got.shape, got.dtype) != (want.shape, want.dtype):
            raise ValueError(
                f"recurrent_fn must return {name} as {want.dtype} {list(want.shape)}, "
                f"got {got.dtype} {list(got.shape)}"
            )
    shape = lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype)  # noqa: E731
    before, after = jax.tree.map(shape, (root.embedding, embedding))
    if before != after:
        raise ValueError(
            f"recurrent_fn must return an embedding like the root's, {before}, got {after}"
        )
