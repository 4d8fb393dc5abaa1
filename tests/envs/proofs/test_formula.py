"""Formulas as graphs: equality, depth, subformulas, and none of it recursive."""

import hypothesis
import hypothesis.strategies as st
import pytest

from selfplay_envs.proofs.formula import (
    FALSUM,
    MAX_DEPTH,
    VERUM,
    And,
    Atom,
    Formula,
    Implies,
    Or,
    atoms,
    equivalence,
    negation,
    parts,
    subformulas,
)


def formulas(names: str = "pqr", max_leaves: int = 12) -> st.SearchStrategy[Formula]:
    leaves = st.sampled_from([*map(Atom, names), FALSUM])
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda kind, left, right: kind(left, right),
            st.sampled_from([And, Or, Implies]),
            inner,
            inner,
        ),
        max_leaves=max_leaves,
    )


def rebuilt(formula: Formula) -> Formula:
    """Equal, with no node in common."""
    if isinstance(formula, Atom):
        return Atom(formula.name)
    return type(formula)(*map(rebuilt, parts(formula)))


def written(formula: Formula) -> str:
    """As plain recursion writes it."""
    if isinstance(formula, Atom):
        return formula.name
    return f"{type(formula).__name__}({','.join(map(written, parts(formula)))})"


@hypothesis.given(formulas(), formulas())
def test_equality_is_that_of_the_text(one: Formula, two: Formula):
    assert (one == two) == (written(one) == written(two))
    assert one == rebuilt(one)
    assert hash(one) == hash(rebuilt(one))


@hypothesis.given(formulas())
def test_subformulas_are_those_that_recursion_finds(formula: Formula):
    def all_of(here: Formula) -> list[Formula]:
        return [part for inner in parts(here) for part in all_of(inner)] + [here]

    found = subformulas(formula)
    assert found == list(dict.fromkeys(all_of(formula)))
    assert list(atoms(formula)) == [part for part in found if isinstance(part, Atom)]


def test_different_kinds_are_different():
    p, q = Atom("p"), Atom("q")
    different = [p, q, FALSUM, VERUM, And(p, q), Or(p, q), Implies(p, q), negation(p), And(q, p)]
    assert len(set(different)) == len(different)
    assert p != "p"


def test_a_chain_of_equivalences_is_a_graph_not_a_tree():
    def chain() -> Formula:
        formula: Formula = Atom("p0")
        for i in range(1, 60):
            formula = equivalence(Atom(f"p{i}"), formula)
        return formula

    assert chain() == chain()
    assert len(subformulas(chain())) == 60 + 3 * 59
    assert len(repr(chain())) < 1000


def test_deep_formulas_are_fine_up_to_the_limit():
    def tower(height: int) -> Formula:
        formula: Formula = Atom("p")
        for _ in range(height - 1):
            formula = negation(formula)
        return formula

    assert tower(MAX_DEPTH).depth == MAX_DEPTH
    assert tower(MAX_DEPTH) == tower(MAX_DEPTH)
    assert len(subformulas(tower(MAX_DEPTH))) == MAX_DEPTH + 1
    assert repr(tower(MAX_DEPTH)).endswith("…")
    with pytest.raises(ValueError, match="at most 10,000 levels"):
        tower(MAX_DEPTH + 1)


def test_repr_says_what_would_build_it():
    assert repr(Implies(And(Atom("p"), FALSUM), Atom("q"))) == "Implies(And('p', FALSUM), 'q')"
