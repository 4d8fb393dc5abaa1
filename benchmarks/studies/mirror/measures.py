"""What a generation still shows of the one it began with, counted in the games themselves.

An *opening* is a game's first moves, as one number. Openings are to a generation what alleles are
to a population: where each generation is a sample of the one before, they drift, and are lost.
"""

from collections.abc import Iterable

import numpy as np

from selfplay.replay.generations import Columns

PLIES = 6
"""Of an opening: in four in a row nobody has won yet, so that every game has one."""


def openings(shards: Iterable[Columns], num_actions: int, plies: int = PLIES) -> np.ndarray:
    """int64 [games]: the opening of each game of a generation, `Generation.each()`.

    Raises ValueError if a game has fewer moves, or was learnt from only in part.
    """
    found = [_openings(columns, num_actions, plies) for columns in shards]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _openings(columns: Columns, num_actions: int, plies: int) -> np.ndarray:
    ply = np.asarray(columns["targets.state.step_count"])
    early = ply < plies
    games, game = np.unique(columns["episode"], return_inverse=True)
    moves = np.full((len(games), plies), -1, np.int64)
    moves[game[early], ply[early]] = columns["action"][early]
    if (moves < 0).any():
        raise ValueError(
            f"every game must have its first {plies} moves among the rows; of {len(games)} games "
            f"{int((moves < 0).any(1).sum())} have not"
        )
    return moves @ num_actions ** np.arange(plies)[::-1]


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
