"""The table of designed chains, scored anew, and its splits."""

import numpy as np
import pytest

from selfplay_envs.science import hp_designed
from selfplay_envs.science.hp_chain import format_chain, parse_chain
from selfplay_envs.science.hp_lattice_scorer import count_contacts

KNOWN = {8: 7, 10: 6, 11: 62, 12: 87, 13: 173, 14: 386, 18: 6_349}
"""Chains with one best fold, by length (A. Irbäck and C. Troein 2002)."""


def test_there_are_as_many_as_are_known():
    sizes = [len(chain) for chain in hp_designed.natives()]
    assert {size: sizes.count(size) for size in KNOWN} == KNOWN


def test_native_folds_have_their_contacts():
    for chain, native in hp_designed.natives().items():
        assert native.fold == hp_designed.left_first(native.fold)
        assert count_contacts(chain, ["LSR".index(turn) for turn in native.fold]) == native.contacts


def test_unique_folds_of_standard_chains(shared):
    """Three chains of 18 residues that are published as having one ground state."""
    eighteen = [row for row in shared if len(row[0]) == 18]
    assert len(eighteen) == 3
    for chain, contacts, fold in eighteen:
        letters = hp_designed.left_first("".join("LSR"[turn] for turn in fold))
        assert hp_designed.natives()[chain] == (letters, contacts)


def test_splits():
    splits = hp_designed.splits(14, 13)
    texts = {
        name: {
            format_chain(parse_chain("".join("PH"[h] for h in row[:size]), 14))
            for row, size in zip(
                np.asarray(table.hydrophobic).astype(int), table.size.tolist(), strict=True
            )
        }
        for name, table in splits.items()
    }
    assert texts["train"] | texts["held_out"] == {
        chain for chain in hp_designed.natives() if len(chain) in (13, 14)
    }
    assert not texts["train"] & {text[::-1] for text in texts["held_out"]}
    assert len(texts["train"]) > len(texts["held_out"]) > 0


def test_lengths_without_any():
    with pytest.raises(ValueError, match="known of 4 to 18 residues, but none of 20 to 25"):
        hp_designed.splits(25, 20)
    with pytest.raises(ValueError, match="on one side of the split"):
        hp_designed.splits(10, 10)
