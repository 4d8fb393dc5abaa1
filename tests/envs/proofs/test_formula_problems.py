"""The formulas to practise on: what the table says of them holds, and none is held out."""

import importlib.resources
import itertools
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest

from selfplay_envs.proofs import kripke
from selfplay_envs.proofs.formula import Atom, Formula, parts, subformulas
from selfplay_envs.proofs.formula_problems import (
    EFFORTS,
    FILE,
    HARD,
    HARD_FILE,
    SIZES,
    FormulaProblem,
    canonical_key,
    is_held_out,
    levels,
    num_levels,
    problems,
)
from selfplay_envs.proofs.syntax import parse
from selfplay_envs.proofs.tptp import read_tptp
from tests.envs.proofs.test_formula import formulas


def renamed(formula: Formula, names: dict[str, str]) -> Formula:
    if isinstance(formula, Atom):
        return Atom(names[formula.name])
    return type(formula)(*(renamed(part, names) for part in parts(formula)))


@hypothesis.given(formulas(), st.permutations("pqr"))
def test_names_do_not_matter_to_the_key(formula: Formula, names: list[str]):
    other = renamed(formula, dict(zip("pqr", names, strict=True)))
    assert canonical_key(other) == canonical_key(formula)
    assert is_held_out(other) == is_held_out(formula)


@hypothesis.given(formulas(max_leaves=4), formulas(max_leaves=4))
def test_nothing_but_names_does_not_matter(one: Formula, two: Formula):
    names = (dict(zip("pqr", order, strict=True)) for order in itertools.permutations("pqr"))
    assert (canonical_key(one) == canonical_key(two)) == any(renamed(one, n) == two for n in names)


def size_of(level: int) -> int:
    return next(size for size in SIZES if level < num_levels(size))


def is_hard(level: int) -> bool:
    return level - num_levels(size_of(level) - 1) >= EFFORTS


def test_levels_hold_what_they_say():
    sides = levels(SIZES[-1])
    assert num_levels(SIZES[-1]) == len(sides["train"])
    for level in range(num_levels(SIZES[-1])):
        train, held_out = sides["train"][level], sides["held_out"][level]
        there = train + held_out
        assert len(there) > (90 if is_hard(level) else 300)
        assert 0.05 < len(held_out) / len(there) < 0.2
        share = sum(problem.is_theorem for problem in there) / len(there)
        assert share == 1 if is_hard(level) else 0.6 < share < 0.8
        for problem in there[::20]:
            formula = parse(problem.text)
            assert len(subformulas(formula)) <= size_of(level)
            assert is_held_out(formula) == (problem in held_out)


def test_levels_are_those_that_fit():
    small = levels(32)
    assert num_levels(32) == num_levels(63) == len(small["train"]) == 2 * EFFORTS
    assert num_levels(64) == 3 * EFFORTS + HARD
    assert num_levels(128) == 4 * EFFORTS + 2 * HARD
    assert small["train"] == levels(64)["train"][: 2 * EFFORTS]
    assert levels(64)["train"] == levels(128)["train"][: num_levels(64)]
    with pytest.raises(ValueError, match="must be at least that, got 15"):
        levels(15)


@pytest.fixture(scope="module")
def keys() -> list[str]:
    return [canonical_key(parse(problem.text)) for problem in problems()]


def test_no_two_are_the_same_up_to_names(keys: list[str]):
    assert len(set(keys)) == len(keys)


def test_none_is_in_the_library(iltp: list[Path], keys: list[str]):
    small = [path for path in iltp if path.stat().st_size < 20_000]
    library = {canonical_key(read_tptp(path).formula) for path in small}
    assert len(library) > 130
    assert library.isdisjoint(keys)


def test_no_small_model_refutes_what_is_hard():
    hard = problems(HARD_FILE)
    for problem in hard[:: len(hard) // 60]:
        assert kripke.is_theorem(parse(problem.text), max_steps=2_000) is not False, problem


@pytest.mark.parametrize("level", range(0, EFFORTS * 3, 2))
def test_models_refute_the_non_theorems_and_no_theorem(level: int):
    there: list[FormulaProblem] = [p for p in problems() if p.level == level]
    assert len(there) > 300
    for problem in there[:: len(there) // 12]:
        assert kripke.is_theorem(parse(problem.text)) == problem.is_theorem, problem


@pytest.mark.parametrize("name", [FILE, HARD_FILE])
def test_the_tables_are_small_and_plain(name: str):
    source = importlib.resources.files("selfplay_envs.proofs") / name
    assert 10_000 < len(source.read_bytes()) < 1_000_000
    assert source.read_bytes().isascii()
