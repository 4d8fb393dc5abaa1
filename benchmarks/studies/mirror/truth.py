"""What is true of a solved board, as the toolkit asks for it: an oracle, and positions to judge by.

truth = Truth(ConnectFour(rows=4, columns=5))
Exact(truth.env, temperature=0.5, oracle=truth.oracle)  # a player who errs now and then
judge(act, params, truth.positions())
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.studies.mirror.solver import UNREACHED, Board, solve
from selfplay.environment.contract import Problem, SolvedPositions
from selfplay_envs.games import bit_rows
from selfplay_envs.games.connect_four import ConnectFour, ConnectFourState

PLIES_IN_A_BUCKET = 4


@dataclasses.dataclass(frozen=True)
class Truth:
    """A game that is solved on first use, in memory."""

    env: ConnectFour

    @property
    def env_args(self) -> dict[str, int]:
        """The environment's arguments, as the settings of a run name them."""
        env = self.env
        return {"rows": env.rows, "columns": env.columns, "in_a_row": env.in_a_row}

    @functools.cached_property
    def board(self) -> Board:
        """The board that is solved."""
        return Board(self.env.rows, self.env.columns, self.env.in_a_row)

    @functools.cached_property
    def table(self) -> np.ndarray:
        """int8 [2 ** key_bits]; see `solver.solve`."""
        return solve(self.board)

    def oracle(self, problem: Problem, state: Any) -> jax.Array:
        """float32 [columns]: as `Environment.oracle`; 1 wins, 0 draws, -1 loses."""
        actions = jnp.arange(self.env.num_actions, dtype=jnp.int32)
        after = jax.vmap(lambda action: self.env.step(problem, state, action))(actions)
        values = -jnp.asarray(self.table)[jax.vmap(self.key)(after.stones)]
        legal = self.env.legal_action_mask(problem, state)
        return jnp.where(legal, values.astype(jnp.float32), jnp.nan)

    def key(self, stones: jax.Array) -> jax.Array:
        """int32 []: where the table has the position of `stones`, uint [2, rows]."""
        planes = bit_rows.unpack(stones[:, ::-1], self.env.columns)
        weights = jnp.asarray(self.board.weights, jnp.int32)[None]
        mine, theirs = jnp.where(planes, weights, 0).sum((1, 2))
        # Stones and one more at the bottom of each column: the carry marks the first free square.
        return mine + (mine + theirs + jnp.int32(self.board.empty))

    def states(self, keys: np.ndarray) -> ConnectFourState:
        """State [N] from the keys int64 [N] of positions in which the game goes on."""
        planes, ply = self.board.decode(keys), self.board.plies(keys)
        start = jax.tree.map(lambda x: jnp.repeat(x[None], len(keys), axis=0), self.env.init())
        return start.replace(
            stones=bit_rows.pack(jnp.asarray(planes[:, :, ::-1])),
            current_player=jnp.asarray(ply % 2, jnp.int8),
            step_count=jnp.asarray(ply, jnp.int16),
        )

    def keys(self, stones: np.ndarray) -> np.ndarray:
        """int64 [N] from uint [N, 2, rows], such as a generation's `targets.state.stones`."""
        planes = stones[:, :, ::-1, None] >> np.arange(self.board.columns) & 1
        mine, theirs = (planes * self.board.weights).sum((2, 3)).T
        return mine + (mine + theirs + self.board.empty)

    def action_values(self, keys: np.ndarray) -> np.ndarray:
        """float32 [N, columns]: what the oracle says, of positions in which the game goes on."""
        after = np.stack([self.board.play(keys, c) for c in range(self.board.columns)], axis=1)
        return np.where(after < 0, np.float32(np.nan), -self.table[after].astype(np.float32))

    def erred(self, keys: np.ndarray, action: np.ndarray) -> np.ndarray:
        """bool [N]: whether an action (int [N]) does not keep the value of its position."""
        values = self.action_values(keys)
        return values[np.arange(len(keys)), action] < np.nanmax(values, axis=1)

    def is_sound(self, openings: np.ndarray, plies: int) -> np.ndarray:
        """bool [N]: whether nobody errs in openings (see `openings.openings`) of so many plies."""
        keys = np.full(len(openings), self.board.empty)
        sound = np.ones(len(openings), np.bool_)
        for ply in reversed(range(plies)):
            action = openings // self.board.columns**ply % self.board.columns
            sound &= ~self.erred(keys, action)
            keys = self.board.play(keys, action)
        return sound

    @functools.cached_property
    def running(self) -> np.ndarray:
        """int64 [N]: keys of all positions that can be reached and in which the game goes on."""
        keys = np.flatnonzero(self.table != UNREACHED)
        return keys[self.board.running(keys)]

    def positions(
        self, keys: np.ndarray | None = None, per_bucket: int = 4_000, seed: int = 0
    ) -> SolvedPositions:
        """Positions to be judged by, drawn uniformly and each once, so many a bucket.

        A bucket spans `PLIES_IN_A_BUCKET` plies; one that has fewer positions gives them all.

        Args:
            keys: int64 [N], from which they are drawn, such as those of real games; by default all
                that can be reached. In none of them has the game ended.
            per_bucket: how many.
            seed: another one draws others.
        """
        keys = self.running if keys is None else np.unique(keys)
        buckets = self.board.plies(keys) // PLIES_IN_A_BUCKET
        dice = np.random.default_rng(seed)
        drawn = [
            dice.permutation(np.flatnonzero(buckets == bucket))[:per_bucket]
            for bucket in range(int(buckets.max()) + 1)
        ]
        chosen = np.concatenate(drawn)
        firsts = [PLIES_IN_A_BUCKET * bucket for bucket in range(len(drawn))]
        return SolvedPositions(
            problem=(),
            state=self.states(keys[chosen]),
            action_values=jnp.asarray(self.action_values(keys[chosen])),
            bucket=jnp.asarray(buckets[chosen], jnp.int32),
            bucket_names=tuple(f"ply {i} to {i + PLIES_IN_A_BUCKET - 1}" for i in firsts),
        )
