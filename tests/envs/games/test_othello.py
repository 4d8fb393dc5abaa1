"""Othello against OpenSpiel, and against plain-Python rules on other boards."""

import functools
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selfplay_envs.games.othello import Othello
from tests.reference import othello as reference

# The shortest game: black has every disc after nine moves.
WIPED_OUT = "e6 f4 e3 f6 g5 d6 e7 f5 c5"


@functools.cache
def make(size=8):
    return Othello(size=size)


@functools.cache
def compiled_step(env):
    return jax.jit(env.step)


def after(env, moves):
    state = env.init()
    for move in moves.split():
        state = compiled_step(env)((), state, jnp.int32(env.parse_action(move)))
    return state


def packed(planes):
    """uint32 [2, words] from bool [2, size, size]."""
    flat = planes.reshape(2, -1)
    padded = np.pad(flat, [(0, 0), (0, -flat.shape[1] % 32)])
    return np.packbits(padded, axis=1, bitorder="little").view("<u4").astype(np.uint32)


def planes_of(game, mover):
    board = np.array(list(game.board.values())).reshape(game.size, game.size)
    return np.stack([board == mover, board == 3 - mover])


def test_the_standard_game_is_open_spiels(random_games, assert_open_spiel_agrees, pyspiel):
    games = random_games(make(), 200)
    assert_open_spiel_agrees(games, pyspiel.load_game("othello"))
    assert (games.actions[~games.ended[:-1]] == 64).any()


def test_boards_are_open_spiels(random_games, pyspiel):
    games = random_games(make(), 5)
    for number in range(5):
        theirs = pyspiel.load_game("othello").new_initial_state()
        for step in range(np.argmax(games.ended[:, number])):
            rows = [line.split()[1:9] for line in str(theirs).split("\n")[2:10]]
            mine, other = ("x", "o") if theirs.current_player() == 0 else ("o", "x")
            seen = games.observations[step, number]
            np.testing.assert_array_equal(seen[..., 0] == 1, np.array(rows) == mine)
            np.testing.assert_array_equal(seen[..., 1] == 1, np.array(rows) == other)
            action = int(games.actions[step, number])
            name = theirs.action_to_string(action)
            assert name.split()[0].lower() == make().format_action(action)
            theirs.apply_action(action)


def test_the_plain_python_rules_are_open_spiels(pyspiel):
    dice = random.Random(0)
    for _ in range(20):
        ours, theirs = reference.Othello(8), pyspiel.load_game("othello").new_initial_state()
        while moves := ours.moves():
            assert theirs.current_player() == ours.mover - 1
            names = [64 if move is None else 8 * move[0] + move[1] for move in moves]
            assert names == theirs.legal_actions()
            chosen = dice.randrange(len(moves))
            ours.play(moves[chosen])
            theirs.apply_action(names[chosen])
        assert theirs.is_terminal()
        assert theirs.returns()[0] == np.sign(ours.lead())


def test_perfect_play_on_four_by_four_wins_for_white_by_eight():
    assert reference.best_lead(reference.Othello(4)) == -8


@pytest.mark.parametrize(("size", "count"), [(4, 200), (6, 200), (10, 20), (12, 10), (14, 10)])
def test_other_boards_are_the_plain_python_rules(size, count, random_games):
    games = random_games(make(size), count)
    for number in range(count):
        plain = reference.Othello(size)
        for step in range(len(games.ended)):
            moves = plain.moves()
            assert games.ended[step, number] == (not moves)
            mover = plain.mover - 1
            assert games.states.current_player[step, number] == mover
            seen = np.moveaxis(games.observations[step, number], -1, 0)
            np.testing.assert_array_equal(seen == 1, planes_of(plain, plain.mover))
            if not moves:
                break
            names = [size**2 if move is None else size * move[0] + move[1] for move in moves]
            assert np.flatnonzero(games.masks[step, number]).tolist() == names
            plain.play(moves[names.index(games.actions[step, number])])
        assert games.states.rewards[step, number].tolist() == [
            np.sign(plain.lead()),
            -np.sign(plain.lead()),
        ]


@functools.cache
def compiled_play(size):
    env = make(size)

    @jax.jit
    def play(discs, action):
        state = env.start().replace(discs=discs)
        played = env.play(state, action)
        return env.view(played), env.legal(played), played.terminated, played.rewards

    return play


boards = st.sampled_from([4, 6, 8]).flatmap(
    lambda size: hnp.arrays(np.int8, (size, size), elements=st.integers(0, 2))
)


@given(boards, st.data())
def test_any_position_is_played_as_in_plain_python(board, data):
    size = len(board)
    plain = reference.Othello(size)
    plain.board = {square: int(board[square]) for square in plain.board}
    places = plain.places(reference.BLACK)
    move = data.draw(st.sampled_from([None, *places]))
    action = np.int32(size**2 if move is None else size * move[0] + move[1])
    discs = packed(planes_of(plain, reference.BLACK))
    seen, legal, terminated, rewards = jax.device_get(compiled_play(size)(discs, action))
    plain.play(move)
    np.testing.assert_array_equal(np.moveaxis(seen, -1, 0) == 1, planes_of(plain, plain.mover))
    replies = plain.places(reference.WHITE)
    expected = [size * row + column for row, column in replies] or [size**2]
    assert np.flatnonzero(legal).tolist() == expected
    assert terminated == (not plain.moves())
    assert rewards[0] == (np.sign(plain.lead()) if terminated else 0)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (2, "size must be a whole number from 4 to 14, got 2; try size=4"),
        (16, "got 16; try size=14"),
        (7, "size must be even, got 7; try size=6"),
        (8.0, "got 8.0; try size=8"),
    ],
)
def test_impossible_sizes_are_refused(size, message):
    with pytest.raises(ValueError, match=message):
        Othello(size=size)


def test_a_state_is_small():
    state = make().init()
    assert (state.discs.shape, state.moves.shape) == ((2, 2), (2,))
    assert sum(leaf.nbytes for leaf in jax.tree.leaves(state)) == 37


def test_names_are_columns_and_rows():
    env = make()
    assert [env.format_action(action) for action in (0, 19, 63, 64)] == ["a1", "d3", "h8", "pass"]
    assert [env.parse_action(text) for text in ("D3", " Pass ", "h8")] == [19, 64, 63]


def test_passing_when_there_is_a_move_loses():
    env = make()
    state = after(env, "d3 pass")
    assert state.terminated
    np.testing.assert_array_equal(state.rewards, np.array([1, -1], np.float32))
    assert env.draw(state).endswith("\nO has lost by an illegal move, discs 4-1")


def test_who_has_no_disc_left_has_lost():
    env = make()
    state = after(env, WIPED_OUT)
    assert state.terminated
    np.testing.assert_array_equal(state.rewards, np.array([1, -1], np.float32))
    assert env.draw(state).endswith("\nX has won, discs 13-0")


def test_drawing():
    env = make(4)
    assert env.draw(after(env, "b1")).split("\n") == [
        "  a b c d",
        "1 . X . .",
        "2 . X X .",
        "3 . X O .",
        "4 . . . .",
        "O to move, discs 4-1",
    ]
    wide = make(10)
    assert wide.draw(wide.init()).split("\n")[9:11] == [
        " 9 . . . . . . . . . .",
        "10 . . . . . . . . . .",
    ]


def test_drawing_says_who_must_pass_and_how_it_ended(random_games):
    env = make(4)
    games = random_games(env, 200)
    captions = set()
    for step, number in zip(*np.nonzero(games.masks[:-1, :, 16] & ~games.ended[:-1]), strict=True):
        state = jax.tree.map(lambda leaf: leaf[step, number], games.states)  # noqa: B023
        assert " must pass, discs " in env.draw(state)
    for number in range(200):
        state = jax.tree.map(lambda leaf: leaf[-1, number], games.states)  # noqa: B023
        text = env.draw(state)
        black, white = (text.count(disc) - text.split("\n")[-1].count(disc) for disc in "XO")
        who = "a draw" if black == white else f"{'XO'[white > black]} has won"
        assert text.endswith(f"\n{who}, discs {black}-{white}")
        captions.add(who)
    assert captions == {"a draw", "X has won", "O has won"}


def test_the_observation_turns_with_the_board():
    env = make(6)
    state = after(env, "c2 b2 a2")
    seen = np.asarray(env.view(state))

    @jax.jit
    @jax.vmap
    def through(index):
        turned, _ = env.mirror(state, index)
        return env.view(turned), env.estimate(turned)

    views, estimates = jax.device_get(through(jnp.arange(8, dtype=jnp.int32)))
    assert len(set(estimates.tolist())) == 1
    assert len({view.tobytes() for view in views}) == 8
    for index, view in enumerate(views):
        expected = seen[:, ::-1] if index & 1 else seen
        expected = expected[::-1] if index & 2 else expected
        expected = expected.transpose(1, 0, 2) if index & 4 else expected
        np.testing.assert_array_equal(view, expected)


def test_the_estimate_is_the_movers_share_of_discs():
    env = make()
    assert float(env.estimate(env.init())) == 0
    assert float(env.estimate(after(env, "d3"))) == -3 / 64


def test_the_picture_has_discs_and_a_button_to_pass():
    picture = make().picture((), after(make(), "d3"))
    assert picture.owners[2:5].tolist() == [
        [-1, -1, -1, 0, -1, -1, -1, -1],
        [-1, -1, -1, 0, 0, -1, -1, -1],
        [-1, -1, -1, 0, 1, -1, -1, -1],
    ]
    assert [picture.targets[action].square for action in (0, 63, 64)] == [0, 63, None]
