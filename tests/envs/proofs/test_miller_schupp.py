"""The presentations against those that Shehper et al. published."""

from selfplay_envs.proofs.miller_schupp import first_relator, presentations, second_relators
from tests.envs.proofs.conftest import words


def test_there_are_170_words_for_each_n():
    assert len(presentations()) == len(set(presentations())) == 7 * 170
    assert second_relators(2) == [(-1, 2), (-1, -2), (-1, 2, 2), (-1, -2, -2)]
    assert first_relator(2) == (-1, 2, 2, 1, -2, -2, -2)


def test_they_are_the_published_ones(published):
    """The file lists those that greedy search solved first, either part in our order."""
    theirs = [words(row) for row in published("all_presentations")]
    solved = {words(row) for row in published("greedy_solved_presentations")}
    assert theirs == sorted(presentations(), key=lambda pair: pair not in solved)
