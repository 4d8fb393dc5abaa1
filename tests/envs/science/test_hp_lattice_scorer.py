"""The scorer against known folds, and what it accepts."""

from types import SimpleNamespace

import pytest

from selfplay.environment import Verdict
from selfplay_envs.science.hp_lattice_scorer import FoldVerifier, count_contacts, parity_bound


def problem(chain):
    padded = [letter == "H" for letter in chain] + [False] * 3
    return SimpleNamespace(hydrophobic=padded, size=len(chain))


def test_standard_folds_have_the_contacts_they_are_known_for(standard):
    for chain, contacts, fold in standard:
        assert count_contacts(chain, fold) == contacts <= parity_bound(chain)


def test_every_certificate_and_ground_state_of_the_shared_data(shared):
    assert len(shared) == 15 + 2 + 1 + 19 + 16
    for chain, contacts, fold in shared:
        assert count_contacts(chain, fold) == contacts <= parity_bound(chain)


def test_a_square_and_its_bound():
    assert count_contacts("HPPH", [0, 0]) == count_contacts("HPPH", [2, 2]) == 1
    assert count_contacts("HPPP", [0, 0]) == count_contacts("HPPH", [0, 1]) == 0
    assert parity_bound("HPPH") == 3
    assert parity_bound("PHPH") == 0
    assert parity_bound("PHHP") == 2


@pytest.mark.parametrize(
    ("fold", "says"),
    [
        ([0, 0], "5 residues take 3 turns"),
        ([0, 0, 3], "5 residues take 3 turns of 0, 1 or 2"),
        ([0, 0, 0], "residue 4 is laid on residue 0"),
    ],
)
def test_what_is_no_fold_is_refused(fold, says):
    with pytest.raises(ValueError, match=says):
        count_contacts("HPHPH", fold)


@pytest.mark.parametrize(
    ("chain", "fold", "verdict"),
    [
        ("HPHPPH", [0, 1, 0, 0], Verdict.ACCEPTED),  # designed: its native fold
        ("HPHPPH", [2, 1, 2, 2], Verdict.ACCEPTED),  # and the mirror image
        ("HPHPPH", [0, 0, 2, 1], Verdict.REJECTED),  # fewer contacts than that
        ("HPHPPH", [0, 0, 0, 1], Verdict.REJECTED),  # onto itself
        ("HPHPPH", [0, 1, 0], Verdict.REJECTED),  # not to its end
        ("PHPPHP", [1, 0, 0, 1], Verdict.UNDECIDED),  # one contact where two might be
        ("PPPPPP", [1, 1, 1, 1], Verdict.ACCEPTED),  # no contact, and none can be
    ],
)
def test_verdicts(chain, fold, verdict):
    assert FoldVerifier().verify(problem(chain), fold) is verdict
