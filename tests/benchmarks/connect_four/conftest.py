"""Positions for the solver's tests."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.connect_four.board import Position


@pytest.fixture(scope="session")
def random_position():
    """`random_position(seed, ply)`: random legal moves, none of which wins; None if all would."""

    def play(seed, ply):
        rng = np.random.default_rng(seed)
        position, moves = Position(0, 0), ""
        while len(moves) < ply:
            quiet = [c for c in position.legal() if not position.wins(c)]
            if not quiet:
                return None
            column = int(rng.choice(quiet))
            position, moves = position.play(column), f"{moves}{column + 1}"
        return position, moves

    return play
