"""Unification and narrowing, by what they are to yield: instances that are equal, of which all
others are instances."""

import hypothesis
import hypothesis.strategies as st
import pytest

from selfplay_envs.proofs.magma import Law, Term, parse_law, show
from selfplay_envs.proofs.narrowing import filled, holes, narrow, renumbered, unify
from selfplay_envs.proofs.rewriting import Rewriting, apply, matched, num_nodes, subterm
from tests.envs.proofs.test_magma import laws, terms

FRESH = 20


def open_terms(most_constants: int = 2, most_holes: int = 3) -> st.SearchStrategy[Term]:
    """Random terms with holes."""
    leaves = st.integers(-most_holes, most_constants - 1)
    return st.recursive(leaves, lambda part: st.tuples(part, part), max_leaves=8)


@hypothesis.given(open_terms(), open_terms())
def test_what_unifies_becomes_one(left: Term, right: Term):
    values = unify(left, right)
    assert (values is None) == (unify(right, left) is None)
    if values is not None:
        assert filled(left, values) == filled(right, values)
        assert not holes(filled(left, values)) & set(values)


@hypothesis.given(open_terms(), st.lists(terms(2, 3), min_size=3, max_size=3), st.data())
def test_what_has_a_common_instance_unifies_most_generally(pattern: Term, values: list[Term], data):
    """Of a term, and a generalisation of one of its instances."""
    given = {-1 - i: value for i, value in enumerate(values)}
    instance = filled(pattern, given)
    other = instance
    for hole in (-10, -11):
        part = subterm(other, data.draw(st.integers(0, num_nodes(other) - 1)))
        other = _without(other, part, hole)
    unifier = unify(pattern, other)
    assert unifier is not None
    assert _is_instance(instance, filled(pattern, unifier))


def _without(term: Term, part: Term, hole: int) -> Term:
    """The term with a hole in place of all occurrences of a part."""
    if term == part:
        return hole
    if isinstance(term, int):
        return term
    return _without(term[0], part, hole), _without(term[1], part, hole)


def _is_instance(term: Term, general: Term) -> bool:
    """By matching, holes being its pattern's variables and constants what they are."""
    found = matched(_shifted(general), _shifted(term))
    return found is not None and all(v == w for v, w in found.items() if v < FRESH)


def _shifted(term: Term) -> Term:
    """Holes as numbers from `FRESH` on."""
    if isinstance(term, int):
        return FRESH - term if term < 0 else term
    return _shifted(term[0]), _shifted(term[1])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (-1, (-1, 0)),
        ((-1, -2), ((-2, 0), (-1, 0))),
        ((-1, -1), (-2, (-2, -3))),
        ((-1, -1), (0, 1)),
        (0, 1),
        (0, (-1, -2)),
    ],
)
def test_what_has_no_common_instance(left: Term, right: Term):
    assert unify(left, right) is None


def test_what_is_shared_is_compared_once_and_not_written_out():
    left, right = -1, -2
    for hole in range(3, 120, 2):
        left, right = (left, (-hole, -hole)), (right, (-hole - 1, -hole - 1))
    doubling: dict[int, Term] = {-hole: (-hole - 1, -hole - 1) for hole in range(1, 100)}
    assert unify(left, right) is not None
    with pytest.raises(OverflowError, match="symbols and depth 99; the most are"):
        filled(-1, doubling)
    with pytest.raises(OverflowError, match="deeper than 200"):
        filled(-1, {-hole: (-hole - 1, 0) for hole in range(1, 300)})


@hypothesis.given(laws(), open_terms(), st.booleans(), st.data())
def test_every_filling_of_a_narrowing_is_a_rewriting(law: Law, side: Term, forwards, data):
    position = data.draw(st.integers(0, num_nodes(side) - 1))
    try:
        found = narrow(law, side, position, forwards, FRESH)
    except ValueError:
        return
    ground = {-1 - hole: hole % 2 for hole in range(FRESH + law.num_variables)} | found.values
    instance = tuple(filled(value, ground) for value in found.instance)
    before, after = filled(side, ground), filled(found.outcome, ground)
    step = Rewriting(0, _moved(side, position, ground), forwards, instance)
    assert apply(law, Law(before, 0), step).left == after


def _moved(side: Term, position: int, values: dict[int, Term]) -> int:
    """Of a subterm, where it is when holes are filled."""
    if position == 0:
        return 0
    assert isinstance(side, tuple)
    on_left = num_nodes(side[0])
    if position <= on_left:
        return 1 + _moved(side[0], position - 1, values)
    right = _moved(side[1], position - 1 - on_left, values)
    return 1 + num_nodes(filled(side[0], values)) + right


def test_narrowing_by_hand():
    """Nothing is drawn for y, and what was open is filled where a rewriting asks for it."""
    law = parse_law("x = (y * x) * y")[0]
    opened = narrow(law, 0, 0, True, 0)
    assert show(renumbered(opened.outcome)) == "(?1 ◇ x) ◇ ?1"
    again = narrow(law, opened.outcome, 4, False, 2)
    assert show(renumbered(again.outcome)) == "(((?1 ◇ ?2) ◇ ?1) ◇ x) ◇ ?2"
    with pytest.raises(ValueError, match="no instance"):
        narrow(law, (0, 1), 0, False, 0)
    with pytest.raises(ValueError, match="no position 3"):
        narrow(law, (0, 1), 3, True, 0)


@hypothesis.given(open_terms(2, 6))
def test_renumbered_differs_by_names_alone(term: Term):
    new = renumbered(term)
    assert renumbered(new) == new
    assert _is_instance(term, new)
    assert _is_instance(new, term)
