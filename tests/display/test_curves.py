"""Charts: ticks, thinning, and where points come to lie."""

import re
import xml.etree.ElementTree

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from matplotlib.ticker import MaxNLocator

from selfplay.display import curves
from selfplay.display.curves import Series, line_chart, thin, ticks, ticks_within

numbers = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


@hypothesis.given(numbers, numbers)
def test_ticks_enclose_and_are_evenly_round(a, b):
    low, high = min(a, b), max(a, b)
    found = np.array(ticks(low, high))
    slack = 1e-6 * (high - low + 1.0)
    assert found[0] <= low + slack and found[-1] >= high - slack
    assert 2 <= len(found) <= 9
    step = np.diff(found)
    np.testing.assert_allclose(step, step[0], rtol=1e-6)
    assert any(np.isclose(step[0] / 10 ** np.floor(np.log10(step[0]) + 1e-9), k) for k in (1, 2, 5))


@pytest.mark.parametrize("high", [1.0, 4.0, 7.0, 40.0, 250.0, 1e5])
def test_ticks_are_those_that_matplotlib_chooses(high):
    theirs = MaxNLocator(nbins=4, steps=[1, 2, 5, 10]).tick_values(0.0, high)
    np.testing.assert_allclose(ticks(0.0, high), theirs)


@hypothesis.given(numbers, st.floats(1e-3, 1e6))
def test_ticks_within_are_as_round_and_never_outside(low, length):
    high = low + length
    found = np.array(ticks_within(low, high))
    assert 3 <= len(found) <= 9
    slack = 1e-6 * (abs(low) + abs(high))
    assert low - slack <= found[0] and found[-1] <= high + slack
    step = np.diff(found)
    np.testing.assert_allclose(step, step[0], rtol=1e-3)
    assert any(np.isclose(step[0] / 10 ** np.floor(np.log10(step[0]) + 1e-9), k) for k in (1, 2, 5))


def test_one_point_has_one_tick():
    assert ticks_within(3.0, 3.0) == [3.0]


@hypothesis.given(st.integers(1, 3_000))
def test_thinning_keeps_the_mean(count):
    points = [(float(x), float(x % 7)) for x in range(count)]
    thinned = thin(points)
    assert len(thinned) <= curves.MOST_POINTS
    if count <= curves.MOST_POINTS:
        assert thinned == points
    if count % len(thinned) == 0:
        np.testing.assert_allclose(np.mean(thinned, axis=0), np.mean(points, axis=0))


def test_points_lie_where_they_should():
    line = Series("<b>", [(0.0, 0.0), (5.0, 1.0), (10.0, 0.5)])
    svg = line_chart([line], x_label="x & y", limits=(0.0, 1.0))
    root = xml.etree.ElementTree.fromstring(svg)
    (path,) = (e for e in root.iter("path") if "line" in e.attrib["class"])
    at = np.array(re.findall(r"[\d.]+", path.attrib["d"]), float).reshape(-1, 2)
    left, right = curves.LEFT, curves.WIDTH - curves.RIGHT
    np.testing.assert_allclose(at[:, 0], [left, (left + right) / 2, right])
    top, bottom = curves.TOP, curves.HEIGHT - curves.BOTTOM
    np.testing.assert_allclose(at[:, 1], [bottom, top, (top + bottom) / 2])
    assert path.find("title").text == "<b>"
    assert "x & y" in [text.text for text in root.iter("text")]


@pytest.mark.parametrize("points", [[(1.0, 2.0)], [(1.0, 2.0), (2.0, 2.0)]])
def test_few_or_level_points_are_drawn(points):
    root = xml.etree.ElementTree.fromstring(line_chart([Series("a", points)], x_label="x"))
    assert len(list(root.iter("circle"))) == (len(points) == 1)
    assert "nan" not in xml.etree.ElementTree.tostring(root, "unicode")
