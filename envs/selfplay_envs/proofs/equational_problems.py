"""Stand-in, to be replaced whole: pairs of laws to practise on."""

import numpy as np

NUM_LEVELS = 2

_PAIRS = {
    "train": [(168, 387, 0), (43, 44, 0), (3, 8, 0), (4, 3, 1), (5, 3, 1), (2, 46, 0)],
    "held_out": [(10, 3, 0), (11, 14, 0), (12, 8, 1)],
}


def pairs(split: str) -> np.ndarray:
    """int16 [N, 3]: numbers of hypothesis and conclusion, level."""
    return np.array(_PAIRS[split], np.int16)
