"""The search loop: many trees at once, at a cost that follows their mean depth, not their size.

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

import dataclasses
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
"""Bounds of the nodes that a CPU updates together: fewer leave it idle, more wait for few."""


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
        max_depth: of a node; a simulation that gets there evaluates the node again, and its
            new value is averaged with the old, where mctx takes the newest alone.

    Raises:
        ValueError: trees too large, no room for a simulation, or a `recurrent_fn` that returns
            other shapes or dtypes.
    """
    if max_num_simulations < 1 or (max_depth is not None and max_depth < 1):
        raise ValueError(
            "max_num_simulations and max_depth must be at least 1, "
            f"got {max_num_simulations} and {max_depth}"
        )
    batch_size, num_actions = root.prior_logits.shape
    block = _block(batch_size)
    walk = _Walk(
        batch_size=batch_size,
        num_actions=num_actions,
        deepest=min(max_depth or max_num_simulations, max_num_simulations),
        block=block,
        nobody=(max_num_simulations + 1) * batch_size,
        chooser=chooser,
    )
    tree = _plant(root, chooser, max_num_simulations + 1)
    room = -(-walk.deepest * batch_size // block) * block
    passed = jnp.zeros((room + 1, 3), jnp.uint32)  # the last entry is for nobody

    def unfinished(carry):
        return carry[0] < num_simulations.max()

    def simulate(carry):
        simulation, keys, tree, passed = carry
        keys, expand_key = _next_keys(keys)
        active = simulation < num_simulations
        leaf, plan = walk.descend(tree, simulation, active)
        action = walk.action(tree, plan)
        step, embedding = recurrent_fn(
            params, expand_key, action, tree.embedding(leaf, root.embedding)
        )
        _refuse_unfit(step, embedding, root)
        tree, depth = walk.expand(tree, simulation, leaf, action, step, embedding)
        row = jnp.where(plan > 0, plan, simulation + 1) * batch_size + walk.games
        length = jnp.where(active, depth, 0)  # nodes between the root and the new one
        child, value, passed = walk.ascend(tree, row, step.value, length, passed)
        tree = walk.revise(tree, passed, length.sum())
        tree = walk.revise_roots(tree, child, value, active)
        return simulation + 1, keys, tree, passed

    return jax.lax.while_loop(unfinished, simulate, (jnp.int32(0), keys, tree, passed))[2]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Walk:
    """The ways through the trees of B games; rows as in `Tree`."""

    batch_size: int
    num_actions: int
    deepest: int
    """No node lies deeper."""
    block: int
    """Nodes that `revise` updates together."""
    nobody: int
    """The row that no game owns."""
    chooser: Chooser

    @property
    def games(self) -> jax.Array:
        """int32 [B]: the games' numbers, and the rows of their roots."""
        return jnp.arange(self.batch_size, dtype=jnp.int32)

    def descend(
        self, tree: Tree, simulation: jax.Array, active: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """The row [B] of the last node each simulation meets, and its plan [B] there.

        The plan is a child only at the greatest depth: that node is to be evaluated again.
        """
        plan = self.chooser.root(tree.roots(self.batch_size), simulation)
        plan = jnp.where(active, plan, -1)

        def unfinished(carry):
            depth, _, plan = carry
            return (plan.max() > 0) & (depth < self.deepest - 1)

        def step(carry):
            depth, row, plan = carry
            row = jnp.where(plan > 0, plan * self.batch_size + self.games, row)
            return depth + 1, row, jnp.where(plan > 0, tree.plan(row), plan)

        return jax.lax.while_loop(unfinished, step, (jnp.int32(0), self.games, plan))[1:]

    def action(self, tree: Tree, plan: jax.Array) -> jax.Array:
        """int32 [B]: the action that a plan stands for."""
        child = jnp.where(plan > 0, plan, 0) * self.batch_size + self.games
        return jnp.where(plan > 0, tree.arrival(child)[0] % self.num_actions, -1 - plan)

    def expand(
        self,
        tree: Tree,
        simulation: jax.Array,
        leaf: jax.Array,
        action: jax.Array,
        step: Any,
        embedding: Any,
    ) -> tuple[Tree, jax.Array]:
        """Writes the node that `action` [B] leads to from `leaf` [B]; the leaf's depth [B]."""
        prior = self.chooser.prior(step.prior_logits)
        zeros = jnp.zeros_like(prior)
        node = Node(
            prior=prior,
            total=zeros,
            visits=zeros,
            raw_value=step.value,
            child=zeros.astype(jnp.int32),
        )
        depth = tree.depth(leaf)
        tree = tree.grow(
            simulation + 1,
            edge=leaf * self.num_actions + action,
            reward=step.reward,
            discount=step.discount,
            depth=depth + 1,
            prior=prior,
            raw_value=step.value,
            plan=self.chooser.interior(node, self.games),
            embedding=embedding,
        )
        return tree, depth

    def ascend(
        self, tree: Tree, row: jax.Array, value: jax.Array, length: jax.Array, passed: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """From evaluated nodes up to the roots' children: their rows and values [B].

        Game b passes `length[b]` nodes on the way, and lists in `passed` the edge taken at each,
        the return through it, and the child it leads to; the lists of all games end to end.
        """
        start = jnp.cumsum(length) - length
        highest = length.max()
        last = passed.shape[0] - 1

        def unfinished(carry):
            return carry[0] < highest

        def step(carry):
            height, place, passed = carry
            row, value = place[:, 0].astype(jnp.int32), floats(place[:, 1])
            edge, reward, discount = tree.arrival(row)
            through = bits(reward + discount * value)
            parent = (edge // self.num_actions).astype(jnp.uint32)
            below = height < length
            child = place[:, 0] // self.batch_size
            entry = jnp.stack([edge.astype(jnp.uint32), through, child], -1)
            at = jnp.where(below, start + height, last)
            passed = passed.at[at].set(entry, mode="promise_in_bounds")
            place = jnp.where(below[:, None], jnp.stack([parent, through], -1), place)
            return height + 1, place, passed

        # Row and value share an array: each array more would cost each step a microsecond.
        place = jnp.stack([row.astype(jnp.uint32), bits(value)], -1)
        _, place, passed = jax.lax.while_loop(unfinished, step, (jnp.int32(0), place, passed))
        return place[:, 0].astype(jnp.int32), floats(place[:, 1]), passed

    def revise(self, tree: Tree, passed: jax.Array, count: jax.Array) -> Tree:
        """Updates the first `count` nodes listed, and plans anew at each."""

        def unfinished(carry):
            return carry[0] < count

        def step(carry):
            start, tree = carry
            entry = jax.lax.dynamic_slice_in_dim(passed, start, self.block)
            listed = start + jnp.arange(self.block, dtype=jnp.int32) < count
            edge = jnp.where(listed, entry[:, 0].astype(jnp.int32), self.nobody * self.num_actions)
            tree = tree.count(edge, floats(entry[:, 1]), entry[:, 2])
            row = edge // self.num_actions
            plan = self.chooser.interior(tree.nodes(row), row % self.batch_size)
            return start + self.block, tree.set_plan(row, plan)

        return jax.lax.while_loop(unfinished, step, (jnp.int32(0), tree))[1]

    def revise_roots(
        self, tree: Tree, child: jax.Array, value: jax.Array, active: jax.Array
    ) -> Tree:
        """Updates the roots of active games with the value [B] of a child (its row [B])."""
        edge, reward, discount = tree.arrival(child)
        edge = jnp.where(active, edge, self.nobody * self.num_actions)
        return tree.count(edge, reward + discount * value, child // self.batch_size)


def _block(batch_size: int) -> int:
    """Nodes to update together: a cache's worth on CPUs, on accelerators most of what there is."""
    wanted = max(4 * batch_size, _MIN_BLOCK)
    return min(wanted, _MAX_BLOCK) if jax.default_backend() == "cpu" else wanted


def _plant(root: Any, chooser: Chooser, num_nodes: int) -> Tree:
    """Trees with room for so many nodes, and in them the roots."""
    nothing = jnp.zeros_like(root.value)
    zero = jnp.zeros(root.value.shape, jnp.int32)
    return trees.allocate(num_nodes, root.prior_logits, root.embedding).grow(
        jnp.int32(0),
        edge=zero,
        reward=nothing,
        discount=nothing,
        depth=zero,
        prior=chooser.prior(root.prior_logits),
        raw_value=root.value,
        plan=zero,
        embedding=root.embedding,
    )


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
    before, after = map(_describe, (root.embedding, embedding))
    if before != after:
        raise ValueError(
            f"recurrent_fn must return an embedding like the root's, {before}, got {after}"
        )


def _describe(embedding: Any) -> tuple[Any, list[str]]:
    """The structure, and the dtype and shape of each leaf."""
    leaves, structure = jax.tree.flatten(embedding)
    return structure, [f"{leaf.dtype} {list(leaf.shape)}" for leaf in leaves]
