"""Only terms get to Lean: nothing that begins a command, a comment or a tactic."""

import hypothesis
import pytest
from hypothesis import strategies as st

from selfplay_envs.proofs import lean_terms

GOOD = [
    "∀ (p q : Prop), And p q → And q p",
    "fun (p q : Prop) (h0 : And p q) => And.intro h0.right (And.left h0)",
    "fun («fun» : Prop) («a -- b» : «fun») => «a -- b»",
    "fun (p : Prop)\n  (h0 : p) => have h1 : p := h0; let x := h1; show p from @x",
    "fun p q h => h.elim .inr .inl",
    "⟨fun h => h.1, fun _ => ⟨h0'.mp, hyp12⟩⟩",
]

COMMANDS = """
    axiom theorem def abbrev example instance inductive structure class opaque constant variable
    universe open namespace section end export import prelude module public meta set_option
    attribute notation infixl infix prefix postfix macro syntax elab initialize unsafe partial
    private protected noncomputable mutual deriving #eval #exit #check #print #reduce run_cmd
    sorry by exact admit decide native_decide where match with do if then else rec using
    termination_by sorryAx lcProof Lean.ofReduceBool claim_0 statement_0 Nat.zero Nat.succ
""".split()

BAD = [
    *COMMANDS,
    *("/- ", "-- ", "-/", "/-- a -/", "|", "`p", '"p"', "'p'", "#", "!", "?x", "$", "<|", "a+b"),
    *("a\tb", "a\rb", "a\x0bb", "a\u2028b", "a\u00a0b", "h₁", "λ x => x", "p ∧ q", "p ∨ q", "¬ p"),
    *("«", "»", "«»", "«a", "a»", "«a«b»»", "«a\nb»", "«a\u2028b»", "«a\x00b»", "«_hyg»", "«_»"),
    *("«And»", "«Or.inl»", "«claim_0»", "«statement_12»", "«a».«b»", "«a».axiom", "«a»axiom", "p."),
    *("(", ")", "(⟨)⟩", "p) (q", "{p}", "[p]", "h0 = h1", "h0.1.foo", "x.axiom"),
    *("", " \n", "0", "7p"),
]


@pytest.mark.parametrize("text", GOOD)
def test_terms_may_be_shown(text):
    assert lean_terms.fault(text) == ""


@pytest.mark.parametrize("text", BAD)
def test_nothing_else_may(text):
    assert lean_terms.fault(text) != ""


@pytest.mark.parametrize("command", [*COMMANDS, "/-", "--", ")"])
def test_a_proof_cannot_go_on_behind_its_end(command):
    for text in ("h0 {} h1", "h0\n{} x1 : False", "h0){}", "(h0 {})"):
        assert lean_terms.fault(text.format(command)) != ""


def test_faults_say_what_would_do():
    assert "«hyp»" in lean_terms.fault("fun hyp => hyp")
    assert "')' is missing" in lean_terms.fault("(h0")


@hypothesis.given(st.lists(st.text(), unique=True, max_size=5))
def test_any_text_has_a_name_of_its_own(texts):
    names = [lean_terms.quoted(text) for text in texts]
    assert len(set(names)) == len(names)
    assert all(lean_terms.fault(name) == "" for name in names)


def test_names_that_look_alike_stay_apart():
    texts = [
        "",
        "%",
        "%25;",
        "And",
        "And'",
        "And''",
        "claim_1",
        "claim_1'",
        "_a",
        "%5f;a",
        "»",
        "\n",
    ]
    names = [lean_terms.quoted(text) for text in texts]
    assert len(set(names)) == len(names)
    assert lean_terms.quoted("p") == "«p»"
    assert all(lean_terms.fault(name) == "" for name in names)
