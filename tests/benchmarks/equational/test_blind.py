"""Blind rewriting, against plain rules for one step, models, and known statuses."""

import itertools

import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.equational import pairs
from benchmarks.equational.blind import prove, reached
from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma import Law, Term, parse_law


def fit(pattern: Term, term: Term, values: dict[int, Term]) -> dict[int, Term] | None:
    """The values with those that make the pattern the term."""
    if isinstance(pattern, int):
        return values | {pattern: term} if values.get(pattern, term) == term else None
    if isinstance(term, int):
        return None
    left = fit(pattern[0], term[0], values)
    return None if left is None else fit(pattern[1], term[1], left)


def is_step(law: Law, before: Term, after: Term) -> bool:
    for source, target in (law.sides, law.sides[::-1]):
        values = fit(source, before, {})
        if values is not None and fit(target, after, values) is not None:
            return True
    if isinstance(before, int) or isinstance(after, int):
        return False
    (a, b), (c, d) = before, after
    return (a == c and is_step(law, b, d)) or (b == d and is_step(law, a, c))


def accept(hypothesis: Law, conclusion: Law, chain: tuple[Term, ...]):
    assert (chain[0], chain[-1]) == conclusion.sides
    assert all(is_step(hypothesis, a, b) for a, b in itertools.pairwise(chain))


def law(number: int) -> Law:
    return laws()[number - 1]


@pytest.mark.parametrize("stratum", [s for s in pairs.STRATA if s != pairs.FALSE])
def test_chains_are_rewritings_by_the_law(stratum: str):
    proved = 0
    for hypothesis, conclusion in pairs.read()[stratum][::10]:
        found = prove(law(hypothesis), law(conclusion), budget=200, max_size=31)
        assert found.expansions <= 200
        if found.chain is not None:
            proved += 1
            accept(law(hypothesis), law(conclusion), found.chain)
    assert proved >= 2


def test_nothing_false_is_proved():
    for hypothesis, conclusion in pairs.read()[pairs.FALSE][::5]:
        assert prove(law(hypothesis), law(conclusion), budget=50, max_size=31).chain is None


def test_a_known_proof():
    """y = (x ◇ y) ◇ x, so that y ◇ (x ◇ y) = ((x ◇ y) ◇ x) ◇ (x ◇ y), which is x."""
    hypothesis, _ = parse_law("x = (y ◇ x) ◇ y")
    conclusion, _ = parse_law("x = y ◇ (x ◇ y)")
    found = prove(hypothesis, conclusion)
    assert found.chain is not None
    assert len(found.chain) == 3
    accept(hypothesis, conclusion, found.chain)
    itself, _ = parse_law("x ◇ y = x ◇ y")
    assert prove(hypothesis, itself).chain == (itself.left,)


def test_a_law_without_use_is_exhausted():
    hypothesis, _ = parse_law("x ◇ (x ◇ x) = (x ◇ x) ◇ x")
    conclusion, _ = parse_law("x ◇ y = y ◇ x")
    found = prove(hypothesis, conclusion)
    assert (found.chain, found.expansions) == (None, 2)


def test_what_is_reached_holds_where_the_law_does():
    """In integers under subtraction x - (x - y) = y, and what follows is true there as well."""
    hypothesis, _ = parse_law("y = x ◇ (x ◇ y)")

    def value(term: Term, at: tuple[int, ...]) -> int:
        return at[term] if isinstance(term, int) else value(term[0], at) - value(term[1], at)

    terms = reached(hypothesis, 0, 2, budget=50)
    assert len(terms) > 4
    for at in ((1, 2), (3, -7)):
        assert {value(term, at) for term in terms} == {at[0]}


def test_a_side_that_does_not_fit():
    with pytest.raises(ValueError, match=r"at most max_size=3 .* one has 5"):
        prove(*parse_law("x = x")[:1], law(8), max_size=3)
