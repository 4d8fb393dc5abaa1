"""Studies of search: what is measured once is kept, whatever happens in between."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from selfplay import depth, sharding
from selfplay.agent import Agent
from selfplay.depth import study
from selfplay.environment import registry
from selfplay.evaluate import evaluate
from selfplay.evaluation.lab import Lab
from selfplay.evaluation.study import read
from selfplay.run import checkpoint, machine
from selfplay.run.directory import RunDirectory
from tests.test_ladder import make_run

FEW = {"simulations": (0, 2, 8), "games": 512, "precision": 150.0, "rivals": ("random", "mcts:2")}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with three networks, none of them trained."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    make_run(folder, (0, 2, 4))
    return folder


@pytest.fixture(scope="module")
def known(run):
    return study(run, **FEW)


def names(known):
    return [point.searcher.name for point in known.points]


def test_everything_asked_for_is_measured_and_kept(run, known):
    assert names(known) == ["network@4, alone", "network@4, gumbel 2", "network@4, gumbel 8"]
    assert known.games.names == (*names(known), "random", "mcts:2")
    assert all(known.games.of(player).games >= depth.LEAST_GAMES for player in range(5))
    assert known.elo()["network@4, alone"].value == 0.0
    saved = read(run / "depth.json")
    assert saved.points == known.points and saved.about == known.about
    np.testing.assert_array_equal(saved.games.pairs, known.games.pairs)
    assert saved.elo() == known.elo()


def test_exact_quality_is_what_evaluate_finds(run, known):
    found = evaluate(run, simulations=(0, 8), games=0).exact
    assert known.points[0].exact.kept.value == pytest.approx(found[0].kept)
    assert known.points[2].exact.kept.value == pytest.approx(found[8].kept)


def test_a_finished_study_measures_nothing_again(run, known, monkeypatch):
    def refuse(*arguments, **settings):
        raise AssertionError("measured again")

    monkeypatch.setattr(Lab, "measure", refuse)
    monkeypatch.setattr(depth.tournament, "play_openings", refuse)
    again = study(run, **FEW)
    assert again.points == known.points
    np.testing.assert_array_equal(again.games.pairs, known.games.pairs)


def test_one_more_budget_costs_its_own_games(run, known, tmp_path, monkeypatch):
    (tmp_path / "depth.json").write_bytes((run / "depth.json").read_bytes())
    measured, played = [], []
    original, openings = Lab.measure, depth.tournament.play_openings
    monkeypatch.setattr(Lab, "measure", lambda lab, s: measured.append(s.name) or original(lab, s))

    def spy(env, one, other, *rest):
        played.append((one.name, other.name))
        return openings(env, one, other, *rest)

    monkeypatch.setattr(depth.tournament, "play_openings", spy)
    more = study(
        run, **{**FEW, "simulations": (0, 2, 4, 8), "games": 2000}, output=tmp_path / "depth.json"
    )
    assert measured == ["network@4, gumbel 4"]
    assert played and all("network@4, gumbel 4" in pair for pair in played)
    assert more.points[:3] == known.points
    assert [p.searcher.simulations for p in next(iter(more.curves().values()))] == [0, 2, 4, 8]


def test_rivals_of_before_keep_their_games(run, known, tmp_path):
    (tmp_path / "depth.json").write_bytes((run / "depth.json").read_bytes())
    more = study(run, **{**FEW, "rivals": ("minimax:1",)}, output=tmp_path / "depth.json")
    assert set(more.games.names) == {*known.games.names, "minimax:1"}
    np.testing.assert_array_equal(more.games.among(known.games.names), known.games.pairs)


def test_an_interrupted_study_goes_on(run, known, tmp_path):
    def interrupt(known, doing):
        if doing.startswith(("measuring network@4, gumbel 8", "256 games")):
            raise KeyboardInterrupt

    for measured, games in ((2, 0), (3, 256)):
        with pytest.raises(KeyboardInterrupt):
            study(run, **FEW, output=tmp_path / "depth.json", watch=interrupt)
        left = read(tmp_path / "depth.json")
        assert len(left.points) == measured
        assert (left.games.num_games if left.games else 0) == games
        interrupt = lambda known, doing: doing.startswith("256 games") and _stop()  # noqa: E731
    whole = study(run, **FEW, output=tmp_path / "depth.json")
    assert [p.exact for p in whole.points] == [p.exact for p in known.points]


def _stop():
    raise KeyboardInterrupt


def test_curves_share_their_raw_guess(run, tmp_path):
    path = tmp_path / "depth.json"
    settings = {"simulations": (0, 3), "games": 0, "output": path}
    evaluators = ("network", "untrained", "constant")
    study(run, policies=("gumbel", "puct"), evaluators=evaluators, **settings)
    found = study(run, max_depths=(1,), value_noise=(0.5,), **settings)
    assert len(found.points) == 3 * (1 + 2) + (1 + 1)
    curves = found.curves()
    assert len(curves) == 3 * 2 + 1
    for curve, points in curves.items():
        assert [p.searcher.simulations for p in points] == [0, 3]
        assert points[0].searcher == curve.raw
    point = {p.searcher.name: p.exact for p in found.points}
    assert point["untrained, alone"] != point["constant, gumbel 3"]
    noisy, plain = point["network@4, noise 0.5, alone"], point["network@4, alone"]
    assert noisy.value_error.value > plain.value_error.value
    assert noisy.kept == plain.kept
    assert "network@4, noise 0.5, gumbel 3 to depth 1" in point


def test_a_lone_player_solves_problems(tmp_path):
    """Perfect knowledge of the next letter is not needed once the search reaches the end."""
    make_run(tmp_path / "spell", (0,), env="tests.worlds:Spell", kind="transformer")
    found = study(tmp_path / "spell", simulations=(0, 100), games=100, episodes=30)
    assert found.games is None
    shares = [point.solved.value for point in found.points]
    assert shares[0] < shares[1] == 1.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"simulations": ()}, "simulations must be numbers of at least 0"),
        ({"simulations": (-1,)}, "simulations must be numbers of at least 0"),
        ({"simulations": (70_000,)}, "at most 65,534 simulations, 70,000"),
        ({"max_depths": (-1,)}, "max_depths and value_noise must be at least 0"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"iterations": (3,)}, "there are: 4, 2, 0"),
        ({"rivals": ("nobody",)}, "an opponent is random, mcts:100 or minimax:2"),
        ({"seed": 1}, "holds a study with seed 0, not 1; name another"),
        ({"precision": 0.0}, "precision must be more than 0"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_lost(run, known, settings, message):
    before = (run / "depth.json").read_bytes()
    with pytest.raises(ValueError, match=message):
        study(run, **{**FEW, **settings})
    assert (run / "depth.json").read_bytes() == before


def test_a_search_beyond_the_memory_is_refused(run, known, monkeypatch):
    monkeypatch.setattr(sharding, "memory_of_a_device", lambda mesh: 2**20)
    with pytest.raises(ValueError, match="lower --batch-size or --simulations"):
        study(run, simulations=(20_000,), games=0)


def test_a_damaged_file_or_checkpoint_is_named(run, tmp_path):
    (tmp_path / "depth.json").write_text('{"points": ')
    with pytest.raises(ValueError, match=r"depth\.json is not a study of search depth"):
        study(run, **FEW, output=tmp_path / "depth.json")
    folder = RunDirectory(tmp_path / "half")
    make_run(folder.path, (0, 2))
    newest = checkpoint.available(folder.checkpoints)[0]
    next(newest.rglob("manifest*")).unlink()
    with pytest.raises(ValueError, match="checkpoint"):
        study(folder.path, **FEW)
    assert not (folder.path / "depth.json").exists()


def test_a_study_of_another_environment_is_refused(known, run, tmp_path):
    values = json.loads((run / "depth.json").read_text())
    (tmp_path / "depth.json").write_text(json.dumps(values))
    make_run(tmp_path / "large", (0,), size=4)
    with pytest.raises(ValueError, match="holds a study with run 'one', not 'large'"):
        study(tmp_path / "large", **FEW, output=tmp_path / "depth.json")


def test_an_exported_networks_study_goes_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study("tic_tac_toe", simulations=(0,), games=0)
    assert Path("depth.json").exists()
    study("tic_tac_toe", simulations=(0,), games=0, output=Path("new/folder/x.json"))
    assert Path("new/folder/x.json").exists()
    assert not (registry.pretrained_path("tic_tac_toe") / "depth.json").exists()
    assert (
        Agent.load("tic_tac_toe").iteration == read(Path("depth.json")).points[0].searcher.iteration
    )


def test_nothing_to_measure_is_refused(tmp_path):
    """Hex has no solved positions, and without games there is nothing else."""
    make_run(tmp_path / "run", (0,), env="hex", size=3)
    with pytest.raises(ValueError, match="nothing to measure of hex"):
        study(tmp_path / "run", simulations=(0,), games=0)
    assert not (tmp_path / "run" / "depth.json").exists()


def test_too_few_games_are_refused_before_anything_is_measured(run, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("measured")

    monkeypatch.setattr(Lab, "measure", refuse)
    with pytest.raises(ValueError, match="4 players need at least 192 games"):
        study(run, simulations=(0, 1), games=100, output=tmp_path / "depth.json")


def test_a_run_may_be_moved_and_its_study_gone_on_with(run, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(run, moved, ignore=shutil.ignore_patterns("depth*"))
    before = study(moved, simulations=(0,), games=0)
    again = tmp_path / "again"
    moved.rename(again)
    known = study(again, simulations=(0, 1), games=0)
    assert known.points[: len(before.points)] == before.points
    with pytest.raises(ValueError, match="holds a study with run"):
        study(run, simulations=(0,), games=0, output=again / "depth.json")


def test_times_of_two_machines_are_not_mixed(run, tmp_path, monkeypatch):
    file = tmp_path / "depth.json"
    study(run, simulations=(0,), games=0, output=file)
    elsewhere = machine.describe() | {"processor": "abacus"}
    monkeypatch.setattr(machine, "describe", lambda: elsewhere)
    with pytest.raises(ValueError, match="holds a study with machine"):
        study(run, simulations=(0,), games=0, output=file)
