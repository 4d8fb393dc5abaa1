"""Lengths of proofs are compared of pairs that both prove."""

import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.equational import agent, blind
from benchmarks.equational.lengths import Lengths, lengths, row
from selfplay.search.open_list import Found


def outcome(rewritings: int | None) -> agent.Outcome:
    found = Found(None if rewritings is None else (0,) * rewritings, 10, 20, False)
    return agent.Outcome(found, rewritings is not None, rewritings or 0)


def test_a_chain_has_a_term_more_than_rewritings():
    chain = ((0, 0), (0, (0, 0)), (0, ((0, 0), 0)))
    results = [blind.Result(chain, 7), blind.Result(None, 50)]
    assert lengths([outcome(3), outcome(None)], results) == Lengths((3, None), (2, None))


def test_medians_are_of_pairs_that_both_prove():
    found = Lengths((1, 4, 9, None, 6), (2, 4, None, 3, 5))
    assert found.of_both == [(1, 2), (4, 4), (6, 5)]
    assert row("any", found) == ("any", "5", "4", "4", "3", "4", "4", "1", "1")
    assert (found + Lengths((7,), (3,))).of_both[-1] == (7, 3)
    assert row("none", Lengths((None,), (2,)))[-4:] == ("–", "–", "0", "0")
