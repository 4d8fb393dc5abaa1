"""Which answers each look found right, kept with the run: errors that an earlier one did not make.

RUN/looks/00000640.npy   bool [N], packed: of N questions, those that the network answered rightly

Two networks that answer the same questions are compared in pairs: what both get right or wrong
says nothing, and of what has changed as much should be mended as broken, if neither is better
(McNemar 1947, "Note on the sampling error of the difference between correlated proportions").
"""

import dataclasses
from pathlib import Path

import numpy as np
from scipy import stats

from selfplay import files


@dataclasses.dataclass(frozen=True)
class Errors:
    """What one network gets wrong beside an earlier one."""

    new: int
    """Questions that the earlier one answered rightly, and this one wrongly."""
    mended: int
    """The other way round."""

    @property
    def chance(self) -> float:
        """That as many of the changed answers are new errors, were either way as likely.

        The exact, one-sided test of a fair coin; 1 where nothing has changed.
        """
        return chance(self.new, self.mended)


def chance(new: int, mended: int) -> float:
    """See `Errors.chance`."""
    return float(stats.binom.sf(new - 1, new + mended, 0.5)) if new + mended else 1.0


def compare(earlier: np.ndarray, now: np.ndarray) -> Errors:
    """What has changed between answers to the same questions, bool [N] both: True is right.

    Raises ValueError if they are not as many.
    """
    if earlier.shape != now.shape:
        raise ValueError(
            f"answers to the same questions are compared, got {earlier.size} and {now.size}"
        )
    return Errors(new=int((earlier & ~now).sum()), mended=int((~earlier & now).sum()))


def keep(folder: Path, iteration: int, right: np.ndarray) -> None:
    """Writes down which questions were answered rightly, bool [N], after so many iterations."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{iteration:08d}.npy"
    unfinished = path.with_suffix(".tmp")
    files.write_array(unfinished, np.packbits(right))
    unfinished.replace(path)


def best(folder: Path, iteration: int, count: int) -> tuple[int, np.ndarray] | None:
    """Of the looks before an iteration, the one that found most right: its own, and bool [count].

    The earliest of those that are equal; None if there is none. Looks of a run's undone future do
    not count. Raises ValueError for one that is damaged.
    """
    before = (path for path in sorted(folder.glob("*.npy")) if int(path.stem) < iteration)
    found = [(int(path.stem), _read(path, count)) for path in before]
    if not found:
        return None
    number, bits = max(found, key=lambda look: int(look[1].sum()))
    return number, bits.astype(np.bool_)


def _read(path: Path, count: int) -> np.ndarray:
    """The bits [count] of a look."""
    try:
        return np.unpackbits(np.load(path), count=count)
    except (ValueError, TypeError, EOFError) as error:
        raise ValueError(f"{path} is damaged: {error}; delete it to go on without") from None


def metrics(folder: Path, iteration: int, right: np.ndarray) -> dict[str, float]:
    """Holds a look against the best before it, and keeps it.

    Args:
        folder: of the run's looks.
        iteration: after which the run was looked at.
        right: bool [N], which questions were answered rightly; nothing where nobody knows.

    Returns:
        errors/new and errors/mended, counts, errors/before, all that the best look got wrong, and
        errors/since, its iteration.
    """
    if not right.size:
        return {}
    earlier = best(folder, iteration, right.size)
    keep(folder, iteration, right)
    if earlier is None:
        return {}
    errors = compare(earlier[1], right)
    return {
        "errors/new": float(errors.new),
        "errors/mended": float(errors.mended),
        "errors/before": float((~earlier[1]).sum()),
        "errors/since": float(earlier[0]),
    }
