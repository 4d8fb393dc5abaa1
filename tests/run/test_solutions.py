"""Solutions found are kept: published paths, and games on walks whose steps can be added up."""

import dataclasses
import functools
import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.config import RolloutConfig
from selfplay.environment.verifier import RejectedError, Verdict, Verifier
from selfplay.operators.rollout import Rollout
from selfplay.run import solutions as solutions_lib
from selfplay.run.directory import RunDirectory
from selfplay.run.solutions import Solution, Solutions, read_solutions, solved_episodes
from tests import worlds
from tests.operators.test_rollout import Babble


@functools.cache
def played(openings):
    """What was tried in each of six iterations of random walks."""
    env, seen = worlds.Walks(), []
    config = RolloutConfig(steps_per_iteration=7, max_opening_plies=openings)
    rollout = Rollout(env, Babble(env), config)
    games = rollout.init((), jax.random.key(0), jnp.arange(64, dtype=jnp.int32))
    play, practice = jax.jit(rollout.play), rollout.begin_practice()
    for i in range(6):
        games, _, sums, _, attempts = play((), jax.random.key(i), games, jnp.int32(i), practice)
        seen.append(jax.device_get((sums, attempts)))
    return seen


@pytest.mark.parametrize("openings", [0, 2])
def test_every_episode_that_was_solved_is_told_whole(openings):
    """Whether it lasted longer than an iteration or not; but for those with a random opening."""
    told = solved = lasted = 0
    for sums, attempts in played(openings):
        solved += sums["tried"][1].sum()
        for level, problem, actions in solved_episodes(attempts):
            places = np.cumsum(2 * np.array(actions) - 1)
            assert abs(problem) == level + 1
            assert places[-1] == problem
            assert problem not in places[:-1]
            told, lasted = told + 1, max(lasted, len(actions))
    assert solved > 40
    assert lasted > 7
    assert told == solved if not openings else 0 < told < solved


def test_of_each_problem_the_shortest_is_kept_and_a_resumed_run_finds_the_rest_again(tmp_path):
    env, found = worlds.Walks(), [attempts for _, attempts in played(0)]
    whole, stopped = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "stopped")
    for run in (whole, stopped):
        run.path.mkdir()
        solutions = Solutions(run, env, 0)
        for iteration, attempts in enumerate(found, 1):
            solutions.keep_all(attempts, iteration)
        solutions.close()
    with stopped.solutions.open("a") as file:
        file.write('{"iteration": 7, "le')  # torn
    solutions = Solutions(stopped, env, 3)
    assert {solution.iteration for solution in solutions.known.values()} <= {1, 2, 3}
    for iteration, attempts in enumerate(found[3:], 4):
        solutions.keep_all(attempts, iteration)
    solutions.close()
    assert stopped.solutions.read_bytes() == whole.solutions.read_bytes()
    known = read_solutions(whole.solutions)
    shortest = {}
    for _, problem, actions in itertools.chain(*map(solved_episodes, found)):
        before = shortest.get(str(problem), len(actions))
        shortest[str(problem)] = min(before, len(actions))
    assert {text: solution.length for text, solution in known.items()} == shortest


def test_a_level_has_room_for_so_many(tmp_path, monkeypatch):
    monkeypatch.setattr(solutions_lib, "MOST_PROBLEMS", 1)
    solutions = Solutions(RunDirectory(tmp_path), worlds.Walks(), 0)

    def keep(goal, actions):
        return solutions.keep(1, np.int8(goal), actions, by="games", iteration=1)

    assert keep(2, [1, 0, 1, 1])
    assert not keep(-2, [0, 0])  # another one
    assert not keep(2, [0, 1, 1, 1])  # no shorter
    assert keep(2, [1, 1])
    solutions.close()
    assert read_solutions(tmp_path / "solutions.jsonl")["2"].actions == (1, 1)


class Doubtful(Verifier):
    def verify(self, problem, actions):
        return Verdict.UNDECIDED


def test_what_the_verifier_refuses_stops_the_run_and_what_it_does_not_know_is_left_out(
    tmp_path, monkeypatch
):
    solutions = Solutions(RunDirectory(tmp_path), worlds.Walks(), 0)
    with pytest.raises(RejectedError, match=r"WalkVerifier rejects .* of 3; .*rejected\.json"):
        solutions.keep(2, np.int8(3), [1, 1], by="games", iteration=1)
    assert '"actions": [1, 1]' in (tmp_path / "rejected.json").read_text()
    solutions.close()
    monkeypatch.setattr(worlds.Walks, "verifier", lambda self: Doubtful())
    solutions = Solutions(RunDirectory(tmp_path), worlds.Walks(), 0)
    assert not solutions.keep(2, np.int8(3), [1, 1, 1], by="games", iteration=1)
    solutions.close()
    assert read_solutions(tmp_path / "solutions.jsonl") == {}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"level": 8}, "no solution: there are 8 levels; delete its line"),
        ({"level": -1}, "there are 8 levels"),
        ({"length": 3}, r"/solutions\.jsonl: somebody has changed .* is no solution; delete"),
        ({"actions": "1, 1"}, "which is no solution; delete"),
        ({"how": "by luck"}, "which is no solution; delete"),
        ({"iteration": "1"}, "which is no solution; delete"),
        ({"problem": 2}, "which is no solution; delete"),
    ],
)
def test_a_line_that_somebody_changed_is_named(changes, says, tmp_path):
    run = RunDirectory(tmp_path)
    line = dataclasses.asdict(Solution(1, 1, "2", 2, "games", (1, 1))) | changes
    run.solutions.write_text(json.dumps(line) + "\n")
    with pytest.raises(ValueError, match=says):
        Solutions(run, worlds.Walks(), 1)
