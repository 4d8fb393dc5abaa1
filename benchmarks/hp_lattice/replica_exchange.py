"""Folds by replica exchange Monte Carlo with pull moves, the reference solver of the HP model.

    python -m benchmarks.hp_lattice.replica_exchange --steps 10000000

prints the most contacts found for each standard chain of the shared data (`SELFPLAY_DATA`).

C. Thachuk, A. Shmygelska and H. Hoos, "A replica exchange Monte Carlo algorithm for protein folding
in the HP model", BMC Bioinformatics 8 (2007); pull moves are of N. Lesh, M. Mitzenmacher and
S. Whitesides, "A complete and effective move set for simplified protein folding", RECOMB 2003.

Squares are numbered on a torus wider than the chain is long, so that a walk on it never meets
itself the long way round. A step is one pull move that was possible, judged and taken or not.
"""

import argparse
import itertools
import time

import numpy as np
from numba import njit

from benchmarks.hp_lattice.standard import read_standard

REPLICAS = 5
COLDEST, HOTTEST = 0.32, 0.44
"""Temperatures of the replicas, evenly spaced, in contacts: 160 and 220 of the paper's units."""

STEPS_BETWEEN_EXCHANGES = 100

_EMPTY = -1


def most_contacts(chain: str, steps: int, seed: int = 0) -> tuple[int, list[int]]:
    """The most contacts met in so many steps, of all replicas together, and the fold's turns.

    Args:
        chain: letters H and P, at least 4.
        steps: pull moves.
        seed: another one goes other ways.

    Returns:
        contacts, and 0 left, 1 straight, 2 right for each residue from the third on.
    """
    hydrophobic = np.array([letter == "H" for letter in chain])
    width = 1 << (len(chain) + 1).bit_length()
    temperatures = np.linspace(COLDEST, HOTTEST, REPLICAS)
    dice = np.random.default_rng(seed)
    contacts, squares = _run(hydrophobic, width, temperatures, steps, dice)
    return int(contacts), _turns(squares, width)


def _turns(squares: np.ndarray, width: int) -> list[int]:
    """The turns of a walk on the torus."""
    rows, columns = np.divmod(squares, width)
    across, up = ((np.diff(axis) + 1) % width - 1 for axis in (columns, rows))
    headings = across + 1j * up
    return [int(1 - (b / a).imag) for a, b in itertools.pairwise(headings)]


@njit(cache=True)
def _run(
    hydrophobic: np.ndarray,
    width: int,
    temperatures: np.ndarray,
    steps: int,
    dice: np.random.Generator,
) -> tuple[int, np.ndarray]:
    """The most contacts found and the walk that has them."""
    size, replicas = len(hydrophobic), len(temperatures)
    squares = np.empty((replicas, size), np.int64)
    residue_at = np.full((replicas, width * width), _EMPTY, np.int64)
    for replica in range(replicas):
        for residue in range(size):
            squares[replica, residue] = residue
            residue_at[replica, residue] = residue
    contacts = np.zeros(replicas, np.int64)
    best, best_squares = 0, squares[0].copy()
    done, round_number = 0, 0
    while done < steps:
        for replica in range(replicas):
            for _ in range(min(STEPS_BETWEEN_EXCHANGES, steps - done)):
                contacts[replica] = _step(
                    hydrophobic,
                    width,
                    temperatures[replica],
                    squares[replica],
                    residue_at[replica],
                    contacts[replica],
                    dice,
                )
                if contacts[replica] > best:
                    best = contacts[replica]
                    best_squares[:] = squares[replica]
                done += 1
        for cold in range(round_number % 2, replicas - 1, 2):
            colder = 1 / temperatures[cold] - 1 / temperatures[cold + 1]
            gain = colder * (contacts[cold + 1] - contacts[cold])
            if gain >= 0 or dice.random() < np.exp(gain):
                _swap(squares, residue_at, contacts, cold)
        round_number += 1
    return best, best_squares


@njit(cache=True)
def _swap(squares: np.ndarray, residue_at: np.ndarray, contacts: np.ndarray, cold: int) -> None:
    """Exchanges two neighbouring replicas' walks."""
    for array in (squares, residue_at):
        kept = array[cold].copy()
        array[cold] = array[cold + 1]
        array[cold + 1] = kept
    contacts[cold], contacts[cold + 1] = contacts[cold + 1], contacts[cold]


@njit(cache=True)
def _step(
    hydrophobic: np.ndarray,
    width: int,
    temperature: float,
    squares: np.ndarray,
    residue_at: np.ndarray,
    contacts: int,
    dice: np.random.Generator,
) -> int:
    """Contacts after a pull move that was taken, or refused by Metropolis' rule."""
    before = squares.copy()
    while not _pull(width, squares, residue_at, dice):
        pass
    after = _count(hydrophobic, width, squares, residue_at)
    if after >= contacts or dice.random() < np.exp((after - contacts) / temperature):
        return after
    for square in squares:
        residue_at[square] = _EMPTY
    squares[:] = before
    for residue, square in enumerate(squares):
        residue_at[square] = residue
    return contacts


@njit(cache=True)
def _count(hydrophobic: np.ndarray, width: int, squares: np.ndarray, residue_at: np.ndarray) -> int:
    """Contacts of a whole walk."""
    count = 0
    for residue, square in enumerate(squares):
        if hydrophobic[residue]:
            for direction in range(2):
                other = residue_at[_beside(square, direction, width)]
                if other != _EMPTY and hydrophobic[other] and abs(other - residue) > 1:
                    count += 1
    return count


@njit(cache=True)
def _beside(square: int, direction: int, width: int) -> int:
    """The square to the right, above, to the left or below."""
    row, column = square // width, square % width
    if direction == 0:
        column += 1
    elif direction == 1:
        row += 1
    elif direction == 2:
        column -= 1
    else:
        row -= 1
    return row % width * width + column % width


@njit(cache=True)
def _adjacent(one: int, other: int, width: int) -> bool:
    """Whether two squares lie side by side."""
    rows = (one // width - other // width) % width
    columns = (one % width - other % width) % width
    return min(rows, width - rows) + min(columns, width - columns) == 1


@njit(cache=True)
def _pull(
    width: int, squares: np.ndarray, residue_at: np.ndarray, dice: np.random.Generator
) -> bool:
    """A random pull move, if what was drawn is possible; whether it was.

    Residues count from either end. Residue i moves to a free square beside i + 1, and diagonal to
    where it was; i - 1 to the fourth corner of that square, unless it is there already; and each
    before them to where the next but one was, until the walk is whole. At its end the walk may
    also be pulled straight on by two free squares.
    """
    size = len(squares)
    backwards = dice.random() < 0.5
    i = int(dice.integers(1, size + 1))
    last = size - 1
    direction, turn = int(dice.integers(0, 4)), int(dice.integers(0, 4))
    if i == size:
        corner = _beside(_get(squares, last, backwards), direction, width)
        place = _beside(corner, turn, width)
        if residue_at[corner] != _EMPTY or residue_at[place] != _EMPTY:
            return False
        i = last
    elif i == last:
        # Nothing holds the last residue but its bond: it turns about the one before.
        return _turn_end(squares, residue_at, backwards, direction, width)
    else:
        here = _get(squares, i, backwards)
        place = _beside(_get(squares, i + 1, backwards), direction, width)
        corner = _fourth_corner(here, _get(squares, i + 1, backwards), place, width)
        if corner == _EMPTY or residue_at[place] != _EMPTY:
            return False
        if corner == _get(squares, i - 1, backwards):
            _move(squares, residue_at, i, place, backwards)
            return True
        if residue_at[corner] != _EMPTY:
            return False
    one_on, two_on = _get(squares, i - 1, backwards), _get(squares, i, backwards)
    _move(squares, residue_at, i, place, backwards)
    _move(squares, residue_at, i - 1, corner, backwards)
    _follow(width, squares, residue_at, i - 2, one_on, two_on, backwards)
    return True


@njit(cache=True)
def _follow(
    width: int,
    squares: np.ndarray,
    residue_at: np.ndarray,
    first: int,
    one_on: int,
    two_on: int,
    backwards: bool,
) -> None:
    """Residues from `first` back to the beginning move up by two places until the walk is whole."""
    for j in range(first, -1, -1):
        old = _get(squares, j, backwards)
        if _adjacent(old, _get(squares, j + 1, backwards), width):
            return
        _move(squares, residue_at, j, two_on, backwards)
        one_on, two_on = old, one_on


@njit(cache=True)
def _turn_end(
    squares: np.ndarray, residue_at: np.ndarray, backwards: bool, direction: int, width: int
) -> bool:
    """The last residue goes to another free square beside the one before it, if it is free."""
    last = len(squares) - 1
    place = _beside(_get(squares, last - 1, backwards), direction, width)
    if residue_at[place] != _EMPTY:
        return False
    _move(squares, residue_at, last, place, backwards)
    return True


@njit(cache=True)
def _fourth_corner(here: int, following: int, place: int, width: int) -> int:
    """The square beside `here` and `place` other than `following`; none if they are in line."""
    for direction in range(4):
        corner = _beside(here, direction, width)
        if corner != following and _adjacent(corner, place, width):
            return corner
    return _EMPTY


@njit(cache=True)
def _get(squares: np.ndarray, residue: int, backwards: bool) -> int:
    """The square of a residue, counted from either end."""
    return squares[len(squares) - 1 - residue] if backwards else squares[residue]


@njit(cache=True)
def _move(
    squares: np.ndarray, residue_at: np.ndarray, residue: int, place: int, backwards: bool
) -> None:
    """Lays a residue elsewhere; what it leaves is free unless another is there by now."""
    index = len(squares) - 1 - residue if backwards else residue
    if residue_at[squares[index]] == index:
        residue_at[squares[index]] = _EMPTY
    squares[index] = place
    residue_at[place] = index


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=int, default=64, help="residues")
    options = parser.parse_args()
    print("| chain | best known | found | seconds |\n|---|---|---|---|")
    for name, chain, known in read_standard(options.longest):
        begin = time.perf_counter()
        found, _ = most_contacts(chain, options.steps, options.seed)
        print(f"| {name} | {known} | {found} | {time.perf_counter() - begin:.1f} |", flush=True)


if __name__ == "__main__":
    main()
