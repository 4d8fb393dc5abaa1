"""What is true of Connect Four, and how far from it an evaluator is.

Moves are judged in the 1,500 solved positions that come with the game; values there, and in
positions after eight plies of J. Tromp's data set (see `benchmarks.connect_four.opening`).
"""

import dataclasses
import functools
from typing import Any

import numpy as np

from benchmarks.connect_four import opening
from benchmarks.connect_four.strength import to_states, values_of
from selfplay.environment.contract import SolvedPositions
from selfplay.evaluation.exact import decide, score
from selfplay.evaluation.players import Act
from selfplay_envs.games.connect_four import ConnectFour

BATCH = 512
"""Positions searched together."""

MEASURES = (
    "mistakes",
    "critical_mistakes",
    "solved_error",
    "error",
    "squared_error",
    "sign",
)


@dataclasses.dataclass(frozen=True)
class Truth:
    """Positions whose value is known."""

    env: ConnectFour
    eight_ply: int
    """How many positions after eight plies, of 67,557: always the same, drawn once."""

    @functools.cached_property
    def solved(self) -> SolvedPositions:
        """The 1,500 that come with the game."""
        solved = self.env.solved_positions()
        assert solved is not None
        return solved

    @functools.cached_property
    def best(self) -> np.ndarray:
        """float32 [1500]: with best play the mover wins (1), draws (0) or loses (-1)."""
        return np.sign(np.nanmax(np.asarray(self.solved.action_values), axis=1))

    @functools.cached_property
    def openings(self) -> tuple[Any, np.ndarray]:
        """State [N] after eight plies, and what the mover gets, float64 [N].

        Raises ValueError where the data set is not there.
        """
        path = opening.find_file()
        if path is None:
            raise ValueError(
                f"values are held against {opening.FILE}, which is no part of the project; set "
                "SELFPLAY_DATA to the folder that holds it"
            )
        positions, scores = opening.read_positions(path)
        drawn = np.random.default_rng(0).permutation(len(scores))[: self.eight_ply]
        return to_states(self.env, [positions[i] for i in drawn]), np.sign(np.array(scores)[drawn])

    def measure(self, act: Act, params: Any) -> dict[str, float]:
        """How often a player (its `act` jitted) errs, and how far its values are off.

        Returns:
            mistakes, critical_mistakes: shares of solved positions, and of critical ones, whose
            value the move does not keep, mean over buckets; solved_error, error: mean absolute
            errors of the value in solved positions and after eight plies; squared_error: the root
            of the mean squared one, after eight plies; sign: share of the positions after eight
            plies that are no draws whose value has the right sign.
        """
        action, value = decide(act, params, self.solved, BATCH)
        exact = score(action, value, self.solved)
        states, truth = self.openings
        claimed = values_of(act, params, states, BATCH)
        decided = truth != 0
        return {
            "mistakes": 1.0 - exact.kept,
            "critical_mistakes": 1.0 - exact.critical_kept,
            "solved_error": float(np.abs(value - self.best).mean()),
            "error": float(np.abs(claimed - truth).mean()),
            "squared_error": float(np.sqrt(((claimed - truth) ** 2).mean())),
            "sign": float((np.sign(claimed) == truth)[decided].mean()),
        }
