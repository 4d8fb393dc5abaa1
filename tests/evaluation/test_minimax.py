"""Against plain negamax, exact truth and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.evaluation.minimax import MAX_NODES, deepest, fewest_nodes, minimax
from selfplay_envs.games.connect_four import ConnectFour
from selfplay_envs.games.othello import Othello
from selfplay_envs.games.tic_tac_toe import TicTacToe
from tests import worlds
from tests.evaluation.positions import best_actions, repeat, split


@pytest.mark.parametrize(("depth", "hopes"), [(1, True), (2, True), (5, True), (5, False)])
def test_equals_plain_python_negamax(depth, hopes):
    coins = worlds.Coins(8, hopes)
    states = coins.solved_positions().state
    action, value = jax.jit(minimax(coins, depth))((), split(0, 8), (), states)
    wanted = [worlds.coins_qvalues(heap, depth, hopes) for heap in range(1, 9)]
    np.testing.assert_allclose(value * 8, [max(values) for values in wanted], atol=1e-5)
    for values, chosen in zip(wanted, np.asarray(action), strict=True):
        assert values[chosen] == max(values)


def test_solves_tic_tac_toe():
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


def test_plays_alone_for_rewards_on_the_way():
    spell = worlds.Spell(4)
    problem = jax.vmap(spell.sample_problem)(split(0, 16))
    state = repeat(spell.init(problem[0]), 16)
    action, value = jax.jit(minimax(spell, 4))((), split(1, 16), problem, state)
    np.testing.assert_array_equal(action, problem[:, 0])
    np.testing.assert_allclose(value, 1.0, atol=1e-6)


def test_breaks_ties_at_random_and_only_among_the_best():
    nim = worlds.Nim(8)  # lost: all three moves are equally bad; of 7, only taking 3 wins
    action, _ = jax.jit(minimax(nim, 8))((), split(0, 300), (), repeat(nim.init(), 300))
    often = np.bincount(np.asarray(action), minlength=3)
    assert abs(often - 100).max() < 5 * np.sqrt(100)


def test_asks_the_heuristic_at_truncations():
    coins = worlds.Coins(8, hopes=True)
    coins.max_steps = 1
    _, value = jax.jit(minimax(coins, 3))((), split(0, 1), (), repeat(coins.init(), 1))
    assert float(value[0]) == pytest.approx(max(worlds.coins_qvalues(8, 1, True)) / 8)


def plain_negamax(env, step, guess, state, depth) -> dict[int, float]:
    """The value of each legal action; for games that pay at the end, where moves alternate."""
    mask = np.asarray(env.legal_action_mask((), state))
    values = {}
    for action in np.flatnonzero(mask):
        after = step((), state, jnp.int32(action))
        if after.terminated:
            values[int(action)] = float(after.rewards[state.current_player])
        elif depth == 1:
            values[int(action)] = -float(guess((), after))
        else:
            values[int(action)] = -max(plain_negamax(env, step, guess, after, depth - 1).values())
    return values


@pytest.mark.parametrize("env", [Othello(size=6), ConnectFour(rows=4, columns=4, in_a_row=3)])
@pytest.mark.parametrize("depth", [2, 4])
def test_pruning_loses_nothing(env, depth, random_games):
    games = random_games(env, 4)
    step, guess = jax.jit(env.step), jax.jit(env.heuristic)
    for ply in (3, 5):
        states = jax.tree.map(lambda x, p=ply: jnp.asarray(x[p]), games.states)
        action, value = jax.jit(minimax(env, depth))((), split(ply, 4), (), states)
        for index in np.flatnonzero(~games.ended[ply])[:2]:
            state = jax.tree.map(lambda x, i=index: x[i], states)
            wanted = plain_negamax(env, step, guess, state, depth)
            best = max(wanted.values())
            assert float(value[index]) == pytest.approx(best, abs=1e-5)
            assert wanted[int(action[index])] == pytest.approx(best, abs=1e-5)


def test_fewest_nodes_are_knuth_and_moores():
    """Their section 6: 35 moves, 4 plies; and every leaf of a tree of one move a node."""
    assert [fewest_nodes(35, depth) for depth in (1, 2, 3, 4)] == [35, 69, 1259, 2449]
    assert fewest_nodes(1, 7) == 1


@pytest.mark.parametrize(("actions", "depth"), [(2, 38), (7, 13), (65, 6), (1225, 2), (2**21, 0)])
def test_the_deepest_fits_and_one_deeper_does_not(actions, depth):
    assert deepest(actions) == depth
    assert fewest_nodes(actions, depth + 1) > MAX_NODES


def test_names_the_depth_that_would_do():
    with pytest.raises(ValueError, match=r"depth 20 with 7 actions.*depth=13 would do"):
        minimax(ConnectFour(), 20)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        minimax(ConnectFour(), 0)
    huge = worlds.Nim(3)
    huge.num_actions = MAX_NODES + 1
    with pytest.raises(ValueError, match="too many actions"):
        minimax(huge, 1)
