"""Standard chains with known folds, as steps R, U, L, D on the lattice."""

import csv
import itertools
import os
from pathlib import Path

import pytest

STANDARD = {
    "HPHPPHHPHPPHPHHPPHPH": (9, "RUULDLULULDDRDLDRRU RUULDLULLDRDRDLDRRU"),
    "HHHPPHPHPHPPHPHPHPPH": (10, "RUULDLDDRDRURURUULD"),
    "HHPPHPPHPPHPPHPPHPPHPPHH": (9, "UULDLDRDRDDRUURURULULDD RUUULURURDRDLDDDRDLDLUL"),
    "PPHPPHHPPPPHHPPPPHHPPPPHH": (8, "RRURDRRRDLLDRDLLULLLURRR RULURULURRDRURDDLDDDLUUU"),
    "PPPHHPPHHPPPPPHHHHHHHPPHHPPPPHHPPHPP": (14, "RRDDLDRDDRDRUULURULUURDRURDDLDRDLDR"),
}
"""Chain to its most contacts known, and folds that have them."""


def turns(steps):
    """0 left, 1 straight, 2 right, for each step but the first."""
    headings = ["RULD".index(step) for step in steps]
    return [(1 + old - new) % 4 for old, new in itertools.pairwise(headings)]


@pytest.fixture(scope="session")
def standard():
    """`(chain, contacts, turns)` of each fold above."""
    return [
        (chain, contacts, turns(steps))
        for chain, (contacts, folds) in STANDARD.items()
        for steps in folds.split()
    ]


@pytest.fixture(scope="session")
def shared():
    """`(chain, contacts, turns)` of every fold in the project's shared data."""
    if "SELFPLAY_DATA" not in os.environ:
        pytest.skip("SELFPLAY_DATA is not set")
    folder = Path(os.environ["SELFPLAY_DATA"]) / "hp_lattice"
    rows = list(csv.DictReader((folder / "square.csv").read_text().splitlines()))
    found = [
        (row["sequence"], -int(row["certificate_E"]), turns(row["certificate_walk_RULD"]))
        for row in rows
    ]
    of_name = {row["name"].upper().removeprefix("2D-"): row for row in rows}
    for path in sorted(folder.glob("all_ground_states_2D_*.txt")):
        row = of_name[path.stem.removeprefix("all_ground_states_2D_")]
        found += [
            (row["sequence"], -int(row["best_known_E"]), turns(steps))
            for steps in path.read_text().split()
        ]
    return found
