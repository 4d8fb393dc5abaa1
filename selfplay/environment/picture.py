"""What a page draws of a position on a board. Plain numbers on the host; imports no JAX.

Squares are numbered row by row, from 0 at the top left. An author returns a `BoardPicture` from
`Environment.picture` (`Game.board`); the page then draws stones, takes clicks for moves and shows
on the squares what an agent thinks.
"""

import dataclasses
from typing import Literal

import numpy as np

NOBODY = -1
"""The owner of an empty square."""


@dataclasses.dataclass(frozen=True)
class Target:
    """What a person clicks to choose an action."""

    square: int | None
    """Where the mover's stone will be; None for an action without a square, such as a pass,
    which gets a button beside the board."""
    source: int | None = None
    """For a stone that moves: where it is now, to be clicked first."""


@dataclasses.dataclass(frozen=True)
class BoardPicture:
    """A board, its stones, and where its actions are.

    Raises ValueError, saying which, if an owner or a square cannot be.
    """

    owners: np.ndarray
    """int [rows, columns]: whose stone is on each square, player 0 or 1, or `NOBODY`."""
    targets: tuple[Target, ...]
    """[num_actions]; what it says of an illegal action is not looked at."""
    winning: tuple[int, ...] = ()
    """The squares that decided the game, once it is over."""
    look: Literal["grid", "rack", "hexagons"] = "grid"
    """Squares between lines; or a rack of holes, where a click anywhere in a column plays there; or
    hexagons, each row half a hexagon further to the right than the one above, with the colours of
    player 0 above and below the board and of player 1 on its left and right."""
    stones: Literal["discs", "crosses"] = "discs"
    """Discs of two colours; or crosses and noughts."""

    def __post_init__(self):
        if self.owners.ndim != 2 or not np.isin(self.owners, (NOBODY, 0, 1)).all():
            raise ValueError(
                "owners must be [rows, columns] of 0, 1 or -1 for nobody, got "
                f"{list(self.owners.shape)} of {np.unique(self.owners).tolist()}"
            )
        named = [square for t in self.targets for square in (t.square, t.source)]
        for square in (*named, *self.winning):
            if square is not None and not 0 <= square < self.owners.size:
                raise ValueError(
                    f"squares of this board are 0 to {self.owners.size - 1}, got {square}"
                )
