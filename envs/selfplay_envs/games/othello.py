"""Othello: enclose the opponent's discs to turn them over; most discs win.

Rules: players alternate; a disc goes on an empty square from which, in at least one of the eight
directions, an unbroken run of the opponent's discs leads to a disc of one's own; all such runs
turn over. Who has no such square passes, and may not pass otherwise. The game ends when neither
player has one; the player with more discs wins. Player 0 is black (X) and begins. World Othello
Federation, "Official rules for the game Othello"; boards of other even sizes begin with the same
four discs in the middle. Six by six is a win for the second player (J. Feinstein, "Amenor Wins
World 6x6 Championships!", British Othello Federation Newsletter, 1993), eight by eight is a draw
(H. Takizawa, "Othello is Solved", arXiv:2310.19387).

Encoding: squares are numbered row by row from the top left; square s is bit s % 32 of word
s // 32. Action s plays on square s, the last action passes, as in OpenSpiel. The mover's moves
are part of the state: a position is searched for moves once, when it arises.

Moves are found for four directions and their opposites at once, by shifts of the whole board
("parallel prefix" or Kogge-Stone fill; Chess Programming Wiki, "Kogge-Stone Algorithm").
"""

import string
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import ArraySpec, BoardPicture, Game, State, Target, zero_sum
from selfplay_envs.games import bit_rows

_WORD = 32

Words = list[jax.Array]
"""The words of a board, lowest first: uint32 [], or [4] with one board per direction."""


class OthelloState(State):
    """A position."""

    discs: jax.Array
    """uint32 [2, words]: the mover's discs, then the opponent's."""
    moves: jax.Array
    """uint32 [words]: the squares on which the mover may play; none if the mover must pass."""


class Othello(Game[OthelloState]):
    """Othello on a square board of even `size`, 4 to 14."""

    version = "1"

    def __init__(self, *, size: int = 8):
        # Two steps down a diagonal must be less than a word.
        bit_rows.check_size("size", size, 4, 14)
        if size % 2:
            raise ValueError(f"size must be even, got {size}; try size={size - 1}")
        self.size = size
        self.num_actions = size * size + 1
        self.num_players = 2
        # No two passes follow each other, and a pass is neither the first move nor the last.
        self.max_steps = 2 * (size * size - 4) - 1
        self.observation_spec = ArraySpec(shape=(size, size, 2))
        self.num_symmetries = 8
        self.open_spiel = "othello" if size == 8 else None
        self._sources = bit_rows.symmetry_sources(size)
        self._directions = np.array([1, size, size - 1, size + 1], np.uint32)
        self._squares = _words(np.ones((size, size), bool))
        self._turnable = _turnable(size)

    def start(self) -> OthelloState:
        """Four discs in the middle, black's to the upper right and lower left."""
        middle = self.size // 2
        planes = np.zeros((2, self.size, self.size), bool)
        planes[0, [middle - 1, middle], [middle, middle - 1]] = True
        planes[1, [middle - 1, middle], [middle - 1, middle]] = True
        discs = jnp.asarray(np.stack([_words(plane) for plane in planes]))
        return OthelloState.start(2, discs=discs, moves=self._moves(discs))

    def play(self, state: OthelloState, action: jax.Array) -> OthelloState:
        """Places a disc and turns what it encloses, or passes."""
        mine, theirs = state.discs
        placed = self._square(action)
        turned = self._turned(mine, theirs, placed)
        mine, theirs = mine | placed | turned, theirs & ~turned
        # Both players' moves in one program: the next mover's, then the last one's.
        both = jnp.stack([jnp.stack([theirs, mine]), jnp.stack([mine, theirs])])
        moves = jax.vmap(self._moves)(both)
        over = ~(moves != 0).any()
        outcome = zero_sum(state.current_player, jnp.sign(_lead(both[1])))
        return state.replace(
            discs=both[0],
            moves=moves[0],
            current_player=jnp.int8(1) - state.current_player,
            rewards=jnp.where(over, outcome, 0.0),
            terminated=over,
        )

    def legal(self, state: OthelloState) -> jax.Array:
        """bool [size * size + 1]: where discs turn; if nowhere, passing."""
        squares = self._unpack(state.moves)
        return jnp.concatenate([squares, ~(state.moves != 0).any(keepdims=True)])

    def view(self, state: OthelloState) -> jax.Array:
        """float32 [size, size, 2]: the mover's discs, then the opponent's."""
        return jnp.moveaxis(self._planes(state), 0, -1).astype(jnp.float32)

    def mirror(self, state: OthelloState, index: jax.Array) -> tuple[OthelloState, jax.Array]:
        """Bit 0 of the index swaps left and right, bit 1 top and bottom, bit 2 transposes."""
        boards = self._unpack(jnp.concatenate([state.discs, state.moves[None]]))
        turned = self._pack(boards[:, jnp.asarray(self._sources)[index]])
        squares = jnp.asarray(np.argsort(self._sources, axis=1).astype(np.int32))[index]
        permutation = jnp.concatenate([squares, jnp.full(1, self.size**2, jnp.int32)])
        return state.replace(discs=turned[:2], moves=turned[2]), permutation

    def draw(self, state: OthelloState) -> str:
        """The board with its coordinates, X for the first player, who moves, and the discs."""
        owners = bit_rows.owners(state, np.asarray(self._planes(state)))
        width = len(str(self.size))
        board = np.where(owners == 0, "X", np.where(owners == 1, "O", "."))
        lines = [" ".join([" " * width, *string.ascii_lowercase[: self.size]])]
        lines += [" ".join([str(n).rjust(width), *row]) for n, row in enumerate(board, 1)]
        counts = [int((owners == player).sum()) for player in (0, 1)]
        return "\n".join([*lines, f"{self._caption(state, counts)}, discs {counts[0]}-{counts[1]}"])

    def board(self, state: OthelloState) -> BoardPicture:
        """Discs on a grid; the pass has no square."""
        squares = (Target(square) for square in range(self.size**2))
        owners = bit_rows.owners(state, np.asarray(self._planes(state)))
        return BoardPicture(owners=owners, targets=(*squares, Target(None)))

    def format_action(self, action: int) -> str:
        """Column and row, such as d3, from a1 at the top left; or pass."""
        if action == self.size**2:
            return "pass"
        row, column = divmod(action, self.size)
        return f"{string.ascii_lowercase[column]}{row + 1}"

    def parse_action(self, text: str) -> int:
        """As `format_action` writes it, in small letters or capitals."""
        return super().parse_action(text.lower())

    def estimate(self, state: OthelloState) -> jax.Array:
        """The mover's discs less the opponent's, as a share of the board."""
        return _lead(state.discs) / self.size**2

    def _caption(self, state: OthelloState, counts: list[int]) -> str:
        """Who moves, or how the game ended, given each player's number of discs."""
        mover, can_move = "XO"[int(state.current_player)], bool(np.asarray(state.moves).any())
        if not state.terminated:
            return f"{mover} to move" if can_move else f"{mover} must pass"
        if can_move or bool(np.asarray(self._moves(jnp.asarray(state.discs)[::-1])).any()):
            return f"{mover} has lost by an illegal move"
        if counts[0] == counts[1]:
            return "a draw"
        return f"{'X' if counts[0] > counts[1] else 'O'} has won"

    def _moves(self, discs: jax.Array) -> jax.Array:
        """uint32 [words]: where the first of discs uint32 [2, words] may play."""
        mine, theirs = discs
        ends = [jnp.zeros(4, jnp.uint32) for _ in mine]
        for shift in (_up, _down):
            runs = self._runs(mine, theirs, shift)
            ends = _union(ends, shift(runs, self._directions))
        found = jnp.stack([jax.lax.reduce_or(end, axes=(0,)) for end in ends])
        return found & ~(mine | theirs) & jnp.asarray(self._squares)

    def _turned(self, mine: jax.Array, theirs: jax.Array, placed: jax.Array) -> jax.Array:
        """uint32 [words]: the opponent's discs between the disc placed and another of `mine`."""
        turned = [jnp.zeros(4, jnp.uint32) for _ in mine]
        for shift in (_up, _down):
            runs = self._runs(placed, theirs, shift)
            ends = _common(shift(runs, self._directions), _each_way(mine))
            enclosed = jnp.stack(ends).any(axis=0)
            turned = _union(turned, [jnp.where(enclosed, run, jnp.uint32(0)) for run in runs])
        return jnp.stack([jax.lax.reduce_or(word, axes=(0,)) for word in turned])

    def _runs(
        self, origin: jax.Array, theirs: jax.Array, shift: Callable[[Words, np.ndarray], Words]
    ) -> Words:
        """words of uint32 [4]: per direction, the unbroken runs of `theirs` next to `origin`.

        After the first two squares a run grows by two at a time, where two discs follow each
        other; a run has at most size - 2 squares.
        """
        through = [word & limit for word, limit in zip(theirs, self._turnable, strict=True)]
        once, twice = self._directions, 2 * self._directions
        runs = _common(through, shift(_each_way(origin), once))
        runs = _union(runs, _common(through, shift(runs, once)))
        pairs = _common(through, shift(through, once))
        for _ in range(self.size // 2 - 2):
            runs = _union(runs, _common(pairs, shift(runs, twice)))
        return runs

    def _square(self, action: jax.Array) -> jax.Array:
        """uint32 [words]: the square of an action; nothing for the pass."""
        words = jnp.arange(len(self._squares), dtype=jnp.int32)
        bit = jnp.uint32(1) << (action % _WORD).astype(jnp.uint32)
        here = jnp.where(words == action // _WORD, bit, jnp.uint32(0))
        return here & jnp.asarray(self._squares)

    def _planes(self, state: OthelloState) -> jax.Array:
        """bool [2, size, size]."""
        return self._unpack(state.discs).reshape(2, self.size, self.size)

    def _unpack(self, boards: jax.Array) -> jax.Array:
        """uint32 [..., words] to bool [..., size * size]."""
        bits = bit_rows.unpack(boards, _WORD)
        return bits.reshape(*boards.shape[:-1], -1)[..., : self.size**2]

    def _pack(self, boards: jax.Array) -> jax.Array:
        """bool [..., size * size] to uint32 [..., words]."""
        unused = len(self._squares) * _WORD - self.size**2
        padded = jnp.pad(boards, [(0, 0)] * (boards.ndim - 1) + [(0, unused)])
        return bit_rows.pack(padded.reshape(*boards.shape[:-1], -1, _WORD))


def _lead(discs: jax.Array) -> jax.Array:
    """float32 []: how many more discs the first of uint32 [2, words] has."""
    mine, theirs = jax.lax.population_count(discs).astype(jnp.int32).sum(1)
    return (mine - theirs).astype(jnp.float32)


def _up(words: Words, amounts: np.ndarray) -> Words:
    """Each square's bit to the square that is `amounts` (1 to 31) later in the numbering."""
    left, right = jnp.asarray(amounts), jnp.asarray(_WORD - amounts)
    carried = [jnp.zeros_like(words[0]), *(word >> right for word in words[:-1])]
    return [word << left | low for word, low in zip(words, carried, strict=True)]


def _down(words: Words, amounts: np.ndarray) -> Words:
    """Each square's bit to the square that is `amounts` (1 to 31) earlier."""
    right, left = jnp.asarray(amounts), jnp.asarray(_WORD - amounts)
    carried = [*(word << left for word in words[1:]), jnp.zeros_like(words[0])]
    return [word >> right | high for word, high in zip(words, carried, strict=True)]


def _each_way(board: jax.Array) -> Words:
    """The board uint32 [words] once for each of the four directions."""
    return [jnp.broadcast_to(word, (4,)) for word in board]


def _common(left: Words, right: Words) -> Words:
    return [a & b for a, b in zip(left, right, strict=True)]


def _union(left: Words, right: Words) -> Words:
    return [a | b for a, b in zip(left, right, strict=True)]


def _words(plane: np.ndarray) -> np.ndarray:
    """uint32 [words] from bool [size, size]."""
    count = -(-plane.size // _WORD)
    padded = np.zeros(count * _WORD, bool)
    padded[: plane.size] = plane.reshape(-1)
    return np.packbits(padded, bitorder="little").view("<u4").astype(np.uint32)


def _turnable(size: int) -> np.ndarray:
    """uint32 [words, 4]: the squares whose discs can turn along each of the four directions.

    Along rows and diagonals a disc on the left or right edge never turns, so nothing that is
    shifted off an edge is taken for the next row.
    """
    inner = np.zeros((size, size), bool)
    inner[:, 1:-1] = True
    across, down = _words(inner), _words(np.ones((size, size), bool))
    return np.stack([across, down, across, across], axis=1)
