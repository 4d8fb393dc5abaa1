"""Training against search as a person sees it."""

import io

import numpy as np
import pytest
from rich.console import Console

from selfplay.display import frontier as display
from selfplay.evaluation.compute import Compute
from selfplay.evaluation.depth import Estimate
from selfplay.evaluation.exchange import Plane
from selfplay.evaluation.study import Study
from selfplay.frontier import Frontier

NETWORK = {"kind": "mlp", "width": 8, "depth": 1, "parameters": 1234}
MACHINE = {"processor": "abacus", "devices": "1 × bead", "jax": "1.0"}


def known(measure="kept", search=0.5):
    shares = [0.6, 0.8, 0.9]
    row = tuple(Estimate(share, share - 0.01, share + 0.01) for share in shares)
    return Frontier(
        study=Study({"env": "marbles", "run": "bag"}, NETWORK, MACHINE),
        measure=measure,
        iterations=(0, 16, 32),
        simulations=(0, 4, 16),
        quality=(row, row, row),
        training=tuple(Compute(1e6 * k, 1e9 * k) for k in range(3)),
        search=tuple(Compute(n + 1.0, 1e3 * n) for n in (0, 4, 16)),
        seconds=(0.0, 60.0, None),
        plane=Plane(np.array([-2.0, 0.5, search]), np.diag([1e-6, 1e-6, 1e-6]), 0.93),
    )


def text_of(shown):
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(shown)
    return console.export_text()


def test_the_grid_is_a_table():
    said = text_of(display.table(known()))
    for part in ("marbles: moves that keep the value, %", "1.0e+06", "2.0e+09", "80.0", "1.0 "):
        assert part in said
    assert "+1 " in text_of(display.table(known("elo")))


def test_the_exchange_rate_is_said_with_its_interval():
    said = display.sentence(known())
    assert said.startswith(
        "Ten times less training is made up for by 10.0 times more search (9.9 to"
    )
    assert "Jones 2021 found 15" in said and "93 % of the variance" in said


def test_no_rate_is_said_too():
    assert display.sentence(known(search=0.0)).startswith("No exchange rate")


@pytest.mark.parametrize("measure", ["kept", "elo"])
def test_it_is_drawn(tmp_path, measure):
    png, svg = display.draw(known(measure), tmp_path / "frontier")
    assert png.read_bytes().startswith(b"\x89PNG") and "</svg>" in svg.read_text()
