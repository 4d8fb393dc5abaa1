"""The environment's actions, decoded and judged in plain Python."""

import random

import pytest

from benchmarks.equational import walks
from selfplay.environment import Verdict
from selfplay_envs.proofs.equational_replay import (
    MAX_HOLES,
    ReplayVerifier,
    read_problem,
    steps_of,
)
from selfplay_envs.proofs.magma import Law, parse_law
from selfplay_envs.proofs.narrowing import holes, narrow, unify
from selfplay_envs.proofs.rewriting import (
    Implication,
    Rewriting,
    num_nodes,
    path,
    position_of,
    replay,
)
from tests.envs.proofs.equations import table

SIZE = 7
PROBLEM = table(Implication(parse_law("x = x * y")[0], parse_law("x = (x * x) * x")[0]), SIZE)
RIGHT, BACK = SIZE, 2 * SIZE


def verdict(actions, problem=PROBLEM) -> Verdict:
    return ReplayVerifier().verify(problem, actions)


def test_an_episode_by_hand():
    assert steps_of(PROBLEM, [0]) == [Rewriting(0, 0, True, (0, 0))]
    assert steps_of(PROBLEM, [BACK + RIGHT]) == [Rewriting(1, 0, False, ((0, 0), 0))]
    assert verdict([BACK + RIGHT, BACK + RIGHT]) is Verdict.ACCEPTED
    opened = [0, 1]  # x ◇ ?1, (x ◇ ?2) ◇ ?1
    assert steps_of(PROBLEM, opened) == [
        Rewriting(0, 0, True, (0, 0)),
        Rewriting(0, 1, True, (0, 0)),
    ]
    assert verdict(opened) is Verdict.ACCEPTED


def test_positions_move_when_holes_before_them_are_filled():
    """y is rewritten in (x ◇ ?1) ◇ y, of which ?1 becomes x ◇ x."""
    goal = parse_law("x * y = (x * (x * x)) * (y * y)")[0]
    problem = table(Implication(parse_law("x = x * y")[0], goal), 15)
    first, second = Rewriting(0, 1, True, (0, (0, 0))), Rewriting(0, 6, True, (1, 1))
    assert steps_of(problem, [1, 4]) == [first, second]
    assert verdict([1, 4], problem) is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([4 * SIZE], "from 0 to 27, got 28"),
        ([-1], "from 0 to 27, got -1"),
        ([2**40], "from 0 to 27"),
        ([BACK], "no instance"),
        ([1], "no position 1"),
        ([0, 2, 2, 2], "at most 7 symbols"),
        ([0, 1, 0], "after the end"),
        ([BACK + RIGHT, BACK + RIGHT, 0], "after the end"),
    ],
)
def test_what_cannot_be_done_is_rejected(actions, message):
    with pytest.raises(ValueError, match=message):
        steps_of(PROBLEM, actions)
    assert verdict(actions) is Verdict.REJECTED


def test_sides_are_not_to_be_too_open():
    law = parse_law("x = (y * z) * (w * u)")[0]
    problem = table(Implication(law, Law((0, 1), (1, 0))), 31)
    assert len(steps_of(problem, [1])) == 1
    with pytest.raises(ValueError, match=f"at most {MAX_HOLES} holes"):
        steps_of(problem, [1, 8])


def test_what_does_not_end_is_rejected():
    assert verdict([]) is verdict([0]) is Verdict.REJECTED


def lifted(problem: Implication, steps: list[Rewriting], size: int) -> list[int]:
    """Actions at the same places, up to where both sides unify.

    Raises ValueError where a place is within a hole, and where there is no room.
    """
    sides, actions = list(problem.conclusion.sides), list[int]()
    for step, goal in zip(steps, replay(problem, steps), strict=False):
        if unify(*sides) is not None:
            break
        branches = path(goal.sides[step.side], step.position)
        position, here = position_of(sides[step.side], branches), sides[step.side]
        fresh = 10 * (1 + len(actions))
        here = narrow(problem.hypothesis, here, position, step.left_to_right, fresh).outcome
        if num_nodes(here) > size or len(holes(here)) > MAX_HOLES:
            raise ValueError("there is no room")
        sides[step.side] = here
        actions.append((2 * (not step.left_to_right) + step.side) * size + position)
    return actions


def test_what_is_proved_by_instances_is_proved_by_what_is_most_general():
    """J.-M. Hullot's lifting, of walks; and other actions are judged by where they lead."""
    rng, played, both, fewer = random.Random(0), 0, 0, 0
    for proof in walks.proofs(150, 6, 31, rng):
        problem = table(proof.problem, 31)
        assert read_problem(problem) == proof.problem
        try:
            actions = lifted(proof.problem, proof.steps, 31)
        except ValueError:
            continue
        played += 1
        steps = steps_of(problem, actions)
        both += {step.side for step in steps} == {0, 1}
        fewer += len(steps) < len(proof.steps)
        assert verdict(actions, problem) is Verdict.ACCEPTED
        assert verdict(actions[:-1], problem) is Verdict.REJECTED
        assert verdict([*actions, 0], problem) is Verdict.REJECTED
        for place in range(len(actions)):
            changed = [*actions[:place], rng.randrange(4 * 31), *actions[place + 1 :]]
            said = verdict(changed, problem)
            try:
                reached = replay(proof.problem, steps_of(problem, changed))[-1]
            except ValueError:
                assert said is Verdict.REJECTED
            else:
                assert (said is Verdict.ACCEPTED) == (reached.left == reached.right)
    assert min(played, both, fewer) > 20


def test_terms_too_large_to_be_written_out_decide_nothing():
    """Of x ◇ ?1 the hole becomes ?2 ◇ ?3, of which ?2 is kept, and so on."""
    assert verdict([0, *[BACK + 2] * 100]) is Verdict.REJECTED
    with pytest.raises(OverflowError, match="deeper than"):
        steps_of(PROBLEM, [0, *[BACK + 2] * 300])
    assert verdict([0, *[BACK + 2] * 300]) is Verdict.UNDECIDED


@pytest.mark.parametrize(
    "codes",
    [[0] * 7, [1, 2, 0, 0, 0, 0, 0], [2, 2, 0, 0, 0, 0, 0], [2, 0, 2, 0, 0, 0, 0], [8] + [0] * 6],
)
def test_tables_that_hold_no_term_are_refused(codes):
    problem = table(Implication(Law(0, 1), Law(0, 0)), SIZE)
    problem.goal[1] = codes
    with pytest.raises(ValueError, match="no term in the codes"):
        read_problem(problem)
    assert ReplayVerifier().verify(problem, [0]) is Verdict.REJECTED
