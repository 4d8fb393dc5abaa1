"""Environments that break a law of what they claim to know, or of their size; see `zoo`."""

import jax
import jax.numpy as jnp

from selfplay.environment import Verdict, Verifier
from selfplay_envs.games.hex import Hex
from tests import patterns, worlds
from tests.environment.zoo import Columns, ColumnsState, breaks


@breaks("heuristic")
class CountsStones(Columns):
    def estimate(self, state):
        return 9 * super().estimate(state)


@breaks("heuristic's side")
class HopesForTheOther(Hex):
    def __init__(self):
        super().__init__(size=3)

    def estimate(self, state):
        return -super().estimate(state)


@breaks("heuristic's side")
class HopesForTheFirst(Hex):
    """From player 0's side, whoever moves."""

    def __init__(self):
        super().__init__(size=3)

    def estimate(self, state):
        return jnp.where(state.current_player == 0, 1.0, -1.0) * super().estimate(state)


@breaks("heuristic's side")
class HopesForTheSecond(Hex):
    """From player 1's side, whoever moves."""

    def __init__(self):
        super().__init__(size=3)

    def estimate(self, state):
        return jnp.where(state.current_player == 0, -1.0, 1.0) * super().estimate(state)


@breaks("oracle")
class OracleOfTheOther(worlds.Nim):
    def oracle(self, problem, state):
        return -super().oracle(problem, state)


@breaks("oracle")
class OracleOfIllegalMoves(worlds.Nim):
    def oracle(self, problem, state):
        return jnp.nan_to_num(super().oracle(problem, state))


@breaks("oracle")
class MoverWhoLostIsPaid(worlds.Nim):
    """The reward goes to the player to move next; the oracle knows better."""

    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(rewards=-after.rewards)


@breaks("solved positions")
class SolvedButOver(worlds.Nim):
    def solved_positions(self):
        solved = super().solved_positions()
        ended = jnp.ones_like(solved.state.terminated)
        return solved.replace(state=solved.state.replace(terminated=ended))


@breaks("solved positions")
class SolvedTheOtherWay(worlds.Nim):
    def solved_positions(self):
        solved = super().solved_positions()
        return solved.replace(action_values=-solved.action_values)


class AcceptsAll(Verifier):
    def verify(self, problem, actions):
        return Verdict.ACCEPTED


class Crashes(Verifier):
    def verify(self, problem, actions):
        raise RuntimeError("no kernel")


@breaks("verifier")
class AcceptsMistakes(worlds.Spell):
    def verifier(self):
        return AcceptsAll()


@breaks("verifier")
class VerifierCrashes(worlds.Spell):
    def verifier(self):
        return Crashes()


@breaks("two ends")
class TellsOtherMoves(patterns.TwoEnds):
    """The moves of either end are told in the wrong order."""

    def ends(self, problem, state):
        ends = super().ends(problem, state)
        return ends.replace(after=ends.after[jnp.array([1, 0, 3, 2])])


@breaks("two ends")
class MovesBothEnds(patterns.TwoEnds):
    def _play(self, problem, state, action):
        after = super()._play(problem, state, action)
        return after.replace(patterns=jnp.roll(after.patterns, action == 0, axis=1))


@breaks("two ends")
class AllowsAfterTheOther(patterns.TwoEnds):
    """The second pattern is counted up only while the first one begins with a 0."""

    def _legal(self, problem, state):
        return super()._legal(problem, state).at[3].set(state.patterns[0, 0] == 0)


class Equal(patterns.Matching):
    def meets(self, left, right):
        return left == right


@breaks("encounter")
class MeetsOnlyEqual(patterns.TwoEnds):
    """What is open matches by the rules alone."""

    def sample_problem(self, key, split="train"):
        return super().sample_problem(key, split).at[1, 0].set(patterns.OPEN)

    def encounter(self):
        return Equal()


class OpenApart(patterns.Matching):
    def features(self, end):
        return tuple(1 << digit for digit in end)


@breaks("encounter")
class FeaturesApart(MeetsOnlyEqual):
    def encounter(self):
        return OpenApart()


class HeavyState(ColumnsState):
    planes: jax.Array


@breaks("small")
class KeepsPlanes(Columns):
    """A float32 history in every node of the tree."""

    def start(self):
        return HeavyState.start(
            2, owners=super().start().owners, planes=jnp.zeros((32, 19, 19), jnp.float32)
        )

    def mirror(self, state, index):
        return super().mirror(state, index)
