"""Go against OpenSpiel, pgx and a slow reference that keeps whole positions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.environment.checks.games import Games, play
from selfplay_envs.games import go
from selfplay_envs.games.go import Go
from tests.reference.go import Go as Reference


@pytest.fixture(scope="module")
def env():
    return Go(size=5, komi=0.5)


@functools.cache
def compiled_step(env):
    return jax.jit(env.step)


@functools.cache
def compiled_mask(env):
    return jax.jit(env.legal_action_mask)


def after(env, moves):
    state = env.init()
    for move in moves.split():
        state = compiled_step(env)((), state, jnp.int32(env.parse_action(move)))
    return state


def can(env, state, move):
    return bool(compiled_mask(env)((), state)[env.parse_action(move)])


@functools.cache
def played(size, komi, count):
    """A board, and random games on it, for all who ask for so many."""
    env = Go(size=size, komi=komi)
    return env, play(env, count)


def some(games, count):
    """The first games alone."""
    problem = jax.tree.map(lambda x: x[:count], games.problem)
    rest = (games.states, games.masks, games.observations, games.actions)
    return Games(problem, *jax.tree.map(lambda x: x[:, :count], rest))


@pytest.mark.parametrize(
    ("size", "komi", "count", "of"),
    [(2, 0.5, 100, 100), (3, 2, 200, 200), (4, 0.5, 100, 100), (5, 0.5, 40, 100), (9, 7.5, 3, 100)],
)
def test_games_are_those_of_the_slow_rules(size, komi, count, of):
    """On the smallest boards superko forbids some move every few games."""
    env, games = played(size, komi, of)
    forbidden = 0
    for number in range(count):
        slow = Reference(size, komi)
        for step in range(env.max_steps + 1):
            assert games.ended[step, number] == slow.ended()
            if slow.ended():
                won = np.sign(slow.margin())
                assert games.states.rewards[step, number].tolist() == [won, -won]
                break
            legal = slow.legal()
            assert np.flatnonzero(games.masks[step, number]).tolist() == legal
            slow.past, past = set(), slow.past
            forbidden += len(slow.legal()) - len(legal)
            slow.past = past
            slow.play(int(games.actions[step, number]))
    assert size > 4 or forbidden > 20


@pytest.mark.parametrize(
    ("size", "komi", "count"), [(9, 7.5, 100), (5, 0.5, 100), (19, 7.5, 2), (13, 6, 4)]
)
def test_games_are_open_spiels_but_for_superko(size, komi, count, pyspiel):
    """OpenSpiel lets a position come back, and calls the game a draw when one does."""
    env, games = played(size, komi, count)
    game = pyspiel.load_game("go", {"board_size": size, "komi": float(komi)})
    for number in range(count):
        theirs = game.new_initial_state()
        for step in range(env.max_steps + 1):
            assert games.ended[step, number] == theirs.is_terminal()
            if theirs.is_terminal():
                assert games.states.rewards[step, number].tolist() == theirs.returns()
                break
            assert games.states.current_player[step, number] == theirs.current_player()
            legal = set(np.flatnonzero(games.masks[step, number]).tolist())
            assert legal <= set(theirs.legal_actions())
            for action in set(theirs.legal_actions()) - legal:
                child = theirs.child(action)
                assert child.is_terminal()
                assert child.returns() == [0, 0]
            theirs.apply_action(int(games.actions[step, number]))
        assert theirs.is_terminal()


def test_no_move_that_open_spiel_calls_superko_is_legal(pyspiel):
    """Every legal move of some games, not only those played; the last move of a game apart."""
    _, games = played(5, 0.5, 100)
    game = pyspiel.load_game("go", {"board_size": 5, "komi": 0.5, "max_game_length": 1000})
    for number in range(20):
        theirs = game.new_initial_state()
        for step in np.flatnonzero(~games.ended[:, number]):
            for action in np.flatnonzero(games.masks[step, number, :-1]).tolist():
                assert not theirs.child(action).is_terminal()
            theirs.apply_action(int(games.actions[step, number]))


def test_games_are_pgxs_but_for_superko():
    """pgx lets a position come back, and that loses."""
    pgx = pytest.importorskip("pgx", reason="pgx comes with selfplay[peers]")
    count = 16
    games = some(played(9, 7.5, 100)[1], count)
    peer = pgx.make("go_9x9")
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        starts = jax.jit(jax.vmap(peer.init))(jax.random.split(jax.random.key(0), 16))
        first = int(np.argmin(starts.current_player))
        states = jax.tree.map(lambda leaf: jnp.stack([leaf[first]] * count), starts)
        step = jax.jit(jax.vmap(peer.step))
        for t, actions in enumerate(games.actions):
            running = ~games.ended[t]
            if not running.any():
                break
            assert not (games.masks[t] & ~np.asarray(states.legal_action_mask))[running].any()
            seen = np.asarray(states.observation)[running]
            np.testing.assert_array_equal(seen[..., :2], games.observations[t][running][..., :2])
            states = step(states, actions)
            np.testing.assert_array_equal(states.terminated, games.ended[t + 1])
            paid = games.states.rewards[t + 1][running]
            np.testing.assert_array_equal(np.asarray(states.rewards)[running], paid)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 1}, "size must be .* from 2 to 19, got 1; try size=2"),
        ({"size": 20}, "try size=19"),
        ({"komi": float("nan")}, "komi must be a finite number of points, got nan; try komi=7.5"),
        ({"komi": "7"}, "komi must be a finite number of points, got '7'"),
    ],
)
def test_impossible_games_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Go(**arguments)


def test_drawing_and_names(env):
    assert env.draw(after(env, "c3 a5 e1")).split("\n") == [
        "5 O . . . .",
        "4 . . . . .",
        "3 . . X . .",
        "2 . . . . .",
        "1 . . . . X",
        "  a b c d e",
        "O to move",
    ]
    assert [env.format_action(action) for action in (0, 4, 5, 24, 25)] == [
        *("a1", "e1", "a2", "e5"),
        "pass",
    ]
    large = Go(size=19)
    assert large.format_action(8) == "j1"
    assert large.format_action(19 * 19 - 1) == "t19"
    assert large.parse_action("pass") == 361
    assert env.draw(after(env, "a1 a1")).endswith("\nO has lost by an illegal move")
    assert env.draw(after(env, "pass a1 pass pass")).endswith("\nO has won by 25.5")


def test_a_chain_without_liberties_is_captured(env):
    state = after(env, "b1 a1 c1 a2 b2 pass b3 pass a3")
    assert "O" not in "".join(env.draw(state).split("\n")[:5])
    assert can(env, state, "a2")


def test_several_chains_are_captured_at_once(env):
    state = after(env, "a2 a1 pass b2 b3 c1 c2 pass d1 pass pass")
    assert bool(state.terminated)
    state = after(env, "a2 a1 b2 c1 c2 e5 d1 e4 b1")
    assert env.draw(state).split("\n")[4] == "1 . X . X ."


def test_suicide_is_illegal_but_a_capture_is_none(env):
    state = after(env, "a2 e5 b1")
    assert not can(env, state, "a1")
    state = after(env, "a2 b2 e5 a3 b1 c1")
    assert not can(env, state, "a1")
    state = after(env, "a2 b2 e5 a3 b1 c1 e3")
    assert can(env, state, "a1")
    chain = after(env, "c1 a1 c2 b1 b3 a2 a3 e5 e4")
    assert not can(env, chain, "b2")


def test_a_ko_may_be_taken_back_only_later(env):
    ko = "b3 e3 c4 d4 c2 d2 e5 c3 d3"
    state = after(env, ko)
    assert env.draw(state).split("\n")[2] == "3 . X . X O"
    assert not can(env, state, "c3")
    assert can(env, after(env, ko + " a1 a5"), "c3")
    assert can(env, after(env, ko + " pass pass"), "c3")


@pytest.mark.parametrize(
    ("moves", "forbidden"),
    [
        pytest.param("a4 b2 a2 a1 b3 a3", "a2", id="ko"),
        pytest.param("b1 c2 a2 b2 b3 d1 c1 a1", "b1", id="sending two, returning one"),
        pytest.param("d1 b1 c3 c1 c2 b2 a4 d3 d4 d2 d1", "d3", id="sending the second again"),
        pytest.param("d1 b3 a3 c3 a1 d2 d4 a2 c2 c4 b2 c1 pass b1", "d1", id="taking two, later"),
        pytest.param("a3 c1 d3 b3 b2 a2 a1 d2 c4 d1 b4 c2 b1 a2 a1 pass", "b2", id="5 moves ago"),
    ],
)
def test_a_past_position_may_not_come_back(moves, forbidden, pyspiel):
    env, _ = played(4, 0.5, 100)
    state = after(env, moves)
    assert not state.terminated
    assert not can(env, state, forbidden)
    theirs = pyspiel.load_game("go", {"board_size": 4}).new_initial_state()
    for move in moves.split():
        theirs.apply_action(env.parse_action(move))
    action = env.parse_action(forbidden)
    if action in theirs.legal_actions():
        theirs.apply_action(action)
        assert theirs.is_terminal()
        assert theirs.returns() == [0, 0]
    else:
        assert theirs.history()[-1] != env.parse_action("pass")


def test_area_is_stones_and_what_they_alone_surround():
    env = Go(size=5, komi=0)
    won = after(env, "b1 c1 b2 c2 b3 c3 b4 c4 b5 c5 pass pass")
    assert won.rewards.tolist() == [-1, 1]
    assert env.draw(won).endswith("\nO has won by 5")
    shared = after(env, "a1 c3 pass pass")
    assert shared.rewards.tolist() == [0, 0]
    assert env.draw(shared).endswith("\na draw")
    nothing = after(env, "pass pass")
    assert bool(nothing.terminated)
    assert nothing.rewards.tolist() == [0, 0]
    assert after(Go(size=3), "pass pass").rewards.tolist() == [-1, 1]


def test_the_limit_of_moves_ends_and_scores():
    _, games = played(3, 0.5, 200)
    longest = games.states.step_count.max(0) == 18
    assert longest.any()
    assert games.states.terminated[-1].all()
    last = games.states.rewards[18, longest]
    np.testing.assert_array_equal(np.abs(last), 1)


def test_past_positions_stay_the_same_through_a_symmetry():
    """Seen through another, and another, the same moves are legal, superko included."""
    env, games = played(3, 0.5, 200)
    _, state = games.running()
    pairs = np.random.default_rng(0).integers(8, size=(2, 256)).astype(np.int32)

    @jax.jit
    @jax.vmap
    def through(state, first, second, noise):
        once, names = env.mirror(state, first)
        twice, again = env.mirror(once, second)
        action = jnp.where(env.legal_action_mask((), state), noise, -1).argmax()
        plain = env.step((), state, action)
        turned = env.step((), twice, again[names[action]])
        expected = jnp.zeros(env.num_actions, bool).at[again[names]].set(env.legal(plain))
        return plain.hashes, turned.hashes, expected, env.legal(turned)

    noise = np.random.default_rng(1).random((256, env.num_actions), np.float32)
    hashes, turned_hashes, expected, legal = jax.device_get(through(state, *pairs, noise))
    np.testing.assert_array_equal(hashes, turned_hashes)
    np.testing.assert_array_equal(expected, legal)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=1))
def test_mixing_can_be_undone(words):
    code = np.array(words, np.uint32)
    np.testing.assert_array_equal(go._unmix(go._mix(code)), code)
    np.testing.assert_array_equal(np.asarray(go._mix(jnp.asarray(code))), go._mix(code))


def test_keys_are_independent_enough():
    """No two, three or four keys of the largest board cancel, as they would if they were few."""
    keys = go._mix(1 + np.arange(2 * 361, dtype=np.uint32)).astype(np.uint64)
    checks = go._check(1 + np.arange(2 * 361, dtype=np.uint32)).astype(np.uint64)
    whole = keys << np.uint64(16) | checks
    pairs = (whole[:, None] ^ whole[None, :])[np.triu_indices(len(whole), 1)]
    assert len(np.unique(pairs)) == len(pairs)
    assert not np.isin(whole, pairs).any()


def test_the_estimate_is_the_score_so_far(env):
    assert float(env.estimate(env.init())) == pytest.approx(-0.5 / 5.5)
    assert float(env.estimate(after(env, "c3"))) == pytest.approx(-24.5 / 29.5)


def test_the_picture_has_row_1_below_and_a_pass(env):
    picture = env.picture((), after(env, "a1 e5"))
    assert picture.owners[4].tolist() == [0, -1, -1, -1, -1]
    assert picture.owners[0].tolist() == [-1, -1, -1, -1, 1]
    assert picture.targets[0].square == 20
    assert picture.targets[24].square == 4
    assert picture.targets[25].square is None
