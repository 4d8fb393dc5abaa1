"""What a filter lets through of a generation, and why not the rest.

A filter reads what is stored, so that it can be tried on a generation before anything is trained.
Whose rows pass is written beside the student's, shard by shard; like the rows it is mapped, not
held.
"""

import dataclasses
import functools
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from selfplay import files
from selfplay.operators.episodes import Sample
from selfplay.operators.targets import VERDICTS
from selfplay.replay.confidence import Histogram
from selfplay.replay.generations import Columns, Generation, mapped, names

_INDEX = ("<i8", ())
"""Dtype and shape of the rows that passed."""


@dataclasses.dataclass(frozen=True)
class Filter:
    """What a row must have to be learnt from."""

    verified: bool = False
    """Its episode was accepted by a verifier."""
    least_confidence: float = 0.0
    """Of its episode."""

    def __post_init__(self) -> None:
        """Raises ValueError for a confidence that cannot be."""
        if not 0.0 <= self.least_confidence <= 1.0:
            raise ValueError(
                f"least_confidence must be between 0 and 1, got {self.least_confidence}"
            )

    def refused(self, fields: Columns) -> dict[str, np.ndarray]:
        """bool [K] by reason: rows that may not pass. Each row is refused for one at most."""
        verdict = fields["targets.provenance.verdict"]
        confidence = fields["targets.provenance.confidence"]
        reasons: dict[str, np.ndarray] = {}
        if self.verified:
            for index, name in enumerate(VERDICTS):
                if name != "accepted":
                    reasons[f"verdict {name}"] = np.asarray(verdict == index)
        unsure = np.asarray(confidence < self.least_confidence)
        for other in reasons.values():
            unsure = unsure & ~other
        reasons[f"confidence under {self.least_confidence:.6g}"] = unsure
        return reasons


@dataclasses.dataclass(frozen=True)
class Selection:
    """The rows of a generation that passed a filter."""

    generation: Generation
    folder: Path

    @functools.cached_property
    def _counts(self) -> dict[str, list[int]]:
        """Rows that passed, and rows refused by reason, shard by shard."""
        return json.loads((self.folder / "selection.json").read_text(encoding="utf-8"))

    @functools.cached_property
    def _fields(self) -> dict[str, list[Any]]:
        """Of the generation, whose shards are there since they were selected from."""
        return self.generation.fields

    @functools.cached_property
    def _rows(self) -> list[int]:
        """Of the generation, shard by shard."""
        return [shard["rows"] for shard in self.generation.shards]

    @property
    def size(self) -> int:
        """Rows that passed."""
        return sum(self._counts["passed"])

    @property
    def refused(self) -> dict[str, int]:
        """Rows that did not, by reason; those for which there were any."""
        totals = {reason: sum(of) for reason, of in self._counts.items() if reason != "passed"}
        return {reason: total for reason, total in totals.items() if total}

    def rows(self, index: np.ndarray) -> dict[str, np.ndarray]:
        """Fields of the rows at `index` (int [K], in [0, size)), in that order."""
        ends = np.cumsum(self._counts["passed"])
        shard_of = np.searchsorted(ends, index, side="right")
        found: dict[str, np.ndarray] = {}
        for shard in np.unique(shard_of):
            here = shard_of == shard
            passed, columns = self._shard(int(shard))
            local = passed[index[here] - (ends[shard] - len(passed))]
            for name, column in columns.items():
                if name not in found:
                    found[name] = np.empty((len(index), *column.shape[1:]), column.dtype)
                found[name][here] = column[local]
        return found

    def _shard(self, number: int) -> tuple[np.ndarray, Columns]:
        """The rows of a shard that passed, and its fields, mapped for the moment.

        What is mapped is an open file, and of those a process may have a thousand, not a thousand
        shards' fields.
        """
        place = f"{number:08d}"
        passed = mapped(self.folder / f"{place}.npy", self._counts["passed"][number], _INDEX)
        folder, rows = self.generation.path / place, self._rows[number]
        fields = {
            name: mapped(folder / f"{name}.npy", rows, kind) for name, kind in self._fields.items()
        }
        return passed, fields


def select(generation: Generation, keep: Filter, folder: Path) -> Selection:
    """Finds out which rows pass, and writes it down in `folder`.

    Raises ValueError, saying why each was refused, if none does; the generation stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, list[int]] = {"passed": []}
    for number, fields in enumerate(generation.each()):
        refused = keep.refused(fields)
        passed = np.flatnonzero(~np.logical_or.reduce(list(refused.values())))
        files.write_array(folder / f"{number:08d}.npy", passed.astype(_INDEX[0]))
        counts["passed"].append(len(passed))
        for reason, rows in refused.items():
            counts.setdefault(reason, []).append(int(rows.sum()))
    files.write_text(folder / "selection.json", json.dumps(counts) + "\n")
    selection = Selection(generation, folder)
    if selection.size == 0:
        why = ", ".join(f"{count:,} by {reason}" for reason, count in selection.refused.items())
        raise ValueError(
            f"the filter lets none of the {generation.num_rows:,} rows of {generation.path} "
            f"through ({why or 'there are none'}); the generation is kept, and another filter "
            "can be tried on it"
        )
    return selection


def filter_of(
    generation: Generation, *, verified: bool, least_confidence: float, keep_share: float
) -> Filter:
    """The filter that keeps the surest `keep_share` of a generation, by what is stored of it.

    Raises ValueError for a share or a confidence that cannot be.
    """
    if keep_share != 1.0:
        least_confidence = max(least_confidence, confidence_to_keep([generation], keep_share))
    return Filter(verified=verified, least_confidence=least_confidence)


def confidence_to_keep(generations: Sequence[Generation], share: float) -> float:
    """The confidence that the surest `share` of all rows has at least, to a millionth.

    Found in one pass over what is stored, without holding it. Raises ValueError for a share that
    is not in (0, 1], or if there are no rows.
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"the share of rows to keep must be above 0, at most 1, got {share}")
    found = Histogram()
    for generation in generations:
        for fields in generation.each():
            found.add(fields["targets.provenance.confidence"])
    if found.total == 0:
        raise ValueError("there are no rows whose confidence could be compared")
    return found.nth(found.total - math.ceil(share * found.total))


def restored(fields: Columns, like: Sample) -> Sample:
    """Rows as the Sample [K] that they were; `like` is one row, arrays or their shapes.

    Raises ValueError if the fields are others.
    """
    wanted = names(like)
    if set(wanted) != set(fields):
        others = sorted(set(wanted) ^ set(fields))
        raise ValueError(f"the rows are of another environment: {', '.join(others)} differ")
    leaves = [fields[name] for name in wanted]
    for name, leaf, expected in zip(wanted, leaves, jax.tree.leaves(like), strict=True):
        if (leaf.dtype, leaf.shape[1:]) != (expected.dtype, expected.shape):
            raise ValueError(
                f"the rows are of another environment: {name} must be {expected.dtype} "
                f"{list(expected.shape)}, got {leaf.dtype} {list(leaf.shape[1:])}"
            )
    return jax.tree.unflatten(jax.tree.structure(like), leaves)
