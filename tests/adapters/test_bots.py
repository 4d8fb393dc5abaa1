"""OpenSpiel's bots as players of the arena and the ladder."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.adapters import bots, open_spiel
from selfplay.adapters.remembered import Remembered
from selfplay.environment import make
from selfplay.evaluate import evaluate
from selfplay.evaluation.arena import match
from selfplay.evaluation.opponents import random_legal
from selfplay.evaluation.players import Player
from selfplay.ladder import ladder

pytest.importorskip("pyspiel", reason="OpenSpiel comes with selfplay[open_spiel]")


def play(env, names, games=16, plies=2):
    players = [bots.player(env, name) for name in names]
    seated, players = bots.seat(env, players)
    return match(seated, *players, num_games=games, seed=0, max_opening_plies=plies)


def test_search_beats_chance():
    env = make("breakthrough", rows=5, columns=4)
    assert play(env, ["open_spiel:mcts:100", "random"]).wins >= 15
    assert play(env, ["open_spiel:random", "open_spiel:mcts:100"]).wins <= 1


def test_perfect_players_draw_and_never_lose():
    env = make("tic_tac_toe")
    assert play(env, ["open_spiel:alpha_beta:9", "open_spiel:mcts:1000"], 4, 0).draws == 4
    assert play(env, ["open_spiel:alpha_beta:9", "random"], 8, 0).losses == 0


def test_a_match_can_be_repeated():
    env = make("tic_tac_toe")
    names = ["open_spiel:mcts:10", "open_spiel:random"]
    assert play(env, names, 32) == play(env, names, 32)


def test_open_spiels_random_player_is_as_strong_as_ours():
    result = play(make("tic_tac_toe"), ["open_spiel:random", "random"], 400, 0)
    low, high = result.interval
    assert low < 0.5 < high


def test_without_a_bot_nothing_changes():
    env = make("tic_tac_toe")
    players = [Player("one", random_legal(env)), Player("other", random_legal(env))]
    assert bots.seat(env, players) == (env, players)


def test_players_that_share_a_program_go_on_sharing_it():
    env = make("tic_tac_toe")
    act = random_legal(env)
    players = [Player("one", act, 1), Player("two", act, 2), bots.player(env, "open_spiel:random")]
    _, (one, two, bot) = bots.seat(env, players)
    assert one.act is two.act is not act
    assert (one.params, two.params, bot) == (1, 2, players[2])


def test_a_remembered_game_is_the_same_game(random_games):
    env = make("hex", size=3, swap=True)
    games = random_games(Remembered(env), 32)
    plain = random_games(env, 32)
    np.testing.assert_array_equal(games.masks, plain.masks)
    np.testing.assert_array_equal(games.observations, plain.observations)
    paid_apart = [tree.replace(rewards=0) for tree in (games.states.inner, plain.states)]
    jax.tree.map(np.testing.assert_array_equal, *paid_apart)
    for field in ("current_player", "rewards", "terminated", "truncated", "step_count"):
        ours = getattr(games.states, field)
        np.testing.assert_array_equal(ours, getattr(plain.states, field))
    last = jax.tree.map(lambda leaf: leaf[-1], games.states)
    for number in range(32):
        count = int(last.step_count[number])
        played = games.actions[:count, number]
        np.testing.assert_array_equal(last.moves[number, :count], played)
        assert not last.moves[number, count:].any()
        theirs = open_spiel.replay(env, open_spiel.load(env), played.tolist())
        assert theirs.returns() == games.states.rewards[count, number].tolist()


@pytest.mark.parametrize(
    "name",
    ["open_spiel:mcts", "open_spiel:mcts:0", "open_spiel:", "open_spiel:minimax:3"],
)
def test_an_unknown_bot_is_refused(name):
    with pytest.raises(ValueError, match=r"a bot of OpenSpiel is open_spiel:random, .*got 'open"):
        bots.player(make("tic_tac_toe"), name)


def test_a_game_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="names no game of OpenSpiel"):
        bots.player(make("othello", size=6), "open_spiel:random")


def test_named_opponents_are_known():
    assert all(map(bots.is_named, ["random", "mcts:5", "open_spiel:random", "open_spiel:mcts:5"]))
    assert not any(map(bots.is_named, ["runs/first", "connect_four", "open_spiel"]))


def test_bots_are_judged_against_and_rated(tmp_path):
    judged = evaluate(
        "tic_tac_toe",
        simulations=(),
        games=8,
        player_simulations=0,
        mcts_simulations=2,
        minimax_depth=0,
        opponents=["open_spiel:random", "minimax:1"],
    )
    by_name = {result.names[1]: result for result in judged.matches}
    assert by_name["open_spiel:random"].games == 8
    assert by_name["open_spiel:random"].losses <= 1
    assert [name for name in by_name if name.startswith("minimax")] == ["minimax:1"]
    names = ["tic_tac_toe", "random", "open_spiel:mcts:20"]
    rated = ladder(names, simulations=0, games=48)
    assert {entrant.player.name for entrant in rated.entrants} >= {"random", "open_spiel:mcts:20"}
    assert json.dumps([entrant.run for entrant in rated.entrants]).count("null") == 2
    assert jnp.isfinite(rated.ratings[0]).all()
