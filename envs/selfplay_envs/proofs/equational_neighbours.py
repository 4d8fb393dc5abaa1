"""Implications like one implication: what to practise on for its sake.

They have its hypothesis. Easy are walks: a side of the hard conclusion, or of the law, and what
some random rewritings make of it, their holes filled with the conclusion's variables. Then come
instances of the conclusion, and what else the law is known to imply; last the conclusion with a
side rewritten, which says the same. Walks are true; instances are if the conclusion is.

Where the hypothesis is held out, laws that follow from it and are not held out stand in for it:
what they prove, it proves as well, by the same steps or a few more.
"""

import random
from typing import NamedTuple

from selfplay_envs.proofs import equational_problems, laws, magma_finder
from selfplay_envs.proofs.magma import Law, Term, num_operations, substituted, variables
from selfplay_envs.proofs.narrowing import holes, narrow, renumbered
from selfplay_envs.proofs.rewriting import Implication, num_nodes, subterm
from selfplay_envs.proofs.term_arrays import LAW_NODES, MAX_HOLES, MAX_VARIABLES

WALKS = 8
"""Rewritings of the longest walk."""

_ATTEMPTS = 20
"""For each problem that is wanted; of a place and a direction, for each rewriting; and for each law
that stands in."""

_MOST_REWRITTEN = 3
"""Rewritings of a side of the hard conclusion."""

_STAND_INS = 8
"""Laws in place of one that is held out."""

_RELATED, _SAME = WALKS + 1, WALKS + 2
"""Levels beyond those of walks, which are their rewritings."""


class _Made(NamedTuple):
    """A conclusion, and how hard it is thought to be."""

    level: int
    conclusion: Law


def neighbours(hard: Implication, count: int, size: int, seed: int) -> list[Implication]:
    """At most `count` implications like one, itself among them, those thought to be easy first.

    No two have conclusions that differ in names or in the order of sides only, no side has more
    than `size` symbols, no hypothesis is held out but that of the implication itself, and no other
    implication fails in a magma of two elements.
    """
    rng = random.Random(seed)
    hypotheses = _hypotheses(rng, hard.hypothesis)
    found = {_key(hard): (_SAME, hard)}
    for _ in range(_ATTEMPTS * count if hypotheses else 0):
        if len(found) >= count:
            break
        (make,) = rng.choices(_MAKERS, _WEIGHTS)
        law = rng.choice(hypotheses)
        made = make(rng, law, hard.conclusion, size)
        if made is not None and _is_sensible(law, made.conclusion):
            problem = Implication(law, made.conclusion.renamed())
            found.setdefault(_key(problem), (made.level, problem))
    return [
        problem for _, problem in sorted(found.values(), key=lambda one: (one[0], _nodes(one[1])))
    ]


def _key(problem: Implication) -> tuple[Law, frozenset[Law]]:
    """Equal for problems that differ in names, or in the order of the conclusion's sides."""
    conclusion = problem.conclusion
    return problem.hypothesis, frozenset([conclusion.renamed(), laws.exchanged(conclusion)])


def _is_sensible(law: Law, conclusion: Law) -> bool:
    """Whether there is something to prove, which no magma of two elements refutes."""
    differs = conclusion.left != conclusion.right
    return differs and magma_finder.smallest(law, conclusion, 2) is None


def _nodes(problem: Implication) -> int:
    return sum(map(num_nodes, problem.conclusion.sides))


# Conclusions ------------------------------------------------------------------------------------


def _walk(rng: random.Random, law: Law, hard: Law, size: int) -> _Made | None:
    """A side of the hard conclusion or of the law, and what some rewritings make of it."""
    names = [rng.randrange(hard.num_variables) for _ in range(law.num_variables)]
    named = [substituted(side, dict(enumerate(names))) for side in law.sides]
    rewritings = rng.randint(1, WALKS)
    start = rng.choice([*hard.sides, *named])
    end = _rewritten(rng, law, start, rewritings, size)
    return None if end is None else _Made(rewritings, Law(start, _closed(rng, end, hard)))


def _same(rng: random.Random, law: Law, hard: Law, size: int) -> _Made | None:
    """The hard conclusion, one of its sides rewritten."""
    sides, side = list(hard.sides), rng.randrange(2)
    end = _rewritten(rng, law, sides[side], rng.randint(1, _MOST_REWRITTEN), size)
    if end is None:
        return None
    sides[side] = _closed(rng, end, hard)
    return _Made(_SAME, Law(*sides))


def _instance(rng: random.Random, law: Law, hard: Law, size: int) -> _Made:
    """The hard conclusion, some of its variables being the same."""
    del law, size
    return _Made(_RELATED, _merged(rng, hard))


def _known(rng: random.Random, law: Law, hard: Law, size: int) -> _Made | None:
    """A conclusion that the law has in the table of problems for training."""
    del hard
    pairs = equational_problems.pairs("train")
    numbers = pairs[pairs[:, 0] == (laws.number(law) or 0), 1].tolist()
    if not numbers:
        return None
    conclusion = laws.laws()[rng.choice(numbers) - 1]
    fits = max(map(num_nodes, conclusion.sides)) <= size
    return _Made(_RELATED, conclusion) if fits else None


_MAKERS = (_walk, _same, _instance, _known)
_WEIGHTS = (12, 4, 1, 2)


def _rewritten(
    rng: random.Random, law: Law, term: Term, rewritings: int, size: int
) -> "Term | None":
    """What random rewritings make of a term, with holes; None where there is no way on."""
    for _ in range(rewritings):
        steps = (_step(rng, law, term, size) for _ in range(_ATTEMPTS))
        after = next((step for step in steps if step is not None), None)
        if after is None:
            return None
        term = after
    return term


def _step(rng: random.Random, law: Law, term: Term, size: int) -> "Term | None":
    """What a rewriting somewhere makes of a term, if it fits there, and the outcome into `size`."""
    position, left_to_right = rng.randrange(num_nodes(term)), rng.random() < 0.5
    if _is_hole(subterm(term, position)):
        return None
    try:
        made = renumbered(narrow(law, term, position, left_to_right, MAX_HOLES).outcome)
    except ValueError:
        return None
    fits = num_nodes(made) <= size and len(holes(made)) <= MAX_HOLES
    return made if fits and made != term else None


def _is_hole(term: Term) -> bool:
    return isinstance(term, int) and term < 0


def _closed(rng: random.Random, term: Term, hard: Law) -> Term:
    """The term with the hard conclusion's variables in its holes."""
    values = {leaf: leaf for leaf in variables(term)}
    return substituted(
        term, values | {hole: rng.randrange(hard.num_variables) for hole in sorted(holes(term))}
    )


def _merged(rng: random.Random, law: Law) -> Law:
    """A law, some of its variables being the same."""
    count = law.num_variables
    values = {v: v if rng.random() < 0.5 else rng.randrange(count) for v in range(count)}
    return Law(*(substituted(side, values) for side in law.sides)).renamed()


# Hypotheses -------------------------------------------------------------------------------------


def _hypotheses(rng: random.Random, law: Law) -> list[Law]:
    """The law, or what follows from it and is not held out where it is."""
    if not _is_held_out(law):
        return [law]
    found: dict[frozenset[Law], Law] = {}
    for _ in range(_ATTEMPTS * _STAND_INS):
        made = _merged(rng, law) if rng.random() < 0.5 else _consequence(rng, law)
        if len(found) < _STAND_INS and _serves(made):
            found.setdefault(frozenset([made, laws.exchanged(made)]), made)
    return list(found.values())


def _is_held_out(law: Law) -> bool:
    number = laws.number(law)
    return number is not None and equational_problems.is_held_out(number)


def _consequence(rng: random.Random, law: Law) -> Law:
    """The law with one of its sides rewritten by itself, if that can be; holes are variables."""
    sides, side = list(law.sides), rng.randrange(2)
    made = _step(rng, law, sides[side], LAW_NODES)
    if made is None:
        return law
    new = {leaf: leaf if leaf >= 0 else law.num_variables - 1 - leaf for leaf in variables(made)}
    sides[side] = substituted(made, new)
    return Law(*sides).renamed()


def _serves(law: Law) -> bool:
    """Whether there is room for a law as a hypothesis, and it may be learnt from."""
    operations = sum(map(num_operations, law.sides))
    return (
        law.left != law.right
        and law.num_variables <= MAX_VARIABLES
        and operations <= LAW_NODES // 2 - 1
        and not _is_held_out(law)
    )
