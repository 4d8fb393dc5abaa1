"""The pairs of laws that provers are measured on: 100 of each stratum, drawn once.

    SELFPLAY_DATA=FOLDER python -m benchmarks.equational.pairs    # draws them again: the same ones

They are of the `test` split of the implications of the Equational Theories Project (T. Tao et al.,
2024), all where a stratum has fewer. `pairs.csv` holds laws' numbers; where the file they are from
is there, readers check them against it.
"""

import csv
import functools
import io
import math
import os
import random
from pathlib import Path
from typing import NamedTuple

from selfplay.files import write_text

STRATA = (
    *("SimpleRewrites", "TrivialBruteforce", "EquationSearch", "MagmaEgg", "VampireProven"),
    *("random_true", "random_false"),
)
"""By how the project settled them, from easy to hard; then any that are true, any that are not."""

FALSE = "random_false"
"""The stratum of which nothing may be proved."""

EACH = 100
"""Pairs of a stratum, at most."""

FILE = Path(__file__).with_name("pairs.csv")

SEED = 0


class Pair(NamedTuple):
    """Does one law imply another?"""

    hypothesis: int
    """Its number, from 1, in the project's order."""
    conclusion: int


def read() -> dict[str, list[Pair]]:
    """Those drawn, by stratum in the order of `STRATA`.

    Raises:
        ValueError: SELFPLAY_DATA is set, and its file has others in the test split.
    """
    with FILE.open(encoding="ascii", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {
        stratum: [
            Pair(int(row["hypothesis"]), int(row["conclusion"]))
            for row in rows
            if row["stratum"] == stratum
        ]
        for stratum in STRATA
    }
    if "SELFPLAY_DATA" in os.environ:
        for stratum, pairs in found.items():
            if wrong := set(pairs).difference(split("test")[stratum]):
                raise ValueError(
                    f"{FILE.name} must hold pairs of the test split of implications.csv alone, but "
                    f"{stratum} has {sorted(wrong)[0]}; draw them again, or use the file they are "
                    "from"
                )
    return found


@functools.cache
def split(name: str) -> dict[str, list[Pair]]:
    """All pairs of a split, `train` or `test`, by stratum, as the file has them.

    Raises:
        SystemExit: there is no such file.
    """
    path = source()
    found: dict[str, list[Pair]] = {stratum: [] for stratum in STRATA}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == name:
                pair = Pair(int(row["hypothesis"]), int(row["conclusion"]))
                found[row["stratum"]].append(pair)
    return found


def source() -> Path:
    """The file of all pairs. Raises SystemExit where there is none, saying what it takes."""
    folder, name = os.environ.get("SELFPLAY_DATA"), "equational_theories/implications.csv"
    if not folder or not (Path(folder) / name).is_file():
        raise SystemExit(
            f"set SELFPLAY_DATA to the folder that holds {name} (now {folder or 'not set'})"
        )
    return Path(folder) / name


def interval(count: int, total: int) -> str:
    """Share in percent, with Wilson's 95 % interval over pairs."""
    if total == 0:
        return "–"
    share, z2 = count / total, 1.96**2 / total
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(z2 * share * (1 - share) + z2**2 / 4) / (1 + z2)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return f"{100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def draw(seed: int = SEED, each: int = EACH) -> dict[str, list[Pair]]:
    """So many different pairs of each stratum of the test split, in order of their numbers."""
    drawn = {}
    for stratum, pairs in split("test").items():
        there = sorted(set(pairs))
        rng = random.Random(f"{seed} {stratum}")
        drawn[stratum] = sorted(rng.sample(there, min(each, len(there))))
    return drawn


def main() -> None:
    """Writes the table."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["stratum", *Pair._fields])
    writer.writerows((stratum, *pair) for stratum, pairs in draw().items() for pair in pairs)
    write_text(FILE, table.getvalue())


if __name__ == "__main__":
    main()
