"""The implications to practise on: levels, splits, and none whose hypothesis is tested."""

import csv
import importlib.resources
import itertools

import numpy as np
import pytest

from selfplay_envs.proofs.equational_problems import (
    EXPANSIONS,
    FILE,
    NOT_PROVED,
    NUM_LEVELS,
    SPLITS,
    hypotheses,
    is_held_out,
    level,
    pairs,
)
from selfplay_envs.proofs.laws import duals, laws
from selfplay_envs.proofs.magma import Law, Term
from tests.envs.proofs.conftest import data

__all__ = ["data"]  # fixture


def everything() -> np.ndarray:
    return np.concatenate([pairs(split) for split in SPLITS])


def test_there_are_thousands_of_every_difficulty():
    there = everything()
    assert there.dtype == np.int16
    assert 10_000 < len(there) < 20_000
    assert len({tuple(pair) for pair in there[:, :2].tolist()}) == len(there)
    assert (np.bincount(there[:, 2], minlength=NUM_LEVELS) > 900).all()
    for split in SPLITS:
        assert set(pairs(split)[:, 2].tolist()) == set(range(NUM_LEVELS))
        assert (np.diff(pairs(split)[:, 2]) >= 0).all()
    assert (there[:, 0] != there[:, 1]).all()
    assert there[:, 1].min() > 1


def test_levels():
    assert [level(n) for n in (0, 2, 3, *EXPANSIONS[-2:])] == [
        0,
        0,
        1,
        NUM_LEVELS - 3,
        NUM_LEVELS - 2,
    ]
    assert level(NOT_PROVED) == NUM_LEVELS - 1


def test_one_hypothesis_in_eight_is_held_out_with_its_dual():
    train, held_out = (set(hypotheses(split).tolist()) for split in SPLITS)
    assert train.isdisjoint(held_out)
    assert train.isdisjoint(duals()[law - 1] for law in held_out)
    assert 0.06 < len(held_out) / len(train | held_out) < 0.2
    assert not any(map(is_held_out, train))
    assert all(map(is_held_out, held_out))
    with pytest.raises(ValueError, match="must be one of train, held_out, got 'test'"):
        pairs("test")


def test_no_hypothesis_is_tested(data):
    """Neither it nor its dual, however variables are named and sides ordered."""
    with (data / "equational_theories" / "implications.csv").open(encoding="utf-8") as file:
        tested = {int(row["hypothesis"]) for row in csv.DictReader(file) if row["split"] == "test"}
    assert len(tested) > 1_000

    def same(law: Law) -> set[Law]:
        both = law, law.dual
        return {Law(*sides).renamed() for one in both for sides in (one.sides, one.sides[::-1])}

    known = {other for number in tested for other in same(laws()[number - 1])}
    for number in {*everything()[:, 0].tolist()}:
        assert known.isdisjoint(same(laws()[number - 1])), number


def test_no_magma_of_two_elements_refutes_any():
    tables = np.array(list(itertools.product((0, 1), repeat=4)), np.int8)  # [16, 4]
    values = np.array(list(itertools.product((0, 1), repeat=6)), np.int8).T  # [6, 64]
    rows = np.arange(16)[:, None]

    def evaluated(term: Term) -> np.ndarray:
        """int8 [16, 64]."""
        if isinstance(term, int):
            return np.broadcast_to(values[term], (16, 64))
        left, right = map(evaluated, term)
        return tables[rows, 2 * left + right]

    there = everything()[::3, :2]
    holds = {
        number: (evaluated(laws()[number - 1].left) == evaluated(laws()[number - 1].right)).all(1)
        for number in np.unique(there).tolist()
    }
    for hypothesis, conclusion in there.tolist():
        assert not (holds[hypothesis] & ~holds[conclusion]).any(), (hypothesis, conclusion)


def test_the_table_is_small_and_plain():
    source = importlib.resources.files("selfplay_envs.proofs") / FILE
    assert 10_000 < len(source.read_bytes()) < 500_000
    assert source.read_bytes().isascii()
