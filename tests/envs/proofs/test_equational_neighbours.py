"""Implications like one: true where it is, by all small magmas; the first ones easy, by blind
search, for which the one itself is too hard."""

import pytest

from benchmarks.equational import blind
from selfplay_envs.proofs import equational_problems, laws
from selfplay_envs.proofs.equational import Equational
from selfplay_envs.proofs.equational_neighbours import neighbours
from selfplay_envs.proofs.implication_text import parse_implication
from selfplay_envs.proofs.magma_finder import holding, models
from selfplay_envs.proofs.narrowing import unify
from selfplay_envs.proofs.rewriting import Implication, num_nodes
from selfplay_envs.proofs.term_arrays import encode
from tests.reference import equational as reference

HARD = Implication(*parse_implication("E1067 ⊢ E4131"))
HELD_OUT = Implication(*parse_implication("E1059 ⊢ E378"))
SIZE, FEW = 31, 20


@pytest.fixture(scope="module")
def found():
    return neighbours(HARD, 200, SIZE, seed=0)


def is_held_out(law):
    number = laws.number(law)
    return number is not None and equational_problems.is_held_out(number)


def test_they_are_different_and_fit_and_have_its_law(found):
    assert len(found) == 200
    assert HARD in found
    goals = [each.conclusion for each in found]
    assert len({frozenset([one.renamed(), laws.exchanged(one)]) for one in goals}) == 200
    assert {each.hypothesis for each in found} == {HARD.hypothesis}
    assert all(each.conclusion.left != each.conclusion.right for each in found)
    assert max(num_nodes(side) for each in found for side in each.conclusion.sides) <= SIZE
    assert neighbours(HARD, 200, SIZE, seed=0) == found
    assert neighbours(HARD, 200, SIZE, seed=1) != found


def test_no_magma_of_three_elements_refutes_what_is_like_a_theorem(found):
    for n in (2, 3):
        tables = models(HARD.hypothesis, n)
        assert len(tables) > 1
        assert all(holding(each.conclusion, tables).all() for each in found)


def test_the_first_ones_are_easy_and_it_itself_is_not(found):
    proved = [
        blind.prove(*(each.hypothesis, each.conclusion), budget=FEW, max_size=SIZE).chain
        is not None
        for each in found
    ]
    assert not proved[found.index(HARD)]
    first, last = proved[:40], proved[-40:]
    assert sum(first) >= 35
    assert sum(last) < sum(proved[80:120]) < sum(first)


def test_the_easiest_are_one_rewriting_away(found):
    def is_near(start, end):
        after = reference.allowed(HARD.hypothesis, start, SIZE).values()
        return any(unify(term, end) is not None for term in after)

    goals = [each.conclusion.sides for each in found[:8]]
    assert all(is_near(*goal) or is_near(*goal[::-1]) for goal in goals)


def test_some_say_the_same_with_a_side_rewritten(found):
    sides = set(HARD.conclusion.sides)
    last = [each for each in found[-40:] if each != HARD]
    assert sum(len(sides & set(each.conclusion.sides)) == 1 for each in last) > 10


def test_laws_that_follow_stand_in_for_one_that_is_held_out():
    assert is_held_out(HELD_OUT.hypothesis)
    found = neighbours(HELD_OUT, 60, SIZE, seed=0)
    others = [each for each in found if each != HELD_OUT]
    assert len(others) == 59
    stand_ins = {each.hypothesis for each in others}
    assert len(stand_ins) > 1
    assert not any(map(is_held_out, stand_ins))
    tables = models(HELD_OUT.hypothesis, 3)
    assert all(holding(law, tables).all() for law in stand_ins)
    for law in stand_ins:
        encode(law, law, SIZE, trains=False)  # which refuses what has no room


def test_a_trivial_law_has_few_neighbours():
    only = Implication(*parse_implication("x = y ⊢ x = x ◇ x"))
    assert only in neighbours(only, 20, SIZE, seed=0)
    nothing = Implication(*parse_implication("x = x ⊢ x = x ◇ x"))
    assert neighbours(nothing, 20, SIZE, seed=0) == [nothing]


def test_the_environment_gives_them_as_problems():
    env = Equational(size=SIZE)
    hard = env.parse_problem("E1067 ⊢ E4131")
    found = env.neighbours(hard, 12, seed=0)
    assert [env.format_problem(each) for each in found] == [
        str(each) for each in neighbours(HARD, 12, SIZE, seed=0)
    ]
    assert env.format_problem(hard) in map(env.format_problem, found)
    assert all(bool(each.trains) for each in found)
