"""Terms and laws of magmas, as people write them."""

import hypothesis
import hypothesis.strategies as st
import pytest

from selfplay_envs.proofs.magma import (
    MAX_OPERATIONS,
    Law,
    Term,
    dual,
    excerpt,
    num_operations,
    parse_law,
    show,
    substituted,
    variables,
)


def terms(most_variables: int = 6, max_leaves: int = 12) -> st.SearchStrategy[Term]:
    """Random terms."""
    leaves = st.integers(0, most_variables - 1)
    return st.recursive(leaves, lambda part: st.tuples(part, part), max_leaves=max_leaves)


def laws() -> st.SearchStrategy[Law]:
    """Random laws, their variables numbered as they occur."""
    return st.builds(Law, terms(), terms()).map(Law.renamed)


@hypothesis.given(laws())
def test_what_is_shown_is_parsed(law: Law):
    parsed, names = parse_law(str(law))
    assert parsed == law
    assert len(names) == law.num_variables


@hypothesis.given(laws())
def test_ascii_says_the_same(law: Law):
    assert parse_law(str(law).replace("◇", "*").replace(" ", "")) == parse_law(str(law))


@hypothesis.given(laws())
def test_the_dual_reads_backwards(law: Law):
    assert law.dual.dual == law
    for side in law.sides:
        assert list(variables(dual(side))) == list(variables(side))[::-1]
        assert num_operations(dual(side)) == num_operations(side) == show(side).count("◇")


@hypothesis.given(laws(), st.permutations(range(6)))
def test_names_do_not_matter(law: Law, order: list[int]):
    values = dict(enumerate(order))
    assert Law(*(substituted(side, values) for side in law.sides)).renamed() == law


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a variable or \\( at character 1"),
        ("x", "= and another term at character 2"),
        ("x ◇ y ◇ z = x", "not associative.* at character 7"),
        ("x = y = z", "the end at character 7"),
        ("(x ◇ y = z", "\\) at character 8"),
        ("x + y = z", "=, or a parenthesis at character 3.*found '\\+'"),
        ("x ◇ = y", "a variable or \\( at character 5"),
        ("x ◇ (y ◇ ) = y", "a variable or \\( at character 10"),
        ("xy = yx", "one letter.*got 'xy'.*x \\* y"),
        ("x = E5", "E5 is a law's number"),
        ("x = Equation5", "Equation5 is a law's number"),
        ("α ◇ x = x", "a variable \\(one letter a to z, .* at character 1 .*found 'α'"),
        ("x₁ ◇ x = x", "a variable \\(one letter a to z, .* at character 2 .*found '₁'"),
    ],
)
def test_what_is_no_law_is_refused_with_its_place(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        parse_law(text)


def test_of_a_long_law_its_message_repeats_what_is_around_the_place():
    term = "x * (" * 150 + "x + x" + ")" * 150
    with pytest.raises(ValueError, match=r"…\S.*x \+ x\)+…', found '\+'$") as caught:
        parse_law(f"{term} = x")
    assert len(str(caught.value)) < 300
    assert excerpt("x = y", 4) == "x = y"


def test_laws_beyond_reason_are_refused():
    most = "(" * MAX_OPERATIONS + "x" + " * x)" * MAX_OPERATIONS
    assert parse_law(f"{most} = x")[0].num_variables == 1
    with pytest.raises(ValueError, match="operations"):
        parse_law(f"{most} * x = x")
    with pytest.raises(ValueError, match="parentheses"):
        parse_law("(" * 9_999 + "x = x")
