"""What was measured is kept, and not measured again; intervals are Student's."""

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.table import Table
from scipy import stats

from benchmarks.studies import study
from benchmarks.studies.study import Options, Plan, Results


@pytest.fixture
def plan():
    """Two arms that count how often they are measured."""
    measured = []

    def measure(arm):
        def one(seed, folder, tell):
            tell("measuring", 0, 1)
            measured.append((arm, seed))
            return {"share": seed / 3, "series": [1.0, float(seed)]}

        return one

    arms = {arm: measure(arm) for arm in ("raw", "search")}
    draw = lambda known: Figure()  # noqa: E731
    table = lambda known: Table(*known.arms)  # noqa: E731
    return Plan("trial", {"games": 4}, arms, draw, table), measured


@pytest.fixture
def options(tmp_path):
    """Where everything is in a folder of its own."""
    return Options(output=tmp_path / "out", work=tmp_path / "work")


def test_each_arm_is_measured_once_with_each_seed(plan, options):
    plan, measured = plan
    known = study.run(plan, options)
    assert sorted(measured) == [(arm, seed) for arm in ("raw", "search") for seed in (0, 1, 2)]
    assert known.values("raw", "share").tolist() == pytest.approx([0, 1 / 3, 2 / 3], abs=1e-6)
    assert known.values("search", "series").shape == (3, 2)
    assert {path.name for path in options.output.iterdir()} == {
        "trial.json",
        "trial.png",
        "trial.svg",
    }


def test_a_study_goes_on_where_it_was_stopped(plan, options):
    plan, measured = plan
    stopped = dataclasses.replace(options, seeds=(1,))
    first = study.run(plan, stopped)
    del measured[:]
    known = study.run(plan, options)
    assert ("raw", 1) not in measured
    assert len(known.cells) == 6
    assert known.cells[:2] == first.cells


def test_redrawing_measures_nothing(plan, options):
    plan, measured = plan
    known = study.run(plan, options)
    del measured[:]
    again = study.run(plan, dataclasses.replace(options, redraw=True))
    assert again.settings == known.settings
    assert again.cells == known.cells
    assert measured == []


def test_there_must_be_something_to_redraw(plan, options):
    with pytest.raises(ValueError, match=r"nothing was measured yet: .*trial\.json is not there"):
        study.run(plan[0], dataclasses.replace(options, redraw=True))


def test_measurements_of_other_settings_are_not_mixed(plan, options):
    study.run(plan[0], options)
    other = dataclasses.replace(plan[0], settings={"games": 8})
    with pytest.raises(ValueError, match=r"other settings \(games 4, not 8\): move it away"):
        study.run(other, options)


def test_quick_results_are_kept_apart(plan, options):
    study.run(plan[0], dataclasses.replace(options, quick=True))
    assert (options.output / "trial-quick.json").exists()
    assert not (options.output / "trial.json").exists()


def test_intervals_are_students():
    values = np.random.default_rng(0).normal(size=(4, 3))
    mean, half = study.interval(values)
    for column in range(3):
        low, high = stats.t.interval(
            0.95, 3, values[:, column].mean(), stats.sem(values[:, column])
        )
        assert mean[column] - half[column] == pytest.approx(low)
        assert mean[column] + half[column] == pytest.approx(high)


def test_one_seed_has_no_interval():
    assert np.isnan(study.interval(np.ones((1, 2)))[1]).all()
    assert study.written(np.array([0.5]), scale=100) == "50.0"
    assert study.written(np.array([0.5, 0.5]), scale=100) == "50.0 ± 0.0"


def test_arms_keep_their_order():
    cells = tuple((arm, 0, 1.0, {}) for arm in ("search", "raw"))
    assert Results({}, {}, cells).arms == ("search", "raw")
