"""Tables of formulas, there and back, and as the replay reads them on its own."""

import numpy as np
import pytest

from selfplay_envs.proofs.formula import Atom, Implies, subformulas
from selfplay_envs.proofs.formula_table import NUM_DEPTHS, decode, encode
from selfplay_envs.proofs.propositional_replay import read_rows
from selfplay_envs.proofs.syntax import parse, show
from tests.envs.proofs.formulas import any_formulas


def test_a_table_is_its_formula():
    for formula in any_formulas(1, 200, leaves=12, num_atoms=8, size=32):
        table = encode(formula, 32)
        assert decode(table) == formula
        assert read_rows(table) == subformulas(formula)


def test_names_are_those_that_were_read():
    text = "fun → Prop_1 → x' → abcdefghijk → α ∧ ¬größe_des_Hauses → α'"
    table = encode(parse(text), 32)
    assert show(decode(table)) == text
    assert read_rows(table)[-1] == parse(text)


def test_positions_say_how_deep_and_on_which_side():
    formula = parse("(p → q) → p")
    depth, side = np.divmod(np.asarray(encode(formula, 16).position)[:4], 3)
    assert [str(row) for row in subformulas(formula)] == [
        str(parse(row)) for row in ("p", "q", "p → q", "(p → q) → p")
    ]
    assert depth.tolist() == [1, 2, 1, 0]
    assert side.tolist() == [0, 1, 1, 0]  # p is asserted twice, q and p → q are assumed
    assert np.divmod(encode(parse("p → p"), 16).position[0], 3)[1] == 2


def test_deep_formulas_have_a_last_depth():
    formula = Atom("p")
    for i in range(60):
        formula = Implies(Atom(f"q{i}"), formula)
    table = encode(formula, 128)
    assert np.asarray(table.position).max() // 3 == NUM_DEPTHS - 1
    with pytest.raises(
        ValueError, match=r"has 121 different subformulas.*--env-args subformulas 128 has"
    ):
        encode(formula, 64)


def test_a_formula_that_is_too_large_for_all():
    text = " & ".join(f"p{i}" for i in range(80))
    with pytest.raises(ValueError, match=r"has 159 different subformulas.*the most is 128"):
        encode(parse(text), 128)


def test_rows_that_are_no_formula_are_refused():
    table = encode(parse("p → q"), 16)
    with pytest.raises(ValueError, match="row 2 of the table is no formula"):
        read_rows(table.replace(left=np.full(16, 5, np.int8)))
    with pytest.raises(ValueError, match="empty, or has a formula twice"):
        read_rows(table.replace(size=np.int16(0)))
