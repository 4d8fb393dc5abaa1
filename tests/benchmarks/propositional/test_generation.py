"""How the table of formulas to practise on is made."""

import random
from pathlib import Path

import pytest

from benchmarks.propositional import generation
from benchmarks.propositional.generation import Arguments, Settled
from selfplay_envs.proofs import kripke
from selfplay_envs.proofs.formula_problems import FILE, canonical_key, problems
from selfplay_envs.proofs.syntax import parse
from tests.envs.proofs.conftest import data, iltp

__all__ = ["data", "iltp"]  # fixtures


@pytest.mark.parametrize(
    ("text", "is_chain"),
    [
        ("p ↔ (q ↔ r)", True),
        ("(¬¬p ↔ q) ↔ ¬(q ↔ p)", True),
        ("p ↔ ¬q", True),
        ("(p ↔ q) → (q ↔ p)", False),
        ("(p ↔ q) ∧ r", False),
        ("p ∨ q ↔ r", False),
        ("p → p", False),
    ],
)
def test_chains_of_equivalences_are_known(text: str, is_chain: bool):
    assert generation.is_chain_of_equivalences(parse(text)) == is_chain


def test_formulas_are_settled_or_not():
    quick = Arguments(max_expansions=20, max_steps=2_000)
    theorem = generation.settle(parse("p → q → p ∧ q"), quick)
    assert theorem is not None
    assert (theorem.is_theorem, theorem.expansions) == (True, 5)
    other = generation.settle(parse("p ∨ ¬p"), quick)
    assert other is not None
    assert not other.is_theorem
    hard = parse("((a <=> b) <=> (b <=> a)) & ((c | d) & (e | d) => (e & c) | d)")
    late = generation.settle(hard, quick)
    assert late == Settled(hard, True, generation.GAVE_UP)
    assert generation.settle(hard, Arguments(max_expansions=20, max_steps=5)) is None


def test_a_spread_takes_from_every_octave():
    found = [Settled(parse("p"), False, n) for n in (*[8] * 50, 20, 40, generation.GAVE_UP)]
    chosen = generation.spread(random.Random(0), found, 6)
    assert [settled.expansions for settled in chosen] == [8, 8, 8, 20, 40, generation.GAVE_UP]


def test_the_table_says_what_settling_says():
    for problem in problems(FILE)[::400]:
        settled = generation.settle(parse(problem.text), Arguments())
        assert settled is not None
        assert settled.is_theorem == problem.is_theorem
        assert settled.expansions == problem.expansions


def test_generation_leaves_out_what_is_known(iltp: list[Path]):
    known = generation.library()
    before = set(known)
    quick = Arguments(tries=3, max_expansions=500, max_steps=500)
    found = generation.pool(random.Random(0), 16, 20, known, quick)
    keys = [canonical_key(settled.formula) for settled in found]
    assert len(set(keys)) == len(keys) > 20
    assert before.isdisjoint(keys)
    again = generation.pool(random.Random(0), 16, 20, set(before), quick)
    assert again == found
    for settled in found:
        assert kripke.is_theorem(settled.formula) == settled.is_theorem
