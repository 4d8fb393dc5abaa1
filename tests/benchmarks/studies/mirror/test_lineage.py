"""A small lineage, and its measures against plain loops."""

import pytest

from benchmarks.studies.mirror.figure import PANELS, draw, table
from benchmarks.studies.mirror.lineage import Mirror, Size
from benchmarks.studies.mirror.openings import openings
from benchmarks.studies.study import Numbers, Results
from selfplay.replay import diversity
from selfplay.replay.generations import Generation


@pytest.fixture(scope="module")
def small():
    """A mirror of two short generations."""
    return Mirror(Size(generations=2, games=1_024, updates=4), rows=3, columns=4)


def test_real_games_are_measured_by_drift_alone(small, tmp_path):
    numbers = small.anew(0, tmp_path, lambda what, done, total: None)
    real = openings(Generation(tmp_path / "real").each(), 4)
    lineage = diversity.drift(real, 2, 0)
    assert numbers["distinct"] == [diversity.distinct(found) for found in lineage]
    assert numbers["tail"][0] == numbers["sound_tail"][0] == 1.0
    assert 0 < numbers["anew_sound_tail"] <= 1


def test_the_picture_and_the_table_show_every_arm():
    numbers: Numbers = {what: [1.0, 0.5] for what in PANELS} | {"anew_sound_tail": 0.5}
    arms = ("real games anew", "raw", "search 8")
    known = Results({}, {}, tuple((arm, seed, 1.0, numbers) for seed in (0, 1) for arm in arms))
    assert len(draw(known).axes) == len(PANELS)
    assert table(known).row_count == len(arms)
