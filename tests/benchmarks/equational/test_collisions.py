"""Misled are pairs of subterms of one side that differ and have equal hashes."""

import numpy as np

from benchmarks.equational.collisions import Counts, count

CODES = np.array([[1, 2, 1, 3, 2, 0, 0], [2, 0, 0, 0, 0, 0, 0]], np.int8)
"""x ◇ (y ◇ x), and x."""

SIZES = np.array([[5, 1, 3, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0, 0]], np.int8)


def test_pairs_are_counted_on_each_side():
    perfect = np.array([10, 20, 30, 40, 20, 0, 0, 20, 0, 0, 0, 0, 0, 0], np.uint32)
    assert count(CODES, SIZES, perfect) == Counts(compared=10, misled=0)


def test_equal_hashes_of_different_subterms_mislead():
    useless = np.zeros(14, np.uint32)
    assert count(CODES, SIZES, useless) == Counts(compared=10, misled=9)
    one_wrong = np.array([10, 20, 30, 20, 20, 0, 0, 10, 0, 0, 0, 0, 0, 0], np.uint32)
    assert count(CODES, SIZES, one_wrong) == Counts(compared=10, misled=2)
