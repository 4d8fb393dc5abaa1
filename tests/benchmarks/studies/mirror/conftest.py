import pytest

pytest.importorskip("numba", reason="numba comes with selfplay[benchmarks]")

from benchmarks.studies.mirror.truth import Truth
from selfplay_envs.games.connect_four import ConnectFour


@pytest.fixture(scope="session")
def truth():
    """The 4 by 4 board, which is solved in a moment."""
    return Truth(ConnectFour(rows=4, columns=4))
