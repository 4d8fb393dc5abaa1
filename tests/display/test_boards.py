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
