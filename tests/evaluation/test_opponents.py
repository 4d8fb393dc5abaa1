"""Opponents that learn nothing: legal, and as strong as theory says."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.evaluation.arena import match
from selfplay.evaluation.opponents import pure_mcts, random_legal
from selfplay.evaluation.players import Player
from selfplay_envs.games.connect_four import ConnectFour
from selfplay_envs.games.tic_tac_toe import TicTacToe
from tests import worlds
from tests.evaluation.positions import best_actions, repeat, split


def is_legal(env, problem, state, action) -> np.ndarray:
    mask = jax.jit(jax.vmap(env.legal_action_mask))(problem, state)
    return np.take_along_axis(np.asarray(mask), np.asarray(action)[:, None], 1)[:, 0]


# Random -----------------------------------------------------------------------------------------


def test_random_plays_each_legal_move_equally_often():
    env = ConnectFour()
    state = env.init()
    step = jax.jit(env.step)
    for _ in range(env.rows):
        state = step((), state, jnp.int32(2))
    count = 6000
    action, value = jax.jit(random_legal(env))((), split(0, count), (), repeat(state, count))
    often = np.bincount(np.asarray(action), minlength=7)
    assert often[2] == 0
    assert abs(often[[0, 1, 3, 4, 5, 6]] - 1000).max() < 5 * np.sqrt(1000)
    assert (action.dtype, value.dtype) == (jnp.int32, jnp.float32)
    assert not value.any()


# Pure MCTS --------------------------------------------------------------------------------------


@functools.cache
def mcts_on_tic_tac_toe():
    """Every twentieth position: its exact values, its winning moves, and what 200 playouts do."""
    env = TicTacToe()
    positions = jax.tree.map(lambda x: x[::20], env.solved_positions())
    count = positions.bucket.shape[0]
    act = jax.jit(pure_mcts(env, 200))
    action, value = act((), split(0, count), (), positions.state)
    every = jnp.arange(9, dtype=jnp.int32)
    step_each = jax.vmap(functools.partial(env.step, ()), (None, 0))
    after = jax.jit(jax.vmap(step_each, (0, None)))(positions.state, every)
    exact = np.asarray(positions.action_values)
    wins_now = np.asarray((after.rewards != 0).any(-1)) & ~np.isnan(exact)
    legal = is_legal(env, (), positions.state, action)
    return exact, wins_now, np.asarray(action), np.asarray(value), legal


def test_mcts_never_plays_an_illegal_move():
    assert mcts_on_tic_tac_toe()[-1].all()


def test_mcts_finds_wins_in_one():
    """Where no other move wins: two certain wins are equal, however soon they come."""
    exact, wins_now, action, _, _ = mcts_on_tic_tac_toe()
    won = wins_now.any(1) & ((exact == 1) == wins_now).all(1)
    assert won.sum() > 30
    assert wins_now[np.arange(len(action)), action][won].all()


def test_mcts_blocks():
    """Where exactly one move does not lose, and none wins at once, it is the one that blocks."""
    exact, wins_now, action, _, _ = mcts_on_tic_tac_toe()
    forced = ((exact > -1).sum(1) == 1) & ((exact == -1).sum(1) > 0) & ~wins_now.any(1)
    assert forced.sum() > 30
    assert (exact[np.arange(len(action)), action][forced] > -1).all()


def test_mcts_values_have_the_sign_of_the_truth():
    exact, _, _, value, _ = mcts_on_tic_tac_toe()
    best = np.nanmax(exact, axis=1)
    assert np.abs(value).max() <= 1.0
    assert value[best == 1].mean() > 0.6
    assert value[best == -1].mean() < -0.4
    assert np.corrcoef(value, best)[0, 1] > 0.8


def test_mcts_solves_nim_with_many_simulations():
    nim = worlds.Nim(9)
    positions = nim.solved_positions()
    act = jax.jit(pure_mcts(nim, 600))
    action, value = act((), split(0, 9), (), positions.state)
    assert is_legal(nim, (), positions.state, action).all()
    exact = np.asarray(positions.action_values)
    assert best_actions(exact)[np.arange(9), np.asarray(action)].all()
    np.testing.assert_array_equal(np.sign(value), np.nanmax(exact, axis=1))
    assert np.abs(value).mean() > 0.6


def test_mcts_plays_alone_for_rewards_on_the_way():
    spell = worlds.Spell(4)
    problem = jax.vmap(spell.sample_problem)(split(0, 32))
    state = repeat(spell.init(problem[0]), 32)
    action, value = jax.jit(pure_mcts(spell, 200))((), split(1, 32), problem, state)
    np.testing.assert_array_equal(action, problem[:, 0])  # the right letter, always the best
    assert float(value.min()) > 0.4  # after random letters it would be below 0


def test_mcts_counts_stones_in_coins():
    """Rewards on the way, double moves and a range that is not [-1, 1]."""
    coins = worlds.Coins(6)
    states = coins.solved_positions().state
    action, value = jax.jit(pure_mcts(coins, 600, exploration=1.0))((), split(0, 6), (), states)
    wanted = [worlds.coins_qvalues(heap, heap, False) for heap in range(1, 7)]
    for values, chosen in zip(wanted, np.asarray(action), strict=True):
        assert values[chosen] == max(values)
    np.testing.assert_allclose(value * 6, [max(values) for values in wanted], atol=0.7)


def test_mcts_beats_random():
    nim = worlds.Nim(15)
    players = Player("100", pure_mcts(nim, 100)), Player("random", random_legal(nim))
    assert match(nim, *players, num_games=100, seed=0, max_opening_plies=3).interval[0] > 0.8
