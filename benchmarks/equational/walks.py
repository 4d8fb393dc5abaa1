"""Proofs without a search: random walks by random laws, and the equations that they prove."""

import dataclasses
import random

from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma import Law, Term, substituted, variables
from selfplay_envs.proofs.rewriting import (
    Implication,
    Rewriting,
    instance_of,
    instantiated,
    matched,
    num_nodes,
    replaced,
    subterm,
    unbound,
)

CONSTANTS = 3
"""Variables of a conclusion, at most."""


@dataclasses.dataclass(frozen=True)
class Proof:
    """Steps on both sides that make them equal."""

    problem: Implication
    steps: list[Rewriting]


def proofs(count: int, length: int, size: int, rng: random.Random) -> list[Proof]:
    """So many, none of an equation that is trivial.

    Args:
        count: of proofs.
        length: steps of each, detours among them.
        size: symbols of a term, at most.
        rng: of all that is drawn.
    """
    found = list[Proof]()
    while len(found) < count:
        proof = walk(rng.choice(laws()[1:]), length, size, rng)
        if proof is not None and proof.problem.conclusion.left != proof.problem.conclusion.right:
            found.append(proof)
    return found


def walk(law: Law, length: int, size: int, rng: random.Random) -> Proof | None:
    """A walk from a term of up to three operations; None where no way on was found.

    It is cut in two at random: its end is rewritten backwards until it meets the first part.
    """
    start = here = random_term(rng.randint(0, 3), rng)
    way = list[Rewriting]()
    for _ in range(50 * length):
        step = random_step(law, here, rng)
        after = replaced(here, step.position, instantiated(law, step).right) if step else here
        if step and num_nodes(after) <= size and len(way) < length:
            way.append(step)
            here = after
    if len(way) < length:
        return None
    order = dict.fromkeys([*variables(start), *variables(here)])
    names = dict.fromkeys(range(CONSTANTS), 0) | {v: i for i, v in enumerate(order)}
    way = [
        dataclasses.replace(step, instance=tuple(substituted(t, names) for t in step.instance))
        for step in way
    ]
    cut = rng.randint(0, length)
    back = [dataclasses.replace(step.reverse, side=1) for step in reversed(way[cut:])]
    conclusion = Law(substituted(start, names), substituted(here, names))
    return Proof(Implication(law, conclusion), way[:cut] + back)


def random_step(law: Law, term: Term, rng: random.Random) -> Rewriting | None:
    """A rewriting somewhere in a term; None if the law does not fit there."""
    position, left_to_right = rng.randrange(num_nodes(term)), rng.random() < 0.5
    values = matched(law.sides[not left_to_right], subterm(term, position))
    if values is None:
        return None
    for variable in unbound(law, values):
        values[variable] = random_subterm(term, CONSTANTS, rng)
    return Rewriting(0, position, left_to_right, instance_of(values))


def random_term(operations: int, rng: random.Random) -> Term:
    """A term of so many operations."""
    if operations == 0:
        return rng.randrange(CONSTANTS)
    on_left = rng.randrange(operations)
    return random_term(on_left, rng), random_term(operations - 1 - on_left, rng)


def random_subterm(term: Term, num_variables: int, rng: random.Random) -> Term:
    """One of a term, or as often a variable."""
    if rng.random() < 0.5:
        return rng.randrange(num_variables)
    return subterm(term, rng.randrange(num_nodes(term)))
