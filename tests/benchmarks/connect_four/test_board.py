"""Bit boards, against the environment's rules and plain Python."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.connect_four.board import (
    BOARD,
    COLUMNS,
    ROWS,
    STRIDE,
    Position,
    count_bits,
    winning_squares,
)
from selfplay_envs.games.connect_four import ConnectFour

squares = [(row, column) for row in range(ROWS) for column in range(COLUMNS)]
boards = st.integers(0, int(BOARD)).map(lambda bits: bits & int(BOARD))


def has_four(bits):
    """Whether any line of four squares is set, square by square."""
    stones = {(r, c) for r, c in squares if bits >> (STRIDE * c + r) & 1}
    return any(
        all((r + i * down, c + i * right) in stones for i in range(4))
        for r, c in stones
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1))
    )


@hypothesis.given(boards, boards)
@hypothesis.settings(max_examples=60)
def test_winning_squares_complete_four(mover, others):
    """Wherever `mover` has no four yet; squares in the air count too, as the rules have them."""
    mover &= others
    hypothesis.assume(not has_four(mover))
    stones = mover | others
    found = int(winning_squares(np.uint64(mover), np.uint64(stones)))
    for row, column in squares:
        bit = 1 << STRIDE * column + row
        # A vertical four grows at its upper end only.
        below = all(row > i and mover >> STRIDE * column + row - 1 - i & 1 for i in range(3))
        across = has_four((mover | bit) & ~_column_but(row, column))
        assert bool(found & bit) == (not stones & bit and (below or across))


def _column_but(row, column):
    """The column's other squares: without them no vertical four is left."""
    return ((1 << ROWS) - 1) << STRIDE * column & ~(1 << STRIDE * column + row)


@hypothesis.given(st.integers(0, 2**64 - 1))
def test_count_bits(word):
    assert count_bits(np.uint64(word)) == word.bit_count()


def test_games_are_the_environments(random_games):
    """Legal columns and who wins, in random games of the environment."""
    games = random_games(ConnectFour(), 64)
    for game in range(64):
        position = Position(0, 0)
        for step, column in enumerate(games.actions[:, game].tolist()):
            if games.ended[step, game]:
                break
            legal = np.flatnonzero(games.masks[step, game]).tolist()
            assert position.legal() == legal
            assert position.ply == step
            won = games.states.rewards[step + 1, game].any()
            assert position.wins(column) == won
            position = position.play(column)


def test_keys_tell_positions_apart(random_position):
    found = {}
    for seed in range(300):
        position, _ = random_position(seed, seed % 12)
        assert found.setdefault(position.key, position) == position


def test_mirror(random_position):
    position, moves = random_position(0, 17)
    assert position.mirrored() == Position.from_moves("".join(str(8 - int(m)) for m in moves))
    assert position.mirrored().mirrored() == position


def test_full_columns_are_refused():
    with pytest.raises(ValueError, match="column 0 is full"):
        Position.from_moves("1111111")
    with pytest.raises(ValueError, match="column 7 is full or off the board"):
        Position.from_moves("8")
