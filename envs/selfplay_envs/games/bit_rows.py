"""Boards packed as one unsigned integer per row: bit c of a row is its column c.

A row takes 8, 16 or 32 bits, the fewest that hold its columns. Everything here is shifts and
slices: it fuses into neighbouring operations and vectorises under `jax.vmap`. In shapes, `...`
is any leading axes and `R`, `C` are the numbers of rows and columns.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import State

MAX_COLUMNS = 32

_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Right, down, down-right and down-left, as steps of rows and columns."""


def check_size(name: str, size: object, low: int, high: int) -> None:
    """Raises ValueError unless `size` is a whole number from `low` to `high`."""
    if isinstance(size, bool) or not isinstance(size, int) or not low <= size <= high:
        near = min(max(int(size), low), high) if isinstance(size, int | float) else low
        raise ValueError(
            f"{name} must be a whole number from {low} to {high}, got {size!r}; try {name}={near}"
        )


def dtype_for(columns: int) -> np.dtype:
    """The smallest unsigned integer that holds a row of `columns` (1 to 32)."""
    check_size("columns", columns, 1, MAX_COLUMNS)
    return np.dtype(np.uint8 if columns <= 8 else np.uint16 if columns <= 16 else np.uint32)


def empty(rows: int, columns: int) -> jax.Array:
    """uint [2, R]: no stones of either player."""
    return jnp.zeros((2, rows), dtype_for(columns))


def unpack(rows: jax.Array, columns: int) -> jax.Array:
    """uint [..., R] to bool [..., R, C]."""
    bits = jnp.arange(columns, dtype=rows.dtype).reshape((1,) * rows.ndim + (columns,))
    return (rows[..., None] >> bits & rows.dtype.type(1)).astype(bool)


def pack(plane: jax.Array) -> jax.Array:
    """bool [..., R, C] to uint [..., R]."""
    dtype = dtype_for(plane.shape[-1])
    bits = jnp.arange(plane.shape[-1], dtype=dtype).reshape((1,) * (plane.ndim - 1) + (-1,))
    return (plane.astype(dtype) << bits).sum(-1, dtype=dtype)


def reverse_columns(rows: jax.Array, columns: int) -> jax.Array:
    """The board seen in a mirror, uint [..., R]: column c becomes C - 1 - c.

    Reverses the whole word by swapping ever wider neighbours (Warren, Hacker's Delight, 7-1),
    then drops the bits that no column uses.
    """
    word = rows.dtype.type
    width = 8 * rows.dtype.itemsize
    ones = 2**width - 1
    for half in (1, 2, 4, 8, 16):
        if half < width:
            low = word(ones // (2**half + 1))
            rows = (rows & low) << word(half) | rows >> word(half) & low
    return rows >> word(width - columns)


def symmetry_sources(size: int) -> np.ndarray:
    """int32 [8, size * size]: for each symmetry of a square board, each square's source.

    Symmetry k's square i shows what was on square `sources[k, i]`: bit 0 of k swaps left and
    right, bit 1 top and bottom, bit 2 transposes.
    """
    board = np.arange(size * size, dtype=np.int32).reshape(size, size)
    sources = []
    for index in range(8):
        moved = board[:, ::-1] if index & 1 else board
        moved = moved[::-1] if index & 2 else moved
        sources.append((moved.T if index & 4 else moved).reshape(-1))
    return np.stack(sources)


def shift_down(rows: jax.Array) -> jax.Array:
    """The board one row lower, uint [..., R]; the top row becomes empty, the last is lost."""
    return jnp.concatenate([jnp.zeros_like(rows[..., :1]), rows[..., :-1]], -1)


def shift_up(rows: jax.Array) -> jax.Array:
    """The board one row higher, uint [..., R]; the last row becomes empty, the top is lost."""
    return jnp.concatenate([rows[..., 1:], jnp.zeros_like(rows[..., :1])], -1)


def flood(
    seeds: jax.Array, inside: jax.Array, neighbours: Callable[[jax.Array], jax.Array]
) -> jax.Array:
    """All squares that paths from `seeds` reach without leaving `inside`: uint [..., R].

    `neighbours` gives the squares next to some square of a board. Each round but the last adds
    a square, so there are no more rounds than squares; seeds outside are not squares reached.
    """

    def grow(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        filled, _ = carry
        # Two steps a round: looking whether anything has changed costs as much as a step.
        more = filled | neighbours(filled) & inside
        more = more | neighbours(more) & inside
        return more, (more != filled).any()

    seeds = seeds & inside
    return jax.lax.while_loop(lambda carry: carry[1], grow, (seeds, (seeds != 0).any()))[0]


@functools.partial(jax.jit, static_argnames="length")
def has_line(rows: jax.Array, length: int) -> jax.Array:
    """bool []: whether uint [R] holds `length` in a row: across, down or on a diagonal."""
    starts = jnp.zeros_like(rows)
    for down, right in _DIRECTIONS:
        starts = starts | _run_starts(rows, length, down, right)
    return jax.lax.reduce_or(starts, axes=(0,)) != 0


def line_counts(planes: jax.Array, length: int) -> jax.Array:
    """Stones on each line of `length` squares: int8 [..., L] from bool [..., R, C]."""
    rows, columns = planes.shape[-2:]
    counts = []
    for down, right in _DIRECTIONS:
        height, width = rows - down * (length - 1), columns - abs(right) * (length - 1)
        if height <= 0 or width <= 0:
            continue
        corner = (length - 1) * max(-right, 0)
        windows = (
            planes[..., i * down :, corner + i * right :][..., :height, :width].astype(jnp.int8)
            for i in range(length)
        )
        counts.append(sum(windows, jnp.int8(0)).reshape(*planes.shape[:-2], -1))
    return jnp.concatenate(counts, axis=-1)


def open_lines(planes: jax.Array, length: int) -> jax.Array:
    """How much better the first player's lines are than the second's: float32 [].

    From bool [2, R, C]. A line that holds stones of one player only counts for that player,
    with the square of their number: what is nearly complete outweighs what is begun.
    """
    ours, theirs = line_counts(planes, length).astype(jnp.float32)
    return jnp.where(theirs == 0, ours**2, 0).sum() - jnp.where(ours == 0, theirs**2, 0).sum()


def owners(state: State, planes: np.ndarray) -> np.ndarray:
    """int8 [R, C]: whose stone is on each square, 0 or 1, or -1 for nobody's.

    From bool [2, R, C]: the mover's stones, then the opponent's.
    """
    mover = int(state.current_player)
    return np.where(planes[0], mover, np.where(planes[1], 1 - mover, -1)).astype(np.int8)


def line_squares(owners: np.ndarray, length: int) -> tuple[int, ...]:
    """The squares, row by row, on which a player has `length` in a row; from int [R, C]."""
    rows, columns = owners.shape
    found: set[int] = set()
    for row, column in np.argwhere(owners >= 0).tolist():
        for down, right in _DIRECTIONS:
            end = column + right * (length - 1)
            if row + down * (length - 1) >= rows or not 0 <= end < columns:
                continue
            line = [(row + i * down, column + i * right) for i in range(length)]
            if all(owners[square] == owners[row, column] for square in line):
                found |= {r * columns + c for r, c in line}
    return tuple(sorted(found))


def caption(state: State, won: bool, full: bool) -> str:
    """The line under a drawing: who moves, or how the game ended.

    `won` says that the player who moved last has a line, `full` that no square is empty.
    """
    mover, other = ("X", "O") if int(state.current_player) == 0 else ("O", "X")
    if not state.terminated:
        return f"{mover} to move"
    if won:
        return f"{other} has won"
    return "a draw" if full else f"{mover} has lost by an illegal move"


def _run_starts(rows: jax.Array, length: int, down: int, right: int) -> jax.Array:
    """uint [R]: the squares at which a run of `length` begins, found by doubling."""
    have = 1
    while have < length:
        step = min(have, length - have)
        amount = rows.dtype.type(step)
        ahead = rows
        if down:
            below = min(step, rows.shape[0])
            ahead = jnp.concatenate([rows[below:], jnp.zeros(below, rows.dtype)])
        if right != 0:
            ahead = ahead >> amount if right > 0 else ahead << amount
        rows = rows & ahead
        have += step
    return rows
