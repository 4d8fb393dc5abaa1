"""Curves of problems solved: what a budget would have solved, and what is written and drawn."""

from rich.console import Console

from benchmarks.problem_points import Point, budget_table, budgets_to, draw, strata, table

BUDGET = 100


def points() -> list[Point]:
    """Of two strata, three networks, searched whole and in two ways move by move."""
    found = []
    for stratum, count in (("easy", 20), ("hard", 10)):
        for iteration in (0, 7, 9):
            for simulations in (None, 0, 8):
                after = (
                    list(range(1, 2 + iteration)) if stratum == "easy" else [50] * (iteration > 0)
                )
                found.append(Point(stratum, iteration, simulations, count, 1_000, after))
    return found


def printed(table) -> str:
    console = Console(width=160)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_less_of_a_budget_solves_what_took_no_more():
    point = Point("all", 3, None, 4, 60, [1, 5, 5])
    assert [point.solved(most) for most in (None, 0, 1, 4, 5, 100)] == [3, 0, 1, 1, 3, 3]
    share, low, high = point.share(1)
    assert share == 25
    assert 0 < low < share < high < 100


def test_budgets_begin_with_one_and_end_with_all():
    assert budgets_to(100, factor=4) == [1, 4, 16, 64, 100]
    assert budgets_to(64, factor=4) == [1, 4, 16, 64]
    assert budgets_to(1, factor=2) == [1]


def test_tables_have_a_row_for_each_stratum_and_network():
    assert strata(points()) == ["easy", "hard"]
    rows = printed(table(points(), BUDGET))
    assert "whole, 100" in rows
    assert [rows.count(f"{name}, {n}") for name, n in (("easy", 20), ("hard", 10))] == [3, 3]
    by_budget = printed(budget_table(points(), BUDGET)).splitlines()
    cells = [[cell.strip() for cell in row.split("│")[1:-1]] for row in by_budget if "│" in row]
    assert cells == [
        ["easy, 20", "0", "1", "1", "1", "1", "1"],
        ["easy, 20", "9", "1", "4", "10", "10", "10"],
        ["hard, 10", "0", "0", "0", "0", "0", "0"],
        ["hard, 10", "9", "0", "0", "0", "1", "1"],
    ]


def test_a_picture_is_drawn_of_one_stratum_or_several(tmp_path):
    for these in (points(), [point for point in points() if point.stratum == "easy"]):
        draw(these, BUDGET, tmp_path / "curves.png")
        assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
