"""Equational reasoning as data: rewritings by a law, and what they do to the sides of an equation.

Plain Python on terms. A rewriting puts one side of an instance of the law in place of the other,
somewhere in one side of the goal; a goal whose sides are equal is proved (F. Baader, T. Nipkow,
"Term Rewriting and All That", 1998, section 3.1: equality is what such steps reach).
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping

from selfplay_envs.proofs.magma import Law, Term, num_operations, show, substituted, variables


@dataclasses.dataclass(frozen=True)
class Implication:
    """Does one law imply another? The conclusion's variables are constants, of which one proves it.

    Raises ValueError for a law whose variables are not numbered from 0 without gaps.
    """

    hypothesis: Law
    conclusion: Law

    def __post_init__(self):
        for law in (self.hypothesis, self.conclusion):
            numbers = {v for side in law.sides for v in variables(side)}
            if numbers != set(range(len(numbers))):
                raise ValueError(
                    f"variables must be numbered from 0 without gaps, got {sorted(numbers)}; "
                    "Law.renamed does it"
                )

    def __str__(self) -> str:
        return f"{self.hypothesis} ⊢ {self.conclusion}"


@dataclasses.dataclass(frozen=True)
class Rewriting:
    """One step."""

    side: int
    """Of the goal: 0 left, 1 right."""
    position: int
    """Of the subterm that is replaced, in preorder: 0 is all of the side."""
    left_to_right: bool
    """Whether the instance's left side is replaced by its right one, or the other way round."""
    instance: tuple[Term, ...]
    """What each of the law's variables stands for, by number."""

    @property
    def reverse(self) -> "Rewriting":
        """The step that undoes it."""
        return dataclasses.replace(self, left_to_right=not self.left_to_right)


def instantiated(law: Law, step: Rewriting) -> Law:
    """The instance of the law that a step reads from left to right.

    Raises ValueError where not each of the law's variables stands for a term.
    """
    if len(step.instance) != law.num_variables:
        raise ValueError(f"{law} has {law.num_variables} variables, got {len(step.instance)} terms")
    values = dict(enumerate(step.instance))
    sides = [substituted(side, values) for side in law.sides]
    return Law(*sides if step.left_to_right else reversed(sides))


def apply(law: Law, goal: Law, step: Rewriting) -> Law:
    """The goal after a step. Raises ValueError where the step does not fit it."""
    if step.side not in (0, 1):
        raise ValueError(f"a goal has sides 0 and 1, got {step.side}")
    before, after = instantiated(law, step).sides
    found = subterm(goal.sides[step.side], step.position)
    if found != before:
        raise ValueError("the subterm there is no instance of the law's side")
    sides = list(goal.sides)
    sides[step.side] = replaced(sides[step.side], step.position, after)
    return Law(*sides)


def replay(problem: Implication, steps: Iterable[Rewriting]) -> list[Law]:
    """The goal at the beginning, and after each step. Raises ValueError where one does not fit."""
    goals = [problem.conclusion]
    for step in steps:
        goals.append(apply(problem.hypothesis, goals[-1], step))
    return goals


@dataclasses.dataclass(frozen=True)
class Chain:
    """A chain of equations: each term is the one before it, rewritten on side 0."""

    terms: tuple[Term, ...]
    """One more than steps."""
    steps: tuple[Rewriting, ...]


def chain(problem: Implication, steps: Iterable[Rewriting]) -> Chain:
    """What proves the conclusion, from its left side to its right, without detours.

    Steps on the right side are read backwards from where both sides have become equal; between two
    occurrences of a term nothing is needed.

    Raises ValueError where a step does not fit, or the sides do not become equal.
    """
    steps = list(steps)
    goals = replay(problem, steps)
    if goals[-1].left != goals[-1].right:
        raise ValueError(f"the steps prove nothing of {problem}: they lead to {goals[-1]}")
    terms, way = [goals[0].left], list[Rewriting]()
    for step, goal in zip(steps, goals[1:], strict=True):
        if step.side == 0:
            terms.append(goal.left)
            way.append(step)
    for step, goal in reversed(list(zip(steps, goals, strict=False))):
        if step.side == 1:
            terms.append(goal.right)
            way.append(dataclasses.replace(step.reverse, side=0))
    last = {term: i for i, term in enumerate(terms)}
    kept = [last[terms[0]]]
    while kept[-1] + 1 < len(terms):
        kept.append(last[terms[kept[-1] + 1]])
    return Chain(tuple(terms[i] for i in kept), tuple(way[i] for i in kept[:-1]))


def chain_of(hypothesis: Law, terms: Iterable[Term]) -> Chain:
    """The chain that leads through these terms.

    Raises ValueError where one is not the term before it, rewritten once.
    """
    terms = tuple(terms)
    return Chain(terms, tuple(between(hypothesis, *pair) for pair in itertools.pairwise(terms)))


def between(law: Law, before: Term, after: Term) -> Rewriting:
    """The outermost step on side 0 from one term to another. Raises ValueError if none is."""
    position, old, new = 0, before, after
    while True:
        for left_to_right in (True, False):
            values = matched(law.sides, (old, new) if left_to_right else (new, old))
            if values is not None:
                return Rewriting(0, position, left_to_right, instance_of(values))
        if isinstance(old, int) or isinstance(new, int) or not _one_side_differs(old, new):
            raise ValueError(f"{law} does not rewrite {show(before)} to {show(after)} in one step")
        branch = int(old[0] == new[0])
        position += 1 + branch * num_nodes(old[0])
        old, new = old[branch], new[branch]


def _one_side_differs(one: tuple[Term, Term], other: tuple[Term, Term]) -> bool:
    return (one[0] == other[0]) != (one[1] == other[1])


def matched(pattern: Term, term: Term) -> dict[int, Term] | None:
    """What the pattern's variables stand for if it is to be the term; None if it cannot be."""
    values: dict[int, Term] = {}
    waiting = [(pattern, term)]
    while waiting:
        here, there = waiting.pop()
        if isinstance(here, int):
            if values.setdefault(here, there) != there:
                return None
        elif isinstance(there, int):
            return None
        else:
            waiting += zip(here, there, strict=True)
    return values


def subterm(term: Term, position: int) -> Term:
    """The one at a position in preorder. Raises ValueError where there is none."""
    for branch in path(term, position):
        assert not isinstance(term, int)
        term = term[branch]
    return term


def replaced(term: Term, position: int, new: Term) -> Term:
    """The term with another subterm at a position. Raises ValueError where there is none."""
    around: list[tuple[int, Term]] = []
    for branch in path(term, position):
        assert not isinstance(term, int)
        around.append((branch, term[1 - branch]))
        term = term[branch]
    for branch, sibling in reversed(around):
        new = (sibling, new) if branch else (new, sibling)
    return new


def path(term: Term, position: int) -> tuple[int, ...]:
    """The branches, 0 left and 1 right, to a position. Raises ValueError where there is none."""
    branches, rest = list[int](), position
    while rest > 0 and not isinstance(term, int):
        on_left = num_nodes(term[0])
        branch = int(rest > on_left)
        branches.append(branch)
        rest -= 1 + branch * on_left
        term = term[branch]
    if rest != 0:
        raise ValueError(f"the term has no position {position}")
    return tuple(branches)


def position_of(term: Term, branches: Iterable[int]) -> int:
    """The position to which branches lead. Raises ValueError where there is none."""
    position = 0
    for branch in branches:
        if isinstance(term, int):
            raise ValueError("the branches lead out of the term")
        position += 1 + branch * num_nodes(term[0])
        term = term[branch]
    return position


def num_nodes(term: Term) -> int:
    """Symbols of a term: ◇ and variables."""
    return 2 * num_operations(term) + 1


def unbound(law: Law, values: Mapping[int, Term]) -> list[int]:
    """The law's variables that matching one of its sides has left without a value, by number."""
    return [v for v in range(law.num_variables) if v not in values]


def instance_of(values: Mapping[int, Term]) -> tuple[Term, ...]:
    """Values by number as a step has them."""
    return tuple(values[v] for v in range(len(values)))
