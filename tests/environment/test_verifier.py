"""A verifier agrees with the rules about which episodes are solved, though it knows them not."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import Verdict, Verifier, make
from selfplay.environment.verifier import Fallible
from tests import worlds


def test_spell_accepts_exactly_the_episodes_that_earn_everything():
    env = worlds.Spell(3)
    step = jax.jit(env.step)
    for text in ("aba", "abc", "cab"):
        problem = env.parse_problem(text)
        accepted = 0
        for actions in itertools.product(range(3), repeat=3):
            state, earned = env.init(problem), 0.0
            for action in actions:
                state = step(problem, state, jnp.int32(action))
                earned += float(state.rewards[0])
            verdict = env.verifier().verify(problem, actions)
            assert (verdict is Verdict.ACCEPTED) == (earned > 1.0 - 1e-5)
            accepted += verdict is Verdict.ACCEPTED
        assert accepted == 1


def test_games_have_none():
    assert make("tic_tac_toe").verifier() is None


class Even(Verifier):
    """Accepts even sums; knows nothing of long ones."""

    def verify(self, problem, actions):
        if len(actions) > 2:
            return Verdict.UNDECIDED
        even = (int(problem[0]) + sum(actions)) % 2 == 0
        return Verdict.ACCEPTED if even else Verdict.REJECTED


QUESTIONS = [(np.array([i], np.int32), [i % 7, i % 3]) for i in range(2_000)]


@pytest.mark.parametrize("error", [0.0, 0.1, 0.5, 1.0])
def test_it_says_the_opposite_so_often(error):
    fallible = Fallible(Even(), error)
    wrong = np.mean([fallible.verify(*q) is not Even().verify(*q) for q in QUESTIONS])
    assert abs(wrong - error) <= 4 * np.sqrt(error * (1 - error) / len(QUESTIONS))


def test_asked_again_it_says_the_same_and_another_says_something_else():
    first, other = Fallible(Even(), 0.5), Fallible(Even(), 0.5, seed=1)
    said = [first.verify(*q) for q in QUESTIONS]
    assert said == [first.verify(*q) for q in QUESTIONS]
    assert (
        0.4
        < np.mean(
            [a is b for a, b in zip(said, (other.verify(*q) for q in QUESTIONS), strict=True)]
        )
        < 0.6
    )


def test_what_is_undecided_stays_so():
    assert Fallible(Even(), 1.0).verify(np.array([1]), [1, 2, 3]) is Verdict.UNDECIDED
