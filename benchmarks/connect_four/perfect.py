"""Games of an agent that begins on the empty board against an opponent that makes no mistake.

The first player wins with perfect play, by the centre (Allis 1988), so an agent that keeps the
game's value wins every one of these games.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.connect_four.board import Position
from benchmarks.connect_four.solver import Solver
from selfplay.environment import Environment
from selfplay.evaluation.players import Player

Replies = Literal["best", "any"]
"""Which replies: those of the best score (the longest resistance while lost), or all that keep
the value (all legal ones while lost)."""


class PerfectOpponent:
    """Chooses uniformly among perfect replies; asks the solver once a position."""

    def __init__(self, solver: Solver, replies: Replies):
        self._solver = solver
        self._replies = replies
        self._known: dict[int, list[int]] = {}

    def choose(self, position: Position, rng: np.random.Generator) -> int:
        """A column (from 0)."""
        return int(rng.choice(self.replies(position)))

    def replies(self, position: Position) -> list[int]:
        """All columns (from 0) that it might choose."""
        if position.key not in self._known:
            self._known[position.key] = self._perfect(position)
        return self._known[position.key]

    def _perfect(self, position: Position) -> list[int]:
        if self._replies == "best":
            found = self._solver.scores(position)
        elif self._solver.value(position) < 0:
            return position.legal()
        else:
            found = self._solver.values(position)
        best = max(found.values())
        return [column for column, score in found.items() if score == best]


@dataclasses.dataclass(frozen=True)
class Games:
    """How the agent's games against a perfect opponent ended."""

    won: int
    drawn: int
    lost: int
    distinct: int
    """Different games among them: neither side has other noise than the opponent's choice."""
    moves: tuple[str, ...]
    """Columns from 1, a digit a move, of every game."""


def play_games(
    env: Environment,
    player: Player,
    opponent: PerfectOpponent,
    *,
    num_games: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda ply, running: None,
) -> Games:
    """Plays `num_games` in lockstep: the agent's moves in one search, the opponent's one by one.

    Args:
        env: Connect Four on 6 rows and 7 columns.
        player: the agent, its `act` jitted.
        opponent: who moves second.
        num_games: the batch of the search.
        seed: of the opponent's choices.
        progress: told the ply and how many games are still running, before each move.
    """
    rng = np.random.default_rng(seed)
    step: Any = jax.jit(jax.vmap(env.step, in_axes=(None, 0, 0)))
    keys = jax.random.split(jax.random.key(seed), num_games)
    states = jax.tree.map(lambda x: jnp.broadcast_to(x, (num_games, *x.shape)), env.init(()))
    moves = [""] * num_games
    outcome = np.zeros(num_games)
    for ply in range(env.max_steps):
        running = np.flatnonzero(~np.asarray(states.ended))
        if not len(running):
            break
        progress(ply, len(running))
        columns = np.zeros(num_games, np.int32)
        if ply % 2 == 0:
            ply_keys = jax.vmap(jax.random.fold_in, (0, None))(keys, ply)
            columns = np.asarray(player.act(player.params, ply_keys, (), states)[0])
        else:
            for game in running:
                columns[game] = opponent.choose(Position.from_moves(moves[game]), rng)
        states = step((), states, jnp.asarray(columns))
        outcome += np.asarray(states.rewards)[:, 0]
        for game in running:
            moves[game] += str(columns[game] + 1)
    return Games(
        won=int((outcome > 0).sum()),
        drawn=int((outcome == 0).sum()),
        lost=int((outcome < 0).sum()),
        distinct=len(set(moves)),
        moves=tuple(moves),
    )
