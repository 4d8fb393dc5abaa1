"""Where implications to practise on come from."""

import random

import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.equational.generation import Arguments, allowed, closure, dual, implied, spread
from selfplay_envs.proofs.laws import laws, number
from selfplay_envs.proofs.magma import parse_law
from tests.envs.proofs.conftest import data

__all__ = ["data"]  # fixture


def test_what_follows_by_more_than_one_implication():
    implications = {1: {2}, 2: {3, 1}, 3: {4, 5}, 6: {5}}
    assert closure(implications) == {1: {3, 4, 5}, 2: {4, 5}, 3: set(), 6: set()}


def test_a_law_implies_what_its_rewritings_equate():
    """In integers under subtraction x - (x - y) = y, and so does all that the law implies."""
    hypothesis = number(parse_law("y = x ◇ (x ◇ y)")[0])
    assert hypothesis
    there = implied(random.Random(0), hypothesis, Arguments(saturation=50))
    assert len(there) > 4
    assert hypothesis not in there

    def value(term, at):
        return at[term] if isinstance(term, int) else value(term[0], at) - value(term[1], at)

    for law in there:
        left, right = laws()[law - 1].sides
        for at in ((1, 2, 5, 11, -4, 7), (3, -7, 0, 2, 19, 1)):
            assert value(left, at) == value(right, at)


def test_each_hypothesis_has_as_many_as_another():
    pairs = [(1, c) for c in range(9)] + [(2, 1), (3, 1), (3, 2)]
    kept = spread(random.Random(0), pairs, 6)
    assert len(kept) == 6
    assert [sum(h == law for h, _ in kept) for law in (1, 2, 3)] == [3, 1, 2]


def test_hypotheses_are_of_one_split(data, monkeypatch):
    plain, forcing = map(set, allowed())
    assert plain.isdisjoint(forcing)
    assert len(plain) > 300
    assert all(law <= dual(law) for law in plain | forcing)
    monkeypatch.delenv("SELFPLAY_DATA")
    with pytest.raises(SystemExit, match="set SELFPLAY_DATA"):
        allowed()
