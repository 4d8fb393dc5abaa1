"""Chains with one best fold, against published counts and every fold of short chains."""

import itertools

import numpy as np
import pytest

from benchmarks.hp_lattice import enumeration
from selfplay_envs.science import hp_designed
from selfplay_envs.science.hp_lattice_scorer import count_contacts

KNOWN = {4: 4, 5: 0, 6: 7, 7: 10, 8: 7, 9: 6, 10: 6, 11: 62, 12: 87, 13: 173}
"""A. Irbäck and C. Troein 2002. The environment's tests count those of 14 in what was made."""

WALKS = [1, 4, 12, 36, 100, 284, 780, 2_172, 5_916, 16_268]
"""Self-avoiding walks on the square lattice, by bonds (OEIS A001411)."""


@pytest.mark.parametrize("size", range(3, 11))
def test_every_walk_is_grown_once(size):
    """Turned four ways and mirrored, they are all walks; the straight one is its own mirror."""
    folds = enumeration.grow_folds(size)
    assert len(np.unique(folds, axis=0)) == len(folds)
    assert 8 * len(folds) - 4 == WALKS[size - 1]


@pytest.mark.parametrize("size", KNOWN)
def test_there_are_as_many_designed_chains_as_are_known(size):
    designed = enumeration.find_designed(size)
    palindromes = (designed.chains == designed.chains[:, ::-1]).all(1)
    assert 2 * len(designed.chains) - palindromes.sum() == KNOWN[size]
    for chain, fold, contacts in enumeration.as_table(designed):
        assert hp_designed.natives()[chain] == (fold, contacts)


def by_trying(chain, folds):
    """The most contacts, and how many folds have them."""
    contacts = [count_contacts(chain, fold) for fold in folds]
    return max(contacts), contacts.count(max(contacts))


def test_best_folds_are_those_found_by_trying_all():
    size = 7
    folds = []
    for fold in itertools.product(range(3), repeat=size - 2):
        if next((turn for turn in fold if turn != 1), 0) == 0:
            try:
                count_contacts("P" * size, fold)
            except ValueError:
                continue
            folds.append(fold)
    assert len(folds) == len(enumeration.grow_folds(size))
    designed = {row[0]: row[2] for row in enumeration.as_table(enumeration.find_designed(size))}
    for letters in itertools.product("HP", repeat=size):
        chain = "".join(letters)
        most, degeneracy = by_trying(chain, folds)
        either = designed.get(chain, designed.get(chain[::-1]))
        assert either == (most if degeneracy == 1 else None)


def test_longer_chains_have_too_many_pairs():
    with pytest.raises(ValueError, match="room for 18 residues, got 19"):
        enumeration.contact_maps(np.ones((1, 17), np.int8))
