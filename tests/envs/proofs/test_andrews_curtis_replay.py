"""The replay checker against published paths, and against paths that were spoilt."""

import collections
import random
from pathlib import Path
from types import SimpleNamespace

from selfplay.environment import Verdict
from selfplay_envs.proofs import miller_schupp
from selfplay_envs.proofs.andrews_curtis_certificate import NAMES
from selfplay_envs.proofs.andrews_curtis_replay import (
    AC_SOLVER_MOVES,
    MOST_LETTERS,
    ReplayVerifier,
    explained,
    is_trivial,
    moved,
)
from tests.reference import andrews_curtis as reference

ROOT = Path(__file__).parents[3]

START = ((-1, 2, 1, -2, -2), (-1, 2))
PATH = [2, 5, 1, 3, 0, 6]


def verdict(relators, path):
    problem = SimpleNamespace(words=[[*word, 0, 0] for word in relators])
    return ReplayVerifier().verify(problem, path)


def ours(path):
    return [AC_SOLVER_MOVES[move] for move, _ in path]


def test_moves_are_the_slow_rules():
    for pair in reference.random_pairs(300, 12, seed=0):
        assert [moved(pair, move) for move in range(12)] == reference.moves(*pair)


def test_every_published_path_is_accepted(published_paths):
    assert len(published_paths) == 533
    for relators, path in published_paths:
        assert verdict(relators, ours(path)) is Verdict.ACCEPTED
        for move, total in path:
            relators = moved(relators, AC_SOLVER_MOVES[move])
            assert sum(map(len, relators)) == total


def test_spoilt_paths_are_rejected(published_paths):
    """One move of each is another; where the slow rules still reach the end, it is set aside."""
    dice = random.Random(0)
    spoilt = []
    for relators, path in published_paths[:420]:  # the shorter ones come first
        moves = ours(path)
        place = dice.randrange(len(moves))
        moves[place] = (moves[place] + dice.randint(1, 11)) % 12
        spoilt.append((still_ends(relators, moves), verdict(relators, moves)))
    assert collections.Counter(spoilt) == {
        (False, Verdict.REJECTED): 384,
        (True, Verdict.ACCEPTED): 2,  # another path to the end, set aside
        (None, Verdict.UNDECIDED): 34,  # too long for either
    }


def still_ends(relators, moves):
    """Whether the slow rules reach the trivial presentation; None where words grow too long."""
    for move in moves:
        relators = reference.moves(*relators)[move]
        if max(map(len, relators)) > MOST_LETTERS:
            return None
    return sorted(map(abs, sum(relators, ()))) == [1, 2]


def test_a_path_of_another_presentation_is_rejected(published_paths):
    (_, path), (other, _) = published_paths[0], published_paths[-1]
    assert verdict(other, ours(path)) is Verdict.REJECTED


def test_verdicts():
    assert verdict(START, PATH) is Verdict.ACCEPTED
    assert verdict(START, PATH[:-1]) is Verdict.REJECTED
    assert verdict(START, [*PATH[:-1], 12]) is Verdict.REJECTED
    assert verdict(START, [*PATH[:-1], -6]) is Verdict.REJECTED
    assert verdict(START, []) is Verdict.REJECTED
    assert verdict(START, [0, 6] * 12) is Verdict.UNDECIDED  # each is longer than both before
    assert verdict(((-2,), (1,)), []) is Verdict.ACCEPTED
    assert verdict(((1,), (1,)), []) is Verdict.REJECTED  # no group of one element
    assert verdict(((1, 2), ()), []) is Verdict.REJECTED


def test_trivial_is_a_letter_each():
    assert is_trivial(((-1,), (2,)))
    assert not is_trivial(((1, 2), ()))


def test_a_path_explained():
    assert explained(START, PATH).splitlines() == [
        "start             ⟨x, y | XyxYY, Xy⟩",
        "  1  r → x r x⁻¹  ⟨x, y | yxYYX, Xy⟩",
        "  2  r → y⁻¹ r y  ⟨x, y | xYYXy, Xy⟩",
        "  3  r → r s⁻¹    ⟨x, y | xYY, Xy⟩",
        "  4  r → x⁻¹ r x  ⟨x, y | YYx, Xy⟩",
        "  5  r → r s      ⟨x, y | Y, Xy⟩",
        "  6  s → s r      ⟨x, y | Y, X⟩",
        "Trivial after 6 moves.",
    ]


def beyond_published():
    """`(relators, moves)` of the certificates that a run left of instances it alone solved."""
    text = (ROOT / "benchmarks/andrews_curtis/beyond_published.txt").read_text()
    lines = text.splitlines()
    for statement, moves in zip(lines[::2], lines[1::2], strict=True):
        words = statement.removeprefix("⟨x, y | ").removesuffix("⟩").split(", ")
        letters = {"x": 1, "y": 2, "X": -1, "Y": -2}
        relators = tuple(tuple(letters[x] for x in word) for word in words)
        yield relators, [NAMES.index(name) for name in moves.split()]


def test_what_training_solved_is_solved_by_the_slow_rules():
    found = list(beyond_published())
    assert {relators for relators, _ in found} <= set(miller_schupp.presentations())
    assert [still_ends(*each) for each in found] == 8 * [True]


def test_greedy_search_has_published_none_of_these(published_paths):
    assert not {one for one, _ in beyond_published()} & {one for one, _ in published_paths}
