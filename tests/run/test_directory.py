"""A run's folder: whose it is, and files that are whole or not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from selfplay.config import Config, SearchConfig
from selfplay.run import directory
from selfplay.run.directory import RunDirectory

CONFIG = Config(env="tic_tac_toe", iterations=3, search=SearchConfig(num_simulations=7))


def create(path, fill=lambda run: None, config=CONFIG):
    with directory.create(path, config, fill) as run:
        return run


def test_create_writes_the_settings_and_reads_them_back(tmp_path):
    run = create(tmp_path / "deep" / "run")
    assert run.path == tmp_path / "deep" / "run"
    assert run.read_config() == CONFIG
    files = (run.config_file, run.metrics, run.checkpoints, run.tensorboard, run.evaluation)
    names = ["config.toml", "metrics.jsonl", "checkpoints", "tensorboard", "evaluation.json"]
    assert [file.name for file in files] == names
    assert {file.parent for file in files} == {run.path}


def test_create_refuses_what_is_taken_and_touches_nothing(tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"taken exists already; name a new folder$"):
        create(taken)
    assert [p.name for p in taken.iterdir()] == ["thesis.txt"]
    with pytest.raises(ValueError, match="exists already"):
        create(taken / "thesis.txt")
    assert (taken / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("path", ["file/run", "file/deep/run", "run", "deep/run"])
def test_where_nothing_can_be_made_is_refused_before_it_is_tried(path, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "access", lambda folder, mode: folder != tmp_path)
    why = "/file is a file" if "file" in path else f"{tmp_path} may not be written to"
    with pytest.raises(ValueError, match=rf"cannot be made at .*/{path}: .*{why}; it has to be"):
        directory.refuse_taken(tmp_path / path)


def test_create_takes_an_empty_folder_but_not_a_run(tmp_path):
    (tmp_path / "run").mkdir()
    run = create(tmp_path / "run")
    with pytest.raises(ValueError, match="exists already"):
        create(run.path)


def test_a_run_takes_its_name_once_it_is_whole(tmp_path):
    seen = []

    def fill(run):
        seen.append((run.path.name, (tmp_path / "run").exists(), run.read_config()))
        (run.path / "first").write_text("checkpoint")

    run = create(tmp_path / "run", fill)
    assert seen[0][0] != "run" and seen[0][1:] == (False, CONFIG)
    assert (run.path / "first").read_text() == "checkpoint"

    def fail(run):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        create(tmp_path / "other", fail)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_of_two_that_want_a_name_one_gets_it(tmp_path):
    def overtaken(run):
        create(tmp_path / "run")

    with pytest.raises(ValueError, match="exists already"):
        create(tmp_path / "run", overtaken)
    assert directory.RunDirectory(tmp_path / "run").read_config() == CONFIG


def test_a_new_run_is_held_while_it_is_used(tmp_path):
    making = directory.create(tmp_path / "run", CONFIG, lambda run: None)
    refused = pytest.raises(ValueError, match="another process")
    with making as run, refused, run.lock():
        pass
    with run.lock():
        pass


def test_default_folder_bears_the_environment_and_is_free(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = Config(env="mine.games:Nim", iterations=1)
    first = directory.default_path(config)
    assert first.parent == Path("runs")
    assert first.name.startswith("mine.games-Nim-20")
    run = create(first, config=config)
    assert not directory.default_path(config).exists()
    monkeypatch.chdir("/")
    assert run.read_config().env == "mine.games:Nim"


def test_a_folder_without_settings_is_no_run(tmp_path):
    with pytest.raises(ValueError, match=r"is not a run: it has no config\.toml"):
        RunDirectory(tmp_path).read_config()


def test_newest_is_the_run_whose_settings_were_written_last(tmp_path):
    assert directory.newest(tmp_path) is None
    for name, when in (("b", 100), ("a", 300), ("c", 200)):
        run = create(tmp_path / name)
        os.utime(run.config_file, (when, when))
    (tmp_path / "not a run").mkdir()
    assert directory.newest(tmp_path) == tmp_path / "a"


# The lock ----------------------------------------------------------------------------------------

HOLD = """
import pathlib, sys, time
from selfplay.run.directory import RunDirectory
with RunDirectory(pathlib.Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


def test_lock_excludes_another_process_until_it_dies(tmp_path):
    run = create(tmp_path / "run")
    command = [sys.executable, "-c", HOLD, str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(ValueError, match=f"another process is training {run.path}"):
                run.lock().__enter__()
        finally:
            other.kill()  # not even a chance to tidy up
    with run.lock():
        refused = subprocess.run(command, capture_output=True, text=True, timeout=50)
        assert refused.returncode != 0
        assert "another process is training" in refused.stderr
    with run.lock():
        pass
