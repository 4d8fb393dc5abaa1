"""Tournaments: fair, repeatable, no game twice, and right about players of known strength."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.evaluation import tournament
from selfplay.evaluation.opponents import random_legal
from selfplay.evaluation.players import Player
from selfplay.evaluation.rating import ELO, outcome_probabilities
from selfplay_envs.games.tic_tac_toe import TicTacToe
from tests import worlds


def take(params, keys, problem, state):
    """Plays perfectly with probability `params`, else takes any number of stones."""
    chance = jax.vmap(jax.random.uniform)(keys)
    rest = state.heap % 4
    best = jnp.where(rest == 0, jnp.int8(1), rest.astype(jnp.int8)) - jnp.int8(1)
    lottery = (chance * 3e4).astype(jnp.int8) % jnp.minimum(state.heap, jnp.int8(3))
    action = jnp.where(chance < params, best, lottery)
    return action.astype(jnp.int32), jnp.zeros(action.shape)


def skilled(*skills):
    return [Player(f"skill {skill}", take, jnp.float32(skill)) for skill in skills]


@pytest.fixture(scope="module")
def nim():
    return worlds.Nim(100)


def play(nim, players=None, **settings):
    players = players or skilled(0.9, 0.0, 0.5)
    settings = {"num_games": 400, "max_opening_plies": 24, "seed": 1} | settings
    return tournament.play(nim, players, **settings)


def test_ranking_counts_and_balance(nim):
    seen = []
    known = play(nim, watch=seen.append)
    assert list(np.argsort(-known.ratings.elo)) == [0, 2, 1]
    assert known.num_games == 384  # whole matches of 32
    assert [earlier.num_games for earlier in seen] == list(range(32, 385, 32))
    tallies = [known.of(player) for player in range(3)]
    assert sum(tally.games for tally in tallies) == 2 * known.num_games
    assert sum(tally.wins for tally in tallies) == sum(tally.losses for tally in tallies)
    between = known.between(0, 2)
    assert between.score > 0.5
    turned = known.between(2, 0)
    assert (between.wins, between.losses) == (turned.losses, turned.wins)


def test_the_seed_decides_everything(nim):
    one, same, other = play(nim), play(nim), play(nim, seed=2)
    np.testing.assert_array_equal(one.pairs, same.pairs)
    assert not np.array_equal(one.pairs, other.pairs)


def test_it_stops_when_the_ratings_are_precise(nim):
    known = play(nim, skilled(0.2, 0.0, 0.1), num_games=2000, precision=90.0, anchor=1)
    assert known.num_games < 1000
    assert known.ratings.relative_to(1)[1].max() <= 90.0


def test_without_openings_every_two_players_meet_once(nim):
    known = play(nim, max_opening_plies=0)
    assert known.num_openings == 1
    np.testing.assert_array_equal(known.pairs.sum((2, 3)), np.triu(np.ones((3, 3)), 1))


def test_going_on_is_as_not_stopping(nim):
    whole = play(nim, num_openings=200)
    half = play(nim, num_games=192, num_openings=200)
    np.testing.assert_array_equal(play(nim, num_openings=200, known=half).pairs, whole.pairs)


def test_a_newcomer_costs_only_its_own_games(nim, monkeypatch):
    half = {"precision": 120.0, "anchor": 0, "num_openings": 200, "num_games": 4000}
    before = play(nim, skilled(0.4, 0.0, 0.2), **half)
    played = []
    original = tournament.play_openings
    monkeypatch.setattr(
        tournament,
        "play_openings",
        lambda env, a, b, *rest: played.append((a.name, b.name)) or original(env, a, b, *rest),
    )
    after = play(nim, skilled(0.4, 0.1, 0.0, 0.2), **half, known=before)
    assert 0 < len(played) == (after.num_games - before.num_games) // 32
    assert all("skill 0.1" in pair for pair in played)
    np.testing.assert_array_equal(after.among(before.names), before.pairs)
    assert after.ratings.relative_to(0)[1].max() <= 120.0


def test_those_who_are_not_wanted_play_the_least(nim):
    players = skilled(0.4, 0.0, 0.2)
    settings = {"precision": 90.0, "anchor": 0, "num_games": 4000, "wanted": [2]}
    known = play(nim, players, **settings, least_games=64)
    assert min(known.of(player).games for player in range(3)) >= 64
    half = known.ratings.relative_to(0)[1]
    assert half[2] <= 90.0 < half[1]


def test_dear_games_are_played_less(nim):
    players = skilled(0.4, 0.0, 0.2)
    cheap = play(nim, players, num_games=480)
    dear = play(nim, players, num_games=480, costs=[1.0, 1.0, 50.0])
    assert dear.of(2).games < cheap.of(2).games


@pytest.mark.parametrize("num_players", [3, 7, 12])
def test_with_the_fewest_games_a_chain_of_matches_joins_everybody(nim, num_players):
    players = skilled(*np.linspace(0.0, 0.9, num_players).round(3))
    known = play(nim, players, num_games=2 * (num_players - 1), pairs_together=1)
    reached = {0}
    for _ in players:
        reached |= {int(j) for i in reached for j in np.flatnonzero(known.pairs_met[i])}
    assert len(reached) == num_players
    with pytest.raises(ValueError, match=f"at least {known.num_games} games, for some chain"):
        play(nim, players, num_games=known.num_games - 1, pairs_together=1)
    newcomer = [*players, *skilled(0.95)]
    with pytest.raises(ValueError, match=f"{known.num_games + 2} games, {known.num_games} of whi"):
        play(nim, newcomer, num_games=known.num_games + 1, pairs_together=1, known=known)


def test_openings_differ():
    env = TicTacToe()
    _, state = tournament.distinct_openings(env, jax.random.key(0), 1, 500)
    assert len(state.current_player) == 10  # the empty board, and nine first moves
    _, state = tournament.distinct_openings(env, jax.random.key(0), 2, 4000)
    assert len(state.current_player) == 1 + 9 + 72


def test_two_players_meet_from_no_opening_twice(monkeypatch):
    """And each match has openings that the same two players have not seen."""
    env, act = TicTacToe(), random_legal(TicTacToe())
    met: dict[str, list[bytes]] = {}
    original = tournament.play_openings

    def spy(env, first, second, openings, key):
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(openings)]
        for index in range(len(leaves[0])):
            contents = b"".join(leaf[index].tobytes() for leaf in leaves)
            met.setdefault(first.name + second.name, []).append(contents)
        return original(env, first, second, openings, key)

    monkeypatch.setattr(tournament, "play_openings", spy)
    players = [Player(name, act) for name in "abc"]
    known = tournament.play(env, players, num_games=10_000, max_opening_plies=2)
    assert known.num_games == 3 * 2 * 80  # 82 openings are 5 matches of 16
    for contents in met.values():
        assert len(contents) == len(set(contents)) == 80
    assert met["ab"] != met["ac"]


def test_known_strengths_are_found_by_the_games_that_were_chosen(nim, monkeypatch):
    """Players who are only numbers: results drawn from the model, pairs from the schedule."""
    rng = np.random.default_rng(0)
    strengths = [200.0, 100.0, 0.0, -50.0, -250.0]

    def pretend(env, first, second, openings, key):
        x = (first.params - second.params) / ELO
        chances = outcome_probabilities(np.array([x + 0.2, x - 0.2]), -1.0)
        size = len(openings[1].current_player)
        return np.stack([rng.choice([1.0, 0.0, -1.0], size, p=row) for row in chances], axis=1)

    monkeypatch.setattr(tournament, "play_openings", pretend)
    players = [Player(str(strength), take, strength) for strength in strengths]
    known = play(nim, players, num_games=20_000, max_opening_plies=30)
    np.testing.assert_allclose(known.ratings.elo, strengths, atol=20.0)
    assert known.ratings.advantage == pytest.approx(0.2 * ELO, abs=15.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"players": skilled(0.5)}, "at least 2 players, got 1"),
        ({"players": skilled(0.5, 0.5)}, "different names"),
        ({"num_games": 1}, "at least 2 games"),
        ({"precision": 0.0}, "precision must be more than 0"),
        ({"max_opening_plies": -1}, "max_opening_plies must be at least 0"),
    ],
)
def test_what_does_not_fit_is_refused(nim, settings, message):
    with pytest.raises(ValueError, match=message):
        play(nim, **settings)


def test_a_lone_player_has_no_tournament():
    with pytest.raises(ValueError, match="needs 2 players"):
        play(worlds.Spell())
