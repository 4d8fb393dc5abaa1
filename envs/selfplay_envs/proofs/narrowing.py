"""Terms with holes, which stand for any term, and most general rewritings of them.

Plain Python on terms as in `magma`, of which negative numbers are holes: hole h is -1 - h. A
rewriting by a law unifies one of its sides with a subterm and leaves open what that leaves open
(J.-M. Hullot 1980, "Canonical forms and unification", section 3). Unification as in F. Baader,
T. Nipkow, "Term Rewriting and All That", 1998, section 4.6.
"""

import dataclasses
from collections.abc import Mapping
from typing import TypeGuard

from selfplay_envs.proofs.magma import Law, Term, substituted, variables
from selfplay_envs.proofs.rewriting import replaced, subterm

MAX_NODES, MAX_DEPTH = 10_000, 200
"""Of a term whose holes are filled."""


@dataclasses.dataclass(frozen=True)
class Narrowing:
    """A most general rewriting of one side."""

    outcome: Term
    """What the side becomes."""
    instance: tuple[Term, ...]
    """What each of the law's variables stands for, by number: holes that are new."""
    values: dict[int, Term]
    """What has become of holes, new and old ones; as `unify` gives it."""


def narrow(law: Law, side: Term, position: int, left_to_right: bool, fresh: int) -> Narrowing:
    """The most general rewriting at a position, whose holes are new from number `fresh` on.

    Raises ValueError where there is no such position, nothing is an instance of both, or the
    outcome is too large.
    """
    instance = tuple(-1 - hole for hole in range(fresh, fresh + law.num_variables))
    new = dict(enumerate(instance))
    before, after = (substituted(each, new) for each in law.sides[:: 1 if left_to_right else -1])
    values = unify(before, subterm(side, position))
    if values is None:
        raise ValueError("no instance of the subterm there is one of the law's side")
    try:
        outcome = filled(replaced(side, position, after), values)
    except OverflowError as error:
        raise ValueError(str(error)) from error
    return Narrowing(outcome, instance, values)


def unify(left: Term, right: Term) -> dict[int, Term] | None:
    """Values of holes with which two terms become one, the most general ones; None if none do.

    Values may have holes that have values themselves, but none in a circle: `filled` puts them in.
    """
    values: dict[int, Term] = {}
    seen: set[tuple[Term, Term]] = set()  # so that what is shared is compared once
    waiting = [(left, right)]
    while waiting:
        one, other = (_value(term, values) for term in waiting.pop())
        if one == other or (one, other) in seen:
            continue
        seen.add((one, other))
        if _is_hole(one):
            values[one] = other
        elif _is_hole(other):
            values[other] = one
        elif isinstance(one, int) or isinstance(other, int):
            return None
        else:
            waiting += zip(one, other, strict=True)
    return None if _has_circle({hole: holes(term) for hole, term in values.items()}) else values


def _value(term: Term, values: Mapping[int, Term]) -> Term:
    """Of a hole, its value's value and so on; of any other term itself."""
    while isinstance(term, int) and term in values:
        term = values[term]
    return term


def _is_hole(term: Term) -> TypeGuard[int]:
    return isinstance(term, int) and term < 0


def _has_circle(needed: dict[int, set[int]]) -> bool:
    """Whether one of these needs itself, by way of others."""
    rest = set(needed)
    while free := {each for each in rest if not needed[each] & rest}:
        rest -= free
    return bool(rest)


def holes(term: Term) -> set[int]:
    """Those that occur."""
    return {leaf for leaf in variables(term) if leaf < 0}


def filled(term: Term, values: Mapping[int, Term]) -> Term:
    """The term with values in place of its holes, and of theirs, until none of them has any.

    Raises OverflowError if it has more than `MAX_NODES` symbols, or is deeper than `MAX_DEPTH`.
    """
    known: dict[int, tuple[int, int]] = {}
    terms: dict[int, Term] = {}

    def measured(term: Term, level: int) -> tuple[int, int]:
        """Symbols and depth, before it is built: it may be exponential in its parts."""
        if level > MAX_DEPTH:
            raise OverflowError(f"a term with its holes filled is deeper than {MAX_DEPTH}")
        if isinstance(term, int):
            if term in values and term not in known:
                known[term] = measured(values[term], level)
            return known.get(term, (1, 0))
        left, right = (measured(part, level + 1) for part in term)
        return 1 + left[0] + right[0], 1 + max(left[1], right[1])

    def built(term: Term) -> Term:
        if not isinstance(term, int):
            return built(term[0]), built(term[1])
        if term in values and term not in terms:
            terms[term] = built(values[term])
        return terms.get(term, term)

    symbols, depth = measured(term, 0)
    if symbols > MAX_NODES or depth > MAX_DEPTH:
        raise OverflowError(
            f"a term with its holes filled has {symbols} symbols and depth {depth}; the most are "
            f"{MAX_NODES:,} and {MAX_DEPTH}"
        )
    return built(term)


def renumbered(term: Term) -> Term:
    """Its holes numbered as they occur: equal for terms that differ by names of holes."""
    order = dict.fromkeys(v for v in variables(term) if v < 0)
    names = {v: v for v in variables(term)} | {hole: -1 - i for i, hole in enumerate(order)}
    return substituted(term, names)
