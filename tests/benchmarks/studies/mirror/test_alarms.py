"""When alarms came and strength was lost, as read from series."""

from pathlib import Path

from benchmarks.studies import study
from benchmarks.studies.mirror.alarms import arms, draw, spoken, table
from benchmarks.studies.mirror.lineage import Mirror, Size
from benchmarks.studies.study import Results
from selfplay.run.collapse import RULES

DATA = Path(__file__).parents[4] / "benchmarks/results/studies/alarms.json"


def test_the_first_of_each_is_told():
    quiet = {rule: [0.0] * 4 for rule in RULES}
    early = quiet | {"mistakes": [0.2, 0.22, 0.26, 0.3], "new_errors": [0.0, 1.0, 1.0, 0.0]}
    never = quiet | {"mistakes": [0.2, 0.2, 0.1, 0.1]}
    known = Results({}, {}, (("raw", 0, 1.0, early), ("raw", 1, 1.0, never)))
    assert spoken(known, "raw") == [(1, 2), (None, None)]
    assert len(draw(known).axes) == 1
    assert table(known).row_count == len(RULES) + 2


def test_what_was_measured_is_what_the_page_says():
    known = study.read(DATA, {"generations": 20})
    assert set(known.arms) == set(arms(Mirror(Size())))
    assert all(alarm < lost for alarm, lost in spoken(known, "raw"))
    assert all(alarm == lost == 1 for alarm, lost in spoken(known, "raw, likeliest"))
    assert spoken(known, "search 8") == [(None, None)] * 3
