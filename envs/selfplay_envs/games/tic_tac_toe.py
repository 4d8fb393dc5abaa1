"""Tic-tac-toe: three in a row on a board of nine squares.

Rules: players alternate; each puts a stone on an empty square; the first whose stones fill a
row, column or diagonal wins; a full board is a draw. Larger boards need as many in a row as
they have rows. The standard game is a draw; it has 5,478 reachable positions, 4,520 of them
unfinished (checked by enumeration in the tests).

Encoding: two boards of packed rows (see `bit_rows`); actions number the squares row by row.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import (
    ArraySpec,
    BoardPicture,
    Game,
    SolvedPositions,
    State,
    Target,
    zero_sum,
)
from selfplay_envs.games import bit_rows

_BUCKETS = ("early", "middle", "late")
"""Of solved positions: up to 2 stones, 3 to 5, and 6 or more."""

_LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
_POWERS = 3 ** np.arange(9, dtype=np.int32)


class TicTacToeState(State):
    """A position."""

    stones: jax.Array
    """uint [2, size]: the mover's stones, then the opponent's."""


class TicTacToe(Game[TicTacToeState]):
    """Tic-tac-toe on a square board of `size` 3 to 32; `size` in a row wins."""

    version = "1"

    def __init__(self, *, size: int = 3):
        bit_rows.check_size("size", size, 3, bit_rows.MAX_COLUMNS)
        self.size = size
        self.num_actions = size * size
        self.num_players = 2
        self.max_steps = size * size
        self.observation_spec = ArraySpec(shape=(size, size, 2))
        self.num_symmetries = 8
        self.open_spiel = "tic_tac_toe" if size == 3 else f"mnk(m={size},n={size},k={size})"
        self._sources = bit_rows.symmetry_sources(size)

    def start(self) -> TicTacToeState:
        """An empty board."""
        return TicTacToeState.start(2, stones=bit_rows.empty(self.size, self.size))

    def play(self, state: TicTacToeState, action: jax.Array) -> TicTacToeState:
        """Puts the mover's stone; a full board is a dead end, hence a draw."""
        dtype = state.stones.dtype
        mine, theirs = state.stones
        row, column = action // self.size, (action % self.size).astype(dtype)
        here = jnp.arange(self.size, dtype=jnp.int32) == row
        mine = mine | here.astype(dtype) << column
        won = bit_rows.has_line(mine, self.size)
        return state.replace(
            stones=jnp.stack([theirs, mine]),
            current_player=jnp.int8(1) - state.current_player,
            rewards=jnp.where(won, zero_sum(state.current_player, jnp.float32(1)), 0.0),
            terminated=won,
        )

    def legal(self, state: TicTacToeState) -> jax.Array:
        """bool [size * size]: the empty squares."""
        return bit_rows.unpack(~(state.stones[0] | state.stones[1]), self.size).reshape(-1)

    def view(self, state: TicTacToeState) -> jax.Array:
        """float32 [size, size, 2]: the mover's stones, then the opponent's."""
        return jnp.moveaxis(self._planes(state), 0, -1).astype(jnp.float32)

    def mirror(self, state: TicTacToeState, index: jax.Array) -> tuple[TicTacToeState, jax.Array]:
        """Bit 0 of the index swaps left and right, bit 1 top and bottom, bit 2 transposes."""
        planes = self._planes(state)
        sources = jnp.asarray(self._sources)[index]
        moved = planes.reshape(2, -1)[:, sources].reshape(planes.shape)
        permutation = jnp.asarray(np.argsort(self._sources, axis=1).astype(np.int32))[index]
        return state.replace(stones=bit_rows.pack(moved)), permutation

    def draw(self, state: TicTacToeState) -> str:
        """The board, each empty square showing the number that plays it, and who moves."""
        mine, theirs = np.asarray(self._planes(state)).reshape(2, -1)
        first, second = (mine, theirs) if int(state.current_player) == 0 else (theirs, mine)
        width = len(str(self.num_actions))
        names = [self.format_action(action) for action in range(self.num_actions)]
        squares = np.where(first, "X", np.where(second, "O", names)).reshape(self.size, -1)
        lines = [" | ".join(name.rjust(width) for name in row) for row in squares]
        rule = "\n" + "-+-".join(["-" * width] * self.size) + "\n"
        won = bool(bit_rows.has_line(state.stones[1], self.size))
        return rule.join(lines) + "\n" + bit_rows.caption(state, won, bool((mine | theirs).all()))

    def board(self, state: TicTacToeState) -> BoardPicture:
        """Crosses and noughts on a grid."""
        owners = bit_rows.owners(state, np.asarray(self._planes(state)))
        return BoardPicture(
            owners=owners,
            targets=tuple(Target(square) for square in range(self.num_actions)),
            winning=bit_rows.line_squares(owners, self.size),
            stones="crosses",
        )

    def format_action(self, action: int) -> str:
        """The square's number, from 1 at the top left, row by row."""
        return str(action + 1)

    def estimate(self, state: TicTacToeState) -> jax.Array:
        """Compares the lines still open to each player; see `bit_rows.open_lines`."""
        lead = bit_rows.open_lines(self._planes(state), self.size)
        return lead / (jnp.abs(lead) + self.size**2)

    def oracle(self, problem: tuple[()], state: TicTacToeState) -> jax.Array | None:
        """float32 [9]: 1 wins, 0 draws, -1 loses; None unless the size is 3.

        After the end every action is legal and worth 0.
        """
        return self._exact_values(state) if self.size == 3 else None

    def solved_positions(self) -> SolvedPositions | None:
        """All 4,520 unfinished positions, by number of stones; None unless the size is 3."""
        if self.size != 3:
            return None
        boards = np.array([board for board, values in _solve().items() if values], np.int32)
        count = (boards > 0).sum(1, dtype=np.int32)
        stones = np.stack([boards == 1, boards == 2], 1).reshape(-1, 2, 3, 3)
        state, values = jax.jit(jax.vmap(self._solved_position))(stones, count)
        return SolvedPositions(
            problem=(),
            state=state,
            action_values=values,
            bucket=jnp.asarray(count // 3),
            bucket_names=_BUCKETS,
        )

    def _solved_position(
        self, planes: jax.Array, count: jax.Array
    ) -> tuple[TicTacToeState, jax.Array]:
        """The state with stones bool [2, 3, 3], `count` in all, and its exact action values."""
        state = self.start().replace(
            current_player=(count % 2).astype(jnp.int8),
            step_count=count.astype(jnp.int16),
            stones=bit_rows.pack(planes),
        )
        return state, self._exact_values(state)

    def _exact_values(self, state: TicTacToeState) -> jax.Array:
        mine, theirs = self._planes(state).astype(jnp.int32).reshape(2, -1)
        index = ((mine + 2 * theirs) * _POWERS).sum(dtype=jnp.int32)
        values = jnp.asarray(_action_values())[index].astype(jnp.float32)
        values = jnp.where(self.legal(state), values, jnp.nan)
        return jnp.where(state.ended, 0.0, values)

    def _planes(self, state: TicTacToeState) -> jax.Array:
        """bool [2, size, size]."""
        return bit_rows.unpack(state.stones, self.size)


Board = tuple[int, ...]
"""Nine squares: 0 empty, 1 the mover's, 2 the opponent's."""


@functools.cache
def _solve() -> dict[Board, dict[int, int]]:
    """Every reachable position, with the exact value of each legal action; none after the end."""
    solved: dict[Board, dict[int, int]] = {}

    def value(board: Board) -> int:
        """Negamax: what the mover gets under perfect play."""
        lost = any(all(board[square] == 2 for square in line) for line in _LINES)
        if board not in solved:
            empty = [] if lost else [square for square in range(9) if board[square] == 0]
            solved[board] = {square: -value(_after(board, square)) for square in empty}
        return -1 if lost else max(solved[board].values(), default=0)

    value((0,) * 9)
    return solved


def _after(board: Board, square: int) -> Board:
    """The board after the mover takes `square`, as the next player sees it."""
    taken = (*board[:square], 1, *board[square + 1 :])
    return tuple((0, 2, 1)[stone] for stone in taken)


@functools.cache
def _action_values() -> np.ndarray:
    """int8 [3 ** 9, 9]: the exact value of each action, by the board read as a ternary number."""
    table = np.zeros((3**9, 9), np.int8)
    for board, values in _solve().items():
        for square, value in values.items():
            table[np.dot(board, _POWERS), square] = value
    return table
