"""The 4,694 laws of at most four operations, in the numbering of the Equational Theories Project.

Laws are ordered by their operations, then by those of the left side, then by the shapes of the
sides, then by names; shapes by the operations of their left part, then by that part, then by the
other. Of a law and what it is with its sides exchanged only the first is kept, and of laws that
equate a term with itself x = x alone (T. Tao et al., "The Equational Theories Project", 2024,
section 1.1).
"""

import functools
from collections.abc import Iterator

from selfplay_envs.proofs.magma import Law, Term

MOST_OPERATIONS = 4
"""Of both sides together."""


@functools.cache
def laws() -> tuple[Law, ...]:
    """All of them; law number i + 1 is at index i. Variables are numbered as they occur."""
    kept: dict[Law, None] = {}
    for law in _in_order():
        if law.left == law.right and kept:
            continue
        if exchanged(law) not in kept:
            kept[law] = None
    return tuple(kept)


def number(law: Law) -> int | None:
    """The number of a law, however its variables are named and its sides ordered.

    None where it has none: it has more than four operations, or equates a term with itself.
    """
    return next(
        (_numbers()[same] for same in (law.renamed(), exchanged(law)) if same in _numbers()), None
    )


@functools.cache
def duals() -> tuple[int, ...]:
    """For each law in order the number of its dual."""
    return tuple(found for law in laws() if (found := number(law.dual)))


def exchanged(law: Law) -> Law:
    """The law with its sides exchanged, its variables numbered as they occur then."""
    return Law(law.right, law.left).renamed()


@functools.cache
def _numbers() -> dict[Law, int]:
    return {law: i for i, law in enumerate(laws(), 1)}


def _in_order() -> Iterator[Law]:
    """Equations of at most four operations, those of the left side not more than of the right."""
    for operations in range(MOST_OPERATIONS + 1):
        for on_left in range(operations // 2 + 1):
            for left in _shapes(on_left):
                for right in _shapes(operations - on_left):
                    for names in _namings(operations + 2):
                        occurring = iter(names)
                        yield Law(_filled(left, occurring), _filled(right, occurring))


@functools.cache
def _shapes(operations: int) -> tuple[Term, ...]:
    """Terms with variable 0 in all places."""
    if operations == 0:
        return (0,)
    return tuple(
        (left, right)
        for on_left in range(operations)
        for left in _shapes(on_left)
        for right in _shapes(operations - 1 - on_left)
    )


def _namings(length: int, used: int = 0) -> Iterator[tuple[int, ...]]:
    """Variables for so many places, numbered as they occur after `used` others, in order."""
    if length == 0:
        yield ()
        return
    for first in range(used + 1):
        for rest in _namings(length - 1, max(used, first + 1)):
            yield (first, *rest)


def _filled(shape: Term, names: Iterator[int]) -> Term:
    """The shape with the next names in its places, from the left."""
    if isinstance(shape, int):
        return next(names)
    left = _filled(shape[0], names)
    return left, _filled(shape[1], names)
