"""When both sides of a goal with holes can be made equal: asked of preorder codes, on the host.

Of a side its bytes are read as they are: 0 after the last node, 1 for ◇, 2 + v for constant v, and
from 8 on holes; those of two sides have nothing to do with each other.
"""

from itertools import accumulate

from selfplay.environment import Encounter

_OPERATION, _CONSTANTS, _HOLES, _NUM_HOLES = 1, 2, 8, 6

_ABOVE, _BELOW = 0, _HOLES + 2 * _NUM_HOLES
"""Read in place of codes: where the term has ended above, and where a hole is above."""

_PLACES_ABOVE, _PLACES_BELOW = -2, -1
"""Where these two are put, behind the last node."""

_INNER_NODES = 15
"""Of a binary tree of depth 4, before its leaves."""


def _table(entries: dict[int, int], other: int) -> bytes:
    """For `bytes.translate`."""
    return bytes(entries.get(code, other) & 255 for code in range(256))


_BALANCE = _table({_OPERATION: 1, _ABOVE: 0}, -1)
"""What a node adds to the terms that are still to come, as int8."""

_CONSTANT_BITS = {_CONSTANTS + v: 2 << v for v in range(_HOLES - _CONSTANTS)}

_NOTHING = 1 << 7

_SETS = _table(
    {_OPERATION: 1, _ABOVE: _NOTHING, _BELOW: 255} | _CONSTANT_BITS, other=255 & ~_NOTHING
)
"""What can stand in place of a node when holes are filled: a bit each for ◇, each constant, and
that the term has ended above."""

_APART = _table(
    {code: code + _NUM_HOLES * (code >= _HOLES) for code in range(_HOLES + _NUM_HOLES)}, 0
)
"""Gives a side's holes other codes than another side's."""


class SidesMeet(Encounter):
    """Sides meet where they can be unified; their features are fingerprints.

    S. Schulz 2012, "Fingerprint indexing for paramodulation and rewriting", for the positions of a
    binary tree of depth 4.
    """

    def features(self, end: bytes) -> tuple[int, ...]:
        """For each of 31 positions, by levels, what can stand there: a set of 8 bits."""
        codes = end.rstrip(b"\0")
        before = _before(codes)
        codes += bytes((_ABOVE, _BELOW))
        places = [0]
        for parent in range(_INNER_NODES):
            place = places[parent]
            code = codes[place]
            if code == _OPERATION:
                places += place + 1, before.index(before[place], place + 1)
            elif code < _HOLES:
                places += _PLACES_ABOVE, _PLACES_ABOVE
            else:
                places += _PLACES_BELOW, _PLACES_BELOW
        return tuple(bytes([codes[place] for place in places]).translate(_SETS))

    def meets(self, left: bytes, right: bytes) -> bool:
        """Whether both can be unified, the holes of either side apart."""
        for one, other in zip(left, right, strict=True):
            if one >= _HOLES or other >= _HOLES:
                return _unify(left.rstrip(b"\0"), right.rstrip(b"\0").translate(_APART))
            if one != other:
                return False
        return True


def _before(codes: bytes) -> list[int]:
    """Before each node and after the last one: how many terms more are to come than at first.

    The term at a place ends where they are one less for the first time.
    """
    return list(accumulate(memoryview(codes.translate(_BALANCE)).cast("b"), initial=0))


def _unify(left: bytes, right: bytes) -> bool:
    """Whether two terms without a hole in common can be unified; see `narrowing.unify`.

    Terms are places in both codes together.
    """
    codes = left + right
    before = _before(codes)
    values: dict[int, int] = {}
    seen: set[tuple[int, int]] = set()
    waiting = [(0, len(left))]
    while waiting:
        one, other = waiting.pop()
        while codes[one] in values:
            one = values[codes[one]]
        while codes[other] in values:
            other = values[codes[other]]
        this, that = codes[one], codes[other]
        if this >= _HOLES:
            if this != that:
                values[this] = other
        elif that >= _HOLES:
            values[that] = one
        elif this != that:
            return False
        elif this == _OPERATION and one != other and (one, other) not in seen:
            seen.add((one, other))
            right_one = before.index(before[one], one + 1)
            waiting.append((right_one, before.index(before[other], other + 1)))
            waiting.append((one + 1, other + 1))
    return not _has_circle(codes, before, values)


def _has_circle(codes: bytes, before: list[int], values: dict[int, int]) -> bool:
    """Whether a hole's value has the hole as a part, by way of others."""
    needs = {
        hole: values.keys() & codes[place : before.index(before[place] - 1, place + 1)]
        for hole, place in values.items()
    }
    while free := [hole for hole in needs if not needs[hole] & needs.keys()]:
        for hole in free:
            del needs[hole]
    return bool(needs)
