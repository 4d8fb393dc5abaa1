"""Small Connect Four, solved: the value of every position that can be reached, by alpha-beta.

    board = Board(rows=4, columns=5)
    table = solve(board)
    table[board.empty]  # 0: with best play the game is drawn

A position is a *key*: a column of r rows takes r + 1 bits, the lowest for its bottom square. A
stone of the side to move is 1, one of the opponent 0, the bit above the highest stone is 1, and
those above it are 0. The table holds the value of each key, so that looking one up is indexing; on
4 rows and 5 columns it takes 32 MiB, and a few seconds to make.

The search is alpha-beta in its fail-soft form (Knuth and Moore 1975, "An analysis of alpha-beta
pruning"; Fishburn 1983) with a transposition table in which every key has a place of its own.
"""

import dataclasses

import numpy as np
from numba import njit

UNREACHED = 2
"""In a table, where no game leads to the key, or it is none."""


@dataclasses.dataclass(frozen=True)
class Board:
    """The size of a board, and its squares as bits; row 0 is at the bottom."""

    rows: int
    columns: int
    in_a_row: int = 4

    def __post_init__(self) -> None:
        """Raises ValueError for a board whose table would not fit into memory."""
        if min(self.rows, self.columns) < 1 or self.in_a_row < 2 or self.key_bits > 30:
            raise ValueError(
                "a solved board needs a row, a column, at least 2 in a row, and (rows + 1) * "
                f"columns of at most 30, got {self}"
            )

    @property
    def key_bits(self) -> int:
        """Bits of a key."""
        return (self.rows + 1) * self.columns

    @property
    def weights(self) -> np.ndarray:
        """int64 [rows, columns]: the bit of each square."""
        row, column = np.indices((self.rows, self.columns), np.int64)
        return np.int64(1) << ((self.rows + 1) * column + row)

    @property
    def empty(self) -> int:
        """Key of the empty board: the lowest square of each column."""
        return int(self.weights[0].sum())

    @property
    def full(self) -> int:
        """The bits of all squares."""
        return int(self.weights.sum())

    @property
    def lines(self) -> np.ndarray:
        """int64 [L]: the bits of each line of `in_a_row` squares."""
        found, run = [], range(self.in_a_row)
        for up, right in ((0, 1), (1, 0), (1, 1), (-1, 1)):
            for row, column in np.ndindex(self.rows, self.columns):
                line = [(row + up * i, column + right * i) for i in run]
                if all(r in range(self.rows) and c in range(self.columns) for r, c in line):
                    found.append(sum(int(self.weights[square]) for square in line))
        return np.array(found, np.int64)

    def stones(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """int64 [N] each, from keys int64 [N]: the bits of the mover's stones, and the others'."""
        marked = keys
        for _ in range(self.rows):
            marked = marked | marked >> 1 & self.full
        both = marked >> 1 & self.full
        return keys & both, ~keys & both

    def decode(self, keys: np.ndarray) -> np.ndarray:
        """bool [N, 2, rows, columns] from keys [N]: the mover's stones, then the opponent's."""
        sides = np.stack(self.stones(keys), axis=1)
        return sides[:, :, None, None] & self.weights != 0

    def plies(self, keys: np.ndarray) -> np.ndarray:
        """uint8 [N]: how many stones there are, in positions of keys int64 [N]."""
        mine, theirs = self.stones(keys)
        return np.bitwise_count(mine | theirs)

    def play(self, keys: np.ndarray, column: np.ndarray | int) -> np.ndarray:
        """int64 [N]: the keys after a stone in a column, int [N] or one for all; -1 if full."""
        mine, theirs = self.stones(keys)
        both = mine | theirs
        square = both + self.empty & self.weights.sum(0)[column]
        return np.where(square > 0, theirs + (both | square) + self.empty, -1)

    def running(self, keys: np.ndarray) -> np.ndarray:
        """bool [N]: whether the game goes on, in positions (keys int64 [N]) that are reached."""
        mine, theirs = self.stones(keys)
        won = np.zeros(len(keys), np.bool_)
        for line in self.lines:
            won |= theirs & line == line
        return ~won & (mine | theirs != self.full)


def solve(board: Board) -> np.ndarray:
    """int8 [2 ** key_bits]: 1, 0 or -1 for the side to move; `UNREACHED` where no game leads.

    Where a game has ended it is what it ended with: -1 for the side that would be next, or 0.
    """
    keys = np.flatnonzero(count_games(board))
    lower = np.full(1 << board.key_bits, -1, np.int8)
    upper = np.full(1 << board.key_bits, 1, np.int8)
    table = np.full(1 << board.key_bits, UNREACHED, np.int8)
    shape = board.empty, board.full, board.lines
    table[keys] = _values(*board.stones(keys), *shape, lower, upper)
    return table


def count_games(board: Board) -> np.ndarray:
    """int64 [2 ** key_bits]: how many games go on from each position that can be reached.

    1 where the game has ended, 0 where no game leads.
    """
    games = np.zeros(1 << board.key_bits, np.int64)
    _count(0, 0, board.empty, board.full, board.lines, games)
    return games


# Not cached: a function that calls itself may crash when Numba loads it from its cache.
@njit
def _has_line(stones, lines):
    """Whether the stones of one side fill a line."""
    found = False
    for line in lines:
        found |= stones & line == line
    return found


@njit
def _count(mover, stones, empty, full, lines, games):
    """Counts the games from a position, and from all that they pass."""
    # All stones and one more at the bottom of each column: the carries mark the first free bits.
    key = mover + stones + empty
    if games[key] == 0:
        moves = np.int64(0) if _has_line(mover ^ stones, lines) else (stones + empty) & full
        found = 1 if moves == 0 else 0
        while moves:
            move = moves & -moves
            moves ^= move
            found += _count(mover ^ stones, stones | move, empty, full, lines, games)
        games[key] = found
    return games[key]


@njit
def _values(mine, theirs, empty, full, lines, lower, upper):
    """int8 [N]: exact values of positions, from the bits int64 [N] of each side's stones."""
    found = np.empty(len(mine), np.int8)
    for i in range(len(mine)):
        stones = mine[i] | theirs[i]
        found[i] = _search(mine[i], stones, -1, 1, empty, full, lines, lower, upper)
    return found


@njit
def _search(mover, stones, alpha, beta, empty, full, lines, lower, upper):
    """The value if it lies between alpha and beta, otherwise a bound of it on the same side."""
    if _has_line(mover ^ stones, lines):
        return -1
    moves = (stones + empty) & full
    if moves == 0:
        return 0
    key = mover + stones + empty
    if lower[key] >= beta or lower[key] == upper[key]:
        return lower[key]
    if upper[key] <= alpha:
        return upper[key]
    best, bound = -1, alpha
    while moves and best < beta:
        move = moves & -moves
        moves ^= move
        after = stones | move
        value = -_search(mover ^ stones, after, -beta, -bound, empty, full, lines, lower, upper)
        best, bound = max(best, value), max(bound, value)
    if best > alpha:
        lower[key] = best
    if best < beta:
        upper[key] = best
    return best
