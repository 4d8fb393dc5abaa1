"""Breakthrough: step forward and capture diagonally; whoever reaches the far side wins.

Rules: a piece steps one square forward, straight or diagonally, on an empty square; diagonally it
may also capture. The first to reach the opponent's home row, or to capture every piece, wins;
there are no draws and nobody is ever stuck, since the square diagonally before one's foremost
piece is never one's own. Each player fills two rows, on boards of fewer than six rows one.
Player 0 (X) begins, at the top, and moves down, as black does in OpenSpiel. Dan Troyka, 2000.
Boards of 6x5 were solved by A. Saffidine, N. Jouandeau and T. Cazenave ("Solving Breakthrough
with Race Patterns and Job-Level Proof Number Search", 2011).

Encoding: two boards of packed rows (see `bit_rows`) as the mover sees them, row 0 the mover's
home row; columns are never turned. An action names the player too, so that its name (a7a6) means
the same whoever moves: player 0's moves come first, then player 1's. A player's moves run from
the home row on; within a row come steps to the left from its columns 1 and up, straight steps,
and steps to the right from all columns but the last, left and right as the drawing has them.
Every action is possible on the board somewhere: 2 * (rows - 1) * (3 * columns - 2) in all.
"""

import re
import string

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import ArraySpec, BoardPicture, Game, State, Target, zero_sum
from selfplay_envs.games import bit_rows

_WRITTEN = re.compile(r"([a-z]\d+)[x-]?([a-z]\d+)[x*]?")


class BreakthroughState(State):
    """A position."""

    stones: jax.Array
    """uint [2, rows]: the mover's pieces, then the opponent's; row 0 is the mover's home row."""


class Breakthrough(Game[BreakthroughState]):
    """Breakthrough on a board of 2 to 32 rows and 2 to 26 columns."""

    version = "1"

    def __init__(self, *, rows: int = 8, columns: int = 8):
        bit_rows.check_size("rows", rows, 2, 32)
        bit_rows.check_size("columns", columns, 2, len(string.ascii_lowercase))
        self.rows, self.columns = rows, columns
        self._home_rows = 2 if rows >= 6 else 1
        self._steps = _steps(rows, columns)
        self.num_actions = 2 * len(self._steps)
        self.num_players = 2
        # Every piece may come as far as the last row but one; then one more step wins.
        advance = sum(rows - 2 - row for row in range(self._home_rows))
        self.max_steps = 2 * columns * advance + 1
        self.observation_spec = ArraySpec(shape=(rows, columns, 2))
        self.num_symmetries = 2
        self.open_spiel = f"breakthrough(rows={rows},columns={columns})"
        self._clicks = self._targets()

    def start(self) -> BreakthroughState:
        """Each player's home rows filled."""
        planes = np.zeros((2, self.rows, self.columns), bool)
        planes[0, : self._home_rows] = planes[1, self.rows - self._home_rows :] = True
        return BreakthroughState.start(2, stones=bit_rows.pack(jnp.asarray(planes)))

    def play(self, state: BreakthroughState, action: jax.Array) -> BreakthroughState:
        """Moves a piece, capturing what stands where it goes."""
        mine, theirs = state.stones
        row, source, target = jnp.asarray(self._steps)[action % len(self._steps)]
        rows = jnp.arange(self.rows, dtype=jnp.int32)
        dtype = mine.dtype
        left = (rows == row).astype(dtype) << source.astype(dtype)
        entered = (rows == row + 1).astype(dtype) << target.astype(dtype)
        mine, theirs = mine & ~left | entered, theirs & ~entered
        won = (mine[-1] != 0) | ~(theirs != 0).any()
        return state.replace(
            stones=jnp.stack([theirs, mine])[:, ::-1],
            current_player=jnp.int8(1) - state.current_player,
            rewards=jnp.where(won, zero_sum(state.current_player, jnp.float32(1)), 0.0),
            terminated=won,
        )

    def legal(self, state: BreakthroughState) -> jax.Array:
        """bool [num_actions]: no piece takes its own, or what stands straight ahead."""
        mine, theirs = state.stones
        word = mine.dtype.type
        here, ours_ahead, theirs_ahead = mine[:-1], mine[1:], theirs[1:]
        left = bit_rows.unpack(here & ~(ours_ahead << word(1)), self.columns)[:, 1:]
        straight = bit_rows.unpack(here & ~(ours_ahead | theirs_ahead), self.columns)
        right = bit_rows.unpack(here & ~(ours_ahead >> word(1)), self.columns)[:, :-1]
        moves = jnp.concatenate([left, straight, right], axis=1).reshape(-1)
        first = state.current_player == 0
        return jnp.concatenate([moves & first, moves & ~first])

    def view(self, state: BreakthroughState) -> jax.Array:
        """float32 [rows, columns, 2]: the mover's pieces, then the opponent's, from row 0."""
        return jnp.moveaxis(self._planes(state), 0, -1).astype(jnp.float32)

    def mirror(
        self, state: BreakthroughState, index: jax.Array
    ) -> tuple[BreakthroughState, jax.Array]:
        """Symmetry 1 swaps left and right."""
        swap = index == 1
        reversed_stones = bit_rows.reverse_columns(state.stones, self.columns)
        # Within a row, the last step to the right mirrors the first to the left, and so on.
        actions = jnp.arange(self.num_actions, dtype=jnp.int32)
        mirrored = actions.reshape(-1, 3 * self.columns - 2)[:, ::-1].reshape(-1)
        return (
            state.replace(stones=jnp.where(swap, reversed_stones, state.stones)),
            jnp.where(swap, mirrored, actions),
        )

    def draw(self, state: BreakthroughState) -> str:
        """The board with its coordinates, X for the first player, and who moves."""
        owners = self._owners(state)
        width = len(str(self.rows))
        board = np.where(owners == 0, "X", np.where(owners == 1, "O", "."))
        ranks = range(self.rows, 0, -1)
        lines = [" ".join([str(n).rjust(width), *row]) for n, row in zip(ranks, board, strict=True)]
        lines += [" ".join([" " * width, *string.ascii_lowercase[: self.columns]])]
        won = bool(self._winning(owners)) or not (owners == int(state.current_player)).any()
        return "\n".join([*lines, bit_rows.caption(state, won, full=False)])

    def board(self, state: BreakthroughState) -> BoardPicture:
        """Discs on a grid, moved from square to square."""
        owners = self._owners(state)
        return BoardPicture(
            owners=owners,
            targets=self._clicks,
            winning=self._winning(owners),
        )

    def format_action(self, action: int) -> str:
        """The squares it leaves and enters, such as a7a6; a1 is at the bottom left."""
        row, source, target = self._steps[action % len(self._steps)].tolist()
        ranks = self.rows - row, self.rows - row - 1
        if action >= len(self._steps):
            ranks = row + 1, row + 2
        letters = string.ascii_lowercase
        return f"{letters[source]}{ranks[0]}{letters[target]}{ranks[1]}"

    def parse_action(self, text: str) -> int:
        """As `format_action` writes it; captures may be marked: b6c5x, b6c5* or b6xc5."""
        written = _WRITTEN.fullmatch(text.strip().lower())
        return super().parse_action("".join(written.groups()) if written else text)

    def estimate(self, state: BreakthroughState) -> jax.Array:
        """Compares pieces, each worth the more the farther it has come.

        A piece on row r (from 0) of R weighs 1 + 16 (r / (R - 1))^4: one step from the far side
        of eight rows it is worth ten at home. Steep weights foresee who wins random games best.
        """
        ways = np.arange(self.rows, dtype=np.float32) / (self.rows - 1)
        weights = jnp.asarray(1 + 16 * ways**4)
        mine, theirs = jax.lax.population_count(state.stones).astype(jnp.float32)
        lead = (mine * weights).sum() - (theirs * weights[::-1]).sum()
        return lead / (jnp.abs(lead) + 8.0)

    def _targets(self) -> tuple[Target, ...]:
        """Where each action begins and ends."""
        board = np.arange(self.rows * self.columns).reshape(self.rows, self.columns)
        targets = []
        for seen in (board, board[::-1]):
            row, source, target = self._steps.T
            squares = zip(seen[row + 1, target].tolist(), seen[row, source].tolist(), strict=True)
            targets += [Target(after, source=before) for after, before in squares]
        return tuple(targets)

    def _owners(self, state: BreakthroughState) -> np.ndarray:
        """int8 [rows, columns]: whose piece is on each square, player 0's home row first."""
        owners = bit_rows.owners(state, np.asarray(self._planes(state)))
        return owners if int(state.current_player) == 0 else owners[::-1]

    def _winning(self, owners: np.ndarray) -> tuple[int, ...]:
        """The square on which a piece has come to the far side, if one has."""
        reached = np.zeros(owners.shape, bool)
        reached[0], reached[-1] = owners[0] == 1, owners[-1] == 0
        return tuple(np.flatnonzero(reached).tolist())

    def _planes(self, state: BreakthroughState) -> jax.Array:
        """bool [2, rows, columns], as the mover sees the board."""
        return bit_rows.unpack(state.stones, self.columns)


def _steps(rows: int, columns: int) -> np.ndarray:
    """int32 [moves, 3]: the row each move leaves, the column it leaves, the one it enters."""
    left = [(column, column - 1) for column in range(1, columns)]
    straight = [(column, column) for column in range(columns)]
    right = [(column, column + 1) for column in range(columns - 1)]
    within = [*left, *straight, *right]
    return np.array([(row, *step) for row in range(rows - 1) for step in within], np.int32)
