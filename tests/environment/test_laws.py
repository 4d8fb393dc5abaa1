"""The laws of `selfplay.environment.contract`, for every registered environment.

An environment joins by registering; one that takes arguments is named in `SIZES` too.
"""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import (
    ArraySpec,
    Environment,
    State,
    TokenSpec,
    check,
    make,
    names,
    zero_sum,
)
from selfplay.environment.checks import Outcome
from selfplay_envs.games.tic_tac_toe import TicTacToe
from selfplay_envs.science.addition import Addition
from tests import worlds

SIZES = {
    "addition": [{}, {"digits": 2}],
    "andrews_curtis": [
        {"max_steps": 24},
        {"length": 18, "max_steps": 24, "scrambles": 8, "observation": "tokens"},
    ],
    "breakthrough": [{}, {"rows": 5, "columns": 9}],
    "connect_four": [{}, {"rows": 5, "columns": 9, "in_a_row": 3}],
    "equational": [{"size": 31}, {"size": 31, "max_steps": 12, "step_cost": 0.05}],
    "go": [{}, {"size": 4, "komi": 2}],
    "hex": [{}, {"size": 4, "swap": True}],
    "hp_lattice": [{}, {"length": 12, "min_length": 11, "chains": "designed"}],
    "magma_model": [{"elements": 2}, {"elements": 3}],
    "othello": [{}, {"size": 6}],
    "propositional": [{}, {"subformulas": 16, "max_goals": 6, "goals": 3}],
    "tic_tac_toe": [{}, {"size": 4}],
}


class StairsState(State):
    climbed: jax.Array
    """int8 []"""


class Stairs(Environment[StairsState]):
    """Wait, climb or go down; the top wins, below the ground is illegal, `trap` is a dead end."""

    def __init__(self, *, num_players: int = 1, max_steps: int = 12, trap: int = -1):
        self.num_actions = 3
        self.num_players = num_players
        self.max_steps = max_steps
        self.trap = trap
        self.observation_spec = ArraySpec(shape=(2,))
        self.return_range = (-3.0, 1.0) if num_players == 1 else (-1.0, 1.0)
        self.min_return = -3.0

    def sample_problem(self, key, split="train"):
        heights = [2, 4] if split == "train" else [3, 5]
        return jax.random.choice(key, jnp.array(heights, jnp.int8))

    def parse_problem(self, text):
        return jnp.int8(int(text))

    def format_problem(self, problem):
        return str(int(problem))

    def _start(self, problem):
        return StairsState.start(self.num_players, climbed=jnp.int8(0))

    def _play(self, problem, state, action):
        climbed = state.climbed + jnp.array([0, 1, -1], jnp.int8)[action]
        top = climbed == problem
        alone = self.num_players == 1
        prize = jnp.ones(1, jnp.float32) if alone else zero_sum(state.current_player, 1.0)
        mover = state.current_player if alone else jnp.int8(1) - state.current_player
        rewards = jnp.where(top, prize, state.rewards)
        return state.replace(climbed=climbed, rewards=rewards, terminated=top, current_player=mover)

    def _legal(self, problem, state):
        going_down = jnp.arange(3, dtype=jnp.int32) == 2
        return (state.climbed != self.trap) & (~going_down | (state.climbed > 0))

    def observe(self, problem, state):
        return jnp.stack([state.climbed, problem]).astype(jnp.float32)


WORLDS = {
    "spell": worlds.Spell,
    "nim": worlds.Nim,
    "nim board": worlds.NimBoard,
    "lone stairs": lambda: Stairs(),
    "stairs for two": lambda: Stairs(num_players=2),
    "stairs with a trap": lambda: Stairs(trap=1),
}

ADAPTED = ["pgx:tic_tac_toe"]

CASES = [
    pytest.param((name, arguments), id=f"{name}{arguments or ''}")
    for name in [*names(), *ADAPTED]
    for arguments in SIZES.get(name, [{}])
] + [pytest.param((name, {}), id=name) for name in WORLDS]


@pytest.fixture(scope="module", params=CASES)
def env(request):
    name, arguments = request.param
    return WORLDS[name]() if name in WORLDS else make(name, **arguments)


def assert_same(left, right):
    assert jax.tree.structure(left) == jax.tree.structure(right)
    jax.tree.map(np.testing.assert_array_equal, left, right)


@pytest.mark.parametrize("name", names())
def test_what_has_sizes_is_tried_at_two(name):
    if inspect.signature(type(make(name))).parameters:
        assert len(SIZES.get(name, [])) >= 2, f"name two sizes of {name} in SIZES"


def test_every_law_holds(env):
    """As `selfplay check` says it; `checks/test_zoo.py` shows that it would say otherwise."""
    report = check(env, games=64)
    trapped = isinstance(env, Stairs) and env.trap >= 0  # where nobody gets anywhere
    found = [f for f in report.findings if f.outcome in (Outcome.BROKEN, Outcome.WARNS)]
    assert [(f.law.name, f.seen) for f in found if not trapped] == []
    assert not report.broken


def test_static_facts(env):
    assert env.num_players in (1, 2)
    assert env.num_actions >= 1
    assert env.num_symmetries >= 1
    assert 1 <= env.max_steps <= 32_767
    assert isinstance(env.observation_spec, ArraySpec | TokenSpec)
    assert isinstance(env.version, str)
    low, high = env.return_range
    assert low < high
    assert low <= env.min_return if env.num_players == 1 else low == -high


def test_values_and_returns_convert_both_ways(env):
    low, high = env.return_range
    returns = jnp.linspace(low, high, 9)
    np.testing.assert_allclose(env.to_value(returns), jnp.linspace(-1, 1, 9), atol=1e-6)
    np.testing.assert_allclose(env.from_value(env.to_value(returns)), returns, atol=1e-5)


def play(env, height, *actions):
    problem = jnp.int8(height)
    state = env.init(problem)
    for action in actions:
        state = env.step(problem, state, jnp.int32(action))
    return state


def test_where_there_are_problems_none_may_be_left_out():
    env = Addition(digits=1)
    problem = env.parse_problem("3+4")
    state, action = env.init(problem), jnp.int32(0)
    says = "Addition has problems: give one, such as env.parse_problem"
    for call in (
        env.init,
        jax.jit(env.init),
        lambda: env.legal_action_mask((), state),
        lambda: env.step((), state, action),
    ):
        with pytest.raises(ValueError, match=says):
            call()


def test_what_is_compiled_does_not_know_of_it(monkeypatch):
    """A look at whether there are problems leaves no trace."""
    traced = str(jax.make_jaxpr(TicTacToe().init)())
    monkeypatch.setattr(TicTacToe, "refuse_missing", lambda self, problem: None)
    assert str(jax.make_jaxpr(TicTacToe().init)()) == traced


def test_the_step_limit_truncates():
    env = Stairs(max_steps=3)
    assert not play(env, 5, 0, 0).truncated
    state = play(env, 5, 0, 0, 0)
    assert state.truncated
    assert not state.terminated
    assert_same(play(env, 5, 0, 0, 0, 1), state)


def test_an_ending_at_the_step_limit_is_no_truncation():
    state = play(Stairs(max_steps=2), 2, 1, 1)
    assert state.terminated
    assert not state.truncated
    assert float(state.rewards[0]) == 1


def test_a_dead_end_is_an_ending():
    env = Stairs(trap=1)
    state = play(env, 5, 1)
    assert state.terminated
    assert not state.truncated
    assert float(state.rewards[0]) == 0
    assert env.legal_action_mask(jnp.int8(5), state).all()


def test_a_lone_players_illegal_move_earns_the_least():
    state = play(Stairs(), 5, 2)
    assert state.terminated
    np.testing.assert_array_equal(state.rewards, np.array([-3], np.float32))


def test_an_illegal_move_of_player_1_pays_player_0():
    state = play(Stairs(num_players=2), 5, 0, 2)
    assert state.terminated
    np.testing.assert_array_equal(state.rewards, np.array([1, -1], np.float32))
