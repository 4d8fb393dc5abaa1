"""How the hard formulas to practise on are made: theorems, which a short search does not prove."""

import itertools
import random

import hypothesis
import pytest

from benchmarks.propositional import hard_sources, sources
from benchmarks.propositional.generation import GAVE_UP
from benchmarks.propositional.hard_generation import (
    MAKERS,
    Arguments,
    Grader,
    Made,
    candidates,
    pool,
    spread,
)
from selfplay_envs.proofs import kripke
from selfplay_envs.proofs.formula import And, Atom, Falsum, Formula, Implies, Or, atoms
from selfplay_envs.proofs.syntax import parse
from tests.envs.proofs.test_formula import formulas


def value(formula: Formula, true: set[str]) -> bool:
    match formula:
        case Atom(name=name):
            return name in true
        case Falsum():
            return False
        case And(left=a, right=b):
            return value(a, true) and value(b, true)
        case Or(left=a, right=b):
            return value(a, true) or value(b, true)
        case Implies(left=a, right=b):
            return value(b, true) or not value(a, true)


@hypothesis.given(formulas())
def test_classical_truth_is_truth_by_all_valuations(formula: Formula):
    names = [atom.name for atom in atoms(formula)]
    subsets = itertools.chain.from_iterable(
        itertools.combinations(names, size) for size in range(len(names) + 1)
    )
    expected = all(value(formula, set(true)) for true in subsets)
    assert hard_sources.is_classical(formula) == expected


@pytest.mark.parametrize("make", MAKERS)
def test_what_is_made_is_a_theorem(make: sources.Source):
    rng = random.Random(0)
    made = [make(rng, 16) for _ in range(25)]
    statuses = [kripke.is_theorem(formula, max_steps=5_000) for formula in made]
    assert False not in statuses
    assert statuses.count(True) > 10


def test_variants_of_theorems_are_theorems():
    drawn = itertools.islice(candidates(random.Random(0), 16), 150)
    variants = [made for made in drawn if made.source in ("instance", "weakened", "composed")]
    statuses = [kripke.is_theorem(made.formula, max_steps=2_000) for made in variants]
    assert len({made.source for made in variants}) == 3
    assert False not in statuses
    assert statuses.count(True) > 30


def test_changed_sides_are_equivalent():
    rng = random.Random(0)
    before = parse("(p ↔ q ∧ r) → (q ∨ p ↔ (r ↔ ¬p))")
    after = hard_sources.turned(rng, before, 1.0)
    assert after == parse("(r ∧ q ↔ p) → ((¬p ↔ r) ↔ p ∨ q)")


def test_a_pool_has_nothing_that_is_known():
    known: set[str] = set()
    found = list(pool(random.Random(0), 32, 60, known))
    assert 30 < len(found) == len(known)
    assert list(pool(random.Random(0), 32, 60, known)) == []


def test_only_what_is_hard_is_graded():
    grade = Grader(32, Arguments(least=8, budget=200))
    easy, hard, hopeless = (
        parse(text)
        for text in ("p → p", "(((a ↔ b) ↔ c) ↔ d) ↔ (d ↔ (c ↔ (b ↔ a)))", "((p → q) → p) → p")
    )
    none, some, never = grade([easy, hard, hopeless])
    assert none is None
    assert some is not None
    assert 8 < some <= 200
    assert never == GAVE_UP


def test_a_spread_takes_from_every_source():
    def of(source: str, *evaluations: int) -> list[tuple[Made, int]]:
        return [(Made(Atom(source), source), number) for number in evaluations]

    found = [*of("a", 900, 120, 130, 140), *of("b", GAVE_UP), *of("c", 200)]
    chosen = spread(found, 4)
    assert [number for _, number in chosen] == [120, 200, 900, GAVE_UP]
