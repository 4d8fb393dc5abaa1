"""How the episodes of a generation begin, and how varied that is."""

from collections.abc import Iterable

import numpy as np

from selfplay.operators.lines import OPENING_PLIES
from selfplay.replay import diversity
from selfplay.replay.duplicates import POSITION, episode_fingerprints, fingerprints
from selfplay.replay.generations import Columns

THOUSAND = 1_000
MOST = 100_000
"""Episodes that are looked at: more need more memory, and tell nothing new."""


def openings(shards: Iterable[Columns], plies: int = OPENING_PLIES) -> np.ndarray:
    """uint64 [episodes]: each one's first positions, and what was done in them, as one number.

    Of more than `MOST` episodes the first ones count.

    Episodes that were made up in hindsight, whose number is negative, are not counted: nobody
    chose to begin them so. Shorter episodes count with all that they have.
    """
    found = np.zeros(0, np.uint64)
    for columns in shards:
        found = np.concatenate([found, _openings(columns, plies)])[:MOST]
        if len(found) == MOST:
            break
    return found


def _openings(columns: Columns, plies: int) -> np.ndarray:
    episodes, index = np.unique(columns["episode"], return_inverse=True)
    step = np.asarray(columns["targets.state.step_count"]).astype(np.int64)
    begun = np.full(len(episodes), np.iinfo(np.int64).max)
    np.minimum.at(begun, index, step)
    early = (step - begun[index] < plies) & (columns["episode"] >= 0)
    names = [name for name in columns if name.startswith((*POSITION, "episode", "action"))]
    first = {name: columns[name][early] for name in names}
    return episode_fingerprints(first, fingerprints(first))


def measures(
    found: np.ndarray, reference: np.ndarray | None = None, age: int = 0
) -> dict[str, float]:
    """How varied the openings are, as metrics.

    Args:
        found: uint64 [episodes], see `openings`; of fewer than two nothing is known.
        reference: uint64 [episodes], those of an earlier generation.
        age: generations since the reference.

    Returns:
        openings/heterozygosity: the chance that two differ. openings/unseen: the chance that one
        more is new (Good 1953). openings/per_thousand: different ones among a thousand, where
        there are as many. With a reference also openings/drift_line, the heterozygosity that
        samples of samples would have left (Wright 1931), and openings/tail_recall, the share of
        the reference's rare openings that are still there.
    """
    if len(found) < 2:
        return {}
    row = {
        "openings/heterozygosity": diversity.heterozygosity(found),
        "openings/unseen": diversity.unseen(found),
    }
    if len(found) >= THOUSAND:
        row["openings/per_thousand"] = diversity.distinct(found, THOUSAND)
    if reference is not None and len(reference) >= 2:
        start = diversity.heterozygosity(reference)
        row["openings/drift_line"] = float(diversity.drift_line(start, len(reference), age)[-1])
        row["openings/tail_recall"] = diversity.recall(diversity.tail(reference), found)
    return row
