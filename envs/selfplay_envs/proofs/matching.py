"""What must be equal for a law's side to be a subterm: on arrays, at all places of a term at once.

The law's variables and the term's holes are unknowns, each of which has a code: HOLES + u for
unknown u, the holes first. A pattern is matched by a cursor that walks through the term: one node
on at ◇, a whole subterm on at a variable. What it meets puts the unknowns in classes of equal ones,
of which each has at most one value: a subterm of the term, or a part of the law. This is
unification (F. Baader, T. Nipkow, "Term Rewriting and All That", 1998, section 4.5) but that two
values of a class are not unified: they must be equal as they are.

Subterms are compared by a hash, a polynomial in an odd base modulo 2^32, of which that of a run of
nodes is the difference of two sums. Where it misleads, a move is allowed that the rules forbid, or
the other way round.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfplay_envs.proofs.term_arrays import (
    EMPTY,
    HOLES,
    LAW_NODES,
    MAX_HOLES,
    MAX_VARIABLES,
    OPERATION,
    VARIABLES,
    LawTable,
)

UNKNOWNS = MAX_HOLES + MAX_VARIABLES
"""Holes of a term, then variables of a law."""

_BASE = 0x9E3779B1


class Matches(NamedTuple):
    """How a law's side matches at N places of a term of up to `size` nodes."""

    possible: jax.Array
    """bool [N]: whether it does."""
    classes: jax.Array
    """int8 [UNKNOWNS, N]: for each unknown the one that its class is called by."""
    values: jax.Array
    """uint8 [UNKNOWNS, N]: for the one that a class is called by, where its value begins in the
    `text`; NOTHING where it has none."""


NOTHING = 255
"""No value."""


class Text(NamedTuple):
    """All that may be put anywhere: a term's nodes, then those of both sides of a law."""

    codes: jax.Array
    """int8 [size + LAW_NODES]: the law's variables by their codes as unknowns."""
    sizes: jax.Array
    """int8 [size + LAW_NODES]: nodes of the subterm that begins there."""


def text(law: LawTable, codes: jax.Array, sizes: jax.Array) -> Text:
    """Of a law and a term, by int8 [size]."""
    variables = law.codes + jnp.int8(HOLES + MAX_HOLES - VARIABLES)
    of_law = jnp.where(law.codes >= VARIABLES, variables, law.codes)
    return Text(jnp.concatenate([codes, of_law]), jnp.concatenate([sizes, law.sizes]))


def match(law: LawTable, codes: jax.Array, sizes: jax.Array, places: jax.Array) -> Matches:
    """Both sides of a law, each field [2, ...], at some places of a term.

    Args:
        law: read from left to right, and from right to left.
        codes: int8 [size].
        sizes: int8 [size].
        places: int32 [N].
    """
    first = first_places(hashes(codes[None], sizes[None]))
    # One number to look up: what is there, its nodes, and the first place of its like.
    known = codes.astype(jnp.int32) + (sizes.astype(jnp.int32) << 8) + (first << 16)

    def onward(carry: tuple[_Walk, Matches], slot: _Slot) -> tuple[tuple[_Walk, Matches], None]:
        walk, left = carry
        left = jax.tree.map(lambda done, now: jnp.where(slot.begins, now, done), left, walk.found)
        walk = jax.tree.map(lambda new, now: jnp.where(slot.begins, new, now), begun, walk)
        after = _onward(walk, slot, known)
        waits = slot.is_empty | (slot.number < walk.resumes)
        return (jax.tree.map(lambda now, new: jnp.where(waits, now, new), walk, after), left), None

    number = jnp.arange(LAW_NODES, dtype=jnp.int8)
    slots = _Slot(
        number=number,
        begins=number == law.num_left,
        is_empty=law.codes == EMPTY,
        is_operation=law.codes == OPERATION,
        variable=jnp.maximum(law.codes - VARIABLES, 0) + jnp.int8(MAX_HOLES),
        end=number + law.sizes,
        value=(number + codes.shape[0]).astype(jnp.uint8),
    )
    begun = _begun(places)
    (walk, left), _ = jax.lax.scan(onward, (begun, begun.found), slots)
    return jax.tree.map(lambda *sides: jnp.stack(sides), left, walk.found)


class _Walk(NamedTuple):
    """What is carried from slot to slot."""

    cursor: jax.Array
    """int8 [N]: the place that the slot meets."""
    resumes: jax.Array
    """int8 [N]: the slots before it are part of a value."""
    found: Matches


class _Slot(NamedTuple):
    """A law's slots, each field [LAW_NODES]."""

    number: jax.Array
    begins: jax.Array
    is_empty: jax.Array
    is_operation: jax.Array
    variable: jax.Array
    """int8: the unknown."""
    end: jax.Array
    """int8: the slot after the part of the law that begins here."""
    value: jax.Array
    """uint8: where that part begins in the text."""


def _begun(places: jax.Array) -> _Walk:
    shape = (UNKNOWNS, places.shape[0])
    alone = jnp.broadcast_to(jnp.arange(UNKNOWNS, dtype=jnp.int8)[:, None], shape)
    return _Walk(
        cursor=places.astype(jnp.int8),
        resumes=jnp.zeros(places.shape, jnp.int8),
        found=Matches(
            jnp.ones(places.shape, jnp.bool_), alone, jnp.full(shape, NOTHING, jnp.uint8)
        ),
    )


def _onward(walk: _Walk, slot: _Slot, known: jax.Array) -> _Walk:
    """Past a slot."""
    possible, classes, values = walk.found
    here = known[walk.cursor.astype(jnp.int32)]
    code, span = (here & 255).astype(jnp.int8), (here >> 8 & 255).astype(jnp.int8)
    subterm = (here >> 16).astype(jnp.uint8)
    is_hole = code >= HOLES

    # Of what is met: its class if it is a hole, otherwise it is a value.
    met = _row(classes, code - jnp.int8(HOLES))
    met_value = jnp.where(is_hole, _row(values, met), subterm)

    # A part of the law becomes the value of a hole without one.
    opens = slot.is_operation & is_hole
    fails = slot.is_operation & (code != OPERATION) & ~(is_hole & (met_value == NOTHING))

    # A variable's class takes a value, or is joined by a hole's.
    own = jnp.where(slot.is_operation, met, classes[slot.variable.astype(jnp.int32)])
    own_value = _row(values, own)
    joins = ~slot.is_operation & is_hole
    differ = own_value != met_value
    of_law = own_value >= known.shape[0]  # where both are, they are met at different slots
    both = (own_value != NOTHING) & (met_value != NOTHING) & ~(joins & (own == met))
    fails |= ~slot.is_operation & both & (differ | of_law)
    value = jnp.where(own_value == NOTHING, met_value, own_value)
    value = jnp.where(opens, slot.value, value)
    sets = opens | ~slot.is_operation
    unknown = jnp.arange(UNKNOWNS, dtype=jnp.int8)[:, None]
    return _Walk(
        cursor=walk.cursor + jnp.where(slot.is_operation, jnp.int8(1), span),
        resumes=jnp.where(opens, slot.end, walk.resumes),
        found=Matches(
            possible=possible & ~fails,
            classes=jnp.where(joins[None] & (classes == met[None]), own[None], classes),
            values=jnp.where(sets[None] & (unknown == own[None]), value[None], values),
        ),
    )


def _row(table: jax.Array, number: jax.Array) -> jax.Array:
    """[N]: of [M, N] the row that each of int8 [N] tells, or 0."""
    rows = jnp.arange(table.shape[0], dtype=jnp.int8)[:, None]
    return jnp.where(rows == number[None], table, 0).sum(0, dtype=table.dtype)


def of_each(found: Matches) -> jax.Array:
    """uint8 [UNKNOWNS, N]: the value of each unknown's class."""
    return jnp.stack([_row(found.values, own) for own in found.classes])


def hashes(codes: jax.Array, sizes: jax.Array) -> jax.Array:
    """uint32 [T * size]: of each subterm of T terms, equal for equal ones; by int8 [T, size]."""
    size = codes.shape[1]
    powers = np.array([pow(_BASE, i, 2**32) for i in range(size)], np.uint32)
    inverse = np.array([pow(_BASE, -i, 2**32) for i in range(size)], np.uint32)
    sums = jnp.cumsum(codes.astype(jnp.uint32) * powers[None], axis=1, dtype=jnp.uint32)
    last = jnp.arange(size, dtype=jnp.int32)[None] + sizes.astype(jnp.int32) - 1
    before = jnp.pad(sums, ((0, 0), (1, 0)))[:, :-1]
    return ((jnp.take_along_axis(sums, last, axis=1) - before) * inverse[None]).reshape(-1)


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
