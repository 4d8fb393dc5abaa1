"""Lists of moves as certificates."""

from types import SimpleNamespace

import pytest

from selfplay.environment import Verdict
from selfplay_envs.proofs import andrews_curtis_moves
from selfplay_envs.proofs.andrews_curtis_certificate import NAMES, MoveList
from selfplay_envs.proofs.andrews_curtis_replay import AC_SOLVER_MOVES

PROBLEM = SimpleNamespace(words=[[-1, 2, 1, -2, -2, 0], [-1, 2, 0, 0, 0, 0]])
PATH = [2, 5, 1, 3, 0, 6]
CLAIM = ("⟨x, y | XyxYY, Xy⟩", "xrX Yry rS Xrx rs sr")


def test_an_episode_is_certified():
    certifier = MoveList()
    assert (certifier.statement(PROBLEM), certifier.proof(PROBLEM, PATH)) == CLAIM
    (judgement,) = certifier.judge([CLAIM])
    assert judgement.verdict is Verdict.ACCEPTED
    assert judgement.message == ""
    assert certifier.document([CLAIM, CLAIM]) == "\n".join(["\n".join([*CLAIM, ""])] * 2)
    assert certifier.explain(PROBLEM, PATH).endswith("Trivial after 6 moves.")
    assert NAMES == andrews_curtis_moves.NAMES


@pytest.mark.parametrize(
    ("statement", "proof", "verdict", "says"),
    [
        (CLAIM[0], "xrX Yry rS Xrx rs", Verdict.REJECTED, "they lead to ⟨x, y | Y, Xy⟩"),
        (CLAIM[0], "xrX Yry rS Xrx rs sorry", Verdict.REJECTED, "no move is called 'sorry'"),
        (CLAIM[0], "", Verdict.REJECTED, "they lead to"),
        ("⟨x, y | XyxYYY, Xy⟩", CLAIM[1], Verdict.REJECTED, "determinant"),
        ("⟨x, y | XyyxYYY, Xy⟩", CLAIM[1], Verdict.REJECTED, "they lead to"),
        ("the trivial group", CLAIM[1], Verdict.REJECTED, "a presentation is two relators"),
        (CLAIM[0], "rs sr " * 12, Verdict.UNDECIDED, "a word has over 1000 letters"),
    ],
)
def test_what_is_no_proof_is_not_accepted(statement, proof, verdict, says):
    (judgement,) = MoveList().judge([(statement, proof)])
    assert judgement.verdict is verdict
    assert says in judgement.message


def test_an_episode_that_proves_nothing_has_no_certificate():
    for function in (MoveList().proof, MoveList().explain):
        with pytest.raises(ValueError, match=r"the moves prove nothing of .* they lead to"):
            function(PROBLEM, PATH[:-1])
    with pytest.raises(ValueError, match="a word has over 1000 letters"):
        MoveList().proof(PROBLEM, [0, 6] * 12)


def test_every_published_path_is_accepted(published_paths):
    certifier = MoveList()
    claims = []
    for relators, path in published_paths:
        problem = SimpleNamespace(words=relators)
        moves = [AC_SOLVER_MOVES[move] for move, _ in path]
        claims.append((certifier.statement(problem), certifier.proof(problem, moves)))
    assert {judgement.verdict for judgement in certifier.judge(claims)} == {Verdict.ACCEPTED}
