"""A problem that is not solved, practice, and what is said of it."""

import dataclasses
import json
from pathlib import Path

import jax
import numpy as np
import pytest

from selfplay import config as config_lib
from selfplay.agent import Agent
from selfplay.display.solution import lines, solve_with_view
from selfplay.environment import make
from selfplay.environment.verifier import Verdict
from selfplay.networks.build import build
from selfplay.practise import Practice, settings
from selfplay.run.directory import RunDirectory
from selfplay.run.metrics import read
from selfplay.run.solutions import Solution
from selfplay.search.best_first import Found
from selfplay.search.model import network_evaluator
from selfplay.solve import Answer, solve
from selfplay.train import train
from selfplay_envs.science.addition import Addition

CONFIG = config_lib.from_dict(
    {
        "env": "tests.environment.test_neighbourhood:Sums",
        "env_args": {"digits": 1},
        "num_devices": 1,
        "network": {"width": 16, "depth": 1},
        "search": {"num_simulations": 2},
        "rollout": {"num_games": 8, "steps_per_iteration": 5},
        "replay": {"capacity": 512, "min_rows": 512},
        "learner": {"batch_size": 16, "updates_per_iteration": 2},
        "evaluation": {"num_simulations": 2},
        "logging": {"tensorboard": False},
    }
)
FOUND = Found((7, 0), evaluations=5, steps=9, exhausted=False)
NOTHING = Found(None, evaluations=20, steps=30, exhausted=False)
DONE = Practice(
    problems=200, updates=80, seconds=180.0, run=Path("runs/practice-sums"), solution=None
)


@pytest.fixture(scope="module")
def agent():
    """One that knows nothing."""
    env = make(CONFIG.env, **CONFIG.env_args)
    network = build(CONFIG.network, env)
    params = jax.jit(network.init)(jax.random.key(0))
    return Agent(env, network_evaluator(env, network.apply), params, CONFIG)


def train_and_solve(*arguments, **options):
    """As `train`, whose games are too few to solve this problem but by chance."""
    path = train(*arguments, **options)
    solution = Solution(1, 0, "3+4", 2, "games", (7, 0))
    with RunDirectory(path).solutions.open("a") as file:
        file.write(json.dumps(dataclasses.asdict(solution)) + "\n")
    return path


def test_what_is_not_solved_is_practised_for(agent, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("selfplay.practise.train", train_and_solve)
    before = jax.device_get(agent.params)
    answer = solve_with_view(agent, "3+4", budget=1, practice_minutes=0.01)
    assert "from the first iteration on Ctrl-C ends the practice" in capsys.readouterr().out
    assert answer.unpractised is not None
    assert answer.unpractised.actions is None
    assert answer.practice is not None
    assert answer.practice.problems == 10
    assert answer.practice.solution == answer.found.actions == (7, 0)
    assert answer.verdict is Verdict.ACCEPTED
    assert "it was solved during the practice, and not by the search after it" in lines(answer)
    run = RunDirectory(answer.practice.run)
    assert run.read_config().env_args == {"digits": 1, "problem": "3+4"}
    assert answer.practice.updates == 2 * len(read(run.metrics)) > 0
    assert answer.practice.run.parent == tmp_path / "runs"
    assert jax.tree.all(jax.tree.map(np.array_equal, before, jax.device_get(agent.params)))
    practised = Agent.load(answer.practice.run)
    changed = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, practised.params)
    assert any(jax.tree.leaves(changed))

    again = solve(practised, "3+4", budget=500)
    assert again.found.actions == (7, 0)
    assert again.practice is None
    assert lines(again)[0].startswith(
        "3+4: solved in 2 steps by a network that has practised for it ("
    )
    with pytest.raises(ValueError, match="has practised for one problem already"):
        solve(practised, "3+4", practice_minutes=1.0)


def test_what_is_solved_needs_no_practice(agent):
    answer = solve(agent, "3+4", budget=500, practice_minutes=1.0)
    assert answer.found.actions == (7, 0)
    assert answer.practice is None
    assert lines(answer)[1] == "there was no practice: none was needed"


def test_without_neighbours_there_is_no_search_either():
    env = Addition(digits=1)
    agent = Agent(env, None, (), CONFIG)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="needs others like it, and Addition makes none"):
        solve(agent, "3+4", practice_minutes=1.0)


def test_a_practice_that_could_not_be_kept_is_refused_before_the_search(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").touch()
    env = make(CONFIG.env, **CONFIG.env_args)
    agent = Agent(env, None, (), CONFIG)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"cannot be made at runs/practice-.*/runs is a file"):
        solve(agent, "3+4", practice_minutes=1.0)


def test_what_practice_found_is_told_apart():
    answer = Answer("3+4", 20, FOUND, Verdict.ACCEPTED, "7\n0", unpractised=NOTHING, practice=DONE)
    assert lines(answer)[:3] == [
        "3+4: solved in 2 steps after 3.0 minutes of practice on 200 problems like it "
        "(5 evaluations, 9 steps tried)",
        "without practice it was not solved (20 evaluations, 30 steps tried)",
        "the practised network is runs/practice-sums",
    ]


def test_what_practice_did_not_find_can_be_gone_on_with():
    answer = Answer("3+4", 20, NOTHING, unpractised=NOTHING, practice=DONE)
    told = lines(answer)
    assert told[0].startswith("3+4: not solved after 3.0 minutes of practice on 200 problems")
    assert "selfplay resume runs/practice-sums --minutes MINUTES, then selfplay solve" in told[-1]
    short = dataclasses.replace(answer, practice=dataclasses.replace(DONE, updates=0))
    assert "the practice was too short to learn anything" in lines(short)


def test_settings_are_those_of_the_run_but_for_what_practice_needs():
    made = settings(CONFIG, "3+4", 2.0)
    changed = config_lib.difference(CONFIG, made)
    assert set(changed) == {
        *("env", "env_args", "minutes", "replay.min_rows", "learner.warmup_updates"),
        *("checkpoint.keep", "checkpoint.milestones"),
    }
