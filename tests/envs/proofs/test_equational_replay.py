"""The environment's actions, decoded and judged in plain Python."""

import dataclasses
import random

import pytest

from benchmarks.equational import walks
from selfplay.environment import Verdict
from selfplay_envs.proofs.equational_replay import (
    ReplayVerifier,
    actions_of,
    read_problem,
    steps_of,
)
from selfplay_envs.proofs.magma import Law, parse_law
from selfplay_envs.proofs.rewriting import Implication, Rewriting, replay
from tests.envs.proofs.equations import table

SIZE = 7
PROBLEM = table(Implication(parse_law("x = x * y")[0], parse_law("x = (x * x) * x")[0]), SIZE)
PICK, VARIABLE = 4 * SIZE, 6 * SIZE


def verdict(actions) -> Verdict:
    return ReplayVerifier().verify(PROBLEM, actions)


def test_an_episode_by_hand():
    assert steps_of(PROBLEM, [0, PICK + SIZE + 1]) == [Rewriting(0, 0, True, (0, (0, 0)))]
    assert steps_of(PROBLEM, [2 * SIZE + SIZE]) == [Rewriting(1, 0, False, ((0, 0), 0))]
    assert verdict([2 * SIZE + SIZE, 2 * SIZE + SIZE]) is Verdict.ACCEPTED
    assert verdict([0, VARIABLE, 1, VARIABLE]) is Verdict.ACCEPTED
    assert verdict([0, VARIABLE, 2 * SIZE + SIZE]) is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([0], "without a pick"),
        ([0, 0], "without a pick"),
        ([VARIABLE], "is no rewriting"),
        ([-1], "is no rewriting"),
        ([2**40], "is no rewriting"),
        ([2 * SIZE], "no instance"),
        ([1], "no position 1"),
        ([0, PICK + 1], "no position 1"),
        ([0, VARIABLE + 1], "no variable 1"),
        ([0, VARIABLE, 0, PICK, 0, PICK], "at most 7 symbols"),
        ([0, VARIABLE, 2 * SIZE + SIZE, 0, VARIABLE], "after the end"),
    ],
)
def test_what_cannot_be_done_is_rejected(actions, message):
    with pytest.raises(ValueError, match=message):
        steps_of(PROBLEM, actions)
    assert verdict(actions) is Verdict.REJECTED


def test_what_does_not_end_is_rejected():
    assert verdict([]) is verdict([0, VARIABLE]) is Verdict.REJECTED


def test_proofs_are_played_by_actions_and_read_back():
    """Picks that are at hand: those of walks are, of a step on the side where it was made."""
    rng, played = random.Random(0), 0
    for proof in walks.proofs(60, 6, 31, rng):
        problem = table(proof.problem, 31)
        assert read_problem(problem) == proof.problem
        goals = replay(proof.problem, proof.steps)
        steps = proof.steps[: [goal.left == goal.right for goal in goals].index(True)]
        try:
            actions = actions_of(problem, steps)
        except ValueError as error:
            assert "is no subterm of" in str(error)
            continue
        played += 1
        assert steps_of(problem, actions) == steps
        assert ReplayVerifier().verify(problem, actions) is Verdict.ACCEPTED
        for place in range(len(actions)):  # whatever it is now, it is judged by where it leads
            changed = [*actions[:place], rng.randrange(6 * 31 + 6), *actions[place + 1 :]]
            said = ReplayVerifier().verify(problem, changed)
            try:
                reached = replay(proof.problem, steps_of(problem, changed))[-1]
            except ValueError:
                assert said is Verdict.REJECTED
            else:
                assert (said is Verdict.ACCEPTED) == (reached.left == reached.right)
    assert played > 20


@pytest.mark.parametrize(
    "codes", [[0] * 7, [1, 2, 0, 0, 0, 0, 0], [2, 2, 0, 0, 0, 0, 0], [2, 0, 2, 0, 0, 0, 0]]
)
def test_tables_that_hold_no_term_are_refused(codes):
    problem = table(Implication(Law(0, 1), Law(0, 0)), SIZE)
    problem.goal[1] = codes
    with pytest.raises(ValueError, match="no term in the codes"):
        read_problem(problem)
    assert ReplayVerifier().verify(problem, [0]) is Verdict.REJECTED


def test_steps_that_do_not_fit_have_no_actions():
    step = Rewriting(0, 0, False, (0, 0))
    with pytest.raises(ValueError, match="no instance"):
        actions_of(PROBLEM, [step])
    with pytest.raises(ValueError, match="is no subterm"):
        actions_of(PROBLEM, [dataclasses.replace(step, left_to_right=True, instance=(0, (0, 1)))])
