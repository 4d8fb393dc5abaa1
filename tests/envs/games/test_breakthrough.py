"""Breakthrough against OpenSpiel, move by move, by the names of moves."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.adapters import open_spiel
from selfplay_envs.games.breakthrough import Breakthrough


@functools.cache
def make(rows=8, columns=8):
    return Breakthrough(rows=rows, columns=columns)


@functools.cache
def compiled_step(env):
    return jax.jit(env.step)


def after(env, moves):
    state = env.init()
    for move in moves.split():
        state = compiled_step(env)((), state, jnp.int32(env.parse_action(move)))
    return state


def assert_open_spiel_agrees(games, env, game, boards):
    """Every move of `Games`, and the boards of the first few games."""
    players, paid = games.states.current_player.tolist(), games.states.rewards.tolist()
    for number in range(games.actions.shape[1]):
        theirs = game.new_initial_state()
        for step in range(len(games.ended)):
            if number < boards:
                assert_same_board(games.observations[step, number], players[step][number], theirs)
            assert games.ended[step, number] == theirs.is_terminal()
            assert paid[step][number] == theirs.rewards()
            if theirs.is_terminal():
                assert paid[step][number] == theirs.returns()
                break
            assert players[step][number] == theirs.current_player()
            known = open_spiel.legal_actions(env, theirs)
            assert np.flatnonzero(games.masks[step, number]).tolist() == sorted(known)
            theirs.apply_action(known[int(games.actions[step, number])])
        assert theirs.is_terminal()


def assert_same_board(seen, mover, theirs):
    """A board seen by the mover, whose home row comes first; player 0's is OpenSpiel's top."""
    rows, columns = seen.shape[:2]
    text = np.array([list(line[1:]) for line in str(theirs).split()[:rows]])
    assert text.shape == (rows, columns)
    text = text if mover == 0 else text[::-1]
    np.testing.assert_array_equal(seen[..., 0] == 1, text == "bw"[mover])
    np.testing.assert_array_equal(seen[..., 1] == 1, text == "wb"[mover])


def test_the_standard_game_is_open_spiels(random_games, pyspiel):
    game = pyspiel.load_game("breakthrough")
    assert_open_spiel_agrees(random_games(make(), 200), make(), game, 20)


@pytest.mark.parametrize(
    ("rows", "columns", "dtype"),
    [
        (2, 2, jnp.uint8),
        (3, 3, jnp.uint8),
        (5, 4, jnp.uint8),
        (6, 9, jnp.uint16),
        (9, 2, jnp.uint8),
        (7, 17, jnp.uint32),
        (4, 26, jnp.uint32),
    ],
)
def test_other_boards_are_open_spiels(rows, columns, dtype, random_games, pyspiel):
    env = make(rows, columns)
    assert env.init().stones.dtype == dtype
    game = pyspiel.load_game("breakthrough", {"rows": rows, "columns": columns})
    assert_open_spiel_agrees(random_games(env, 50), env, game, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 1}, "rows must be a whole number from 2 to 32, got 1; try rows=2"),
        ({"columns": 27}, "columns must be .* from 2 to 26, got 27; try columns=26"),
        ({"columns": 1}, "got 1; try columns=2"),
    ],
)
def test_impossible_boards_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Breakthrough(**arguments)


def test_a_state_is_small():
    assert sum(leaf.nbytes for leaf in jax.tree.leaves(make().init())) == 29


def test_names_are_the_squares_left_and_entered():
    env = make()
    assert env.num_actions == 308
    assert env.format_action(env.parse_action("b7a6")) == "b7a6"
    for text in ("b6c5x", "b6c5*", "b6xc5", " B6C5 "):
        assert env.format_action(env.parse_action(text)) == "b6c5"
    with pytest.raises(ValueError, match="no action is called 'b6d5'"):
        env.parse_action("b6d5")
    wide = make(12, 26)
    assert wide.format_action(wide.parse_action("x12x11")) == "x12x11"
    assert wide.format_action(wide.parse_action("x10xw9")) == "x10w9"


@functools.cache
def targets(rows, columns):
    return make(rows, columns).picture((), make(rows, columns).init()).targets


@given(st.sampled_from([(2, 2), (5, 9), (8, 8), (12, 26)]), st.data())
def test_every_action_is_a_step_forward_on_the_board(size, data):
    rows, columns = size
    env = make(rows, columns)
    action = data.draw(st.integers(0, env.num_actions - 1))
    target = targets(rows, columns)[action]
    (before, start), (behind, end) = (
        divmod(square, columns) for square in (target.source, target.square)
    )
    assert behind - before == (1 if action < env.num_actions // 2 else -1)
    assert abs(end - start) <= 1
    name = env.format_action(action)
    assert name == "".join(f"{chr(97 + c)}{rows - r}" for r, c in ((before, start), (behind, end)))
    assert env.parse_action(name) == action


def test_the_far_side_wins():
    env = make(3, 3)
    assert not after(env, "a3a2 b1xa2 b3xa2 c1c2").terminated
    state = after(env, "a3a2 b1xa2 b3xa2 c1c2 a2b1")
    assert state.terminated
    np.testing.assert_array_equal(state.rewards, np.array([1, -1], np.float32))
    picture = env.picture((), state)
    assert picture.owners[2].tolist() == [1, 0, -1]
    assert picture.winning == (7,)


def test_who_has_no_piece_left_has_lost():
    env = make(4, 2)
    state = after(env, "a4a3 a1a2 b4b3 a2b3x a3a2 b3a4")
    assert state.terminated
    state = after(env, "a4a3 b1b2 a3b2x a1b2x b4b3 b2b3")
    assert state.terminated
    assert env.draw(state).endswith("O has lost by an illegal move")
    state = after(env, "a4a3 b1b2 a3b2x a1b2x b4a3 b2a3x")
    assert state.terminated
    np.testing.assert_array_equal(state.rewards, np.array([-1, 1], np.float32))
    assert env.draw(state).endswith("\nO has won")
    assert env.picture((), state).winning == ()


def test_drawing():
    assert make(5, 3).draw(after(make(5, 3), "b5a4")).split("\n") == [
        "5 X . X",
        "4 X . .",
        "3 . . .",
        "2 . . .",
        "1 O O O",
        "  a b c",
        "O to move",
    ]
    assert make(12, 2).draw(make(12, 2).init()).split("\n")[2:4] == ["10 . .", " 9 . ."]


def test_the_mirror_swaps_left_and_right(random_games):
    env = make()
    _, state = random_games(env, 64).running()

    @jax.jit
    @jax.vmap
    def both(state):
        mirrored, permutation = env.mirror(state, jnp.int32(1))
        return *((env.view(s), env.estimate(s)) for s in (state, mirrored)), permutation

    (seen, value), (seen_through, value_through), permutation = jax.device_get(both(state))
    np.testing.assert_array_equal(seen_through, seen[:, :, ::-1])
    np.testing.assert_array_equal(value_through, value)
    swapped = str.maketrans("abcdefgh", "hgfedcba")
    for action, name in enumerate(permutation[0].tolist()):
        assert env.format_action(name) == env.format_action(action).translate(swapped)


def test_the_estimate_likes_pieces_and_their_advance():
    env = make()
    assert float(env.estimate(env.init())) == 0
    assert -0.5 < float(env.estimate(after(env, "a7a6"))) < 0
    assert abs(float(env.estimate(after(env, "a7a6 h2h3 a6a5 h3h4")))) < 1e-5
    captured = after(env, "a7a6 h2h3 a6a5 h3h4 a5a4 h4h5 a4a3 h5h6 a3b2x")
    assert float(env.estimate(captured)) < -0.3


def test_the_estimate_goes_with_the_outcome(random_games):
    env = make()
    games = random_games(env, 256)
    chosen = np.arange(256)
    end = np.argmax(games.ended, axis=0)
    before = end - 7 - chosen % 2
    states = jax.tree.map(lambda leaf: leaf[before, chosen], games.states)
    guess = np.asarray(jax.jit(jax.vmap(env.estimate))(states))
    won = games.states.rewards[end, chosen, states.current_player]
    assert np.corrcoef(guess, won)[0, 1] > 0.3


def test_the_picture_moves_discs_from_square_to_square():
    env = make(5, 3)
    picture = env.picture((), after(env, "b5a4"))
    assert picture.owners.tolist() == [[0, -1, 0], [0, -1, -1], [-1] * 3, [-1] * 3, [1] * 3]
    target = picture.targets[env.parse_action("a1b2")]
    assert (target.source, target.square) == (12, 10)
