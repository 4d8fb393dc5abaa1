"""Formulas like one: what is left out changes nothing, says a prover; and none is held out."""

import random

import hypothesis
import hypothesis.strategies as st

from benchmarks.propositional import g4ip
from selfplay_envs.proofs.formula import (
    FALSUM,
    VERUM,
    And,
    Atom,
    Formula,
    Implies,
    Or,
    equivalence,
    parts,
    subformulas,
)
from selfplay_envs.proofs.formula_neighbours import neighbours, with_replaced
from selfplay_envs.proofs.formula_problems import canonical_key, is_held_out
from tests.envs.proofs.formulas import any_formula


def plainly(formula: Formula, old: Formula, new: Formula) -> Formula:
    if formula == old:
        return new
    if not isinstance(formula, And | Or | Implies):
        return formula
    left, right = (plainly(side, old, new) for side in parts(formula))
    return type(formula)(left, right)


def chain(names: str, backwards: bool = False) -> Formula:
    """((a ↔ b) ↔ c) …, or … (c ↔ (b ↔ a))."""
    first, *rest = map(Atom, names)
    made: Formula = first
    for atom in rest:
        made = equivalence(atom, made) if backwards else equivalence(made, atom)
    return made


def turned(names: str) -> Formula:
    return equivalence(chain(names), chain(names, backwards=True))


@hypothesis.settings(max_examples=50)
@hypothesis.given(st.integers(0, 2**32), st.sampled_from([VERUM, FALSUM, Atom("q"), Atom("r")]))
def test_what_is_left_out_changes_nothing(seed: int, new: Formula):
    formula = any_formula(random.Random(seed), 8, 2)
    old = Atom("p")
    made, plain = with_replaced(formula, {old: new}), plainly(formula, old, new)
    assert len(subformulas(made)) <= len(subformulas(plain))
    if made != plain:
        assert g4ip.prove(equivalence(made, plain)).outcome is g4ip.Outcome.THEOREM


def test_neighbours_are_different_small_enough_and_not_held_out():
    formula = turned("abcd")
    found = neighbours(formula, 200, 32, seed=0)
    assert len(found) == 200
    assert formula in found
    assert len({canonical_key(one) for one in found}) == 200
    sizes = [len(subformulas(one)) for one in found]
    assert sizes == sorted(sizes)
    assert sizes[-1] <= 32
    assert not any(is_held_out(one) for one in found if one != formula)
    assert neighbours(formula, 200, 32, seed=0) == found
    assert neighbours(formula, 200, 32, seed=1) != found


def test_one_that_is_held_out_is_among_its_own():
    rng = random.Random(0)
    formula = next(f for f in (any_formula(rng, 9, 3) for _ in range(1000)) if is_held_out(f))
    found = neighbours(formula, 50, 32, seed=0)
    assert [one for one in found if is_held_out(one)] == [formula]


def test_a_chain_has_shorter_chains_among_its_neighbours():
    keys = {canonical_key(one) for one in neighbours(turned("abcde"), 200, 64, seed=0)}
    assert {canonical_key(turned(names)) for names in ("abcd", "abc")} <= keys


def test_an_atom_has_no_neighbours_but_more_hypotheses():
    found = neighbours(Atom("p"), 10, 16, seed=0)
    assert Atom("p") in found
    assert all(isinstance(one, Implies) for one in found if one != Atom("p"))
