"""pgx's boards and names of moves as text."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import make

pytest.importorskip("pgx", reason="pgx comes with selfplay[pgx]")


@functools.cache
def game(name):
    env = make(f"pgx:{name}")
    return env, jax.jit(env.step), jax.jit(env.init)()


def after(name, moves):
    env, step, state = game(name)
    for move in moves.split():
        state = step((), state, jnp.int32(env.parse_action(move)))
    return env, state


def test_stones_have_the_players_letters():
    env, state = after("connect_four", "d d e c")
    lines = env.draw(state).split("\n")
    assert lines[4:] == [
        "2 . . . O . . .",
        "1 . . O X X . .",
        "  a b c d e f g",
        "player 0 (X) to move",
    ]
    assert env.draw(after("connect_four", "a b a b a b a")[1]).endswith("player 0 (X) has won")
    assert env.draw(after("connect_four", "a b a b a b")[1]).endswith("player 0 (X) to move")


def test_a_draw_is_said():
    env, state = after("tic_tac_toe", "b2 a3 c3 a1 a2 c2 b3 b1 c1")
    assert bool(state.terminated)
    assert env.draw(state).endswith("a draw")


def test_a_full_column_is_an_illegal_move():
    env, state = after("connect_four", "a a a a a a a")
    assert state.rewards.tolist() == [-1, 1]
    assert env.draw(state).endswith("player 1 (O) has won")


def test_hands_and_promotions_are_shown():
    env, state = after("animal_shogi", "")
    lines = env.draw(state).split("\n")
    assert lines[:5] == ["4 g l e", "3 . c .", "2 . C .", "1 E L G", "  a b c"]
    assert lines[5:7] == ["in hand, player 0: nothing", "in hand, player 1: nothing"]
    taken = [a for a in np.flatnonzero(env.legal_action_mask((), state)) if takes(env, state, a)]
    assert len(taken) == 1
    _, step, _ = game("animal_shogi")
    assert "in hand, player 0: C\n" in env.draw(step((), state, jnp.int32(taken[0])))


def takes(env, state, action):
    _, step, _ = game("animal_shogi")
    return "player 0: C\n" in env.draw(step((), state, jnp.int32(action)))


def test_names_of_chess_are_the_moves_as_the_mover_sees_them():
    env, state = after("gardner_chess", "")
    legal = [env.format_action(int(a)) for a in np.flatnonzero(env.legal_action_mask((), state))]
    assert sorted(legal) == ["a2a3", "b1a3", "b1c3", "b2b3", "c2c3", "d2d3", "e2e3"]
    assert env.draw(state).split("\n")[:5] == [
        "5 r n b q k",
        "4 p p p p p",
        "3 . . . . .",
        "2 P P P P P",
        "1 R N B Q K",
    ]
    _, state = after("gardner_chess", "b2b3")
    assert env.draw(state).split("\n")[3] == "2 p p p p p"
    assert env.parse_action("A2A3") == env.parse_action("a2a3")
    assert env.format_action(env.parse_action("a4a5r")) == "a4a5r"


@pytest.mark.parametrize("name", ["hex", "othello", "go_9x9"])
def test_the_action_after_the_squares_has_its_name(name):
    env, _, _ = game(name)
    rows = env.observation_spec.shape[0]
    assert env.format_action(0) == f"a{rows}"
    assert env.parse_action("pass" if name != "hex" else "swap") == env.num_actions - 1
    assert env.parse_action("1") == 1
    with pytest.raises(ValueError, match=r"no action is called 'z99'; there are .* pgx's numbers"):
        env.parse_action("z99")
