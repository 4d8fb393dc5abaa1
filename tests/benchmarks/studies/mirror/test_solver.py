"""Tables against published counts and results, and against plain minimax over lists of columns."""

import functools

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.studies.mirror.solver import UNREACHED, Board, count_games, solve

Columns = tuple[str, ...]
"""A column's stones from the bottom up, "X" the first player's, "O" the second's."""


def has_won(columns: Columns, player: str, in_a_row: int) -> bool:
    squares = {(r, c) for c, column in enumerate(columns) for r, s in enumerate(column)}
    mine = {(r, c) for r, c in squares if columns[c][r] == player}
    return any(
        all((r + i * up, c + i * right) in mine for i in range(in_a_row))
        for r, c in mine
        for up, right in ((0, 1), (1, 0), (1, 1), (-1, 1))
    )


@functools.cache
def minimax(columns: Columns, rows: int, in_a_row: int) -> int:
    """The value for the side to move, by looking at every game."""
    mover, other = sides(columns)
    if has_won(columns, other, in_a_row):
        return -1
    after = drops(columns, rows, mover)
    return max((-minimax(next_, rows, in_a_row) for next_ in after), default=0)


def sides(columns: Columns) -> tuple[str, str]:
    ply = sum(map(len, columns))
    return "XO"[ply % 2], "OX"[ply % 2]


def drops(columns: Columns, rows: int, mover: str) -> list[Columns]:
    return [
        (*columns[:c], column + mover, *columns[c + 1 :])
        for c, column in enumerate(columns)
        if len(column) < rows
    ]


def key_of(columns: Columns, rows: int) -> int:
    mover, _ = sides(columns)
    bits = [
        sum((stone == mover) << r for r, stone in enumerate(column)) + (1 << len(column))
        for column in columns
    ]
    return sum(column << (rows + 1) * c for c, column in enumerate(bits))


@functools.cache
def solved(board: Board) -> np.ndarray:
    return solve(board)


@pytest.mark.parametrize(
    "board",
    [Board(4, 4), Board(3, 4), Board(3, 4, 3), Board(4, 3, 3), Board(2, 5, 2), Board(5, 2, 4)],
    ids=repr,
)
def test_every_position_has_the_value_of_plain_minimax(board):
    """Small boards whole; 4 by 4 from some openings on."""
    begins = ["01230123", "01102332", "31203102", "22110303"] if board == Board(4, 4) else [""]
    seen = set()
    for begin in begins:
        columns: Columns = ("",) * board.columns
        for digit in begin:
            columns = drops_in(columns, int(digit))
        waiting = [columns]
        while waiting:
            columns = waiting.pop()
            if columns in seen:
                continue
            seen.add(columns)
            value = minimax(columns, board.rows, board.in_a_row)
            assert solved(board)[key_of(columns, board.rows)] == value
            mover, other = sides(columns)
            if not has_won(columns, other, board.in_a_row):
                waiting += drops(columns, board.rows, mover)
    if begins == [""]:
        assert len(seen) == (solved(board) != UNREACHED).sum()


def drops_in(columns: Columns, column: int) -> Columns:
    mover, _ = sides(columns)
    return (*columns[:column], columns[column] + mover, *columns[column + 1 :])


@pytest.mark.parametrize(("size", "games"), [(1, 2), (2, 90), (3, 356_232), (4, 152_505_051_772)])
def test_games_are_as_many_as_published(size, games):
    """OEIS A342329: Connect Four on n rows and n + 1 columns."""
    board = Board(size, size + 1)
    assert count_games(board)[board.empty] == games


@pytest.mark.parametrize(
    ("rows", "columns", "positions"),
    [(3, 4, 12_031), (4, 3, 6_000), (5, 3, 38_310), (4, 4, 161_029), (3, 5, 158_911)],
)
def test_positions_are_as_many_as_published_and_the_game_is_a_draw(rows, columns, positions):
    """The numbers of states and results for Connect Four on P. Kirlin's page of small boards."""
    board = Board(rows, columns)
    assert (solved(board) != UNREACHED).sum() == positions
    assert solved(board)[board.empty] == 0


@pytest.mark.parametrize(
    ("rows", "columns", "value"),
    [(3, 3, 0), (3, 4, 1), (3, 5, 1), (4, 3, 0), (4, 4, 1), (5, 3, 0), (6, 3, 0), (5, 4, 1)],
)
def test_three_in_a_row(rows, columns, value):
    """The same page, for Connect Three."""
    board = Board(rows, columns, 3)
    assert solved(board)[board.empty] == value


def test_the_study_s_board_is_a_draw_unless_someone_begins_at_the_edge():
    """The draw is in J. Tromp's table of small boards."""
    board = Board(rows=4, columns=5)
    table = solve(board)
    assert table[board.empty] == 0
    begun = [board.empty + int(board.weights[0, column]) for column in range(5)]
    assert [-int(table[key]) for key in begun] == [-1, 0, 0, 0, -1]


boards = st.builds(Board, st.integers(1, 5), st.integers(1, 4), st.integers(2, 4))


@hypothesis.given(boards, st.lists(st.integers(0, 3), max_size=20))
@hypothesis.settings(max_examples=40)
def test_keys_are_taken_apart(board, moves):
    columns: Columns = ("",) * board.columns
    for move in moves:
        if move < board.columns and len(columns[move]) < board.rows:
            columns = drops_in(columns, move)
    key = np.array([key_of(columns, board.rows)])
    assert board.plies(key)[0] == sum(map(len, columns))
    for plane, player in zip(board.decode(key)[0], sides(columns), strict=True):
        stones = {(r, c) for r, c in zip(*np.nonzero(plane), strict=True)}
        found = {(r, c) for c, x in enumerate(columns) for r, s in enumerate(x) if s == player}
        assert stones == found


def test_a_board_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match="at most 30"):
        Board(6, 7)
