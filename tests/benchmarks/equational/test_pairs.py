"""The pairs that provers are measured on: fixed, and of the test split."""

from benchmarks.equational import pairs
from tests.envs.proofs.conftest import data

__all__ = ["data"]  # fixture


def test_a_hundred_of_each_stratum_or_all():
    counts = {stratum: len(there) for stratum, there in pairs.read().items()}
    assert counts == dict.fromkeys(pairs.STRATA, 100) | {"EquationSearch": 42}
    for there in pairs.read().values():
        assert len(set(there)) == len(there)


def test_they_are_what_is_drawn_from_the_test_split(data):
    assert pairs.read() == pairs.draw()
    train = {pair for there in pairs.split("train").values() for pair in there}
    assert train.isdisjoint(pair for there in pairs.read().values() for pair in there)
