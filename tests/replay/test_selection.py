"""Filters and what they let through, against plain NumPy."""

import re
import runpy
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.operators.targets import VERDICTS
from selfplay.replay import generations
from selfplay.replay.selection import Filter, confidence_to_keep, restored, select
from tests.replay.test_generations import ABOUT, ROW, make_sample

ACCEPTED, REJECTED = VERDICTS.index("accepted"), VERDICTS.index("rejected")


@pytest.fixture
def generation(tmp_path):
    """Three shards of 20 rows: accepted and sure, accepted and unsure, rejected and sure."""
    made = generations.create(tmp_path / "g", ABOUT)
    for number, (confidence, verdict) in enumerate(
        [(0.9, ACCEPTED), (0.3, ACCEPTED), (0.9, REJECTED)]
    ):
        made.add(make_sample(30 * number, 30, confidence, verdict))
    return made


@pytest.mark.parametrize(
    ("keep", "size", "refused"),
    [
        (Filter(), 60, {}),
        (Filter(verified=True), 40, {"verdict rejected": 20}),
        (Filter(least_confidence=0.5), 40, {"confidence under 0.5": 20}),
        (
            Filter(verified=True, least_confidence=0.5),
            20,
            {"verdict rejected": 20, "confidence under 0.5": 20},
        ),
    ],
)
def test_who_passes_and_why_not_the_rest(generation, tmp_path, keep, size, refused):
    selection = select(generation, keep, tmp_path / "s")
    assert (selection.size, selection.refused) == (size, refused)
    numbers = selection.rows(np.arange(size))["action"]
    assert len(np.unique(numbers)) == size
    assert (numbers % 3 > 0).all()


def test_no_file_stays_open(generation, tmp_path):
    """A process may have a thousand; a generation has more."""
    selection = select(generation, Filter(), tmp_path / "s")
    open_files = Path("/dev/fd")
    before = sorted(open_files.iterdir())
    for _ in range(3):
        selection.rows(np.arange(60))
    assert sorted(open_files.iterdir()) == before


@settings(max_examples=20)
@given(st.lists(st.integers(0, 39), max_size=50))
def test_rows_come_in_the_order_asked_for(tmp_path_factory, index):
    folder = tmp_path_factory.mktemp("g")
    made = generations.create(folder / "g", ABOUT)
    for first in (0, 30, 60):
        made.add(make_sample(first, 30, 0.9 if first != 30 else 0.1))
    selection = select(made, Filter(least_confidence=0.5), folder / "s")
    passed = [i for first in (0, 60) for i in range(first, first + 30) if i % 3]
    if index:
        fields = selection.rows(np.array(index))
        assert fields["action"].tolist() == [passed[i] for i in index]
        assert np.asarray(restored(fields, ROW).targets.value).tolist() == fields["action"].tolist()


def test_a_filter_that_refuses_all_says_why_and_keeps_the_generation(generation, tmp_path):
    with pytest.raises(ValueError, match=r"none of the 60 rows.*60 by confidence under 0\.95"):
        select(generation, Filter(least_confidence=0.95), tmp_path / "s")
    assert generation.num_rows == 60
    assert select(generation, Filter(), tmp_path / "t").size == 60


def test_the_confidence_that_keeps_a_share(generation):
    assert confidence_to_keep([generation], 0.5) == pytest.approx(0.9)
    assert confidence_to_keep([generation], 0.9) == pytest.approx(0.3)
    with pytest.raises(ValueError, match=r"above 0, at most 1, got 0"):
        confidence_to_keep([generation], 0.0)
    with pytest.raises(ValueError, match="there are no rows"):
        confidence_to_keep([], 0.5)


def test_the_pages_examples_work(generation, tmp_path, capsys):
    text = (Path(__file__).parents[2] / "docs/generations.md").read_text(encoding="utf-8")
    found = {}
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL)):
        file = tmp_path / f"example{number}.py"
        file.write_text(code, encoding="utf-8")
        found |= runpy.run_path(str(file))
    assert found["mean_confidence"](generation.path) == pytest.approx(0.7)
    found["surest_half"](generation.path)
    assert "20 of 60 rows; refused: {'verdict rejected': 20" in capsys.readouterr().out
    fields = re.findall(r"^\| `(targets\.\w+(?:\.\w+)?|action|episode)` \|", text, re.MULTILINE)
    stored = [
        name for name in generation.shard(0) if not re.match(r"targets\.(problem|state)", name)
    ]
    assert sorted(fields) == sorted(stored)


def test_a_confidence_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1, got 2"):
        Filter(least_confidence=2)


def test_rows_of_other_fields_are_refused(generation):
    fields = dict(generation.shard(0))
    del fields["action"]
    with pytest.raises(ValueError, match="another environment: action differ"):
        restored(fields, jax.tree.map(lambda x: x, ROW))
