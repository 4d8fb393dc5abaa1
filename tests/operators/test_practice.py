"""Practice: levels are drawn by how often they are solved, and what is old fades."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.config import RolloutConfig
from selfplay.operators import practice as levels
from selfplay.operators.rollout import Rollout
from tests import worlds
from tests.operators.test_rollout import Babble


def of(attempts, solved):
    attempts, solved = (jnp.array(x, jnp.float32) for x in (attempts, solved))
    return levels.Practice(attempts, solved, solved > 0)


def test_the_half_solved_level_is_drawn_most():
    """Of 30 attempts 0, 15 and 30 were solved; p (1 - p) + LEAST by hand."""
    practice = of([30, 30, 30], [0, 15, 30])
    share = np.array([1 / 32, 0.5, 31 / 32])
    expected = share * (1 - share) + levels.LEAST
    expected /= expected.sum()
    keys = jax.random.split(jax.random.key(0), 20_000)
    drawn = np.asarray(jax.jit(jax.vmap(levels.draw, (0, None)))(keys, practice))
    found = np.bincount(drawn, minlength=3) / len(drawn)
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(0.25 / len(drawn)))


def test_what_ended_is_counted_at_its_level():
    level = jnp.array([[0, 2, 2], [0, 2, 1]], jnp.int32)
    ended = jnp.array([[True, True, True], [False, True, False]])
    solved = jnp.array([[True, False, True], [True, True, True]])
    counts = levels.count(level, ended, solved, 3)
    np.testing.assert_array_equal(counts, [[1, 0, 3], [1, 0, 2]])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=20), st.floats(0, 1))
def test_old_attempts_fade(new, share):
    """Whatever comes, the share solved stays between those seen; many attempts count as few."""
    practice = levels.begin(1)
    for attempts in new:
        counts = jnp.array([[attempts], [share * attempts]], jnp.float32)
        practice = levels.record(practice, counts)
    assert practice.attempts[0] <= levels.MEMORY + 41
    if sum(new):
        assert practice.solved[0] / practice.attempts[0] == pytest.approx(share, abs=1e-5)


def test_a_level_once_solved_stays_so():
    practice = levels.record(levels.begin(2), jnp.array([[1.0, 1.0], [1.0, 0.0]]))
    for _ in range(10):
        practice = levels.record(practice, jnp.array([[30.0, 30.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(practice.ever, [True, False])
    told = levels.standing(practice)
    assert told["practice/levels_ever_solved"] == 1
    assert told["practice/solved_1"] < 1e-3


class Graded(worlds.Spell):
    """Level 0 has the word aba, level 1 one that nobody can write; a word of `a` in the end will do
    for the first.
    """

    num_levels = 2

    def sample_problem_at(self, key, level, split):
        return jnp.where(level == 0, jnp.array([0, 1, 0]), jnp.array([9, 9, 9])).astype(jnp.int8)

    def solved(self, problem, state):
        return state.terminated & (state.last == problem[2])


def test_a_rollout_counts_levels_and_begins_at_those_asked_for():
    """A level is drawn for each game by what was solved; what is counted is what was played."""
    env = Graded(length=3)
    rollout = Rollout(env, Babble(env), RolloutConfig(steps_per_iteration=3))
    games = rollout.init((), jax.random.key(0), jnp.arange(512, dtype=jnp.int32))
    assert games.level is not None
    asked = np.asarray(games.problem)[:, 0] == 9
    np.testing.assert_array_equal(games.level, asked)
    # Of what comes next, level 0 is tried half solved, level 1 as never solved.
    practice = of([1000, 1000], [500, 0])
    play = jax.jit(rollout.play)
    after, _, sums, *_ = play((), jax.random.key(1), games, jnp.int32(0), practice)
    tried, solved = np.asarray(sums["tried"])
    begun_at_one = asked.sum()
    assert tried[1] >= begun_at_one  # an illegal letter ends a game early
    assert solved[1] == 0
    assert 0 < solved[0] < tried[0]
    share = np.asarray(after.level).mean()
    expected = (levels.LEAST + 1 / 1002) / (2 * levels.LEAST + 1 / 1002 + 0.25)
    assert share == pytest.approx(expected, abs=0.06)
