"""What a network guesses on given rows: how varied, how calibrated, how far from an earlier one's.

None of it needs a truth. Rows are Targets [R] on the host, log-policies float32 [R, A].
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from selfplay.environment.contract import Environment
from selfplay.networks.contract import Network, Params
from selfplay.operators.targets import Targets
from selfplay.search.model import mask_logits

PLIES = (0, 4, 8, 16, 32, 64, 128)
"""Where the depths begin of which the entropy is told apart."""
BINS = 10
"""Of predictions, for calibration."""

Guess = Callable[[Params, Targets], tuple[jax.Array, jax.Array]]
"""`(parameters, rows)`: log-policy float32 [R, A] and value float32 [R] of the network alone."""


def make_guess(env: Environment[Any], network: Network) -> Guess:
    """What the network says of rows; compiled once."""

    @jax.jit
    def guess(params: Params, rows: Targets) -> tuple[jax.Array, jax.Array]:
        logits, value = network.apply(params, jax.vmap(env.observe)(rows.problem, rows.state))
        legal = jax.vmap(env.legal_action_mask)(rows.problem, rows.state)
        return jax.nn.log_softmax(mask_logits(logits, legal)), value

    return guess


def gauges(
    log_policy: np.ndarray,
    value: np.ndarray,
    depth: np.ndarray,
    outcome: np.ndarray,
    earlier: np.ndarray | None = None,
) -> dict[str, float]:
    """What a network's guesses on R rows tell.

    Args:
        log_policy: float32 [R, A], the network's.
        value: float32 [R], in [-1, 1].
        depth: int [R], steps from the beginning.
        outcome: float32 [R], what came of each row, in [-1, 1].
        earlier: float32 [R, A], the log-policy of a frozen earlier network.

    Returns:
        policy/entropy_N: mean entropy in nats from step N to the next of `PLIES`, where there are
        rows. policy/effective_moves: as many equally likely moves would be as varied, exp of the
        mean entropy. value/variance: of the guesses. value/calibration_error: see
        `calibration_error`, of the chance to win. With an earlier network also kl/earlier, how far
        the network has gone from it, KL(earlier || network) in nats.
    """
    entropy = -_expectation(log_policy, log_policy)
    row = {}
    for begin, end in zip(PLIES, (*PLIES[1:], np.inf), strict=True):
        here = (depth >= begin) & (depth < end)
        if here.any():
            row[f"policy/entropy_{begin}"] = float(entropy[here].mean())
    row |= {
        "policy/effective_moves": float(np.exp(entropy.mean())),
        "value/variance": float(value.var()),
        "value/calibration_error": calibration_error((1.0 + value) / 2.0, (1.0 + outcome) / 2.0),
    }
    if earlier is not None:
        row["kl/earlier"] = float(_expectation(earlier, earlier - log_policy).mean())
    return row


def calibration_error(predicted: np.ndarray, happened: np.ndarray) -> float:
    """How far predictions in [0, 1] are from what happens, float32 [R] both, on average.

    The expected calibration error, in `BINS` bins of equal width (Guo et al. 2017, "On
    Calibration of Modern Neural Networks", section 2).
    """
    bins = np.minimum((predicted * BINS).astype(np.int64), BINS - 1)
    off = np.bincount(bins, predicted - happened, minlength=BINS)
    return float(np.abs(off).sum() / len(predicted))


def _expectation(log_probability: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Mean of `x` under probabilities, over the last axis; nothing where they are zero."""
    probability = np.exp(log_probability)
    return np.where(probability > 0, probability * x, 0.0).sum(axis=-1)
