"""Environments that break a law of form and of purity; see `zoo`."""

import dataclasses
import random

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from selfplay.environment import ArraySpec
from tests import patterns, worlds
from tests.environment.zoo import Columns, ColumnsState, breaks


@breaks("facts")
class ThreePlayers(Columns):
    num_players = 3


@breaks("facts")
class NoLength(Columns):
    def __init__(self):
        super().__init__()
        del self.max_steps


@breaks("facts")
class HalfAnAction(Columns):
    """`/` where `//` was meant: 6.0 actions."""

    def __init__(self):
        super().__init__()
        self.num_actions = 2 * self.num_actions / 2


@breaks("facts")
class ShapeWithoutAComma(Columns):
    def __init__(self):
        super().__init__()
        self.observation_spec = ArraySpec(6)


@breaks("facts")
class AKindTooFew(worlds.LinkedSpell):
    def __init__(self):
        super().__init__()
        self.observation_spec = dataclasses.replace(self.observation_spec, action_kinds=(0, 0))


@breaks("facts")
class AKindIsLeftOut(worlds.LinkedSpell):
    def __init__(self):
        super().__init__()
        self.observation_spec = dataclasses.replace(self.observation_spec, action_kinds=(0, 2, 0))


@breaks("facts")
class NoGoals(worlds.Spell):
    def __init__(self):
        super().__init__()
        self.observation_spec = dataclasses.replace(self.observation_spec, num_goals=0)


@breaks("runs")
class Misspelt(Columns):
    def view(self, state):
        return state.owner


@breaks("runs")
class MisspeltField(Columns):
    def play(self, state, action):
        return super().play(state, action).replace(ownres=state.owners)


@breaks("runs")
class ForgetsAField(Columns):
    def start(self):
        return ColumnsState.start(2)


@breaks("runs")
class NoSelf(Columns):
    def legal(state):  # noqa: N805  that is the fault
        return (state.owners < 0).reshape(-1)


@breaks("runs")
class ChangesInPlace(Columns):
    def play(self, state, action):
        state.owners[0, 0] = state.current_player
        return super().play(state, action)


@breaks("returns")
class StartsWithNothing(Columns):
    def start(self):
        super().start()


@breaks("returns")
class PlayWithoutReturn(Columns):
    def play(self, state, action):
        super().play(state, action)


@breaks("returns")
class PlaysABoard(Columns):
    def play(self, state, action):
        return super().play(state, action).owners


@breaks("returns")
class ViewWithoutReturn(Columns):
    def view(self, state):
        super().view(state)


@breaks("returns")
class MirrorsTheStateAlone(Columns):
    def mirror(self, state, index):
        return super().mirror(state, index)[0]


@breaks("returns")
class WordInAState(Columns):
    def start(self):
        return super().start().replace(owners="empty")


@breaks("traced")
class IfOnAValue(Columns):
    def play(self, state, action):
        after = super().play(state, action)
        if after.terminated:
            return after
        return after.replace(rewards=jnp.zeros(2, jnp.float32))


@breaks("traced")
class NumPyOnAValue(Columns):
    def legal(self, state):
        return np.asarray(state.owners).reshape(-1) < 0


@breaks("traced")
class RangeOfAnAction(Columns):
    def play(self, state, action):
        for _ in range(action):
            pass
        return super().play(state, action)


@breaks("traced")
class IndexedByAMask(Columns):
    def view(self, state):
        return super().view(state) + state.owners[state.owners >= 0].sum()


@breaks("traced")
class LooksUpAnAction(Columns):
    def play(self, state, action):
        return {action: super().play(state, action)}[action]


@breaks("traced")
class SizeOfAnAction(Columns):
    def play(self, state, action):
        return super().play(state, action).replace(owners=jnp.zeros(action, jnp.int8))


@breaks("problems alike")
class LongerWordsHeldOut(worlds.Spell):
    def sample_problem(self, key, split="train"):
        word = super().sample_problem(key, split)
        return word if split == "train" else jnp.concatenate([word, word[:1]])


@breaks("fields")
class IntegerEnding(Columns):
    def start(self):
        return super().start().replace(terminated=jnp.int8(0))


@breaks("fields")
class OneReward(Columns):
    def start(self):
        return super().start().replace(rewards=jnp.zeros(1, jnp.float32))


@breaks("fields")
class BareNumber(Columns):
    def start(self):
        return super().start().replace(owners=0)

    def legal(self, state):
        return jnp.ones(self.num_actions, jnp.bool_)

    def play(self, state, action):
        return state

    def view(self, state):
        return jnp.zeros((2, 3, 2), jnp.float32)

    def mirror(self, state, index):
        return state, jnp.arange(self.num_actions, dtype=jnp.int32)

    def estimate(self, state):
        return jnp.float32(0)


class KeyState(ColumnsState):
    key: jax.Array


@breaks("no key")
class KeyInside(Columns):
    def start(self):
        return KeyState.start(2, owners=super().start().owners, key=jax.random.key(0))


class NoiseState(ColumnsState):
    noise: jax.Array


@breaks("no key")
class RawKeyUnderAnotherName(Columns):
    """A raw key, split at every move, that decides who wins."""

    def start(self):
        noise = jax.random.PRNGKey(0)
        return NoiseState.start(2, owners=super().start().owners, noise=noise)

    def play(self, state, action):
        noise, now = jax.random.split(state.noise)
        after = super().play(state, action)
        paid = jax.random.bernoulli(now).astype(jnp.float32)
        return after.replace(noise=noise, rewards=after.rewards * paid)


@breaks("mask")
class ShortMask(Columns):
    def legal(self, state):
        return super().legal(state)[1:]


@breaks("mask")
class FloatMask(Columns):
    def legal(self, state):
        return super().legal(state).astype(jnp.float32)


@breaks("fixed shapes")
class Promoted(Columns):
    """int8 stones become int32 by arithmetic with the action."""

    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(owners=after.owners.astype(jnp.int32) + 0 * action)


@breaks("fixed shapes")
class GrowingHistory(Columns):
    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(owners=jnp.concatenate([after.owners, after.owners[:1]]))


@breaks("observation")
class PlanesFirst(Columns):
    def view(self, state):
        return jnp.moveaxis(super().view(state), -1, 0)


@breaks("observation")
class WholeNumbers(Columns):
    def view(self, state):
        return super().view(state).astype(jnp.int8)


@breaks("extras")
class FloatPermutation(Columns):
    def mirror(self, state, index):
        state, permutation = super().mirror(state, index)
        return state, permutation.astype(jnp.float32)


@breaks("extras")
class EndsOfWords(patterns.TwoEnds):
    def ends(self, problem, state):
        return jax.tree.map(lambda leaf: leaf.astype(jnp.int32), super().ends(problem, state))


@breaks("extras")
class HeuristicForEachPlayer(Columns):
    def estimate(self, state):
        return jnp.stack([super().estimate(state)] * 2)


@breaks("no leaks")
class RemembersTheBoard(Columns):
    def play(self, state, action):
        self.last = state.owners
        return super().play(state, action)


@breaks("no leaks")
class KeepsAList(Columns):
    def __init__(self):
        super().__init__()
        self.history = []

    def legal(self, state):
        self.history.append(super().legal(state))
        return self.history[-1]


@breaks("no hidden state")
class CountsCalls(Columns):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def view(self, state):
        self.calls += 1
        return super().view(state)


@breaks("pure")
class RollsDice(Columns):
    def play(self, state, action):
        after = super().play(state, action)
        return after.replace(rewards=after.rewards * random.random())


@breaks("pure")
class RandomStart(Columns):
    def start(self):
        # Every square at random: one alone would be the same twice now and then.
        owners = np.random.default_rng().integers(-1, 2**6, (self.rows, self.columns), np.int8)
        return super().start().replace(owners=jnp.asarray(owners))


@breaks("the same anew")
class DrawsItsTable(Columns):
    def __init__(self):
        super().__init__()
        self.table = np.random.default_rng().random((self.rows, self.columns, 2), np.float32)

    def view(self, state):
        return super().view(state) + self.table


@breaks("as without jit")
class OtherwiseWhenTraced(Columns):
    def play(self, state, action):
        after = super().play(state, action)
        if isinstance(action, Tracer):
            return after
        return after.replace(current_player=state.current_player)
