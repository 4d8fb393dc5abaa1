"""The solved positions that ship are those of the project's shared data, where that is at hand."""

import importlib.resources
import os
from pathlib import Path

import pytest


def test_solved_positions_are_the_shared_ones():
    folder = os.environ.get("SELFPLAY_DATA")
    if folder is None:
        pytest.skip("SELFPLAY_DATA is not set")
    shared = (Path(folder) / "connect_four_solved.csv").read_bytes()
    shipped = importlib.resources.files("selfplay_envs.games") / "connect_four_solved.csv"
    assert shipped.read_bytes().splitlines() == shared.splitlines()
