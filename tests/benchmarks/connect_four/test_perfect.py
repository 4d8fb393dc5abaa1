"""Perfect replies, and games that are counted as they ended."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.connect_four.board import Position
from benchmarks.connect_four.perfect import PerfectOpponent, play_games
from benchmarks.connect_four.solver import Solver
from benchmarks.connect_four.strength import to_states, values_of
from selfplay.evaluation.players import Player
from selfplay_envs.games.connect_four import ConnectFour


@pytest.fixture(scope="module")
def env():
    return ConnectFour()


class Scripted:
    """Stands for the solver: every column but one loses, that one later than the others."""

    def __init__(self, column):
        self.column = column
        self.asked = 0

    def value(self, position):
        return -1

    def scores(self, position):
        self.asked += 1
        return {c: -3 if c == self.column else -9 for c in position.legal()}


def always(column):
    """Plays one column."""

    def act(params, keys, problem, state):
        return jnp.full(keys.shape[0], column, jnp.int32), jnp.zeros(keys.shape[0])

    return Player(f"column {column}", jax.jit(act))


def test_while_lost_any_reply_is_as_good_and_the_best_are_the_longest():
    position = Position.from_moves("1666326121353326147422327")
    solver = Solver(table_bits=18)
    scores = solver.scores(position)
    assert len({*scores.values()}) > 1
    assert max(scores.values()) < 0
    longest = [c for c, score in scores.items() if score == max(scores.values())]
    assert PerfectOpponent(solver, "best").replies(position) == longest
    assert PerfectOpponent(solver, "any").replies(position) == position.legal()


@pytest.mark.parametrize("seed", range(6))
def test_replies_keep_the_value(random_position, seed):
    """The best and any, in positions won, drawn and lost."""
    found = random_position(seed, 26)
    assert found is not None
    position, _ = found
    solver = Solver(table_bits=18)
    scores = solver.scores(position)
    value = np.sign(max(scores.values()))
    keeping = [c for c, score in scores.items() if np.sign(score) == value]
    assert PerfectOpponent(solver, "any").replies(position) == keeping
    assert set(PerfectOpponent(solver, "best").replies(position)) <= set(keeping)


def test_a_position_is_solved_once():
    solver = Scripted(column=2)
    opponent = PerfectOpponent(solver, "best")
    rng = np.random.default_rng(0)
    position = Position.from_moves("4")
    assert {opponent.choose(position, rng) for _ in range(9)} == {2}
    assert solver.asked == 1


def test_won_games_are_counted(env):
    """Column 4 again and again, while the opponent fills column 1."""
    games = play_games(
        env, always(3), PerfectOpponent(Scripted(column=0), "best"), num_games=3, seed=0
    )
    assert (games.won, games.drawn, games.lost, games.distinct) == (3, 0, 0, 1)
    assert games.moves == ("4141414",) * 3


def test_lost_games_are_counted(env):
    """An illegal seventh stone in a column loses: the opponent has filled it from above."""
    games = play_games(
        env, always(0), PerfectOpponent(Scripted(column=0), "best"), num_games=2, seed=0
    )
    assert (games.won, games.drawn, games.lost, games.distinct) == (0, 0, 2, 1)
    assert games.moves == ("1111111",) * 2


def test_any_reply_varies(env):
    games = play_games(
        env, always(3), PerfectOpponent(Scripted(column=0), "any"), num_games=8, seed=0
    )
    assert games.won + games.drawn + games.lost == 8
    assert games.distinct > 4
    again = play_games(
        env, always(3), PerfectOpponent(Scripted(column=0), "any"), num_games=8, seed=0
    )
    assert games == again


def test_states_are_those_of_the_moves(env, random_position):
    found = [random_position(seed, 9) for seed in range(5)]
    states = to_states(env, [position for position, _ in found])
    step = jax.jit(env.step)
    for number, (_, moves) in enumerate(found):
        state = env.init(())
        for digit in moves:
            state = step((), state, jnp.int32(int(digit) - 1))
        for ours, theirs in zip(jax.tree.leaves(states), jax.tree.leaves(state), strict=True):
            np.testing.assert_array_equal(ours[number], theirs)


def test_values_of_more_states_than_a_batch(env, random_position):
    """Each state's own value, in order, the last batch filled up."""
    found = [random_position(seed, 8) for seed in range(10)]
    states = to_states(env, [position for position, _ in found])

    def act(params, keys, problem, state):
        value = state.stones.astype(jnp.float32).sum((1, 2))
        return jnp.zeros(keys.shape[0], jnp.int32), value

    values = values_of(jax.jit(act), (), states, batch_size=4)
    np.testing.assert_array_equal(values, np.asarray(states.stones).sum((1, 2)))
