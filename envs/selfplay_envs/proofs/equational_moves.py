"""The moves of equational reasoning: most general rewritings of a term with holes.

Actions, of two terms with room for `size` nodes each, whose places are counted through: place, and
2 * size + place, rewrite the subterm there by the law, from left to right, and from right to left.

What the law's variables and the term's holes must be for the law to fit is put in all over the
term; what is left open is a hole afterwards. So a rewriting is as general as can be (narrowing:
J.-M. Hullot 1980, "Canonical forms and unification"). The unknowns that an outcome still has are
replaced by their values all at once, round by round; to know how large it gets it is enough to
count them.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from selfplay_envs.proofs import matching
from selfplay_envs.proofs.matching import NOTHING, UNKNOWNS, Matches, Text
from selfplay_envs.proofs.term_arrays import (
    EMPTY,
    HOLES,
    MAX_HOLES,
    LawTable,
    renumbered,
)

NOT_ALLOWED = -128
"""In place of the growth of a side."""

ROUNDS = 4
"""Values within values within values: there were never more than three in 600,000 rewritings."""


def num_actions(size: int) -> int:
    """See the module's docstring."""
    return 4 * size


def growth(law: LawTable, codes: jax.Array, sizes: jax.Array) -> jax.Array:
    """int8 [num_actions]: by how many nodes each action lets its side grow, or NOT_ALLOWED.

    Args:
        law: to rewrite by.
        codes: int8 [2, size], two terms.
        sizes: int8 [2, size], nodes of their subterms.
    """
    each = jax.vmap(ways, in_axes=(None, 0, 0), out_axes=1)(law, codes, sizes)
    return each.reshape(-1)


def ways(law: LawTable, codes: jax.Array, sizes: jax.Array) -> jax.Array:
    """int8 [2, size]: by how many nodes a term grows when it is rewritten from left to right, or
    from right to left, at each place; NOT_ALLOWED where it cannot be.

    It must fit in `size` nodes and MAX_HOLES holes. A hole that occurs once is not rewritten: it
    stands for what would come of it.

    Args:
        law: to rewrite by.
        codes: int8 [size].
        sizes: int8 [size].
    """
    size = codes.shape[0]
    found = matching.match(law, codes, sizes, jnp.arange(size, dtype=jnp.int32))
    values = jax.vmap(matching.of_each)(found)  # [2, UNKNOWNS, size]
    contents = _contents(matching.text(law, codes, sizes))
    put = jnp.stack([size + law.num_left.astype(jnp.int32), jnp.int32(size)])
    begun = (contents[:, :1] - contents[:, :size])[:, None] + contents[:, put][..., None]
    ended, is_finite = _filled(begun, contents, values)
    nodes = ended[0].astype(jnp.int32)
    is_alone = (codes[None] == codes[:, None]).sum(1, dtype=jnp.int32) == 1
    allowed = (
        found.possible
        & is_finite
        & (nodes <= size)
        & (_num_holes(ended, found.classes, values) <= MAX_HOLES)
        & ((codes != EMPTY) & ~(is_alone & (codes >= HOLES)))[None]
    )
    return jnp.where(allowed, nodes - sizes[0].astype(jnp.int32), NOT_ALLOWED).astype(jnp.int8)


_BYTES = 4
"""Unknowns that are counted in a word."""


def _contents(text: Text) -> jax.Array:
    """uint32 [_WORDS, size + LAW_NODES]: of the subterm that begins at each place the nodes, and in
    a byte for each unknown how often it occurs."""
    place = jnp.arange(text.codes.shape[0], dtype=jnp.int32)
    alone = jnp.asarray(_ALONE)[:, jnp.maximum(text.codes - HOLES, 0).astype(jnp.int32)]
    alone = jnp.where(text.codes >= HOLES, alone, 0)
    sums = jnp.pad(jnp.cumsum(alone, axis=1, dtype=jnp.uint32), ((0, 0), (1, 0)))
    inside = sums[:, place + text.sizes.astype(jnp.int32)] - sums[:, place]
    return inside.at[0].set(text.sizes.astype(jnp.uint32))


def _alone(unknown: int) -> list[int]:
    """What a term has that is an unknown alone."""
    word, byte = divmod(unknown, _BYTES)
    return [1, *(1 << 8 * byte if word == i else 0 for i in range(_WORDS - 1))]


_WORDS = 1 + UNKNOWNS // _BYTES
_ALONE = np.array([_alone(unknown) for unknown in range(UNKNOWNS)], np.uint32).T


def _count(contents: Sequence[jax.Array] | jax.Array, unknown: int) -> jax.Array:
    """uint32 [...]: how often one occurs, of uint32 [_WORDS, ...]."""
    word, byte = divmod(unknown, _BYTES)
    return contents[1 + word] >> (8 * byte) & 255


def _filled(
    begun: jax.Array, contents: jax.Array, values: jax.Array
) -> tuple[Sequence[jax.Array], jax.Array]:
    """What terms have when unknowns are replaced, as `_contents`, as long as there is room for it;
    and bool [2, size], whether no value holds itself, nor values within values beyond ROUNDS.

    Args:
        begun: uint32 [_WORDS, 2, size], what they have before.
        contents: uint32 [_WORDS, size + LAW_NODES], of the text.
        values: uint8 [2, UNKNOWNS, size], where the unknowns' values begin in it.
    """
    has_value = values != NOTHING
    # The barrier keeps XLA from looking all of this up again for each use.
    put = jax.lax.optimization_barrier(
        contents[:, jnp.where(has_value, values, 0).astype(jnp.int32)]
    )
    needs = _as_bits([_count(put, unknown) > 0 for unknown in range(UNKNOWNS)])
    valued = _as_bits([has_value[:, unknown] for unknown in range(UNKNOWNS)])
    here, left = list(begun), valued
    for _ in range(ROUNDS):
        after, within = list(here), jnp.zeros_like(left)
        for unknown in range(UNKNOWNS):
            times = jnp.where(has_value[:, unknown], _count(here, unknown), 0)
            for word, alone in enumerate(_ALONE[:, unknown]):
                after[word] += times * (put[word, :, unknown] - alone)
            within |= jnp.where(left >> unknown & 1 == 1, needs[:, unknown], 0)
        # Counts of what is too large may run over: it stays as it is.
        is_large = here[0] > begun.shape[-1]
        here = [jnp.where(is_large, *pair) for pair in zip(here, after, strict=True)]
        left = within & valued
    return here, left == 0


def _as_bits(flags: Sequence[jax.Array]) -> jax.Array:
    """uint32 [...]: a bit for each of some bool [...]."""
    bits = jnp.zeros(flags[0].shape, jnp.uint32)
    for i, flag in enumerate(flags):
        bits |= flag.astype(jnp.uint32) << i
    return bits


def _num_holes(ended: Sequence[jax.Array], classes: jax.Array, values: jax.Array) -> jax.Array:
    """uint32 [2, size]: classes without a value of which something occurs."""
    there = jnp.zeros_like(ended[0])
    for unknown in range(UNKNOWNS):
        stays = (_count(ended, unknown) > 0) & (values[:, unknown] == NOTHING)
        there |= jnp.where(stays, jnp.uint32(1) << classes[:, unknown].astype(jnp.uint32), 0)
    return jax.lax.population_count(there)


def rewritten(
    law: LawTable,
    codes: jax.Array,
    sizes: jax.Array,
    direction: jax.Array,
    place: jax.Array,
) -> jax.Array:
    """int8 [size]: a term, rewritten where `ways` allows it; its holes numbered as they occur.

    Args:
        law: to rewrite by.
        codes: int8 [size].
        sizes: int8 [size].
        direction: int32 [], 0 from left to right, 1 from right to left.
        place: int32 [].
    """
    both = matching.match(law, codes, sizes, place[None])
    found = Matches(*(field[direction] for field in both))
    values = matching.of_each(found)[:, 0]
    text = matching.text(law, codes, sizes)
    size = codes.shape[0]
    named = found.classes[:, 0] + jnp.int8(HOLES)

    # What is put in place of a node: the run of the text that begins at `source`.
    def replace(_: jax.Array, here: jax.Array) -> jax.Array:
        unknown = jnp.maximum(here - HOLES, 0).astype(jnp.int32)
        is_replaced = (here >= HOLES) & (values[unknown] != NOTHING)
        source = jnp.where(is_replaced, values[unknown], 0).astype(jnp.int32)
        length = jnp.where(is_replaced, text.sizes[source].astype(jnp.int32), 1)
        length = jnp.where(here == EMPTY, 0, length)
        return _spread(here, is_replaced, source, length, text)

    here = _put(law, text, direction, place, size)
    here = jax.lax.fori_loop(0, ROUNDS, replace, here)
    names = named[jnp.maximum(here - HOLES, 0).astype(jnp.int32)]
    return renumbered(jnp.where(here >= HOLES, names, here))


def _put(law: LawTable, text: Text, direction: jax.Array, place: jax.Array, size: int) -> jax.Array:
    """int8 [size]: the term with the law's other side in place of a subterm, unknowns and all."""
    on_left = law.num_left.astype(jnp.int32)
    begins = size + jnp.where(direction == 0, on_left, 0)
    new, old = text.sizes[begins].astype(jnp.int32), text.sizes[place].astype(jnp.int32)
    at = jnp.arange(size, dtype=jnp.int32)
    behind = at - new + old
    index = jnp.where(at < place, at, jnp.where(at < place + new, begins + at - place, behind))
    is_there = (at < place + new) | (behind < size)
    return jnp.where(is_there, text.codes.at[index].get(mode="clip"), jnp.int8(EMPTY))


def _spread(
    here: jax.Array, is_replaced: jax.Array, source: jax.Array, length: jax.Array, text: Text
) -> jax.Array:
    """int8 [size]: some nodes replaced by runs of the text."""
    at = jnp.arange(here.shape[0], dtype=jnp.int32)
    end = jnp.cumsum(length, dtype=jnp.int32)
    node = (end[None] <= at[:, None]).sum(1, dtype=jnp.int32)  # which one each place is of
    node_or_last = jnp.minimum(node, here.shape[0] - 1)
    within = at - (end - length)[node_or_last]
    run = text.codes[source[node_or_last] + within]
    filled = jnp.where(is_replaced[node_or_last], run, here[node_or_last])
    return jnp.where(node < here.shape[0], filled, EMPTY)
