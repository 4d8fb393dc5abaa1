"""Games, moves and agents in OpenSpiel's terms."""

import sys

import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.adapters import open_spiel
from selfplay.agent import Agent
from selfplay.config import Config
from selfplay.environment import make, names

pyspiel = pytest.importorskip("pyspiel", reason="OpenSpiel comes with selfplay[open_spiel]")

NAMED = {
    "breakthrough": {"rows": 4, "columns": 5},
    "connect_four": {"rows": 5, "columns": 4, "in_a_row": 3},
    "go": {"size": 5, "komi": 0.5},
    "hex": {"size": 4, "swap": True},
    "othello": {},
    "tic_tac_toe": {"size": 4},
}


@pytest.mark.parametrize("name", names())
def test_every_game_is_named_with_its_parameters(name):
    env = make(name, **NAMED.get(name, {}))
    if env.open_spiel is None:
        pytest.skip("it names no game of OpenSpiel")
    game = open_spiel.load(env)
    assert game.num_players() == env.num_players
    if name == "hex":
        assert game.get_parameters()["swap"] is True
    if name == "go":
        assert game.get_parameters()["komi"] == 0.5


@pytest.fixture(scope="module")
def agent():
    return Agent.load("connect_four")


def test_a_game_without_a_name_is_refused():
    with pytest.raises(ValueError, match="Othello names no game of OpenSpiel; an environment does"):
        open_spiel.load(make("othello", size=6))


def test_a_name_that_open_spiel_does_not_take_is_shown():
    env = make("tic_tac_toe")
    env.open_spiel = "tick_tack_toe"
    with pytest.raises(ValueError, match="OpenSpiel does not take 'tick_tack_toe'"):
        open_spiel.load(env)


def test_another_number_of_players_is_refused():
    env = make("tic_tac_toe")
    env.open_spiel = "kuhn_poker(players=3)"
    with pytest.raises(ValueError, match=r"TicTacToe has 2 players, OpenSpiel's .* 3"):
        open_spiel.load(env)


def test_without_open_spiel_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspiel", None)
    with pytest.raises(ValueError, match=r"pip install 'selfplay\[open_spiel\]'"):
        open_spiel.load(make("tic_tac_toe"))


def test_moves_are_translated_by_their_names():
    env = make("breakthrough", rows=5, columns=4)
    game = open_spiel.load(env)
    legal = open_spiel.legal_actions(env, game.new_initial_state())
    ours = np.flatnonzero(env.legal_action_mask((), env.init())).tolist()
    assert sorted(legal) == ours
    assert legal[ours[0]] != ours[0]
    theirs = open_spiel.replay(env, game, [ours[0]])
    assert theirs.history() == [legal[ours[0]]]
    with pytest.raises(ValueError, match=r"OpenSpiel does not allow .* here:"):
        open_spiel.replay(env, game, [ours[0], ours[0]])


def test_the_agent_wins_open_spiels_own_matches(agent):
    """Against Monte Carlo tree search, by the tools of OpenSpiel in C++ and in Python."""
    from open_spiel.python.algorithms import evaluate_bots

    game = open_spiel.load(agent.env)
    ours = open_spiel.bot(agent, num_simulations=16)
    scores = []
    for seed, seats in enumerate([(0, 1), (1, 0)] * 2):
        rollouts = pyspiel.RandomRolloutEvaluator(1, seed)
        rival = pyspiel.MCTSBot(game, rollouts, 2.0, 50, 100, True, seed, False)
        bots = [ours, rival] if seats[0] == 0 else [rival, ours]
        if seed < 2:
            returns = pyspiel.evaluate_bots(game.new_initial_state(), bots, seed)
        else:
            dice = np.random.RandomState(seed)
            returns = evaluate_bots.evaluate_bots(game.new_initial_state(), bots, dice)
        scores.append(returns[seats[0]])
    assert scores == [1.0] * 4


def test_the_bot_chooses_as_the_agent_does(agent):
    ours = open_spiel.bot(agent, num_simulations=16)
    theirs = open_spiel.load(agent.env).new_initial_state()
    state = agent.env.init()
    for action in (3, 3, 2):
        theirs.apply_action(action)
        state = agent.env.step((), state, jnp.int32(action))
    decision = agent.act(state, num_simulations=16)
    policy, action = ours.step_with_policy(theirs)
    assert action == decision.action == ours.step(theirs)
    assert dict(policy) == pytest.approx(dict(enumerate(decision.action_weights.tolist())))
    assert ours.provides_policy()


def test_a_bot_refuses_another_game(agent):
    other = pyspiel.load_game("connect_four(rows=5)").new_initial_state()
    with pytest.raises(ValueError, match=r"this agent plays connect_four.*was asked about"):
        open_spiel.bot(agent).step(other)


def test_a_bot_speaks_open_spiels_numbers():
    """Untrained, on a game whose actions are numbered otherwise there."""
    env = make("breakthrough", rows=4, columns=4)

    def evaluator(params, keys, problem, state):
        shape = state.terminated.shape
        return jnp.zeros((*shape, env.num_actions)), jnp.zeros(shape)

    ours = open_spiel.bot(Agent(env, evaluator, (), Config(env="breakthrough")), 2)
    theirs = open_spiel.load(env).new_initial_state()
    while not theirs.is_terminal():
        action = ours.step(theirs)
        assert action in theirs.legal_actions()
        theirs.apply_action(action)
    assert sorted(theirs.returns()) == [-1, 1]
