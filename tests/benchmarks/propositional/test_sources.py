"""Where formulas to practise on come from."""

import random

import pytest

from benchmarks.propositional import sources
from selfplay_envs.proofs import kripke
from selfplay_envs.proofs.formula import Atom, equivalence, subformulas
from selfplay_envs.proofs.syntax import parse, show


@pytest.mark.parametrize("size", [16, 40])
def test_what_was_proved_while_it_was_made_is_a_theorem(size: int):
    for seed in range(30):
        formula = sources.backwards(random.Random(seed), size)
        if len(subformulas(formula)) <= 2 * size:
            assert kripke.is_theorem(formula), show(formula)


def test_rewriting_keeps_the_meaning():
    for seed in range(150):
        rng = random.Random(seed)
        before = sources.random_formula(rng, [Atom(name) for name in "pqr"], 6)
        after = sources.rewrite_somewhere(rng, before)
        assert kripke.is_theorem(equivalence(before, after)), show(equivalence(before, after))


@pytest.mark.parametrize("text", ["p ∧ ¬q → p ∨ q", "¬¬(p ∨ ¬p)"])
def test_substitution_keeps_theorems(text: str):
    for seed in range(10):
        formula = sources.instance(random.Random(seed), parse(text))
        assert kripke.is_theorem(formula), show(formula)


def test_substitution_replaces_the_outermost_first():
    formula = parse("(p → q) ∧ p")
    assert sources.substituted(formula, {parse("p → q"): parse("r"), Atom("p"): Atom("q")}) == (
        parse("r ∧ q")
    )


def test_seeds_decide_everything():
    for source in (sources.backwards, sources.rules, sources.rewritten, sources.double_negated):
        assert source(random.Random(3), 32) == source(random.Random(3), 32)
        assert len({source(random.Random(seed), 32) for seed in range(20)}) > 10
