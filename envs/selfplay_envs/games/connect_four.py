"""Connect Four: drop stones into columns; whoever gets four in a row wins.

Rules: players alternate; a stone falls to the lowest empty square of its column; the first to
have `in_a_row` stones in a row, column or diagonal wins; a full board is a draw. The standard
game (6 rows, 7 columns, 4 in a row) is a win for the first player (J. Allis, "A Knowledge-based
Approach of Connect-Four", 1988; J. D. Allen, 1988).

Encoding: two boards of packed rows (see `bit_rows`), row 0 at the top; action c drops a stone
into column c.
"""

import csv
import importlib.resources

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

_BUCKETS = ("begin", "middle", "end")


class ConnectFourState(State):
    """A position."""

    stones: jax.Array
    """uint [2, rows]: the mover's stones, then the opponent's; row 0 is the top."""


class ConnectFour(Game[ConnectFourState]):
    """Connect Four on a board of any size up to 32 by 32."""

    version = "1"

    def __init__(self, *, rows: int = 6, columns: int = 7, in_a_row: int = 4):
        bit_rows.check_size("rows", rows, 1, 32)
        bit_rows.check_size("columns", columns, 1, bit_rows.MAX_COLUMNS)
        bit_rows.check_size("in_a_row", in_a_row, 2, max(rows, columns, 2))
        self.rows, self.columns, self.in_a_row = rows, columns, in_a_row
        self.num_actions = columns
        self.num_players = 2
        self.max_steps = rows * columns
        self.observation_spec = ArraySpec(shape=(rows, columns, 2))
        self.num_symmetries = 2
        self.open_spiel = f"connect_four(rows={rows},columns={columns},x_in_row={in_a_row})"

    def start(self) -> ConnectFourState:
        """An empty board."""
        return ConnectFourState.start(2, stones=bit_rows.empty(self.rows, self.columns))

    def play(self, state: ConnectFourState, action: jax.Array) -> ConnectFourState:
        """Drops the mover's stone; a full board is a dead end, hence a draw."""
        dtype = state.stones.dtype
        mine, theirs = state.stones
        occupied = mine | theirs
        ground = jnp.full(1, 2**self.columns - 1, dtype)
        supported = jnp.concatenate([occupied[1:], ground])
        mine = mine | ~occupied & supported & (dtype.type(1) << action.astype(dtype))
        won = bit_rows.has_line(mine, self.in_a_row)
        return state.replace(
            stones=jnp.stack([theirs, mine]),
            current_player=jnp.int8(1) - state.current_player,
            rewards=jnp.where(won, zero_sum(state.current_player, jnp.float32(1)), 0.0),
            terminated=won,
        )

    def legal(self, state: ConnectFourState) -> jax.Array:
        """bool [columns]: where the top square is empty."""
        return bit_rows.unpack(~(state.stones[0, 0] | state.stones[1, 0]), self.columns)

    def view(self, state: ConnectFourState) -> jax.Array:
        """float32 [rows, columns, 2]: the mover's stones, then the opponent's."""
        return jnp.moveaxis(self._planes(state), 0, -1).astype(jnp.float32)

    def mirror(
        self, state: ConnectFourState, index: jax.Array
    ) -> tuple[ConnectFourState, jax.Array]:
        """Symmetry 1 swaps left and right."""
        reversed_stones = bit_rows.reverse_columns(state.stones, self.columns)
        columns = jnp.arange(self.columns, dtype=jnp.int32)
        swap = index == 1
        return (
            state.replace(stones=jnp.where(swap, reversed_stones, state.stones)),
            jnp.where(swap, columns[::-1], columns),
        )

    def draw(self, state: ConnectFourState) -> str:
        """The board with column numbers below, X for the first player, and who moves."""
        mine, theirs = np.asarray(self._planes(state))
        first, second = (mine, theirs) if int(state.current_player) == 0 else (theirs, mine)
        width = len(str(self.columns))
        board = np.where(first, "X", np.where(second, "O", "."))
        numbers = [self.format_action(action) for action in range(self.columns)]
        lines = [" ".join(cell.rjust(width) for cell in line) for line in [*board, numbers]]
        won = bool(bit_rows.has_line(state.stones[1], self.in_a_row))
        return "\n".join([*lines, bit_rows.caption(state, won, bool((mine | theirs).all()))])

    def board(self, state: ConnectFourState) -> BoardPicture:
        """A rack, each column's target being its lowest empty hole."""
        owners = bit_rows.owners(state, np.asarray(self._planes(state)))
        room = (owners == -1).sum(0)
        return BoardPicture(
            owners=owners,
            targets=tuple(
                Target(int(left - 1) * self.columns + column if left else None)
                for column, left in enumerate(room)
            ),
            winning=bit_rows.line_squares(owners, self.in_a_row),
            look="rack",
        )

    def format_action(self, action: int) -> str:
        """The column's number, from 1."""
        return str(action + 1)

    def estimate(self, state: ConnectFourState) -> jax.Array:
        """Compares the lines still open to each player; see `bit_rows.open_lines`."""
        lead = bit_rows.open_lines(self._planes(state), self.in_a_row)
        return lead / (jnp.abs(lead) + 30.0)

    def solved_positions(self) -> SolvedPositions | None:
        """1,500 positions of the standard board, see `connect_four_solved.md`; else None.

        Scores grow with how early the win comes.
        """
        if (self.rows, self.columns, self.in_a_row) != (6, 7, 4):
            return None
        source = importlib.resources.files("selfplay_envs.games") / "connect_four_solved.csv"
        table = list(csv.DictReader(source.read_text(encoding="utf-8").splitlines()))
        moves = np.full((len(table), self.max_steps), -1, np.int32)
        for played, row in zip(moves, table, strict=True):
            played[: len(row["moves"])] = [int(column) - 1 for column in row["moves"]]
        scores = [[row[f"score_{c + 1}"] or "nan" for c in range(7)] for row in table]
        return SolvedPositions(
            problem=(),
            state=jax.jit(jax.vmap(self._replay))(moves),
            action_values=jnp.asarray(np.array(scores, np.float32)),
            bucket=jnp.asarray([_BUCKETS.index(row["bucket"]) for row in table], jnp.int32),
            bucket_names=_BUCKETS,
        )

    def _planes(self, state: ConnectFourState) -> jax.Array:
        """bool [2, rows, columns]."""
        return bit_rows.unpack(state.stones, self.columns)

    def _replay(self, moves: jax.Array) -> ConnectFourState:
        """The position after int32 [T] moves, -1 where none is left."""

        def advance(state: ConnectFourState, move: jax.Array):
            moved = self.step((), state, move)
            return jax.tree.map(lambda new, old: jnp.where(move < 0, old, new), moved, state), None

        return jax.lax.scan(advance, self.start(), moves)[0]
