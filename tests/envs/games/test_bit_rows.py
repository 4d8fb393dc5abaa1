"""Packed rows against the plain board."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from selfplay_envs.games import bit_rows

LENGTHS = (2, 3, 4, 5, 9, 20)
SHAPES = [(3, 3), (6, 7), (5, 8), (4, 9), (2, 16), (9, 17), (3, 32), (12, 1)]


def lines(plane, length):
    """The sums over all lines of `length` squares, found the slow way."""
    rows, columns = plane.shape
    for row in range(rows):
        for column in range(columns):
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                squares = [(row + i * down, column + i * right) for i in range(length)]
                if all(r < rows and 0 <= c < columns for r, c in squares):
                    yield sum(int(plane[square]) for square in squares)


boards = st.sampled_from(SHAPES).flatmap(lambda shape: hnp.arrays(np.bool_, shape))


@functools.partial(jax.jit, static_argnums=1)
def there_and_back(plane, columns):
    rows = bit_rows.pack(plane)
    mirrored = bit_rows.reverse_columns(rows, columns)
    return rows, bit_rows.unpack(rows, columns), bit_rows.unpack(mirrored, columns)


@given(boards)
def test_packing_loses_nothing_and_reversing_mirrors(plane):
    rows, again, mirrored = there_and_back(plane, plane.shape[1])
    assert rows.dtype == bit_rows.dtype_for(plane.shape[1])
    np.testing.assert_array_equal(again, plane)
    np.testing.assert_array_equal(mirrored, plane[:, ::-1])


@pytest.mark.parametrize("shape", SHAPES)
def test_lines_are_found_and_counted(shape):
    random = np.random.default_rng(0)
    planes = random.random((60, *shape)) < random.random((60, 1, 1))

    @jax.jit
    @jax.vmap
    def every_length(plane):
        rows = bit_rows.pack(plane)
        found = [bit_rows.has_line(rows, length) for length in LENGTHS]
        fitting = [length for length in LENGTHS if length <= max(shape)]
        return jnp.stack(found), [bit_rows.line_counts(plane, length) for length in fitting]

    found, counts = jax.device_get(every_length(planes))
    for number, plane in enumerate(planes):
        for which, length in enumerate(LENGTHS):
            slow = sorted(lines(plane, length))
            assert found[number, which] == (length in slow)
            if which < len(counts):
                assert sorted(counts[which][number].tolist()) == slow


def test_leading_axes_are_allowed():
    planes = np.random.default_rng(0).random((2, 6, 7)) < 0.5
    packed = jax.vmap(bit_rows.pack)(planes)
    assert packed.shape == (2, 6)
    np.testing.assert_array_equal(bit_rows.pack(planes), packed)
    np.testing.assert_array_equal(bit_rows.unpack(packed, 7), planes)


HEXAGONS = ((-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0))
CROSS = ((-1, 0), (0, -1), (0, 1), (1, 0))


def kernel(steps):
    """The steps and staying, as image analysis wants them."""
    shape = np.zeros((3, 3), bool)
    shape[1, 1] = True
    for down, right in steps:
        shape[1 + down, 1 + right] = True
    return shape


@pytest.mark.parametrize("steps", [CROSS, HEXAGONS, ((1, 0),), ((0, -1),)])
@pytest.mark.parametrize("shape", [(1, 5), (5, 8), (9, 9), (3, 19)])
def test_neighbours_are_one_step_away(shape, steps):
    planes = np.random.default_rng(0).random((20, *shape)) < 0.2
    rows = bit_rows.pack(planes)
    beside = bit_rows.unpack(bit_rows.neighbours(rows, steps), shape[1])
    for plane, found in zip(planes, np.asarray(beside), strict=True):
        ours = np.asarray(found | plane)
        np.testing.assert_array_equal(ours, ndimage.binary_dilation(plane, kernel(steps)))


@pytest.mark.parametrize("steps", [CROSS, HEXAGONS])
@pytest.mark.parametrize("shape", [(1, 5), (5, 8), (9, 9), (12, 19)])
def test_a_flood_is_the_same_through_any_batch_axes(shape, steps):
    random = np.random.default_rng(0)
    seeds, inside = random.random((2, 3, 4, 5, *shape)) < np.array([0.1, 0.7]).reshape(2, *[1] * 5)
    expected = np.zeros_like(seeds)
    for index in np.ndindex(seeds.shape[:3]):
        reached = ndimage.binary_propagation(
            seeds[index] & inside[index], kernel(steps), inside[index]
        )
        expected[index] = reached
    flood = functools.partial(bit_rows.flood, steps=steps)
    packed = bit_rows.pack(seeds), bit_rows.pack(inside)
    for function in (flood, jax.vmap(flood), jax.vmap(jax.vmap(flood, 1, 1), 1, 1)):
        found = bit_rows.unpack(jax.jit(function)(*packed), shape[1])
        np.testing.assert_array_equal(found, expected)
    one = bit_rows.pack(seeds[0, 0]), bit_rows.pack(inside[0, 0, 0])
    same_inside = bit_rows.unpack(jax.vmap(flood, (0, None))(*one), shape[1])
    for index in range(5):
        start = seeds[0, 0, index] & inside[0, 0, 0]
        reached = ndimage.binary_propagation(start, kernel(steps), inside[0, 0, 0])
        np.testing.assert_array_equal(same_inside[index], reached)


def test_open_lines_are_weighed_by_the_square_of_their_stones():
    planes = np.zeros((2, 1, 4), bool)
    planes[0, 0, :2] = True
    assert float(bit_rows.open_lines(planes, 3)) == 4 + 1
    planes[1, 0, 3] = True
    assert float(bit_rows.open_lines(planes, 3)) == 4
    assert float(bit_rows.open_lines(planes[::-1], 3)) == -4


@pytest.mark.parametrize(
    ("size", "near"), [(0, 1), (33, 32), (7.0, 7), (True, 1), ("six", 1), (None, 1)]
)
def test_a_wrong_size_says_what_would_do(size, near):
    with pytest.raises(ValueError, match=f"columns must be a whole number from 1 to 32.*={near}$"):
        bit_rows.check_size("columns", size, 1, 32)


owned = st.sampled_from(SHAPES[:5]).flatmap(
    lambda shape: hnp.arrays(np.int8, shape, elements=st.integers(-1, 1))
)


@given(owned, st.sampled_from([2, 3, 4]))
def test_squares_on_lines_are_those_that_an_opening_keeps(owners, length):
    """A morphological opening by a line keeps what some such line covers."""
    shapes = np.ones((1, length)), np.ones((length, 1)), np.eye(length), np.eye(length)[::-1]
    kept = np.zeros(owners.shape, bool)
    for player in (0, 1):
        for shape in shapes:
            kept |= ndimage.binary_opening(owners == player, shape)
    assert bit_rows.line_squares(owners, length) == tuple(np.flatnonzero(kept))
