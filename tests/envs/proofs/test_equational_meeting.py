"""Sides that meet, against unification of terms."""

import hypothesis
import hypothesis.strategies as st

from selfplay_envs.proofs.equational_meeting import SidesMeet
from selfplay_envs.proofs.magma import Term
from selfplay_envs.proofs.narrowing import filled, renumbered, unify
from tests.envs.proofs.test_narrowing import open_terms

SIZE = 31


def end(term: Term) -> bytes:
    """1 for ◇, 2 + v for constant v, 8 + h for hole h; then 0."""

    def codes(term: Term) -> list[int]:
        if isinstance(term, int):
            return [2 + term if term >= 0 else 7 - term]
        return [1, *codes(term[0]), *codes(term[1])]

    return bytes(codes(term)).ljust(SIZE, b"\0")


def apart(term: Term) -> Term:
    """With other holes."""
    if isinstance(term, int):
        return term - 10 if term < 0 else term
    return apart(term[0]), apart(term[1])


def compatible(left: Term, right: Term) -> bool:
    sets = zip(SidesMeet().features(end(left)), SidesMeet().features(end(right)), strict=True)
    return all(one & other for one, other in sets)


@hypothesis.settings(max_examples=400)
@hypothesis.given(open_terms(), open_terms(), st.booleans())
def test_sides_meet_where_they_unify(left: Term, right: Term, numbered: bool):
    if numbered:  # as sides are
        left, right = renumbered(left), renumbered(right)
    values = unify(left, apart(right))
    assert SidesMeet().meets(end(left), end(right)) == (values is not None)
    assert SidesMeet().meets(end(right), end(left)) == (values is not None)
    if values is not None:
        assert compatible(left, right)


def at(term: Term, place: int) -> "Term | None":
    """What is at a place of a binary tree by levels; None where the term has ended above."""
    for bit in bin(place + 1)[3:]:
        if not isinstance(term, tuple):
            return None
        term = term[int(bit)]
    return term


@hypothesis.given(open_terms(6, 6), st.lists(open_terms(), min_size=6, max_size=6))
def test_features_have_what_any_filling_has(term: Term, values: list[Term]):
    features = SidesMeet().features(end(term))
    assert len(features) == 31
    given = {-1 - i: apart(value) for i, value in enumerate(values)}
    for place, here in enumerate(features):
        there = at(filled(term, given), place)
        if there is None:
            assert here & 128
        elif isinstance(there, tuple):
            assert here & 1
        elif there >= 0:
            assert here & 2 << there
    if "-" not in str(term):
        assert all(here.bit_count() == 1 for here in features)


def test_features_by_hand():
    nothing = 128
    assert SidesMeet().features(end(1)) == (4, *[nothing] * 30)
    assert SidesMeet().features(end(-1)) == (127, *[255] * 30)
    term = ((0, -1), 5)
    below = [nothing] * 2 + [255] * 2 + [nothing] * 4
    below += [nothing] * 4 + [255] * 4 + [nothing] * 8
    assert SidesMeet().features(end(term)) == (1, 1, 64, 2, 127, nothing, nothing, *below)


def test_pairs_by_hand():
    pairs = [
        (((0, 1), 0), ((0, 1), 0), True),
        (((0, 1), 0), ((0, 1), 1), False),
        (-1, (-1, 0), True),
        ((-1, -1), (0, 1), False),
        ((-1, -1), (-1, -2), True),
        ((-1, -1), (-1, (-1, -1)), False),
        ((-1, -1), ((-1, 0), (0, -2)), True),
        ((-1, (-1, 0)), (-1, -1), False),
    ]
    for left, right, known in pairs:
        assert SidesMeet().meets(end(left), end(right)) == known
