"""A game's first moves as one number, from which they can be read again."""

from collections.abc import Iterable

import numpy as np

from selfplay.replay.generations import Columns

PLIES = 6
"""Of an opening: in four in a row nobody has won yet, so that every game has one."""


def openings(shards: Iterable[Columns], num_actions: int, plies: int = PLIES) -> np.ndarray:
    """int64 [games]: the opening of each game of a generation, `Generation.each()`.

    Raises ValueError if a game has fewer moves, or was learnt from only in part.
    """
    found = [_openings(columns, num_actions, plies) for columns in shards]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _openings(columns: Columns, num_actions: int, plies: int) -> np.ndarray:
    ply = np.asarray(columns["targets.state.step_count"])
    early = ply < plies
    games, game = np.unique(columns["episode"], return_inverse=True)
    moves = np.full((len(games), plies), -1, np.int64)
    moves[game[early], ply[early]] = columns["action"][early]
    if (moves < 0).any():
        raise ValueError(
            f"every game must have its first {plies} moves among the rows; of {len(games)} games "
            f"{int((moves < 0).any(1).sum())} have not"
        )
    return moves @ num_actions ** np.arange(plies)[::-1]
