"""How confidences are spread, counted to a millionth without holding them."""

import dataclasses

import numpy as np

_BINS = 1_000_000


@dataclasses.dataclass
class Histogram:
    """Confidences in [0, 1], each rounded down to a millionth; of any number it takes 8 MB."""

    counts: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(_BINS + 1, np.int64))

    def add(self, confidence: np.ndarray) -> None:
        """Counts some more, float32 [K]."""
        self.counts += np.bincount((confidence * _BINS).astype(np.int64), minlength=_BINS + 1)

    @property
    def total(self) -> int:
        """How many were counted."""
        return int(self.counts.sum())

    def nth(self, rank: int) -> float:
        """The one of this rank, from 0 to total - 1 upwards."""
        return float(np.searchsorted(np.cumsum(self.counts), rank, side="right")) / _BINS

    def quantile(self, share: float) -> float:
        """As `np.quantile`, between two ranks by a straight line."""
        place = share * (self.total - 1)
        low = int(place)
        least, most = self.nth(low), self.nth(min(low + 1, self.total - 1))
        return least + (place - low) * (most - least)
