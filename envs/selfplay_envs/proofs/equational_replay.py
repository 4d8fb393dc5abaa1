"""Replays equational proof attempts in plain Python; shares no code with `equational`.

Actions are decoded to rewritings by matching terms, and only these rewritings are believed.

For sides of at most `size` symbols an action is a kind and a token, kind * 2 * size + token:

    kind 0    rewrite the subterm at a token by the law, from left to right
    kind 1    the same, from right to left
    kind 2    the subterm at a token is what a variable stands for that matching has left open

A token is side * size + position, in preorder; of kind 2 also 2 * size + v for variable v. Open
variables are picked for right after the rewriting, the lowest number first; what is picked is on
the side that is rewritten, or on the other one as the conclusion has it.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from selfplay.environment import Verdict, Verifier
from selfplay_envs.proofs.magma import Law, Term, show
from selfplay_envs.proofs.rewriting import (
    Implication,
    Rewriting,
    apply,
    instance_of,
    matched,
    num_nodes,
    replay,
    subterm,
    unbound,
)

_EMPTY, _PRODUCT, _VARIABLE = 0, 1, 2
"""Codes of symbols: nothing, ◇, and from 2 on the variables."""


class ReplayVerifier(Verifier):
    """ACCEPTED: the actions prove the conclusion. REJECTED: they do not."""

    def verify(self, problem: Any, actions: Sequence[int]) -> Verdict:
        """Whether `actions` make both sides of the goal equal, and end there."""
        try:
            steps = steps_of(problem, actions)
            reached = replay(read_problem(problem), steps)[-1]
        except ValueError:
            return Verdict.REJECTED
        return Verdict.ACCEPTED if reached.left == reached.right else Verdict.REJECTED


def read_problem(problem: Any) -> Implication:
    """The laws of a problem's tables. Raises ValueError if they hold no terms."""
    codes, num_left = np.asarray(problem.law.codes).tolist(), int(problem.law.num_left)
    hypothesis = Law(_term(codes[:num_left]), _term(codes[num_left:]))
    return Implication(hypothesis, Law(*map(_term, np.asarray(problem.goal).tolist())))


def steps_of(problem: Any, actions: Sequence[int]) -> list[Rewriting]:
    """The rewritings that `actions` make of a problem's goal.

    Raises:
        ValueError: an action fits nothing, a side gets too large, a pick is missing, or they go on
            after the end.
    """
    question, size = read_problem(problem), np.shape(problem.goal)[1]
    law, goal = question.hypothesis, question.conclusion
    rest = iter([int(action) for action in actions])
    steps = list[Rewriting]()
    for action in rest:
        if goal.left == goal.right:
            raise ValueError("there are actions after the end of the proof")
        values, step = _decoded(law, goal, action, size)
        pool, constants = _pool(question, goal, step.side), question.conclusion.num_variables
        for variable in unbound(law, values):
            values[variable] = _picked(pool, constants, next(rest, -1) - 4 * size, size)
        steps.append(dataclasses.replace(step, instance=instance_of(values)))
        goal = apply(law, goal, steps[-1])
        if max(map(num_nodes, goal.sides)) > size:
            raise ValueError(f"a side has at most {size} symbols, this is too large: {goal}")
    return steps


def _decoded(law: Law, goal: Law, action: int, size: int) -> tuple[dict[int, Term], Rewriting]:
    """What matching gives values to, and the rewriting that an action begins, without them."""
    kind, token = divmod(action, 2 * size)
    if kind not in (0, 1):
        raise ValueError(f"action {action} is no rewriting")
    side, position = divmod(token, size)
    values = matched(law.sides[kind], subterm(goal.sides[side], position))
    if values is None:
        raise ValueError(f"action {action} rewrites what is no instance")
    return values, Rewriting(side, position, kind == 0, ())


def _pool(question: Implication, goal: Law, own: int) -> Law:
    """Where picks are from while a side is rewritten."""
    sides = list(question.conclusion.sides)
    sides[own] = goal.sides[own]
    return Law(*sides)


def _picked(pool: Law, constants: int, token: int, size: int) -> Term:
    if token < 0:
        raise ValueError("a rewriting is left without a pick for an open variable")
    side, position = divmod(token, size)
    if side < 2:
        return subterm(pool.sides[side], position)
    if position >= constants:
        raise ValueError(f"the conclusion has no variable {position}")
    return position


def actions_of(problem: Any, steps: Sequence[Rewriting]) -> list[int]:
    """Actions that make these rewritings, so that proofs found elsewhere can be played.

    Raises:
        ValueError: a step does not fit, or has a term for an open variable that is not at hand.
    """
    question, size = read_problem(problem), np.shape(problem.goal)[1]
    law, actions = question.hypothesis, list[int]()
    for step, goal in zip(steps, replay(question, steps), strict=False):
        kind = 0 if step.left_to_right else 1
        actions.append((2 * kind + step.side) * size + step.position)
        values = matched(law.sides[kind], subterm(goal.sides[step.side], step.position))
        for variable in unbound(law, values or {}):
            actions.append(
                4 * size
                + _token(_pool(question, goal, step.side), step.side, step.instance[variable], size)
            )
    return actions


def _token(goal: Law, own: int, term: Term, size: int) -> int:
    """Where a term is at hand: a variable by itself, a product where it occurs first, on its own
    side if it is there."""
    if isinstance(term, int):
        return 2 * size + term
    for side in (own, 1 - own):
        for position in range(num_nodes(goal.sides[side])):
            if subterm(goal.sides[side], position) == term:
                return side * size + position
    raise ValueError(f"{show(term)} is no subterm of {goal}")


def _term(codes: list[int]) -> Term:
    """A term in preorder, then nothing. Raises ValueError if it is none."""
    waiting = list[Term]()
    symbols = codes[: codes.index(_EMPTY)] if _EMPTY in codes else codes
    for code in reversed(symbols):
        if code >= _VARIABLE:
            waiting.append(code - _VARIABLE)
        elif code == _PRODUCT and len(waiting) > 1:
            waiting.append((waiting.pop(), waiting.pop()))
        else:
            raise ValueError(f"there is no term in the codes {codes}")
    if len(waiting) != 1 or any(codes[len(symbols) :]):
        raise ValueError(f"there is no term in the codes {codes}")
    return waiting[0]
