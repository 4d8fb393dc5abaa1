"""Games: environments without problems."""

import abc

import jax
import jax.numpy as jnp

from selfplay.environment.contract import NO_PROBLEM, Environment, Problem, StateT
from selfplay.environment.observation import Observation
from selfplay.environment.picture import BoardPicture


class Game(Environment[StateT]):
    """A game: an environment without problems.

    Its author writes `start`, `play`, `legal` and `view`, and may add `mirror`, `draw`, `board`
    and `estimate`; these are the functions of `Environment` without the problem.
    """

    @abc.abstractmethod
    def start(self) -> StateT:
        """The position before the first move; `State.start` fills the common fields."""

    @abc.abstractmethod
    def play(self, state: StateT, action: jax.Array) -> StateT:
        """The position after a legal `action` (int32 []); see `Environment._play`."""

    @abc.abstractmethod
    def legal(self, state: StateT) -> jax.Array:
        """bool [num_actions]: what the rules allow in a running game."""

    @abc.abstractmethod
    def view(self, state: StateT) -> Observation:
        """What the mover sees."""

    def mirror(self, state: StateT, index: jax.Array) -> tuple[StateT, jax.Array]:
        """Symmetry `index` of the position, and the permutation of the actions."""
        del index
        return state, jnp.arange(self.num_actions, dtype=jnp.int32)

    def draw(self, state: StateT) -> str:
        """The position as text."""
        return super().render(NO_PROBLEM, state)

    def board(self, state: StateT) -> BoardPicture | None:
        """The position for a page to draw; None where text must do."""
        return super().picture(NO_PROBLEM, state)

    def estimate(self, state: StateT) -> jax.Array:
        """float32 []: a rough value in [-1, 1] for the mover."""
        del state
        return jnp.float32(0)

    def _start(self, problem: Problem) -> StateT:
        return self.start()

    def _play(self, problem: Problem, state: StateT, action: jax.Array) -> StateT:
        return self.play(state, action)

    def _legal(self, problem: Problem, state: StateT) -> jax.Array:
        return self.legal(state)

    def observe(self, problem: Problem, state: StateT) -> Observation:
        """What the mover sees."""
        return self.view(state)

    def symmetry(
        self, problem: Problem, state: StateT, index: jax.Array
    ) -> tuple[Problem, StateT, jax.Array]:
        """The position through symmetry `index`; see `Environment.symmetry`."""
        return problem, *self.mirror(state, index)

    def render(self, problem: Problem, state: StateT) -> str:
        """The position as text."""
        return self.draw(state)

    def picture(self, problem: Problem, state: StateT) -> BoardPicture | None:
        """The position for a page to draw."""
        return self.board(state)

    def heuristic(self, problem: Problem, state: StateT) -> jax.Array:
        """A rough value in [-1, 1] for the mover."""
        return self.estimate(state)
