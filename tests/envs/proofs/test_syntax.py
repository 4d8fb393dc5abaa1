"""Formulas as people write them, in and out."""

import hypothesis
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
    equivalence,
    negation,
)
from selfplay_envs.proofs.syntax import parse, show
from tests.envs.proofs.test_formula import formulas

P, Q, R = map(Atom, "pqr")


@hypothesis.given(formulas())
def test_what_is_shown_is_parsed(formula: Formula):
    assert parse(show(formula)) == formula


@hypothesis.given(formulas())
def test_ascii_says_the_same(formula: Formula):
    text = show(formula)
    for sign, ascii_sign in zip(
        "∧∨→↔¬⊥⊤", ["/\\", "\\/", "->", "<->", "~", " false ", " true "], strict=True
    ):
        text = text.replace(sign, ascii_sign)
    assert text.isascii()
    assert parse(text) == formula


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("p & q | r => ~p", Implies(Or(And(P, Q), R), negation(P))),
        ("p -> q -> r", Implies(P, Implies(Q, R))),
        ("(p → q) → r", Implies(Implies(P, Q), R)),
        ("p∧q∧r", And(P, And(Q, R))),
        ("p || q && !r", Or(P, And(Q, negation(R)))),
        ("p <=> q", equivalence(P, Q)),
        ("p → q ↔ r", equivalence(Implies(P, Q), R)),
        ("¬¬p", negation(negation(P))),
        ("~~~false", negation(negation(VERUM))),
        ("true", VERUM),
        ("((⊥))", FALSUM),
        ("fun ∧ λ₁'", And(Atom("fun"), Atom("λ₁'"))),
        ("falsehood\n or_", None),
    ],
)
def test_known_readings(text: str, formula: Formula | None):
    if formula is None:
        with pytest.raises(ValueError, match="character 12"):
            parse(text)
    else:
        assert parse(text) == formula


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (Implies(Implies(Implies(P, Q), P), P), "((p → q) → p) → p"),
        (Or(P, negation(P)), "p ∨ ¬p"),
        (negation(And(P, Or(Q, R))), "¬(p ∧ (q ∨ r))"),
        (And(And(P, Q), R), "(p ∧ q) ∧ r"),
        (equivalence(P, equivalence(Q, R)), "p ↔ (q ↔ r)"),
        (negation(FALSUM), "⊤"),
        (Implies(P, Implies(Q, R)), "p → q → r"),
    ],
)
def test_few_parentheses(formula: Formula, text: str):
    assert show(formula) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at the end: an atom"),
        ("p → ", "at the end: an atom"),
        ("p q", "at character 3: ∧, ∨, →, ↔ or the end was expected, but there is 'q'"),
        ("(p q)", "at character 4: ∧, ∨, →, ↔ or \\)"),
        ("→ p", "at character 1: an atom"),
        ("(p → q", "the \\( at character 1 is still open"),
        ("p)", "at character 2: the end, for no \\( is open"),
        ("p ↔ q ↔ r", "at character 7: ↔ and ↔ beside each other need parentheses"),
        ("p ∧ $", "at character 5: '\\$' is not a sign of logic"),
        ("p ∧ 1", "at character 5: '1' is not"),
    ],
)
def test_errors_say_where_and_what_was_expected(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_deep_texts():
    deep = parse("¬" * (MAX_DEPTH - 1) + "p")
    assert parse(show(deep)) == deep
    assert parse("(" * 50_000 + "p" + ")" * 50_000) == P
    with pytest.raises(ValueError, match="levels"):
        parse("p → " * MAX_DEPTH + "p")


def test_a_chain_of_equivalences_is_shown_as_one():
    text = "p0" + "".join(f" ↔ (p{i}" for i in range(1, 40)) + " ↔ q" + ")" * 39
    assert show(parse(text)) == text
