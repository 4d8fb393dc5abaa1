"""Problems in TPTP's language."""

from pathlib import Path

import pytest

from selfplay_envs.proofs.formula import subformulas
from selfplay_envs.proofs.syntax import parse, show
from selfplay_envs.proofs.tptp import parse_tptp, read_tptp

TEXT = """% Status (intuit.) : Non-Theorem
/* several
   lines */
fof(axiom1,axiom, ( p & q & ~ 'r' ) ).
fof(axiom2,hypothesis, ( $true => (s <=> $false) ), file(name,[a,(b)]) ).
fof(con,conjecture, p | q ).
"""


def test_axioms_come_before_the_conjecture():
    problem = parse_tptp(TEXT)
    assert problem.formula == parse("p ∧ q ∧ ¬r → (⊤ → (s ↔ ⊥)) → p ∨ q")
    assert problem.is_theorem is False


@pytest.mark.parametrize(
    ("status", "is_theorem"), [("Theorem", True), ("Non-Theorem", False), ("Unsolved", None)]
)
def test_status(status: str, is_theorem: bool | None):
    text = f"%\n% Status (intuit.) : {status}\n% Rating\nfof(con,conjecture,p)."
    assert parse_tptp(text).is_theorem is is_theorem


def test_without_a_status():
    assert parse_tptp("fof(con,conjecture,p).").is_theorem is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fof(a,conjecture,\n![X]: p(X)).", "line 2: '!' belongs to a first-order formula"),
        ("fof(a,conjecture,p(a)).", "line 1: 'p' belongs to a first-order"),
        ("fof(a,conjecture,X).", "line 1: 'X' belongs to a first-order"),
        ("fof(a,conjecture,a = b).", "line 1: '=' belongs to a first-order"),
        ("include('Axioms/SYN000.ax').", "line 1: other files are not included"),
        ("fof(a,axiom,p).", "one conjecture is needed, there are 0"),
        ("fof(a,conjecture,p).fof(b,conjecture,p).", "there are 2"),
        ("cnf(a,axiom,p).", "fof\\(name, role, formula\\). was expected"),
        ("p => q", "fof\\(name, role, formula\\). was expected"),
        ("fof(a,lion,p).", "a role is one of axiom"),
        ("fof(a,conjecture,p", "does not end with \\)"),
        ("fof(a,conjecture,p)", "does not end with \\)"),
        ("fof(a,conjecture,p & q | r).", "∧ and ∨ beside each other need parentheses"),
        ("fof(a,conjecture,p => q => r).", "→ and → beside each other need parentheses"),
        ("fof(a,conjecture,p <~> q).", "there is '<~>'"),
        ("fof(a,conjecture,'a b').", "⊤ or \\( was expected, but there is \"'a b'\""),
    ],
)
def test_errors_say_what_is_wrong(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        parse_tptp(text)


def test_a_file_is_named_in_its_error(tmp_path: Path):
    path = tmp_path / "wrong.p"
    path.write_text("fof(a,axiom,p).")
    with pytest.raises(ValueError, match=r"wrong\.p: one conjecture"):
        read_tptp(path)


def test_every_file_of_the_library_is_read(iltp: list[Path]):
    problems = {path.name: read_tptp(path) for path in iltp}
    assert len(problems) == 152
    statuses = [problem.is_theorem for problem in problems.values()]
    assert [statuses.count(status) for status in (True, False, None)] == [73, 58, 21]
    for problem in problems.values():
        assert parse(show(problem.formula)) == problem.formula
    small = [p for p in problems.values() if len(subformulas(p.formula)) <= 128]
    assert sum(p.is_theorem is True for p in small) == 66
    pigeons = problems["SYJ202+1.005.p"].formula
    assert show(pigeons).startswith("o11 ∨ o12 ∨ o13 ∨ o14 ∨ o15 → o21 ∨ o22")
