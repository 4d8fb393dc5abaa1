"""Against players: matches of two, and lone players on held-out problems.

Games run together under one jit that stops when the last has ended. Parameters are arguments
of it: a later checkpoint of the same player compiles nothing. Each game's keys derive from its
index alone.
"""

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.contract import Environment, Problem, State, select
from selfplay.evaluation.players import Act, Player
from selfplay.operators.rollout import random_plies
from selfplay.search.simulation import jit_search

Z_95 = 1.96
"""Standard deviations of a normal distribution that leave 2.5 % on either side."""


Openings = tuple[Problem, State]
"""Problem [N] and State [N]: where games begin."""


@dataclasses.dataclass(frozen=True)
class Tally:
    """How a player's games ended."""

    wins: int
    draws: int
    losses: int

    @property
    def games(self) -> int:
        """All of them."""
        return self.wins + self.draws + self.losses

    @property
    def score(self) -> float:
        """Share of the points, in [0, 1]: a win is 1, a draw 1/2; 1/2 without games."""
        return (self.wins + self.draws / 2) / self.games if self.games else 0.5


@dataclasses.dataclass(frozen=True)
class MatchResult:
    """What a match showed, as the first of its players sees it.

    A game is won by a positive return from its opening on, lost by a negative one, and drawn
    at 0; a truncated game counts with what was paid until then.
    """

    names: tuple[str, str]
    as_player_0: Tally
    """Games in which `names[0]` was player 0 (who begins, where player 0 does)."""
    as_player_1: Tally

    @property
    def wins(self) -> int:
        """Games that the first player won, with either colour."""
        return self.as_player_0.wins + self.as_player_1.wins

    @property
    def draws(self) -> int:
        """Games that nobody won."""
        return self.as_player_0.draws + self.as_player_1.draws

    @property
    def losses(self) -> int:
        """Games that the second player won."""
        return self.as_player_0.losses + self.as_player_1.losses

    @property
    def games(self) -> int:
        """All of them."""
        return self.as_player_0.games + self.as_player_1.games

    @property
    def score(self) -> float:
        """Share of the points, in [0, 1]: a win is 1, a draw 1/2."""
        return (self.wins + self.draws / 2) / self.games

    @property
    def not_lost(self) -> float:
        """Share of the games that the first player won or drew."""
        return (self.wins + self.draws) / self.games

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the score; a draw counts as half a success.

        Draws vary less than wins and losses, and pairs of games less than single ones, so it is
        rather too wide, unless games repeat (players without noise from few openings).
        """
        return wilson(self.wins + self.draws / 2, self.games)


@dataclasses.dataclass(frozen=True)
class SoloResult:
    """What a lone player earned on held-out problems."""

    name: str
    episodes: int
    mean_return: float
    """In the environment's units, undiscounted."""
    standard_error: float
    """Of that mean: the returns' standard deviation (n - 1) over the root of n."""
    truncated: int
    """Episodes that hit the step limit; they count with what was paid until then."""
    solved: int
    """Episodes whose return is a win: its value (`Environment.to_value`) is positive."""

    @property
    def interval(self) -> tuple[float, float]:
        """The mean's 95 % interval, by the normal approximation."""
        margin = Z_95 * self.standard_error
        return self.mean_return - margin, self.mean_return + margin


def match(
    env: Environment,
    first: Player,
    second: Player,
    *,
    num_games: int,
    seed: int,
    max_opening_plies: int = 0,
) -> MatchResult:
    """Two players against each other, half of the games with each colour.

    Games come in pairs: the same held-out problem and the same opening, once with either
    colour. An opening is 0 to `max_opening_plies` random legal moves, each length as likely,
    none of which ends the game; without openings, players without noise repeat one pair.
    """
    refuse_lone_player(env)
    if num_games < 2 or num_games % 2:
        near = max(2, num_games + num_games % 2)
        raise ValueError(
            "a match gives each player each colour equally often, so num_games must be even and "
            f"at least 2, got {num_games}; try {near}"
        )
    if max_opening_plies < 0:
        raise ValueError(f"max_opening_plies must be at least 0, got {max_opening_plies}")
    opening_key, game_key = jax.random.split(jax.random.key(seed))
    openings = sample_openings(env, opening_key, jnp.int32(max_opening_plies), num_games // 2)
    returns = play_openings(env, first, second, openings, game_key)
    as_player_0, as_player_1 = (_tally(column) for column in returns.T)
    return MatchResult((first.name, second.name), as_player_0, as_player_1)


def play_openings(
    env: Environment, first: Player, second: Player, openings: Openings, key: jax.Array
) -> np.ndarray:
    """Plays each opening twice, once with either colour; a game's keys derive from its index.

    Returns:
        float32 [N, 2]: returns of the first player from the openings on, who is player c in
        column c.
    """
    acts, params = (first.act, second.act), (first.params, second.params)
    return np.asarray(_play_pairs(env, acts, params, key, *openings))


def refuse_lone_player(env: Environment) -> None:
    """Raises ValueError unless the environment has two players."""
    if env.num_players != 2:
        raise ValueError(f"a match needs 2 players, {type(env).__name__} has 1; use solo instead")


def solo(env: Environment, player: Player, *, num_episodes: int, seed: int) -> SoloResult:
    """A lone player on random problems of the held-out split."""
    if env.num_players != 1:
        raise ValueError(f"solo needs a lone player, {type(env).__name__} has 2; use match instead")
    if num_episodes < 2:
        raise ValueError(f"a mean with an interval needs at least 2 episodes, got {num_episodes}")
    returns, truncated = play_alone(env, player, num_episodes, seed)
    return SoloResult(
        name=player.name,
        episodes=num_episodes,
        mean_return=float(returns.mean(dtype=np.float64)),
        standard_error=float(returns.std(ddof=1, dtype=np.float64) / math.sqrt(num_episodes)),
        truncated=int(truncated.sum()),
        solved=int(solves(env, returns).sum()),
    )


def play_alone(
    env: Environment, player: Player, num_episodes: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns, float32 [num_episodes], and which episodes were truncated, bool [num_episodes]."""
    found = _play_alone(env, player.act, player.params, jax.random.key(seed), num_episodes)
    returns, truncated = map(np.asarray, found)
    return returns, truncated


def solves(env: Environment, returns: np.ndarray) -> np.ndarray:
    """bool [N]: which returns are a win, as their value (`Environment.to_value`) is positive."""
    return np.asarray(env.to_value(jnp.asarray(returns)) > 0)


def wilson(successes: float, trials: float, z: float = Z_95) -> tuple[float, float]:
    """Interval of a probability after `successes` in `trials`; 95 % by default.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference"; closed
    form as in Brown, Cai and DasGupta 2001, "Interval estimation for a binomial proportion",
    equation 4. They need not be whole numbers.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"successes must lie in [0, trials], got {successes} of {trials}")
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    margin = math.sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    return max(0.0, centre - margin), min(1.0, centre + margin)


def _tally(returns: np.ndarray) -> Tally:
    """Wins, draws and losses from returns [N]."""
    return Tally(int((returns > 0).sum()), int((returns == 0).sum()), int((returns < 0).sum()))


@functools.partial(jit_search, static_argnums=(0, 3))
def sample_openings(env: Environment, key: jax.Array, max_plies: jax.Array, count: int) -> Openings:
    """Held-out problems, and states after 0 to `max_plies` random legal moves that never end
    the game, each length as likely.
    """
    return jax.vmap(functools.partial(_opening, env, max_plies))(_fold_in_each(key, count))


@functools.partial(jit_search, static_argnums=(0, 1))
def _play_pairs(
    env: Environment,
    acts: tuple[Act, Act],
    params: tuple[Any, Any],
    key: jax.Array,
    problem: Problem,
    state: State,
) -> jax.Array:
    """Returns of the first player, float32 [num_pairs, 2]; in column c it is player c.

    In each round either player moves in one game of each pair at most: where moves alternate,
    the two games go on in lockstep, and no move is computed in vain until one has ended.
    """
    num_pairs = state.current_player.shape[0]
    state = jax.tree.map(lambda x: jnp.stack([x, x], axis=1), state)
    keys = _fold_in_each(key, 2 * num_pairs).reshape(num_pairs, 2)

    def round_of_moves(carry: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
        state, returns = carry
        is_first = state.current_player == jnp.arange(2, dtype=jnp.int8)[None]
        after_first, moved_first = _turn(env, acts[0], params[0], keys, problem, state, is_first)
        after_second, moved_second = _turn(env, acts[1], params[1], keys, problem, state, ~is_first)
        put = jax.vmap(jax.vmap(select, (0, None, 0)))
        state = put(moved_second, after_second, put(moved_first, after_first, state))
        paid = jnp.where((moved_first | moved_second)[..., None], state.rewards, 0.0)
        return state, returns + jnp.diagonal(paid, axis1=1, axis2=2)

    def unfinished(carry: tuple[State, jax.Array]) -> jax.Array:
        return _running(carry[0]).any()

    zero = jnp.zeros((num_pairs, 2), jnp.float32)
    return jax.lax.while_loop(unfinished, round_of_moves, (state, zero))[1]


def _turn(
    env: Environment,
    act: Act,
    params: Any,
    keys: jax.Array,
    problem: Problem,
    state: State,
    to_move: jax.Array,
) -> tuple[State, jax.Array]:
    """One player's moves, in one game of each pair.

    Takes keys and State [pairs, 2], Problem [pairs], and where the player is to move (bool
    [pairs, 2]). Gives State [pairs] after the moves, and where they belong (bool [pairs, 2]).
    """
    waits = to_move & _running(state)
    column = jnp.argmax(waits, axis=1)
    pick = jax.vmap(lambda x, c: x[c])
    before = jax.tree.map(lambda x: pick(x, column), state)
    ply_keys = jax.vmap(jax.random.fold_in)(pick(keys, column), before.step_count)
    action, _ = act(params, ply_keys, problem, before)
    after = jax.vmap(env.step)(problem, before, action)
    return after, waits & (jnp.arange(2)[None] == column[:, None])


@functools.partial(jit_search, static_argnums=(0, 1, 4))
def _play_alone(
    env: Environment, act: Act, params: Any, key: jax.Array, num_episodes: int
) -> tuple[jax.Array, jax.Array]:
    """Returns, float32 [num_episodes], and which episodes were truncated, bool [num_episodes]."""
    problem_key, episode_key = jax.random.split(key)
    problem_keys = _fold_in_each(problem_key, num_episodes)
    problem = jax.vmap(lambda k: env.sample_problem(k, "held_out"))(problem_keys)
    state = jax.vmap(lambda _, p: env.init(p))(problem_keys, problem)
    keys = _fold_in_each(episode_key, num_episodes)

    def move(carry: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
        state, returns = carry
        step_keys = jax.vmap(jax.random.fold_in)(keys, state.step_count)
        action, _ = act(params, step_keys, problem, state)
        state = jax.vmap(env.step)(problem, state, action)
        return state, returns + state.rewards[:, 0]

    def unfinished(carry: tuple[State, jax.Array]) -> jax.Array:
        return _running(carry[0]).any()

    zero = jnp.zeros(num_episodes, jnp.float32)
    state, returns = jax.lax.while_loop(unfinished, move, (state, zero))
    return returns, state.truncated


def _opening(env: Environment, max_plies: jax.Array, key: jax.Array) -> tuple[Problem, State]:
    """A held-out problem, and a state after 0 to `max_plies` random moves that never end it."""
    problem_key, length_key, moves_key = jax.random.split(key, 3)
    problem = env.sample_problem(problem_key, "held_out")
    length = jax.random.randint(length_key, (), 0, max_plies + 1)
    return problem, random_plies(env, moves_key, problem, env.init(problem), length)


def _running(state: State) -> jax.Array:
    """bool: which games go on."""
    return ~state.ended


def _fold_in_each(key: jax.Array, count: int) -> jax.Array:
    """PRNG keys [count]: the key of each index, whatever the count."""
    return jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(count, dtype=jnp.int32))
