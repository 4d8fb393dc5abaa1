"""What `selfplay show` prints."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay import cli
from selfplay.display import show
from tests import worlds


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def said_by(capsys, *words):
    assert cli.main(["show", *words]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    return said


def test_rules_and_facts_come_first(capsys):
    said = said_by(capsys, "tic_tac_toe")
    facts, _, game = said.partition("A random game, seed 0")
    assert "Tic-tac-toe on a square board" in facts and "a full board is a draw" in facts
    lines = dict(re.findall(r"^(\w+) {2,}(.+?) *$", facts, re.MULTILINE))
    assert lines["arguments"] == "size 3"
    assert lines["state"] == "19 bytes: stones 6 (uint8 [2, 3]), 13 that every state has"
    assert lines["OpenSpiel"] == "tic_tac_toe"
    assert lines["agent"] == "comes with it; selfplay play tic_tac_toe"
    assert "The start:" in game and "The game is over: " in game


def test_moves_begin_the_game_and_every_position_is_shown(capsys):
    said = said_by(capsys, "tic_tac_toe", "--moves", "1, 4 2,5;3", "--every")
    assert "After move 5, 3 of the first player:" in said
    assert said.count("\nAfter move") == 5
    assert "The game is over: the first player wins." in said
    assert "The whole game: 1 4 2 5 3" in said
    assert said.endswith("1 4 2 5 3\n")


def test_arguments_change_the_game(capsys):
    said = said_by(capsys, "hex", "--env-args", "size", "3", "swap", "true")
    assert "size 3 swap true" in said and "at most 10 steps" in said
    assert "hex(board_size=3,swap=True)" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "which environment?"),
        (["hexx"], "did you mean hex?"),
        (["tic_tac_toe", "--moves", "1 1"], "move 2, 1, is not allowed there; moves: 2 3 4"),
        (["tic_tac_toe", "--moves", "142538"], "moves: none, the game is over"),
        (["tic_tac_toe", "--moves", "1 x"], "no action is called 'x'; actions are 1, 2"),
        (["hex", "--env-args", "size"], "--env-args takes names and values"),
        (["hex", "--env-args", "swap", "perhaps"], "swap must be true or false, got 'perhaps'"),
        (["hex", "--env-args", "size", "-3"], "size must be a whole number from 2 to 19, got -3"),
        (["tic_tac_toe", "--seed", "-1"], "seed must be at least 0, got -1"),
    ],
)
def test_mistakes_are_one_clear_line(words, message, capsys):
    assert cli.main(["show", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("env", [worlds.Spell(), worlds.Nim()])
def test_a_random_game_is_played_by_the_rules_and_its_seed(env):
    game, step = show.play(env, [], seed=3), jax.jit(env.step)
    assert [bool(state.ended) for state in game.states] == [False] * len(game.actions) + [True]
    for i, action in enumerate(game.actions):
        assert action in game.legal[i]
        after = step(game.problem, game.states[i], jnp.int32(action))
        jax.tree.map(np.testing.assert_array_equal, after, game.states[i + 1])
    assert show.play(env, [], seed=3).actions == game.actions
    assert show.play(env, [], seed=4).actions != game.actions
