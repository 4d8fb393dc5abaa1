"""Kripke models: what is refuted, what never is, and who checks it."""

import itertools
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest

from selfplay_envs.proofs.formula import (
    And,
    Atom,
    Falsum,
    Formula,
    Implies,
    Or,
    equivalence,
    subformulas,
)
from selfplay_envs.proofs.kripke import Model, describe, is_theorem, refute, refutes
from selfplay_envs.proofs.syntax import parse
from selfplay_envs.proofs.tptp import read_tptp
from tests.envs.proofs.test_formula import formulas

FORK = Model(((1, 2), (), ()), (frozenset(), frozenset("p"), frozenset("q")))


def small_trees() -> st.SearchStrategy[Model]:
    """Of up to five worlds; each says of which lower one it grows, and which atoms it adds."""

    def tree(grown: list[tuple[int, set[str]]]) -> Model:
        above: list[tuple[int, ...]] = [() for _ in grown]
        names = [frozenset(grown[0][1])]
        for world, (below, added) in list(enumerate(grown))[1:]:
            above[below % world] += (world,)
            names.append(names[below % world] | frozenset(added))
        return Model(tuple(above), tuple(names))

    worlds = st.tuples(st.integers(0, 4), st.sets(st.sampled_from("pq")))
    return st.lists(worlds, min_size=1, max_size=5).map(tree)


def forced(model: Model, world: int, formula: Formula) -> bool:
    """The definition, by recursion and a world's whole cone."""
    if isinstance(formula, Atom):
        return formula.name in model.atoms[world]
    if isinstance(formula, Falsum):
        return False
    if isinstance(formula, And):
        return forced(model, world, formula.left) and forced(model, world, formula.right)
    if isinstance(formula, Or):
        return forced(model, world, formula.left) or forced(model, world, formula.right)
    cone = [world]
    for other in cone:
        cone += model.above[other]
    return all(not forced(model, w, formula.left) or forced(model, w, formula.right) for w in cone)


@hypothesis.given(small_trees(), formulas("pq", max_leaves=6))
def test_the_judge_follows_the_definition(model: Model, formula: Formula):
    assert refutes(model, formula) == (not forced(model, 0, formula))


@hypothesis.given(small_trees(), formulas("pq", max_leaves=6))
def test_what_some_model_refutes_is_refuted(model: Model, formula: Formula):
    found = refute(formula)
    if refutes(model, formula):
        assert found is not None
    if found is not None:
        assert not forced(found, 0, formula)


@pytest.mark.parametrize(
    ("text", "worlds"),
    [
        ("p", 1),
        ("p ∨ ¬p", 2),
        ("((p → q) → p) → p", 2),
        ("¬¬p → p", 2),
        ("(p → q) ∨ (q → p)", 3),
        ("¬p ∨ ¬¬p", 3),
        ("¬(p ∧ q) → ¬p ∨ ¬q", 3),
        ("(¬p → q ∨ r) → (¬p → q) ∨ (¬p → r)", 4),
        ("(¬¬p → p) → p ∨ ¬p", 3),
    ],
)
def test_classical_laws_fail_in_as_few_worlds_as_they_need(text: str, worlds: int):
    model = refute(parse(text))
    assert model is not None
    assert len(model.above) == worlds
    assert not forced(model, 0, parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "p → p",
        "¬¬(p ∨ ¬p)",
        "¬¬¬p → ¬p",
        "¬(p ∨ q) ↔ ¬p ∧ ¬q",
        "¬p ∨ ¬q → ¬(p ∧ q)",
        "¬¬(((p → q) → p) → p)",
        "⊥ → p",
        "⊤",
    ],
)
def test_theorems_are_not_refuted(text: str):
    assert refute(parse(text)) is None
    assert not refutes(FORK, parse(text))


def test_few_steps_refute_nothing():
    assert refute(parse("p ∨ ¬p"), max_steps=1) is None


def test_an_exhausted_search_is_a_proof():
    assert is_theorem(parse("¬¬(p ∨ ¬p)")) is True
    assert is_theorem(parse("p ∨ ¬p")) is False
    assert is_theorem(parse("¬¬(p ∨ ¬p)"), max_steps=1) is None


def test_equivalences_in_a_circle_fail():
    names = [Atom(f"p{i}") for i in range(12)]
    formula: Formula = names[0]
    for name in itertools.islice(itertools.cycle(reversed(names)), 23):
        formula = equivalence(name, formula)
    assert len(subformulas(formula)) == 12 + 3 * 23
    model = refute(formula)
    assert model is not None
    assert refutes(model, formula)


def test_very_deep_formulas_are_looked_at():
    towers = Atom("p")
    for i in range(3000):
        towers = Or(Atom(f"q{i}"), towers) if i % 2 else Implies(towers, Atom("r"))
    refute(towers, max_steps=20_000)  # it may give up, but does not break


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Model((), ()), "at least one world"),
        (Model(((0,),), (frozenset(),)), "cannot lie above"),
        (Model(((1,), ()), (frozenset("p"), frozenset())), "must hold in 1"),
        (Model(((), ()), (frozenset(), frozenset())), "above the root"),
    ],
)
def test_what_is_no_model_is_refused(model: Model, message: str):
    with pytest.raises(ValueError, match=message):
        refutes(model, Atom("p"))


def test_a_model_is_told_to_a_person():
    assert describe(FORK).splitlines() == [
        "world 0: no atom holds; directly above it: 1, 2",
        "world 1: p holds",
        "world 2: q holds",
    ]


def test_the_library_is_not_contradicted(iltp: list[Path]):
    refuted = 0
    for path in iltp:
        problem = read_tptp(path)
        if len(subformulas(problem.formula)) > 64:
            continue
        model = refute(problem.formula, max_steps=10_000)
        assert model is None or problem.is_theorem is not True
        refuted += model is not None and problem.is_theorem is False
    assert refuted == 31  # all that there are
