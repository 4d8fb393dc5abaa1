"""Connect Four against OpenSpiel, and its solved positions against the rules."""

import csv
import functools
import importlib.resources

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay_envs.games.connect_four import ConnectFour

BUCKETS = ("begin", "middle", "end")


@pytest.fixture(scope="module")
def env():
    return ConnectFour()


@pytest.fixture(scope="module")
def solved(env):
    return jax.device_get(env.solved_positions())


@functools.cache
def compiled_step(env):
    return jax.jit(env.step)


def after(env, columns):
    state = env.init()
    for column in columns:
        state = compiled_step(env)((), state, jnp.int32(env.parse_action(column)))
    return state


def test_the_standard_game_is_open_spiels(env, random_games, assert_open_spiel_agrees, pyspiel):
    assert_open_spiel_agrees(random_games(env, 3000), pyspiel.load_game("connect_four"), 50)


@pytest.mark.parametrize(
    ("rows", "columns", "in_a_row", "dtype"),
    [
        (5, 4, 3, jnp.uint8),
        (4, 8, 4, jnp.uint8),
        (4, 9, 4, jnp.uint16),
        (3, 16, 5, jnp.uint16),
        (7, 17, 6, jnp.uint32),
    ],
)
def test_other_boards_are_open_spiels(
    rows, columns, in_a_row, dtype, random_games, assert_open_spiel_agrees, pyspiel
):
    env = ConnectFour(rows=rows, columns=columns, in_a_row=in_a_row)
    assert env.init().stones.dtype == dtype
    parameters = {"rows": rows, "columns": columns, "x_in_row": in_a_row}
    game = pyspiel.load_game("connect_four", parameters)
    assert_open_spiel_agrees(random_games(env, 200), game, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 0}, "rows must be a whole number from 1 to 32, got 0; try rows=1"),
        ({"columns": 40}, "columns must be .* got 40; try columns=32"),
        ({"in_a_row": 8}, "in_a_row must be a whole number from 2 to 7, got 8; try in_a_row=7"),
        ({"rows": 6.0}, "got 6.0; try rows=6"),
    ],
)
def test_impossible_boards_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConnectFour(**arguments)


def test_a_full_board_is_a_draw():
    env = ConnectFour(rows=1, columns=2, in_a_row=2)
    state = after(env, "12")
    assert state.terminated
    assert not state.truncated
    assert not state.rewards.any()
    assert env.draw(state) == "X O\n1 2\na draw"


def test_a_full_column_loses(env):
    state = after(env, "1111111")
    assert state.terminated
    np.testing.assert_array_equal(state.rewards, np.array([-1, 1], np.float32))
    assert env.draw(state).endswith("\nX has lost by an illegal move")


def test_drawing(env):
    lines = env.draw(after(env, "4453")).split("\n")
    assert lines[:4] == [". . . . . . ."] * 4
    assert lines[4:] == [". . . O . . .", ". . O X X . .", "1 2 3 4 5 6 7", "X to move"]
    assert env.draw(after(env, "1212121")).endswith("\nX has won")
    wide = ConnectFour(columns=10)
    assert wide.draw(wide.init()).split("\n")[-2] == " 1  2  3  4  5  6  7  8  9 10"


def test_the_mirror_swaps_left_and_right(env, random_games):
    _, state = random_games(env, 64).running()

    @jax.jit
    @jax.vmap
    def both(state):
        mirrored, permutation = env.mirror(state, jnp.int32(1))
        return *((env.view(s), env.estimate(s)) for s in (state, mirrored)), permutation

    (seen, value), (seen_through, value_through), permutation = jax.device_get(both(state))
    np.testing.assert_array_equal(seen_through, seen[:, :, ::-1])
    np.testing.assert_array_equal(value_through, value)
    np.testing.assert_array_equal(permutation[0], np.arange(7)[::-1])


def test_the_estimate_sees_threats(env):
    assert float(env.estimate(env.init())) == 0
    assert float(env.estimate(after(env, "474746"))) > 0.3
    assert float(env.estimate(after(env, "47474"))) < -0.3


def test_the_estimate_goes_with_the_exact_value(env, solved):
    guess = np.asarray(jax.jit(jax.vmap(env.estimate))(solved.state))
    value = np.sign(np.nanmax(solved.action_values, 1))
    for bucket, least in enumerate((0.5, 0.4, 0.3)):
        inside = solved.bucket == bucket
        assert np.corrcoef(guess[inside], value[inside])[0, 1] > least


def test_solved_positions_are_there_for_the_standard_board_only(solved):
    assert solved.bucket_names == BUCKETS
    np.testing.assert_array_equal(np.bincount(solved.bucket), 500)
    assert ConnectFour(rows=7).solved_positions() is None
    assert ConnectFour(in_a_row=5).solved_positions() is None


def test_solved_positions_lie_in_their_buckets(solved):
    ranges = np.array([[2, 13], [14, 27], [28, 38]])[solved.bucket]
    assert (ranges[:, 0] <= solved.state.step_count).all()
    assert (solved.state.step_count <= ranges[:, 1]).all()
    stones = solved.state.stones.reshape(1500, -1)
    assert len(np.unique(stones, axis=0)) == 1500


def test_solved_positions_have_the_known_shares_of_right_moves(solved):
    sign = np.sign(solved.action_values)
    legal = ~np.isnan(sign)
    keeps = sign == np.nanmax(sign, 1, keepdims=True)
    share = keeps.sum(1) / legal.sum(1)
    buckets = [solved.bucket == bucket for bucket in range(3)]
    assert [round(100 * share[inside].mean()) for inside in buckets] == [59, 69, 76]
    assert [round(100 * (share[inside] < 1).mean()) for inside in buckets] == [63, 53, 47]


def test_a_score_says_who_wins_at_once(env, solved):
    each_move = jax.vmap(jax.vmap(env.step, (None, None, 0)), (None, 0, None))
    after = jax.jit(each_move)((), solved.state, jnp.arange(7, dtype=jnp.int32))
    mover = solved.state.current_player[:, None, None]
    won = np.take_along_axis(np.asarray(after.rewards), mover, 2)[..., 0] == 1
    at_once = solved.action_values == 21 - solved.state.step_count[:, None] // 2
    assert won.sum() > 100
    np.testing.assert_array_equal(won, at_once)


def test_solved_positions_are_their_moves_in_open_spiel(env, solved, pyspiel):
    source = importlib.resources.files("selfplay_envs.games") / "connect_four_solved.csv"
    table = list(csv.DictReader(source.read_text(encoding="utf-8").splitlines()))
    seen = np.asarray(jax.jit(jax.vmap(env.view))(solved.state))
    game = pyspiel.load_game("connect_four")
    for number, row in enumerate(table):
        theirs = game.new_initial_state()
        for column in row["moves"]:
            theirs.apply_action(int(column) - 1)
        text = np.array([list(line) for line in str(theirs).split()])
        mine = "xo"[theirs.current_player()]
        np.testing.assert_array_equal(seen[number, ..., 0] == 1, text == mine)
        np.testing.assert_array_equal(seen[number].sum(-1) == 0, text == ".")
        legal = np.flatnonzero(~np.isnan(solved.action_values[number])).tolist()
        assert theirs.legal_actions() == legal
        assert row["bucket"] == BUCKETS[solved.bucket[number]]


def test_the_picture_is_a_rack_whose_columns_fill_from_below(env):
    empty = env.picture((), env.init())
    assert empty.look == "rack"
    assert [target.square for target in empty.targets] == list(range(35, 42))
    assert env.picture((), after(env, "44")).targets[3].square == 3 * 7 + 3
    won = env.picture((), after(env, "4151617"))
    assert won.owners[5].tolist() == [1, -1, -1, 0, 0, 0, 0]
    assert won.winning == (38, 39, 40, 41)
