"""The standard chains of the HP model, with what is known of them, from the shared data."""

import csv
import itertools
import os
from pathlib import Path
from typing import NamedTuple

from selfplay_envs.science.hp_designed import left_first


class Standard(NamedTuple):
    """A chain that the literature measures by."""

    name: str
    chain: str
    contacts: int
    """The most known."""


def read_standard(longest: int) -> list[Standard]:
    """The standard chains of at most so many residues. Raises ValueError without their file."""
    rows = csv.DictReader(_read("square.csv").splitlines())
    chains = [Standard(row["name"], row["sequence"], -int(row["best_known_E"])) for row in rows]
    return [standard for standard in chains if len(standard.chain) <= longest]


def read_ground_states(name: str) -> set[str]:
    """Every fold of most contacts of the chain "2D-24" or "2D-25": turns L, S, R, first one L.

    Raises ValueError without their file.
    """
    lines = _read(f"all_ground_states_{name.replace('-', '_')}.txt").split()
    return {left_first(turns_of_steps(line)) for line in lines}


def turns_of_steps(steps: str) -> str:
    """Turns L, S, R from steps R, U, L, D on the lattice."""
    headings = ["RULD".index(step) for step in steps]
    return "".join("SL?R"[(b - a) % 4] for a, b in itertools.pairwise(headings))


def _read(name: str) -> str:
    """A file of the shared data."""
    path = Path(os.environ.get("SELFPLAY_DATA", "")) / "hp_lattice" / name
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ValueError(
            f"no file {path}; set SELFPLAY_DATA to the folder that has hp_lattice/{name}"
        ) from None
