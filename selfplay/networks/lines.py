"""Dense layers that also see every line of a board: for games of so many in a row.

A line is `line_length` squares in a row, a column or a diagonal. What a dense layer learns
slowly, since it must learn it anew for every place, is given: how many stones of one player, and
none of the other, each line holds; and which empty squares would complete a line, the threats by
which such games are won (J. Allis, "A Knowledge-based Approach of Connect-Four", 1988, chapter
3). That a line counts is what the rules say; which lines are worth what is learnt.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from selfplay.config import NetworkConfig
from selfplay.environment.observation import ArraySpec, TokenSpec
from selfplay.networks.contract import Drop, Outputs, keep
from selfplay.networks.mlp import DenseTrunk
from selfplay.networks.resnet import board_shape

_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


class LinesMLP(nnx.Module):
    """The dense trunk over the board, its lines and its threats.

    With S squares, P planes and N lines of length L it has S P + 2 (L - 1) N + 2 S features.
    """

    def __init__(
        self,
        config: NetworkConfig,
        spec: ArraySpec | TokenSpec,
        num_actions: int,
        *,
        rngs: nnx.Rngs,
    ):
        rows, columns, planes = board_shape("a network of lines", spec)
        if planes < 2:
            raise ValueError(
                "a network of lines reads the mover's stones in plane 0 and the opponent's in "
                f"plane 1, got a board of {planes} plane; network.kind = 'mlp' would do"
            )
        self.board, self.length = (rows, columns), config.line_length
        squares, lines = _squares_of_lines(rows, columns, self.length).shape
        if lines == 0:
            raise ValueError(
                f"network.line_length must fit on the board of {rows} by {columns}, "
                f"got {self.length}"
            )
        num_features = squares * planes + 2 * (self.length - 1) * lines + 2 * squares
        self.trunk = DenseTrunk(config, num_features, num_actions, rngs=rngs)

    def __call__(self, observation: jax.Array, drop: Drop = keep) -> Outputs:
        """Array [B, rows, columns, planes] to outputs [B]."""
        flat = observation.reshape(observation.shape[0], -1)
        features = [flat, *line_features(observation, self.length)]
        return self.trunk(jnp.concatenate(features, axis=-1), drop)


def line_features(observation: jax.Array, length: int) -> tuple[jax.Array, jax.Array]:
    """Lines and threats of both players, the mover's before the opponent's.

    Args:
        observation: float [B, rows, columns, planes]; plane 0 has the mover's stones, 1 the
            opponent's, each 0 or 1.
        length: of a line.

    Returns:
        Float [B, 2 (length - 1) N]: for k = 1 … length - 1 how many stones more than k - 1 are in
        each of the N lines, nothing where the other player has one too; and float [B, 2 S]: 1 on
        each empty square that would complete a line.
    """
    batch, rows, columns, _ = observation.shape
    incidence = jnp.asarray(_squares_of_lines(rows, columns, length), observation.dtype)
    stones = observation[..., :2].reshape(batch, rows * columns, 2)
    mine, theirs = stones[..., 0], stones[..., 1]
    empty = 1 - mine - theirs
    counts = (mine @ incidence, theirs @ incidence)
    lines, threats = [], []
    for own, other in (counts, counts[::-1]):
        unopposed = nnx.relu(own - length * other)
        lines += [nnx.relu(unopposed - k) for k in range(length - 1)]
        lacks_one = (unopposed == length - 1).astype(observation.dtype)
        threats.append(jnp.minimum(lacks_one @ incidence.T, 1) * empty)
    return jnp.concatenate(lines, axis=-1), jnp.concatenate(threats, axis=-1)


@functools.cache
def _squares_of_lines(rows: int, columns: int, length: int) -> np.ndarray:
    """int8 [rows * columns, N]: 1 where a square belongs to a line."""
    lines = []
    for down, right in _DIRECTIONS:
        for row in range(rows):
            for column in range(columns):
                last = (row + down * (length - 1), column + right * (length - 1))
                if last[0] < rows and 0 <= last[1] < columns:
                    line = np.zeros((rows, columns), np.int8)
                    for i in range(length):
                        line[row + down * i, column + right * i] = 1
                    lines.append(line.ravel())
    return np.stack(lines, axis=1) if lines else np.zeros((rows * columns, 0), np.int8)
