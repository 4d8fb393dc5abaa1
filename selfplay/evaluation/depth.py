"""How good a search is, and what it takes: one number of simulations at a time.

Exact quality, where the truth is known; the share of problems solved, where there is one player;
time and memory. Intervals are of 95 %, as if positions and problems were drawn at random; a mean
over buckets counts each bucket alike.
"""

import dataclasses
import math
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.contract import Environment, SolvedPositions
from selfplay.evaluation.arena import Z_95, Openings, SoloResult, sample_openings, wilson
from selfplay.evaluation.exact import decide
from selfplay.evaluation.players import Act

_TIMED_POSITIONS = 256
"""Searched together where there is no solved set to be timed on."""

_MOVES_ALONE = 7
"""Moves timed one by one; their median counts."""

_TIMES_TOGETHER = 3
"""That all positions are searched together; the median counts."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Exact:
    """A player's decisions beside the truth."""

    kept: Estimate
    """Share of positions where the move keeps the game's value."""
    loss: Estimate
    """Value (win 1, draw 0, loss -1) that a move gives away, on average."""
    value_error: Estimate
    """Root of the mean squared error of the player's value."""
    bucket_sizes: tuple[int, ...]
    """Positions in each bucket that has any."""
    mistakes: tuple[tuple[int, int, int], ...]
    """Of each position whose value was not kept: its index, what was lost (1 or 2), its bucket
    among those of `bucket_sizes`."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a search takes on this machine."""

    seconds: float
    """A move, one position searched alone."""
    simulations_per_second: float
    """Positions searched together; of 0 simulations, evaluations."""
    together: int
    """So many positions."""
    tree_bytes: int
    """Of a move's tree."""


def exact(action: np.ndarray, value: np.ndarray, solved: SolvedPositions) -> Exact:
    """What chosen actions (int [N]) and claimed values (float [N], in [-1, 1]) are worth."""
    truth = np.asarray(solved.action_values)
    signs = np.where(np.isnan(truth), -np.inf, np.sign(truth))
    best = signs.max(axis=1)
    chosen = np.take_along_axis(signs, action[:, None].astype(np.int64), axis=1)[:, 0]
    lost = (best - chosen).astype(np.int64)
    error = _mean((value - best) ** 2, solved)
    _, bucket, sizes = np.unique(solved.bucket, return_inverse=True, return_counts=True)
    return Exact(
        kept=_share(lost == 0, solved),
        loss=_mean(lost, solved),
        value_error=Estimate(*(math.sqrt(max(x, 0.0)) for x in dataclasses.astuple(error))),
        bucket_sizes=tuple(int(size) for size in sizes),
        mistakes=tuple((int(i), int(lost[i]), int(bucket[i])) for i in np.flatnonzero(lost)),
    )


def exact_of(act: Act, params: Any, solved: SolvedPositions, batch_size: int) -> Exact:
    """The decisions of a player (its `act` jitted) in all solved positions, judged."""
    return exact(*decide(act, params, solved, batch_size), solved)


def solved_share(result: SoloResult) -> Estimate:
    """Share of the episodes that a lone player solved."""
    return Estimate(result.solved / result.episodes, *wilson(result.solved, result.episodes))


def cost(
    env: Environment, act: Act, params: Any, num_simulations: int, node_bytes: int, seed: int = 0
) -> Cost:
    """Time and memory of a player (its `act` jitted), after compilation.

    Args:
        env: the rules.
        act: whose cost it is.
        params: its parameters.
        num_simulations: of its search.
        node_bytes: of a tree's node.
        seed: of the positions: after up to 6 random plies, or what the game has room for.
    """
    plies = jnp.int32(min(6, env.max_steps - 1))
    openings = sample_openings(env, jax.random.key(seed), plies, _TIMED_POSITIONS)
    alone = [jax.tree.map(lambda x, i=i: x[i : i + 1], openings) for i in range(_MOVES_ALONE)]
    jax.block_until_ready([_decide(act, params, part) for part in (openings, alone[0])])
    together = float(np.median([_seconds(act, params, openings) for _ in range(_TIMES_TOGETHER)]))
    return Cost(
        seconds=float(np.median([_seconds(act, params, one) for one in alone])),
        simulations_per_second=_TIMED_POSITIONS * max(num_simulations, 1) / together,
        together=_TIMED_POSITIONS,
        tree_bytes=(num_simulations + 1) * node_bytes,
    )


def _decide(act: Act, params: Any, openings: Openings) -> Any:
    count = openings[1].current_player.shape[0]
    return act(params, jax.random.split(jax.random.key(0), count), *openings)


def _seconds(act: Act, params: Any, openings: Openings) -> float:
    begin = time.perf_counter()
    jax.block_until_ready(_decide(act, params, openings))
    return time.perf_counter() - begin


def _buckets(values: np.ndarray, solved: SolvedPositions) -> list[np.ndarray]:
    """The values [N] of each bucket that has any."""
    bucket = np.asarray(solved.bucket)
    return [values[bucket == index] for index in np.unique(bucket)]


def _share(hits: np.ndarray, solved: SolvedPositions) -> Estimate:
    """Mean over buckets of a share of positions (bool [N]).

    Wilson's interval, for a simple sample of the size at which it would be known as well if the
    buckets were alike; of buckets of one size that differ it is rather too wide.
    """
    buckets = _buckets(hits, solved)
    share = float(np.mean([bucket.mean() for bucket in buckets]))
    size = len(buckets) ** 2 / sum(1.0 / len(bucket) for bucket in buckets)
    return Estimate(share, *wilson(min(share, 1.0) * size, size))


def _mean(values: np.ndarray, solved: SolvedPositions) -> Estimate:
    """Mean over buckets of values [N], by the normal approximation."""
    buckets = [bucket.astype(np.float64) for bucket in _buckets(values, solved)]
    mean = float(np.mean([bucket.mean() for bucket in buckets]))
    variance = sum(bucket.var(ddof=1) / len(bucket) for bucket in buckets if len(bucket) > 1)
    margin = Z_95 * math.sqrt(variance) / len(buckets)
    return Estimate(mean, mean - margin, mean + margin)
