"""Whole episodes against a replay of each by the rules alone."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.operators.episodes import Labeller
from selfplay.operators.exact import Exact
from selfplay.operators.raw import Raw
from tests import worlds

NUM = 64


def uniform(env, params, keys, problem, state):
    rows = keys.shape[0]
    return jnp.zeros((rows, env.num_actions)), jnp.zeros(rows)


def played(env, operator=None, index=None, **settings):
    raw = Raw(env, functools.partial(uniform, env))
    labeller = Labeller(env, operator or raw, **settings)
    index = jnp.arange(NUM, dtype=jnp.int32) if index is None else index
    return jax.jit(lambda i: labeller.play((), jax.random.key(5), i, jnp.int32(4)))(index)


@pytest.mark.parametrize("openings", [0, 3])
@pytest.mark.parametrize("env", [worlds.Nim(9), worlds.Coins(9)], ids=["nim", "coins"])
def test_a_replay_gives_the_same_states_and_returns(env, openings):
    episodes = played(env, max_opening_plies=openings)
    samples, step = episodes.samples, jax.jit(env.step)
    for b in range(8):
        state = jax.tree.map(lambda x, b=b: x[0, b], samples.targets.state)
        paid, rows = np.zeros(2), []
        for t in range(env.max_steps):
            row = jax.tree.map(lambda x, t=t, b=b: x[t, b], samples)
            assert (row.targets.weight > 0) == (not state.ended)
            if state.ended:
                continue
            assert row.targets.state.heap == state.heap
            rows.append((int(state.current_player), paid.copy(), float(row.targets.value)))
            state = step((), state, row.action)
            paid += np.asarray(state.rewards)
        np.testing.assert_allclose(episodes.returns[b], paid)
        assert jax.tree.map(lambda x, b=b: x[b], episodes.final).heap == state.heap == 0
        for mover, before, value in rows:
            assert value == pytest.approx(env.to_value((paid - before)[mover]), abs=1e-6)


def test_an_episode_depends_on_its_number_alone():
    all_of_them = played(worlds.Nim(stones=9))
    some = played(worlds.Nim(stones=9), index=jnp.array([7, 3], jnp.int32))
    np.testing.assert_array_equal(some.samples.action, all_of_them.samples.action[:, [7, 3]])
    assert (np.asarray(some.samples.episode) == [7, 3]).all()


def test_a_verified_player_solves_its_problems_and_splits_differ():
    spell = worlds.Spell(length=3)
    words = []
    for split in ("train", "held_out"):
        episodes = played(spell, Exact(spell), split=split)
        assert (episodes.returns == 1).all()
        left = np.array([1, 2 / 3, 1 / 3])[:, None]
        np.testing.assert_allclose(episodes.samples.targets.value, left * np.ones(NUM), rtol=1e-5)
        words.append({tuple(np.asarray(word).tolist()) for word in episodes.problem})
    assert not words[0] & words[1]


def test_the_first_steps_are_sampled_from_the_policy():
    nim = worlds.Nim(stones=9)
    cold = Raw(nim, functools.partial(uniform, nim), temperature=0.0)
    assert (played(nim, cold).samples.action[0] == 0).all()
    best = Exact(nim)  # all best moves are as likely, so that it is sampled either way
    assert set(np.unique(played(nim, best, temperature_plies=2).samples.action[0])) <= {0, 1, 2}
