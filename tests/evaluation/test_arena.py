"""Matches: paired, balanced, reproducible, and honest about chance."""

import itertools
import math

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.evaluation import arena
from selfplay.evaluation.arena import MatchResult, Tally, match, solo, wilson
from selfplay.evaluation.opponents import random_legal
from selfplay.evaluation.players import Player
from selfplay_envs.games.tic_tac_toe import TicTacToe
from tests import worlds


class Again(worlds.Nim):
    """Nim in which who takes a single stone moves again."""

    def play(self, state, action):
        after = super().play(state, action)
        mover = state.current_player
        return after.replace(current_player=jnp.where(action == 0, mover, jnp.int8(1) - mover))


def perfect(env):
    """Plays the oracle's best move, the first of equals."""

    def act(params, keys, problem, state):
        values = jax.vmap(env.oracle)(problem, state)
        best = jnp.where(jnp.isnan(values), -jnp.inf, values).argmax(-1)
        return best.astype(jnp.int32), jnp.nanmax(values, axis=-1)

    return act


def take(params, keys, problem, state):
    """Takes `params` stones, or what is left."""
    action = jnp.minimum(params, jnp.maximum(state.heap, jnp.int8(1))) - jnp.int8(1)
    return action.astype(jnp.int32), jnp.zeros(action.shape)


def takes(stones):
    return Player(f"takes {stones}", take, jnp.int8(stones))


@pytest.fixture(scope="module")
def nim():
    return worlds.Nim(30)


@pytest.fixture(scope="module")
def tic_tac_toe():
    env = TicTacToe()
    return env, Player("perfect", perfect(env)), Player("random", random_legal(env))


# Matches ----------------------------------------------------------------------------------------


def test_perfect_player_never_loses(tic_tac_toe):
    env, best, chance = tic_tac_toe
    result = match(env, best, chance, num_games=200, seed=0)
    assert result.names == ("perfect", "random")
    assert result.losses == 0
    assert result.not_lost == 1.0
    assert result.score > 0.9
    assert result.as_player_0.wins > result.as_player_1.wins  # to begin helps
    assert result.as_player_0.games == result.as_player_1.games == 100


def test_perfect_players_draw(tic_tac_toe):
    env, best, _ = tic_tac_toe
    result = match(env, best, best, num_games=4, seed=0)
    assert (result.wins, result.draws, result.losses) == (0, 4, 0)
    assert (result.score, result.not_lost) == (0.5, 1.0)
    assert result.interval == wilson(2, 4)


def test_random_players_are_equal(tic_tac_toe):
    """And who begins wins the known 58.5 %, draws 12.7 % and loses 28.8 %."""
    env, _, chance = tic_tac_toe
    result = match(env, chance, chance, num_games=2000, seed=0)
    low, high = result.interval
    assert low < 0.5 < high
    began, followed = result.as_player_0, result.as_player_1
    shares = np.array([began.wins + followed.losses, result.draws, began.losses + followed.wins])
    np.testing.assert_allclose(shares / 2000, [0.585, 0.127, 0.288], atol=0.04)


def test_openings_are_the_same_for_both_colours(nim):
    """Two copies of one player without noise play each opening twice, and swap the result."""
    for seed in range(3):
        result = match(nim, takes(2), takes(2), num_games=60, seed=seed, max_opening_plies=6)
        first, second = result.as_player_0, result.as_player_1
        assert (first.wins, first.losses) == (second.losses, second.wins)
        assert first.wins
        assert first.losses
        assert result.score == 0.5


def test_openings_never_end_the_game(nim):
    """However long they may be, someone is left to take the last stone."""
    result = match(nim, takes(3), takes(1), num_games=60, seed=0, max_opening_plies=90)
    assert result.wins + result.losses == 60


def test_the_seed_decides_everything(tic_tac_toe):
    env, _, chance = tic_tac_toe

    def play(seed):
        return match(env, chance, chance, num_games=2000, seed=seed)

    assert play(3) == play(3)
    assert play(3) != play(4)


def test_a_game_depends_on_its_index_alone(nim):
    act = random_legal(nim)

    def play(num_pairs):
        opening_key, key = jax.random.split(jax.random.key(0))
        openings = arena.sample_openings(nim, opening_key, jnp.int32(4), num_pairs)
        return arena.play_openings(nim, Player("a", act), Player("b", act), openings, key)

    few, many = play(8), play(20)
    np.testing.assert_array_equal(few, many[:8])
    assert len({tuple(pair) for pair in np.asarray(many)}) > 1


def test_new_params_compile_nothing(nim):
    traces = []

    def act(*inputs):
        traces.append(None)
        return take(*inputs)

    def play(stones):
        player = Player("a checkpoint", act, jnp.int8(stones))
        result = match(nim, player, takes(2), num_games=2, seed=0)
        return result, len(traces)

    (one, traces_of_one), (two, traces_of_two) = play(1), play(2)
    assert traces_of_one == traces_of_two
    assert one != two


@pytest.fixture(scope="module")
def again():
    return Again(11)


@pytest.mark.parametrize(("one", "other"), [(1, 3), (1, 2), (2, 3), (3, 3)])
def test_a_player_may_move_twice(again, one, other):
    """Against the same games in plain Python."""

    def winner(takes_by):
        heap, mover = 11, 0
        while True:
            taken = min(takes_by[mover], heap)
            heap -= taken
            if heap == 0:
                return mover
            mover = mover if taken == 1 else 1 - mover

    result = match(again, takes(one), takes(other), num_games=2, seed=0)
    assert result.as_player_0.wins == (winner((one, other)) == 0)
    assert result.as_player_1.wins == (winner((other, one)) == 1)
    assert result.draws == 0


def test_truncated_games_count_with_what_was_paid():
    nim = worlds.Nim(9)
    nim.max_steps = 2
    assert match(nim, takes(1), takes(1), num_games=2, seed=0).draws == 2


def test_a_match_says_what_it_needs(nim):
    player = takes(1)
    with pytest.raises(ValueError, match=r"must be even and at least 2, got 5; try 6"):
        match(nim, player, player, num_games=5, seed=0)
    with pytest.raises(ValueError, match=r"got 0; try 2"):
        match(nim, player, player, num_games=0, seed=0)
    with pytest.raises(ValueError, match=r"max_opening_plies must be at least 0, got -1"):
        match(nim, player, player, num_games=2, seed=0, max_opening_plies=-1)
    with pytest.raises(ValueError, match=r"Spell has 1; use solo"):
        match(worlds.Spell(), player, player, num_games=2, seed=0)


def test_results_add_up():
    result = MatchResult(("a", "b"), Tally(3, 1, 0), Tally(1, 2, 3))
    assert (result.wins, result.draws, result.losses, result.games) == (4, 3, 3, 10)
    assert result.score == 0.55
    assert result.not_lost == 0.7
    assert result.interval == wilson(5.5, 10)


# Alone ------------------------------------------------------------------------------------------


class HeldOutSpell(worlds.Spell):
    """Refuses to be judged on what it was trained on."""

    def sample_problem(self, key, split="train"):
        assert split == "held_out"
        return super().sample_problem(key, split)


def test_perfect_speller_earns_everything():
    spell = HeldOutSpell(5)
    result = solo(spell, Player("perfect", perfect(spell)), num_episodes=64, seed=0)
    assert (result.name, result.episodes, result.truncated) == ("perfect", 64, 0)
    assert result.mean_return == pytest.approx(1.0)
    assert result.standard_error == pytest.approx(0.0, abs=1e-6)


def test_random_speller_earns_what_chance_gives():
    """After a first letter that is right one time in three, any state's chance is exact."""

    def expected(word, step, last):
        if step == len(word):
            return 0.0
        letters = [letter for letter in range(3) if letter != last]
        paid = [(1 if letter == word[step] else -1) / len(word) for letter in letters]
        rest = [expected(word, step + 1, letter) for letter in letters]
        return sum(paid + rest) / len(letters)

    spell = HeldOutSpell(3)
    player = Player("random", random_legal(spell))
    result = solo(spell, player, num_episodes=3000, seed=0)
    words = [(a, b, c) for a in range(3) for b in range(3) for c in range(3) if a != b != c]
    held_out = [w for w in words if sum((y - x) % 3 == 2 for x, y in itertools.pairwise(w)) % 2]
    truth = np.mean([expected(word, 0, None) for word in held_out])
    assert abs(result.mean_return - truth) < 4 * result.standard_error
    low, high = result.interval
    assert high - low == pytest.approx(2 * 1.96 * result.standard_error)
    assert result == solo(spell, player, num_episodes=3000, seed=0)
    assert result != solo(spell, player, num_episodes=3000, seed=1)


def test_truncated_episodes_are_counted():
    spell = worlds.Spell(5)
    spell.max_steps = 2
    result = solo(spell, Player("perfect", perfect(spell)), num_episodes=8, seed=0)
    assert result.truncated == 8
    assert result.mean_return == pytest.approx(2 / 5)


def test_solo_says_what_it_needs():
    player = takes(1)
    with pytest.raises(ValueError, match=r"Nim has 2; use match"):
        solo(worlds.Nim(), player, num_episodes=8, seed=0)
    with pytest.raises(ValueError, match=r"at least 2 episodes, got 1"):
        solo(worlds.Spell(), player, num_episodes=1, seed=0)


# Wilson -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_equals_the_published_table(successes, trials, low, high):
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I."""
    assert wilson(successes, trials) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("trials", [20, 100])
def test_wilson_covers_the_truth_19_times_of_20(trials):
    """Exactly, by summing the binomial distribution over 199 probabilities."""
    intervals = [wilson(k, trials) for k in range(trials + 1)]
    coverage = []
    for p in np.arange(1, 200) / 200:
        chance = [math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(trials + 1)]
        covers = [low <= p <= high for low, high in intervals]
        coverage.append(np.dot(chance, covers))
    assert np.mean(coverage) == pytest.approx(0.95, abs=0.01)
    assert min(coverage) > 0.82


@hypothesis.given(st.integers(1, 1000), st.floats(0, 1))
def test_wilson_surrounds_the_share(trials, share):
    successes = round(2 * share * trials) / 2
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1
    mirrored = wilson(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_wilson_needs_trials():
    with pytest.raises(ValueError, match="got 0 of 0"):
        wilson(0, 0)
    with pytest.raises(ValueError, match="got 5 of 4"):
        wilson(5, 4)
