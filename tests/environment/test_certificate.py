"""What an outside judge is shown; and that an environment need not have one."""

import pytest

from selfplay.environment import Certifier, Verdict, make
from selfplay.environment.certificate import Claim, Judgement
from selfplay_envs.proofs.lean import Lean


class Sentences(Certifier):
    """Problems and proofs that are written in Lean as they are."""

    suffix = ".lean"

    def __init__(self, lean: Lean):
        self._lean = lean

    def statement(self, problem):
        return problem

    def proof(self, problem, actions):
        if not actions:
            raise ValueError("no action was taken")
        return "fun (p : Prop) (h0 : p) => " + "(" * len(actions) + "h0" + ")" * len(actions)

    def explain(self, problem, actions):
        return f"{len(actions)} times"

    def document(self, claims, titles=()):
        return self._lean.document(claims)

    def judge(self, claims: list[Claim]) -> list[Judgement]:
        return self._lean.judge(claims)


def test_a_judge_answers_a_certifier():
    if not Lean().available():
        pytest.skip("there is no Lean")
    certifier = Sentences(Lean())
    claims = [
        (certifier.statement(problem), certifier.proof(problem, [0, 0]))
        for problem in ("∀ (p : Prop), p → p", "∀ (p : Prop), p")
    ]
    verdicts = [judgement.verdict for judgement in certifier.judge(claims)]
    assert verdicts == [Verdict.ACCEPTED, Verdict.REJECTED]
    assert all(proof in certifier.document(claims) for _, proof in claims)


def test_most_environments_have_none():
    assert make("tic_tac_toe").certifier() is None
