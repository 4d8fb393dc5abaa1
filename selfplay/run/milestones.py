"""Milestones: the network alone, spread evenly over a run however long it becomes.

They are kept at multiples of a spacing that doubles whenever there would be too many. Which
ones there are follows from the iteration alone, so a run that was killed goes on as if it had
not been; one of a resumed run's undone future is replaced or dropped at the next milestone.
"""

from pathlib import Path
from typing import Any

from selfplay.networks.contract import Params
from selfplay.run import checkpoint

FIRST_SPACING = 16
"""Iterations; closer ones would cost short runs too much of their time."""


def spacing(iteration: int, most: int) -> int:
    """Iterations between two milestones once so many are done.

    The least of 16, 32, 64, ... with at most `most` (at least 2) multiples in [0, iteration].
    """
    apart = FIRST_SPACING
    while iteration // apart >= most:
        apart *= 2
    return apart


def is_due(iteration: int, most: int) -> bool:
    """Whether the network after this iteration is a milestone; the untrained one is."""
    return iteration % spacing(iteration, most) == 0


def save(folder: Path, iteration: int, params: Params, info: dict[str, Any], most: int) -> None:
    """Writes a milestone, a checkpoint with the only tree `params`, and drops those too close."""
    checkpoint.save(folder, iteration, {"params": params}, info)
    apart = spacing(iteration, most)
    for path in checkpoint.available(folder):
        if int(path.name) > iteration or int(path.name) % apart:
            checkpoint.remove(path)
