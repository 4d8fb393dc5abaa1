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

Steps = tuple[tuple[int, int], ...]
"""From a square to its neighbours, as steps of rows and columns from -1 to 1."""

Rows = tuple[jax.Array, ...]
"""The rows of boards, each uint [...]."""

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


def neighbours(rows: jax.Array, steps: Steps) -> jax.Array:
    """The squares one of `steps` away from some square: uint, as `rows` [..., R].

    Bits beyond the board may be set.
    """
    found = jnp.zeros_like(rows)
    for down in (-1, 0, 1):
        line = jnp.zeros_like(rows)
        for right in (right for step, right in steps if step == down):
            line = line | _shift(rows, right)
        found = found | _lower(line, down)
    return found


def _shift(rows: jax.Array, right: int) -> jax.Array:
    """The squares `right` columns to the right."""
    amount = rows.dtype.type(abs(right))
    return rows << amount if right > 0 else rows >> amount


def _lower(rows: jax.Array, down: int) -> jax.Array:
    """The board `down` rows lower, 1, 0 or -1; the row that nothing comes to is empty."""
    if down == 0:
        return rows
    none = jnp.zeros_like(rows[..., :1])
    pair = [none, rows[..., :-1]] if down > 0 else [rows[..., 1:], none]
    return jnp.concatenate(pair, axis=-1)


def flood(seeds: jax.Array, inside: jax.Array, steps: Steps) -> jax.Array:
    """All squares that paths from `seeds` reach in `steps` without leaving `inside`.

    From uint [..., R] both; a seed outside is not reached either. Along a row every square is
    next to the last one, and for each step there is the one back.
    """
    if not {(0, -1), (0, 1)} <= set(steps) or set(steps) != {(-d, -r) for d, r in steps}:
        raise ValueError(f"steps must go both ways along rows and each there and back, got {steps}")
    first = (jnp.moveaxis(rows, -1, 0) for rows in (seeds, inside))
    return jnp.moveaxis(_flood_by(steps)(*first), 0, -1)


@functools.cache
def _flood_by(steps: Steps) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """`flood` for uint [R, ...], under `jax.vmap` with the batch behind the rows.

    It sweeps down the board and up again, filling row after row, until nothing changes: a path
    takes as many sweeps as it turns back, where a square a round would take its length. Each row
    is an array of its own, and the same is done for the whole batch, which compilers make
    vectors of.
    """

    def sweep(carry: tuple[Rows, Rows, jax.Array]) -> tuple[Rows, Rows, jax.Array]:
        before, inside, _ = carry
        filled = list(before)
        for down in (1, -1):
            rights = [right for step, right in steps if step == down]
            for row in range(len(filled))[::down]:
                last = filled[row - down] if 0 <= row - down < len(filled) else None
                entered = [] if last is None else [_shift(last, right) for right in rights]
                filled[row] = _fill_row(
                    functools.reduce(jnp.bitwise_or, entered, filled[row]), inside[row]
                )
        changed = [(new != old).any() for new, old in zip(filled, before, strict=True)]
        return tuple(filled), inside, jnp.stack(changed).any()

    @jax.custom_batching.custom_vmap
    def fill(seeds: jax.Array, inside: jax.Array) -> jax.Array:
        # Each sweep but the last adds a square: there are no more sweeps than squares.
        start = tuple(seeds & inside), tuple(inside), (seeds != 0).any()
        return jnp.stack(jax.lax.while_loop(lambda carry: carry[2], sweep, start)[0])

    @fill.def_vmap
    def _(size: int, batched: list[bool], *boards: jax.Array) -> tuple[jax.Array, bool]:
        whole = (
            board if has_axis else jnp.broadcast_to(board, (size, *board.shape))
            for board, has_axis in zip(boards, batched, strict=True)
        )
        filled = fill(*(jnp.moveaxis(board, 0, -1) for board in whole))
        return jnp.moveaxis(filled, -1, 0), True

    return fill


def _fill_row(seeds: jax.Array, inside: jax.Array) -> jax.Array:
    """The runs of squares of `inside` that hold one of `seeds`: uint [...], a row each.

    Towards the higher columns by a carry: adding its first seed to a run clears all bits from
    there on. Towards the lower by doubling steps (Kogge-Stone).
    """
    seeds = seeds & inside
    filled = inside & ~(inside + seeds) | seeds
    way = inside
    for step in (1, 2, 4, 8, 16):
        if step < 8 * seeds.dtype.itemsize:
            amount = seeds.dtype.type(step)
            filled = filled | way & filled >> amount
            way = way & way >> amount
    return filled


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
