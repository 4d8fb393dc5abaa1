"""Hex against OpenSpiel and pgx, and its chains and distances against slow ones."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage, sparse

from selfplay_envs.games import bit_rows, hex
from selfplay_envs.games.hex import Hex

NEIGHBOURS = np.array([[0, 1, 1], [1, 1, 1], [1, 1, 0]])
SHAPES = [(2, 2), (5, 5), (8, 8), (9, 9), (17, 17)]

boards = st.sampled_from(SHAPES).flatmap(
    lambda shape: hnp.arrays(np.int8, shape, elements=st.integers(-1, 1))
)


@pytest.fixture(scope="module")
def env():
    return Hex(size=4)


@pytest.fixture(scope="module")
def swapping():
    return Hex(size=4, swap=True)


@functools.cache
def compiled_step(env):
    return jax.jit(env.step)


def after(env, moves):
    state = env.init()
    for move in moves.split():
        state = compiled_step(env)((), state, jnp.int32(env.parse_action(move)))
    return state


@pytest.mark.parametrize(
    ("size", "swap", "count"),
    [(2, True, 64), (3, False, 200), (4, True, 200), (9, False, 60), (11, True, 300)],
)
def test_games_are_open_spiels(size, swap, count, random_games, assert_open_spiel_agrees, pyspiel):
    game = pyspiel.load_game("hex", {"board_size": size, "swap": swap})
    assert_open_spiel_agrees(random_games(Hex(size=size, swap=swap), count), game, 10)


def test_games_are_pgxs(random_games):
    pgx = pytest.importorskip("pgx", reason="pgx comes with selfplay[peers]")
    games = random_games(Hex(swap=True), 32)
    peer = pgx.make("hex")
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        starts = jax.jit(jax.vmap(peer.init))(jax.random.split(jax.random.key(0), 16))
        first = int(np.argmin(starts.current_player))
        states = jax.tree.map(lambda leaf: jnp.stack([leaf[first]] * 32), starts)
        step = jax.jit(jax.vmap(peer.step))
        for t, actions in enumerate(games.actions):
            running = ~games.ended[t]
            states = jax.device_get(states)
            np.testing.assert_array_equal(
                states.legal_action_mask[running], games.masks[t][running]
            )
            seen = games.observations[t][running]
            np.testing.assert_array_equal(states.observation[running][..., :3], seen)
            states = step(states, actions)
            np.testing.assert_array_equal(states.terminated, games.ended[t + 1])
            paid = games.states.rewards[t + 1][running]
            np.testing.assert_array_equal(np.asarray(states.rewards)[running], paid)


@pytest.mark.parametrize(("size", "near"), [(1, 2), (20, 19), (11.0, 11)])
def test_impossible_sizes_are_refused(size, near):
    with pytest.raises(ValueError, match=f"size must be .* from 2 to 19, .*; try size={near}"):
        Hex(size=size)


def test_swap_is_a_yes_or_no():
    with pytest.raises(ValueError, match="swap must be true or false, got 1"):
        Hex(swap=1)


def test_one_stone_is_kept_small():
    assert Hex(size=8).init().stones.dtype == jnp.uint8
    assert Hex().init().stones.dtype == jnp.uint16
    assert Hex(size=19).init().stones.dtype == jnp.uint32


def test_drawing(env):
    assert env.draw(after(env, "b1 d3")).split("\n") == [
        "  a b c d",
        "1 . X . .",
        " 2 . . . .",
        "  3 . . . O",
        "   4 . . . .",
        "X to move",
    ]
    assert env.draw(after(env, "b1 d1 b2 d2 a3 d3 a4")).endswith("\nX has won")
    assert env.draw(after(env, "b2 a1 a4 b1 b4 c1 c4 d1")).endswith("\nO has won")
    assert env.draw(after(env, "a1 a1")).endswith("\nO has lost by an illegal move")
    large = Hex(size=10)
    assert large.draw(large.init()).split("\n")[:2] == [
        "   a b c d e f g h i j",
        " 1 . . . . . . . . . .",
    ]


def test_the_swap_takes_the_stone_over_mirrored(swapping):
    state = after(swapping, "c1 swap")
    assert state.current_player == 0
    assert swapping.draw(state).split("\n")[1:5] == [
        "1 . . . .",
        " 2 . . . .",
        "  3 O . . .",
        "   4 . . . .",
    ]
    assert not swapping.legal_action_mask((), state)[-1]
    assert not swapping.legal_action_mask((), after(swapping, ""))[-1]
    assert swapping.format_action(16) == "swap"
    assert swapping.picture((), state).targets[16].square is None


def test_names_are_letter_and_number(env):
    assert [env.format_action(action) for action in (0, 3, 4, 15)] == ["a1", "d1", "a2", "d4"]
    assert Hex(size=19).format_action(19 * 18 + 18) == "s19"
    with pytest.raises(ValueError, match="no action is called 'swap'"):
        env.parse_action("swap")


def test_the_mirror_is_half_a_turn(random_games):
    env = Hex(size=5, swap=True)
    _, state = random_games(env, 64).running(64)

    @jax.jit
    @jax.vmap
    def both(state):
        turned, permutation = env.mirror(state, jnp.int32(1))
        return *((env.view(s), env.estimate(s)) for s in (state, turned)), permutation

    (seen, value), (seen_turned, value_turned), permutation = jax.device_get(both(state))
    np.testing.assert_array_equal(seen_turned, seen[:, ::-1, ::-1])
    np.testing.assert_array_equal(value_turned, value)
    np.testing.assert_array_equal(permutation[0], [*range(24, -1, -1), 25])


@pytest.mark.parametrize("size", [3, 5, 11])
def test_a_full_board_has_one_winner(size):
    """Gale's theorem, and ours is the winner that image analysis finds."""
    planes = np.random.default_rng(size).random((200, size, size)) < 0.5

    @jax.jit
    @jax.vmap
    def connected(plane):
        return jnp.stack(
            [
                hex._stones_needed(plane, ~plane) == 0,
                hex._stones_needed(~plane.T, plane.T) == 0,
            ]
        )

    found = jax.device_get(connected(planes))
    for plane, (first, second) in zip(planes, found, strict=True):
        labels, _ = ndimage.label(plane, NEIGHBOURS)
        assert first == bool(set(labels[0]) & set(labels[-1]) - {0})
        assert second != first
        owners = np.where(plane, 0, 1)
        assert bool(hex._connection(owners, 0)) == first
        assert bool(hex._connection(owners, 1)) == second


@given(boards, st.integers(0, 10_000))
def test_chains_are_those_of_image_analysis(owners, number):
    plane = owners == 0
    square = np.unravel_index(number % plane.size, plane.shape)
    seed = np.zeros_like(plane)
    seed[square] = True
    labels, _ = ndimage.label(plane, NEIGHBOURS)
    expected = plane & (labels == labels[square])
    np.testing.assert_array_equal(chain(seed, plane), expected)


@jax.jit
def chain(seed, plane):
    rows = bit_rows.flood(bit_rows.pack(seed), bit_rows.pack(plane), hex._STEPS)
    return bit_rows.unpack(rows, plane.shape[1])


@given(boards)
def test_stones_needed_are_shortest_paths(owners):
    """Against SciPy's Dijkstra; entering a square costs a stone, a half where none is needed."""
    size = len(owners)
    price = np.where(owners == 0, 1e-6, 1.0).reshape(-1)
    free = owners.reshape(-1) != 1
    graph = sparse.lil_matrix((size * size + 1, size * size + 1))
    for square in np.flatnonzero(free).tolist():
        row, column = divmod(square, size)
        if row == 0:
            graph[size * size, square] = price[square]
        for down, right in hex._STEPS:
            if 0 <= row + down < size and 0 <= column + right < size:
                graph[square + down * size + right, square] = price[square]
    distance = sparse.csgraph.dijkstra(graph.tocsr(), indices=size * size)[-1 - size : -1].min()
    found = int(stones_needed(owners == 0, owners == 1))
    assert found == (int(distance) if np.isfinite(distance) else found)
    assert (found > size * size) == np.isinf(distance)


stones_needed = jax.jit(hex._stones_needed)


def test_the_estimate_prefers_who_is_nearer(env):
    ahead = float(env.estimate(env.init()))
    assert 0 < ahead < 0.5
    assert float(env.estimate(after(env, "b1 a4 b2 a3"))) > ahead
    assert float(env.estimate(after(env, "b1 a4 b2"))) < 0
    assert float(env.estimate(after(env, "a1 b2 a2 c2 d4"))) > 0


def test_the_picture_marks_a_shortest_chain(env):
    picture = env.picture((), after(env, "b1 d1 b2 d2 a3 d3 a4"))
    assert picture.winning == (1, 5, 8, 12)
    picture = env.picture((), after(env, "b2 a1 a4 b1 b4 c1 c4 d1"))
    assert picture.winning == (0, 1, 2, 3)
    assert env.picture((), env.init()).winning == ()
