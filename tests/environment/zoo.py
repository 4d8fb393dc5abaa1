"""Broken environments: each is a correct one with one fault, and names the law it breaks.

`Columns` is the correct game; `worlds.Spell`, `worlds.Nim` and tic-tac-toe lend what it has not.
"""

import random
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from selfplay.environment import (
    ArraySpec,
    BoardPicture,
    Environment,
    Game,
    State,
    Target,
    Verdict,
    Verifier,
    zero_sum,
)
from selfplay_envs.games.tic_tac_toe import TicTacToe
from tests import worlds

ZOO: list[tuple[str, Callable[[], Environment]]] = []
"""The law that is broken, and what makes the environment."""


def breaks(law):
    """Registers a class as breaking a law."""

    def register(cls):
        ZOO.append((law, cls))
        return cls

    return register


class ColumnsState(State):
    owners: jax.Array
    """int8 [rows, columns]: whose stone, or -1."""


class Columns(Game[ColumnsState]):
    """Who first owns a whole column wins; a full board is drawn."""

    num_players = 2
    num_symmetries = 2

    def __init__(self, *, rows: int = 2, columns: int = 3):
        self.rows, self.columns = rows, columns
        self.num_actions = self.max_steps = rows * columns
        self.observation_spec = ArraySpec((rows, columns, 2))

    def start(self):
        owners = jnp.full((self.rows, self.columns), -1, jnp.int8)
        return ColumnsState.start(2, owners=owners)

    def play(self, state, action):
        owners = state.owners.at[action // self.columns, action % self.columns].set(
            state.current_player
        )
        won = (owners == state.current_player).all(0).any()
        return state.replace(
            owners=owners,
            current_player=jnp.int8(1) - state.current_player,
            rewards=jnp.where(won, zero_sum(state.current_player, 1.0), 0.0),
            terminated=won | (owners >= 0).all(),
        )

    def legal(self, state):
        return (state.owners < 0).reshape(-1)

    def view(self, state):
        planes = [state.owners == state.current_player, state.owners == 1 - state.current_player]
        return jnp.stack(planes, axis=-1).astype(jnp.float32)

    def mirror(self, state, index):
        squares = jnp.arange(self.num_actions, dtype=jnp.int32).reshape(self.rows, self.columns)
        swap = index == 1
        owners = jnp.where(swap, state.owners[:, ::-1], state.owners)
        return state.replace(owners=owners), jnp.where(swap, squares[:, ::-1], squares).reshape(-1)

    def draw(self, state):
        return "\n".join(" ".join(".XO"[owner + 1] for owner in row) for row in state.owners)

    def board(self, state):
        targets = tuple(Target(square) for square in range(self.num_actions))
        return BoardPicture(owners=np.asarray(state.owners), targets=targets)

    def format_action(self, action):
        row, column = divmod(action, self.columns)
        return f"{'abcdef'[column]}{row + 1}"

    def estimate(self, state):
        mine, theirs = (
            (state.owners == player).sum(0).max().astype(jnp.float32)
            for player in (state.current_player, 1 - state.current_player)
        )
        return (mine + 0.5 - theirs) / (self.rows + 1)


# Form -------------------------------------------------------------------------------------------


@breaks("facts")
class ThreePlayers(Columns):
    num_players = 3


@breaks("facts")
class NoLength(Columns):
    def __init__(self):
        super().__init__()
        del self.max_steps


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
class Misspelt(Columns):
    def view(self, state):
        return state.owner


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
class HeuristicForEachPlayer(Columns):
    def estimate(self, state):
        return jnp.stack([super().estimate(state)] * 2)


# Purity -----------------------------------------------------------------------------------------


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
        owners = np.full((self.rows, self.columns), -1, np.int8)
        owners[0, 0] = np.random.default_rng().integers(-1, 2**6)
        return super().start().replace(owners=jnp.asarray(owners))


@breaks("as without jit")
class OtherwiseWhenTraced(Columns):
    def play(self, state, action):
        after = super().play(state, action)
        if isinstance(action, Tracer):
            return after
        return after.replace(current_player=state.current_player)


# Play -------------------------------------------------------------------------------------------


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


# Views ------------------------------------------------------------------------------------------


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


# Truth ------------------------------------------------------------------------------------------


@breaks("heuristic")
class CountsStones(Columns):
    def estimate(self, state):
        return 9 * super().estimate(state)


@breaks("heuristic's side")
class HopesForTheOther(Columns):
    def estimate(self, state):
        return -super().estimate(state)


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
