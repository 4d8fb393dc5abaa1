"""The loop as a whole, on tic-tac-toe with a tiny network."""

import dataclasses
import json
import math
import os
import signal

import jax
import numpy as np
import pytest

from selfplay import config as config_lib
from selfplay import train as train_lib
from selfplay.agent import Agent
from selfplay.evaluate import evaluate
from selfplay.run import checkpoint, directory, metrics, milestones, progress
from selfplay.run.directory import RunDirectory
from tests.tiny import SETTINGS


@pytest.fixture(scope="module")
def config():
    return config_lib.from_dict(SETTINGS)


@pytest.fixture(scope="module")
def finished(config, tmp_path_factory):
    """A run that was never stopped."""
    return train_lib.train(config, run=tmp_path_factory.mktemp("runs") / "whole")


def saved_leaves(run):
    """All that the newest checkpoint holds, as bytes."""
    path = checkpoint.newest_sound(RunDirectory(run).checkpoints)
    program = train_lib.make_program(RunDirectory(run).read_config())
    state = checkpoint.restore(path, "state", program.abstract())
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(state)]


class StopAfter:
    """A watcher that asks the run to stop, as Ctrl-C does."""

    def __init__(self, iterations):
        self.left = iterations

    def on_iteration(self, row):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)

    def close(self):
        pass


def test_a_run_keeps_its_settings_rows_and_checkpoints(finished, config):
    folder = RunDirectory(finished)
    rows = metrics.read(folder.metrics)
    assert [row["iteration"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert folder.read_config() == config
    assert checkpoint.newest_sound(folder.checkpoints).name == "00000006"
    last = rows[-1]
    assert 0.0 <= last["exact/network"] <= last["exact/search"] <= 1.0
    assert last["errors/since"] == 1 and last["kl/earlier"] > 0
    assert last["policy/effective_moves"] > 1 and 0 <= last["value/calibration_error"] <= 1
    wrong = last["errors/before"] + last["errors/new"] - last["errors/mended"]
    right = np.unpackbits(np.load(folder.looks / "00000006.npy"), count=4_520)
    assert 4_520 - right.sum() == wrong
    assert last["entropy/target"] < math.log(9)
    assert not any(math.isnan(value) for value in last.values())


def test_equal_settings_and_seed_give_equal_runs(finished, config, tmp_path):
    again = train_lib.train(config, run=tmp_path / "again")
    assert saved_leaves(again) == saved_leaves(finished)


@pytest.mark.parametrize("stops", [(1,), (3,), (2, 2)])
def test_a_run_that_was_stopped_and_resumed_is_one_that_was_not(finished, config, tmp_path, stops):
    run = train_lib.train(config, run=tmp_path / "run", watchers=[StopAfter(stops[0])])
    for stop in stops[1:]:
        train_lib.resume(run, watchers=[StopAfter(stop)])
    assert checkpoint.newest_sound(run / "checkpoints").name == f"{sum(stops):08d}"
    train_lib.resume(run)
    assert saved_leaves(run) == saved_leaves(finished)
    rows = metrics.read(RunDirectory(run).metrics)
    assert [row["iteration"] for row in rows] == [1, 2, 3, 4, 5, 6]


def test_a_run_with_every_option_resumes_bit_for_bit(config, tmp_path):
    changes = {
        "network": {"reply_head": True},
        "search": {"fast_simulations": 2, "full_every": 2},
        "rollout": {"surprise_fraction": 0.5, "resign_value": 0.01, "resign_plies": 1},
        "replay": {"min_rows": 8},
    }
    settings = {key: SETTINGS.get(key, {}) | value for key, value in changes.items()}
    config = config_lib.from_dict(SETTINGS | settings | {"iterations": 4})
    whole = train_lib.train(config, run=tmp_path / "whole")
    run = train_lib.train(config, run=tmp_path / "run", watchers=[StopAfter(2)])
    train_lib.resume(run)
    assert saved_leaves(run) == saved_leaves(whole)
    rows = metrics.read(RunDirectory(run).metrics)
    assert any(row["game/resigned"] > 0 for row in rows)
    assert rows[-1]["loss/reply"] > 0


def test_milestones_span_a_run_and_agents_load_them(config, tmp_path, monkeypatch):
    monkeypatch.setattr(milestones, "FIRST_SPACING", 2)
    run = train_lib.train(config, run=tmp_path / "run", watchers=[StopAfter(3)])
    train_lib.resume(run)
    folder = RunDirectory(run)
    assert [path.name for path in checkpoint.available(folder.milestones)] == [
        f"{iteration:08d}" for iteration in (6, 4, 2, 0)
    ]
    state = Agent.load(run).env.init()
    first, last = Agent.load(run, 4), Agent.load(run, 6)
    assert (first.iteration, last.iteration) == (4, 6)
    assert not np.array_equal(first.act(state).prior, last.act(state).prior)


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(config, tmp_path, capsys):
    run = train_lib.train(config, run=tmp_path / "run", watchers=[StopAfter(2)])
    train_lib.resume(run, watchers=[StopAfter(2)])
    newest = checkpoint.newest_sound(run / "checkpoints")
    victim = max((newest / "state").rglob("*"), key=lambda path: path.stat().st_size)
    victim.write_bytes(victim.read_bytes()[:-7])
    train_lib.resume(run)
    said = capsys.readouterr().out
    assert newest.name in said and victim.name in said
    assert checkpoint.newest_sound(run / "checkpoints").name == "00000006"


def test_a_finished_run_goes_on_when_asked(finished, config, tmp_path):
    run = train_lib.train(config, run=tmp_path / "run")
    with pytest.raises(ValueError, match="--minutes or --iterations"):
        train_lib.resume(run)
    train_lib.resume(run, iterations=8)
    assert checkpoint.newest_sound(run / "checkpoints").name == "00000008"


def test_minutes_become_iterations_once_and_are_saved(config, tmp_path):
    timed = dataclasses.replace(config, iterations=None, minutes=0.2)
    run = train_lib.train(timed, run=tmp_path / "run")
    newest = checkpoint.newest_sound(run / "checkpoints")
    assert checkpoint.read_info(newest)["iterations"] == int(newest.name) >= 1


def test_only_some_settings_change_on_resume(finished, config):
    wider = dataclasses.replace(config, network=config_lib.NetworkConfig(width=17))
    with pytest.raises(ValueError, match=r"network\.width cannot change on resume"):
        train_lib.resume(finished, config=wider, iterations=9)


def test_a_new_environment_version_is_refused(finished, monkeypatch):
    cls = type(Agent.load(finished).env)
    monkeypatch.setattr(cls, "version", "another")
    with pytest.raises(ValueError, match="version 1 of TicTacToe, but now it is version another"):
        train_lib.resume(finished, iterations=9)


def test_a_run_of_another_version_is_told_how_its_network_can_go_on(finished, config, monkeypatch):
    def refuse(path, name, abstract):
        raise ValueError(f"tree {name!r} of {path} does not fit: .openings was absent")

    monkeypatch.setattr(checkpoint, "restore", refuse)
    with pytest.raises(ValueError, match="openings was absent") as raised:
        train_lib.resume(finished, iterations=8)
    assert f"selfplay train tic_tac_toe --from {finished}" in str(raised.value)


def test_settings_edited_by_hand_are_seen(config, tmp_path):
    run = train_lib.train(config, run=tmp_path / "run")
    edited = dataclasses.replace(config, seed=7)
    RunDirectory(run).write_config(edited)
    with pytest.raises(ValueError, match="seed cannot change on resume, from 0 to 7"):
        train_lib.resume(run, iterations=9)


def test_a_longer_end_is_saved_before_the_first_iteration(config, tmp_path):
    run = train_lib.train(config, run=tmp_path / "run")

    class Stop:
        def on_iteration(self, row):
            raise RuntimeError("killed")

        def close(self):
            pass

    with pytest.raises(RuntimeError, match="killed"):
        train_lib.resume(run, minutes=1.0, watchers=[Stop()])
    newest = checkpoint.newest_sound(run / "checkpoints")
    assert newest.name == "00000006"
    assert checkpoint.read_info(newest)["iterations"] > 6


def test_a_run_that_dies_before_its_first_checkpoint_leaves_its_name_free(
    config, tmp_path, monkeypatch
):
    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", die)
    with pytest.raises(KeyboardInterrupt):
        train_lib.train(config, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert directory.newest(tmp_path) is None


def test_a_run_starts_warm_from_another(finished, config, tmp_path):
    one = dataclasses.replace(config, iterations=1)
    run = train_lib.train(one, run=tmp_path / "warm", start_from=finished)
    source, start = Agent.load(finished), Agent.load(run, iteration=0)
    for ours, theirs in zip(
        jax.tree.leaves(start.params), jax.tree.leaves(source.params), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    deeper = dataclasses.replace(config, network=config_lib.NetworkConfig(width=16, depth=2))
    with pytest.raises(ValueError, match=r"network\.depth"):
        train_lib.train(deeper, run=tmp_path / "deep", start_from=finished)


def test_learning_that_explodes_halts_at_the_last_good_checkpoint(config, tmp_path):
    learner = dataclasses.replace(config.learner, learning_rate=1e38, warmup_updates=0)
    with pytest.raises(progress.NonFiniteLossError, match="norm/parameters"):
        train_lib.train(dataclasses.replace(config, learner=learner), run=tmp_path / "run")
    path = checkpoint.newest_sound(tmp_path / "run" / "checkpoints")
    params = Agent.load(tmp_path / "run").params
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params)), path


def test_a_folder_that_is_taken_is_refused(finished, config):
    with pytest.raises(ValueError, match="selfplay resume"):
        train_lib.train(config, run=finished)


def test_agent_decides_legally_and_repeatably(finished):
    agent = Agent.load(finished)
    state = agent.env.init()
    for _ in range(4):
        decision = agent.act(state, num_simulations=8)
        again = agent.act(state, num_simulations=8)
        assert decision.action == again.action
        assert bool(agent.env.legal_action_mask((), state)[decision.action])
        assert decision.action_weights.sum() == pytest.approx(1.0, abs=1e-5)
        state = agent.env.step((), state, np.int32(decision.action))


def test_evaluation_is_written_for_machines_too(finished):
    report = evaluate(finished, simulations=(0, 4), games=8, mcts_simulations=4, minimax_depth=1)
    written = json.loads(RunDirectory(finished).evaluation.read_text())
    assert set(written["exact"]) == {"0", "4"}
    assert written["exact"]["4"]["kept"] == report.exact[4].kept
    assert [match.games for match in report.matches] == [8, 8, 8, 8]
    assert 0.5 < report.random.kept < 0.6
