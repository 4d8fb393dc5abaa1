"""The guards, on runs that are made to fail, and on healthy ones."""

import dataclasses
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from selfplay import config as config_lib
from selfplay import train as train_lib
from selfplay.config import GuardsConfig
from selfplay.run import guards, metrics, progress
from selfplay.run.directory import RunDirectory
from selfplay.run.guards import WINDOW, Guards
from selfplay.run.program import make_program
from selfplay.run.session import Session
from selfplay.settings import merged
from tests import worlds

GOLDENS = Path(__file__).parents[1] / "goldens"

HEALTHY = {
    "env": "tic_tac_toe",
    "iterations": 130,
    "num_devices": 1,
    "network": {"width": 32, "depth": 0},
    "search": {"num_simulations": 8},
    "rollout": {"num_games": 32, "steps_per_iteration": 9, "max_opening_plies": 6},
    "replay": {"capacity": 8_192, "min_rows": 512},
    "learner": {
        "batch_size": 128,
        "updates_per_iteration": 4,
        "learning_rate": 3e-3,
        "warmup_updates": 8,
    },
    "evaluation": {"every_minutes": 60.0, "num_simulations": 4},
    "logging": {"tensorboard": False},
}
"""Forty iterations of it are enough for all but rows to grow stale."""


class WrongWay(worlds.Nim):
    """Nim whose rewards pay the loser; exact truth is that of Nim."""

    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(rewards=-after.rewards)


def settings(changes):
    return config_lib.from_dict(merged(HEALTHY, changes))


def trained(path, **changes):
    """The rows of a healthy run but for `changes`, nested like its settings."""
    return metrics.read(RunDirectory(train_lib.train(settings(changes), run=path)).metrics)


def iterated(**changes):
    """The same without looks, files and watchers, which take longer to compile than to run."""
    config = settings(changes)
    program = make_program(config)
    session = Session(
        config, program, program.init(None), progress.Clock(0.0), iterations=config.iterations
    )
    return [
        {"iteration": number, "iterations": config.iterations} | train_lib._iterate(session, None)
        for number in range(1, config.iterations + 1)
    ]


def found(rows):
    """Names of all that the guards ever said of a run."""
    return set(Guards(rows).spans)


# Runs made to fail -------------------------------------------------------------------------------


def test_a_healthy_run_is_left_alone():
    assert found(iterated(iterations=60)) == set()


def test_one_line(tmp_path):
    """No noise and no openings: all games are one."""
    rows = trained(
        tmp_path / "run",
        iterations=45,
        search={"gumbel_scale": 0.0},
        rollout={"max_opening_plies": 0},
    )
    assert "one_line" in found(rows)
    assert rows[-1]["game/repeated"] == 1.0
    assert "one_line" in rows[-1]["warnings"]
    (finding,) = (f for f in Guards(rows).findings if f.name == "one_line")
    assert "about 1." in finding.seen
    assert "remedy" not in rows[-1]
    assert rows[-1]["openings/heterozygosity"] == 0.0
    assert rows[-1]["openings/per_thousand"] == 1.0


def test_a_run_is_halted_and_goes_on_with_another_remedy(tmp_path):
    """All games are one, until the search has noise."""
    config = settings(
        {
            "iterations": 60,
            "search": {"gumbel_scale": 0.0},
            "rollout": {"max_opening_plies": 0},
            "guards": {"remedy": "halt"},
        }
    )
    run = train_lib.train(config, run=tmp_path / "run")
    rows = metrics.read(RunDirectory(run).metrics)
    assert len(rows) == WINDOW and rows[-1]["remedy"] == "halt: the run is saved and stops"
    noisy = dataclasses.replace(config, guards=GuardsConfig(remedy="noise"))
    rows = metrics.read(RunDirectory(train_lib.resume(run, config=noisy)).metrics)
    assert len(rows) == 60
    assert [row["iteration"] for row in rows if "remedy" in row] == [WINDOW, WINDOW + 1]
    assert rows[WINDOW]["remedy"] == "noise: search.gumbel_scale 0 to 1"
    assert rows[WINDOW]["game/repeated"] == 1.0
    assert rows[-1]["game/repeated"] < 0.5
    assert RunDirectory(run).read_config().search.gumbel_scale == 0.0


def test_idle_search():
    """PUCT with one simulation goes where the network says, and comes back."""
    search = {"policy": "puct", "num_simulations": 1, "dirichlet_fraction": 0.0}
    rows = iterated(iterations=45, search=search)
    assert found(rows) == {"idle_search"}
    assert rows[-1]["search/changed"] == 0.0


def test_few_rows():
    rows = iterated(
        iterations=40,
        rollout={"num_games": 8},
        replay={"capacity": 256, "min_rows": 64},
        learner={"updates_per_iteration": 16},
    )
    assert found(rows) == {"few_rows"}
    drawn, made = 16 * 128, 8 * 9
    (finding,) = Guards(rows).findings
    assert f"each is seen about {drawn / made:.0f} times, out of 256" in finding.seen


def test_stale_rows():
    """A buffer that never forgets."""
    rows = iterated(replay={"capacity": 65_536})
    assert found(rows) == {"stale_rows"}
    assert rows[-1]["buffer/age"] == pytest.approx(rows[-1]["iteration"] / 2, rel=0.1)


def test_misleading_value(tmp_path):
    """Rewards of the wrong sign are learnt well, and play never comes nearer to the truth."""
    rows = trained(
        tmp_path / "run",
        env="tests.run.test_guards:WrongWay",
        env_args={"stones": 15},
        iterations=40,
        evaluation={"every_minutes": 0.0, "batch_size": 15, "num_simulations": 1},
        rollout={"max_opening_plies": 8},
    )
    assert "misleading_value" in found(rows)
    assert "misleading_value" in rows[-1]["warnings"]


# Looks that are made up ---------------------------------------------------------------------------


def looked(number, **told):
    return {"iteration": WINDOW + number, "seconds/look": 1.0} | told


def errors(new, mended, before):
    return {
        "errors/new": new,
        "errors/mended": mended,
        "errors/before": before,
        "errors/since": 7.0,
    }


def test_new_errors_are_told_once_they_are_seen_look_after_look():
    worse = [looked(number, **errors(60.0, 20.0, 100.0)) for number in (1, 2, 3)]
    assert found(worse[:2]) == set()
    assert found(worse) == {"new_errors"}
    (finding,) = Guards(worse).findings
    assert "60 errors that it did not make after iteration 7" in finding.seen


@pytest.mark.parametrize(
    ("new", "mended", "before"),
    [
        (60.0, 50.0, 100.0),  # as likely by chance
        (8.0, 0.0, 100.0),  # fewer than matter
        (2_060.0, 1_820.0, 9_000.0),  # certain, but few beside so many
        (20.0, 60.0, 100.0),  # better
    ],
)
def test_few_or_doubtful_errors_are_not(new, mended, before):
    looks = [looked(number, **errors(new, mended, before)) for number in (1, 2, 3)]
    assert found(looks) == set()


@pytest.mark.parametrize(
    ("name", "key", "bad", "good"),
    [
        ("overconfident", "value/calibration_error", 0.2, 0.1),
        ("begin_alike", "openings/heterozygosity", 0.6, 0.8),
    ],
)
def test_what_all_looks_see_is_told(name, key, bad, good):
    assert found([looked(number, **{key: bad}) for number in (1, 2, 3)]) == {name}
    mixed = [looked(number, **{key: bad if number % 3 else good}) for number in range(1, 10)]
    assert found(mixed) == set()


def test_a_network_that_has_learnt_nothing_need_not_be_calibrated():
    """The first looks of a run on sums, whose outcomes are nearly all bad: recorded."""
    early = [
        looked(1 - WINDOW + number, **{"value/calibration_error": 0.47}) for number in range(3)
    ]
    assert found([*early, looked(3, **{"value/calibration_error": 0.015})]) == set()


# Healthy runs, recorded --------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(GOLDENS.glob("metrics_*.jsonl")), ids=lambda p: p.stem)
def test_healthy_presets_are_left_alone(path):
    """Runs of the presets: a part of their rows, all looks at exact truth, what rules read."""
    rows = metrics.read(path)
    assert len(rows) > 5 * WINDOW
    assert found(rows) == set()


def test_recorded_runs_have_what_each_rule_needs():
    rows = metrics.read(GOLDENS / "metrics_tic_tac_toe_1.jsonl")
    row = rows[len(rows) // 2]
    needed = {"game/repeated", "search/changed", "buffer/age", "buffer/rows_drawn", "loss/value"}
    assert needed <= set(row)
    assert sum("exact/network" in row for row in rows) > guards.LOOKS


# Each rule at its threshold ----------------------------------------------------------------------

FINE = {
    "iterations": 300,
    "game/repeated": 0.05,
    "search/changed": 0.2,
    "kl/target_policy": 0.3,
    "buffer/age": 20.0,
    "buffer/rows": 1_000,
    "buffer/rows_added": 100,
    "buffer/rows_drawn": 800,
    "loss/policy": 1.0,
    "loss/value": 0.5,
}


def history(count=200, **changes):
    """Rows that are fine but for `changes`, numbers or functions of the iteration."""
    return [
        {"iteration": n}
        | {k: v(n) if callable(v) else v for k, v in (FINE | changes).items() if v is not None}
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("one_line", {"game/repeated": guards.REPEATED + 0.01}),
        ("idle_search", {"search/changed": guards.UNCHANGED - 0.001}),
        ("few_rows", {"buffer/rows_drawn": 100 * guards.PASSES + 1}),
        ("stale_rows", {"buffer/age": lambda n: (guards.STALE + 0.001) * n}),
        ("misleading_value", {"loss/value": lambda n: 1 / n, "exact/network": 0.6}),
        (
            "misleading_value",
            {
                "loss/value": lambda n: 1 / n,
                "exact/network": lambda n: 0.5 if n == 1 else 0.9 - 0.1 * (n > 150),
            },
        ),
    ],
)
def test_each_rule_speaks_for_itself_alone(name, changes):
    watching = Guards(history(**changes))
    (finding,) = watching.findings
    assert finding.name == name
    assert any(character.isdigit() for character in finding.seen)
    assert guards.RULES[name].__doc__


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"game/repeated": guards.REPEATED - 0.01},
        {"search/changed": guards.UNCHANGED},
        {"search/changed": 0.0, "exact/network": 0.99},  # all is found
        {"search/changed": 0.0, "loss/policy": None},  # nothing is learnt yet
        {"buffer/rows_drawn": 100 * guards.PASSES - 1},
        {"buffer/age": lambda n: (guards.STALE - 0.001) * n},
        {"buffer/age": lambda n: n / 2, "iterations": 1_000},  # there is time to forget
        {"buffer/age": lambda n: n / 2, "iterations": None},  # how much is not known
        {"loss/value": lambda n: 1 / n, "exact/network": lambda n: min(0.9, 0.6 + n / 100)},
        {"loss/value": 0.5, "exact/network": 0.6},
        {"loss/value": lambda n: 1 / n, "exact/network": 0.985},
        {"loss/value": math.nan, "game/repeated": math.nan, "search/changed": math.nan},
        dict.fromkeys(FINE),  # rows of an older version
    ],
)
def test_rules_are_silent_where_all_is_well(changes):
    assert found(history(**changes)) == set()


def test_nothing_is_said_before_a_window_is_full():
    rows = history(WINDOW - 1, **{"game/repeated": 1.0, "search/changed": 0.0})
    assert found(rows) == set()
    assert found([*rows, rows[-1]]) == {"one_line", "idle_search"}


def test_findings_do_not_flicker():
    """A metric that jitters about its threshold gives one finding, which then goes."""
    jitter = np.random.default_rng(0).normal(guards.REPEATED + 0.02, 0.05, 400)
    rows = history(500, **{"game/repeated": lambda n: float(jitter[n - 1]) if n <= 400 else 0.0})
    watching, stands = Guards(), []
    for row in rows:
        stands.append(bool(watching.add(row)))
    changes = sum(a != b for a, b in itertools.pairwise(stands))
    assert changes == 2
    assert stands[399] and not stands[-1]
    first, last = watching.spans["one_line"]
    assert WINDOW <= first < 60 and 400 <= last < 400 + WINDOW


def test_guards_of_a_resumed_run_are_those_of_one_that_was_not():
    rows = history(120, **{"game/repeated": lambda n: 0.9 if n > 60 else 0.0})
    whole, resumed = Guards(rows), Guards(rows[:70])
    for row in rows[70:]:
        resumed.add(json.loads(json.dumps(row)))
    assert resumed.findings == whole.findings != ()
    assert resumed.spans == whole.spans
