"""Environments that break a law of play; see `zoo`."""

import jax
import jax.numpy as jnp

from selfplay.environment import zero_sum
from tests.environment.zoo import Columns, breaks


@breaks("beginning")
class SecondPlayerBegins(Columns):
    def start(self):
        return super().start().replace(current_player=jnp.int8(1))


@breaks("beginning")
class OverAtOnce(Columns):
    def start(self):
        return super().start().replace(terminated=jnp.bool_(True))


@breaks("movers")
class NeverSwitches(Columns):
    def play(self, state, action):
        return super().play(state, action).replace(current_player=state.current_player)


@breaks("movers")
class ThirdPlayer(Columns):
    def play(self, state, action):
        player = state.current_player + jnp.int8(1)
        return super().play(state, action).replace(current_player=player)


@breaks("masks")
class MaskAfterTheEnd(Columns):
    def legal_action_mask(self, problem, state):
        return self.legal(state)


@breaks("masks")
class NothingLegal(Columns):
    """A stalemate that its own step does not end."""

    def legal_action_mask(self, problem, state):
        return (self.legal(state) & (state.step_count < 3)) | state.ended


@breaks("length")
class CountsTwice(Columns):
    def step(self, problem, state, action):
        after = super().step(problem, state, action)
        return after.replace(step_count=after.step_count + jnp.int16(1))


@breaks("length")
class NeverTruncated(Columns):
    def __init__(self):
        super().__init__()
        self.max_steps = 3

    def step(self, problem, state, action):
        after = super().step(problem, state, action)
        return after.replace(truncated=jnp.bool_(False))


@breaks("endings absorb")
class PaysForEver(Columns):
    def step(self, problem, state, action):
        after = super().step(problem, state, action)
        return after.replace(rewards=jnp.where(state.ended, state.rewards, after.rewards))


@breaks("endings absorb")
class GoesOn(Columns):
    def step(self, problem, state, action):
        after = super().step(problem, state, action)
        other = jnp.int8(1) - state.current_player
        return after.replace(current_player=jnp.where(state.ended, other, after.current_player))


@breaks("illegal moves lose")
class ForgivesIllegalMoves(Columns):
    def step(self, problem, state, action):
        legal = self.legal(state)[action]
        after = super().step(problem, state, action)
        once_more = state.replace(
            rewards=jnp.zeros(2, jnp.float32), step_count=state.step_count + jnp.int16(1)
        )
        return jax.tree.map(lambda a, b: jnp.where(legal | state.ended, a, b), after, once_more)


@breaks("illegal moves lose")
class IllegalMovesWin(Columns):
    def step(self, problem, state, action):
        legal = self.legal(state)[action]
        after = super().step(problem, state, action)
        return after.replace(rewards=jnp.where(legal, after.rewards, -after.rewards))


@breaks("zero-sum")
class BothWin(Columns):
    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(rewards=jnp.abs(after.rewards))


@breaks("zero-sum")
class OnlyTheWinnerIsPaid(Columns):
    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(rewards=jnp.maximum(after.rewards, 0.0))


@breaks("rewards")
class PaysTen(Columns):
    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(rewards=10 * after.rewards)


@breaks("rewards")
class PaysOnTheWay(Columns):
    """A point a move, though returns were said to be at most 1."""

    def play(self, state, action):
        return super().play(state, action).replace(rewards=zero_sum(state.current_player % 1, 1.0))


@breaks("rewards")
class PaysNaN(Columns):
    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(rewards=after.rewards / jnp.abs(after.rewards).max())


@breaks("ends by its rules")
class TooShort(Columns):
    def __init__(self):
        super().__init__()
        self.max_steps = 2


@breaks("step limit")
class RoomForEver(Columns):
    def __init__(self):
        super().__init__()
        self.max_steps = 500


@breaks("winners")
class PaysTheNextMover(Columns):
    """The reward is for whoever moves next, who has lost."""

    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(rewards=-after.rewards)


@breaks("winners")
class PaysTheFirst(Columns):
    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(rewards=jnp.abs(after.rewards) * jnp.array([1.0, -1.0]))


@breaks("something is paid")
class NobodyWins(Columns):
    def play(self, state, action):
        return super().play(state, action).replace(rewards=jnp.zeros(2, jnp.float32))
