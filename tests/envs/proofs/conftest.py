"""The ILTP library, and published presentations and paths of Andrews–Curtis moves."""

import ast
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of data with known answers; skips where it is absent."""
    if "SELFPLAY_DATA" not in os.environ:
        pytest.skip("SELFPLAY_DATA is not set")
    return Path(os.environ["SELFPLAY_DATA"])


@pytest.fixture(scope="session")
def iltp(data) -> list[Path]:
    """The library's files."""
    return sorted((data / "iltp").glob("*.p"))


def words(row):
    """A published row of two padded relators."""
    half = len(row) // 2
    return tuple(tuple(letter for letter in word if letter) for word in (row[:half], row[half:]))


@pytest.fixture(scope="session")
def published(data):
    """`read(name)`: the rows of a file of AC-Solver's, as Python reads them."""

    def read(name):
        lines = (data / "andrews_curtis" / f"{name}.txt").read_text().splitlines()
        return [ast.literal_eval(line) for line in lines]

    return read


@pytest.fixture(scope="session")
def published_paths(published):
    """`(relators, [(move, total length after it), …])` of each path, in AC-Solver's numbers."""
    starts = map(words, published("greedy_solved_presentations"))
    paths = [path[1:] for path in published("greedy_search_paths")]  # the first move is a dummy
    return list(zip(starts, paths, strict=True))
