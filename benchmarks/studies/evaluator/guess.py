"""Evaluators that are weak on purpose: untrained, taught for one epoch, or drowned in noise.

All have the shape of the agent that comes with the game, and are the same function of different
parameters, so that one program serves them all.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from selfplay.environment.contract import Environment, Problem, State
from selfplay.networks.contract import Apply, Params
from selfplay.search.model import Evaluator

LOGIT_NOISE = 4.0
"""Noise on logits, where that on values is 1: of the trained agent, values spread by 0.8 and the
logits of a position by 3.2."""


class Guess(struct.PyTreeNode):
    """The parameters of a weak evaluator."""

    network: Params
    noise: jax.Array
    """float32 []: standard deviation of the noise on values; see `LOGIT_NOISE`."""
    key: jax.Array
    """PRNG key: which noise. It is fixed, so that a position is misjudged in one way for ever."""


def weak_evaluator(env: Environment, apply: Apply) -> Evaluator:
    """A network with Gaussian noise that depends on the observation and on nothing else.

    Noise that is drawn anew in each node averages out in a search even where all nodes are one
    position; an evaluator that is wrong is wrong each time it is asked. Values are cut to [-1, 1].

    The environment's observations are stones: 0 or 1. Their hash is Zobrist's (1970, "A new
    hashing method with application for game playing"), a random word for each, here added.
    """

    def evaluate(
        guess: Guess, keys: jax.Array, problem: Problem, state: State
    ) -> tuple[jax.Array, jax.Array]:
        del keys
        observation = jax.vmap(env.observe)(problem, state)
        logits, value = apply(guess.network, observation)
        stones = observation.reshape(len(value), -1).astype(jnp.uint32)
        dice = np.random.default_rng(0)
        words = dice.integers(0, 2**32, (2, stones.shape[1]), np.uint64).astype(np.uint32)
        hashes = (stones[:, None] * jnp.asarray(words)[None]).sum(-1, dtype=jnp.uint32)

        def draw(words: jax.Array) -> jax.Array:
            key = jax.random.fold_in(jax.random.fold_in(guess.key, words[0]), words[1])
            return guess.noise * jax.random.normal(key, (env.num_actions + 1,))

        noise = jax.vmap(draw)(hashes)
        return logits + LOGIT_NOISE * noise[:, 1:], jnp.clip(value + noise[:, 0], -1.0, 1.0)

    return evaluate
