"""Every broken environment is caught, and named right; no correct one is accused."""

import re

import jax.numpy as jnp
import pytest

from selfplay.environment import check
from tests.environment import zoo_form, zoo_play, zoo_truth, zoo_views
from tests.environment.zoo import ZOO

assert all((zoo_form, zoo_play, zoo_views, zoo_truth))  # each has added its own


@pytest.mark.parametrize(("law", "make_env"), [pytest.param(*z, id=z[1].__name__) for z in ZOO])
def test_the_fault_is_named(law, make_env):
    faint = law == "heuristic's side"  # chance is told from fault by many games only
    report = check(make_env(), games=256 if faint else 64, again=make_env())
    first = (report.broken or report.warnings)[0]
    assert first.law.name == law, first.seen
    assert first.seen


@pytest.mark.parametrize(
    ("make_env", "seen"),
    [
        (zoo_form.PlayWithoutReturn, r"^play gives None, must give a State \(line \d+: def play"),
        (
            zoo_form.MisspeltField,
            r"'ownres'.*; its fields are .*, owners \(in play, line",
        ),
        (zoo_form.NoSelf, r"^legal: TypeError: .* \(line \d+: def legal"),
        (zoo_form.SizeOfAnAction, r"a plain number was needed.*\(in play, line \d+: return"),
        (zoo_form.HalfAnAction, r"num_actions must be a whole number.*got 6.0"),
    ],
)
def test_a_slip_of_python_is_told_with_its_line(make_env, seen):
    (broken,) = check(make_env(), games=8).broken
    assert re.search(seen, broken.seen), broken.seen


def test_a_value_hardly_out_of_range_is_told_to_its_last_digit():
    class AHairBelow(zoo_truth.CountsStones):
        def estimate(self, state):
            return jnp.float32(-1.0000001)

    (broken,) = check(AHairBelow(), games=8).broken
    assert broken.seen == "it says -1.0000001, must lie in [-1, 1]"
