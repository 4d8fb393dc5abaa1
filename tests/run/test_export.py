"""An exported network: small, read wherever a run's is, and no run to go on with."""

import jax
import numpy as np
import pytest

from selfplay.agent import Agent
from selfplay.config import Config, from_dict
from selfplay.display.summary import print_evaluation
from selfplay.evaluate import evaluate
from selfplay.ladder import ladder
from selfplay.run import checkpoint
from selfplay.run.directory import RunDirectory
from selfplay.run.export import export
from selfplay.train import resume, train
from tests.tiny import SETTINGS


def settings(iterations: int) -> Config:
    return from_dict(SETTINGS | {"iterations": iterations})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(settings(2), run=tmp_path_factory.mktemp("runs") / "first")


@pytest.fixture(scope="module")
def exported(run):
    return export(run, run.parent / "exported")


def test_parameters_are_those_of_the_run_in_half_precision(run, exported):
    whole, small = Agent.load(run), Agent.load(exported)
    assert small.iteration == whole.iteration == 2
    for a, b in zip(jax.tree.leaves(whole.params), jax.tree.leaves(small.params), strict=True):
        assert b.dtype == np.float32
        np.testing.assert_array_equal(np.asarray(a).astype(np.float16), b)
    state = whole.env.init()
    np.testing.assert_allclose(whole.act(state).prior, small.act(state).prior, atol=1e-3)


def test_it_is_small_and_sound(run, exported):
    def size(folder):
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

    checkpoint.verify(checkpoint.newest_sound(RunDirectory(exported).checkpoints))
    # Into how many files the same numbers go depends on how busy the machine is.
    assert size(exported) < size(run) / 10


def test_it_does_not_say_where_it_was_made(exported):
    place = str(exported.parent).encode()
    files = [file for file in exported.rglob("*") if file.is_file()]
    assert [file.name for file in files if place in file.read_bytes()] == []


def test_a_run_may_start_from_it(exported, tmp_path):
    warm = train(settings(1), run=tmp_path / "warm", start_from=exported)
    assert RunDirectory(warm).metrics.exists()


def test_it_is_no_run_to_go_on_with(exported):
    before = sorted(exported.rglob("*"))
    with pytest.raises(ValueError, match=r"a network alone, .*selfplay train tic_tac_toe --from"):
        resume(exported, iterations=3)
    assert sorted(exported.rglob("*")) == before


def test_judging_it_writes_nothing_into_it(exported, capsys):
    before = sorted(exported.rglob("*"))
    print_evaluation(evaluate(exported, simulations=(0,), games=0))
    assert "written to" not in capsys.readouterr().out
    ladder([str(exported), "random"], simulations=0, games=4)
    assert sorted(exported.rglob("*")) == before


def test_what_cannot_be_exported(run, tmp_path):
    with pytest.raises(ValueError, match="exists already"):
        export(run, run)
    with pytest.raises(ValueError, match="is not a run"):
        export(tmp_path, tmp_path / "out")
    with pytest.raises(ValueError, match="no checkpoint of iteration 7"):
        export(run, tmp_path / "out", iteration=7)
    assert not (tmp_path / "out").exists()
