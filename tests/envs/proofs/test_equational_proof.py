"""Lean accepts what is proved from the law, and nothing else; people can read it."""

import dataclasses
import functools
import random
from pathlib import Path

import pytest

from benchmarks.equational import mutation, walks
from selfplay.environment import Verdict
from selfplay_envs.proofs import lean_process
from selfplay_envs.proofs.equational_proof import EquationalCertifier, explained, statement, term
from selfplay_envs.proofs.lean import Lean
from selfplay_envs.proofs.magma import Law, Term, parse_law
from selfplay_envs.proofs.rewriting import Chain, Implication, Rewriting, chain
from tests.envs.proofs.equations import table

needs_lean = pytest.mark.skipif(not Lean().available(), reason=lean_process.MISSING)

CENTRAL = parse_law("x = (y * x) * (x * z)")[0]


def implication(hypothesis: str, conclusion: str) -> Implication:
    return Implication(parse_law(hypothesis)[0], parse_law(conclusion)[0])


EXAMPLE = implication("x = y * x", "x * y = z * (w * y)")
ACTIONS = [2 * 31, 0, 0]
"""To y; and from there to ?2 ◇ (?1 ◇ y), of which the end says what was left open."""
STATEMENT = (
    "∀ (G : Type) (f : G → G → G), "
    "(∀ (x y : G), Eq x (f y x)) → ∀ (x y z w : G), Eq (f x y) (f z (f w y))"
)
TERM = """\
fun (G : Type) (f : G → G → G) h (x y z w : G) =>
Eq.trans (Eq.symm (h y x))
(Eq.trans (h y w)
(h (f w y) z))"""
TEXT = """\
The law: x = y ◇ x
To prove: x ◇ y = z ◇ (w ◇ y)

    x ◇ y
  = y
        by the law with x := y, y := x, at the whole, read from right to left
  = w ◇ y
        by the law with x := y, y := w, at the whole
  = z ◇ (w ◇ y)
        by the law with x := w ◇ y, y := z, at the whole"""


@functools.cache
def proved() -> list[mutation.Proved]:
    found = walks.proofs(60, 10, 31, random.Random(1))
    return [(proof.problem, chain(proof.problem, proof.steps)) for proof in found]


def test_an_example():
    steps = [
        Rewriting(0, 0, False, (1, 0)),
        Rewriting(1, 0, False, ((3, 1), 2)),
        Rewriting(0, 0, True, (1, 3)),
    ]
    way = chain(EXAMPLE, steps)
    assert statement(EXAMPLE) == STATEMENT
    assert term(EXAMPLE, way) == TERM
    assert explained(EXAMPLE, way) == TEXT


def test_the_example_of_the_page():
    """With positions, and a product that is written once; from both ends as from one."""
    page = (Path(__file__).parents[3] / "docs/lean.md").read_text(encoding="utf-8")
    problem = implication("x = (y * x) * y", "x = y * (x * y)")
    steps = [Rewriting(0, 0, True, (0, (0, 1))), Rewriting(0, 1, False, (1, 0))]
    way = chain(problem, steps)
    assert f"```lean\n{statement(problem)}\n```" in page
    assert f"```lean\n{term(problem, way)}\n```" in page
    assert explained(problem, way).split("\n\n")[1] in page
    assert chain(problem, [dataclasses.replace(steps[1].reverse, side=1), steps[0]]) == way


@needs_lean
def test_lean_accepts_walks_and_rejects_corrupted_ones():
    """At length in `benchmarks.equational.mutation`."""
    claims = [(statement(problem), term(problem, way)) for problem, way in proved()]
    assert {j.verdict for j in Lean().judge(claims)} == {Verdict.ACCEPTED}
    counts = mutation.of_steps(proved(), random.Random(0))
    assert counts["wrong, Lean: rejected"] >= 50
    assert set(counts) <= {"wrong, Lean: rejected", "valid, Lean: accepted"}


@needs_lean
def test_lean_rejects_what_is_no_proof_of_the_statement():
    claim = (STATEMENT, TERM)
    other = statement(implication("x = y * x", "x * y = z * (y * w)"))
    head = TERM.split("\n")[0]
    wrong = [
        (other, TERM),
        (STATEMENT, "sorry"),
        (STATEMENT, f"{head} sorry"),
        (STATEMENT, f"{head} h (f w y) z"),
        (STATEMENT, "claim_0"),
        (STATEMENT, f"{TERM})\naxiom x0 : False\ndef y : Prop := (True"),
        (statement(implication("x = x", "x = y")), f"{head.replace(' z w', '')} h x"),
    ]
    judged = Lean().judge([claim, *wrong, claim])
    assert judged[0].verdict is judged[-1].verdict is Verdict.ACCEPTED
    assert {j.verdict for j in judged[1:-1]} == {Verdict.REJECTED}


@needs_lean
def test_large_terms_and_odd_sizes_are_written_so_that_lean_reads_them():
    doubling = parse_law("x = x * x")[0]
    terms: list[Term] = [0]
    for _ in range(6):  # 127 symbols
        terms.append((terms[-1], terms[-1]))
    grown = Implication(doubling, Law(0, terms[-1]))
    steps = tuple(Rewriting(0, 0, True, (before,)) for before in terms[:-1])
    text = term(grown, Chain(tuple(terms), steps))
    assert len(text) < 400
    wide: Term = 0
    for variable in range(1, 40):
        wide = (wide, variable)
    many = Implication(doubling, Law(wide, (wide, wide)))
    trivial = Implication(doubling, Law((0, 1), (0, 1)))
    claims = [
        (statement(grown), text),
        (statement(many), term(many, chain(many, [Rewriting(0, 0, True, (wide,))]))),
        (statement(trivial), term(trivial, chain(trivial, []))),
    ]
    assert {j.verdict for j in Lean().judge(claims)} == {Verdict.ACCEPTED}
    assert explained(trivial, chain(trivial, [])).endswith("x ◇ y\n        on both sides")


def test_an_episode_is_certified():
    certifier, problem = EquationalCertifier(), table(EXAMPLE, 31)
    assert certifier.statement(problem) == STATEMENT
    assert certifier.proof(problem, ACTIONS) == TERM
    assert certifier.explain(problem, ACTIONS) == TEXT
    for function in (certifier.proof, certifier.explain):
        with pytest.raises(ValueError, match=r"the steps prove nothing of .* they lead to"):
            function(problem, ACTIONS[:2])
        with pytest.raises(ValueError, match="deeper than"):
            function(problem, [2 * 31, 0, *[2 * 31 + 1] * 300])


@needs_lean
def test_a_document_says_what_it_proves():
    certifier, problem = EquationalCertifier(), table(EXAMPLE, 31)
    claim = certifier.statement(problem), certifier.proof(problem, ACTIONS)
    document = certifier.document([claim], [str(EXAMPLE)])
    assert document == f"-- {EXAMPLE}\n{certifier.document([claim])}"
