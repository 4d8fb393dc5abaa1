"""Environments that break a law of what is seen; see `zoo`."""

import dataclasses
import random

import jax.numpy as jnp

from selfplay.environment import BoardPicture
from selfplay_envs.games.tic_tac_toe import TicTacToe
from tests import worlds
from tests.environment.zoo import Columns, breaks


@breaks("finite observations")
class LogarithmOfZero(Columns):
    def view(self, state):
        planes = super().view(state)
        return planes + jnp.log(planes.sum())


@breaks("finite observations")
class BeyondTheVocabulary(worlds.Spell):
    def observe(self, problem, state):
        seen = super().observe(problem, state)
        return seen.replace(tokens=seen.tokens + 1)


@breaks("finite observations")
class BeforeTheFirstPosition(worlds.Spell):
    def observe(self, problem, state):
        seen = super().observe(problem, state)
        return seen.replace(positions=seen.positions - 1)


@breaks("finite observations")
class LinkBeyondTheLastToken(worlds.LinkedSpell):
    def observe(self, problem, state):
        seen = super().observe(problem, state)
        return seen.replace(links=seen.links + 1)


@breaks("observation")
class LinksWithoutTheirNumber(worlds.LinkedSpell):
    def __init__(self):
        super().__init__()
        self.observation_spec = dataclasses.replace(self.observation_spec, num_links=0)


@breaks("observation")
class GoalsOfWhichOneIsSeen(worlds.LinkedSpell):
    def __init__(self):
        super().__init__()
        self.observation_spec = dataclasses.replace(self.observation_spec, num_goals=2)


@breaks("observations tell")
class SeesNothing(Columns):
    def view(self, state):
        return jnp.zeros((self.rows, self.columns, 2), jnp.float32)

    def mirror(self, state, index):
        return super().mirror(state, index)


@breaks("the mover's view")
class FirstPlayersView(Columns):
    def view(self, state):
        return jnp.stack([state.owners == 0, state.owners == 1], axis=-1).astype(jnp.float32)


@breaks("complete observations")
class SeesOnlyTheOpponent(Columns):
    def view(self, state):
        return super().view(state).at[..., 0].set(0.0)


@breaks("symmetries")
class IdentityIsSecond(Columns):
    def mirror(self, state, index):
        return super().mirror(state, jnp.int32(1) - index)


@breaks("symmetries")
class IdleSymmetry(Columns):
    def mirror(self, state, index):
        return super().mirror(state, 0 * index)


@breaks("symmetries")
class TurnsTheBoardAlone(Columns):
    def mirror(self, state, index):
        turned, _ = super().mirror(state, index)
        return turned, jnp.arange(self.num_actions, dtype=jnp.int32)


@breaks("symmetries")
class TurnsTheActionsAlone(Columns):
    def mirror(self, state, index):
        _, permutation = super().mirror(state, index)
        return state, permutation


@breaks("symmetries")
class NamesAnActionTwice(Columns):
    def mirror(self, state, index):
        turned, permutation = super().mirror(state, index)
        return turned, jnp.where(index == 1, permutation.at[0].set(1), permutation)


@breaks("symmetries")
class AsIfSquare(Columns):
    """Half a turn of the list of squares, taken for a swap of left and right."""

    def mirror(self, state, index):
        swap = index == 1
        owners = jnp.where(swap, state.owners[:, ::-1], state.owners)
        squares = jnp.arange(self.num_actions, dtype=jnp.int32)
        return state.replace(owners=owners), jnp.where(swap, squares[::-1], squares)


@breaks("symmetries")
class ColumnsIntoRows(Columns):
    """Transposes a game in which columns win and rows do not."""

    def __init__(self):
        super().__init__(rows=3, columns=3)

    def mirror(self, state, index):
        squares = jnp.arange(9, dtype=jnp.int32).reshape(3, 3)
        swap = index == 1
        owners = jnp.where(swap, state.owners.T, state.owners)
        return state.replace(owners=owners), jnp.where(swap, squares.T, squares).reshape(-1)


@breaks("symmetries")
class InverseOfThePermutation(TicTacToe):
    """Only where a symmetry is not its own inverse, a quarter of a turn, does it show."""

    def mirror(self, state, index):
        turned, permutation = super().mirror(state, index)
        return turned, jnp.argsort(permutation).astype(jnp.int32)


@breaks("names")
class TwoOfAName(Columns):
    def format_action(self, action):
        return "abcdef"[action % self.columns]


@breaks("names")
class ReadBackAsAnother(Columns):
    def parse_action(self, text):
        return self.num_actions - 1 - super().parse_action(text)


@breaks("names")
class TakesNonsense(Columns):
    def parse_action(self, text):
        try:
            return super().parse_action(text)
        except ValueError:
            return 0


@breaks("problems as text")
class LosesTheDtype(worlds.Spell):
    def parse_problem(self, text):
        return super().parse_problem(text).astype(jnp.int32)


@breaks("problems as text")
class LosesALetter(worlds.Spell):
    def format_problem(self, problem):
        return super().format_problem(problem)[:-1]


@breaks("splits")
class SplitsOverlap(worlds.Spell):
    def sample_problem(self, key, split="train"):
        return super().sample_problem(key)


@breaks("drawing")
class CannotDrawTheEnd(Columns):
    def draw(self, state):
        if state.terminated:
            raise KeyError("winner")
        return super().draw(state)


@breaks("drawing")
class DrawsByChance(Columns):
    def draw(self, state):
        return f"{super().draw(state)} {random.random()}"


@breaks("drawing")
class DrawsNothing(Columns):
    def draw(self, state):
        return ""


@breaks("pictures")
class UpsideDown(Columns):
    def board(self, state):
        picture = super().board(state)
        return BoardPicture(owners=picture.owners[::-1], targets=picture.targets)
