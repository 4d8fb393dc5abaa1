"""Checkpoints of runs, rated: who takes part, and what is shared."""

import json

import jax
import pytest

from selfplay import config as config_lib
from selfplay.environment import registry
from selfplay.ladder import ladder, only_run
from selfplay.networks.build import build
from selfplay.run import checkpoint
from selfplay.run.directory import RunDirectory


def make_run(path, iterations, width=16, env="tic_tac_toe", kind="mlp", **env_args):
    """What a run leaves: settings, milestones, a newest checkpoint; the networks are random."""
    network = {"width": width, "depth": 1, "kind": kind}
    config = config_lib.from_dict({"env": env, "env_args": env_args, "network": network})
    env = registry.make(config.env, **config.env_args)
    path.mkdir()
    folder = RunDirectory(path)
    folder.write_config(config)
    folder.metrics.touch()
    for iteration in iterations:
        last = iteration == max(iterations)
        params = build(config.network, env).init(jax.random.key(iteration))
        info = {"environment_version": env.version, "seconds": 60.0 * iteration}
        place = folder.checkpoints if last else folder.milestones
        checkpoint.save(place, iteration, {"params": params}, info)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs with different networks, and a third on a larger board."""
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder / "one", (0, 2, 4))
    make_run(folder / "two", (0, 2, 4), width=24)
    make_run(folder / "large", (0,), size=4)
    return folder


def test_one_run_enters_all_milestones_and_shares_a_program(runs):
    known = []
    result = ladder([str(runs / "one")], simulations=0, games=64, watch=known.append)
    assert [entrant.iteration for entrant in result.entrants] == [0, 2, 4]
    assert len({entrant.player.act for entrant in result.entrants}) == 1
    assert [entrant.minutes for entrant in result.entrants] == [0.0, 2.0, 4.0]
    assert known[-1].tournament.num_games == result.tournament.num_games == 64
    written = json.loads((runs / "one" / "arena.json").read_text())
    assert written["simulations"] == 0
    assert {player["iteration"] for player in written["players"]} == {0, 2, 4}


def test_players_of_several_runs_and_fixed_ones(runs):
    names = [f"{runs / 'one'}@2", f"{runs / 'two'}/", "random", "mcts:2", "minimax:1"]
    result = ladder(names, simulations=2, games=64, anchor="random")
    assert [entrant.player.name for entrant in result.entrants] == [
        f"{runs / 'one'}@2",
        *(f"{runs / 'two'}@{iteration}" for iteration in (0, 2, 4)),
        *("random", "mcts:2", "minimax:1"),
    ]
    assert result.ratings[0][4] == 0.0
    assert only_run(names) is None
    assert only_run([names[0], "random"]) is not None


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        (["one", "large"], {}, "play the same game"),
        (["one@3"], {}, "there are: 4, 2, 0"),
        (["one@4"], {}, "is only one player; name more"),
        (["random", "mcts:5"], {}, "which run?"),
        (["one", "mcts:0"], {}, "at least 1"),
        (["one"], {"anchor": "nobody"}, "the anchor must be mean or a player"),
        (["one"], {"simulations": -1}, "simulations must be at least 0"),
    ],
)
def test_what_cannot_be_played_is_refused(runs, monkeypatch, names, settings, message):
    monkeypatch.chdir(runs)
    with pytest.raises(ValueError, match=message):
        ladder(names, **settings)
