"""Chains with one best fold, and that fold as real data: what a laboratory would have measured.

A designed chain has exactly one best fold, mirror images aside, and all of these are known: who
folds a chain is right or wrong, and nothing between.
"""

import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.operators.contract import OPERATORS
from selfplay.operators.episodes import Episodes, Sample
from selfplay.operators.targets import Provenance, Targets, outcome_values
from selfplay.replay import generations
from selfplay.replay.generations import Generation
from selfplay.replay.labels import judged
from selfplay_envs.science import hp_designed
from selfplay_envs.science.hp_chain import LETTERS, Chain
from selfplay_envs.science.hp_designed import Native
from selfplay_envs.science.hp_lattice import HPLattice, HPLatticeState


def designed(split: str, length: int) -> Chain:
    """Chain [N]: all designed chains of a length on one side of the split, train or held_out."""
    return hp_designed.splits(length, length)[split]


def natives(chains: Chain) -> list[Native]:
    """The native folds of designed chains [N], each as long as its array."""
    letters = np.array(list(LETTERS))[np.asarray(chains.hydrophobic, np.int64)]
    return [hp_designed.natives()["".join(chain)] for chain in letters]


def turns(folds: list[Native]) -> np.ndarray:
    """int32 [N, length - 2]: folds as actions."""
    return np.array([["LSR".index(turn) for turn in native.fold] for native in folds], np.int32)


def contacts(folds: list[Native]) -> np.ndarray:
    """int8 [N]."""
    return np.array([native.contacts for native in folds], np.int8)


def write(path: Path, env: HPLattice, *, share: float, seed: int) -> Generation:
    """Writes native folds of some designed chains for training, unless they are there.

    Args:
        path: the generation's folder.
        env: chains of one length, random ones: what is labelled differs by its chains alone.
        share: of the designed chains for training, in (0, 1].
        seed: another one takes other chains.

    Returns:
        A generation of real rows, whose policy is the native fold's turn.

    Raises:
        ValueError: no chain would be labelled, or the folder holds those of other settings.
    """
    about: dict[str, Any] = {
        "env": "hp_lattice",
        "env_args": {"length": env.length, "min_length": env.min_length},
        "environment_version": env.version,
        "generation": 0,
        "share": share,
        "seed": seed,
    }
    chains = designed("train", env.length)
    total = len(chains.size)
    count = round(share * total)
    if not 1 <= count <= total:
        raise ValueError(f"share must leave 1 to {total} chains to label, got {share}")
    generation = generations.create(path, about)
    if not generation.shards:
        drawn = np.random.default_rng(seed).permutation(total)[:count]
        labelled = jax.tree.map(lambda x: x[drawn], chains)
        generation.add(judged(laid(env, labelled, turns(natives(labelled)))))
    return generation


@functools.partial(jax.jit, static_argnums=0)
def laid(env: HPLattice, chains: Chain, turns: jax.Array) -> Episodes:
    """Chains [B] laid by given turns (int32 [B, T]), as episodes of real data."""
    start = jax.vmap(lambda _, chain: env.init(chain))(chains.size, chains)

    def step(state: HPLatticeState, action: jax.Array):
        after = jax.vmap(env.step)(chains, state, action)
        targets = Targets(
            problem=chains,
            state=state,
            action_weights=jax.nn.one_hot(action, env.num_actions, dtype=jnp.float32),
            value=jnp.zeros(action.shape, jnp.float32),
            weight=jnp.where(state.ended, 0.0, 1.0),
            provenance=Provenance.of(action.shape, OPERATORS.index("exact"), real=True),
        )
        return after, (targets, (after.rewards, after.terminated, after.truncated))

    final, (targets, paid) = jax.lax.scan(step, start, turns.T)
    value, _ = outcome_values(env, targets, *paid)
    number = jnp.broadcast_to(jnp.arange(turns.shape[0], dtype=jnp.int32), turns.T.shape)
    samples = Sample(targets.replace(value=value), action=turns.T, episode=number)
    return Episodes(samples, chains, final, returns=paid[0].sum(0))
