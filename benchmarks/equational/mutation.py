"""Does the judge see what is wrong? Chains of equations with one step corrupted, shown to Lean.

Run `python -m benchmarks.equational.mutation`. Proofs come of random walks by random laws of the
Equational Theories Project, one an equation. Of each one step is corrupted, so that it is another
in Lean's language: a term of its instance, its direction, its position, a term that stands beside
that; or it is left out. A check of the terms that Lean does not see says which mutants prove the
equation all the same. Lean is also asked about each proof as one of another equation, which it may
be: h x x proves x = x from x = y too.
"""

import dataclasses
import itertools
import random
import resource
from collections import Counter
from collections.abc import Sequence
from typing import Any

import tyro

from benchmarks.equational import walks
from selfplay.environment.certificate import Claim
from selfplay_envs.proofs.equational_proof import statement, term
from selfplay_envs.proofs.lean import Lean
from selfplay_envs.proofs.magma import Term
from selfplay_envs.proofs.rewriting import (
    Chain,
    Implication,
    chain,
    instantiated,
    num_nodes,
    replaced,
    subterm,
)

Proved = tuple[Implication, Chain]
"""What is proved, and what proves it."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What is measured."""

    proofs: int = 400
    """Random ones, each of an equation of its own."""
    steps: int = 12
    """Of a walk; the proof is without its detours."""
    size: int = 31
    """Symbols of a term, at most."""
    seed: int = 0


def corrupted(problem: Implication, way: Chain, rng: random.Random) -> Chain | None:
    """The chain with one step corrupted; None if no corruption is seen in its term in Lean."""
    for _ in range(100):
        number = rng.randrange(len(way.steps))
        other = walks.random_subterm(rng.choice(way.terms), problem.conclusion.num_variables, rng)
        corruption = rng.choice(_CORRUPTIONS)
        mutant = corruption(way, number, other, rng)
        if mutant.steps and term(problem, mutant) != term(problem, way):
            return mutant
    return None


def _instance(way: Chain, number: int, other: Term, rng: random.Random) -> Chain:
    """Another term for one of the law's variables."""
    instance = list(way.steps[number].instance)
    instance[rng.randrange(len(instance))] = other
    return _changed(way, number, instance=tuple(instance))


def _direction(way: Chain, number: int, other: Term, rng: random.Random) -> Chain:
    """The law read the other way round."""
    return _changed(way, number, left_to_right=not way.steps[number].left_to_right)


def _position(way: Chain, number: int, other: Term, rng: random.Random) -> Chain:
    """Another position for the same instance."""
    return _changed(way, number, position=rng.randrange(num_nodes(way.terms[number])))


def _context(way: Chain, number: int, other: Term, rng: random.Random) -> Chain:
    """Another term for one that the step leaves as it is."""
    before, position = way.terms[number], way.steps[number].position
    place = rng.randrange(num_nodes(before))
    if _overlap(before, place, position):
        return way
    after = replaced(before, place, other)
    if place < position:
        position += num_nodes(after) - num_nodes(before)
    terms = (*way.terms[:number], after, *way.terms[number + 1 :])
    return _changed(Chain(terms, way.steps), number, position=position)


def _omission(way: Chain, number: int, other: Term, rng: random.Random) -> Chain:
    """The step left out."""
    terms, steps = way.terms, way.steps
    return Chain(terms[:number] + terms[number + 1 :], steps[:number] + steps[number + 1 :])


_CORRUPTIONS = (_instance, _direction, _position, _context, _omission)


def _overlap(term: Term, one: int, other: int) -> bool:
    """Whether one of the subterms at two positions is a part of the other."""
    first, second = min(one, other), max(one, other)
    return second < first + num_nodes(subterm(term, first))


def _changed(way: Chain, number: int, **changes: Any) -> Chain:
    step = dataclasses.replace(way.steps[number], **changes)
    return Chain(way.terms, (*way.steps[:number], step, *way.steps[number + 1 :]))


def is_valid(problem: Implication, way: Chain) -> bool:
    """Whether the steps, each with what is beside it, lead through the conclusion's two sides."""
    reached = problem.conclusion.left
    for around, step in zip(way.terms, way.steps, strict=False):
        before, after = instantiated(problem.hypothesis, step).sides
        if replaced(around, step.position, before) != reached:
            return False
        reached = replaced(around, step.position, after)
    return reached == problem.conclusion.right


def of_steps(proved: Sequence[Proved], rng: random.Random) -> Counter[str]:
    """What Lean says of chains with a corrupted step, by what our own check does."""
    mutants = [
        (problem, mutant)
        for problem, way in proved
        if (mutant := corrupted(problem, way, rng)) is not None
    ]
    claims = [(statement(problem), term(problem, way)) for problem, way in mutants]
    return _judged(claims, [is_valid(*mutant) for mutant in mutants])


def of_statements(proved: Sequence[Proved]) -> Counter[str]:
    """What Lean says of each proof as one of another implication, its laws with as many variables.

    With fewer, what our check calls wrong may be right: h x proves x = y for all y from x = y.
    """

    def shape(problem: Implication) -> tuple[int, int]:
        return problem.hypothesis.num_variables, problem.conclusion.num_variables

    pairs = [
        (other, problem, way)
        for (problem, way), (other, _) in itertools.pairwise(
            sorted(proved, key=lambda one: shape(one[0]))
        )
        if problem != other and shape(problem) == shape(other)
    ]
    claims = [(statement(other), term(problem, way)) for other, problem, way in pairs]
    return _judged(claims, [is_valid(other, way) for other, _, way in pairs])


def _judged(claims: Sequence[Claim], valid: Sequence[bool]) -> Counter[str]:
    return Counter(
        f"{'valid' if known else 'wrong'}, Lean: {judgement.verdict.value}"
        for known, judgement in zip(valid, Lean().judge(claims), strict=True)
    )


def main() -> None:
    """Prints what Lean says of the proofs, and of what was made of them."""
    arguments = tyro.cli(Arguments, description=__doc__)
    rng = random.Random(arguments.seed)
    found = walks.proofs(arguments.proofs, arguments.steps, arguments.size, rng)
    proved = [(proof.problem, chain(proof.problem, proof.steps)) for proof in found]
    claims = [(statement(problem), term(problem, way)) for problem, way in proved]
    before = _seconds_of_children()
    judged = Lean().judge(claims)
    seconds = _seconds_of_children() - before
    print(judged[0].judge or judged[0].message)
    steps = sum(len(way.steps) for _, way in proved) / len(proved)
    print(f"proofs, {steps:.1f} steps each: {dict(Counter(j.verdict.value for j in judged))}")
    print(f"CPU seconds of Lean for 200: {seconds * 200 / len(proved):.2f}")
    print(f"a step corrupted: {dict(of_steps(proved, rng))}")
    print(f"of another statement: {dict(of_statements(proved))}")


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
