"""Replica exchange finds what enumeration finds, and every fold it says it found is one."""

import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.hp_lattice.replica_exchange import most_contacts
from selfplay_envs.science import hp_designed
from selfplay_envs.science.hp_lattice_scorer import count_contacts


def test_native_folds_of_designed_chains():
    """Those of 18 residues with the most contacts: one fold in millions."""
    natives = hp_designed.natives()
    hardest = sorted((c for c in natives if len(c) == 18), key=lambda c: -natives[c].contacts)
    for chain in hardest[:5]:
        contacts, turns = most_contacts(chain, 200_000)
        assert contacts == count_contacts(chain, turns) == natives[chain].contacts
        fold = "".join("LSR"[turn] for turn in turns)
        assert hp_designed.left_first(fold) == natives[chain].fold


@pytest.mark.parametrize(
    ("chain", "contacts"), [("HPHPPHHPHPPHPHHPPHPH", 9), ("HHHPPHPHPHPPHPHPHPPH", 10)]
)
def test_standard_chains(chain, contacts):
    found, turns = most_contacts(chain, 200_000)
    assert found == count_contacts(chain, turns) == contacts


def test_a_chain_that_is_no_fold_yet_has_none():
    assert most_contacts("PPPPPP", 100)[0] == 0


def test_the_same_seed_goes_the_same_way():
    chain = "HHPPHPPHPPHPPHPPHPPHPPHH"
    assert most_contacts(chain, 2_000, 3) == most_contacts(chain, 2_000, 3)
