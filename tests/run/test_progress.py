"""Minutes, flags and metrics, with clocks that tell what the test says."""

import math
import time
import types

import numpy as np
import pytest

from selfplay.config import Config, LearnerConfig, RolloutConfig, SearchConfig
from selfplay.run import progress


def clock_at(seconds, deadline):
    return types.SimpleNamespace(seconds=float(seconds), deadline=float(deadline))


def plan_run(deadline, durations, learns_from, max_iterations=1_000_000):
    """Iterates with these durations (the last one repeats) until the end; when and where."""
    clock = clock_at(0, deadline)
    planner, planned, iteration = progress.Planner(clock), None, 0
    while iteration != planned and iteration < max_iterations:
        clock.seconds += durations[min(iteration, len(durations) - 1)]
        iteration += 1
        if planned is None:
            planned = planner.plan(iteration, learnt=iteration >= learns_from)
    return iteration, clock.seconds


@pytest.mark.parametrize("deadline", [60, 600, 36_000])
@pytest.mark.parametrize(
    ("durations", "learns_from"),
    [([2.0], 1), ([20.0, 1.0, 1.0, 15.0, 1.5], 4), ([30.0, 0.05], 2), ([0.5] * 40 + [2.5], 41)],
)
def test_planned_run_ends_at_the_deadline(deadline, durations, learns_from):
    """Compilation, and playing before there is anything to learn from, fool nobody."""
    _, seconds = plan_run(deadline, durations, learns_from)
    reserve = progress.RESERVE * deadline
    assert deadline - reserve - 1.5 * durations[-1] <= seconds <= deadline + 1e-6


def test_plan_by_hand():
    """Learning since iteration 5 at second 40, two seconds each: 23 more fit into 92% of 50 s."""
    clock = clock_at(30, 100)
    planner = progress.Planner(clock)
    assert planner.plan(4, learnt=False) is None
    plans = {}
    for iteration in range(5, 11):
        clock.seconds = 40 + 2.0 * (iteration - 5)
        plans[iteration] = planner.plan(iteration, learnt=True)
    assert plans == {5: None, 6: None, 7: None, 8: None, 9: None, 10: 10 + 23}


def test_no_plan_from_fewer_than_three_iterations():
    clock = clock_at(10, 3600)
    planner = progress.Planner(clock)
    assert planner.plan(1, learnt=True) is None
    for iteration, seconds in ((2, 60), (3, 110)):
        clock.seconds = seconds
        assert planner.plan(iteration, learnt=True) is None
    clock.seconds = 160
    assert planner.plan(4, learnt=True) == 4 + int(0.92 * (3600 - 160) / 50)


def test_past_the_deadline_the_run_is_at_its_end():
    assert progress.Planner(clock_at(61, 60)).plan(7, learnt=False) == 7


def test_total_updates():
    config = Config(env="x", iterations=3, learner=LearnerConfig(updates_per_iteration=16))
    assert progress.total_updates(config, 10) == 160
    limit = np.iinfo(np.int32).max
    assert progress.total_updates(config, None) == limit
    assert progress.total_updates(config, limit) == limit


def test_clock_counts_earlier_processes_and_the_command_itself(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    clock = progress.Clock(60.0)
    resumed = progress.Clock(60.0, before=20.0, started=995.0)
    assert (clock.seconds, resumed.seconds) == (0.0, 25.0)
    now[0] += 7.5
    assert (clock.seconds, resumed.seconds) == (7.5, 32.5)


def test_every_interval_once(monkeypatch):
    now = [50.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    every = progress.Every(minutes=0.5)
    answers = []
    for now[0] in (50.0, 79.0, 80.0, 81.0, 109.0, 111.0, 200.0, 201.0):
        answers.append(every())
    assert answers == [False, False, True, False, False, True, True, False]


def test_iteration_row_turns_sums_into_rates():
    config = Config(
        env="x",
        iterations=1,
        search=SearchConfig(num_simulations=10),
        rollout=RolloutConfig(num_games=8, steps_per_iteration=4),
    )
    sums = {
        "games": 5,
        "truncated": 1,
        "plies": 35,
        "rewards": 1.0,
        "first_player_wins": 3,
        "first_player_losses": 2,
        "rows": 33,
        "buffer_rows": 90,
        "least_buffer_rows": 9,
        "changed": 8,
        "equal_game_pairs": 2.0,
        "game_pairs": 10.0,
    }
    row = progress.iteration_row(config, sums, {"loss/value": 0.5}, {}, lambda: 2.0, 1.5)
    assert row == {
        "games": 5.0,
        "speed/games_per_second": 2.5,
        "speed/simulations_per_second": 160.0,
        "game/length": 7.0,
        "game/return": 0.2,
        "game/first_player_wins": 0.6,
        "game/first_player_losses": 0.4,
        "game/truncated": 0.2,
        "buffer/rows_added": 33.0,
        "buffer/rows": 90.0,
        "buffer/rows_drawn": 1024.0 * 16,
        "search/changed": 0.25,
        "game/repeated": 0.2,
        "seconds/play": 1.5,
        "seconds/learn": 0.5,
        "loss/value": 0.5,
    }
    empty = progress.iteration_row(config, dict.fromkeys(sums, 0), {}, {}, lambda: 2.0, 2.0)
    assert "game/repeated" not in empty  # no two games ended
    assert empty["buffer/rows_drawn"] == 0.0
    assert all(math.isfinite(value) for value in empty.values())
    early = {"resigned": 4, "judged": 8, "misjudged": 2}
    more = progress.iteration_row(config, sums | early, {"loss/value": 0.5}, {}, lambda: 2.0, 1.5)
    assert more == row | {"game/resigned": 0.8, "game/misjudged": 0.25}
    none = progress.iteration_row(config, sums | dict.fromkeys(early, 0), {}, {}, lambda: 2.0, 1.5)
    assert none["game/resigned"] == 0.0
    assert "game/misjudged" not in none  # nothing was judged
    practised = {"practice/rows": 7.0, "seconds/practice": 0.25}
    beside = progress.iteration_row(config, sums, {"loss/value": 0.5}, practised, lambda: 2.0, 1.5)
    changed = {"buffer/rows_added": 40.0, "seconds/learn": 0.25}
    assert beside == row | practised | changed


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_metrics_are_refused(bad):
    row = {"loss/policy": 1.0, "learning_rate": 0.002}
    progress.refuse_non_finite(row, 12)
    with pytest.raises(progress.NonFiniteLossError, match=r"iteration 12 .*loss/value = .*0\.002"):
        progress.refuse_non_finite(row | {"loss/value": bad}, 12)


def test_time_left_goes_by_the_speed_after_the_first_iteration():
    clock = clock_at(20, 600)
    pace = progress.Pace(clock)
    assert pace.header(1, None) == {"iteration": 1, "seconds": 20.0}
    clock.seconds = 24.0
    expected = {"iteration": 3, "seconds": 24.0, "iterations": 10, "seconds_left": 14.0}
    assert pace.header(3, 10) == expected
