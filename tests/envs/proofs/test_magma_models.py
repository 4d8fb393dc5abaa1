"""The plain check and the plain finder, against all tables and known laws."""

import numpy as np
import pytest

from selfplay_envs.proofs import magma_finder, magma_models
from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma import parse_law
from tests.reference import magma_model as reference

ASSOCIATIVE = parse_law("x ◇ (y ◇ z) = (x ◇ y) ◇ z")[0]
COMMUTATIVE = parse_law("x ◇ y = y ◇ x")[0]
IDEMPOTENT = parse_law("x = x ◇ x")[0]


def test_groups_and_projections():
    cyclic = np.add.outer(np.arange(5), np.arange(5)) % 5
    left = np.broadcast_to(np.arange(4)[:, None], (4, 4))
    assert magma_models.failing(ASSOCIATIVE, cyclic) is None
    assert magma_models.failing(COMMUTATIVE, cyclic) is None
    assert magma_models.refutes(cyclic, ASSOCIATIVE, IDEMPOTENT)
    assert magma_models.refutes(left, IDEMPOTENT, COMMUTATIVE)
    assert not magma_models.refutes(left, IDEMPOTENT, ASSOCIATIVE)
    assert magma_models.failing(COMMUTATIVE, left) == {0: 1, 1: 0}
    six = parse_law("x = y ◇ (z ◇ (w ◇ (u ◇ v)))")[0]
    where = magma_models.failing(six, cyclic)
    assert where is not None
    assert where[0] != sum(where[v] for v in range(1, 6)) % 5


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (np.zeros((2, 3), int), "n×n table"),
        (np.zeros((2, 2)), "of integers, got float64"),
        (np.full((2, 2), 2), "are 0 to 1"),
        (np.zeros((0, 0), int), "n×n table"),
    ],
)
def test_what_is_no_table_is_refused(table, says):
    with pytest.raises(ValueError, match=says):
        magma_models.failing(IDEMPOTENT, table)


def test_too_many_instances_are_refused():
    many = parse_law("x = y ◇ (z ◇ (w ◇ (u ◇ v)))")[0]
    with pytest.raises(ValueError, match="at most 10,000,000 can be checked"):
        magma_models.failing(many, np.zeros((20, 20), int))


def test_the_finder_finds_a_magma_exactly_where_there_is_one():
    """Of two elements, pairs of laws by chance; those of three by a few."""
    chance = np.random.default_rng(0)
    found = 0
    for count, elements in ((40, 2), (1, 3)):
        for _ in range(count):
            hypothesis, conclusion = (laws()[i] for i in chance.integers(1, 200, size=2))
            exists = bool(reference.refutations(hypothesis, conclusion, elements))
            search = magma_finder.backtracking(hypothesis, conclusion, elements)
            assert (search.table is not None) == exists
            assert search.exhausted != exists
            smallest = magma_finder.smallest(hypothesis, conclusion, elements)
            assert smallest is not None or not exists
            for table in (search.table, smallest):
                if table is not None:
                    assert magma_models.refutes(table, hypothesis, conclusion)
            found += exists
    assert 10 < found < 40


def test_the_finder_agrees_with_what_is_given():
    cells = {(0, 1): 2, (1, 0): 1}
    search = magma_finder.backtracking(ASSOCIATIVE, COMMUTATIVE, 3, cells=cells, witness={0: 0})
    assert search.table is not None
    assert all(search.table[cell] == value for cell, value in cells.items())
    assert magma_models.refutes(search.table, ASSOCIATIVE, COMMUTATIVE)
    cells = {(0, 1): 2, (1, 0): 1}
    none = magma_finder.backtracking(COMMUTATIVE, ASSOCIATIVE, 3, cells=cells)
    assert none.table is None
    assert none.exhausted


def test_the_table_is_told_with_where_the_conclusion_fails():
    left = np.array([[0, 0], [1, 1]])
    assert magma_models.explained(left, IDEMPOTENT, COMMUTATIVE) == (
        "◇ │ 0 1\n──┼────\n0 │ 0 0\n1 │ 1 1\n\n"
        "x = x ◇ x holds for all values, but x ◇ y = y ◇ x does not:\n"
        "at x = 1, y = 0 the left side is 1 and the right side 0"
    )
    with pytest.raises(ValueError, match="does not refute"):
        magma_models.explained(left, COMMUTATIVE, IDEMPOTENT)
