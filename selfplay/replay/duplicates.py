"""Which rows of a generation, and which episodes, are the same: 64 bits for each."""

import numpy as np

from selfplay.replay.generations import Columns

POSITION = ("targets.problem", "targets.state")
"""How the fields of a position begin."""


def fingerprints(columns: Columns) -> np.ndarray:
    """uint64 [K]: a number for each row's problem and state; those that differ differ in it.

    But for chance: two of ten million different rows have the same with a probability of 1 in
    100,000. It is a random linear map of the bytes, stirred by the finaliser of splitmix64 (Steele
    et al. 2014, "Fast splittable pseudorandom number generators").
    """
    names = sorted(name for name in columns if name.startswith(POSITION))
    count = len(columns["episode"])
    found = np.zeros(count, np.uint64)
    if count == 0:
        return found
    dice = np.random.default_rng(0)
    for name in names:
        column = np.ascontiguousarray(columns[name]).reshape(count, -1)
        data = column.view(np.uint8).reshape(count, -1)
        weights = dice.integers(0, 2**63, data.shape[1], np.uint64) * np.uint64(2) + np.uint64(1)
        for byte, weight in zip(data.T, weights, strict=True):
            found += byte.astype(np.uint64) * weight
    return _stirred(found)


def episode_fingerprints(columns: Columns, positions: np.ndarray) -> np.ndarray:
    """uint64 [episodes]: a number for what was seen and done in each.

    Args:
        columns: rows of whole episodes; their order does not count, as states know their step.
        positions: uint64 [K], `fingerprints` of them.
    """
    moves = _stirred(positions + _stirred(np.asarray(columns["action"]).astype(np.uint64)))
    episodes, index = np.unique(columns["episode"], return_inverse=True)
    found = np.zeros(len(episodes), np.uint64)
    np.add.at(found, index, moves)
    return found


def _stirred(numbers: np.ndarray) -> np.ndarray:
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
