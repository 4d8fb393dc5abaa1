"""The share of a gain that is kept, in closed form; a picture and a table that show every arm."""

import json

import numpy as np
import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.studies.evaluator.__main__ import QUICK, arms, settings
from benchmarks.studies.evaluator.experiment import Experiment, Size
from benchmarks.studies.evaluator.figure import COLOURS, PANELS, draw, efficiency, table
from benchmarks.studies.evaluator.truth import MEASURES
from benchmarks.studies.study import Results

SIZE = Size(simulations=(0, 1, 4), teacher=4)


def results(student: float, search: float = 0.1, seeds: int = 2) -> Results:
    """What would have been measured, had the evaluator alone erred in 0.5 of all cases."""
    numbers = {what: [0.5, 0.5, search] for what in MEASURES}
    numbers |= {f"{kind}_{what}": student for kind in ("student", "copy") for what in MEASURES}
    return Results({}, {}, tuple((a, s, 1.0, numbers) for s in range(seeds) for a in COLOURS))


@pytest.mark.parametrize(("student", "kept"), [(0.1, "100"), (0.3, "50"), (0.5, "0"), (0.6, "-25")])
def test_the_share_of_the_gain_that_a_student_keeps(student, kept):
    assert efficiency(SIZE, results(student, seeds=1), "untrained", "mistakes") == kept


def test_where_nothing_was_gained_no_share_is_named():
    assert efficiency(SIZE, results(0.3, search=0.48), "untrained", "mistakes") == "–"


def test_where_search_harms_there_is_no_gain_to_keep():
    assert efficiency(SIZE, results(0.6, search=0.9), "untrained", "mistakes") == "–"
    assert efficiency(SIZE, results(0.7, search=0.9, seeds=1), "untrained", "sign") == "50"


def test_the_picture_and_the_table_show_every_arm():
    known = results(0.3)
    figure = draw(SIZE, known)
    assert len(figure.axes) == 2 * len(PANELS)
    assert figure.axes[0].get_legend_handles_labels()[1] == list(COLOURS)
    drawn = [
        line.get_ydata()[-1] for line in figure.axes[0].get_lines() if len(line.get_ydata()) == 3
    ]
    assert np.allclose(drawn, 10.0)
    assert len(drawn) == 3 * len(COLOURS)  # a mean and two seeds each
    assert table(SIZE, known).row_count > len(COLOURS)


def test_every_arm_has_a_colour_and_quick_ones_are_among_them():
    assert list(arms(Experiment(Size()), quick=False)) == list(COLOURS)
    assert set(arms(Experiment(QUICK), quick=True)) < set(COLOURS)


@pytest.mark.parametrize("size", [Size(), QUICK])
def test_a_size_can_be_measured(size):
    assert size.positions % 512 == size.updates % 20 == 0
    assert {0, 1, size.teacher} <= set(size.simulations)
    assert json.loads(json.dumps(settings(size))) == settings(size)
