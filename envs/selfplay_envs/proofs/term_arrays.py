"""Terms and laws of magmas as arrays: preorder, a code a node.

A term is written as in Polish notation, ◇ before its parts, so a subterm is a run of nodes, and no
term is the beginning of another one. A term may have holes, which stand for anything. Where terms
are Python's, hole h is the number -1 - h.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from selfplay_envs.proofs.magma import Law, Term, excerpt, num_operations

EMPTY, OPERATION, VARIABLES, HOLES = 0, 1, 2, 8
"""Codes of nodes: padding, ◇, and from these on the variables and the holes by number."""

MAX_VARIABLES = HOLES - VARIABLES
"""Of a law: as many as one of four operations can have."""

MAX_HOLES = 6
"""Different ones of a term."""

_HOLE_CODES = MAX_HOLES + MAX_VARIABLES
"""While a term is rewritten, what the law leaves open has codes behind those of its holes."""

LAW_NODES = 18
"""Of both sides of a hypothesis: eight operations, or less and more of none."""


_FIXED = "that is a limit of this environment, which no argument changes"


class LawTable(struct.PyTreeNode):
    """A law to rewrite by. Direction 0 reads it from left to right, 1 from right to left.

    It has `LAW_NODES` slots: the nodes of the left side in preorder, those of the right side, and
    empty ones.
    """

    codes: jax.Array
    """int8 [LAW_NODES]."""
    num_left: jax.Array
    """int8 []: nodes of the left side."""
    link: jax.Array
    """int8 [LAW_NODES]: for a variable the slot where it first occurred on its side; for the first
    one on the right side, where it first occurs on the left; otherwise the slot itself."""
    sizes: jax.Array
    """int8 [LAW_NODES]: nodes of the subterm that begins there."""


class EquationalProblem(struct.PyTreeNode):
    """Does a law imply an equation? The equation's variables are constants."""

    law: LawTable
    goal: jax.Array
    """int8 [2, size]: codes of either side."""
    goal_sizes: jax.Array
    """int8 [2, size]: nodes of the subterms of either side."""
    num_variables: jax.Array
    """int8 []: of the goal, which are numbered from 0."""
    trains: jax.Array
    """bool []: whether the law is one to learn from."""


SIZES = (31, 63, 127)
"""Of the sides of a goal that there may be."""


def preorder(term: Term) -> list[int]:
    """A term's codes."""
    codes, waiting = list[int](), [term]
    while waiting:
        here = waiting.pop()
        if isinstance(here, int):
            codes.append(VARIABLES + here if here >= 0 else HOLES - 1 - here)
        else:
            codes.append(OPERATION)
            waiting += reversed(here)
    return codes


def term_of(codes: np.ndarray) -> Term:
    """The term that some codes, int8 [N], begin with."""
    place = iter(codes.tolist())

    def read() -> Term:
        code = next(place)
        if code == OPERATION:
            return (read(), read())
        return code - VARIABLES if code < HOLES else HOLES - 1 - code

    return read()


def padded(codes: list[int], size: int) -> np.ndarray:
    """int8 [size]."""
    return np.pad(np.array(codes, np.int8), (0, size - len(codes)))


def encode(hypothesis: Law, conclusion: Law, size: int, trains: bool) -> EquationalProblem:
    """A problem of laws whose variables are numbered from 0.

    Raises:
        ValueError: there is no room for it.
    """
    for what, law in (("hypothesis", hypothesis), ("conclusion", conclusion)):
        if law.num_variables > MAX_VARIABLES:
            raise ValueError(
                f"the {what} may have up to {MAX_VARIABLES} different variables, "
                f"{excerpt(str(law))} has {law.num_variables}; {_FIXED}"
            )
    operations = sum(map(num_operations, hypothesis.sides))
    if operations > LAW_NODES // 2 - 1:
        raise ValueError(
            f"the hypothesis may have up to {LAW_NODES // 2 - 1} operations on both sides "
            f"together, {excerpt(str(hypothesis))} has {operations}; {_FIXED}"
        )
    longest = max(2 * num_operations(side) + 1 for side in conclusion.sides)
    if longest > size:
        fitting = [other for other in SIZES if other >= longest]
        more = f"--env-args size {fitting[0]} has room" if fitting else f"the most is {SIZES[-1]}"
        raise ValueError(
            f"a side of the conclusion may have up to {size} symbols, ◇ and variables, one of "
            f"{excerpt(str(conclusion))} has {longest}; {more}"
        )
    left, right = map(preorder, hypothesis.sides)
    goal = jnp.asarray(np.stack([padded(preorder(side), size) for side in conclusion.sides]))
    return EquationalProblem(
        law=law_table(jnp.asarray(padded(left + right, LAW_NODES)), jnp.int8(len(left))),
        goal=goal,
        goal_sizes=jax.vmap(subterm_sizes)(goal),
        num_variables=jnp.int8(conclusion.num_variables),
        trains=jnp.bool_(trains),
    )


def decode(problem: EquationalProblem) -> tuple[Law, Law]:
    """Hypothesis and conclusion."""
    codes, goal = np.asarray(problem.law.codes), np.asarray(problem.goal)
    hypothesis = Law(term_of(codes), term_of(codes[int(problem.law.num_left) :]))
    return hypothesis, Law(*map(term_of, goal))


@jax.jit
def law_table(codes: jax.Array, num_left: jax.Array) -> LawTable:
    """Of a law's codes, int8 [LAW_NODES], of which `num_left` (int8 []) are the left side's."""
    slot = jnp.arange(LAW_NODES, dtype=jnp.int8)
    right, leaf = slot >= num_left, codes >= VARIABLES
    same = leaf[:, None] & (codes[:, None] == codes[None])
    own_side = right[:, None] == right[None]
    first_own = _first(same & own_side)
    on_left = same & ~right[None]
    first = leaf & (first_own == slot)
    crosses = first & right & on_left.any(1)
    return LawTable(
        codes=codes,
        num_left=num_left,
        link=jnp.where(leaf & ~first, first_own, jnp.where(crosses, _first(on_left), slot)),
        sizes=subterm_sizes(codes),
    )


def _first(rows: jax.Array) -> jax.Array:
    """int8 [N]: where each of the rows, bool [N, M], is first true; 0 where it never is."""
    return rows.argmax(1).astype(jnp.int8)


def renumbered(codes: jax.Array) -> jax.Array:
    """int8 [N]: a term whose holes, at most MAX_HOLES of codes from HOLES on, are numbered as they
    occur."""
    known = jnp.arange(HOLES, HOLES + _HOLE_CODES, dtype=jnp.int8)
    there = known[:, None] == codes[None]
    first = jnp.where(there.any(1), there.argmax(1), codes.shape[0])
    rank = (first[None] < first[:, None]).sum(1, dtype=jnp.int8)
    new = rank[jnp.maximum(codes - HOLES, 0).astype(jnp.int32)] + jnp.int8(HOLES)
    return jnp.where(codes >= HOLES, new, codes)


def subterm_sizes(codes: jax.Array) -> jax.Array:
    """int8 [N]: nodes of the subterm that begins at each of int8 [N], one term or several."""
    step = jnp.where(codes == OPERATION, 1, jnp.where(codes == EMPTY, 0, -1))
    after = jnp.cumsum(step, dtype=jnp.int32)
    before = after - step
    place = jnp.arange(codes.shape[0], dtype=jnp.int32)
    complete = (after[None] < before[:, None]) & (place[None] >= place[:, None])
    size = complete.argmax(1).astype(jnp.int32) - place + 1
    return jnp.where(codes == EMPTY, 0, size).astype(jnp.int8)


def depths(sizes: jax.Array) -> jax.Array:
    """int32 [N]: of each node, int32 [N], how many subterms it is a proper part of."""
    place = jnp.arange(sizes.shape[0], dtype=jnp.int32)

    def below(depth: jax.Array, node: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        begin, size = node
        return depth + ((begin < place) & (place < begin + size)).astype(jnp.int32), None

    return jax.lax.scan(below, jnp.zeros_like(place), (place, sizes))[0]


def mirrored(sizes: jax.Array, begin: jax.Array, total: jax.Array) -> jax.Array:
    """int32 [N]: where each node goes when its term is read backwards.

    What was right of a node, and what is above it, come before it then.

    Args:
        sizes: int32 [N], of the subterms; 0 where there is none, which stays where it is.
        begin: int32 [N], where the node's term begins.
        total: int32 [N], its nodes.
    """
    place = jnp.arange(sizes.shape[0], dtype=jnp.int32)
    moved = depths(sizes) + 2 * begin + total - place - sizes
    return jnp.where(sizes > 0, moved, place)
