"""Connect Four on 6 rows and 7 columns as two words of 64 bits.

Column c takes the bits 7 c (bottom) to 7 c + 5 (top); bit 7 c + 6 stays empty, so that a run of
stones never goes over into the next column when a board is shifted.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

ROWS, COLUMNS, SQUARES = 6, 7, 42
STRIDE = ROWS + 1

_BOTTOM = sum(1 << STRIDE * column for column in range(COLUMNS))
_BOARD = _BOTTOM * ((1 << ROWS) - 1)

BOTTOM, BOARD = np.uint64(_BOTTOM), np.uint64(_BOARD)
ZERO, ONE, TWO, THREE = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
_VERTICAL = ONE
_LINES = (np.uint64(STRIDE - 1), np.uint64(STRIDE), np.uint64(STRIDE + 1))
"""Steps along the falling diagonal, the row and the rising diagonal."""


class Position(NamedTuple):
    """A position in which nobody has four in a row."""

    mover: int
    """Bits of the stones of the side to move."""
    stones: int
    """Bits of all stones."""

    @classmethod
    def from_moves(cls, columns: str) -> "Position":
        """The position after columns 1 to 7, a digit a move, from the empty board."""
        position = cls(0, 0)
        for digit in columns:
            position = position.play(int(digit) - 1)
        return position

    @property
    def ply(self) -> int:
        """Stones on the board."""
        return self.stones.bit_count()

    @property
    def key(self) -> int:
        """Tells positions apart, in 49 bits: a column's carries mark how high it is."""
        return self.mover + self.stones

    def legal(self) -> list[int]:
        """The columns, from 0, that are not full."""
        return [c for c in range(COLUMNS) if not self.stones >> (STRIDE * c + ROWS - 1) & 1]

    def play(self, column: int) -> "Position":
        """The position after a stone in a column (from 0), seen by the other side."""
        if column not in self.legal():
            raise ValueError(f"column {column} is full or off the board of {self}")
        stones = self.stones | self.stones + (1 << STRIDE * column)
        return Position(self.stones ^ self.mover, stones)

    def wins(self, column: int) -> bool:
        """Whether a stone in a legal column (from 0) makes four in a row for the side to move."""
        square = self.play(column).stones ^ self.stones
        return bool(int(winning_squares(np.uint64(self.mover), np.uint64(self.stones))) & square)

    def mirrored(self) -> "Position":
        """Left and right swapped."""
        return Position(*(_mirror(board) for board in self))


def _mirror(board: int) -> int:
    column = (1 << STRIDE) - 1
    return sum((board >> STRIDE * c & column) << STRIDE * (COLUMNS - 1 - c) for c in range(COLUMNS))


@njit(cache=True)
def winning_squares(mover: np.uint64, stones: np.uint64) -> np.uint64:
    """Empty squares, reachable now or not, that would complete four in a row for the mover."""
    found = (mover << ONE) & (mover << TWO) & (mover << THREE)
    for step in _LINES:
        two, three = TWO * step, THREE * step
        above = (mover << step) & (mover << two)
        below = (mover >> step) & (mover >> two)
        found |= above & ((mover << three) | (mover >> step))
        found |= below & ((mover >> three) | (mover << step))
    return found & (BOARD ^ stones)


@njit(cache=True)
def reachable_squares(stones: np.uint64) -> np.uint64:
    """The lowest empty square of each column."""
    return (stones + BOTTOM) & BOARD


@njit(cache=True)
def count_bits(board: np.uint64) -> np.int64:
    """How many bits are set (Warren, Hacker's Delight, 5-1)."""
    board -= (board >> ONE) & np.uint64(0x5555555555555555)
    board = (board & np.uint64(0x3333333333333333)) + (
        (board >> TWO) & np.uint64(0x3333333333333333)
    )
    board = (board + (board >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((board * np.uint64(0x0101010101010101)) >> np.uint64(56))
