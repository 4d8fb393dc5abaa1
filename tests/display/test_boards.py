"""Positions as pictures: each stone once, in its place."""

import re
import xml.etree.ElementTree

import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.display import boards
from selfplay.environment.picture import BoardPicture, Target
from tests import worlds


def drawn(**options):
    owners = np.array([[0, 1, -1], [-1, 0, -1]])
    targets = (*map(Target, range(6)), Target(None))
    picture = BoardPicture(owners=owners, targets=targets, **options)
    svg = boards.board(picture, played=2, best=(3, 5, 6))
    return list(xml.etree.ElementTree.fromstring(svg).iter())


def starts(elements, name):
    """Where the strokes of a path of this class begin: rows and columns."""
    (path,) = (e for e in elements if e.get("class") == name)
    found = re.findall(r"M(\d+)\.\d+ (\d+)\.", path.get("d"))
    return sorted((int(row), int(column)) for column, row in found)


@pytest.mark.parametrize("stones", ["discs", "crosses"])
@pytest.mark.parametrize("look", ["grid", "rack"])
def test_stones_lie_on_their_squares(look, stones):
    elements = drawn(look=look, stones=stones, winning=(0, 4))
    assert starts(elements, "stone p0") == [(0, 0), (1, 1)]
    assert starts(elements, "stone p1") == [(0, 1)]
    assert starts(elements, "won") == [(0, 0), (1, 1)]


def test_hexagons_touch_their_six_neighbours_and_no_other():
    """Centres one apart; a row lies half a hexagon to the right of the one above."""
    elements = drawn(look="hexagons", winning=tuple(range(6)))
    (path,) = (e for e in elements if e.get("class") == "won")
    found = re.findall(r"M([\d.]+) ([\d.]+)h0", path.get("d"))
    centres = np.array(found, float)
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    touching = {
        tuple(pair) for pair in np.argwhere(np.abs(apart - 1) < 1e-3).tolist() if pair[0] < pair[1]
    }
    assert touching == {(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5), (1, 3), (2, 4)}
    assert [e.get("class") for e in elements if "edge" in e.get("class", "")] == [
        *("edge p0",) * 2,
        *("edge p1",) * 2,
    ]


def test_moves_are_ringed():
    rings = [(e.get("class"), e.get("cx"), e.get("cy")) for e in drawn() if e.get("r")]
    assert rings == [("best", "0.5", "1.5"), ("best", "2.5", "1.5"), ("played", "2.5", "0.5")]


def test_without_a_board_its_text_stands_escaped():
    class Angular(worlds.Nim):
        def draw(self, state):
            return f"<{int(state.heap)} & more>"

    env = Angular()
    state = env.init().replace(heap=jnp.int8(3))
    assert boards.draw(env, (), state) == '<pre class="position">&lt;3 &amp; more&gt;</pre>'
