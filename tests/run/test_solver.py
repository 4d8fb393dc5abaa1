"""Whole searches beside the games, on walks: what is found, learnt from, kept and resumed."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from selfplay import config as config_lib
from selfplay import train as train_lib
from selfplay.config import Config, PracticeConfig
from selfplay.environment import preset
from selfplay.operators.contract import OPERATORS
from selfplay.operators.targets import VERDICTS
from selfplay.run import checkpoint, program
from selfplay.run.directory import RunDirectory
from selfplay.run.metrics import read
from selfplay.run.progress import Clock
from selfplay.run.session import Session
from selfplay.run.solutions import Solution, read_solutions
from selfplay.run.solver import Solver, refuse_idle, without_idle
from tests.test_train import StopAfter, saved_leaves

SETTINGS = {
    "env": "tests.worlds:Walks",
    "iterations": 6,
    "num_devices": 2,
    "network": {"width": 8, "depth": 1},
    "search": {"num_simulations": 2},
    "rollout": {"num_games": 8, "steps_per_iteration": 4},
    "practice": {
        "search_every": 2,
        "num_problems": 3,
        "num_shortened": 4,
        "num_rehearsed": 5,
        "budget": 6,
        "most_doublings": 2,
        "dives": True,
    },
    "replay": {"capacity": 512, "min_rows": 32},
    "learner": {"batch_size": 16, "updates_per_iteration": 1},
    "evaluation": {"every_minutes": 60.0, "num_simulations": 2},
    "logging": {"tensorboard": False},
}


@pytest.fixture(scope="module", autouse=True)
def compiled_once():
    """All runs are of the same settings."""
    known = program.make_program(config_lib.from_dict(SETTINGS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_lib, "make_program", lambda _: known)
        yield known


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was never stopped."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    return train_lib.train(config_lib.from_dict(SETTINGS), run=run)


def test_solutions_are_found_kept_counted_and_learnt_from(whole, compiled_once):
    folder = RunDirectory(whole)
    rows = read(folder.metrics)
    searched = [row for row in rows if "practice/searched" in row]
    assert [row["iteration"] for row in searched] == [2, 4, 6]
    found = sum(row["practice/found"] for row in searched)
    assert found > 0
    known = read_solutions(folder.solutions)
    assert len(known) == rows[-1]["practice/solutions"]
    assert {solution.by for solution in known.values()} >= {"search"}
    path = checkpoint.newest_sound(folder.checkpoints)
    state = checkpoint.restore(path, "state", compiled_once.abstract())
    buffer = jax.device_get(state.buffer.rows)
    shown = (buffer.provenance.operator == OPERATORS.index("best_first")) & (buffer.weight > 0)
    assert shown.sum() > 0
    np.testing.assert_array_equal(buffer.value[shown], 1.0)
    assert (buffer.provenance.verdict[shown] == VERDICTS.index("accepted")).all()
    assert buffer.action_weights[shown].max(-1).min() == 1


def test_a_run_that_was_stopped_and_resumed_is_one_that_was_not(whole, tmp_path):
    run = train_lib.train(
        config_lib.from_dict(SETTINGS), run=tmp_path / "run", watchers=[StopAfter(3)]
    )
    train_lib.resume(run)
    assert saved_leaves(run) == saved_leaves(whole)
    assert RunDirectory(run).solutions.read_bytes() == RunDirectory(whole).solutions.read_bytes()


def test_a_solution_is_shortened(compiled_once, tmp_path):
    """Five steps back and forth, then four that lead to 4; the rest is found by searching again."""
    session = Session(
        config_lib.from_dict(SETTINGS), compiled_once, compiled_once.init(None), Clock(60.0)
    )
    long = Solution(0, 3, "4", 14, "games", (1, 0) * 5 + (1,) * 4)
    folder = RunDirectory(tmp_path)
    folder.solutions.write_text(json.dumps(dataclasses.asdict(long)) + "\n")
    solver = Solver(folder, session)
    shortened = 0
    for session.iteration in range(1, 21, 2):
        now = np.int32(session.iteration)
        session.state, _, attempts = compiled_once.play(session.state, now)
        shortened += solver(attempts)["practice/shortened"]
    solver.close()
    lines = [row for row in read(folder.solutions) if row["problem"] == "4"]
    lengths = [row["length"] for row in lines]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == 14
    assert lengths[-1] == 4
    assert 0 < [row["by"] for row in lines].count("shortening") <= shortened


def test_what_is_known_is_learnt_from_again(compiled_once, tmp_path):
    """Rows that took no evaluation are those of the one known solution, once for each rehearsal."""
    session = Session(
        config_lib.from_dict(SETTINGS), compiled_once, compiled_once.init(None), Clock(60.0), 1
    )
    folder = RunDirectory(tmp_path)
    known = Solution(0, 3, "4", 14, "games", (1, 0) * 5 + (1,) * 4)
    folder.solutions.write_text(json.dumps(dataclasses.asdict(known)) + "\n")
    session.state, _, attempts = compiled_once.play(session.state, np.int32(1))
    tried = session.state.practice.attempts.sum()
    solver = Solver(folder, session)
    solver(attempts)
    solver.close()
    rows = jax.device_get(session.state.buffer.rows)
    rehearsed = (rows.provenance.operator == OPERATORS.index("best_first")) & (rows.weight > 0)
    rehearsed &= rows.provenance.simulations == 0
    assert rehearsed.sum() == 5 * known.length
    taken = rows.action_weights[rehearsed].argmax(-1)
    assert np.bincount(taken).tolist() == [5 * known.actions.count(a) for a in (0, 1)]
    assert session.state.practice.attempts.sum() <= tried + SETTINGS["practice"]["num_problems"]


def test_who_changes_a_solution_on_disk_is_told_when_it_is_of_use(compiled_once, tmp_path):
    session = Session(
        config_lib.from_dict(SETTINGS), compiled_once, compiled_once.init(None), Clock(60.0)
    )
    folder = RunDirectory(tmp_path)
    changed = Solution(0, 3, "4", 4, "games", (1, 1, 1, 0))
    folder.solutions.write_text(json.dumps(dataclasses.asdict(changed)) + "\n")
    solver = Solver(folder, session)
    session.iteration = 1
    session.state, _, attempts = compiled_once.play(session.state, np.int32(1))
    with pytest.raises(ValueError, match=r"solutions\.jsonl: .* no solution, says WalkVerifier"):
        solver(attempts._replace(solved=np.zeros_like(attempts.solved)))
    solver.close()


def test_a_heuristic_counts_where_there_is_one():
    practice = SETTINGS["practice"] | {"heuristic_weight": 1.0}
    with pytest.raises(ValueError, match="for environments with a heuristic, which tests"):
        program.make_program(config_lib.from_dict(SETTINGS | {"practice": practice}))


def test_games_without_levels_and_buffers_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="search_every is for problems of a lone player"):
        program.make_program(config_lib.from_dict(SETTINGS | {"env": "tic_tac_toe"}))
    small = SETTINGS | {"replay": {"capacity": 128, "min_rows": 8}}
    with pytest.raises(ValueError, match=r"replay\.capacity must be at least 240, .* got 128"):
        program.make_program(config_lib.from_dict(small))


@pytest.mark.parametrize(("field", "value"), [("num_rehearsed", 5), ("dives", True)])
def test_what_does_nothing_without_searches_is_refused(field, value, tmp_path):
    idle = config_lib.from_dict(SETTINGS | {"practice": {field: value}})
    with pytest.raises(
        ValueError, match=rf"practice\.{field} is of whole .* --practice\.search-every"
    ):
        train_lib.train(idle, run=tmp_path / "run")
    assert without_idle(idle.practice) == PracticeConfig()


def test_solve_may_be_weighed_for_and_a_preset_without_its_searches():
    refuse_idle(Config(env="propositional", practice=PracticeConfig(path_memory=0.7)))
    searching = preset("andrews_curtis")
    off = dataclasses.replace(searching.practice, search_every=None)
    refuse_idle(dataclasses.replace(searching, practice=off))
    assert without_idle(searching.practice) == searching.practice
    assert without_idle(off) == PracticeConfig(path_memory=0.6, heuristic_weight=15.0)
