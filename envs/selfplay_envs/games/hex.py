"""Hex: whoever connects their two sides of the board wins.

Rules: players alternate, each putting a stone on an empty square; the first player connects top
and bottom, the second left and right. A square has six neighbours: those in its row and column,
the one above to the right and the one below to the left. A full board has exactly one winner
(D. Gale, "The Game of Hex and the Brouwer Fixed-Point Theorem", 1979), so there are no draws,
and the first player wins by stealing (J. Nash, 1949). Hence the swap rule, an option: instead of
their first stone, the second player may take over the first player's, mirrored along the main
diagonal so that it serves the other two sides as it served the first two.

These are the rules of OpenSpiel's `hex`, `swap` as there; pgx's `hex` always has the swap.

Encoding: two boards of packed rows (see `bit_rows`), row 0 at the top; actions number the
squares row by row, and the last, with `swap`, is the swap.
"""

import collections
import functools

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import ArraySpec, BoardPicture, Game, State, Target, zero_sum
from selfplay_envs.games import bit_rows

_STEPS = ((-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0))
"""From a square to its neighbours, as steps of rows and columns."""

SWAP = "swap"


class HexState(State):
    """A position."""

    stones: jax.Array
    """uint [2, size]: the mover's stones, then the opponent's; row 0 is the top."""


class Hex(Game[HexState]):
    """Hex on a board of `size` 2 to 19, with the swap rule if `swap`."""

    version = "1"

    def __init__(self, *, size: int = 11, swap: bool = False):
        bit_rows.check_size("size", size, 2, 19)
        if not isinstance(swap, bool):
            raise ValueError(f"swap must be true or false, got {swap!r}; try swap=true")
        self.size, self.swap = size, swap
        self.num_actions = size * size + swap
        self.num_players = 2
        self.max_steps = size * size + swap
        self.observation_spec = ArraySpec(shape=(size, size, 3))
        self.num_symmetries = 2
        self.open_spiel = f"hex(board_size={size},swap={swap})"

    def start(self) -> HexState:
        """An empty board."""
        return HexState.start(2, stones=bit_rows.empty(self.size, self.size))

    def play(self, state: HexState, action: jax.Array) -> HexState:
        """Puts the mover's stone, or takes over the opponent's only one."""
        mine, theirs = state.stones
        stone = self._stone(action)
        won = self._connects(bit_rows.flood(stone, mine | stone, _STEPS), state.current_player)
        stones = jnp.stack([theirs, mine | stone])
        if self.swap:
            taken = bit_rows.pack(self._planes(state)[1].T)
            swapped = jnp.stack([jnp.zeros_like(theirs), taken])
            stones = jnp.where(action == self.size**2, swapped, stones)
        return state.replace(
            stones=stones,
            current_player=jnp.int8(1) - state.current_player,
            rewards=jnp.where(won, zero_sum(state.current_player, jnp.float32(1)), 0.0),
            terminated=won,
        )

    def legal(self, state: HexState) -> jax.Array:
        """bool [num_actions]: the empty squares; the swap for the second player's first move."""
        empty = bit_rows.unpack(~(state.stones[0] | state.stones[1]), self.size).reshape(-1)
        if not self.swap:
            return empty
        return jnp.concatenate([empty, state.step_count[None] == 1])

    def view(self, state: HexState) -> jax.Array:
        """float32 [size, size, 3]: the mover's stones, the opponent's, and who moves.

        The last plane is 0 for the first player, who connects top and bottom, 1 for the second.
        """
        planes = jnp.moveaxis(self._planes(state), 0, -1).astype(jnp.float32)
        mover = jnp.full((self.size, self.size, 1), state.current_player, jnp.float32)
        return jnp.concatenate([planes, mover], -1)

    def mirror(self, state: HexState, index: jax.Array) -> tuple[HexState, jax.Array]:
        """Symmetry 1 turns the board by half a turn."""
        turned = bit_rows.reverse_columns(state.stones, self.size)[:, ::-1]
        squares = jnp.arange(self.size**2, dtype=jnp.int32)
        others = jnp.arange(self.size**2, self.num_actions, dtype=jnp.int32)
        turn = index == 1
        return (
            state.replace(stones=jnp.where(turn, turned, state.stones)),
            jnp.concatenate([jnp.where(turn, squares[::-1], squares), others]),
        )

    def draw(self, state: HexState) -> str:
        """The slanted board, X for the first player (top to bottom), and who moves."""
        owners = self._owners(state)
        width = len(str(self.size))
        lines = [" " * (width + 1) + " ".join(self._column(c) for c in range(self.size))]
        for row, line in enumerate(owners):
            squares = " ".join(".XO"[owner + 1] for owner in line)
            lines.append(" " * row + f"{row + 1:{width}} {squares}")
        won = bool(_connection(owners, 1 - int(state.current_player)))
        return "\n".join([*lines, bit_rows.caption(state, won, full=False)])

    def board(self, state: HexState) -> BoardPicture:
        """Stones on a grid; a shortest chain between the winner's sides is marked."""
        owners = self._owners(state)
        targets = [Target(square) for square in range(self.size**2)]
        return BoardPicture(
            owners=owners,
            targets=(*targets, *[Target(None)] * self.swap),
            winning=_connection(owners, 1 - int(state.current_player)),
        )

    def format_action(self, action: int) -> str:
        """The column's letter and the row's number, such as c2; or `swap`."""
        row, column = divmod(action, self.size)
        return SWAP if row == self.size else f"{self._column(column)}{row + 1}"

    def estimate(self, state: HexState) -> jax.Array:
        """Compares how many stones each player still needs to connect, with none in between.

        The mover is ahead by half a stone where both need as many.
        """
        planes = self._planes(state)
        first, second = jnp.where(state.current_player == 0, planes, planes[::-1])
        needed = jax.vmap(_stones_needed)(
            jnp.stack([first, second.T]), jnp.stack([second, first.T])
        ).astype(jnp.float32)
        lead = needed[1 - state.current_player] - needed[state.current_player] + 0.5
        return lead / (jnp.abs(lead) + 2.0)

    def _planes(self, state: HexState) -> jax.Array:
        """bool [2, size, size]."""
        return bit_rows.unpack(state.stones, self.size)

    def _owners(self, state: HexState) -> np.ndarray:
        """int8 [size, size]: whose stone is on each square, or -1."""
        return bit_rows.owners(state, np.asarray(self._planes(state)))

    def _stone(self, action: jax.Array) -> jax.Array:
        """uint [size]: the one square of `action`; none for the swap."""
        dtype = bit_rows.dtype_for(self.size)
        row, column = action // self.size, (action % self.size).astype(dtype)
        return (jnp.arange(self.size, dtype=jnp.int32) == row).astype(dtype) << column

    def _connects(self, chain: jax.Array, player: jax.Array) -> jax.Array:
        """bool []: whether uint [size], one chain of stones, touches both sides of `player`."""
        all_rows = jax.lax.reduce_or(chain, axes=(0,))
        last = chain.dtype.type(1 << self.size - 1)
        first = chain.dtype.type(1)
        across = (all_rows & first != 0) & (all_rows & last != 0)
        return jnp.where(player == 0, (chain[0] != 0) & (chain[-1] != 0), across)

    def _column(self, column: int) -> str:
        """The letter of a column."""
        return chr(ord("a") + column)


def _stones_needed(mine: jax.Array, theirs: jax.Array) -> jax.Array:
    """int16 []: with how many more stones the owner of bool [N, N] connects top and bottom.

    More than N * N where the stones of `theirs`, bool [N, N], leave no way. The shortest paths
    are Bellman's (1958): no more rounds than squares.
    """
    size = mine.shape[0]
    never = jnp.int16(size * size + 1)
    price = jnp.where(mine, jnp.int16(0), jnp.where(theirs, never, jnp.int16(1)))

    def relax(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        distance, _ = carry
        ringed = jnp.pad(distance, 1, constant_values=never).at[0].set(0)
        nearest = [ringed[1 + r : 1 + r + size, 1 + c : 1 + c + size] for r, c in _STEPS]
        better = jnp.minimum(distance, functools.reduce(jnp.minimum, nearest) + price)
        return better, (better != distance).any()

    start = jnp.full((size, size), never), jnp.bool_(True)
    return jax.lax.while_loop(lambda carry: carry[1], relax, start)[0][-1].min()


def _connection(owners: np.ndarray, player: int) -> tuple[int, ...]:
    """A shortest chain of `player` between their sides, in order of the squares; else none.

    From int [N, N]: whose stone is on each square.
    """
    size = len(owners)
    board = owners if player == 0 else owners.T
    came_from = {(0, c): (-1, c) for c in range(size) if board[0, c] == player}
    queue = collections.deque(came_from)
    while queue:
        row, column = square = queue.popleft()
        if row == size - 1:
            chain = []
            while square[0] >= 0:
                chain.append(square if player == 0 else square[::-1])
                square = came_from[square]
            return tuple(sorted(r * size + c for r, c in chain))
        for down, right in _STEPS:
            near = row + down, column + right
            inside = 0 <= near[0] < size and 0 <= near[1] < size
            if inside and board[near] == player and near not in came_from:
                came_from[near] = square
                queue.append(near)
    return ()
