"""Where a law can rewrite two terms, and what comes of it: on arrays, all places at once.

A pattern in preorder is matched by a cursor that walks through the term: one node on at ◇, a whole
subterm on at a variable. Subterms are compared by a hash, a polynomial in an odd base modulo 2^32,
of which that of a run of nodes is the difference of two sums. Places of both terms are counted
through: those of the second one begin at `size`. Where a hash misleads, a move is allowed that the
rules forbid, or the other way round; what a rewriting yields is exact for what was matched.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfplay_envs.proofs.term_arrays import (
    EMPTY,
    LAW_NODES,
    MAX_VARIABLES,
    OPERATION,
    VARIABLES,
    LawTable,
)

_BASE = 0x9E3779B1


class Matches(NamedTuple):
    """How both sides of a law match at N places."""

    matches: jax.Array
    """bool [2, N]: whether the left side does, and the right side."""
    idle: jax.Array
    """bool [N]: both do, and the variables they share stand for the same: nothing would change."""
    growth: jax.Array
    """int32 [2, N]: by how many nodes a term grows when it is rewritten there in each direction,
    those of variables that are left open not counted."""


def hashes(codes: jax.Array, sizes: jax.Array, base: int = _BASE) -> jax.Array:
    """uint32 [2 * size]: of each subterm, equal for equal ones; by int8 [2, size], as `Terms`."""
    size = codes.shape[1]
    powers = np.array([pow(base, i, 2**32) for i in range(size)], np.uint32)
    inverse = np.array([pow(base, -i, 2**32) for i in range(size)], np.uint32)
    sums = jnp.cumsum(codes.astype(jnp.uint32) * powers[None], axis=1, dtype=jnp.uint32)
    last = jnp.arange(size, dtype=jnp.int32)[None] + sizes.astype(jnp.int32) - 1
    before = jnp.pad(sums, ((0, 0), (1, 0)))[:, :-1]
    return ((jnp.take_along_axis(sums, last, axis=1) - before) * inverse[None]).reshape(-1)


def walk(law: LawTable, sizes: jax.Array, starts: jax.Array) -> jax.Array:
    """int32 [LAW_NODES, N]: where the cursor is at each slot, both sides begun at `starts`.

    Args:
        law: whose sides are walked along.
        sizes: int32 [2 * size], of the subterms.
        starts: int32 [N], places.
    """

    def onward(cursor: jax.Array, slot: tuple[jax.Array, jax.Array]):
        number, code = slot
        here = jnp.where(number == law.num_left, starts, cursor)
        return here + jnp.where(code == OPERATION, 1, sizes[here]), here

    slots = jnp.arange(LAW_NODES, dtype=jnp.int8), law.codes
    return jax.lax.scan(onward, starts, slots)[1]


def match(law: LawTable, sizes: jax.Array, hashed: jax.Array) -> Matches:
    """Both sides of a law at all places, by int32 and uint32 [2 * size]."""
    places = jnp.arange(sizes.shape[0], dtype=jnp.int32)
    unknown = (jnp.zeros_like(hashed),) * MAX_VARIABLES

    def onward(carry: _Scan, slot: _Slot) -> tuple[_Scan, None]:
        here = jnp.where(slot.begins, places, carry.cursor)
        size, value = sizes[here], hashed[here]
        faults = carry.faults | jnp.where((size <= 1) & slot.is_operation, slot.own_fault, 0)
        known = []
        for number, before in enumerate(carry.known):
            this = slot.variable == number
            faults |= jnp.where(this & (value != before), slot.fault, 0)
            known.append(jnp.where(this & slot.is_first, value, before))
        growth = tuple(g + size * w for g, w in zip(carry.growth, slot.weights, strict=True))
        cursor = here + jnp.where(slot.is_operation, 1, size)
        return _Scan(cursor, faults, tuple(known), growth), None

    growth = tuple(operations.astype(jnp.int32) - sizes for operations in law.operations)
    begun = _Scan(places, jnp.zeros_like(sizes), unknown, growth)
    done = jax.lax.scan(onward, begun, _slots(law))[0]
    matches = jnp.stack([done.faults & _LEFT == 0, done.faults & _RIGHT == 0])
    return Matches(matches, done.faults == 0, jnp.stack(done.growth))


_LEFT, _RIGHT, _ACROSS = 1, 2, 4
"""Faults: the left side does not match, the right one does not, their values differ."""


class _Scan(NamedTuple):
    """What is carried from slot to slot, each int32 [N]."""

    cursor: jax.Array
    faults: jax.Array
    known: tuple[jax.Array, ...]
    """uint32 [N] for each variable: what it stands for, on the side at work or the one before."""
    growth: tuple[jax.Array, ...]


class _Slot(NamedTuple):
    """A law's slots, each field [LAW_NODES]."""

    begins: jax.Array
    is_operation: jax.Array
    variable: jax.Array
    is_first: jax.Array
    """Whether the variable has not occurred on its side."""
    own_fault: jax.Array
    """int32: that its side does not match."""
    fault: jax.Array
    """int32: what is wrong where the variable stood for something else; 0 if it had not yet."""
    weights: tuple[jax.Array, jax.Array]


def _slots(law: LawTable) -> _Slot:
    slot = jnp.arange(LAW_NODES, dtype=jnp.int8)
    right = slot >= law.num_left
    across = right & (law.link < law.num_left)
    own_fault = jnp.where(right, _RIGHT, _LEFT)
    fault = jnp.where(across, _ACROSS, jnp.where(law.link == slot, 0, own_fault))
    weight = law.weight.astype(jnp.int32)
    return _Slot(
        begins=slot == law.num_left,
        is_operation=law.codes == OPERATION,
        variable=law.codes - VARIABLES,
        is_first=across | (law.link == slot),
        own_fault=own_fault,
        fault=fault,
        weights=(jnp.where(right, 0, weight), jnp.where(right, weight, 0)),
    )


def first_places(hashed: jax.Array) -> jax.Array:
    """int32 [N]: for each subterm, by uint32 [N], the place where an equal one first occurs."""
    places = jnp.arange(hashed.shape[0], dtype=jnp.int32)

    def earlier(first: jax.Array, place: jax.Array) -> tuple[jax.Array, None]:
        return jnp.where(hashed == hashed[place], place, first), None

    return jax.lax.scan(earlier, places, places, reverse=True)[0]


def occurrences(hashed: jax.Array) -> tuple[jax.Array, jax.Array]:
    """For each subterm, by uint32 [2 * size]: bool, that it did not occur earlier on its side; and
    bool, that the other side has it too."""
    places = jnp.arange(hashed.shape[0], dtype=jnp.int32)
    size = hashed.shape[0] // 2

    def compare(found: tuple[jax.Array, jax.Array], place: jax.Array):
        repeated, elsewhere = found
        equal = hashed == hashed[place]
        same_side = places // size == place // size
        repeated |= equal & same_side & (place < places)
        return (repeated, elsewhere | (equal & ~same_side)), None

    nowhere = jnp.zeros_like(places, jnp.bool_)
    repeated, elsewhere = jax.lax.scan(compare, (nowhere, nowhere), places)[0]
    return ~repeated, elsewhere


def values(law: LawTable, direction: jax.Array, where: jax.Array, picks: jax.Array) -> jax.Array:
    """int32 [MAX_VARIABLES]: for each of the law's variables the place of what it stands for.

    Args:
        law: that matched.
        direction: int32 [], in which it is read.
        where: int32 [LAW_NODES], its cursor.
        picks: int32 [MAX_PICKS], places for the variables left open.
    """
    variable = jnp.arange(MAX_VARIABLES, dtype=jnp.int8)
    slot = jnp.arange(LAW_NODES, dtype=jnp.int8)
    read = (slot >= law.num_left) == (direction == 1)
    bound = read[None] & (law.codes[None] == variable[:, None] + VARIABLES)
    picked = law.open[direction][None] == variable[:, None]
    at = where[bound.argmax(1)]
    return jnp.where(bound.any(1), at, jnp.where(picked, picks[None], 0).sum(1))


def rewritten(
    law: LawTable,
    codes: jax.Array,
    sizes: jax.Array,
    start: jax.Array,
    direction: jax.Array,
    stands_for: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Codes and sizes, int8 [2, size], with the law's other side put in place of a subterm.

    Args:
        law: one side of which matches there.
        codes: int8 [2, size].
        sizes: int8 [2, size].
        start: int32 [], the subterm's place.
        direction: int32 [], 0 puts the right side in place, 1 the left one.
        stands_for: int32 [MAX_VARIABLES], as `values` tells; from 2 * size on, single variables.
    """
    size = codes.shape[1]
    # A text of all that may be put anywhere, and the sizes of the subterms that begin there.
    constants = jnp.arange(VARIABLES, VARIABLES + MAX_VARIABLES, dtype=jnp.int8)
    marks = jnp.array([OPERATION, EMPTY], jnp.int8)
    text = jnp.concatenate([codes.reshape(-1), constants, marks])
    spans = jnp.concatenate([sizes.reshape(-1), jnp.ones_like(constants), jnp.zeros_like(marks)])
    operation = 2 * size + MAX_VARIABLES
    spans = spans.astype(jnp.int32)

    slot = jnp.arange(LAW_NODES, dtype=jnp.int8)
    put = ((slot >= law.num_left) == (direction == 0)) & (law.codes != EMPTY)
    leaf = law.codes >= VARIABLES
    variable = jnp.clip(law.codes - VARIABLES, 0, MAX_VARIABLES - 1).astype(jnp.int32)
    source = jnp.where(leaf, stands_for[variable], operation)
    length = jnp.where(put, jnp.where(leaf, spans[source], 1), 0)
    side, begin = start // size, start % size
    end = jnp.cumsum(length, dtype=jnp.int32) + begin
    offset = end - length
    extent = _pattern_ends(law, end) - offset

    place = jnp.arange(size, dtype=jnp.int32)
    here = (offset[:, None] <= place[None]) & (place[None] < end[:, None])

    def at(slots: jax.Array) -> jax.Array:
        return jnp.where(here, slots[:, None], 0).sum(0)

    old, new = spans[start], end[-1] - begin
    behind = place - new + old
    suffix = jnp.where(behind < size, side * size + behind, operation + 1)
    prefix = side * size + place
    inner = at(source) + jnp.where(at((leaf & put).astype(jnp.int32)) == 1, place - at(offset), 0)
    index = jnp.where(place < begin, prefix, jnp.where(place < begin + new, inner, suffix))
    around = (place < begin) & (place + spans[prefix] > begin)
    of_law = index == operation
    span = jnp.where(of_law, at(extent), spans[index] + jnp.where(around, new - old, 0))
    this = (jnp.arange(2, dtype=jnp.int32) == side)[:, None]
    return (
        jnp.where(this, text[index][None], codes),
        jnp.where(this, span.astype(jnp.int8)[None], sizes),
    )


def _pattern_ends(law: LawTable, end: jax.Array) -> jax.Array:
    """int32 [LAW_NODES]: where what each slot's subterm of the law became ends; `end` of its own.

    In preorder a subterm's last node is the first that completes it.
    """
    step = jnp.where(law.codes == OPERATION, 1, -1)
    after = jnp.cumsum(step, dtype=jnp.int32)
    slot = jnp.arange(LAW_NODES, dtype=jnp.int32)
    complete = (after[None] < (after - step)[:, None]) & (slot[None] >= slot[:, None])
    return end[complete.argmax(1)]
