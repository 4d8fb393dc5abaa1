"""The ladder as a table: names that fit, and nothing said of those who have not played."""

import numpy as np
import pytest

from selfplay.display import ladder as display
from selfplay.evaluation.players import Player
from selfplay.evaluation.rating import fit_pairs
from selfplay.evaluation.tournament import Tournament
from selfplay.ladder import Entrant, Ladder


def act(*_):
    raise NotImplementedError


def ladder_of(*runs, pairs=None):
    """Of a checkpoint of each run, and of random moves."""
    entrants = [
        Entrant(Player(f"{run}@{i}", act), run, i, 1.0 if i else None) for i, run in enumerate(runs)
    ]
    entrants.append(Entrant(Player("random", act)))
    names = tuple(entrant.player.name for entrant in entrants)
    if pairs is None:
        pairs = np.zeros((len(names), len(names), 3, 3), np.int64)
        pairs[:-1, -1, 0, 0] = 5
        pairs[:-1, -1, 1, 2] = 5
    known = Tournament(names, pairs, fit_pairs(pairs), 100)
    settings = {"simulations": 2}
    return Ladder("connect_four", tuple(entrants), known, "mean", settings)


def cells(result, column):
    return [str(cell) for cell in display.table(result).columns[column].cells]


LONG = "/home/someone/runs/connect_four-20260101-120000"


@pytest.mark.parametrize(
    ("runs", "names", "title"),
    [
        ((LONG, LONG), {"@0", "@1"}, f"@ITERATION of {LONG}"),
        ((LONG, "short"), {"A@0", "short@1"}, f"A@ITERATION of {LONG}"),
        (("one", "two"), {"one@0", "two@1"}, "the mean is 0"),
    ],
)
def test_long_names_are_told_once(runs, names, title):
    result = ladder_of(*runs)
    assert set(cells(result, 1)) == names | {"random"}
    assert str(display.table(result).title).endswith(title)


def test_nothing_is_said_of_those_who_have_not_played():
    pairs = np.zeros((3, 3, 3, 3), np.int64)
    pairs[0, 1, 0, 0] = 5
    result = ladder_of("one", "two", pairs=pairs)
    rows = dict(zip(cells(result, 1), cells(result, 2), strict=True))
    assert rows["random"] == "–" and rows["one@0"] != "–"


def test_who_tells_no_time_of_training_is_drawn_as_a_level_line(monkeypatch, tmp_path):
    drawn = []
    original = display.empty_figure

    def spy(*size):
        drawn.append(original(*size))
        return drawn[-1]

    monkeypatch.setattr(display, "empty_figure", spy)
    display.draw(ladder_of("exported", "trained"), tmp_path / "arena.png")
    (axis,) = drawn[0].axes
    assert {text.get_text() for text in axis.texts} == {"exported@0", "random"}
    assert [container.get_label() for container in axis.containers] == ["trained"]
