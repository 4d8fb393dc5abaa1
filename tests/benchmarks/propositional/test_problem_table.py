"""Tables of formulas: what is written is what is read."""

import importlib.resources

import pytest

from benchmarks.propositional.problem_table import ascii_text, renamed, write
from selfplay_envs.proofs.formula import Atom, subformulas
from selfplay_envs.proofs.formula_problems import FILE, HARD_FILE, canonical_key, problems
from selfplay_envs.proofs.syntax import parse


@pytest.mark.parametrize("name", [FILE, HARD_FILE])
def test_a_table_that_was_read_is_written_as_it_was(name: str, tmp_path):
    write(tmp_path / name, problems(name))
    written = importlib.resources.files("selfplay_envs.proofs") / name
    assert (tmp_path / name).read_bytes() == written.read_bytes()


@pytest.mark.parametrize("text", ["p ∧ (q ∨ ¬r) → (p ↔ ⊥)", "⊤ ∨ ⊥"])
def test_short_texts_are_read_back(text: str):
    short = ascii_text(parse(text))
    assert short.isascii()
    assert parse(short) == parse(text)


def test_renaming_keeps_the_key():
    formula = parse(" ∨ ".join(f"long{i}" for i in range(60)))
    short = renamed(formula)
    assert canonical_key(short) == canonical_key(formula)
    assert max(len(part.name) for part in subformulas(short) if isinstance(part, Atom)) == 2
