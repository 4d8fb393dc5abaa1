"""Implications between laws to practise on, in levels of difficulty.

All of them are in a table beside this file; how they were made is told in `equational_problems.md`.
"""

import csv
import functools
import hashlib
import importlib.resources

import numpy as np

from selfplay_envs.proofs.laws import duals

FILE = "equational_problems.csv"

EXPANSIONS = (2, 8, 32, 128, 512, 1_500)
"""Of blind search, with which it proves what is in each level at most; the last level's it does not
prove with that many."""

NUM_LEVELS = len(EXPANSIONS) + 1

NOT_PROVED = -1
"""In the place of expansions."""

HELD_OUT_32NDS = 4
"""Of all hypotheses, by a hash."""

SPLITS = ("train", "held_out")


def level(expansions: int) -> int:
    """Of what blind search proves with so many, or does not: `NOT_PROVED`."""
    if expansions == NOT_PROVED:
        return NUM_LEVELS - 1
    return int(np.searchsorted(EXPANSIONS, expansions))


def is_held_out(hypothesis: int) -> bool:
    """Whether a law, by its number, and its dual are kept from training as hypotheses."""
    same = min(hypothesis, duals()[hypothesis - 1])
    return hashlib.sha256(str(same).encode()).digest()[0] >> 3 < HELD_OUT_32NDS


@functools.cache
def pairs(split: str) -> np.ndarray:
    """int16 [N, 3]: numbers of the hypothesis and of the conclusion, level; easiest level first.

    Args:
        split: one of `SPLITS`; no hypothesis of one is one of the other, or dual to one.

    Raises:
        ValueError: there is no such split.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    source = importlib.resources.files("selfplay_envs.proofs") / FILE
    rows = csv.DictReader(source.read_text(encoding="ascii").splitlines())
    found = [
        (int(row["hypothesis"]), int(row["conclusion"]), level(int(row["expansions"])))
        for row in rows
        if row["held_out"] == str(SPLITS.index(split))
    ]
    array = np.array(sorted(found, key=lambda pair: pair[2]), np.int16)
    array.flags.writeable = False
    return array


def hypotheses(split: str) -> np.ndarray:
    """int16 [N]: laws that a split's problems rewrite by, in order."""
    return np.unique(pairs(split)[:, 0])
