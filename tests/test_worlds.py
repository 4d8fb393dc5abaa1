import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment.contract import NO_PROBLEM
from tests import worlds


def best(env, step, problem, state):
    """Exact action values for the mover by brute force, over the contract's own functions."""
    values = np.full(env.num_actions, np.nan)
    legal = np.asarray(env.legal_action_mask(problem, state))
    mover = int(state.current_player)
    for action in np.flatnonzero(legal):
        following = step(problem, state, jnp.int32(action))
        value = float(following.rewards[mover])
        if not (following.terminated | following.truncated):
            rest = np.nanmax(best(env, step, problem, following))
            value += rest if int(following.current_player) == mover else -rest
        values[action] = value
    return values


def states(env, step, problem, state):
    yield state
    for action in np.flatnonzero(np.asarray(env.legal_action_mask(problem, state))):
        following = step(problem, state, jnp.int32(action))
        if not (following.terminated | following.truncated):
            yield from states(env, step, problem, following)


@pytest.mark.parametrize("length", [2, 3, 4])
def test_spell_oracle(length):
    env = worlds.Spell(length)
    step = jax.jit(env.step)
    words = ["".join(w) for w in itertools.product("abc", repeat=length)]
    for word in [w for w in words if all(a != b for a, b in itertools.pairwise(w))][:5]:
        problem = env.parse_problem(word)
        assert env.format_problem(problem) == word
        oracle = jax.jit(env.oracle)
        for state in states(env, step, problem, env.init(problem)):
            np.testing.assert_allclose(
                oracle(problem, state), best(env, step, problem, state), atol=1e-6
            )
        assert np.nanmax(oracle(problem, env.init(problem))) == 1.0


@pytest.mark.parametrize("cls", [worlds.Nim, worlds.NimBoard])
def test_nim_oracle(cls):
    env = cls(9)
    step = jax.jit(env.step)
    solved = env.solved_positions()
    for i in range(9):
        state = jax.tree.map(lambda x, i=i: x[i], solved.state)
        np.testing.assert_array_equal(best(env, step, NO_PROBLEM, state), solved.action_values[i])
        assert int(solved.bucket[i]) == (np.nanmax(solved.action_values[i]) > 0)
        if cls is worlds.NimBoard:
            assert env.observe((), state).sum() == i + 1


def test_spell_splits_and_symmetries():
    env = worlds.Spell(4)

    def sample(split):
        keys = jax.random.split(jax.random.key(0), 300)
        words = jax.vmap(functools.partial(env.sample_problem, split=split))(keys)
        return {env.format_problem(word) for word in words}

    train, held = sample("train"), sample("held_out")
    assert len(train) == len(held) == 12 and not train & held
    assert all(env.format_problem(env.parse_problem(w)) == w for w in train | held)
    for word in sorted(train)[:3]:
        p = env.parse_problem(word)
        for state in states(env, jax.jit(env.step), p, env.init(p)):
            for index in range(3):
                q, s, perm = env.symmetry(p, state, jnp.int32(index))
                assert env.format_problem(q) in train
                np.testing.assert_array_equal(env.oracle(q, s)[perm], env.oracle(p, state))
                for a in range(3):
                    one = env.symmetry(p, env.step(p, state, jnp.int32(a)), jnp.int32(index))[1]
                    two = env.step(q, s, perm[a])
                    jax.tree.map(np.testing.assert_array_equal, one, two)
