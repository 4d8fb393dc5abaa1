import json
import math
import struct
import sys
import types

import jax.numpy as jnp
import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog

from selfplay import config as config_lib
from selfplay.run import metrics
from selfplay.run.directory import RunDirectory

ROWS = [{"iteration": n, "loss/policy": 1.0 / n, "note": "ä"} for n in range(1, 6)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


def write(path, rows, resume_at=None):
    watcher = metrics.JsonLines(path, resume_at)
    for row in rows:
        watcher.on_iteration(row)
    watcher.close()


# JSON Lines ----------------------------------------------------------------------------------


def test_lines_are_read_back(path):
    write(path, ROWS)
    assert metrics.read(path) == ROWS
    assert [json.loads(line) for line in path.read_text().splitlines()] == ROWS
    assert metrics.read(path.with_name("nowhere")) == []


def test_a_line_is_there_at_once(path):
    watcher = metrics.JsonLines(path)
    watcher.on_iteration(ROWS[0])
    assert metrics.read(path) == ROWS[:1]
    watcher.close()
    watcher.close()


def test_what_is_not_finite_is_null(path):
    row = {"iteration": 1, "a": math.nan, "b": -math.inf, "c": np.float32("inf"), "d": 0.1}
    write(path, [row])
    strict = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert strict == {"iteration": 1, "a": None, "b": None, "c": None, "d": 0.1}
    (read,) = metrics.read(path)
    assert all(math.isnan(read[key]) for key in "abc")


def test_numbers_of_numpy_and_jax(path):
    write(path, [{"iteration": np.int64(1), "a": np.float32(0.5), "b": jnp.float32(0.25)}])
    assert metrics.read(path) == [{"iteration": 1, "a": 0.5, "b": 0.25}]


def test_resume_drops_later_rows(path):
    write(path, ROWS)
    again = {"iteration": 4, "loss/policy": 7.0}
    write(path, [again], resume_at=3)
    assert metrics.read(path) == [*ROWS[:3], again]
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    write(path, [], resume_at=0)
    assert metrics.read(path) == []


@pytest.mark.parametrize("torn", ['{"iteration": 5, "loss', "{", "\0\0\0", '{"a": "\xe4', "5"])
def test_torn_last_line(path, torn):
    write(path, ROWS[:4])
    with path.open("ab") as file:
        file.write(torn.encode("latin-1"))
    assert metrics.read(path) == ROWS[:4]
    write(path, ROWS[4:], resume_at=4)
    assert metrics.read(path) == ROWS


def test_damage_inside_is_named(path):
    path.write_text('{"iteration": 1}\n{"iterat\n{"iteration": 3}\n')
    for act in (metrics.read, lambda path: metrics.JsonLines(path, 3)):
        with pytest.raises(ValueError, match="line 2 is not a JSON object"):
            act(path)


def test_a_new_run_never_appends_to_an_old_one(path):
    write(path, ROWS)
    with pytest.raises(ValueError, match="exists already; resume_at must say"):
        metrics.JsonLines(path)
    assert metrics.read(path) == ROWS


# TensorBoard ---------------------------------------------------------------------------------


def events(file):
    """The events of a TFRecord file: length uint64, checksum, data, checksum."""
    data, position = file.read_bytes(), 0
    while position < len(data):
        (length,) = struct.unpack_from("<Q", data, position)
        yield Event.FromString(data[position + 12 : position + 12 + length])
        position += 12 + length + 4


def test_tensorboard_scalars(tmp_path):
    watcher = metrics.TensorBoard(tmp_path)
    for row in ROWS:
        watcher.on_iteration(row | {"games": 3})
    watcher.close()
    (file,) = tmp_path.iterdir()
    found = [(e.step, v.tag, v.simple_value) for e in events(file) for v in e.summary.value]
    expected = []
    for row in ROWS:
        step, loss = row["iteration"], np.float32(row["loss/policy"])
        expected += [(step, "loss/policy", loss), (step, "games", 3.0)]
    assert found == expected


def test_tensorboard_forgets_on_resume(tmp_path):
    metrics.TensorBoard(tmp_path, resume_at=3).close()
    (file,) = tmp_path.iterdir()
    starts = [e.step for e in events(file) if e.session_log.status == SessionLog.START]
    assert starts == [4]


# Weights & Biases ----------------------------------------------------------------------------


class FakeRun:
    def __init__(self, **settings):
        self.settings = settings
        self.calls = []

    def define_metric(self, name, step_metric):
        self.calls.append((name, step_metric))

    def log(self, row):
        self.calls.append(row)

    def finish(self):
        self.calls.append("finish")


@pytest.fixture
def wandb_runs(monkeypatch):
    """The runs that a stand-in for wandb was asked to begin."""
    runs = []

    def init(**settings):
        runs.append(FakeRun(**settings))
        return runs[-1]

    module = types.ModuleType("wandb")
    module.init = init  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "wandb", module)
    return runs


def test_wandb(wandb_runs, tmp_path):
    watcher = metrics.WeightsAndBiases("name", {"seed": 1}, "id", tmp_path)
    watcher.on_iteration(ROWS[0])
    watcher.close()
    (run,) = wandb_runs
    assert run.settings == {
        "project": "selfplay",
        "name": "name",
        "config": {"seed": 1},
        "id": "id",
        "resume": "allow",
        "dir": str(tmp_path),
    }
    assert run.calls == [("*", "iteration"), ROWS[0], "finish"]


def test_wandb_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(RuntimeError, match=r"pip install 'selfplay\[wandb\]'"):
        metrics.WeightsAndBiases("name", {}, "id")


# All of a run's ------------------------------------------------------------------------------


@pytest.mark.parametrize("tensorboard", [True, False])
@pytest.mark.parametrize("wandb", [True, False])
def test_open_watchers(tmp_path, wandb_runs, tensorboard, wandb):
    run = RunDirectory(tmp_path)
    config = config_lib.from_dict(
        {"env": "x", "minutes": 1, "logging": {"tensorboard": tensorboard, "wandb": wandb}}
    )
    for start in (0, 2):
        watchers = metrics.open_watchers(run, config, start)
        for row in ROWS[start : start + 3]:
            for watcher in watchers:
                watcher.on_iteration(row)
        for watcher in watchers:
            watcher.close()
    assert metrics.read(run.metrics) == ROWS
    assert run.tensorboard.exists() == tensorboard
    assert len(wandb_runs) == 2 * wandb
    assert len({fake.settings["id"] for fake in wandb_runs}) <= 1
