"""Formulas like one formula: what to practise on for its sake.

The formula is changed a little, and so are the results, again and again. An atom is replaced by
another formula, by truth or by falsehood, and what that makes superfluous is left out; hypotheses
come and go; a goal that a proof may meet on the way, or a part, becomes a formula of its own.
Replaced atoms and more hypotheses leave a theorem a theorem; of the rest nobody knows.
"""

import random
from collections.abc import Mapping

from selfplay_envs.proofs.formula import (
    FALSUM,
    VERUM,
    And,
    Formula,
    Implies,
    Or,
    atoms,
    parts,
    subformulas,
)
from selfplay_envs.proofs.formula_problems import canonical_key, is_held_out

_ATTEMPTS = 20
"""For each formula that is wanted; small formulas have few neighbours."""


def neighbours(formula: Formula, count: int, max_subformulas: int, seed: int) -> list[Formula]:
    """At most `count` formulas like one, itself among them, those with few subformulas first.

    No two differ in their atoms' names only, none has more than `max_subformulas` subformulas, and
    none but the formula itself is held out.
    """
    rng = random.Random(seed)
    found = {canonical_key(formula): formula}
    for _ in range(_ATTEMPTS * count):
        if len(found) >= count:
            break
        (change,) = rng.choices(_CHANGES, _WEIGHTS)
        made = change(rng, rng.choice(list(found.values())))
        fits = parts(made) and made != VERUM and len(subformulas(made)) <= max_subformulas
        if fits and not is_held_out(made):
            found.setdefault(canonical_key(made), made)
    return sorted(found.values(), key=lambda one: len(subformulas(one)))


def with_replaced(formula: Formula, new: Mapping[Formula, Formula]) -> Formula:
    """The formula with other formulas in place of some subformulas, the result made shorter where
    truth, falsehood or twice the same leaves nothing to be proved of a part: both are equivalent.
    """
    image: dict[Formula, Formula] = {}
    for part in subformulas(formula):
        if part in new:
            image[part] = new[part]
        elif isinstance(part, And | Or | Implies):
            image[part] = _joined(part, image[part.left], image[part.right])
        else:
            image[part] = part
    return image[formula]


def _joined(like: And | Or | Implies, left: Formula, right: Formula) -> Formula:
    """What is equivalent to `left` and `right`, joined as in `like`, and no longer."""
    if isinstance(like, Implies):
        if left in (FALSUM, right) or right == VERUM:
            return VERUM
        return right if left == VERUM else Implies(left, right)
    kind, neutral, absorbing = (
        (And, VERUM, FALSUM) if isinstance(like, And) else (Or, FALSUM, VERUM)
    )
    if absorbing in (left, right):
        return absorbing
    if left in (neutral, right):
        return right
    return left if right == neutral else kind(left, right)


# Changes ----------------------------------------------------------------------------------------


def _atom_replaced(rng: random.Random, formula: Formula) -> Formula:
    """An atom as true, as false, as another atom, or as any of the subformulas."""
    names = list(atoms(formula))
    if not names:
        return formula
    new = rng.choice([VERUM, FALSUM, rng.choice(names), rng.choice(subformulas(formula))])
    return with_replaced(formula, {rng.choice(names): new})


def _subgoal(rng: random.Random, formula: Formula) -> Formula:
    """What is to be proved when one of the hypotheses is used, or a part of the conclusion."""
    hypotheses, goal = _sequent(rng, formula)
    held = _held(hypotheses)
    goals = [goal, *(one.left for one in held if isinstance(one, Implies))]
    return _under(hypotheses, rng.choice(goals))


def _hypothesis_dropped(rng: random.Random, formula: Formula) -> Formula:
    hypotheses, goal = _sequent(rng, formula)
    if hypotheses:
        hypotheses.pop(rng.randrange(len(hypotheses)))
    return _under(hypotheses, goal)


def _hypothesis_added(rng: random.Random, formula: Formula) -> Formula:
    return _under([rng.choice(subformulas(formula))], formula)


def _part(rng: random.Random, formula: Formula) -> Formula:
    return rng.choice(subformulas(formula))


def _part_replaced(rng: random.Random, formula: Formula) -> Formula:
    old, new = (rng.choice(subformulas(formula)) for _ in range(2))
    return with_replaced(formula, {old: new})


_CHANGES = (
    *(_atom_replaced, _subgoal, _hypothesis_dropped),
    *(_hypothesis_added, _part, _part_replaced),
)
_WEIGHTS = (5, 2, 1, 1, 1, 1)


def _sequent(rng: random.Random, formula: Formula) -> tuple[list[Formula], Formula]:
    """Hypotheses and a goal: of an implication what it assumes, of A ∧ B or A ∨ B often a side."""
    hypotheses: list[Formula] = []
    goal = formula
    while True:
        if isinstance(goal, Implies):
            hypotheses.append(goal.left)
            goal = goal.right
        elif isinstance(goal, And | Or) and rng.random() < 0.5:
            goal = rng.choice(parts(goal))
        else:
            return hypotheses, goal


def _held(hypotheses: list[Formula]) -> list[Formula]:
    """The hypotheses, A and B in place of A ∧ B."""
    held: list[Formula] = []
    waiting = list(hypotheses)
    while waiting:
        here = waiting.pop()
        if isinstance(here, And):
            waiting += parts(here)
        else:
            held.append(here)
    return held


def _under(hypotheses: list[Formula], goal: Formula) -> Formula:
    """The goal with the hypotheses before it, the first one outermost."""
    for hypothesis in reversed(hypotheses):
        goal = Implies(hypothesis, goal)
    return goal
