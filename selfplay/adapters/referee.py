"""An environment's rules beside OpenSpiel's, move by move, in random games.

from selfplay.adapters.referee import referee
from selfplay.environment import make

print(referee(make("connect_four"), games=100))
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.adapters import open_spiel
from selfplay.environment.contract import NO_PROBLEM, Environment, State
from selfplay.evaluation.opponents import random_legal

GAMES_TOGETHER = 128


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """The first difference that was found."""

    what: str
    moves: tuple[str, ...]
    """That lead to it, by our names."""
    ours: str
    """The position as the environment draws it."""
    theirs: str
    """The same, by OpenSpiel."""

    def __str__(self) -> str:
        return "\n".join(
            [
                self.what,
                f"after {len(self.moves)} moves: {' '.join(self.moves)}",
                *("", "here:", self.ours, "", "in OpenSpiel:", self.theirs.rstrip()),
            ]
        )


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a referee saw."""

    game: str
    """As OpenSpiel calls it."""
    games: int
    """Played, the one with the disagreement included."""
    moves: int
    allowed_there: int
    """Moves, counted in all positions, that only OpenSpiel allows, where that is known."""
    reason: str | None
    """Of those: `Environment.open_spiel_allows`."""
    disagreement: Disagreement | None

    def __str__(self) -> str:
        played = (
            f"{self.games:,} random games, {self.moves:,} moves, beside OpenSpiel's {self.game}"
        )
        if self.disagreement is not None:
            return f"{played}: they disagree. {self.disagreement}"
        known = ""
        if self.reason is not None:
            known = f"; {self.allowed_there:,} times OpenSpiel allows a move more: {self.reason}"
        return f"{played}: the same legal moves, players, rewards and endings{known}"


@dataclasses.dataclass(frozen=True)
class _Played:
    """Random games of T moves, as NumPy arrays, ended ones absorbing."""

    actions: np.ndarray
    """int32 [T, B]."""
    masks: np.ndarray
    """bool [T + 1, B, num_actions]."""
    player: np.ndarray
    """int8 [T + 1, B]."""
    rewards: np.ndarray
    """float32 [T + 1, B, num_players]."""
    ended: np.ndarray
    """bool [T + 1, B]."""


def referee(env: Environment[Any], games: int = 1000, seed: int = 0) -> Verdict:
    """Plays random games of an environment by its own rules and by OpenSpiel's.

    After each move it compares legal moves, who moves, rewards, endings and final returns, until
    the first difference. Where the environment says that OpenSpiel allows moves more
    (`open_spiel_allows`), these are counted instead.

    Raises:
        ValueError: the environment names no game of OpenSpiel, or there are no games to play.
    """
    game = open_spiel.load(env)
    if games < 1:
        raise ValueError(f"a referee needs at least 1 game to watch, got {games}")
    moves = extra = 0
    for first in range(0, games, GAMES_TOGETHER):
        played = _play(env, jax.random.fold_in(jax.random.key(seed), first))
        for number in range(min(GAMES_TOGETHER, games - first)):
            what, count, more = _watch(env, game, played, number)
            moves, extra = moves + count, extra + more
            if what is not None:
                actions = played.actions[:count, number].tolist()
                shown = _show(env, game, what, actions)
                return _verdict(env, first + number + 1, moves, extra, shown)
    return _verdict(env, games, moves, extra, None)


def _verdict(
    env: Environment[Any], games: int, moves: int, extra: int, shown: Disagreement | None
) -> Verdict:
    name = str(env.open_spiel)
    return Verdict(name, games, moves, extra, env.open_spiel_allows, shown)


def _watch(
    env: Environment[Any], game: Any, played: _Played, number: int
) -> tuple[str | None, int, int]:
    """What differs in one game or None, after how many moves, and moves that only they allow."""
    theirs, extra = game.new_initial_state(), 0
    for step in range(len(played.ended)):
        there = {} if theirs.is_terminal() else open_spiel.legal_actions(env, theirs)
        here = set(np.flatnonzero(played.masks[step, number]).tolist())
        what = _difference(env, played, step, number, theirs, here, set(there))
        if what is not None or theirs.is_terminal():
            return what, step, extra
        extra += len(set(there) - here)
        theirs.apply_action(there[int(played.actions[step, number])])
    return "OpenSpiel's game goes on beyond max_steps", len(played.actions), extra


def _difference(
    env: Environment[Any],
    played: _Played,
    step: int,
    number: int,
    theirs: Any,
    here: set[int],
    there: set[int],
) -> str | None:
    """The first difference between two positions, as a sentence; None if there is none."""
    rewards = played.rewards[step, number].tolist()
    if played.ended[step, number] != theirs.is_terminal():
        return f"the game is over {'in OpenSpiel' if theirs.is_terminal() else 'here'} only"
    if step > 0 and rewards != theirs.rewards():
        return f"rewards are {rewards} here, {theirs.rewards()} in OpenSpiel"
    if theirs.is_terminal():
        return None
    if played.player[step, number] != theirs.current_player():
        return (
            f"player {played.player[step, number]} is to move here, "
            f"{theirs.current_player()} in OpenSpiel"
        )
    for only, where in ((here - there, "here"), (there - here, "in OpenSpiel")):
        if only and not (where == "in OpenSpiel" and env.open_spiel_allows):
            names = ", ".join(env.format_action(action) for action in sorted(only))
            return f"legal {where} only: {names}"
    return None


def _show(env: Environment[Any], game: Any, what: str, actions: list[int]) -> Disagreement:
    step, state = jax.jit(env.step), env.init(NO_PROBLEM)
    for action in actions:
        state = step(NO_PROBLEM, state, jnp.int32(action))
    theirs = open_spiel.replay(env, game, actions)
    names = tuple(env.format_action(action) for action in actions)
    return Disagreement(what, names, env.render(NO_PROBLEM, state), str(theirs))


@functools.partial(jax.jit, static_argnums=0)
def _random_games(env: Environment[Any], key: jax.Array) -> tuple[Any, ...]:
    """Arrays of `_Played`, of `GAMES_TOGETHER` games."""
    act = random_legal(env)

    def look(state: State) -> tuple[jax.Array, ...]:
        mask = jax.vmap(lambda s: env.legal_action_mask(NO_PROBLEM, s))(state)
        return mask, state.current_player, state.rewards, state.ended

    def move(state: State, key: jax.Array) -> tuple[State, Any]:
        keys = jax.random.split(key, GAMES_TOGETHER)
        action, _ = act((), keys, NO_PROBLEM, state)
        after = jax.vmap(lambda s, a: env.step(NO_PROBLEM, s, a))(state, action)
        return after, (action, look(after))

    start = jax.vmap(lambda _: env.init(NO_PROBLEM))(jnp.arange(GAMES_TOGETHER))
    actions, seen = jax.lax.scan(move, start, jax.random.split(key, env.max_steps))[1]
    return actions, *(
        jnp.concatenate([first[None], rest]) for first, rest in zip(look(start), seen, strict=True)
    )


def _play(env: Environment[Any], key: jax.Array) -> _Played:
    return _Played(*jax.device_get(_random_games(env, key)))
