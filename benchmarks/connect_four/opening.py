"""The 67,557 positions after 8 plies of Connect Four in which nobody has won and no move is forced.

One of each mirror pair, with exact scores. The positions and their values are J. Tromp's
"Connect-4" data set of the UCI Machine Learning Repository (1995). The file is not part of the
project: the environment variable SELFPLAY_DATA names the folder that holds it.
"""

import csv
import gzip
import os
from pathlib import Path

import numpy as np

from benchmarks.connect_four.board import ROWS, SQUARES, STRIDE, Position
from benchmarks.connect_four.solver import make_book

FILE = "connect_four_8ply.csv.gz"


def find_file() -> Path | None:
    """The file, or None where there is none."""
    folder = os.environ.get("SELFPLAY_DATA")
    path = None if folder is None else Path(folder) / FILE
    return path if path is not None and path.is_file() else None


def read_positions(path: Path) -> tuple[list[Position], list[int]]:
    """All positions, the first player to move, and their scores.

    A row has 42 squares column by column from the bottom ("x" the first player, "o" the second,
    "b" blank), then win, loss or draw for x, then the score. Raises ValueError at another.
    """
    positions, scores = [], []
    with gzip.open(path, "rt", encoding="ascii", newline="") as file:
        for row in csv.reader(file):
            squares, word, score = row[:SQUARES], row[SQUARES], int(row[SQUARES + 1])
            if word != ("draw", "win", "loss")[(score > 0) - (score < 0)]:
                raise ValueError(f"{path}: a score of {score} is no {word}, in {row}")
            positions.append(Position(_bits(squares, "x"), _bits(squares, "xo")))
            scores.append(score)
    return positions, scores


def read_book() -> np.ndarray:
    """The file as the solver's book.

    Raises ValueError where there is no file: without it the first moves take hours.
    """
    path = find_file()
    if path is None:
        raise ValueError(
            f"the solver needs {FILE} for its opening book; set SELFPLAY_DATA to its folder "
            f"(now {os.environ.get('SELFPLAY_DATA', 'not set')})"
        )
    return make_book(*read_positions(path))


def _bits(squares: list[str], players: str) -> int:
    return sum(
        1 << STRIDE * (i // ROWS) + i % ROWS for i, who in enumerate(squares) if who in players
    )
