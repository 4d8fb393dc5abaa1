"""Rewritings in plain Python: against preorder written out, and truth in small magmas."""

import functools
import itertools
import random

import hypothesis
import hypothesis.strategies as st
import pytest

from benchmarks.equational import walks
from selfplay_envs.proofs.magma import Law, Term, parse_law, substituted
from selfplay_envs.proofs.rewriting import (
    Implication,
    Rewriting,
    apply,
    between,
    chain,
    chain_of,
    instantiated,
    matched,
    num_nodes,
    path,
    replaced,
    replay,
    subterm,
)
from tests.envs.proofs.test_magma import laws, terms

ROTATION = parse_law("x = (y * x) * y")[0]


@functools.cache
def proofs() -> list[walks.Proof]:
    return walks.proofs(60, 8, 31, random.Random(0))


def written_out(term: Term) -> list[Term]:
    """Subterms in preorder."""
    return [term] if isinstance(term, int) else [term, *itertools.chain(*map(written_out, term))]


@hypothesis.given(terms(), terms(), st.data())
def test_positions_are_places_in_preorder(term: Term, new: Term, data):
    subterms = written_out(term)
    assert [subterm(term, i) for i in range(num_nodes(term))] == subterms
    place = data.draw(st.integers(0, len(subterms) - 1))
    size = num_nodes(subterms[place])
    put = replaced(term, place, new)
    assert subterm(put, place) == new
    assert written_out(put)[place + num_nodes(new) :][:9] == subterms[place + size :][:9]
    assert replaced(put, place, subterms[place]) == term
    assert path(put, place) == path(term, place)
    for outside in (-1, len(subterms)):
        with pytest.raises(ValueError, match=f"no position {outside}"):
            subterm(term, outside)


@hypothesis.given(terms(), terms(3, 4), st.lists(terms(), min_size=6, max_size=6))
def test_matching_finds_instances_and_nothing_else(term: Term, pattern: Term, values: list[Term]):
    instance = substituted(pattern, dict(enumerate(values)))
    found = matched(pattern, instance)
    assert found is not None
    assert substituted(pattern, found) == instance
    found = matched(pattern, term)
    assert found is None or substituted(pattern, found) == term


def test_what_is_proved_holds_in_every_magma_of_two_elements():
    pairs = list(itertools.product((0, 1), repeat=2))
    tables = [dict(zip(pairs, t, strict=True)) for t in itertools.product((0, 1), repeat=4)]

    def value(term: Term, at: tuple[int, ...], table) -> int:
        if isinstance(term, int):
            return at[term]
        return table[value(term[0], at, table), value(term[1], at, table)]

    def holds(law: Law, num_variables: int, table) -> bool:
        return all(
            value(law.left, at, table) == value(law.right, at, table)
            for at in itertools.product((0, 1), repeat=num_variables)
        )

    models = 0
    for proof in proofs():
        for table in tables:
            law, constants = proof.problem.hypothesis, proof.problem.conclusion.num_variables
            if holds(law, law.num_variables, table):
                models += 1
                for goal in replay(proof.problem, proof.steps):
                    assert holds(goal, constants, table)
    assert models > 60


def test_a_chain_leads_from_side_to_side_without_detours():
    shorter = 0
    for proof in proofs():
        way = chain(proof.problem, proof.steps)
        assert (way.terms[0], way.terms[-1]) == proof.problem.conclusion.sides
        assert len(set(way.terms)) == len(way.terms) == len(way.steps) + 1
        assert chain(proof.problem, way.steps) == way
        shorter += len(way.steps) < len(proof.steps)
        found = chain_of(proof.problem.hypothesis, way.terms)
        assert chain(proof.problem, found.steps) == found
    assert shorter > 10


def test_a_step_is_undone_by_its_reverse():
    for proof in proofs():
        before = proof.problem.conclusion
        for step in proof.steps:
            after = apply(proof.problem.hypothesis, before, step)
            assert apply(proof.problem.hypothesis, after, step.reverse) == before
            before = after


@hypothesis.given(laws(), st.lists(terms(), min_size=6, max_size=6))
def test_steps_between_terms_are_found(law: Law, values: list[Term]):
    step = Rewriting(0, 3, False, tuple(values[: law.num_variables]))
    old, new = instantiated(law, step).sides
    around = ((0, 1), (0, (0, 1)))
    before, after = replaced(around, 3, old), replaced(around, 3, new)
    if before != after:
        found = between(law, before, after)
        assert apply(law, Law(before, 0), found).left == after


def test_what_fits_nowhere_is_refused():
    goal = parse_law("x * y = y")[0]
    step = Rewriting(0, 0, True, ((0, 1), 0))
    assert apply(ROTATION, goal, step).left == ((0, (0, 1)), 0)
    for wrong, message in [
        (Rewriting(2, 0, True, (0, 1)), "sides 0 and 1, got 2"),
        (Rewriting(0, 3, True, (0, 1)), "no position 3"),
        (Rewriting(0, 1, True, (1, 0)), "no instance"),
        (Rewriting(0, 0, False, ((0, 1), 0)), "no instance"),
        (Rewriting(0, 0, True, ((0, 1),)), "has 2 variables, got 1 terms"),
    ]:
        with pytest.raises(ValueError, match=message):
            apply(ROTATION, goal, wrong)
    with pytest.raises(ValueError, match=r"the steps prove nothing of .* they lead to"):
        chain(Implication(ROTATION, goal), [step])
    with pytest.raises(ValueError, match=r"without gaps, got \[0, 2\]"):
        Implication(ROTATION, Law(0, 2))
    for after in (0, ((0, 0), 1), ((1, 0), 0)):
        with pytest.raises(ValueError, match="in one step"):
            between(ROTATION, (0, 1), after)
