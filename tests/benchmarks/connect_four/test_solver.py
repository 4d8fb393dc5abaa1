"""Exact scores, against the published table, plain minimax and known facts."""

import csv
import gzip
import importlib.resources

import hypothesis
import hypothesis.strategies as st
import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.connect_four import opening
from benchmarks.connect_four.board import Position
from benchmarks.connect_four.solver import Solver, make_book


@pytest.fixture(scope="module")
def solver():
    return Solver(table_bits=20)


@pytest.fixture(scope="module")
def table():
    source = importlib.resources.files("selfplay_envs.games") / "connect_four_solved.csv"
    rows = csv.DictReader(source.read_text(encoding="utf-8").splitlines())
    return [
        (
            Position.from_moves(row["moves"]),
            {c: int(row[f"score_{c + 1}"]) for c in range(7) if row[f"score_{c + 1}"]},
        )
        for row in rows
    ]


def minimax(position):
    """The score by looking at every line."""
    if position.ply == 42:
        return 0
    if any(position.wins(c) for c in position.legal()):
        return (43 - position.ply) // 2
    return max(-minimax(position.play(c)) for c in position.legal())


def sign(score):
    return (score > 0) - (score < 0)


def test_scores_of_the_table(solver, table):
    """From 22 plies on: all their columns."""
    late = [(position, scores) for position, scores in table if position.ply >= 22]
    assert len(late) > 600
    for position, scores in late:
        assert solver.scores(position) == scores
        assert solver.solve(position) == max(scores.values())


def test_values_of_the_table(table):
    solver = Solver(table_bits=20)
    for position, scores in [row for row in table if row[0].ply >= 22][:200]:
        assert solver.values(position) == {c: sign(score) for c, score in scores.items()}
        assert solver.value(position) == sign(max(scores.values()))


@hypothesis.given(st.integers(0, 2**32 - 1), st.integers(33, 41))
@hypothesis.settings(max_examples=60)
def test_scores_are_those_of_minimax(random_position, seed, ply):
    found = random_position(seed, ply)
    hypothesis.assume(found is not None)
    position, _ = found
    assert Solver(table_bits=10).solve(position) == minimax(position)


def test_mirror_images_have_the_same_score(solver, random_position):
    for seed in range(20):
        found = random_position(seed, 22)
        if found is not None:
            position, _ = found
            assert Solver(table_bits=16).solve(position.mirrored()) == solver.solve(position)


def test_a_tiny_table_changes_nothing(solver, table):
    """What is forgotten or overwritten is searched again."""
    tiny = Solver(table_bits=1)
    for position, _ in [row for row in table if row[0].ply >= 28][:40]:
        assert tiny.solve(position) == solver.solve(position)


def test_a_book_is_believed():
    """Positions of 8 plies, either way round; and others are searched through it."""
    position = Position.from_moves("12345671")
    solver = Solver(make_book([position], [-5]), table_bits=10)
    assert solver.solve(position) == -5
    assert solver.solve(position.mirrored()) == -5
    assert solver.value(position) == -1


@pytest.fixture(scope="module")
def path():
    path = opening.find_file()
    if path is None:
        pytest.skip("SELFPLAY_DATA is not set, or its folder lacks the 8-ply positions")
    return path


def test_the_file_is_the_published_set(path):
    positions, scores = opening.read_positions(path)
    assert len(positions) == len({min(p.key, p.mirrored().key) for p in positions}) == 67_557
    assert {p.ply for p in positions} == {8}
    assert [sum(sign(s) == value for s in scores) for value in (1, -1, 0)] == [
        44_473,
        16_635,
        6_449,
    ]


def test_the_centre_wins(path):
    """The known value of 4444, by the book: the first player wins with the last stone."""
    assert Solver(opening.read_book(), table_bits=16).solve(Position.from_moves("4444")) == 1


def test_a_file_that_contradicts_itself_is_refused(tmp_path):
    path = tmp_path / opening.FILE
    with gzip.open(path, "wt") as file:
        file.write(",".join(["b"] * 42 + ["win", "-3"]) + "\n")
    with pytest.raises(ValueError, match="a score of -3 is no win"):
        opening.read_positions(path)


def test_a_missing_book_says_where_it_should_be(tmp_path, monkeypatch):
    monkeypatch.setenv("SELFPLAY_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"connect_four_8ply\.csv\.gz .* set SELFPLAY_DATA"):
        opening.read_book()
