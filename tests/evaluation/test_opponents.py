"""Opponents that learn nothing: legal, and as strong as theory says."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment.contract import zero_sum
from selfplay.evaluation.arena import match
from selfplay.evaluation.opponents import MAX_LEAVES, deepest, minimax, pure_mcts, random_legal
from selfplay.evaluation.players import Player
from selfplay_envs.games.connect_four import ConnectFour
from selfplay_envs.games.tic_tac_toe import TicTacToe
from tests import worlds


class Coins(worlds.Nim):
    """Each stone pays 1 at once, and who takes a single one moves again.

    With `hopes`, a heuristic believes that the mover will get half of what is left.
    """

    def __init__(self, stones: int, hopes: bool = False):
        super().__init__(stones)
        self.return_range = (-float(stones), float(stones))
        self.hopes = hopes

    def play(self, state, action):
        after = super().play(state, action)
        gain = (action + 1).astype(jnp.float32)
        mover = state.current_player
        return after.replace(
            rewards=zero_sum(mover, gain),
            current_player=jnp.where(action == 0, mover, jnp.int8(1) - mover),
        )

    def estimate(self, state):
        return state.heap.astype(jnp.float32) * (0.5 * self.hopes / self.stones)


def coins_qvalues(heap: int, depth: int, hopes: bool) -> list[float]:
    """Value of each legal move in Coins, in stones, after `depth` moves; plain Python."""
    values = []
    for taken in range(1, min(3, heap) + 1):
        left = heap - taken
        if left == 0:
            rest = 0.0
        elif depth == 1:
            rest = 0.5 * left if hopes else 0.0
        else:
            rest = max(coins_qvalues(left, depth - 1, hopes))
        values.append(taken + (rest if taken == 1 else -rest))
    return values


def split(seed: int, count: int) -> jax.Array:
    return jax.random.split(jax.random.key(seed), count)


def repeat(state, count: int):
    return jax.tree.map(lambda x: jnp.repeat(x[None], count, axis=0), state)


def is_legal(env, problem, state, action) -> np.ndarray:
    mask = jax.jit(jax.vmap(env.legal_action_mask))(problem, state)
    return np.take_along_axis(np.asarray(mask), np.asarray(action)[:, None], 1)[:, 0]


def best_actions(values: np.ndarray) -> np.ndarray:
    """bool [N, A]: which actions are best, from exact values [N, A]."""
    return values == np.nanmax(values, axis=1)[:, None]


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
    coins = Coins(6)
    states = coins.solved_positions().state
    action, value = jax.jit(pure_mcts(coins, 600, exploration=1.0))((), split(0, 6), (), states)
    wanted = [coins_qvalues(heap, heap, False) for heap in range(1, 7)]
    for values, chosen in zip(wanted, np.asarray(action), strict=True):
        assert values[chosen] == max(values)
    np.testing.assert_allclose(value * 6, [max(values) for values in wanted], atol=0.7)


def test_mcts_beats_random():
    nim = worlds.Nim(15)
    players = Player("100", pure_mcts(nim, 100)), Player("random", random_legal(nim))
    assert match(nim, *players, num_games=100, seed=0, max_opening_plies=3).interval[0] > 0.8


# Minimax ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "hopes"), [(1, True), (2, True), (5, True), (5, False)])
def test_minimax_equals_plain_python_negamax(depth, hopes):
    coins = Coins(8, hopes)
    states = coins.solved_positions().state
    action, value = jax.jit(minimax(coins, depth))((), split(0, 8), (), states)
    wanted = [coins_qvalues(heap, depth, hopes) for heap in range(1, 9)]
    np.testing.assert_allclose(value * 8, [max(values) for values in wanted], atol=1e-5)
    for values, chosen in zip(wanted, np.asarray(action), strict=True):
        assert values[chosen] == max(values)


def test_minimax_solves_tic_tac_toe():
    """Depth 3 sees the end of every late position, and depth 5 of those with four stones."""
    env = TicTacToe()
    positions = env.solved_positions()
    stones = np.asarray(positions.state.step_count)
    for depth, chosen in ((3, stones >= 6), (5, stones == 4)):
        index = np.flatnonzero(chosen)[:: 1 if depth == 3 else 200]
        exact = np.asarray(positions.action_values)[index]
        state = jax.tree.map(lambda x, i=index: x[i], positions.state)
        action, value = jax.jit(minimax(env, depth))((), split(0, len(index)), (), state)
        np.testing.assert_array_equal(value, np.nanmax(exact, axis=1))
        assert best_actions(exact)[np.arange(len(index)), np.asarray(action)].all()


def test_minimax_plays_alone_for_rewards_on_the_way():
    spell = worlds.Spell(4)
    problem = jax.vmap(spell.sample_problem)(split(0, 16))
    state = repeat(spell.init(problem[0]), 16)
    action, value = jax.jit(minimax(spell, 4))((), split(1, 16), problem, state)
    np.testing.assert_array_equal(action, problem[:, 0])
    np.testing.assert_allclose(value, 1.0, atol=1e-6)


def test_minimax_breaks_ties_at_random_and_only_among_the_best():
    nim = worlds.Nim(8)  # lost: all three moves are equally bad; of 7, only taking 3 wins
    action, _ = jax.jit(minimax(nim, 8))((), split(0, 300), (), repeat(nim.init(), 300))
    often = np.bincount(np.asarray(action), minlength=3)
    assert abs(often - 100).max() < 5 * np.sqrt(100)


def test_minimax_asks_the_heuristic_at_truncations():
    coins = Coins(8, hopes=True)
    coins.max_steps = 1
    _, value = jax.jit(minimax(coins, 3))((), split(0, 1), (), repeat(coins.init(), 1))
    assert float(value[0]) == pytest.approx(max(coins_qvalues(8, 1, True)) / 8)


def test_minimax_names_the_depth_that_would_do():
    with pytest.raises(ValueError, match=r"depth 8 with 7 actions.*depth=7 would do"):
        minimax(ConnectFour(), 8)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        minimax(ConnectFour(), 0)
    huge = worlds.Nim(3)
    huge.num_actions = MAX_LEAVES + 1
    with pytest.raises(ValueError, match="too many actions"):
        minimax(huge, 1)


@pytest.mark.parametrize(("actions", "depth"), [(2, 20), (7, 7), (9, 6), (1024, 2), (1225, 1)])
def test_the_deepest_minimax_fits_and_one_deeper_does_not(actions, depth):
    assert deepest(actions) == depth
    assert actions**depth <= MAX_LEAVES < actions ** (depth + 1)
