"""A perfect player of Connect Four: exact scores by alpha-beta on bit boards.

    solver = Solver(opening.read_book())
    solver.solve(Position.from_moves("44444"))  # the score
    solver.scores(position), solver.values(position)  # of each column

A *score* is positive where the side to move wins, 0 in a draw, negative where it loses; its size
is the number of stones that the winner has left at the end, plus one: 1 for a win with the last
stone, 18 for the earliest win. A *value* is the sign of a score.

The search asks again and again whether the score is greater than a number (the null window of
Pearl 1980, "Asymptotic properties of minimax trees and game-searching procedures"), remembers
bounds in a table, and tries first what makes the most threats, then what lies at the centre
(both as in Allis 1988, "A knowledge-based approach of Connect-Four").
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from benchmarks.connect_four.board import (
    COLUMNS,
    ONE,
    ROWS,
    SQUARES,
    STRIDE,
    ZERO,
    Position,
    count_bits,
    reachable_squares,
    winning_squares,
)

BOOK_PLY = 8
"""Stones on the board of every position in a book."""
NO_BOOK = np.zeros(0, np.uint64)

_CENTRE_FIRST = tuple(
    np.uint64(((1 << ROWS) - 1) << STRIDE * column) for column in (3, 2, 4, 1, 5, 0, 6)
)
_HASH, _HASH_SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(30)

# An entry of the table, from its low bits: the bound, whether it is an upper one, the ply, the
# key. An entry of a book: the score, the key.
_OFFSET, _UPPER = 32, 64
_BOUND_BITS, _BOUND = np.uint64(7), np.uint64(127)
_PLY_BITS, _PLY = np.uint64(6), np.uint64(63)
_KEY_SHIFT = _BOUND_BITS + _PLY_BITS
_NOTHING = -99


class Solver:
    """Exact scores of positions; remembers what it has searched.

    Args:
        book: uint64 [N], scores of positions of `BOOK_PLY` stones that need no search, as
            `make_book` packs them. Without one, positions of fewer stones take minutes.
        table_bits: the table has room for 2 ** table_bits positions, of 8 bytes each.
    """

    def __init__(self, book: np.ndarray = NO_BOOK, table_bits: int = 23):
        self._book = book
        self._table = np.zeros(1 << table_bits, np.uint64)
        self._order = np.zeros((SQUARES, COLUMNS), np.uint64)
        self.nodes = 0
        """Positions searched until now."""

    def solve(self, position: Position) -> int:
        """The score of a position that has not ended."""
        left = SQUARES - position.ply
        return self._between(position, -(left // 2), (left + 1) // 2)

    def value(self, position: Position) -> int:
        """The value of a position that has not ended: 1, 0 or -1."""
        return self._between(position, -1, 1)

    def scores(self, position: Position) -> dict[int, int]:
        """The score of each legal column (from 0), for the side to move."""
        return {c: self._after(position, c, self.solve) for c in position.legal()}

    def values(self, position: Position) -> dict[int, int]:
        """The value of each legal column (from 0), for the side to move."""
        scores = {c: self._after(position, c, self.value) for c in position.legal()}
        return {c: max(-1, min(1, score)) for c, score in scores.items()}

    def _after(self, position: Position, column: int, judge: Callable[[Position], int]) -> int:
        left = SQUARES - position.ply
        if position.wins(column):
            return (left + 1) // 2
        return -judge(position.play(column)) if left > 1 else 0

    def _between(self, position: Position, low: int, high: int) -> int:
        """The score if it lies in [low, high], otherwise the nearer end."""
        mover, stones = map(np.uint64, position)
        score, nodes = _solve(
            mover, stones, position.ply, low, high, self._table, self._book, self._order
        )
        self.nodes += int(nodes)
        return int(score)


def make_book(positions: list[Position], scores: list[int]) -> np.ndarray:
    """Packs the scores of positions of `BOOK_PLY` stones, and of their mirror images."""
    entries = {
        image.key << int(_BOUND_BITS) | score + _OFFSET
        for position, score in zip(positions, scores, strict=True)
        for image in (position, position.mirrored())
    }
    return np.array(sorted(entries), np.uint64)


@njit(cache=True, nogil=True)
def _solve(mover, stones, ply, low, high, table, book, order):
    """The score if it lies in [low, high], otherwise the nearer end; and the nodes searched."""
    left = SQUARES - ply
    if winning_squares(mover, stones) & reachable_squares(stones):
        return min((left + 1) // 2, high), 0
    nodes = np.zeros(1, np.int64)
    while low < high:
        # Windows near 0 are searched soonest, so the way to a far score goes by halves of it.
        alpha = (low + high) // 2
        if alpha < 0 and low // 2 < alpha:
            alpha = low // 2
        elif alpha > 0 and high // 2 > alpha:
            alpha = high // 2
        alpha = min(max(alpha, low), high - 1)
        bound = _search(mover, stones, ply, alpha, table, book, order, nodes)
        if bound > alpha:
            low = min(bound, high)
        else:
            high = max(bound, low)
    return low, nodes[0]


@njit(cache=True, nogil=True)
def _search(mover, stones, ply, alpha, table, book, order, nodes):
    """A lower bound of the score if it is greater than alpha, otherwise an upper bound.

    The side to move must have no square on which it wins at once.
    """
    nodes[0] += 1
    left = SQUARES - ply
    other = mover ^ stones
    allowed = _safe_moves(other, stones)
    if allowed == ZERO:
        return -(left // 2)
    if left <= 2:
        return 0
    # Nobody wins with the next two stones.
    if -((left - 2) // 2) > alpha:
        return -((left - 2) // 2)
    if (left - 1) // 2 <= alpha:
        return (left - 1) // 2
    key = mover + stones
    slot = np.int64((key * _HASH) >> _HASH_SHIFT) & (table.size - 2)
    bound = _recall(table, slot, key, alpha)
    if bound != _NOTHING:
        return bound
    if ply == BOOK_PLY:
        score = _look_up(book, key)
        if score != _NOTHING:
            return score
    best = _NOTHING
    for i in range(_order_moves(mover, stones, allowed, order[ply])):
        after = stones | order[ply, i]
        score = -_search(other, after, ply + 1, -alpha - 1, table, book, order, nodes)
        best = max(best, score)
        if best > alpha:
            break
    _remember(table, slot, key, ply, best + _OFFSET + (0 if best > alpha else _UPPER))
    return best


@njit(cache=True, nogil=True)
def _safe_moves(other, stones):
    """Squares after which the other side has no win at once."""
    threats = winning_squares(other, stones)
    allowed = reachable_squares(stones)
    forced = allowed & threats
    if forced != ZERO:
        if forced & (forced - ONE):
            return ZERO
        allowed = forced
    return allowed & ~(threats >> ONE)


@njit(cache=True, nogil=True)
def _order_moves(mover, stones, allowed, moves):
    """Writes the allowed squares into uint64 [7], the most promising first; their number."""
    ranks = 0  # a byte for each of `moves`
    count = 0
    for column in _CENTRE_FIRST:
        move = allowed & column
        if move == ZERO:
            continue
        rank = count_bits(winning_squares(mover | move, stones | move))
        place = count
        while place > 0 and (ranks >> 8 * (place - 1)) & 255 < rank:
            moves[place] = moves[place - 1]
            place -= 1
        moves[place] = move
        before = ranks & ((1 << 8 * place) - 1)
        ranks = before | rank << 8 * place | (ranks >> 8 * place) << 8 * (place + 1)
        count += 1
    return count


@njit(cache=True, nogil=True)
def _recall(table, slot, key, alpha):
    """A bound that settles whether the score is greater than alpha, or `_NOTHING`."""
    for place in range(slot, slot + 2):
        entry = table[place]
        if entry >> _KEY_SHIFT == key:
            bound = np.int64(entry & _BOUND)
            if bound >= _UPPER:
                bound -= _UPPER + _OFFSET
                return bound if bound <= alpha else _NOTHING
            bound -= _OFFSET
            return bound if bound > alpha else _NOTHING
    return _NOTHING


@njit(cache=True, nogil=True)
def _remember(table, slot, key, ply, bound):
    """The first of two places keeps the position with fewer stones, the second the newest."""
    entry = (key << _KEY_SHIFT) | (np.uint64(ply) << _BOUND_BITS) | np.uint64(bound)
    held = table[slot]
    same = held >> _KEY_SHIFT == key
    if same or held == ZERO or np.int64((held >> _BOUND_BITS) & _PLY) >= ply:
        table[slot] = entry
    else:
        table[slot + 1] = entry


@njit(cache=True, nogil=True)
def _look_up(book, key):
    """The position's score, or `_NOTHING`."""
    place = np.searchsorted(book, key << _BOUND_BITS)
    if place < book.size and book[place] >> _BOUND_BITS == key:
        return np.int64(book[place] & _BOUND) - _OFFSET
    return _NOTHING
