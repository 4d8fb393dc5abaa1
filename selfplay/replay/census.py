"""What a generation holds, counted by provenance in one pass over what is stored."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np

from selfplay.replay.generations import Columns, Generation


@dataclasses.dataclass
class Census:
    """Counts of rows and of episodes, and means over rows."""

    rows: int = 0
    episodes: int = 0
    real: int = 0
    """Rows that came from outside."""
    operators: Counter[str] = dataclasses.field(default_factory=Counter)
    """Rows by who made them."""
    verdicts: Counter[str] = dataclasses.field(default_factory=Counter)
    """Episodes by what a verifier said of them."""
    simulations: int = 0
    """Spent on all rows."""
    confidence: float = 0.0
    """Mean over rows."""
    entropy: float = 0.0
    """Of the policies that are learnt, in nats, mean over rows."""
    value: float = 0.0
    """Mean over rows."""

    def add(self, fields: Columns, operators: Sequence[str], verdicts: Sequence[str]) -> None:
        """Counts the rows of a shard, with the names of those numbers."""
        count = len(fields["episode"])
        first = np.unique(fields["episode"], return_index=True)[1]
        weights = np.asarray(fields["targets.action_weights"])
        logs = np.log(np.where(weights > 0, weights, 1.0))
        self._mean("entropy", -(weights * logs).sum(-1))
        self._mean("confidence", fields["targets.provenance.confidence"])
        self._mean("value", fields["targets.value"])
        self.rows += count
        self.episodes += len(first)
        self.real += int(np.sum(fields["targets.provenance.real"]))
        self.simulations += int(np.sum(fields["targets.provenance.simulations"], dtype=np.int64))
        self.operators += _named(operators, fields["targets.provenance.operator"])
        self.verdicts += _named(verdicts, fields["targets.provenance.verdict"][first])

    def _mean(self, name: str, values: np.ndarray) -> None:
        """Goes on with a mean over rows, before the rows are counted."""
        total = getattr(self, name) * self.rows + float(np.sum(values, dtype=np.float64))
        setattr(self, name, total / max(1, self.rows + len(values)))

    @property
    def accepted(self) -> float | None:
        """Share of the judged episodes that a verifier accepted; None where none was judged."""
        judged = sum(count for name, count in self.verdicts.items() if name != "none")
        return self.verdicts["accepted"] / judged if judged else None

    def metrics(self) -> dict[str, float]:
        """As a run's metrics."""
        row = {
            "labels/rows": float(self.rows),
            "labels/episodes": float(self.episodes),
            "labels/confidence": self.confidence,
            "labels/entropy": self.entropy,
            "labels/simulations": self.simulations / max(1, self.rows),
        }
        return row if self.accepted is None else row | {"labels/accepted": self.accepted}


def take(generation: Generation) -> Census:
    """Of all its shards, one after another."""
    census = Census()
    for fields in generation.each():
        census.add(fields, generation.operators, generation.verdicts)
    return census


def _named(names: Sequence[str], index: np.ndarray) -> Counter[str]:
    counts = np.bincount(np.asarray(index), minlength=len(names))
    return Counter({name: int(count) for name, count in zip(names, counts, strict=True) if count})
