"""What people are shown of a goal, and what they are told where there is no room for one."""

import numpy as np
import pytest

from selfplay_envs.proofs import equational_text
from selfplay_envs.proofs.implication_text import parse_implication
from selfplay_envs.proofs.magma import Term
from selfplay_envs.proofs.term_arrays import encode, padded, preorder

SIZE = 31


def shown(*sides: Term) -> str:
    """With sides in place of those of the conclusion."""
    problem = encode(*parse_implication("x = y ◇ (x ◇ z) ⊢ x ◇ y = y"), SIZE, False)
    codes = np.stack([padded(preorder(side), SIZE) for side in sides])
    return equational_text.describe(problem, codes)


def test_the_letters_of_the_law_are_none_of_the_goals():
    assert shown((0, 1), 1) == (
        "law  x = y ◇ (x ◇ z)   (whatever x, y, z may be)\n"
        "goal x ◇ y = y   (x, y being fixed, and none of the law's)"
    )


def test_what_is_open_is_named():
    assert shown((-1, (0, -2)), ((1, -1), -1)).split("\n")[1:] == [
        "goal ?1 ◇ (x ◇ ?2) = (y ◇ ?1) ◇ ?1   (x, y being fixed, and none of the law's)",
        "open ?1, ?2   (any term, on either side another)",
    ]


def test_actions_have_names():
    names = [
        equational_text.action_name(action, SIZE) for action in (5, SIZE, 2 * SIZE, 4 * SIZE - 1)
    ]
    assert names == ["L5>", "R0>", "L0<", "R30<"]


@pytest.mark.parametrize("action", [-1, 4 * SIZE])
def test_an_action_that_there_is_not(action):
    with pytest.raises(ValueError, match=f"124 actions .* from 0 to 123, got {action}"):
        equational_text.action_name(action, SIZE)


@pytest.mark.parametrize(("operations", "says"), [(20, "size 63 has room"), (70, "most is 127")])
def test_a_goal_that_is_too_long_is_told_what_has_room(operations, says):
    term = "x ◇ (" * (operations - 1) + "x ◇ x" + ")" * (operations - 1)
    with pytest.raises(ValueError, match=f"has {2 * operations + 1}; .*{says}"):
        encode(*parse_implication(f"x = y ⊢ x = {term}"), SIZE, False)


@pytest.mark.parametrize("several", ["E3, E4", "x = y & y = x", "x = y ∧ y = x", "x = y; E4"])
def test_one_law_is_the_hypothesis(several):
    with pytest.raises(ValueError, match="from several laws together cannot be asked"):
        parse_implication(f"{several} ⊢ E5")


@pytest.mark.parametrize("sign", ["|-", "->", "→", "=>", "⇒", " implies "])
@pytest.mark.parametrize("law", ["E387", "Equation387", "387", "x*y = (y*y)*x"])
def test_an_implication_may_be_written_in_several_ways(sign, law):
    assert parse_implication(f"{law}{sign}Equation43") == parse_implication("E387 ⊢ E43")


@pytest.mark.parametrize("quantifier", ["∀ x y, ", "forall x y, ", "For all x, y: "])
def test_a_law_has_no_quantifier(quantifier):
    with pytest.raises(ValueError, match=f"without a quantifier.*leave {quantifier[0]}.* out"):
        parse_implication(f"{quantifier}x*y=y*x ⊢ x=y")


@pytest.mark.parametrize("number", ["E0", "4695", "E9999999999", "Equation" + "9" * 9_999])
def test_a_number_that_no_law_has(number):
    with pytest.raises(ValueError, match=r"run from E1 to E4694, .*got '") as caught:
        parse_implication(f"{number} ⊢ E1")
    assert len(str(caught.value)) < 200


def test_of_long_laws_messages_repeat_a_part():
    term = "x ◇ (" * 90 + "x ◇ x" + ")" * 90
    laws = (f"x = {term} ⊢ E2", f"E2 ⊢ x = {term}", f"E2 ⊢ {term} = {term}")
    for problem in (*laws, f"E1, {term} = x ⊢ E2", f"x = {term}"):
        with pytest.raises(ValueError, match="…") as caught:
            equational_text.parse(problem, SIZE)
        assert len(str(caught.value)) < 300


def test_the_size_of_a_magma_is_another_environments():
    with pytest.raises(ValueError, match=r"'with 3 elements' asks magma_model .* leave it out"):
        equational_text.parse("E43 ⊢ E387 with 3 elements", SIZE)
