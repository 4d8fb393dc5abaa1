"""An environment whose states know their moves, for players that must be told the whole game."""

from typing import Any

import jax
import jax.numpy as jnp

from selfplay.environment.contract import Environment, Problem, State
from selfplay.environment.observation import Observation
from selfplay.evaluation.players import Act


class RememberedState(State):
    """A state with its past."""

    inner: Any
    """State of the environment itself."""
    moves: jax.Array
    """int32 [max_steps]: the actions until now, `step_count` of them; 0 behind them."""


class Remembered(Environment[RememberedState]):
    """The same game; the rules are those of `env`.

    It serves matches, where a few hundred bytes a game do not matter, and no search: trees keep
    the states of `env`.
    """

    def __init__(self, env: Environment[Any]):
        self.env = env
        self.version = env.version
        self.num_actions, self.num_players = env.num_actions, env.num_players
        self.max_steps = env.max_steps
        self.observation_spec = env.observation_spec
        self.return_range, self.min_return = env.return_range, env.min_return

    def sample_problem(self, key: jax.Array, split: Any = "train") -> Problem:
        """As `env` does."""
        return self.env.sample_problem(key, split)

    def observe(self, problem: Problem, state: RememberedState) -> Observation:
        """What `env` shows."""
        return self.env.observe(problem, state.inner)

    def _start(self, problem: Problem) -> RememberedState:
        inner = self.env.init(problem)
        moves = jnp.zeros(self.max_steps, jnp.int32)
        state = RememberedState.start(self.num_players, inner=inner, moves=moves)
        return state.replace(current_player=inner.current_player, terminated=inner.terminated)

    def _play(self, problem: Problem, state: RememberedState, action: jax.Array) -> RememberedState:
        inner = self.env.step(problem, state.inner, action)
        return state.replace(
            inner=inner,
            moves=state.moves.at[state.step_count].set(action),
            current_player=inner.current_player,
            rewards=inner.rewards,
            terminated=inner.terminated,
        )

    def _legal(self, problem: Problem, state: RememberedState) -> jax.Array:
        return self.env.legal_action_mask(problem, state.inner)


def forgetful(act: Act) -> Act:
    """A player of `Remembered.env` as one of `Remembered`."""

    def without_moves(params: Any, keys: jax.Array, problem: Problem, state: RememberedState):
        return act(params, keys, problem, state.inner)

    return without_moves
