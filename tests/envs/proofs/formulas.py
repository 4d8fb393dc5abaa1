"""Random formulas for tests."""

import random

from selfplay_envs.proofs.formula import FALSUM, And, Atom, Formula, Implies, Or, subformulas


def any_formula(rng: random.Random, leaves: int, num_atoms: int) -> Formula:
    """A formula with so many leaves, implications twice as likely as others."""
    if leaves == 1:
        return FALSUM if rng.random() < 0.1 else Atom("pqrstuvw"[rng.randrange(num_atoms)])
    left = rng.randrange(1, leaves)
    sides = any_formula(rng, left, num_atoms), any_formula(rng, leaves - left, num_atoms)
    return (And, Or, Implies, Implies)[rng.randrange(4)](*sides)


def any_formulas(seed: int, count: int, leaves: int, num_atoms: int, size: int) -> list[Formula]:
    """Different ones with at most `size` subformulas."""
    rng = random.Random(seed)
    found: dict[Formula, None] = {}
    while len(found) < count:
        formula = any_formula(rng, rng.randint(2, leaves), num_atoms)
        if len(subformulas(formula)) <= size:
            found[formula] = None
    return list(found)
