"""The calculator's parts: a whole lineage is a benchmark."""

import dataclasses
import json

import pytest

from benchmarks.studies import calculator
from benchmarks.studies.calculator import UNFILTERED, Calculator, Size, wrong_in
from benchmarks.studies.study import Numbers, Results


@pytest.fixture(scope="module")
def known():
    """Results as a study of two seeds would have them."""
    arms = [*map(wrong_in, calculator.ERRORS), UNFILTERED]
    numbers: Numbers = {"held_out": [0.1, 0.5, 0.9], "samples": [0.1, 0.4, 0.8]}
    return Results({}, {}, tuple((arm, seed, 1.0, numbers) for seed in (0, 1) for arm in arms))


def test_every_arm_has_a_checker_but_one():
    assert list(calculator.arms(Calculator(Size()), quick=False)) == [
        *map(wrong_in, calculator.ERRORS),
        UNFILTERED,
    ]
    assert list(calculator.arms(Calculator(Size()), quick=True)) == [
        wrong_in(0),
        wrong_in(50),
        UNFILTERED,
    ]


def test_the_picture_and_the_table_show_every_arm(known):
    legend = calculator.draw(known).axes[0].get_legend_handles_labels()[1]
    assert legend == list(known.arms)
    assert calculator.table(known).row_count == len(known.arms)


def test_settings_are_written_as_json():
    assert json.loads(json.dumps(dataclasses.asdict(Size())))["right"] == 0.1
