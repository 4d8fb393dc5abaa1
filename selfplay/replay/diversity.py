"""How varied games are, and what later ones still show of earlier ones.

An *opening* is how a game begins, as one number. Openings are to a generation what alleles are to
a population: where each generation is a sample of the one before, they drift, and are lost. All
functions take openings as an integer array [games], equal where the openings are.
"""

import numpy as np


def distinct(found: np.ndarray, games: int = 1_000) -> float:
    """How many different openings so many of the games [N] have, in expectation.

    Rarefaction, drawn without replacement (Hurlbert 1971, "The nonconcept of species diversity").
    Raises ValueError if there are fewer games.
    """
    total = len(found)
    if not 1 <= games <= total:
        raise ValueError(f"openings of {games} games were asked for, but there are {total}")
    _, counts = np.unique(found, return_counts=True)
    # The chance that none of `count` games is drawn, one after another.
    drawn = np.arange(counts.max())
    missing = np.cumprod(np.maximum(total - games - drawn, 0) / (total - drawn))
    return float((1.0 - missing[counts - 1]).sum())


def unseen(found: np.ndarray) -> float:
    """The chance that one more game has an opening that none of the games [N] has.

    The share of games whose opening nobody else has (Good 1953, "The population frequencies of
    species and the estimation of population parameters").
    """
    _, counts = np.unique(found, return_counts=True)
    return float((counts == 1).sum() / len(found))


def heterozygosity(found: np.ndarray) -> float:
    """The chance that two of the games [N], N at least 2, have different openings (Nei 1978)."""
    _, counts = np.unique(found, return_counts=True)
    return float(1.0 - (counts * (counts - 1)).sum() / (len(found) * (len(found) - 1)))


def drift_line(start: float, games: int, generations: int) -> np.ndarray:
    """float64 [generations + 1]: heterozygosity where each generation is a sample of the last.

    Wright 1931, "Evolution in Mendelian populations", for one copy each: it is multiplied by
    1 - 1 / games in every generation.
    """
    return start * (1.0 - 1.0 / games) ** np.arange(generations + 1)


def drift(found: np.ndarray, generations: int, seed: int = 0) -> np.ndarray:
    """int64 [generations + 1, N]: the openings [N], drawn anew from the last in every generation.

    The Wright-Fisher model itself, for what has no closed form, such as how many stay.
    """
    dice = np.random.default_rng(seed)
    lineage = [found]
    for _ in range(generations):
        lineage.append(dice.choice(lineage[-1], len(found)))
    return np.stack(lineage)


def tail(found: np.ndarray, share: float = 0.1) -> np.ndarray:
    """int64 [K]: the rare openings of the games [N].

    Those no more frequent than the least frequent `share` of the different ones; of ties none is
    left out, so that these are often all that occurred once.
    """
    different, counts = np.unique(found, return_counts=True)
    return different[counts <= np.quantile(counts, share, method="inverted_cdf")]


def recall(rare: np.ndarray, found: np.ndarray) -> float:
    """The share of rare openings [K] that occur in later games [N].

    As chance alone misses many, compare with what other games of the first player recall.
    """
    return float(np.isin(rare, found).mean())
