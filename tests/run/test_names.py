"""What a person calls a run."""

import pytest

from selfplay.agent import Agent
from selfplay.environment import registry
from selfplay.ladder import ladder
from selfplay.run import names


def test_a_folder_goes_before_an_environment_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert names.locate("connect_four") == registry.pretrained_path("connect_four")
    assert names.locate("nowhere") == tmp_path / "nowhere"
    (tmp_path / "connect_four").mkdir()
    assert names.locate("connect_four") == tmp_path / "connect_four"


def test_an_environment_without_an_agent_says_so(monkeypatch):
    monkeypatch.setattr(registry, "pretrained_path", lambda name: None)
    with pytest.raises(ValueError, match="train one: selfplay train tic_tac_toe"):
        names.locate("tic_tac_toe")


@pytest.mark.parametrize(
    ("name", "run", "iteration"),
    [
        ("runs/one", "runs/one", None),
        ("runs/one/", "runs/one", None),
        ("runs/one@12", "runs/one", 12),
        ("runs/a@b", "runs/a@b", None),
        ("runs/a@b@3", "runs/a@b", 3),
        ("@3", "@3", None),
    ],
)
def test_an_iteration_is_the_number_behind_the_last_at_sign(name, run, iteration):
    assert names.split(name) == (run, iteration)


def test_the_newest_of_no_runs_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="selfplay train ENV"):
        names.newest()


def test_agents_and_players_go_by_an_environments_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Agent.load("tic_tac_toe").config.env == "tic_tac_toe"
    rated = ladder(["tic_tac_toe", "random"], simulations=0, games=8)
    assert rated.entrants[0].run == "tic_tac_toe"
    assert rated.entrants[0].minutes is None
