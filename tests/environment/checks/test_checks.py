"""The check itself: its order, its report, its page."""

import re
from pathlib import Path

import jax.numpy as jnp
import pytest

from selfplay.environment import check
from selfplay.environment.checks import LAWS, STAGES, Outcome
from tests import worlds
from tests.environment import zoo, zoo_form, zoo_play, zoo_truth, zoo_views

assert zoo_truth  # its faults count among those of the zoo
PAGE = Path(__file__).parents[3] / "docs" / "check.md"


def test_the_page_lists_every_law_as_the_code_has_it():
    rows = re.findall(r"^\| (.+?) \| (.+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.M)[1:]
    wanted = [(f"{x.name}{' (warns)' * x.warns}", x.demand, x.remedy) for x in LAWS]
    assert rows == wanted


def test_every_law_but_one_has_a_fault_in_the_zoo():
    """One game alone and in a batch differ only by a fault in JAX's own batching."""
    assert {law.name for law in LAWS} - {law for law, _ in zoo.ZOO} == {"compiles once"}


def test_the_zoo_is_large():
    assert len(zoo.ZOO) >= 30
    assert len({make for _, make in zoo.ZOO}) == len(zoo.ZOO)


def test_laws_of_form_end_the_check_at_once_others_at_their_stage():
    form = check(zoo_form.FloatMask(), games=16).findings
    index = [f.outcome for f in form].index(Outcome.BROKEN)
    assert {f.outcome for f in form[index + 1 :]} == {Outcome.UNCHECKED}
    play = check(zoo_play.NothingLegal(), games=16).findings
    before, last = len(STAGES[0]) + len(STAGES[1]), len(STAGES[3])
    assert Outcome.UNCHECKED not in {f.outcome for f in play[: before + len(STAGES[2])]}
    assert {f.outcome for f in play[-last:]} == {Outcome.UNCHECKED}


def test_the_same_seed_finds_the_same():
    one, two = (check(zoo_play.PaysTen(), games=16, seed=3) for _ in range(2))
    assert one == two
    assert one.broken[0].position != check(zoo_play.PaysTen(), games=16, seed=5).broken[0].position


def test_a_broken_environment_raises_with_all_that_is_wrong():
    with pytest.raises(ValueError, match=r"PaysTen breaks the contract\nrewards: .* add up to"):
        check(zoo_play.PaysTen(), games=16).raise_if_broken()
    check(worlds.Nim(), games=16).raise_if_broken()
    check(worlds.LinkedSpell(), games=16).raise_if_broken()


def test_a_seed_below_zero_is_the_callers_mistake_not_the_environments():
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        check(worlds.Nim(), games=16, seed=-1)


class PaysNaN(worlds.Nim):
    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(rewards=after.rewards * jnp.nan)


def test_a_nan_is_the_same_with_and_without_jit():
    broken = {finding.law.name for finding in check(PaysNaN(), games=16).broken}
    assert "rewards" in broken and "as without jit" not in broken


def test_a_game_that_is_often_cut_off_is_warned_of():
    class Short(worlds.Nim):
        def __init__(self):
            super().__init__()
            self.max_steps = 3

    (warning, *_) = check(Short(), games=64).warnings
    assert warning.law.name == "ends by its rules"
    assert re.match(r"\d+ of 64 random games were cut off at max_steps = 3", warning.seen)


def test_dead_ends_that_pay_nothing_are_counted():
    class Unpaid(worlds.Nim):
        def play(self, state, action):
            after = super().play(state, action)
            return after.replace(terminated=jnp.bool_(False), rewards=jnp.zeros_like(after.rewards))

    (warning,) = check(Unpaid(), games=64).warnings
    assert warning.seen.endswith(
        "; 64 of them ended because no action was legal, which pays nothing"
    )


def test_problems_are_shown_too():
    report = check(zoo_views.BeyondTheVocabulary(), games=16)
    position = report.broken[0].position
    assert position is not None
    assert set(position.problem) <= set(worlds.LETTERS)
