"""A study of search as a person sees it: the table, the sentences, the numbers, the picture."""

import csv
import io
import sys

import pytest
from rich.console import Console

from selfplay.depth import study
from selfplay.display import depth
from selfplay.evaluation.depth import Cost, Estimate, Exact
from selfplay.evaluation.searcher import Searcher
from selfplay.evaluation.study import Point, Study
from tests.test_ladder import make_run


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "one"
    make_run(folder, (0,))
    settings = {"simulations": (0, 2, 4), "policies": ("gumbel", "puct"), "precision": 300.0}
    return study(folder, **settings, rivals=("random",), games=1200)


def text_of(shown, width=200):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(shown)
    return console.export_text()


def test_the_table_has_a_row_a_searcher_and_the_rival_below(known):
    said = text_of(depth.table(known))
    assert said.count("gumbel") == said.count("puct") == 3
    assert said.index("puct 4") < said.index("random")
    for column in ("keep the value, %", "value lost a move", "error of the value", "Elo", "ms a"):
        assert column in said
    best = known.points[0].exact.kept
    assert f"{100 * best.value:.1f} [{100 * best.low:.1f}, {100 * best.high:.1f}]" in said


def test_the_footnote_says_network_machine_and_games(known):
    said = depth.footnote(known)
    assert "mlp 16×1" in said and "JAX" in said
    assert f"{known.games.num_games:,} games" in said and "Elo over network@0, alone" in said


def test_the_numbers_are_those_of_the_study(known):
    rows = list(csv.DictReader(io.StringIO(depth.numbers(known))))
    assert len(rows) == len(known.points) == 5
    for row in rows:
        point = next(
            p
            for p in known.points
            if (p.searcher.policy or "", str(p.searcher.simulations))
            == (row["policy"], row["simulations"])
        )
        assert float(row["moves_that_keep_the_value_percent"]) == 100.0 * point.exact.kept.value
        assert float(row["elo_low"]) == known.elo()[point.searcher.name].low
        assert float(row["seconds_a_move"]) == point.cost.seconds
        assert row["problems_solved_percent"] == ""


def test_the_picture_is_drawn_twice(known, tmp_path):
    png, svg = depth.draw(known, tmp_path / "depth")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in svg.read_text()


def test_without_matplotlib_the_extra_is_named(known, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(RuntimeError, match=r"pip install 'selfplay\[plot\]'"):
        depth.draw(known, tmp_path / "depth")


def curve(*wrong):
    """A study of one curve: position i is got wrong with (0, 1, 4, 16 ...) simulations."""
    points = []
    for index, mistakes in enumerate(wrong):
        count = 0 if index == 0 else 4 ** (index - 1)
        share = Estimate(1.0 - len(mistakes) / 1000, 0.0, 1.0)
        exact = Exact(share, share, share, (1000,), tuple((i, 2, 0) for i in mistakes))
        searcher = Searcher(policy="gumbel" if count else None, simulations=count)
        points.append(Point(searcher, Cost(0.01 * (count + 1), 1.0, 1, 1), exact))
    network = {"kind": "mlp", "width": 8, "depth": 1, "parameters": 1234}
    machine = {"processor": "abacus", "devices": "1 × bead", "jax": "1.0"}
    return Study({"env": "x", "run": "y"}, network, machine, tuple(points))


def test_enough_is_said_with_its_share_interval_and_time():
    (said,) = depth.sentences(curve(range(100), range(60), range(5), range(2)))
    assert said.startswith("4 simulations give 97 % (")
    assert "of what 16 give over the evaluator alone, in 1/3 of the time" in said
    assert "(moves that keep the value: 90.0 to 99.8 %)." in said


def test_more_may_be_needed():
    (said,) = depth.sentences(curve(range(100), range(90), range(60), range(10)))
    assert said.startswith("16 simulations are not too many: 4 give 44 % (34 to 55) of what")


def test_two_points_show_a_gain_and_no_more():
    (said,) = depth.sentences(curve(range(100), range(10)))
    assert said.startswith("The gain of 1 simulation over the evaluator alone is beyond chance (")


def test_a_guess_without_searches_is_shown_alone(tmp_path):
    known = curve(range(100))
    assert "alone" in text_of(depth.table(known))
    assert depth.sentences(known) == []
    assert depth.draw(known, tmp_path / "depth")[0].exists()


def test_chance_is_no_gain():
    (said,) = depth.sentences(curve(range(10), range(8), range(3, 12)))
    assert said.startswith("No gain of 4 simulations over the evaluator alone is beyond chance")


def test_each_curve_has_its_sentence(known):
    found = depth.sentences(known)
    assert len(found) == 4
    assert [said.split(":")[0] for said in found] == ["network@0, gumbel"] * 2 + [
        "network@0, puct"
    ] * 2
