"""What the table of proved pairs says, and which pairs it is of."""

import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.equational import pairs
from benchmarks.equational.agent import Arguments, Outcome, drawn, row
from selfplay.search.best_first import Found


def outcome(evaluations: int, rewritings: int) -> Outcome:
    actions = tuple(range(rewritings)) or None
    found = Found(actions, evaluations=evaluations, steps=1, exhausted=False)
    return Outcome(found, rewritings > 0, rewritings)


def test_medians_are_of_what_is_proved():
    told = row("random", [outcome(10, 3), outcome(30, 8), outcome(20, 4), outcome(1_500, 0)])
    assert told[:3] == ("random", "4", "3")
    assert told[4:] == ("20", "4")
    assert row("random", [outcome(1_500, 0)])[4:] == ("–", "–")


def test_test_pairs_are_the_fixed_ones():
    there = drawn(Arguments(each=3))
    assert {name: found[:3] for name, found in pairs.read().items()} == there
