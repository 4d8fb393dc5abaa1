"""Tiny worlds whose exact answers are known, for the tests of everything that plays.

`Spell`: a lone player, observed as tokens, with a problem, a legal mask that bites, rewards on
the way and a symmetry. `Nim`: two players, observed as an array. `NimBoard`: the same game,
observed as a board. `Coins`: the same heap, but each stone pays at once, and moves double.
"""

import dataclasses
import itertools

import jax
import jax.numpy as jnp

from selfplay.environment.contract import Environment, SolvedPositions, State, zero_sum
from selfplay.environment.game import Game
from selfplay.environment.observation import ArraySpec, Tokens, TokenSpec
from selfplay.environment.verifier import Verdict, Verifier

LETTERS = "abc"
NUM_LETTERS = len(LETTERS)
NOTHING_YET = NUM_LETTERS
"""The last letter written, before any is."""


class SpellState(State):
    last: jax.Array
    """int8 []: the letter just written, or `NOTHING_YET`."""


class Spell(Environment[SpellState]):
    """Write the word that the problem holds, `length` letters of a, b, c, one a step.

    The right letter in its place pays +1/length, a wrong one -1/length. Neither the word nor
    what is written may repeat a letter at once: after a mistake the right letter can be
    forbidden. Who makes none earns 1, the most there is.

    With t letters written, the best return still to come is V(t, last) = (length - t - 2m) /
    length, where m is 1 if t < length and word[t] is `last`, else 0: of the two other letters
    one is not word[t + 1], so one more mistake is enough. Q(t, a) = ±1/length + V(t + 1, a).

    A word is in the held-out split if an odd number of its steps go two letters up (a, b, c, a,
    ...); the symmetries, which rename letters cyclically, keep that.
    """

    num_actions = NUM_LETTERS
    num_players = 1
    return_range = (-1.0, 1.0)
    min_return = -1.0
    num_symmetries = NUM_LETTERS

    def __init__(self, length: int = 4):
        if length < 2:
            raise ValueError(f"length must be at least 2, got {length}")
        self.length = length
        self.max_steps = length
        self.observation_spec = TokenSpec(
            num_tokens=length + NUM_LETTERS,
            vocabulary_size=3 * NUM_LETTERS,
            num_positions=length + 1,
        )

    def sample_problem(self, key, split="train"):
        """int8 [length]: a word, uniformly from its split."""
        start_key, step_key = jax.random.split(key)
        start = jax.random.randint(start_key, (1,), 0, NUM_LETTERS, jnp.int8)
        steps = jax.random.randint(step_key, (self.length - 2,), 1, NUM_LETTERS, jnp.int8)
        parity = (steps == 2).sum(dtype=jnp.int8) % 2
        wanted = jnp.int8(split == "held_out")
        last_step = jnp.int8(1) + (parity ^ wanted)
        word = jnp.cumsum(jnp.concatenate([start, steps, last_step[None]]), dtype=jnp.int8)
        return word % NUM_LETTERS

    def parse_problem(self, text):
        if len(text) != self.length or set(text) - set(LETTERS):
            raise ValueError(f"a word is {self.length} letters of {LETTERS}, got {text!r}")
        if any(one == next_one for one, next_one in itertools.pairwise(text)):
            raise ValueError(f"a word never repeats a letter at once, got {text!r}")
        return jnp.array([LETTERS.index(letter) for letter in text], jnp.int8)

    def format_problem(self, problem):
        return "".join(LETTERS[int(letter)] for letter in problem)

    def format_action(self, action):
        return LETTERS[action]

    def _start(self, problem):
        return SpellState.start(1, last=jnp.int8(NOTHING_YET))

    def _legal(self, problem, state):
        return jnp.arange(NUM_LETTERS, dtype=jnp.int8) != state.last

    def _play(self, problem, state, action):
        letter = action.astype(jnp.int8)
        right = problem[state.step_count] == letter
        reward = jnp.where(right, 1.0, -1.0).astype(jnp.float32) / self.length
        return state.replace(
            last=letter,
            rewards=reward[None],
            terminated=state.step_count + jnp.int16(1) >= self.length,
        )

    def observe(self, problem, state):
        """What is left of the word, padding in front, then one token for each letter.

        A letter of the word is token 0-2 at the position of how many steps away it is; a letter
        to write is token 3-5, or 6-8 if it was written last, at position `length`.
        """
        ahead = jnp.arange(self.length, dtype=jnp.int32) - state.step_count.astype(jnp.int32)
        letters = jnp.arange(NUM_LETTERS, dtype=jnp.int32)
        written = (letters == state.last.astype(jnp.int32)).astype(jnp.int32)
        return Tokens(
            tokens=jnp.concatenate(
                [problem.astype(jnp.int32), NUM_LETTERS * (1 + written) + letters]
            ),
            positions=jnp.concatenate(
                [jnp.maximum(ahead, 0), jnp.full(NUM_LETTERS, self.length, jnp.int32)]
            ),
            mask=jnp.concatenate([ahead >= 0, jnp.ones(NUM_LETTERS, jnp.bool_)]),
            action_tokens=self.length + letters,
        )

    def symmetry(self, problem, state, index):
        """Every letter renamed to the one `index` further on."""
        shift = index.astype(jnp.int8)
        last = jnp.where(
            state.last == NOTHING_YET, state.last, (state.last + shift) % jnp.int8(NUM_LETTERS)
        )
        permutation = (jnp.arange(NUM_LETTERS, dtype=jnp.int32) + index) % NUM_LETTERS
        word = (problem + shift) % jnp.int8(NUM_LETTERS)
        return word, state.replace(last=last), permutation

    def verifier(self):
        return SpellVerifier()

    def oracle(self, problem, state):
        letters = jnp.arange(NUM_LETTERS, dtype=jnp.int8)
        step = state.step_count.astype(jnp.int32)
        right = problem[jnp.minimum(step, self.length - 1)] == letters
        left = (self.length - step - 1).astype(jnp.float32)
        wanted_next = problem[jnp.minimum(step + 1, self.length - 1)]
        forbidden_next = (left > 0) & (wanted_next == letters)
        value = jnp.where(right, 1.0, -1.0) + left - 2.0 * forbidden_next.astype(jnp.float32)
        return jnp.where(self._legal(problem, state), value / self.length, jnp.nan)


class LinkedSpell(Spell):
    """Spell where each letter of the word links to the one after it; its actions are one kind."""

    def __init__(self, length: int = 4):
        super().__init__(length)
        self.observation_spec = dataclasses.replace(
            self.observation_spec, action_kinds=(0,) * NUM_LETTERS, num_links=1
        )

    def observe(self, problem, state):
        """As Spell's, with links; the word's last letter and those to write are linked to none."""
        places = jnp.arange(self.observation_spec.num_tokens, dtype=jnp.int32)
        seen = super().observe(problem, state)
        follows = seen.mask & (places < self.length - 1)
        return seen.replace(links=(places + follows.astype(jnp.int32))[:, None])


class SpellVerifier(Verifier):
    """Accepts the word itself, letter by letter."""

    def verify(self, problem, actions):
        right = [int(letter) for letter in problem] == [int(action) for action in actions]
        return Verdict.ACCEPTED if right else Verdict.REJECTED


class WalkState(State):
    place: jax.Array
    """int8 []."""


class Walk(Environment[WalkState]):
    """From 0 to where the problem says, one to the left or the right a step; -8 and 8 are walls."""

    num_actions = 2
    num_players = 1
    max_steps = 20
    observation_spec = ArraySpec((1,))

    def sample_problem(self, key, split="train"):
        return jnp.int8(3)

    def _start(self, problem):
        return WalkState.start(1, place=jnp.int8(0))

    def _legal(self, problem, state):
        return jnp.stack([state.place > -8, state.place < 8])

    def _play(self, problem, state, action):
        place = state.place + jnp.where(action == 1, jnp.int8(1), jnp.int8(-1))
        there = place == problem
        return state.replace(
            place=place, terminated=there, rewards=jnp.where(there, 1.0, 0.0)[None]
        )

    def observe(self, problem, state):
        return state.place[None].astype(jnp.float32)


class Walks(Walk):
    """Walks of every length, to either side: a level for each length."""

    num_levels = 8

    def sample_problem_at(self, key, level, split):
        distance = level.astype(jnp.int8) + jnp.int8(1)
        return jnp.where(jax.random.bernoulli(key), distance, -distance)

    def parse_problem(self, text):
        return jnp.int8(int(text))

    def format_problem(self, problem):
        return str(int(problem))

    def verifier(self):
        return WalkVerifier()


class WalkVerifier(Verifier):
    """Adds steps up."""

    def verify(self, problem, actions):
        there = sum(2 * int(action) - 1 for action in actions) == int(problem)
        return Verdict.ACCEPTED if there else Verdict.REJECTED


class NimState(State):
    heap: jax.Array
    """int8 []: stones left."""


class Nim(Game[NimState]):
    """One heap of `stones`; take 1, 2 or 3 (action + 1); who takes the last stone wins.

    Bouton 1901: a player to move loses if and only if 4 divides the heap, and the only winning
    moves are those that leave such a heap.
    """

    num_actions = 3
    num_players = 2

    def __init__(self, stones: int = 7):
        if not 1 <= stones <= 100:
            raise ValueError(f"stones must be between 1 and 100, got {stones}")
        self.stones = stones
        self.max_steps = stones
        self.observation_spec = ArraySpec((stones + 1,))

    def start(self):
        return NimState.start(2, heap=jnp.int8(self.stones))

    def legal(self, state):
        return jnp.arange(1, 4, dtype=jnp.int8) <= state.heap

    def play(self, state, action):
        heap = state.heap - action.astype(jnp.int8) - jnp.int8(1)
        won = heap == 0
        sign = jnp.where(jnp.arange(2, dtype=jnp.int8) == state.current_player, 1.0, -1.0)
        return state.replace(
            heap=heap,
            current_player=jnp.int8(1) - state.current_player,
            rewards=jnp.where(won, sign, 0.0).astype(jnp.float32),
            terminated=won,
        )

    def view(self, state):
        """float32 [stones + 1]: one-hot of the heap."""
        return jax.nn.one_hot(state.heap, self.stones + 1, dtype=jnp.float32)

    def format_action(self, action):
        return str(action + 1)

    def oracle(self, problem, state):
        left = state.heap - jnp.arange(1, 4, dtype=jnp.int8)
        value = jnp.where(left % jnp.int8(4) == 0, 1.0, -1.0)
        return jnp.where(self.legal(state), value, jnp.nan)

    def solved_positions(self):
        """Every heap that is not empty, player 0 to move."""
        heaps = jnp.arange(1, self.stones + 1, dtype=jnp.int8)
        states = jax.vmap(lambda heap: self.start().replace(heap=heap))(heaps)
        return SolvedPositions(
            problem=(),
            state=states,
            action_values=jax.vmap(lambda state: self.oracle((), state))(states),
            bucket=(heaps % jnp.int8(4) != 0).astype(jnp.int32),
            bucket_names=("lost", "won"),
        )


class NimBoard(Nim):
    """Nim with its stones laid out in rows of four, so that a full board is a lost one."""

    def __init__(self, stones: int = 7):
        super().__init__(stones)
        self.observation_spec = ArraySpec(((stones + 3) // 4, 4, 1))

    def view(self, state):
        """float32 [rows, 4, 1]: 1 where a stone lies."""
        shape = (self.observation_spec.shape[0], 4, 1)
        places = jnp.arange(shape[0] * 4, dtype=jnp.int8)
        return (places < state.heap).astype(jnp.float32).reshape(shape)


class Coins(Nim):
    """Each stone pays 1 at once, and who takes a single one moves again.

    With `hopes`, a heuristic believes that the mover will get half of what is left.
    """

    def __init__(self, stones: int = 7, hopes: bool = False):
        super().__init__(stones)
        self.return_range = (-float(stones), float(stones))
        self.hopes = hopes

    def play(self, state, action):
        after = super().play(state, action)
        gain = (action + 1).astype(jnp.float32)
        mover = state.current_player
        return after.replace(
            rewards=zero_sum(mover, gain),
            current_player=jnp.where(action == 0, mover, jnp.int8(1) - mover),
        )

    def estimate(self, state):
        return state.heap.astype(jnp.float32) * (0.5 * self.hopes / self.stones)

    def oracle(self, problem, state):
        return None


def coins_qvalues(heap: int, depth: int, hopes: bool) -> list[float]:
    """Value of each legal move in Coins, in stones, after `depth` moves; plain Python."""
    values = []
    for taken in range(1, min(3, heap) + 1):
        left = heap - taken
        if left == 0:
            rest = 0.0
        elif depth == 1:
            rest = 0.5 * left if hopes else 0.0
        else:
            rest = max(coins_qvalues(left, depth - 1, hopes))
        values.append(taken + (rest if taken == 1 else -rest))
    return values
