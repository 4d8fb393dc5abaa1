"""The slow rules of equational reasoning are sound, and as general as can be."""

import hypothesis
import hypothesis.strategies as st

from selfplay_envs.proofs.magma import Law, Term, parse_law
from selfplay_envs.proofs.narrowing import filled, holes, narrow, renumbered
from selfplay_envs.proofs.rewriting import num_nodes
from tests.envs.proofs.test_magma import laws
from tests.envs.proofs.test_narrowing import FRESH, open_terms
from tests.reference.equational import MAX_HOLES, allowed

SIZE = 31


@hypothesis.settings(max_examples=200)
@hypothesis.given(laws(), open_terms().map(renumbered))
def test_what_is_allowed_is_most_general(law: Law, side: Term):
    for (direction, place), outcome in allowed(law, side, SIZE).items():
        found = narrow(law, side, place, direction == 0, FRESH)
        assert renumbered(found.outcome) == outcome
        assert num_nodes(outcome) <= SIZE and len(holes(outcome)) <= MAX_HOLES


def small() -> st.SearchStrategy[Law]:
    """Laws that fit often."""
    leaves = st.integers(0, 2)
    sides = st.recursive(leaves, lambda part: st.tuples(part, part), max_leaves=4)
    return st.builds(Law, sides, sides).map(Law.renamed)


@hypothesis.settings(max_examples=200)
@hypothesis.given(small(), open_terms().map(renumbered))
def test_what_is_most_general_is_allowed_where_no_hole_was_met(law: Law, side: Term):
    """Of a term without holes all is that fits."""
    ground = filled(side, dict.fromkeys(holes(side), 0))
    there = allowed(law, ground, SIZE)
    for direction in range(2):
        for place in range(num_nodes(ground)):
            try:
                outcome = renumbered(narrow(law, ground, place, direction == 0, FRESH).outcome)
            except ValueError:
                outcome = None
            fits = outcome is not None and num_nodes(outcome) <= SIZE
            fits = fits and len(holes(outcome)) <= MAX_HOLES
            assert there.get((direction, place)) == (outcome if fits else None)


def rewritten(law: str, side: Term) -> dict[tuple[int, int], Term]:
    return allowed(parse_law(law)[0], side, SIZE)


def test_by_hand():
    assert rewritten("x = y * x", (0, 1)) == {
        (0, 0): (-1, (0, 1)),
        (0, 1): ((-1, 0), 1),
        (0, 2): (0, (-1, 1)),
        (1, 0): 1,
    }
    # A hole is rewritten where it occurs once more, and both become what it was rewritten as.
    assert rewritten("x = y * x", (-1, -1)) == {
        (0, 0): (-1, (-2, -2)),
        (0, 1): ((-1, -2), -2),
        (0, 2): (-1, (-2, -1)),
        (1, 0): -1,
        (1, 1): (-1, (-2, -1)),
        (1, 2): ((-1, -2), -2),
    }


def test_a_value_may_not_have_itself_as_a_part():
    """x * x is x * (x * y) for no x, be it that neither is seen in the end."""
    assert (0, 0) not in rewritten("x * (x * y) = y", (-1, -1))
    assert (0, 0) not in rewritten("(x * y) * x = (y * z) * w", (-1, -1))
