"""Positions as a page is told of them, against OpenSpiel's games and the rules."""

import json

import numpy as np
import pyspiel
import pytest

from selfplay.display.web.moves import Positions
from selfplay.environment import make
from tests import worlds


@pytest.fixture(scope="module")
def connect_four():
    return Positions(make("connect_four"))


@pytest.mark.parametrize("seed", range(3))
def test_positions_are_open_spiels(connect_four, seed):
    random = np.random.default_rng(seed)
    state, moves = pyspiel.load_game("connect_four").new_initial_state(), []
    while True:
        told = connect_four.describe((), moves)
        rows = str(state).split()[:6]
        shown = np.array(told["picture"]["owners"]).reshape(6, 7)
        assert ["".join("xo."[owner] for owner in row) for row in shown] == rows
        assert told["ended"] == state.is_terminal()
        if told["ended"]:
            break
        assert (told["mover"], told["legal"]) == (state.current_player(), state.legal_actions())
        moves.append(int(random.choice(state.legal_actions())))
        state.apply_action(moves[-1])
    assert told["legal"] == []
    assert told["returns"] == state.returns()
    assert told["outcome"] == state.returns()[0]
    assert bool(told["picture"]["winning"]) == (told["outcome"] != 0)


def test_what_is_told_is_json_and_names_the_last_move(connect_four):
    told = json.loads(json.dumps(connect_four.describe((), [3, 3])))
    assert told["last"] == {"square": 4 * 7 + 3, "source": None}
    assert told["picture"]["targets"]["3"] == {"square": 3 * 7 + 3, "source": None}
    assert connect_four.describe((), [])["last"] is None


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ([0, 7], "move 2, action 7, is not possible there; these are: 1, 2, 3, 4, 5, 6, 7"),
        ([-1], "move 1, action -1,"),
        ([3] * 7, "move 7, 4, is not possible there; these are: 1, 2, 3, 5, 6, 7"),
        ([0, 1, 0, 1, 0, 1, 0, 1], "move 8, 2, comes after the end of the game"),
    ],
)
def test_moves_that_cannot_be_are_told(connect_four, moves, message):
    with pytest.raises(ValueError, match=message):
        connect_four.describe((), moves)


def test_a_lone_player_is_paid_on_the_way_and_shown_text():
    env = worlds.Spell(length=3)
    told = Positions(env).describe(env.parse_problem("aba"), [0, 2, 0])
    assert told["picture"] is None and told["last"] is None
    assert "last: " in told["text"]
    assert told["returns"] == pytest.approx([1 / 3])
    assert told["outcome"] == pytest.approx(1 / 3)
