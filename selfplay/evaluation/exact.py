"""Against exact truth: how often the chosen move keeps the game's value.

A move *keeps the value* if it has the best win/draw/loss sign among the legal ones. A position
is *critical* if it has a legal move that does not. One decision a position.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.contract import SolvedPositions
from selfplay.evaluation.players import Act


@dataclasses.dataclass(frozen=True)
class BucketScore:
    """What a player did on one bucket of solved positions."""

    name: str
    positions: int
    kept: float
    """Positions where the chosen move keeps the value; an expectation for random moves."""
    critical: int
    critical_kept: float
    value_sign_right: int
    """Positions where the player's value has the sign of the exact one (draws: |value| < 1/3)."""


@dataclasses.dataclass(frozen=True)
class ExactScore:
    """A player's scores by bucket, none of them empty."""

    buckets: tuple[BucketScore, ...]

    @property
    def kept(self) -> float:
        """Share of positions where the move keeps the value, mean over buckets."""
        return float(np.mean([b.kept / b.positions for b in self.buckets]))

    @property
    def critical_kept(self) -> float:
        """The same over critical positions alone."""
        shares = [b.critical_kept / b.critical for b in self.buckets if b.critical]
        return float(np.mean(shares)) if shares else 1.0

    @property
    def value_sign_right(self) -> float:
        """Share of positions whose value has the right sign, mean over buckets."""
        return float(np.mean([b.value_sign_right / b.positions for b in self.buckets]))


def judge(act: Act, params: Any, solved: SolvedPositions, batch_size: int = 512) -> ExactScore:
    """Scores a player (its `act` jitted) on all solved positions."""
    return score(*decide(act, params, solved, batch_size), solved)


def decide(
    act: Act, params: Any, solved: SolvedPositions, batch_size: int = 512
) -> tuple[np.ndarray, np.ndarray]:
    """What a player (its `act` jitted) does in all solved positions: int32 [N], float32 [N].

    Decisions are deterministic where the player's noise is off: position i uses key i.
    """
    count = int(solved.bucket.shape[0])
    keys = jax.random.split(jax.random.key(0), count)
    inputs = (keys, solved.problem, solved.state)
    actions, values = [], []
    for start in range(0, count, batch_size):
        index = jnp.arange(start, start + batch_size) % count  # the last batch wraps around
        action, value = act(params, *jax.tree.map(lambda x, i=index: x[i], inputs))
        actions.append(np.asarray(action))
        values.append(np.asarray(value))
    return np.concatenate(actions)[:count], np.concatenate(values)[:count]


def random_score(solved: SolvedPositions) -> ExactScore:
    """What uniformly random legal moves score in expectation; no value is claimed."""
    signs = _signs(solved)
    legal = np.isfinite(signs)
    share = (signs == signs.max(axis=1, keepdims=True)).sum(axis=1) / legal.sum(axis=1)
    return _by_bucket(solved, share, share < 1.0, np.zeros(len(share), np.bool_))


def score(action: np.ndarray, value: np.ndarray, solved: SolvedPositions) -> ExactScore:
    """Scores chosen actions (int [N]) and claimed values (float [N], in [-1, 1])."""
    signs = _signs(solved)
    best = signs.max(axis=1)
    critical = (np.isfinite(signs) & (signs < best[:, None])).any(axis=1)
    claimed = np.where(np.abs(value) < 1.0 / 3.0, 0.0, np.sign(value))
    return _by_bucket(solved, keeps(action, solved), critical, claimed == best)


def keeps(action: np.ndarray, solved: SolvedPositions) -> np.ndarray:
    """bool [N]: which of the chosen actions (int [N]) keep the value."""
    signs = _signs(solved)
    chosen = np.take_along_axis(signs, action[:, None].astype(np.int64), axis=1)[:, 0]
    return chosen == signs.max(axis=1)


def _signs(solved: SolvedPositions) -> np.ndarray:
    """float [N, A]: win, draw or loss by each action, minus infinity where it is illegal."""
    exact = np.asarray(solved.action_values)
    legal = ~np.isnan(exact)
    return np.where(legal, np.sign(np.where(legal, exact, 0.0)), -np.inf)


def _by_bucket(
    solved: SolvedPositions, kept: np.ndarray, critical: np.ndarray, value_sign_right: np.ndarray
) -> ExactScore:
    """Sums per bucket of what was found at each position [N]."""
    buckets = []
    for i, name in enumerate(solved.bucket_names):
        here = np.asarray(solved.bucket) == i
        if not here.any():
            continue
        buckets.append(
            BucketScore(
                name=name,
                positions=int(here.sum()),
                kept=float(kept[here].sum()),
                critical=int(critical[here].sum()),
                critical_kept=float(kept[here & critical].sum()),
                value_sign_right=int(value_sign_right[here].sum()),
            )
        )
    return ExactScore(buckets=tuple(buckets))
