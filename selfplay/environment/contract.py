"""What is played: the contract between an environment and everything else.

An environment is a bundle of pure functions over fixed-shape pytrees. Its author writes the
rules; the base class keeps the laws, once, for every environment:

- an ended episode absorbs: further steps change nothing and reward nothing;
- an illegal move ends the episode as a loss for the mover;
- the mask of legal actions is never empty before the end (a dead end is an ending), and all
  true after it;
- after `max_steps` steps an episode that has not ended is truncated.

A board game is a `Game` (see `game`): it has no problem, and its author never sees one. Anything
with data that stays fixed during an episode (a chain to fold, a formula to prove) is an
`Environment` with a `Problem`, a pytree passed beside the network's parameters.
"""

import abc
import dataclasses
import functools
from typing import Any, Generic, Literal, TypeVar

import jax
import jax.numpy as jnp
from flax import struct

from selfplay.environment.certificate import Certifier
from selfplay.environment.ends import Encounter, Ends
from selfplay.environment.observation import ArraySpec, Observation, TokenSpec
from selfplay.environment.picture import BoardPicture
from selfplay.environment.verifier import Verifier

Problem = Any
"""A pytree of arrays that stays fixed during an episode; the empty tuple for games."""

Split = Literal["train", "held_out"]

NO_PROBLEM: tuple[()] = ()


class State(struct.PyTreeNode):
    """What changes during an episode. A search keeps one per tree node, so it is small.

    An environment's own state inherits from this and adds fields. It holds no observation, no
    drawing and no PRNG key: a key inside would make the search clairvoyant.
    """

    current_player: jax.Array
    """int8 []: who moves, 0 or 1."""
    rewards: jax.Array
    """float32 [num_players]: what the step into this state paid to each player."""
    terminated: jax.Array
    """bool []: the rules ended the episode."""
    truncated: jax.Array
    """bool []: the step limit ended it; its outcome is unknown."""
    step_count: jax.Array
    """int16 []: steps since the beginning."""

    @property
    def ended(self) -> jax.Array:
        """bool []: the episode is over, one way or the other."""
        return self.terminated | self.truncated

    @classmethod
    def start(cls, num_players: int, **fields: Any):
        """A state before the first move, player 0 to move, with the environment's own fields."""
        return cls(
            current_player=jnp.int8(0),
            rewards=jnp.zeros(num_players, jnp.float32),
            terminated=jnp.bool_(False),
            truncated=jnp.bool_(False),
            step_count=jnp.int16(0),
            **fields,
        )


StateT = TypeVar("StateT", bound=State)
ScalarT = TypeVar("ScalarT", float, jax.Array)


class SolvedPositions(struct.PyTreeNode):
    """N positions whose exact action values are known, in named buckets.

    Value scale and sign: positive wins, zero draws, negative loses, for the mover.
    """

    problem: Problem
    """Problem [N]."""
    state: State
    """State [N], none of them ended."""
    action_values: jax.Array
    """float32 [N, num_actions]: exact value of each action; NaN where it is illegal."""
    bucket: jax.Array
    """int32 [N]: index into `bucket_names`."""
    bucket_names: tuple[str, ...] = struct.field(pytree_node=False)


def zero_sum(player: jax.Array, reward: jax.Array) -> jax.Array:
    """float32 [2]: `reward` for `player`, its negative for the other."""
    reward = jnp.asarray(reward, jnp.float32)
    return jnp.where(jnp.arange(2, dtype=jnp.int8) == player, reward, 0.0 - reward)


def select(condition: jax.Array, on_true: Any, on_false: Any) -> Any:
    """`jnp.where` over two pytrees of equal structure, for one scalar `condition`."""
    return jax.tree.map(functools.partial(jnp.where, condition), on_true, on_false)


@dataclasses.dataclass(frozen=True)
class Opposite:
    """What would show that a problem cannot be solved: a solution of any of these."""

    env: "Environment[Any]"
    """Whose problems they are."""
    problems: tuple[Problem, ...]
    """To be searched, the easiest first."""
    known: tuple[Problem, tuple[int, ...]] | None = None
    """One of which a quick look has found a solution, and that."""
    ruled_out: str = ""
    """What that look has shown not to be there, for a person."""


class Environment(abc.ABC, Generic[StateT]):
    """Base of everything that can be played; see the module's docstring for its laws.

    Its author sets the static facts and writes `_start`, `_play`, `_legal` and `observe`. All
    functions take one episode (no batch axis) and are pure; callers use `jax.vmap` and
    `jax.jit`. What is optional has a default: no symmetry, a plain rendering, no exact truth.
    """

    version: str = "1"
    """Change it when old checkpoints would mean something else under the new rules."""

    num_actions: int
    num_players: int
    """1 or 2. With two, rewards sum to zero and `return_range` is symmetric."""
    max_steps: int
    """At most 32,767. A game that ends by itself states the most moves it can take."""
    observation_spec: ArraySpec | TokenSpec
    return_range: tuple[float, float] = (-1.0, 1.0)
    """Bounds of the rewards still to come, from any state; the network predicts in [-1, 1]."""
    min_return: float = -1.0
    """What an illegal move earns a lone player; with two players the loser gets `-1 * high`."""
    num_symmetries: int = 1
    """How many symmetries there are, the identity (index 0) included."""
    num_levels: int = 1
    """Grades of difficulty of its problems, or problems that are tried again and again; training
    draws those levels most that are solved about half of the time."""
    open_spiel: str | None = None
    """The same game in OpenSpiel, as `pyspiel.load_game` takes it: "hex(board_size=5)"."""
    open_spiel_allows: str | None = None
    """Why OpenSpiel may allow moves that are illegal here; None where the rules are the same."""

    # What the author writes ------------------------------------------------------------------

    @abc.abstractmethod
    def _start(self, problem: Problem) -> StateT:
        """The state before the first move; `State.start` fills the common fields."""

    @abc.abstractmethod
    def _play(self, problem: Problem, state: StateT, action: jax.Array) -> StateT:
        """The rules: a legal `action` (int32 []) in a running episode.

        Sets `rewards` and `terminated` where they change, and who moves next. The base class
        counts steps and has already reset `rewards` to zero.
        """

    @abc.abstractmethod
    def _legal(self, problem: Problem, state: StateT) -> jax.Array:
        """bool [num_actions]: what the rules allow in a running episode."""

    @abc.abstractmethod
    def observe(self, problem: Problem, state: StateT) -> Observation:
        """What the mover sees, as `observation_spec` describes."""

    # Optional --------------------------------------------------------------------------------

    def sample_problem(self, key: jax.Array, split: Split = "train") -> Problem:
        """A random problem. Splits never overlap. Games have the empty problem."""
        del key, split
        return NO_PROBLEM

    def sample_problem_at(self, key: jax.Array, level: jax.Array, split: Split) -> Problem:
        """A random problem of a level (int32 [], below `num_levels`)."""
        del level
        return self.sample_problem(key, split)

    def solved(self, problem: Problem, state: StateT) -> jax.Array:
        """bool []: an episode that has just ended earned a lone player the most there is."""
        del problem
        return state.terminated & (state.rewards[0] >= self.return_range[1])

    def parse_problem(self, text: str) -> Problem:
        """The problem that `text` describes. Raises ValueError if it describes none."""
        if text:
            raise ValueError(f"{type(self).__name__} has no problems, got {text!r}")
        return NO_PROBLEM

    def format_problem(self, problem: Problem) -> str:
        """Text from which `parse_problem` makes the same problem."""
        del problem
        return ""

    def symmetry(
        self, problem: Problem, state: StateT, index: jax.Array
    ) -> tuple[Problem, StateT, jax.Array]:
        """The same situation seen through symmetry `index` (int32 [], 0 is the identity).

        Returns `(problem, state, permutation)`, where `permutation` (int32 [num_actions]) gives
        for each action its name in the transformed state.
        """
        del index
        return problem, state, jnp.arange(self.num_actions, dtype=jnp.int32)

    def render(self, problem: Problem, state: StateT) -> str:
        """The position as text, for a person. Not traced."""
        del problem
        return "\n".join(f"{f.name}: {getattr(state, f.name)}" for f in dataclasses.fields(state))

    def picture(self, problem: Problem, state: StateT) -> BoardPicture | None:
        """The position on a board, for a page to draw; None where text must do. Not traced."""
        del problem, state
        return None

    def format_action(self, action: int) -> str:
        """The name a person would use for an action."""
        return str(action)

    def parse_action(self, text: str) -> int:
        """The action a person names. Raises ValueError, listing what would do."""
        names = {self.format_action(action): action for action in range(self.num_actions)}
        if text.strip() not in names:
            raise ValueError(f"no action is called {text!r}; actions are {', '.join(names)}")
        return names[text.strip()]

    def from_open_spiel(self, action: int, name: str) -> int:
        """The action that OpenSpiel numbers `action` and calls `name`; mostly the same number."""
        del name
        return action

    def heuristic(self, problem: Problem, state: StateT) -> jax.Array:
        """float32 []: a rough value in [-1, 1] for the mover; 0 where nobody knows better."""
        del problem, state
        return jnp.float32(0)

    def heuristic_after(self, problem: Problem, state: StateT) -> jax.Array:
        """float32 [num_actions]: the heuristic of where each action leads; anything where that is
        illegal. By default all are taken; an environment that knows it without is quicker.
        """

        def after(action: jax.Array) -> jax.Array:
            return self.heuristic(problem, self.step(problem, state, action))

        return jax.vmap(after)(jnp.arange(self.num_actions, dtype=jnp.int32))

    def oracle(self, problem: Problem, state: StateT) -> jax.Array | None:
        """float32 [num_actions]: exact value of each action in a running episode, for the mover.

        Illegal actions are NaN. None where it is unknown, which depends on the environment alone.
        """
        del problem, state
        return None

    def verifier(self) -> Verifier | None:
        """Who judges finished episodes independently of these rules, or None."""
        return None

    def certifier(self) -> Certifier | None:
        """Who shows finished episodes to a judge outside this project, or None."""
        return None

    def refutation(self, problem: Problem) -> str:
        """Why a problem cannot be solved, for a person; empty where nobody knows. Not traced."""
        del problem
        return ""

    def opposite(self, problem: Problem) -> Opposite | None:
        """Problems of another environment whose solutions show that `problem` has none, and can be
        judged as such; None where nobody knows of any. Not traced."""
        del problem
        return None

    def neighbours(self, problem: Problem, count: int, seed: int) -> list[Problem] | None:
        """At most `count` different problems like one, itself among them, the easiest first: what
        to practise on for its sake. None of the others is held out. None where nobody knows of
        such problems. Not traced.
        """
        del problem, count, seed
        return None

    def hindsight(self, problem: Problem, state: StateT) -> tuple[Problem, jax.Array] | None:
        """The problem that an episode has solved, whatever it was meant to solve.

        Args:
            problem: what it was about.
            state: how it ended.

        Returns:
            A problem of the training split that the same actions solve from its beginning, and
            bool [], whether there is one; None where the environment knows of none.
        """
        del problem, state
        return None

    def ends(self, problem: Problem, state: StateT) -> Ends | None:
        """The two ends of a running episode that is solved where they meet; None where there are
        no such ends, which depends on the environment alone. A best-first search then works from
        both, and asks `encounter` where they meet.
        """
        del problem, state
        return None

    def encounter(self) -> Encounter | None:
        """Who says which ends meet; None where there are none. Not traced."""
        return None

    def solved_positions(self) -> SolvedPositions | None:
        """Positions with exact values to be judged against, or None. Not traced."""
        return None

    # The laws --------------------------------------------------------------------------------

    def init(self, problem: Problem = NO_PROBLEM) -> StateT:
        """The state before the first move; ended already where nothing can be done.

        Raises ValueError where `refuse_missing` does.
        """
        self.refuse_missing(problem)
        state = self._start(problem)
        dead_end = ~self._legal_checked(problem, state).any()
        return state.replace(terminated=state.terminated | dead_end)

    def legal_action_mask(self, problem: Problem, state: StateT) -> jax.Array:
        """bool [num_actions]; all True once the episode has ended."""
        return self._legal_checked(problem, state) | state.ended

    def step(self, problem: Problem, state: StateT, action: jax.Array) -> StateT:
        """The state after `action` (int32 []), under the laws of the module's docstring."""
        action = jnp.asarray(action, jnp.int32)
        legal = self._legal_checked(problem, state)[action]
        quiet = state.replace(rewards=jnp.zeros_like(state.rewards))
        count = quiet.step_count + jnp.int16(1)
        played = self._play(problem, quiet, action).replace(step_count=count)
        self._refuse_changed_fields(quiet, played)
        dead_end = ~self._legal_checked(problem, played).any()
        over = played.terminated | dead_end
        played = played.replace(terminated=over, truncated=~over & (count >= self.max_steps))
        lost = quiet.replace(
            rewards=self._loss(state.current_player), terminated=jnp.bool_(True), step_count=count
        )
        return select(state.ended, quiet, select(legal, played, lost))

    def refuse_missing(self, problem: Problem) -> None:
        """Raises ValueError for the empty problem where there are others. Costs nothing traced."""
        if isinstance(problem, tuple) and not problem and self._has_problems:
            raise ValueError(
                f"{type(self).__name__} has problems: give one, such as env.parse_problem('…') or "
                "env.sample_problem(key)"
            )

    @functools.cached_property
    def _has_problems(self) -> bool:
        sample = jax.eval_shape(lambda: self.sample_problem(jax.random.key(0)))
        return bool(jax.tree.leaves(sample))

    def _legal_checked(self, problem: Problem, state: StateT) -> jax.Array:
        """What the rules allow. Raises ValueError if that is no mask of the actions."""
        self.refuse_missing(problem)
        mask = self._legal(problem, state)
        if mask.shape != (self.num_actions,) or mask.dtype != jnp.bool_:
            raise ValueError(
                f"{type(self).__name__}: the mask of legal actions must be bool "
                f"[{self.num_actions}], got {mask.dtype} {list(mask.shape)}"
            )
        return mask

    def _refuse_changed_fields(self, before: StateT, after: StateT) -> None:
        """Raises ValueError naming a field that a move gave another shape or dtype."""
        if jax.tree.structure(before) != jax.tree.structure(after):
            raise ValueError(
                f"{type(self).__name__}: a move must return the same kind of state, "
                f"{type(before).__name__}, got {type(after).__name__}"
            )
        fields = zip(
            jax.tree_util.tree_leaves_with_path(before), jax.tree.leaves(after), strict=True
        )
        for (path, old), new in fields:
            old, new = jax.typeof(old), jax.typeof(new)
            if (old.shape, old.dtype) != (new.shape, new.dtype):
                raise ValueError(
                    f"{type(self).__name__}: a move must keep the shape and dtype of "
                    f"{type(before).__name__}{jax.tree_util.keystr(path)}, {old.dtype} "
                    f"{list(old.shape)}, but made it {new.dtype} {list(new.shape)}"
                )

    def _loss(self, player: jax.Array) -> jax.Array:
        """float32 [num_players]: the price of an illegal move."""
        if self.num_players == 1:
            return jnp.full(1, self.min_return, jnp.float32)
        return zero_sum(player, jnp.float32(-self.return_range[1]))

    # Units -----------------------------------------------------------------------------------

    def to_value(self, returns: ScalarT) -> ScalarT:
        """Returns in the environment's units to values in [-1, 1]."""
        low, high = self.return_range
        return (returns - low) * (2.0 / (high - low)) - 1.0

    def from_value(self, value: ScalarT) -> ScalarT:
        """Values in [-1, 1] to returns in the environment's units."""
        low, high = self.return_range
        return (value + 1.0) * ((high - low) / 2.0) + low


def shapes(env: Environment[Any]) -> tuple[Problem, State]:
    """A problem and the state it begins with, as shapes and dtypes."""
    problem = jax.eval_shape(env.sample_problem, jax.random.key(0))
    return problem, jax.eval_shape(env.init, problem)
