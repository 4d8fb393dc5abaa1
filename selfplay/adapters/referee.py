"""An environment's rules beside OpenSpiel's, move by move, in random games.

from selfplay.adapters.referee import referee
from selfplay.environment import make

print(referee(make("connect_four"), games=100))
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.adapters import open_spiel
from selfplay.environment.checks import games as random_games
from selfplay.environment.checks.games import Games
from selfplay.environment.contract import NO_PROBLEM, Environment

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
class Comparison:
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
            times = "once" if self.allowed_there == 1 else f"{self.allowed_there:,} times"
            known = f"; {times} OpenSpiel allows a move more: {self.reason}"
        return f"{played}: the same legal moves, players, rewards and endings{known}"


def referee(env: Environment[Any], games: int = 1000, seed: int = 0) -> Comparison:
    """Plays random games of an environment by its own rules and by OpenSpiel's.

    After each move it compares legal moves, who moves, rewards, endings and final returns, until
    the first difference. Where the environment says that OpenSpiel allows moves more
    (`open_spiel_allows`), these are counted instead.

    Raises:
        ValueError: the environment names no game of OpenSpiel, there are no games to play, or
            `seed` is below 0.
    """
    game = open_spiel.load(env)
    if games < 1:
        raise ValueError(f"a referee needs at least 1 game to watch, got {games}")
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
    moves = extra = 0
    together = random_games.affordable(env, GAMES_TOGETHER, env.max_steps)
    for first in range(0, games, together):
        played = random_games.play(env, together, seed=seed + first, num_steps=env.max_steps)
        for number in range(min(together, games - first)):
            what, count, more = _watch(env, game, played, number)
            moves, extra = moves + count, extra + more
            if what is not None:
                actions = played.actions[:count, number].tolist()
                shown = _show(env, game, what, actions)
                return _compared(env, first + number + 1, moves, extra, shown)
    return _compared(env, games, moves, extra, None)


def _compared(
    env: Environment[Any], games: int, moves: int, extra: int, shown: Disagreement | None
) -> Comparison:
    name = str(env.open_spiel)
    return Comparison(name, games, moves, extra, env.open_spiel_allows, shown)


def _watch(
    env: Environment[Any], game: Any, played: Games, number: int
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
    played: Games,
    step: int,
    number: int,
    theirs: Any,
    here: set[int],
    there: set[int],
) -> str | None:
    """The first difference between two positions, as a sentence; None if there is none."""
    rewards = played.states.rewards[step, number].tolist()
    if played.ended[step, number] != theirs.is_terminal():
        return f"the game is over {'in OpenSpiel' if theirs.is_terminal() else 'here'} only"
    if step > 0 and rewards != theirs.rewards():
        return f"rewards are {rewards} here, {theirs.rewards()} in OpenSpiel"
    if theirs.is_terminal():
        return None
    if played.states.current_player[step, number] != theirs.current_player():
        return (
            f"player {played.states.current_player[step, number]} is to move here, "
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
