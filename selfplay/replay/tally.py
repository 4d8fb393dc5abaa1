"""How often each of many numbers occurs, counted on disk: memory holds a part at a time."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

_PARTS = 64
"""Files among which numbers are spread by their first bits."""
_PAIR = np.dtype([("number", np.uint64), ("place", np.int64)])
NOWHERE = -1
"""As a place: a number that is counted, but never among the commonest."""


class Tally:
    """Numbers and where they stood, spread over temporary files so that equal ones meet.

    For numbers that are uniform in their bits, such as fingerprints: a part then holds a
    sixty-fourth of them. A file takes 16 bytes a number.
    """

    def __init__(self, folder: Path, stack: contextlib.ExitStack):
        self._files: list[IO[bytes]] = [
            stack.enter_context((folder / str(part)).open("w+b")) for part in range(_PARTS)
        ]

    def add(self, numbers: np.ndarray, places: np.ndarray) -> None:
        """Counts some more, uint64 [K], with where each stood, int64 [K]."""
        pairs = np.empty(len(numbers), _PAIR)
        pairs["number"], pairs["place"] = numbers, places
        part = (pairs["number"] >> np.uint64(58)).astype(np.int64)
        pairs = pairs[np.argsort(part, kind="stable")]
        ends = np.cumsum(np.bincount(part, minlength=_PARTS))
        for file, some in zip(self._files, np.split(pairs, ends[:-1]), strict=True):
            file.write(some.tobytes())

    def summary(self, count: int) -> tuple[int, list[tuple[int, int]]]:
        """How many different numbers there are, and the `count` commonest of those that occur more
        than once and stood somewhere: how often, and the first place of each; of ties the least
        number first.
        """
        different, commonest = 0, []
        for file in self._files:
            file.seek(0)
            pairs = np.frombuffer(file.read(), _PAIR)
            _, first, counts = np.unique(pairs["number"], return_index=True, return_counts=True)
            different += len(first)
            places = pairs["place"][first]
            candidates = np.flatnonzero((counts > 1) & (places != NOWHERE))
            order = candidates[np.argsort(-counts[candidates], kind="stable")][:count]
            found = zip(counts[order].tolist(), places[order].tolist(), strict=True)
            commonest = sorted([*commonest, *found], key=lambda pair: -pair[0])[:count]
        return different, commonest


@contextlib.contextmanager
def tally() -> Iterator[Tally]:
    """A tally that has counted nothing; its files are gone at the end."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        yield Tally(Path(folder), stack)
