"""Go: surround more of the board than the opponent.

Rules: black, player 0, begins; each move puts a stone on an empty point or passes. Chains of the
opponent left without a liberty are captured. A move may not leave a chain of the mover without
one (no suicide), and may not bring back any whole-board position of the game, whoever moved then
(positional superko). Two passes in a row end the game, and so do `2 * size**2` moves. Then each
player has their stones and the empty regions that touch no other colour (area scoring), and
white `komi` more. J. Tromp and B. Taylor, "The Game of Go" (tromp.github.io/go.html), but for
suicide, which they allow, and for the limit of moves, which is OpenSpiel's and pgx's.

Encoding: boards of packed rows (see `bit_rows`); row 0 is the lowest, as in the names of points;
actions number the points row by row, from a1, and the last is the pass. Whether a chain is in
atari (has one liberty) is kept from move to move, because a move changes it only for the chains
it touches. Past positions are kept as 48 bits each, a Zobrist hash (A. L. Zobrist, "A New Hashing
Method with Application for Game Playing", 1970): two of T positions are taken for the same with
a probability below T**2 * size**2 / 2**49 a game, 4e-9 on 9 by 9 and 4e-7 on 19 by 19.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import ArraySpec, BoardPicture, Game, State, Target, zero_sum
from selfplay_envs.games import bit_rows

PASS = "pass"
_STEPS = ((-1, 0), (0, -1), (0, 1), (1, 0))
_LETTERS = "abcdefghjklmnopqrst"
_CHECK_SALT = 0x9E3779B9
"""Makes the last 16 bits of a hash another function of the point than the first 32."""


class GoState(State):
    """A position. A board is uint [size], one packed row each."""

    stones: jax.Array
    """uint [2, size]: the mover's stones, then the opponent's."""
    atari: jax.Array
    """uint [size]: stones of both in chains with exactly one liberty."""
    lost: jax.Array
    """uint [2, size]: where the mover has lost stones so far, then the opponent."""
    allowed: jax.Array
    """uint [size]: where the mover may play. Kept, as it costs more than the rest of a move."""
    passes: jax.Array
    """int8 []: passes in a row; 2 at the limit of moves too: the board is scored."""
    turned: jax.Array
    """int8 []: the symmetry through which this game is seen; hashes are of the board before it."""
    hashes: jax.Array
    """uint32 [max_steps]: of the position after each move; 0, the empty board's, if to come."""
    checks: jax.Array
    """uint16 [max_steps]: 16 bits more of each hash."""


class Go(Game[GoState]):
    """Go on a board of `size` 2 to 19, white having `komi` points more."""

    version = "1"

    def __init__(self, *, size: int = 9, komi: float = 7.5):
        bit_rows.check_size("size", size, 2, len(_LETTERS))
        if isinstance(komi, bool) or not isinstance(komi, int | float) or not math.isfinite(komi):
            raise ValueError(f"komi must be a finite number of points, got {komi!r}; try komi=7.5")
        self.size, self.komi = size, float(komi)
        self.num_points = size * size
        self.num_actions = self.num_points + 1
        self.num_players = 2
        self.max_steps = 2 * self.num_points
        self.observation_spec = ArraySpec(shape=(size, size, 6))
        self.num_symmetries = 8
        self.open_spiel = f"go(board_size={size},komi={self.komi})"
        self._sources = bit_rows.symmetry_sources(size)
        self._names = np.argsort(self._sources, axis=1).astype(np.int32)
        self._products = _products(self._sources)
        codes = 1 + np.arange(2 * self.num_points, dtype=np.uint32).reshape(2, -1)
        seen = np.stack([codes[:, source] for source in self._sources])
        self._keys, self._check_keys = _mix(seen), _check(seen)

    def start(self) -> GoState:
        """An empty board."""
        stones = bit_rows.empty(self.size, self.size)
        return GoState.start(
            2,
            stones=stones,
            atari=stones[0],
            lost=stones,
            allowed=self._full(),
            passes=jnp.int8(0),
            turned=jnp.int8(0),
            hashes=jnp.zeros(self.max_steps, jnp.uint32),
            checks=jnp.zeros(self.max_steps, jnp.uint16),
        )

    def play(self, state: GoState, action: jax.Array) -> GoState:
        """Puts a stone and captures, or passes; scores the board at the end."""
        stones, atari, caught = self._place(state, self._stone(action))
        player = jnp.int8(1) - state.current_player
        over = state.step_count + jnp.int16(1) >= self.max_steps
        passes = jnp.where(action == self.num_points, state.passes + jnp.int8(1), jnp.int8(0))
        passes = jnp.where(over, jnp.int8(2), passes)
        now = jnp.arange(self.max_steps, dtype=jnp.int16) == state.step_count
        hashed, check = self._hash(stones, player, state.turned)
        moved = state.replace(
            current_player=player,
            stones=stones,
            atari=atari,
            lost=jnp.stack([state.lost[1] | caught, state.lost[0]]),
            passes=passes,
            hashes=jnp.where(now, hashed, state.hashes),
            checks=jnp.where(now, check, state.checks),
            terminated=passes == 2,
        )
        margin = jnp.sign(self._margin(moved, passes == 2))
        return moved.replace(
            allowed=self._allowed(moved, hashed, check),
            rewards=jnp.where(passes == 2, zero_sum(player, margin), 0.0),
        )

    def legal(self, state: GoState) -> jax.Array:
        """bool [num_points + 1]: where a stone may be put, and the pass."""
        points = bit_rows.unpack(state.allowed, self.size).reshape(-1)
        return jnp.concatenate([points, jnp.ones(1, jnp.bool_)])

    def view(self, state: GoState) -> jax.Array:
        """float32 [size, size, 6].

        The mover's stones, the opponent's, chains in atari, where the mover may play; then
        everywhere: the mover is white, the opponent has just passed.
        """
        boards = jnp.concatenate([state.stones, state.atari[None], state.allowed[None]])
        planes = jnp.moveaxis(bit_rows.unpack(boards, self.size), 0, -1).astype(jnp.float32)
        facts = jnp.stack([state.current_player == 1, state.passes > 0]).astype(jnp.float32)
        everywhere = jnp.broadcast_to(facts, (self.size, self.size, 2))
        return jnp.concatenate([planes, everywhere], -1)

    def mirror(self, state: GoState, index: jax.Array) -> tuple[GoState, jax.Array]:
        """Bit 0 of the index swaps left and right, bit 1 top and bottom, bit 2 transposes."""
        boards = jnp.concatenate([state.stones, state.atari[None], state.lost, state.allowed[None]])
        planes = bit_rows.unpack(boards, self.size)
        moved = planes.reshape(len(boards), -1)[:, jnp.asarray(self._sources)[index]]
        boards = bit_rows.pack(moved.reshape(planes.shape))
        names = jnp.asarray(self._names)[index]
        turned = state.replace(
            stones=boards[:2],
            atari=boards[2],
            lost=boards[3:5],
            allowed=boards[5],
            turned=jnp.asarray(self._products)[state.turned, index],
        )
        return turned, jnp.concatenate([names, jnp.full(1, self.num_points, jnp.int32)])

    def draw(self, state: GoState) -> str:
        """The board, X for black, with the names of its lines; and who moves or has won."""
        owners = self._owners(state)
        width = len(str(self.size))
        lines = [
            f"{self.size - down:{width}} " + " ".join(".XO"[owner + 1] for owner in line)
            for down, line in enumerate(owners)
        ]
        lines.append(" " * (width + 1) + " ".join(_LETTERS[: self.size]))
        return "\n".join([*lines, self._caption(state)])

    def board(self, state: GoState) -> BoardPicture:
        """Stones on a grid, and a button for the pass."""
        top = np.arange(self.num_points).reshape(self.size, self.size)[::-1].reshape(-1)
        targets = (*(Target(int(square)) for square in top), Target(None))
        return BoardPicture(owners=self._owners(state), targets=targets)

    def format_action(self, action: int) -> str:
        """The column's letter, without i, and the row's number from below, such as d4; `pass`."""
        row, column = divmod(action, self.size)
        return PASS if row == self.size else f"{_LETTERS[column]}{row + 1}"

    def estimate(self, state: GoState) -> jax.Array:
        """The margin, komi included, if the board were scored now; `size` points are a half."""
        margin = self._margin(state, jnp.bool_(True))
        return margin / (jnp.abs(margin) + self.size)

    # A move ----------------------------------------------------------------------------------

    def _place(self, state: GoState, stone: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """The next mover's `stones` and `atari`, and what was captured, after uint [size] `stone`.

        Only these chains' liberties can change: the mover's new chain, which is counted; the up
        to four chains of the opponent beside it, which are counted or captured; and the mover's
        chains beside captured stones, which now have two liberties at least. No stone: a pass.
        """
        mine, theirs = state.stones
        near = jnp.stack([bit_rows.neighbours(stone, (step,)) for step in _STEPS])
        inside = jnp.concatenate([(mine | stone)[None], jnp.broadcast_to(theirs, near.shape)])
        chains = bit_rows.flood(jnp.concatenate([stone[None], near]), inside, _STEPS)
        # The last liberty of a neighbour in atari is where the stone has been put.
        dead = (chains[1:] & state.atari[None] != 0).any(-1, keepdims=True)
        caught = _union(jnp.where(dead, chains[1:], 0))
        mine, theirs = mine | stone, theirs & ~caught
        liberties = _neighbours(chains) & self._empty(mine, theirs)[None]
        short = _union(jnp.where(_count(liberties)[:, None] == 1, chains, 0)) & ~caught
        pressed = mine & state.atari
        relieved = bit_rows.flood(_neighbours(caught), pressed, _STEPS)
        atari = state.atari & ~(_union(chains) | relieved) | short
        return jnp.stack([theirs, mine]), atari, caught

    def _allowed(self, state: GoState, hashed: jax.Array, check: jax.Array) -> jax.Array:
        """uint [size]: where the mover may play, of the position with this hash."""
        mine, theirs = state.stones
        empty = self._empty(mine, theirs)
        captures = empty & _neighbours(theirs & state.atari)
        breathes = empty & (_neighbours(empty) | _neighbours(mine & ~state.atari))
        repeats = self._repeating_placements(state, hashed, check) & ~captures
        # A position that comes back has a stone where the mover has lost one since.
        repeats = repeats | self._repeating_captures(state, captures & state.lost[0])
        return (breathes | captures) & ~repeats

    def _repeating_placements(
        self, state: GoState, hashed: jax.Array, check: jax.Array
    ) -> jax.Array:
        """uint [size]: where a stone of the mover, without captures, makes a past position.

        Instead of trying every point against every position, the key by which each position
        differs is turned back into the point that has it, if there is one.
        """
        code = _unmix(state.hashes ^ hashed)
        same = _check(code) == state.checks ^ check
        first = 1 + self.num_points * state.current_player.astype(jnp.int32)
        point = code.astype(jnp.int32) - first
        point = jnp.where(same & (point >= 0) & (point < self.num_points), point, -1)
        names = jnp.asarray(self._names)[state.turned]

        def take(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            point, found = carry
            last = point.max()
            return jnp.where(point == last, -1, point), found | self._stone(names[last])

        start = point, jnp.zeros_like(state.atari)
        return jax.lax.while_loop(lambda carry: (carry[0] >= 0).any(), take, start)[1]

    def _repeating_captures(self, state: GoState, suspects: jax.Array) -> jax.Array:
        """uint [size]: which of the captures `suspects` make a past position, tried in turn."""
        mine, theirs = state.stones
        pressed = theirs & state.atari

        def attempt(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            left, found = carry
            stone = _first(left)
            caught = bit_rows.flood(_neighbours(stone), pressed, _STEPS)
            after = jnp.stack([mine | stone, theirs & ~caught])
            hashed, check = self._hash(after, state.current_player, state.turned)
            seen = ((state.hashes == hashed) & (state.checks == check)).any()
            return left & ~stone, jnp.where(seen, found | stone, found)

        start = suspects, jnp.zeros_like(suspects)
        return jax.lax.while_loop(lambda carry: (carry[0] != 0).any(), attempt, start)[1]

    def _hash(
        self, stones: jax.Array, player: jax.Array, turned: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """uint32 [] and uint16 []: of uint [2, size], `player`'s stones and the other's."""
        planes = bit_rows.unpack(stones, self.size).reshape(2, -1)
        planes = jnp.where(player == 0, planes, planes[::-1])
        keys = jnp.where(planes, jnp.asarray(self._keys)[turned], 0)
        checks = jnp.where(planes, jnp.asarray(self._check_keys)[turned], 0)
        return jax.lax.reduce_xor(keys, (0, 1)), jax.lax.reduce_xor(checks, (0, 1))

    # The score -------------------------------------------------------------------------------

    def _margin(self, state: GoState, wanted: jax.Array) -> jax.Array:
        """float32 []: by how many points the mover would win; of no meaning unless `wanted`."""
        empty = self._empty(*state.stones)
        # Without seeds the flood takes no time, and few moves end a game.
        seeds = jnp.where(wanted, _neighbours(state.stones), 0)
        reached = bit_rows.flood(seeds, jnp.broadcast_to(empty, seeds.shape), _STEPS)
        area = _count(state.stones | reached & ~reached[::-1]).astype(jnp.float32)
        komi = jnp.where(state.current_player == 0, -self.komi, self.komi)
        return area[0] - area[1] + komi

    # Boards ----------------------------------------------------------------------------------

    def _full(self) -> jax.Array:
        """uint [size]: every point."""
        return jnp.full(self.size, 2**self.size - 1, bit_rows.dtype_for(self.size))

    def _empty(self, mine: jax.Array, theirs: jax.Array) -> jax.Array:
        """uint [size]: the points without a stone."""
        return self._full() & ~(mine | theirs)

    def _stone(self, action: jax.Array) -> jax.Array:
        """uint [size]: the one point of `action`; none for the pass."""
        dtype = bit_rows.dtype_for(self.size)
        row, column = action // self.size, (action % self.size).astype(dtype)
        return (jnp.arange(self.size, dtype=jnp.int32) == row).astype(dtype) << column

    def _owners(self, state: GoState) -> np.ndarray:
        """int8 [size, size]: whose stone is on each point, or -1; the highest row first."""
        return bit_rows.owners(state, np.asarray(bit_rows.unpack(state.stones, self.size)))[::-1]

    def _caption(self, state: GoState) -> str:
        """Who moves, or how the game ended."""
        if int(state.passes) < 2:
            return bit_rows.caption(state, won=False, full=False)
        margin = float(self._margin(state, jnp.bool_(True)))
        mover, other = ("X", "O") if int(state.current_player) == 0 else ("O", "X")
        if margin == 0:
            return "a draw"
        return f"{mover if margin > 0 else other} has won by {abs(margin):g}"


def _neighbours(rows: jax.Array) -> jax.Array:
    """uint [..., R]: the points next to those of uint [..., R], and bits beyond the board."""
    return bit_rows.neighbours(rows, _STEPS)


def _union(boards: jax.Array) -> jax.Array:
    """uint [R]: the points of any of uint [N, R]."""
    return jax.lax.reduce_or(boards, (0,))


def _count(rows: jax.Array) -> jax.Array:
    """int32 [...]: how many points uint [..., R] have."""
    return jax.lax.population_count(rows).astype(jnp.int32).sum(-1)


def _first(rows: jax.Array) -> jax.Array:
    """uint [R]: the first point of uint [R]; none if there is none."""
    some = rows != 0
    row = jnp.argmax(some).astype(jnp.int32)
    here = jnp.arange(len(rows), dtype=jnp.int32) == row
    return jnp.where(here, rows & (~rows + rows.dtype.type(1)), 0)


def _products(sources: np.ndarray) -> np.ndarray:
    """int8 [8, 8]: the symmetry that is one, then another, from int [8, points]."""
    names = {tuple(source): index for index, source in enumerate(sources.tolist())}
    table = [[names[tuple(first[then].tolist())] for then in sources] for first in sources]
    return np.array(table, np.int8)


_FACTORS = 0x85EBCA6B, 0xC2B2AE35
_INVERSES = tuple(pow(factor, -1, 2**32) for factor in _FACTORS)


def _mix(code):
    """A permutation of all uint32 that looks random, on arrays of NumPy or JAX.

    The last lines of MurmurHash3 (A. Appleby, 2011).
    """
    word = code.dtype.type
    code = (code ^ code >> word(16)) * word(_FACTORS[0])
    code = (code ^ code >> word(13)) * word(_FACTORS[1])
    return code ^ code >> word(16)


def _unmix(mixed):
    """The inverse of `_mix`."""
    word = mixed.dtype.type
    mixed = (mixed ^ mixed >> word(16)) * word(_INVERSES[1])
    mixed = (mixed ^ mixed >> word(13) ^ mixed >> word(26)) * word(_INVERSES[0])
    return mixed ^ mixed >> word(16)


def _check(code):
    """uint16 of uint32: the last 16 bits of a key."""
    return _mix(code ^ code.dtype.type(_CHECK_SALT)).astype(np.uint16)
