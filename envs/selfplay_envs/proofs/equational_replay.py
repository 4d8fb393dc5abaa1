"""Replays equational proof attempts in plain Python; shares no code with `equational`.

Actions are decoded to rewritings by unifying terms, and only these rewritings are believed.

For sides of at most `size` symbols an action is (2 * direction + side) * size + position: rewrite
the subterm at that position of that side, in preorder, by the law, from left to right (direction 0)
or from right to left (1). What this leaves open are holes, until a later action fills them, or the
end, where both sides are unified; what is open then is the variable 0.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from selfplay.environment import Verdict, Verifier
from selfplay_envs.proofs.magma import Law, Term
from selfplay_envs.proofs.narrowing import filled, holes, narrow, unify
from selfplay_envs.proofs.rewriting import (
    Implication,
    Rewriting,
    apply,
    num_nodes,
    path,
    position_of,
    replay,
)

MAX_HOLES = 6
"""Of a side, after each rewriting."""

_EMPTY, _PRODUCT, _VARIABLE, _MAX_VARIABLES = 0, 1, 2, 6
"""Codes of symbols: nothing, ◇, and from 2 on so many variables."""


class ReplayVerifier(Verifier):
    """ACCEPTED: the actions prove the conclusion. REJECTED: they do not. UNDECIDED: they may, but
    by terms that are too large to be written out."""

    def verify(self, problem: Any, actions: Sequence[int]) -> Verdict:
        """Whether `actions` make both sides of the goal equal, and end there."""
        try:
            steps = steps_of(problem, actions)
            reached = replay(read_problem(problem), steps)[-1]
        except OverflowError:
            return Verdict.UNDECIDED
        except ValueError:
            return Verdict.REJECTED
        return Verdict.ACCEPTED if reached.left == reached.right else Verdict.REJECTED


def read_problem(problem: Any) -> Implication:
    """The laws of a problem's tables. Raises ValueError if they hold no terms."""
    codes, num_left = np.asarray(problem.law.codes).tolist(), int(problem.law.num_left)
    hypothesis = Law(_term(codes[:num_left]), _term(codes[num_left:]))
    return Implication(hypothesis, Law(*map(_term, np.asarray(problem.goal).tolist())))


def steps_of(problem: Any, actions: Sequence[int]) -> list[Rewriting]:
    """The rewritings that `actions` make of a problem's goal, with terms in place of all holes.

    Raises:
        ValueError: an action fits nothing, a side gets too large or too open, or they go on after
            the end.
        OverflowError: with its holes filled a term is too large.
    """
    question, size = read_problem(problem), np.shape(problem.goal)[1]
    play = _Play(question, size)
    for action in actions:
        play.act(int(action))
    return _grounded(question, play.steps, play.completion())


@dataclasses.dataclass(frozen=True)
class _Open:
    """A rewriting with holes."""

    side: int
    branches: tuple[int, ...]
    """To what is replaced: a position moves when holes before it are filled."""
    left_to_right: bool
    instance: tuple[Term, ...]


class _Play:
    """The goal with its holes, none of which ever has another one's number."""

    def __init__(self, question: Implication, size: int):
        self._law, self._size = question.hypothesis, size
        self._sides = list(question.conclusion.sides)
        self._values: dict[int, Term] = {}
        self._num_holes = 0
        self.steps = list[_Open]()

    def act(self, action: int) -> None:
        """Plays one. Raises ValueError where it cannot be played."""
        if not 0 <= action < 4 * self._size:
            raise ValueError(f"actions are from 0 to {4 * self._size - 1}, got {action}")
        if unify(*self._sides) is not None:
            raise ValueError("there are actions after the end of the proof")
        place, position = divmod(action, self._size)
        direction, side = divmod(place, 2)
        before, left_to_right = self._sides[side], direction == 0
        branches = path(before, position)
        found = narrow(self._law, before, position, left_to_right, self._num_holes)
        if num_nodes(found.outcome) > self._size:
            raise ValueError(f"a side has at most {self._size} symbols, this action makes it more")
        if len(holes(found.outcome)) > MAX_HOLES:
            raise ValueError(f"a side has at most {MAX_HOLES} holes, this action makes it more")
        self._num_holes += self._law.num_variables
        self._values |= found.values
        self._sides[side] = found.outcome
        self.steps.append(_Open(side, branches, left_to_right, found.instance))

    def completion(self) -> dict[int, Term]:
        """Values of all holes, with which both sides are equal if they can be."""
        values = self._values | (unify(*self._sides) or {})
        return dict.fromkeys((-1 - hole for hole in range(self._num_holes)), 0) | values


def _grounded(
    question: Implication, steps: Sequence[_Open], values: dict[int, Term]
) -> list[Rewriting]:
    """The rewritings with all holes filled. Raises as `steps_of` does."""
    goal, ground = question.conclusion, list[Rewriting]()
    for step in steps:
        instance = tuple(filled(term, values) for term in step.instance)
        position = position_of(goal.sides[step.side], step.branches)
        ground.append(Rewriting(step.side, position, step.left_to_right, instance))
        goal = apply(question.hypothesis, goal, ground[-1])
    return ground


def _term(codes: list[int]) -> Term:
    """A term in preorder, then nothing. Raises ValueError if it is none."""
    waiting = list[Term]()
    symbols = codes[: codes.index(_EMPTY)] if _EMPTY in codes else codes
    for code in reversed(symbols):
        if _VARIABLE <= code < _VARIABLE + _MAX_VARIABLES:
            waiting.append(code - _VARIABLE)
        elif code == _PRODUCT and len(waiting) > 1:
            waiting.append((waiting.pop(), waiting.pop()))
        else:
            raise ValueError(f"there is no term in the codes {codes}")
    if len(waiting) != 1 or any(codes[len(symbols) :]):
        raise ValueError(f"there is no term in the codes {codes}")
    return waiting[0]
