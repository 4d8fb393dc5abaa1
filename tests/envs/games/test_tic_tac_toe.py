"""Tic-tac-toe against OpenSpiel, and its oracle against a search through OpenSpiel's rules."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay_envs.games.tic_tac_toe import TicTacToe


@pytest.fixture(scope="module")
def env():
    return TicTacToe()


@pytest.fixture(scope="module")
def solved(env):
    return jax.device_get(env.solved_positions())


@pytest.fixture(scope="module")
def truth(pyspiel):
    """Every position OpenSpiel can reach, by its text: player, moves and action values."""
    known = {}

    def value(state, moves):
        if state.is_terminal():
            known.setdefault(str(state), (None, moves, {}))
            return state.returns()
        if str(state) not in known:
            player = state.current_player()
            values = {a: value(state.child(a), [*moves, a]) for a in state.legal_actions()}
            known[str(state)] = (player, moves, {a: v[player] for a, v in values.items()})
        player, _, values = known[str(state)]
        best = max(values.values())
        return [best, -best] if player == 0 else [-best, best]

    value(pyspiel.load_game("tic_tac_toe").new_initial_state(), [])
    return known


@functools.cache
def compiled_step(env):
    return jax.jit(env.step)


def after(env, squares):
    state = env.init()
    for square in squares:
        state = compiled_step(env)((), state, jnp.int32(env.parse_action(square)))
    return state


def test_the_standard_game_is_open_spiels(env, random_games, assert_open_spiel_agrees, pyspiel):
    assert_open_spiel_agrees(random_games(env, 3000), pyspiel.load_game("tic_tac_toe"), 200)


@pytest.mark.parametrize("size", [4, 5, 9])
def test_larger_boards_are_open_spiels(size, random_games, assert_open_spiel_agrees, pyspiel):
    game = pyspiel.load_game("mnk", {"m": size, "n": size, "k": size})
    assert_open_spiel_agrees(random_games(TicTacToe(size=size), 200), game, 5)


@pytest.mark.parametrize(("size", "near"), [(2, 3), (33, 32), (3.0, 3)])
def test_impossible_sizes_are_refused(size, near):
    with pytest.raises(ValueError, match=f"size must be .* from 3 to 32, .*; try size={near}"):
        TicTacToe(size=size)


def test_drawing(env):
    assert env.draw(after(env, "51")).split("\n") == [
        "O | 2 | 3",
        "--+---+--",
        "4 | X | 6",
        "--+---+--",
        "7 | 8 | 9",
        "X to move",
    ]
    assert env.draw(after(env, "14253")).endswith("\nX has won")
    assert env.draw(after(env, "513746289")).endswith("\na draw")
    assert env.draw(after(env, "11")).endswith("\nO has lost by an illegal move")


def test_the_symmetries_are_the_squares(env):
    board = np.arange(9).reshape(3, 3)
    turns = {tuple(np.rot90(b, k).ravel()) for k in range(4) for b in (board, board[:, ::-1])}
    names = jax.vmap(env.mirror, (None, 0))(env.init(), jnp.arange(8, dtype=jnp.int32))[1]
    assert {tuple(row) for row in np.asarray(names).tolist()} == turns


def test_the_observation_turns_with_the_board(env):
    state = after(env, "1259")
    seen = np.asarray(env.view(state))

    @jax.jit
    @jax.vmap
    def through(index):
        turned, _ = env.mirror(state, index)
        return env.view(turned), env.estimate(turned)

    views, estimates = jax.device_get(through(jnp.arange(8, dtype=jnp.int32)))
    assert len(set(estimates.tolist())) == 1
    for index, view in enumerate(views):
        expected = seen[:, ::-1] if index & 1 else seen
        expected = expected[::-1] if index & 2 else expected
        expected = expected.transpose(1, 0, 2) if index & 4 else expected
        np.testing.assert_array_equal(view, expected)


def test_there_are_5478_positions_and_4520_unfinished(truth, solved):
    assert len(truth) == 5478
    assert sum(player is not None for player, _, _ in truth.values()) == 4520
    assert len(solved.bucket) == 4520
    assert len(np.unique(solved.state.stones.reshape(-1, 6), axis=0)) == 4520
    assert TicTacToe(size=4).solved_positions() is None


def test_the_oracle_agrees_with_a_search_through_open_spiel(env, truth):
    unfinished = [entry for entry in truth.values() if entry[0] is not None]
    moves = np.full((len(unfinished), 9), -1, np.int32)
    expected = np.full((len(unfinished), 9), np.nan, np.float32)
    for row, (_, played, values) in enumerate(unfinished):
        moves[row, : len(played)] = played
        expected[row, list(values)] = list(values.values())

    def replay(moves):
        def advance(state, move):
            moved = env.step((), state, move)
            return jax.tree.map(lambda a, b: jnp.where(move < 0, a, b), state, moved), None

        return jax.lax.scan(advance, env.init(), moves)[0]

    states = jax.jit(jax.vmap(replay))(moves)
    values = jax.jit(jax.vmap(lambda state: env.oracle((), state)))(states)
    np.testing.assert_array_equal(values, expected)


def test_solved_positions_are_the_states_of_real_games(env, solved, random_games):
    games = random_games(env, 512)
    running = jax.tree.map(lambda leaf: leaf[~games.ended], games.states)
    known = {}
    for row, stones in enumerate(solved.state.stones):
        known[stones.tobytes()] = jax.tree.map(lambda leaf: leaf[row], solved.state)  # noqa: B023
    for row, stones in enumerate(running.stones):
        jax.tree.map(
            np.testing.assert_array_equal,
            known[stones.tobytes()],
            jax.tree.map(lambda leaf: leaf[row], running),  # noqa: B023
        )


def test_known_facts(env, solved):
    assert solved.bucket_names == ("early", "middle", "late")
    np.testing.assert_array_equal(solved.bucket, solved.state.step_count // 3)
    np.testing.assert_array_equal(env.oracle((), env.init()), np.zeros(9, np.float32))
    corner = np.asarray(env.oracle((), after(env, "1")))
    np.testing.assert_array_equal(np.flatnonzero(corner == 0), [4])
    fork = np.asarray(env.oracle((), after(env, "159")))
    np.testing.assert_array_equal(np.flatnonzero(fork == -1), [2, 6])
    assert TicTacToe(size=4).oracle((), TicTacToe(size=4).init()) is None


def test_after_the_end_everything_is_worth_nothing(env):
    np.testing.assert_array_equal(env.oracle((), after(env, "14253")), np.zeros(9, np.float32))


def test_the_picture_has_crosses_and_marks_the_line():
    env = TicTacToe()
    state = env.init()
    for square in (0, 3, 1, 4, 2):
        state = env.step((), state, jnp.int32(square))
    picture = env.picture((), state)
    assert picture.owners.tolist() == [[0, 0, 0], [1, 1, -1], [-1, -1, -1]]
    assert (picture.winning, picture.stones) == ((0, 1, 2), "crosses")
