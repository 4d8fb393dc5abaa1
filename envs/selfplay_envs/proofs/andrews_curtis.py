"""Andrews–Curtis: reduce a presentation of the trivial group to the trivial one, move by move.

Rules: a balanced presentation ⟨x, y | r, s⟩ has twelve moves, six of either relator: multiply it by
the other relator or its inverse, from the right, or conjugate it by x, x⁻¹, y or y⁻¹; words are
freely reduced. Whoever reaches two relators of one letter each has won. That every presentation of
the trivial group can be reduced so is a conjecture of J. J. Andrews and M. L. Curtis (1965), open.
The moves are AC' of A. Shehper et al., "What makes math problems hard for reinforcement learning: a
case study" (arXiv 2408.15332, section 2).

An episode has `max_steps` moves, and who has not won by then has lost. Nothing else ever fails, for
each move can be undone: were such an episode cut off with an unknown outcome, no network would see
a loss, and none would learn that some presentations are further from the trivial one than others.
"""

from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from selfplay.environment import (
    ArraySpec,
    Certifier,
    Environment,
    State,
    Tokens,
    TokenSpec,
    Verifier,
)
from selfplay_envs.proofs import andrews_curtis_moves as moves
from selfplay_envs.proofs import (
    andrews_curtis_neighbours,
    free_group,
    presentation_text,
    step_limits,
)
from selfplay_envs.proofs import andrews_curtis_problems as problems
from selfplay_envs.proofs.andrews_curtis_certificate import MoveList
from selfplay_envs.proofs.andrews_curtis_replay import ReplayVerifier, shown

HELD_OUT_MOVES = 40
"""The longest scramble that is held out."""

CLOCK = 16
"""What tokens tell of the moves left: sixteenths of `max_steps`."""

_EMPTY, _RELATOR, _LETTERS = 0, 1, 2
"""Tokens: padding, a relator's own, then the four letters and the clock's."""

View = Literal["array", "tokens"]


class Presentation(struct.PyTreeNode):
    """A balanced presentation on x and y, its relators freely reduced."""

    words: jax.Array
    """int8 [2, length]: 1 = x, -1 = x⁻¹, 2 = y, -2 = y⁻¹, then zeros."""


class AndrewsCurtisState(State):
    """What a presentation has become."""

    words: jax.Array
    """int8 [2, length]: as in `Presentation`."""


class AndrewsCurtis(Environment[AndrewsCurtisState]):
    """Trivialise presentations whose relators never exceed `length` letters.

    Args:
        length: room for a relator; a move that needs more is illegal, as is one that changes
            nothing. All 533 published paths fit in 24.
        max_steps: moves of an episode.
        step_cost: what each move but the last costs, at most 1 / max_steps. Solved problems return
            1 without it, and with it between 0 and 1, more the fewer moves it took; unsolved ones
            -1 either way. Only the move that solves pays more than 0.
        scrambles: with S > 0, training has S levels more: presentations that lie 1 to S random
            moves from the trivial one.
        observation: "array", for an mlp, or "tokens", for a transformer.

    The other levels of training are the 1,190 presentations of `miller_schupp`, one each. Held out
    are scrambles of up to HELD_OUT_MOVES moves; see `andrews_curtis_problems`.
    """

    version = "1"

    def __init__(
        self,
        *,
        length: int = 24,
        max_steps: int = 200,
        step_cost: float = 0.0,
        scrambles: int = 0,
        observation: View = "array",
    ):
        if not 18 <= length <= free_group.MAX_LENGTH:
            raise ValueError(f"length must be between 18 and {free_group.MAX_LENGTH}, got {length}")
        step_limits.refuse_unfit(max_steps, step_cost)
        if not 0 <= scrambles <= 1_000:
            raise ValueError(f"scrambles must be between 0 and 1,000, got {scrambles}")
        if observation not in get_args(View):
            raise ValueError(f"observation must be array or tokens, got {observation!r}")
        self.length, self.step_cost, self.view = length, step_cost, observation
        self.max_steps = max_steps
        self.num_actions = moves.NUM_MOVES
        self.num_players = 1
        self.num_symmetries = moves.NUM_SYMMETRIES
        self._instances = problems.instances(length)
        self._taken = np.asarray(jax.vmap(problems.symmetric_hash)(self._instances))
        self.num_levels = len(self._instances) + scrambles
        if observation == "array":
            self.observation_spec = ArraySpec(shape=(16 * length + 3,))
        else:
            self.observation_spec = TokenSpec(
                num_tokens=2 * length + 3,
                vocabulary_size=_LETTERS + 4 + CLOCK,
                num_positions=2 * free_group.MAX_LENGTH + 3,  # whatever `length`: networks move
                action_kinds=2 * tuple(range(moves.KINDS)),
            )

    # The rules -------------------------------------------------------------------------------

    def _start(self, problem: Presentation) -> AndrewsCurtisState:
        return AndrewsCurtisState.start(1, words=problem.words)

    def _play(
        self, problem: Presentation, state: AndrewsCurtisState, action: jax.Array
    ) -> AndrewsCurtisState:
        words = moves.moved(state.words, action)
        solved = moves.is_trivial(words)
        late = state.step_count + jnp.int16(1) >= self.max_steps
        lost = -1.0 + self.step_cost * (self.max_steps - 1)
        reward = jnp.where(solved, 1.0, jnp.where(late, lost, -self.step_cost))
        return state.replace(
            words=words, rewards=reward.astype(jnp.float32)[None], terminated=solved | late
        )

    def _legal(self, problem: Presentation, state: AndrewsCurtisState) -> jax.Array:
        return moves.legal_moves(state.words)

    # What is seen ----------------------------------------------------------------------------

    def observe(self, problem: Presentation, state: AndrewsCurtisState) -> jax.Array | Tokens:
        """As an array, float32 [16 * length + 3], or as `Tokens` [2 * length + 3].

        The array shows r, s, r⁻¹ and s⁻¹, letter by letter, each place one of x, y, x⁻¹, y⁻¹ or
        none; then the relators' lengths over `length`, and the share of the moves left. Inverses
        are shown because words meet at their ends: a word's end is where its inverse begins, and
        products cancel where one of these words agrees with another from its beginning.

        The tokens: the letters of r, those of s, a token for each relator from which its actions
        are read, and the clock. Positions number them.
        """
        left = 1.0 - state.step_count.astype(jnp.float32) / self.max_steps
        if self.view == "tokens":
            return self._tokens(state.words, left)
        words = jnp.concatenate([state.words, jax.vmap(free_group.inverse)(state.words)])
        letters = words[:, :, None] == jnp.array([1, 2, -1, -2], jnp.int8)[None, None]
        sizes = jax.vmap(free_group.size)(state.words).astype(jnp.float32) / self.length
        return jnp.concatenate([letters.astype(jnp.float32).reshape(-1), sizes, left[None]])

    def _tokens(self, words: jax.Array, left: jax.Array) -> Tokens:
        letters = words.reshape(-1).astype(jnp.int32)
        code = _LETTERS + jnp.where(letters > 0, letters - 1, 1 - letters)
        code = jnp.where(letters == 0, _EMPTY, code)
        clock = jnp.clip(jnp.ceil(left * CLOCK).astype(jnp.int32) - 1, 0, CLOCK - 1)
        own = jnp.full(2, _RELATOR, jnp.int32)
        tokens = jnp.concatenate([code, own, (_LETTERS + 4 + clock)[None]])
        place = jnp.arange(self.length, dtype=jnp.int32)
        longest = free_group.MAX_LENGTH
        last = jnp.arange(3, dtype=jnp.int32)
        relators = last[:2] + 2 * self.length
        return Tokens(
            tokens=tokens,
            positions=jnp.concatenate([place, place + longest, last + 2 * longest]),
            mask=tokens != _EMPTY,
            action_tokens=jnp.repeat(relators, moves.KINDS),
        )

    # Problems --------------------------------------------------------------------------------

    def sample_problem(self, key: jax.Array, split: str = "train") -> Presentation:
        """A problem of any level, each as likely as another."""
        level_key, key = jax.random.split(key)
        level = jax.random.randint(level_key, (), 0, self.num_levels, jnp.int32)
        return self.sample_problem_at(key, level, split)

    def sample_problem_at(self, key: jax.Array, level: jax.Array, split: str) -> Presentation:
        """For training, instance `level` (int32 []), beyond them a scramble by number of moves.

        What is held out is a scramble of 1 + level mod HELD_OUT_MOVES moves.
        """
        if split == "held_out":
            return self._scramble(key, level % HELD_OUT_MOVES + 1, held_out=True)
        count = len(self._instances)
        instance = jnp.asarray(self._instances)[jnp.minimum(level, count - 1)]
        if self.num_levels == count:
            return Presentation(words=instance)
        scramble = self._scramble(key, jnp.maximum(level - count + 1, 1), held_out=False)
        return Presentation(words=jnp.where(level < count, instance, scramble.words))

    def _scramble(self, key: jax.Array, num_moves: jax.Array, *, held_out: bool) -> Presentation:
        taken = jnp.asarray(self._taken)
        return Presentation(words=problems.scrambled(key, num_moves, self.length, held_out, taken))

    def parse_problem(self, text: str) -> Presentation:
        """A presentation such as "xyx = yxy, x^2 = y^3"; see `presentation_text`."""
        relators = presentation_text.parse(text)
        if all(len(word) == 1 for word in relators):
            raise ValueError(f"{text!r} is the trivial presentation: there is nothing to do")
        return Presentation(words=jnp.asarray(problems.padded(relators, self.length)))

    def format_problem(self, problem: Presentation) -> str:
        """The relators, in letters x, y, X, Y."""
        return presentation_text.format_relators(*_as_tuples(problem.words))

    def neighbours(self, problem: Presentation, count: int, seed: int) -> list[Presentation]:
        """What moves and missing letters make of it; see `andrews_curtis_neighbours`."""
        relators = _as_tuples(problem.words)
        found = andrews_curtis_neighbours.neighbours(relators, count, self.length, seed)
        return [Presentation(words=jnp.asarray(problems.padded(x, self.length))) for x in found]

    def verifier(self) -> Verifier:
        """Replays the moves in plain Python, on words of any length."""
        return ReplayVerifier()

    def certifier(self) -> Certifier:
        """The list of moves, to be replayed; see `andrews_curtis_certificate`."""
        return MoveList()

    # Optional --------------------------------------------------------------------------------

    def symmetry(
        self, problem: Presentation, state: AndrewsCurtisState, index: jax.Array
    ) -> tuple[Presentation, AndrewsCurtisState, jax.Array]:
        """Generators renamed, to each other or to their inverses; from 8 on, relators exchanged."""
        words, permutation = moves.symmetric(state.words, index)
        problem = Presentation(words=moves.symmetric(problem.words, index)[0])
        return problem, state.replace(words=words), permutation

    def heuristic(self, problem: Presentation, state: AndrewsCurtisState) -> jax.Array:
        """By total length, as greedy search has it: 1 at the trivial presentation, -1 when full."""
        excess = moves.total_length(state.words).astype(jnp.float32) - 2.0
        return 1.0 - excess / (self.length - 1)

    def format_action(self, action: int) -> str:
        """What the moved relator becomes: "rS" for r s⁻¹, "xsX" for x s x⁻¹."""
        return moves.NAMES[action]

    def render(self, problem: Presentation, state: AndrewsCurtisState) -> str:
        """The presentation as it stands, and its total length."""
        words = _as_tuples(state.words)
        return f"{shown(words)}  length {sum(map(len, words))}, moves {int(state.step_count)}"


def _as_tuples(words: jax.Array) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The relators as plain words."""
    first, second = (tuple(word[word != 0].tolist()) for word in np.asarray(words))
    return first, second
