"""What a proof in natural deduction may do, and what it may not."""

import pytest

from selfplay_envs.proofs.natural_deduction import NOWHERE, Line, Rule, as_text, check, prune
from selfplay_envs.proofs.syntax import parse

SWAP = [
    Line(parse("p | q"), Rule.ASSUMED, (), NOWHERE),
    Line(parse("p"), Rule.ASSUMED, (), 0),
    Line(parse("q | p"), Rule.OR_BY_RIGHT, (1,), 1),
    Line(parse("q"), Rule.ASSUMED, (), 0),
    Line(parse("q | p"), Rule.OR_BY_LEFT, (3,), 3),
    Line(parse("q | p"), Rule.CASES, (0, 1, 2, 3, 4), 0),
    Line(parse("p | q -> q | p"), Rule.DISCHARGED, (0, 5), NOWHERE),
]


def test_a_proof_and_how_it_is_read():
    check(SWAP, parse("p | q -> q | p"))
    assert as_text(SWAP).splitlines() == [
        "1. │ p ∨ q         assumed",
        "2. │ │ p           assumed",
        "3. │ │ q ∨ p       ∨ introduced (right) 2",
        "4. │ │ q           assumed",
        "5. │ │ q ∨ p       ∨ introduced (left) 4",
        "6. │ q ∨ p         ∨ eliminated 1, 2–3, 4–5",
        "7. p ∨ q → q ∨ p   → introduced 1–6",
    ]


def test_what_is_not_needed_goes():
    extra = Line(parse("p & p"), Rule.AND_MADE, (1, 1), 1)
    longer = [
        *SWAP[:2],
        extra,
        *(
            Line(
                line.formula,
                line.rule,
                tuple(p + (p > 1) for p in line.premises),
                line.block + (line.block > 1),
            )
            for line in SWAP[2:]
        ),
    ]
    check(longer, parse("p | q -> q | p"))
    assert prune(longer) == SWAP


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (2, Line(parse("q | p"), Rule.OR_BY_RIGHT, (3,), 1)),  # of a line to come
        (4, Line(parse("q | p"), Rule.REPEATED, (2,), 3)),  # of a block that is closed
        (4, Line(parse("q | p"), Rule.OR_BY_LEFT, (1,), 3)),  # of an assumption that is gone
        (5, Line(parse("q | p"), Rule.CASES, (0, 3, 4, 3, 4), 0)),  # of one case twice
        (5, Line(parse("q"), Rule.REPEATED, (3,), 0)),  # of what was only assumed
        (6, Line(parse("q -> q | p"), Rule.DISCHARGED, (3, 5), NOWHERE)),  # of another's block
        (6, Line(parse("p | q -> q | p"), Rule.ASSUMED, (), NOWHERE)),
        (6, Line(parse("p | q -> q | p"), Rule.APPLIED, (5, 0), NOWHERE)),
        (6, Line(parse("p | q -> q | p"), Rule.ABSURD, (-1,), NOWHERE)),
    ],
)
def test_what_does_not_follow_is_seen(place, line):
    with pytest.raises(ValueError, match=r"does not follow|is assumed"):
        check([*SWAP[:place], line, *SWAP[place + 1 :]], parse("p | q -> q | p"))


def test_a_proof_of_something_else():
    with pytest.raises(ValueError, match="not what was to be proved"):
        check(SWAP, parse("p | q -> p | q"))
    with pytest.raises(ValueError, match="not what was to be proved"):
        check(SWAP[:6], parse("q | p"))
    with pytest.raises(ValueError, match="not what was to be proved"):
        check([], parse("q | p"))
