"""Replays proof attempts in plain Python, by rules of its own; shares no code with the environment
but for what atoms are called.

It writes down what the actions prove, line by line, and then believes only the lines.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from selfplay.environment import Verdict, Verifier
from selfplay_envs.proofs import atom_names
from selfplay_envs.proofs.formula import And, Atom, Falsum, Formula, Implies, Or
from selfplay_envs.proofs.natural_deduction import NOWHERE, Line, Rule, check, prune

Held = dict[Formula, int]
"""Hypotheses, and the lines where they stand."""

MAX_DEPTH = 400
"""Goals that wait for each other; the environment has room for 127, and as many conjunctions."""


class ReplayVerifier(Verifier):
    """ACCEPTED: the actions prove the formula, all of it. REJECTED: they do not."""

    def verify(self, problem: Any, actions: Sequence[int]) -> Verdict:
        """Whether `actions` prove the formula whose table is `problem`."""
        try:
            replay(problem, actions)
        except ValueError:
            return Verdict.REJECTED
        return Verdict.ACCEPTED


def replay(problem: Any, actions: Sequence[int]) -> list[Line]:
    """The proof that `actions` make, without the lines that it does not need.

    Raises:
        ValueError: they do nothing at some place, or leave something unproved, or go on after the
            end.
    """
    rows = read_rows(problem)
    go_on = len(problem.kind)
    attempt = _Attempt(rows, (int(action) for action in actions if int(action) != go_on))
    attempt.prove({}, rows[-1], NOWHERE)
    if any(True for _ in attempt.actions):
        raise ValueError("there are actions after the end of the proof")
    proof = prune(attempt.proof)
    check(proof, rows[-1])
    return proof


def read_rows(problem: Any) -> list[Formula]:
    """The subformulas of a table, the formula last. Raises ValueError if it is no table of any."""
    names = iter(atom_names.unpack(np.asarray(problem.names).tolist()))
    columns = [np.asarray(x).tolist() for x in (problem.kind, problem.left, problem.right)]
    rows: list[Formula] = []
    for i, (kind, left, right) in enumerate(zip(*columns, strict=True)):
        if i == int(problem.size):
            break
        if kind == 0:
            rows.append(Atom(next(names)))
        elif kind == 1:
            rows.append(Falsum())
        elif kind in (2, 3, 4) and 0 <= left < i and 0 <= right < i:
            rows.append((And, Or, Implies)[kind - 2](rows[left], rows[right]))
        else:
            raise ValueError(f"row {i} of the table is no formula")
    if not rows or len(set(rows)) < len(rows):
        raise ValueError("the table is empty, or has a formula twice")
    return rows


class _Attempt:
    """A proof that grows while actions last."""

    def __init__(self, rows: list[Formula], actions: Iterator[int]):
        self.rows, self.actions = rows, actions
        self.proof: list[Line] = []
        self.depth = 0

    def add(self, formula: Formula, rule: Rule, premises: tuple[int, ...], block: int) -> int:
        """Adds a line; returns its number."""
        self.proof.append(Line(formula, rule, premises, block))
        return len(self.proof) - 1

    def prove(self, held: Held, goal: Formula, block: int) -> int:
        """Proves `goal` from what is `held` (changed here), in `block`; returns the line."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} goals wait for each other")
        closing: list[Callable[[int], int]] = []  # from the goal at hand back to what was asked
        while True:
            self.gain(held, block)
            if goal in held:
                line = held[goal]
                break
            if Falsum() in held:
                line = self.add(goal, Rule.ABSURD, (held[Falsum()],), block)
                break
            if isinstance(goal, Implies):
                assumption = self.add(goal.left, Rule.ASSUMED, (), block)
                closing.append(self.discharging(goal, assumption, block))
                held.setdefault(goal.left, assumption)
                goal, block = goal.right, assumption
                continue
            if isinstance(goal, And):
                first, second = goal.left, goal.right
                if isinstance(first, And) and not isinstance(second, And):
                    first, second = second, first
                for part in (first, second):
                    if part not in held:
                        held[part] = self.prove(dict(held), part, block)
                        break  # for what is held now may give more
                continue
            case = self.undecided(held)
            if case is not None:
                left = self.add(case.left, Rule.ASSUMED, (), block)
                proved = self.repeated(self.prove({**held, case.left: left}, goal, left), left)
                right = self.add(case.right, Rule.ASSUMED, (), block)
                closing.append(self.joining(goal, (held[case], left, proved, right), block))
                held[case.right] = right
                block = right
                continue
            goal = self.choose(held, goal, block, closing)
        for close in reversed(closing):
            line = close(line)
        self.depth -= 1
        return line

    def choose(
        self, held: Held, goal: Formula, block: int, closing: list[Callable[[int], int]]
    ) -> Formula:
        """Does the next action; returns the goal that is left."""
        action = next(self.actions, None)
        if action is None:
            raise ValueError("the actions end before the proof does")
        if not 0 <= action < len(self.rows):
            raise ValueError(f"action {action} is about no subformula")
        chosen = self.rows[action]
        if isinstance(chosen, Implies) and chosen in held and chosen.right not in held:
            if chosen.right == goal:
                closing.append(self.applying(chosen, held[chosen], block))
                return chosen.left
            held[chosen.left] = self.prove(dict(held), chosen.left, block)
            premises = (held[chosen], held[chosen.left])
            held[chosen.right] = self.add(chosen.right, Rule.APPLIED, premises, block)
            return goal
        if not isinstance(chosen, Or):
            way = way_to(chosen, goal)
            for whole, part in itertools.pairwise(way):
                closing.append(self.making(whole, part, block))
            if len(way) > 1:
                return chosen
        raise ValueError(f"action {action} does nothing here")

    def gain(self, held: Held, block: int) -> None:
        """Adds to `held` what it gives without choice, with the lines that say so."""
        grows = True
        while grows:
            grows = False
            for row in self.rows:
                for formula, rule, needs in _at_hand(row):
                    if formula not in held and all(need in held for need in needs):
                        premises = tuple(held[need] for need in needs)
                        held[formula] = self.add(formula, rule, premises, block)
                        grows = True
                if isinstance(row, Implies) and row.right in held and row not in held:
                    assumption = self.add(row.left, Rule.ASSUMED, (), block)
                    held[row] = self.discharging(row, assumption, block)(held[row.right])
                    grows = True

    def undecided(self, held: Held) -> Or | None:
        """The first disjunction that is held and neither part of which is."""
        for row in self.rows:
            if isinstance(row, Or) and row in held and not {row.left, row.right} & held.keys():
                return row
        return None

    def discharging(self, goal: Implies, assumption: int, block: int) -> Callable[[int], int]:
        """Closes the block of an implication's left part."""

        def close(line: int) -> int:
            premises = (assumption, self.repeated(line, assumption))
            return self.add(goal, Rule.DISCHARGED, premises, block)

        return close

    def joining(self, goal: Formula, premises: tuple[int, ...], block: int) -> Callable[[int], int]:
        """Closes the second block of two cases, the last of the premises."""

        def close(line: int) -> int:
            both = (*premises, self.repeated(line, premises[-1]))
            return self.add(goal, Rule.CASES, both, block)

        return close

    def applying(self, implication: Implies, held: int, block: int) -> Callable[[int], int]:
        """Uses an implication when its left part is proved."""
        return lambda line: self.add(implication.right, Rule.APPLIED, (held, line), block)

    def making(self, whole: Formula, part: Formula, block: int) -> Callable[[int], int]:
        """Makes a disjunction of one of its parts."""
        is_left = isinstance(whole, Or) and whole.left == part
        rule = Rule.OR_BY_LEFT if is_left else Rule.OR_BY_RIGHT
        return lambda line: self.add(whole, rule, (line,), block)

    def repeated(self, line: int, assumption: int) -> int:
        """The line, said again in the assumption's block if it stands before it."""
        if line >= assumption:
            return line
        return self.add(self.proof[line].formula, Rule.REPEATED, (line,), assumption)


def way_to(part: Formula, goal: Formula) -> list[Formula]:
    """From `goal` through disjunctions to one of their parts; empty if there is no way."""
    came_from: dict[Formula, Formula | None] = {goal: None}
    waiting = [goal]
    while waiting:
        here = waiting.pop()
        for next_one in (here.right, here.left) if isinstance(here, Or) else ():
            if next_one not in came_from:
                came_from[next_one] = here
                waiting.append(next_one)
    way = []
    here = part if part in came_from else None
    while here is not None:
        way.append(here)
        here = came_from[here]
    return way[::-1]


def _at_hand(row: Formula) -> Iterator[tuple[Formula, Rule, tuple[Formula, ...]]]:
    """What a subformula gives without choice: what, by which rule, and what must be held for it."""
    if isinstance(row, And):
        yield row.left, Rule.LEFT_OF_AND, (row,)
        yield row.right, Rule.RIGHT_OF_AND, (row,)
        yield row, Rule.AND_MADE, (row.left, row.right)
    if isinstance(row, Or):
        yield row, Rule.OR_BY_LEFT, (row.left,)
        yield row, Rule.OR_BY_RIGHT, (row.right,)
    if isinstance(row, Implies):
        yield row.right, Rule.APPLIED, (row, row.left)
