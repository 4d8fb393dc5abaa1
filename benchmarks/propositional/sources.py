"""Where formulas to practise on come from: random ones are mostly trivial, or no theorems.

Each source is a function of a `random.Random` and a size, and knows no family of any library.
"""

import random
from collections.abc import Callable, Sequence

from selfplay_envs.proofs.formula import (
    FALSUM,
    And,
    Atom,
    Formula,
    Implies,
    Or,
    equivalence,
    negation,
    parts,
    subformulas,
)

Source = Callable[[random.Random, int], Formula]

NEW = Atom("z")
"""None of `atoms_of`: one that stands for something else than all others."""


def random_formula(rng: random.Random, names: Sequence[Atom], connectives: int) -> Formula:
    """A formula of so many connectives; half of them are implications."""
    if connectives <= 0:
        return rng.choice(names)
    if rng.random() < 0.15:
        return negation(random_formula(rng, names, connectives - 1))
    left = rng.randint(0, connectives - 1)
    sides = (
        random_formula(rng, names, left),
        random_formula(rng, names, connectives - 1 - left),
    )
    if sides[0] == sides[1]:  # which is never interesting
        return random_formula(rng, names, connectives)
    make = rng.choices([Implies, And, Or, equivalence], [5, 2, 2, 1])[0]
    return make(*sides)


def atoms_of(count: int) -> list[Atom]:
    """So many, each of its own name."""
    return [Atom(f"p{i}") for i in range(count)]


def some_atoms(rng: random.Random, size: int) -> list[Atom]:
    """Few for small formulas, more for large ones."""
    return atoms_of(rng.randint(2, 3 + size // 8))


# Proofs built backwards -------------------------------------------------------------------------


class _Backwards:
    """A goal, and hypotheses that are made up on the way so that it follows from them."""

    def __init__(self, rng: random.Random, names: Sequence[Atom]):
        self.rng = rng
        self.names = names
        self.hypotheses: list[Formula] = []

    def small(self, connectives: int) -> Formula:
        return random_formula(self.rng, self.names, self.rng.randint(0, connectives))

    def derive(self, goal: Formula, local: tuple[Formula, ...], depth: int) -> None:
        """Sees to it that the goal follows from the hypotheses and what is assumed on the way."""
        rng = self.rng
        if goal in local:
            return
        if isinstance(goal, And):
            self.derive(goal.left, local, depth)
            self.derive(goal.right, local, depth)
        elif isinstance(goal, Implies):
            self.derive(goal.right, (*local, goal.left), depth)
        elif isinstance(goal, Or) and rng.random() < 0.7:
            self.derive(rng.choice(parts(goal)), local, depth)
        elif depth <= 0:
            self.assume(Implies(rng.choice(local), goal) if local else goal)
        else:
            self.step(goal, local, depth - 1)

    def step(self, goal: Formula, local: tuple[Formula, ...], depth: int) -> None:
        """Reduces the goal to others by a hypothesis, one that is there or a new one."""
        rng = self.rng
        known = [h for h in (*self.hypotheses, *local) if isinstance(h, Implies)]
        known = [h for h in known if _head(h) == goal]
        kind = rng.random()
        if known and kind < 0.35:
            hypothesis = rng.choice(known)
            while hypothesis != goal:
                assert isinstance(hypothesis, Implies)  # what _head walks along
                self.derive(hypothesis.left, local, depth)
                hypothesis = hypothesis.right
        elif kind < 0.55:
            cases = self.small(1), self.small(1)
            self.assume(Or(*cases))
            for case in cases:
                self.derive(goal, (*local, case), depth)
        elif kind < 0.65 and goal != FALSUM:
            self.derive(FALSUM, local, depth)
        elif kind < 0.75:
            self.assume(And(goal, self.small(2)))
        else:
            premises = [self.small(2) for _ in range(rng.randint(1, 2))]
            hypothesis = goal
            for premise in premises:
                hypothesis = Implies(premise, hypothesis)
            self.assume(hypothesis)
            for premise in premises:
                self.derive(premise, local, depth)

    def assume(self, hypothesis: Formula) -> None:
        if hypothesis not in self.hypotheses:
            self.hypotheses.append(hypothesis)


def _head(formula: Formula) -> Formula:
    """What an implication ends with."""
    while isinstance(formula, Implies):
        formula = formula.right
    return formula


def backwards(rng: random.Random, size: int) -> Formula:
    """A theorem that was proved while it was made, with some hypotheses that it does not need."""
    built = _Backwards(rng, some_atoms(rng, size))
    goal = built.small(2)
    built.derive(goal, (), rng.randint(1, 2 + size // 16))
    built.hypotheses += [built.small(3) for _ in range(rng.randint(0, size // 16))]
    return under(rng, built.hypotheses, goal)


def under(rng: random.Random, hypotheses: Sequence[Formula], goal: Formula) -> Formula:
    """The goal under the hypotheses in any order; one time in four, under their conjunction."""
    shuffled = rng.sample(hypotheses, len(hypotheses))
    if shuffled and rng.random() < 0.25:
        together = shuffled[0]
        for hypothesis in shuffled[1:]:
            together = And(hypothesis, together)
        return Implies(together, goal)
    for hypothesis in shuffled:
        goal = Implies(hypothesis, goal)
    return goal


def rules(rng: random.Random, size: int) -> Formula:
    """An atom under random small hypotheses, most of them implications; maybe a theorem."""
    names = some_atoms(rng, size)
    hypotheses: list[Formula] = []
    for _ in range(rng.randint(2, 2 + size // 5)):
        premise = random_formula(rng, names, rng.randint(0, 2))
        hypotheses.append(Implies(premise, random_formula(rng, names, rng.randint(0, 1))))
    return under(rng, hypotheses, rng.choice(names))


# Laws ---------------------------------------------------------------------------------------------


def rewritten(rng: random.Random, size: int) -> Formula:
    """A formula and what equivalences made of it, on the two sides of → or ↔."""
    names = some_atoms(rng, size)
    before = random_formula(rng, names, rng.randint(2, 2 + size // 5))
    after = before
    for _ in range(rng.randint(2, 3 + size // 8)):
        after = rewrite_somewhere(rng, after)
    if rng.random() < 0.5:
        before, after = after, before
    return rng.choice([Implies, equivalence])(before, after)


def rewrite_somewhere(rng: random.Random, formula: Formula) -> Formula:
    """One subformula, wherever it occurs, replaced by an equivalent one."""
    here = rng.choice(subformulas(formula))
    return replaced(formula, here, _equivalent(rng, here))


def _equivalent(rng: random.Random, formula: Formula) -> Formula:
    """Something intuitionistically equivalent, or the same if no law applies."""
    options: list[Formula] = []
    match formula:
        case And(left=a, right=b) | Or(left=a, right=b):
            options.append(type(formula)(b, a))
    match formula:
        case And(left=a, right=And(left=b, right=c)):
            options.append(And(And(a, b), c))
        case And(left=a, right=Or(left=b, right=c)):
            options.append(Or(And(a, b), And(a, c)))
        case And(left=Implies(left=a, right=c), right=Implies(left=b, right=d)):
            options += [Implies(Or(a, b), c)] * (c == d) + [Implies(a, And(c, d))] * (a == b)
        case Or(left=a, right=Or(left=b, right=c)):
            options.append(Or(Or(a, b), c))
        case Or(left=a, right=And(left=b, right=c)):
            options.append(And(Or(a, b), Or(a, c)))
        case Implies(left=And(left=a, right=b), right=c):
            options.append(Implies(a, Implies(b, c)))
        case Implies(left=Or(left=a, right=b), right=c):
            options.append(And(Implies(a, c), Implies(b, c)))
        case Implies(left=a, right=Implies(left=b, right=c)):
            options += [Implies(b, Implies(a, c)), Implies(And(a, b), c)]
        case Implies(left=a, right=And(left=b, right=c)):
            options.append(And(Implies(a, b), Implies(a, c)))
        case Implies(left=Implies(left=Implies(left=a, right=b), right=c), right=d) if b == c == d:
            options.append(Implies(a, d))
        case Implies(left=a, right=b):
            options += [Implies(a, And(a, b)), Implies(Or(a, And(a, b)), b)]
    return rng.choice(options) if options else formula


def replaced(formula: Formula, old: Formula, new: Formula) -> Formula:
    """The formula with one subformula replaced wherever it occurs."""
    return substituted(formula, {old: new})


def substituted(formula: Formula, instead: dict[Formula, Formula]) -> Formula:
    """The formula with subformulas replaced, the outermost first."""
    if formula in instead:
        return instead[formula]
    if isinstance(formula, And | Or | Implies):
        left, right = (substituted(part, instead) for part in parts(formula))
        return type(formula)(left, right)
    return formula


def double_negated(rng: random.Random, size: int) -> Formula:
    """A random formula, some hypotheses, and ⊥ or an atom in its place: (f → ⊥) → ⊥ and alike.

    Of classical truths that is often a theorem (V. Glivenko 1929), and needs (f → ⊥) again and
    again.
    """
    names = some_atoms(rng, size)
    absurd = rng.choice([FALSUM, NEW])

    def translated(formula: Formula) -> Formula:
        return substituted(formula, {FALSUM: absurd})

    cases = [
        random_formula(rng, names, rng.randint(0, 2)) for _ in range(rng.randint(1, 2 + size // 10))
    ]
    formula = Implies(rng.choice(names), rng.choice(names))
    for case in cases:
        formula = rng.choice([Or, Or, And])(formula, Or(case, negation(case)))
    formula = Or(formula, negation(random_formula(rng, names, rng.randint(0, 2))))
    formula = translated(rewrite_somewhere(rng, rewrite_somewhere(rng, formula)))
    return Implies(Implies(formula, absurd), absurd)


# Variants ----------------------------------------------------------------------------------------


def instance(rng: random.Random, formula: Formula) -> Formula:
    """The formula with small ones for some of its atoms."""
    there = [part for part in subformulas(formula) if isinstance(part, Atom)]
    names = [*there, Atom("q")]
    chosen = rng.sample(there, rng.randint(1, len(there))) if there else []
    return substituted(
        formula, {atom: random_formula(rng, names, rng.randint(1, 2)) for atom in chosen}
    )


def mutated(rng: random.Random, formula: Formula) -> Formula:
    """The formula with one part another's copy, or turned round, or under another connective."""
    there = subformulas(formula)
    here = rng.choice(there)
    options = [rng.choice(there[: 1 + len(there) // 2])]
    if isinstance(here, And | Or | Implies):
        make = rng.choice([And, Or, Implies])
        options += [make(here.left, here.right), type(here)(here.right, here.left), here.right]
    return replaced(formula, here, rng.choice(options))
