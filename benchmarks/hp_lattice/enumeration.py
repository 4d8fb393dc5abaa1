"""All folds of short chains, and the chains that have exactly one best fold.

    python -m benchmarks.hp_lattice.enumeration --longest 18

writes them to `hp_lattice_designed.csv`, beside the environment, and prints how many there are of
each length; A. Irbäck and C. Troein, "Enumerating designing sequences in the HP model", Journal of
Biological Physics 28 (2002), have the same numbers.

A fold matters to its energy only by which pairs of residues touch. So the folds of a length are
grown by adding a residue at a time, and gathered by contact map; then the contacts of all 2**n
chains on all maps are a product of two matrices, with a row for each pair that can touch.
"""

import argparse
import csv
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

import selfplay_envs.science
from selfplay.run.directory import write_text
from selfplay_envs.science.hp_designed import FILE

_AHEAD = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)], np.int8)
"""Steps to the east, north, west and south; a turn to the left adds one."""

_LETTERS = "LSR"

_MAPS_AT_ONCE, _CHAINS_AT_ONCE = 4_096, 4_096


class Designed(NamedTuple):
    """The chains of n residues with a native fold."""

    chains: np.ndarray
    """bool [N, n]: H."""
    folds: np.ndarray
    """int8 [N, n - 2]: turns, 0 left, 1 straight, 2 right."""
    contacts: np.ndarray
    """int16 [N]."""


def grow_folds(size: int) -> np.ndarray:
    """int8 [N, size - 2]: the turns of every self-avoiding walk, one of each mirror pair."""
    squares = np.array([[(0, 0), (1, 0)]], np.int8)
    heading, bent = np.zeros(1, np.int8), np.zeros(1, bool)
    turns = np.zeros((1, 0), np.int8)
    for _ in range(size - 2):
        grown = [_turned(squares, heading, bent, turns, turn) for turn in range(3)]
        squares, heading, bent, turns = (np.concatenate(x) for x in zip(*grown, strict=True))
    return turns


def _turned(
    squares: np.ndarray, heading: np.ndarray, bent: np.ndarray, turns: np.ndarray, turn: int
) -> tuple[np.ndarray, ...]:
    """All walks that can take the turn, having taken it. The first turn off the line is left."""
    heading = (heading + 1 - turn) % 4
    head = squares[:, -1] + _AHEAD[heading]
    free = ~(squares == head[:, None]).all(-1).any(-1)
    fits = np.flatnonzero(free & (bent | (turn != 2)))
    squares = np.concatenate([squares[fits], head[fits, None]], 1)
    turns = np.concatenate([turns[fits], np.full((len(fits), 1), turn, np.int8)], 1)
    return squares, heading[fits], bent[fits] | (turn != 1), turns


def pairs_that_can_touch(size: int) -> list[tuple[int, int]]:
    """Residues an odd distance apart, at least 3."""
    return [(i, j) for i in range(size) for j in range(i + 3, size, 2)]


def contact_maps(turns: np.ndarray) -> np.ndarray:
    """uint64 [N]: bit k is set if pair k touches; room for the 64 pairs of 18 residues."""
    size = turns.shape[1] + 2
    pairs = pairs_that_can_touch(size)
    if len(pairs) > 64:
        raise ValueError(f"contact maps have room for 18 residues, got {size}")
    heading = np.cumsum(1 - turns, 1, dtype=np.int8) % 4
    steps = np.concatenate([np.zeros((len(turns), 1), np.int8), heading], 1)
    places = np.cumsum(_AHEAD[steps], 1, dtype=np.int8)
    places = np.concatenate([np.zeros((len(turns), 1, 2), np.int8), places], 1)
    maps = np.zeros(len(turns), np.uint64)
    for bit, (i, j) in enumerate(pairs):
        touching = np.abs(places[:, i] - places[:, j]).sum(1) == 1
        maps |= touching.astype(np.uint64) << np.uint64(bit)
    return maps


def find_designed(size: int) -> Designed:
    """The chains of `size` residues whose most contacts are reached by exactly one fold.

    Of a chain and its reversal, which has the same folds, only one.
    """
    folds = grow_folds(size)
    maps, first, folds_with = np.unique(contact_maps(folds), return_index=True, return_counts=True)
    order = np.argsort(-np.bitwise_count(maps).astype(int), kind="stable")
    maps, first, folds_with = maps[order], first[order], folds_with[order]
    chains = one_of_each_pair(size)
    best = most_contacts(chains, maps, folds_with)
    native = np.flatnonzero(best.degeneracy == 1)
    return Designed(chains[native], folds[first[best.place[native]]], best.contacts[native])


def one_of_each_pair(size: int) -> np.ndarray:
    """bool [N, size]: of every chain and its reversal, the one that is the smaller number."""
    numbers = np.arange(2**size)
    chains = (numbers[:, None] >> np.arange(size) & 1).astype(bool)
    return chains[numbers <= chains[:, ::-1] @ (1 << np.arange(size))]


class Best(NamedTuple):
    """What is known of C chains' best folds."""

    contacts: np.ndarray
    """int16 [C]."""
    degeneracy: np.ndarray
    """int64 [C]: folds with so many contacts, or 2 for more."""
    place: np.ndarray
    """int64 [C]: a map with so many contacts."""


def most_contacts(chains: np.ndarray, maps: np.ndarray, folds_with: np.ndarray) -> Best:
    """The best folds of chains (bool [C, n]), among those of M maps.

    The maps (uint64 [M], and how many folds have each, int [M]) come in order of their contacts,
    most first: no chain has more contacts on a map than the map has, so that a chain with more
    than one fold as good as that is done.
    """
    pairs = np.array(pairs_that_can_touch(chains.shape[1])).T
    best = Best(
        np.full(len(chains), -1, np.int16),
        np.zeros(len(chains), np.int64),
        np.zeros(len(chains), np.int64),
    )
    waiting = np.arange(len(chains))
    for start in range(0, len(maps), _MAPS_AT_ONCE):
        here = slice(start, start + _MAPS_AT_ONCE)
        limit = np.bitwise_count(maps[start])
        done = best.contacts[waiting] + (best.degeneracy[waiting] > 1) > limit
        waiting = waiting[~done]
        touching = maps[here, None] >> np.arange(pairs.shape[1], dtype=np.uint64) & np.uint64(1)
        for some in np.split(waiting, range(_CHAINS_AT_ONCE, len(waiting), _CHAINS_AT_ONCE)):
            both = chains[some][:, pairs[0]] & chains[some][:, pairs[1]]
            contacts = both.astype(np.float32) @ touching.astype(np.float32).T
            _improve(best, some, contacts.astype(np.int16), folds_with[here], start)
    return best


def _improve(
    best: Best, some: np.ndarray, contacts: np.ndarray, folds_with: np.ndarray, start: int
) -> None:
    """Enters the contacts [S, M] of `some` chains (int [S]) on the maps from `start` on."""
    most = contacts.max(1)
    at_most = contacts == most[:, None]
    known, count = best.contacts[some], at_most @ folds_with
    count = count + np.where(most == known, best.degeneracy[some], 0)
    best.degeneracy[some] = np.where(most < known, best.degeneracy[some], np.minimum(count, 2))
    best.place[some] = np.where(most > known, start + at_most.argmax(1), best.place[some])
    best.contacts[some] = np.maximum(most, known)


def as_table(designed: Designed) -> list[tuple[str, str, int]]:
    """Chain, native fold and contacts of each, in the order of the alphabet."""
    rows = zip(designed.chains, designed.folds, designed.contacts, strict=True)
    return sorted(
        ("".join("PH"[int(h)] for h in chain), "".join(_LETTERS[t] for t in fold), int(contacts))
        for chain, fold, contacts in rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--longest", type=int, default=18, help="residues; 18 take minutes")
    parser.add_argument("--output", type=Path, default=Path(selfplay_envs.science.__path__[0]))
    options = parser.parse_args()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("chain", "fold", "contacts"))
    for size in range(4, options.longest + 1):
        table = as_table(find_designed(size))
        mirrored = sum(chain != chain[::-1] for chain, _, _ in table)
        print(f"{size} residues: {len(table) + mirrored:,} chains have one best fold", flush=True)
        writer.writerows(table)
    write_text(options.output / FILE, text.getvalue())


if __name__ == "__main__":
    main()
