"""Who folds rightly, and how sure they are of it; what the best fold of any chain is worth."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.hp_lattice import enumeration
from selfplay.evaluation.players import Act
from selfplay.networks.contract import Params
from selfplay.operators.confident import policy
from selfplay.search.model import Evaluator
from selfplay.search.simulation import jit_search
from selfplay_envs.science.hp_chain import Chain
from selfplay_envs.science.hp_lattice import STRAIGHT, HPLattice, HPLatticeState

STUCK = -1
"""As contacts: no fold of the whole chain."""


@functools.partial(jit_search, static_argnums=(0, 1))
def fold(env: HPLattice, act: Act, params: Params, chains: Chain) -> tuple[jax.Array, jax.Array]:
    """How a player folds chains [B] of the environment's length: its turns int32 [B, T]; contacts
    int8 [B], or `STUCK`.
    """
    keys = jax.random.split(jax.random.key(0), chains.size.shape[0])
    start = jax.vmap(env.init)(chains)

    def step(state: HPLatticeState, time: jax.Array):
        now = jax.vmap(jax.random.fold_in, (0, None))(keys, time)
        action, _ = act(params, now, chains, state)
        return jax.vmap(env.step)(chains, state, action), action

    final, turns = jax.lax.scan(step, start, jnp.arange(env.max_steps, dtype=jnp.int32))
    whole = final.step_count == env.max_steps
    return turns.T, jnp.where(whole, final.contacts, jnp.int8(STUCK))


@functools.partial(jax.jit, static_argnums=(0, 1))
def probability(
    env: HPLattice, evaluator: Evaluator, params: Params, chains: Chain, turns: jax.Array
) -> jax.Array:
    """float32 [B]: how likely a network samples just these folds of chains [B], or their mirror
    images. It is how sure the network is of a fold, by its own word.
    """
    keys = jax.random.split(jax.random.key(0), turns.shape[0])  # the network uses none

    def sampled(turns: jax.Array) -> jax.Array:
        def step(state: HPLatticeState, action: jax.Array):
            guess = policy(env, evaluator, params, keys, chains, state)
            chance = jnp.take_along_axis(guess, action[:, None], -1)[:, 0]
            chance = jnp.where(state.ended, 1.0, chance)
            return jax.vmap(env.step)(chains, state, action), chance

        return jax.lax.scan(step, jax.vmap(env.init)(chains), turns.T)[1].prod(0)

    mirrored = jnp.int32(2) - turns
    bent = (turns != STRAIGHT).any(1)
    return sampled(turns) + jnp.where(bent, sampled(mirrored), 0.0)


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error, in [0, 1]: how far confidence is from the share that is right,
    the mean over bins of equal width by how many fall into each (Guo et al. 2017, "On calibration
    of modern neural networks", section 2).

    Args:
        confidence: float [N] in [0, 1].
        right: bool [N].
        bins: number of them.
    """
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return sum(
        float((place == bin).mean() * abs((confidence - right)[place == bin].mean()))
        for bin in np.unique(place)
    )


@dataclasses.dataclass(frozen=True)
class Truth:
    """The best folds of all chains of a length, by enumeration; at 18 residues in 20 seconds."""

    length: int

    @functools.cached_property
    def _maps(self) -> tuple[np.ndarray, np.ndarray]:
        """Contact maps uint64 [M], most contacts first, and how many folds have each."""
        folds = enumeration.grow_folds(self.length)
        maps, count = np.unique(enumeration.contact_maps(folds), return_counts=True)
        order = np.argsort(-np.bitwise_count(maps).astype(np.int64), kind="stable")
        return maps[order], count[order]

    def best(self, hydrophobic: np.ndarray) -> enumeration.Best:
        """Of chains, bool [N, length]: most contacts, and whether one fold alone has them."""
        return enumeration.most_contacts(hydrophobic, *self._maps)
