"""The depth-first prover, against truth tables, models, and known statuses."""

import itertools
from pathlib import Path

import hypothesis
import pytest

from benchmarks.propositional.g4ip import Outcome, prove
from selfplay_envs.proofs.formula import Atom, Formula, Implies, Or, negation, subformulas
from selfplay_envs.proofs.kripke import Model, refute, refutes
from selfplay_envs.proofs.syntax import parse
from selfplay_envs.proofs.tptp import read_tptp
from tests.envs.proofs.conftest import data, iltp
from tests.envs.proofs.test_formula import formulas

__all__ = ["data", "iltp"]  # fixtures


def is_theorem(formula: Formula) -> bool:
    result = prove(formula)
    assert result.outcome is not Outcome.OUT_OF_TIME
    return result.outcome is Outcome.THEOREM


@pytest.mark.parametrize(
    "text",
    [
        "p → p",
        "(p → q → r) → (p → q) → p → r",
        "¬¬(p ∨ ¬p)",
        "¬¬(((p → q) → p) → p)",
        "¬(p ∨ q) ↔ ¬p ∧ ¬q",
        "p ∧ (q ∨ r) ↔ p ∧ q ∨ p ∧ r",
        "(p → r) ∧ (q → r) → p ∨ q → r",
        "((p → q) → r) → q → r",
        "(((((p → q) → p) → p) → q) → q)",
        "¬(p ↔ ¬p)",
        "⊥ → p",
        "p ∨ q → q ∨ p",
    ],
)
def test_theorems(text: str):
    assert is_theorem(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "p ∨ ¬p",
        "((p → q) → p) → p",
        "¬¬p → p",
        "¬(p ∧ q) → ¬p ∨ ¬q",
        "(p → q) ∨ (q → p)",
        "(p → q ∨ r) → (p → q) ∨ (p → r)",
        "¬p ∨ ¬¬p",
        "⊥",
        "p",
    ],
)
def test_non_theorems(text: str):
    assert not is_theorem(parse(text))


@hypothesis.given(formulas(max_leaves=9))
def test_a_formula_is_proved_or_refuted_and_never_both(formula: Formula):
    model = refute(formula)
    assert is_theorem(formula) == (model is None)


@hypothesis.given(formulas(max_leaves=9))
def test_glivenko(formula: Formula):
    """¬¬f is provable where f is true in all worlds that stand alone, by truth tables."""
    rows = itertools.product(*[[frozenset(), frozenset(name)] for name in "pqr"])
    tables = [Model(((),), (frozenset().union(*row),)) for row in rows]
    assert is_theorem(negation(negation(formula))) == (
        not any(refutes(table, formula) for table in tables)
    )


def test_an_end_is_an_outcome():
    assert prove(parse("p → p"), max_expansions=1).outcome is Outcome.OUT_OF_TIME
    assert prove(parse("p → p")).expansions == 2
    hard = parse(" → ".join(f"(p{i} ∨ q{i})" for i in range(20)) + " → r")
    assert prove(hard, seconds=0.0).outcome is Outcome.NOT  # looks at the clock now and then
    hard = Implies(hard, Atom("s"))
    for i in range(12):
        hard = Implies(Or(hard, Atom(f"u{i}")), Or(Atom("v"), hard))
    result = prove(hard, seconds=0.0)
    assert result.outcome is Outcome.OUT_OF_TIME
    assert result.expansions < 300


def test_the_same_expansions_every_time():
    formula = parse("¬¬((p ∨ q) ∧ (r ∨ ¬r) ↔ (q ∨ p) ∧ ¬¬(r ∨ ¬r))")
    assert prove(formula) == prove(formula)


def test_proofs_may_be_very_deep():
    formula: Formula = Atom("p0")
    for i in range(1, 4000):
        formula = Or(Atom(f"p{i}"), formula)
    assert is_theorem(Implies(Atom("p0"), formula))


def test_statuses_of_the_library(iltp: list[Path]):
    proved = settled = 0
    for path in iltp:
        problem = read_tptp(path)
        if len(subformulas(problem.formula)) > 64:
            continue
        outcome = prove(problem.formula, max_expansions=10_000).outcome
        if outcome is not Outcome.OUT_OF_TIME and problem.is_theorem is not None:
            assert (outcome is Outcome.THEOREM) == problem.is_theorem, path.name
        proved += outcome is Outcome.THEOREM
        settled += outcome is Outcome.NOT
    assert proved >= 38  # of 45
    assert settled >= 22  # of 31
