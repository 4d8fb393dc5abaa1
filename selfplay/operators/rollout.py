"""Self-play: an operator acts in many games at once, and outcomes become value targets.

Games that are unfinished when an iteration ends carry on in the next, and their rows wait for
the outcome: the end of an iteration is no truncation.
"""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from selfplay.config import RolloutConfig
from selfplay.environment.contract import Environment, Problem, State, select
from selfplay.networks.contract import Params
from selfplay.operators import practice as levels
from selfplay.operators.contract import ImprovementOperator
from selfplay.operators.lines import begins, equal_pairs, fingerprint, line_hashes
from selfplay.operators.practice import Practice
from selfplay.operators.resignation import Resignation, Standing
from selfplay.operators.targets import (
    Targets,
    opponent_replies,
    outcome_values,
    searched_returns,
    surprisal,
    surprise_weights,
)


class Trajectory(struct.PyTreeNode):
    """Steps of B games, time first: what was targeted, and what the step led to."""

    targets: Targets
    """Targets [T, B]; weight 0 on what was learnt from already, or never will be."""
    rewards: jax.Array
    """float32 [T, B, P]: paid by the step."""
    terminated: jax.Array
    """bool [T, B]: whether the step ended the game."""
    truncated: jax.Array
    """bool [T, B]: whether it hit the step limit."""
    surprise: jax.Array | None
    """float32 [T, B]: see `Improved`; None where nobody asks for it."""
    surprisal: jax.Array | None
    """float32 [T, B]: how unlikely the action was, in nats; None where nobody asks for it."""
    action: jax.Array | None
    """int32 [T, B]: what was played, -1 before the first step; None where there is one level."""


class Openings(NamedTuple):
    """How games begin: K hashes, of which some count."""

    hashes: jax.Array
    """uint32 [K]: of each game's first positions; equal where these are."""
    counted: jax.Array
    """bool [K]."""


class Attempts(NamedTuple):
    """What was tried at levels of difficulty in the last T of W steps of B games, time first."""

    level: jax.Array
    """int32 [T, B]: of the problem at each step."""
    problem: Problem
    """Problem [T, B]."""
    solved: jax.Array
    """bool [T, B]: whether the step solved it."""
    action: jax.Array
    """int32 [W, B]: what was played, -1 before the first step; W steps are enough for each episode
    that ended to be whole."""
    ended: jax.Array
    """bool [W, B]: whether the step ended its episode."""
    step_count: jax.Array
    """int16 [W, B]: steps of the episode before this one, those of a random opening included."""


class Games(struct.PyTreeNode):
    """B games in progress."""

    index: jax.Array
    """int32 [B]: each game's global index, from which its keys derive."""
    problem: Problem
    """Problem [B]."""
    state: State
    """State [B], none of them ended."""
    standing: Standing | None
    """Standing [B]; None where games are always played to the end."""
    level: jax.Array | None
    """int32 [B]: of the problem; None where the environment has one level."""
    pending: Trajectory
    """Trajectory [max_steps, B]: the last steps, among them all that await an outcome."""


_Game = tuple[Problem, State, Standing | None, jax.Array | None]
"""Of games [B]: their problem, state, standing and level."""
_Running = tuple[jax.Array, *_Game]
"""Games without what is pending: their index, and the rest of them."""
_Tried = tuple[jax.Array, jax.Array]
"""int32 [B] and bool [B]: the level of what was tried, and whether that step solved it."""


@dataclasses.dataclass(frozen=True)
class Rollout:
    """Plays an environment with an operator; a bundle of pure functions."""

    env: Environment
    operator: ImprovementOperator
    config: RolloutConfig
    replies: bool = False
    """Whether rows tell the opponent's next policy too."""

    def __post_init__(self) -> None:
        """Raises ValueError for maximum-entropy returns of two players."""
        if self._is_entropic and self.env.num_players > 1:
            raise ValueError(
                "rollout.entropy_weight is for environments of one player: what one of two gains "
                "by being hard to foresee, the other would lose; set it to 0"
            )

    def begin_practice(self) -> Practice | None:
        """Nothing tried at any level; None where the environment has one level."""
        return levels.begin(self.env.num_levels) if self.env.num_levels > 1 else None

    def init(self, params: Params, key: jax.Array, index: jax.Array) -> Games:
        """Fresh games with the given global indices (int32 [B]), nothing pending."""
        running = self._new_games(self._game_keys(key, index), practice := self.begin_practice())
        carry = (index, *running)
        step = jax.eval_shape(self._step, params, key, jnp.int32(0), practice, carry)[1][0]
        pending = jax.tree.map(lambda x: jnp.zeros((self.env.max_steps, *x.shape), x.dtype), step)
        if pending.action is not None:
            pending = pending.replace(action=jnp.full_like(pending.action, -1))
        return Games(index, *running, pending=pending)

    def play(
        self,
        params: Params,
        key: jax.Array,
        games: Games,
        generation: jax.Array,
        practice: Practice | None = None,
    ) -> tuple[Games, Targets, dict[str, jax.Array], Openings, Attempts | None]:
        """Plays `steps_per_iteration` steps in each game; new ones are at levels by `practice`.

        Returns the games, Targets [K] with K = (max_steps + steps) * B, of which only those
        with a known outcome have weight, sums over what was played, the openings [steps * B]
        that were completed, and where there are levels what was tried.
        """

        def scan_step(carry, step_key):
            return self._step(params, step_key, generation, practice, carry)

        keys = jax.random.split(key, self.config.steps_per_iteration)
        carry = (games.index, games.problem, games.state, games.standing, games.level)
        carry, (played, counts, tried) = jax.lax.scan(scan_step, carry, keys)
        window = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), games.pending, played)
        targets, known = self._with_outcomes(window)
        waiting = jnp.where(known, 0.0, window.targets.weight)
        pending = window.replace(targets=window.targets.replace(weight=waiting))
        pending = jax.tree.map(lambda x: x[-self.env.max_steps :], pending)
        games = Games(*carry, pending=pending)
        rows = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), targets)
        counts = {name: x.sum(dtype=jnp.int32) for name, x in counts.items()}
        pairs, openings = _lines(window, self.config.steps_per_iteration)
        attempts = None
        if tried is not None:
            level, solved = tried
            attempts = _attempts(window, played, level, solved)
            ended = played.terminated | played.truncated
            counts["tried"] = levels.count(level, ended, solved, self.env.num_levels)
        return games, rows, _sums(played) | counts | pairs, openings, attempts

    def row(self, games: Games) -> Targets:
        """The shapes and dtypes of one row of `play`'s."""
        rows, _ = jax.eval_shape(self._with_outcomes, games.pending)
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[2:], x.dtype), rows)

    def _game_keys(self, key: jax.Array, index: jax.Array) -> jax.Array:
        """Keys [B] that depend on the global game index, not on which device holds the game."""
        return jax.vmap(jax.random.fold_in, (None, 0))(key, index)

    def _step(
        self,
        params: Params,
        key: jax.Array,
        generation: jax.Array,
        practice: Practice | None,
        carry: _Running,
    ) -> tuple[_Running, tuple[Trajectory, dict[str, jax.Array], _Tried | None]]:
        """One move in each game; a game that ends is replaced by a new one.

        Beside the step come flags [B] by name, which are summed into metrics, and where there are
        levels what was tried.
        """
        index, problem, state, standing, level = carry
        keys = jax.vmap(lambda k: jax.random.split(k, 3))(self._game_keys(key, index))
        improved = self.operator.improve(params, keys[:, 0], problem, state, generation)
        action, targets = improved.action, improved.targets
        weighs_surprise = self.config.surprise_fraction > 0
        if weighs_surprise and improved.surprise is None:
            raise ValueError(
                "rollout.surprise_fraction needs an operator that says how much it improved on "
                f"the network's policy; {type(self.operator).__name__} does not"
            )
        # A problem with nothing to do is over at once: there was no decision to learn from.
        targets = targets.replace(weight=jnp.where(state.ended, 0.0, targets.weight))
        action = jax.vmap(self._explore)(keys[:, 1], state, action, targets.action_weights)
        after = jax.vmap(self.env.step)(problem, state, action)
        counts = {} if improved.changed is None else {"changed": improved.changed}
        if self._resignation and standing is not None:
            returns = searched_returns(self.env, targets)
            value = jnp.where(state.current_player == 0, targets.value, -targets.value)
            standing, after, cut = self._resignation.judge(standing, value, returns, after)
            counts |= cut
        unlikely = surprisal(targets.action_weights, action) if self._is_entropic else None
        trajectory = Trajectory(
            targets=targets,
            rewards=after.rewards,
            terminated=after.terminated,
            truncated=after.truncated,
            surprise=improved.surprise if weighs_surprise else None,
            surprisal=unlikely,
            action=None if level is None else action,
        )
        tried = None
        if level is not None:
            tried = level, after.ended & jax.vmap(self.env.solved)(problem, after)
        fresh = self._new_games(keys[:, 2], practice)
        going_on = jax.vmap(select)(after.ended, fresh, (problem, after, standing, level))
        return (index, *going_on), (trajectory, counts, tried)

    def _explore(
        self, key: jax.Array, state: State, action: jax.Array, action_weights: jax.Array
    ) -> jax.Array:
        """The operator's action, or in the first plies one sampled from the improved policy."""
        if self.config.temperature_plies == 0:
            return action
        logits = jnp.log(action_weights) / self.config.temperature
        sampled = jax.random.categorical(key, logits).astype(jnp.int32)
        return jnp.where(state.step_count < self.config.temperature_plies, sampled, action)

    @property
    def _is_entropic(self) -> bool:
        """Whether unlikely moves are paid for."""
        return self.config.entropy_weight > 0

    @property
    def _resignation(self) -> Resignation | None:
        """When a game ends early, if ever."""
        config = self.config
        if config.resign_value is None:
            return None
        return Resignation(config.resign_value, config.resign_plies, config.whole_fraction)

    def _new_games(self, keys: jax.Array, practice: Practice | None) -> _Game:
        """Fresh games, by their keys [B]."""
        new_game = functools.partial(self._new_game, practice=practice)
        if not self._resignation:
            problem, state, level = jax.vmap(new_game)(keys)
            return problem, state, None, level
        keys, standing_keys = jax.vmap(lambda key: jax.random.split(key, 2), out_axes=1)(keys)
        problem, state, level = jax.vmap(new_game)(keys)
        return problem, state, self._resignation.begin(standing_keys), level

    def _new_game(
        self, key: jax.Array, practice: Practice | None
    ) -> tuple[Problem, State, jax.Array | None]:
        """A fresh problem, a state after a random opening that never ends the game, its level."""
        problem_key, choice_key, length_key, opening_key = jax.random.split(key, 4)
        level = None
        if practice is None:
            problem = self.env.sample_problem(problem_key, "train")
        else:
            level_key, problem_key = jax.random.split(problem_key)
            level = levels.draw(level_key, practice)
            problem = self.env.sample_problem_at(problem_key, level, "train")
        start = self.env.init(problem)
        if self.config.max_opening_plies == 0:
            return problem, start, level
        opens = jax.random.bernoulli(choice_key, self.config.opening_fraction)
        length = jax.random.randint(length_key, (), 0, self.config.max_opening_plies + 1)
        length = jnp.where(opens, length, 0)
        return problem, random_plies(self.env, opening_key, problem, start, length), level

    def _with_outcomes(self, window: Trajectory) -> tuple[Targets, jax.Array]:
        """Targets [T, B] with the value the outcome gives, weightless where it is not known."""
        targets, rewards = window.targets, window.rewards
        if window.surprisal is not None:
            rewards = rewards + self.config.entropy_weight * window.surprisal[..., None]
        outcome, known = outcome_values(
            self.env, targets, rewards, window.terminated, window.truncated
        )
        fraction = self.config.search_value_fraction
        value = (1.0 - fraction) * outcome + fraction * targets.value
        weight = jnp.where(known, targets.weight, 0.0)
        ended = window.terminated | window.truncated
        if self.replies:
            targets = targets.replace(reply=opponent_replies(targets, ended))
        if window.surprise is not None:
            weight = surprise_weights(weight, window.surprise, ended, self.config.surprise_fraction)
        return targets.replace(value=jnp.clip(value, -1.0, 1.0), weight=weight), known


def random_plies(
    env: Environment, key: jax.Array, problem: Problem, state: State, length: jax.Array
) -> State:
    """`state` after `length` (int32 []) random legal moves, or fewer: none that ends the game."""

    def unfinished(carry):
        return carry[1] < length

    def body(carry):
        state, count = carry
        legal = env.legal_action_mask(problem, state)
        action = jax.random.categorical(
            jax.random.fold_in(key, count), jnp.where(legal, 0.0, -jnp.inf)
        )
        after = env.step(problem, state, action.astype(jnp.int32))
        return select(after.ended, (state, length), (after, count + 1))

    return jax.lax.while_loop(unfinished, body, (state, jnp.int32(0)))[0]


def _attempts(
    window: Trajectory, played: Trajectory, level: jax.Array, solved: jax.Array
) -> Attempts:
    """What was tried in the steps just played (Trajectory [T, B]), at the end of a window."""
    assert window.action is not None
    return Attempts(
        level=level,
        problem=played.targets.problem,
        solved=solved,
        action=window.action,
        ended=window.terminated | window.truncated,
        step_count=window.targets.state.step_count,
    )


def _sums(played: Trajectory) -> dict[str, jax.Array]:
    """Sums over [T, B] that become an iteration's metrics."""
    ended = played.terminated | played.truncated
    lengths = jnp.where(ended, played.targets.state.step_count + jnp.int16(1), jnp.int16(0))
    first_reward = jnp.where(played.terminated, played.rewards[..., 0], 0.0)
    return {
        "games": ended.sum(),
        "truncated": played.truncated.sum(),
        "plies": lengths.astype(jnp.int32).sum(),
        "rewards": played.rewards[..., 0].sum(),
        "first_player_wins": (first_reward > 0).sum(),
        "first_player_losses": (first_reward < 0).sum(),
    }


def _lines(window: Trajectory, steps: int) -> tuple[dict[str, jax.Array], Openings]:
    """How many pairs of the games that ended in the window's last steps are equal, and how those
    games began that had their opening completed there.

    On several devices these are pairs within a device: the share is estimated as well by them.
    """
    targets, ended = window.targets, window.terminated | window.truncated
    positions = fingerprint((targets.problem, targets.state), ndim=2)
    lines, lengths = line_hashes(positions, ended)
    lines, lengths, ended = (x[-steps:] for x in (lines, lengths, ended))
    equal, pairs = equal_pairs(lines.reshape(-1), ended.reshape(-1))
    openings = Openings(lines.reshape(-1), begins(lengths, ended).reshape(-1))
    return {"equal_game_pairs": equal, "game_pairs": pairs}, openings
