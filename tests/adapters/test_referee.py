"""The referee finds planted differences, and none where the rules are the same."""

import jax.numpy as jnp
import pytest

from selfplay import cli
from selfplay.adapters.referee import referee
from selfplay.environment import make
from selfplay_envs.games.connect_four import ConnectFour
from selfplay_envs.games.tic_tac_toe import TicTacToe

pytest.importorskip("pyspiel", reason="OpenSpiel comes with selfplay[open_spiel]")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tic_tac_toe", {"size": 4}),
        ("breakthrough", {"rows": 4, "columns": 3}),
        ("hex", {"size": 3, "swap": True}),
        ("pgx:tic_tac_toe", {}),
    ],
)
def test_the_same_rules_agree(name, arguments):
    verdict = referee(make(name, **arguments), games=140)
    assert verdict.disagreement is None
    assert verdict.games == 140
    assert verdict.moves > 140 * 4
    assert verdict.allowed_there == 0
    assert "the same legal moves, players, rewards and endings" in str(verdict)


def test_moves_that_only_open_spiel_allows_are_counted_where_that_is_known():
    verdict = referee(make("go", size=3, komi=2.0), games=128)
    assert verdict.disagreement is None
    assert verdict.allowed_there > 0
    assert "a past position back" in str(verdict)
    env = make("go", size=3, komi=2.0)
    env.open_spiel_allows = None
    found = referee(env, games=128).disagreement
    assert found is not None
    assert found.what.startswith("legal in OpenSpiel only: ")


class NoCentre(TicTacToe):
    """The first move may not be in the centre."""

    def legal(self, state):
        centre = jnp.arange(9) == 4
        return super().legal(state) & ~(centre & (state.step_count == 0))


class Misere(TicTacToe):
    """Three in a row lose."""

    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(rewards=0 - after.rewards)


class Patient(ConnectFour):
    """Five in a row are needed, though OpenSpiel is told four."""

    def __init__(self):
        super().__init__(in_a_row=5)
        self.open_spiel = "connect_four"


class Again(TicTacToe):
    """The first player has the second move as well."""

    def play(self, state, action):
        after = super().play(state, action)
        again = state.step_count == 0
        return after.replace(current_player=jnp.where(again, jnp.int8(0), after.current_player))


class Generous(TicTacToe):
    """What is taken may be taken again."""

    def legal(self, state):
        return jnp.ones(9, jnp.bool_)


@pytest.mark.parametrize(
    ("rules", "what", "moves"),
    [
        (NoCentre, "legal in OpenSpiel only: 5", 0),
        (Generous, "legal here only: ", 1),
        (Misere, r"rewards are \[", None),
        (Patient, "the game is over in OpenSpiel only", None),
        (Again, "player 0 is to move here, 1 in OpenSpiel", 1),
    ],
)
def test_a_planted_difference_is_found_and_shown(rules, what, moves):
    found = referee(rules(), games=50).disagreement
    assert found is not None
    assert found.what.startswith(what.replace("\\", ""))
    assert moves is None or len(found.moves) == moves
    shown = str(found)
    assert "here:\n" in shown and "in OpenSpiel:\n" in shown
    assert found.ours.count("\n") >= 3 and found.theirs.count("\n") >= 2


def test_no_games_are_refused():
    with pytest.raises(ValueError, match="at least 1 game to watch, got 0"):
        referee(make("tic_tac_toe"), games=0)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        referee(make("tic_tac_toe"), games=1, seed=-1)


def test_the_command_says_what_it_saw(capsys, monkeypatch, tmp_path):
    assert cli.main(["referee", "tic_tac_toe", "--games", "20"]) == 0
    assert "20 random games" in capsys.readouterr().out
    words = ["referee", "tests.adapters.test_referee:Misere", "--games", "20"]
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert "they disagree. rewards are [" in said and "in OpenSpiel:" in said
    assert cli.main(["referee"]) == 2
    assert "which environment?" in capsys.readouterr().err
    assert cli.main(["referee", "othello", "--env-args", "size", "6"]) == 2
    assert "names no game of OpenSpiel" in capsys.readouterr().err
    words = ["referee", "hex", "--games", "2", "--env-args", "size", "3", "swap", "true"]
    assert cli.main(words) == 0
    assert "hex(board_size=3,swap=True)" in capsys.readouterr().out.replace("\n", "")
