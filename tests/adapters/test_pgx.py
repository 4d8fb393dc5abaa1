"""Games of pgx beside pgx itself, move by move, and beside our own of the same name."""

import importlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay import cli
from selfplay.adapters import pgx as adapter
from selfplay.environment import make
from selfplay.environment.checks.games import num_bytes
from selfplay.run import names
from tests import tiny

pgx = pytest.importorskip("pgx", reason="pgx comes with selfplay[pgx]")

PLIES = {
    "animal_shogi": (16, 40),
    "connect_four": (32, 43),
    "gardner_chess": (8, 60),
    "go_9x9": (8, 163),
    "hex": (8, 123),
    "othello": (16, 75),
    "tic_tac_toe": (64, 10),
}
"""Games, and plies of each, that are played beside pgx."""

ENDED = {"connect_four", "hex", "go_9x9", "othello", "tic_tac_toe"}
"""Those whose random games all end within these plies."""


def beside_pgx(env, num_games, plies):
    """Plays random legal moves in both; where they differ, bool [plies, games], by what differs.

    pgx draws who begins: where it is player 1, its players are ours with the numbers swapped.
    """
    peer = pgx.make(env.game)
    starts = []
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        init = jax.jit(peer.init)
        starts = [init(jax.random.key(seed)) for seed in range(num_games)]
        theirs = jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts)
    swapped = theirs.current_player == 1

    def move(state, other, swap, noise):
        legal = env.legal_action_mask((), state)
        action = jnp.where(legal, noise, -1.0).argmax().astype(jnp.int32)
        ended = state.ended
        state = env.step((), state, action)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            other = peer.step(other, action)
            seen = other.observation.astype(jnp.float32)
        paid = jnp.where(swap, other.rewards[::-1], other.rewards)
        mover = (other.current_player == 1) != swap
        running = ~state.ended
        wrong = {
            "legal": (other.legal_action_mask != env.legal_action_mask((), state)).any(),
            "observation": running & (seen != env.observe((), state)).any(),
            "mover": running & (mover != (state.current_player == 1)),
            "rewards": ~ended & (paid != state.rewards).any(),
            "terminated": other.terminated != state.terminated,
        }
        return state, other, wrong

    @jax.jit
    def play(other, swapped, noise):
        state = jax.vmap(lambda _: env.init())(swapped)

        def scanned(carry, noise):
            state, other, wrong = jax.vmap(move)(*carry, swapped, noise)
            return (state, other), (wrong, state.ended)

        return jax.lax.scan(scanned, (state, other), noise)[1]

    noise = np.random.default_rng(0).random((plies, num_games, env.num_actions), np.float32)
    wrong, ended = jax.device_get(play(theirs, swapped, noise))
    return np.asarray(swapped), wrong, ended


@pytest.mark.parametrize("game", PLIES)
def test_games_are_pgxs(game):
    env = make(f"pgx:{game}")
    swapped, wrong, ended = beside_pgx(env, *PLIES[game])
    for what, where in wrong.items():
        assert not where.any(), f"{what}: plies and games {np.argwhere(where)[:5].tolist()}"
    assert set(swapped.tolist()) == {True, False}
    assert ended[-1].all() if game in ENDED else True


@pytest.mark.parametrize("name", ["tic_tac_toe", "connect_four"])
def test_games_are_ours_of_the_same_name(name, random_games):
    ours, theirs = make(name), make(f"pgx:{name}")
    games = random_games(ours, 64)
    step = jax.jit(jax.vmap(theirs.step))
    mask = jax.jit(jax.vmap(theirs.legal_action_mask))
    state = jax.vmap(lambda _: theirs.init())(jnp.arange(64))
    for t in range(len(games.ended)):
        np.testing.assert_array_equal(mask((), state), games.masks[t])
        np.testing.assert_array_equal(state.ended, games.ended[t])
        np.testing.assert_array_equal(state.rewards, games.states.rewards[t])
        running = ~games.ended[t]
        mover = np.asarray(state.current_player)[running]
        np.testing.assert_array_equal(mover, games.states.current_player[t][running])
        if t < len(games.actions):
            state = step((), state, games.actions[t])


def test_the_most_steps_are_pgxs_own_limit():
    assert adapter.MAX_STEPS["go_9x9"] == pgx.make("go_9x9")._game.max_termination_steps
    assert adapter.MAX_STEPS["go_19x19"] == pgx.make("go_19x19")._game.max_termination_steps
    for name in ("animal_shogi", "gardner_chess", "_src.games.chess", "_src.games.shogi"):
        module = importlib.import_module(f"pgx.{name}")
        assert adapter.MAX_STEPS[name.rpartition(".")[2]] == module.MAX_TERMINATION_STEPS


@pytest.mark.parametrize(
    ("game", "size", "whole"),
    [
        ("animal_shogi", 2273, 12210),
        ("connect_four", 58, 285),
        ("gardner_chess", 2481, 15799),
        ("go_9x9", 2056, 5718),
        ("hex", 150, 1121),
        ("othello", 88, None),
        ("tic_tac_toe", 26, 89),
    ],
)
def test_a_state_is_smaller_than_pgxs(game, size, whole):
    assert num_bytes(jax.eval_shape(make(f"pgx:{game}").init)) == size
    if whole is not None:
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            state = jax.eval_shape(pgx.make(game).init, jax.random.key(0))
        assert sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(state)) == whole


@pytest.mark.parametrize(
    ("game", "reason"),
    [
        ("2048", "start is drawn at random"),
        ("backgammon", "start is drawn at random"),
        ("kuhn_poker", "start is drawn at random"),
        ("leduc_holdem", "start is drawn at random"),
        ("minatar-asterix", "moves draw random numbers"),
        ("minatar-breakout", "start is drawn at random"),
        ("sparrow_mahjong", "it has 3 players"),
        ("bridge_bidding", "pgx.make has no game"),
        ("animal_shoggi", "did you mean animal_shogi"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_reason(game, reason):
    with pytest.raises(ValueError, match=rf"{reason}.*these work: animal_shogi, chess, "):
        make(f"pgx:{game}")


def test_every_game_is_offered_or_refused():
    """The list of what works is what the environments themselves say."""
    offered = {str(name) for name in pgx.available_envs()}
    assert set(adapter.MAX_STEPS) <= offered
    for game in ("tic_tac_toe", "connect_four", "othello", "hex", "go_9x9"):
        assert adapter.refusal(pgx.make(game)) is None


def test_without_pgx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pgx", None)
    with pytest.raises(ValueError, match=r"pgx is not installed; pip install 'selfplay\[pgx\]'"):
        make("pgx:tic_tac_toe")


def test_an_argument_is_refused():
    with pytest.raises(ValueError, match="'size'; its arguments: none"):
        make("pgx:tic_tac_toe", size=3)


def test_an_agent_is_trained_resumed_judged_and_played(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "pgx:tic_tac_toe", *tiny.FLAGS]) == 0
    run = names.newest()
    assert run.name.startswith("pgx-tic_tac_toe-")
    assert cli.main(["resume", "--iterations", "4"]) == 0
    few = "--games 2 --player-simulations 0 --mcts-simulations 2 --minimax-depth 0".split()
    assert cli.main(["evaluate", *few]) == 0
    assert "random moves" in capsys.readouterr().out
    typed = iter(["b2", "quit"])
    monkeypatch.setattr("builtins.input", lambda *_: next(typed))
    assert cli.main(["play"]) == 0
    said = capsys.readouterr().out
    assert "2 . X ." in said
    assert "The agent plays" in said


def test_an_agent_that_there_is_not_says_what_to_type():
    with pytest.raises(ValueError, match="train one: selfplay train pgx:chess"):
        names.locate("pgx:chess")
