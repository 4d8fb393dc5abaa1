"""A verifier agrees with the rules about which episodes are solved, though it knows them not."""

import itertools

import jax
import jax.numpy as jnp

from selfplay.environment import Verdict, make
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
