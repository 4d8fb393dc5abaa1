"""Equational reasoning against a slow reference on terms.

All play is at one size, in one batch, compiled once.
"""

import functools
import random
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay_envs.proofs import equational_levels, laws
from selfplay_envs.proofs.equational import Equational
from selfplay_envs.proofs.magma import Law, Term
from selfplay_envs.proofs.term_arrays import decode, encode, preorder, term_of
from tests.reference.equational import Attempt

SIZE, GAMES, STEPS = 31, 96, 24


class Episode(NamedTuple):
    """A random one, beside the reference all the way."""

    problem: object
    actions: list[int]
    reference: Attempt
    reward: float


def any_term(rng: random.Random, operations: int, num_variables: int) -> Term:
    if operations == 0:
        return rng.randrange(num_variables)
    on_left = rng.randrange(operations)
    return (
        any_term(rng, on_left, num_variables),
        any_term(rng, operations - 1 - on_left, num_variables),
    )


def any_law(rng: random.Random, operations: int, num_variables: int) -> Law:
    while True:
        on_left = rng.randint(0, operations)
        sides = [any_term(rng, n, num_variables) for n in (on_left, operations - on_left)]
        if sides[0] != sides[1]:
            return Law(*sides).renamed()


@functools.cache
def problems() -> list[tuple[Law, Law]]:
    """Laws of the project and random ones of up to eight operations, goals small and almost full."""
    rng = random.Random(0)
    found = []
    while len(found) < GAMES:
        hypothesis = rng.choice(laws.laws()) if rng.random() < 0.7 else any_law(rng, 8, 6)
        found.append((hypothesis, any_law(rng, rng.choice([3, 6, 15]), rng.randint(1, 6))))
    return found


@functools.cache
def compiled():
    env = Equational(size=SIZE, max_steps=STEPS)
    return env, jax.jit(jax.vmap(env.init)), jax.jit(jax.vmap(env.step))


def stacked(items):
    return jax.tree.map(lambda *leaves: np.stack(leaves), *items)


@functools.cache
def episodes() -> list[Episode]:
    env, init, step = compiled()
    references = [Attempt(*pair, SIZE) for pair in problems()]
    problem = stacked([jax.device_get(encode(*pair, SIZE, True)) for pair in problems()])
    actions: list[list[int]] = [[] for _ in references]
    rewards = np.zeros(GAMES)
    rng = random.Random(1)
    state = init(problem)
    while True:
        now = jax.device_get(state)
        rewards += now.rewards[:, 0]
        masks = jax.device_get(env_masks(now))
        running = np.flatnonzero(~now.terminated)
        if not running.size:
            break
        chosen = np.zeros(GAMES, np.int32)
        for i in running:
            assert [term_of(side) for side in now.codes[i]] == references[i].goal
            legal = np.flatnonzero(masks[i]).tolist()
            assert legal == sorted(references[i].legal())
            chosen[i] = rng.choice(legal)
            references[i].act(int(chosen[i]))
            actions[i].append(int(chosen[i]))
        state = step(problem, state, jnp.asarray(chosen))
    rows = [jax.tree.map(lambda leaf, i=i: leaf[i], problem) for i in range(GAMES)]
    assert not now.truncated.any()
    return [Episode(*row) for row in zip(rows, actions, references, rewards, strict=True)]


def env_masks(states) -> np.ndarray:
    lanes = np.arange(32, dtype=np.uint32)
    return (states.choices[..., None] >> lanes & 1).astype(bool).reshape(GAMES, -1)


def test_masks_and_steps_are_the_references():
    """Asserted all the way; here: that there were steps of each kind, and how they ended."""
    played = [action for episode in episodes() for action in episode.actions]
    kinds = np.bincount(np.array(played) // (2 * SIZE), minlength=4)
    assert (kinds[:2] > 100).all() and kinds[2] > 20 and kinds[3] > 50
    for episode in episodes():
        ended = len(episode.actions) == STEPS or not episode.reference.legal()
        paid = 1 if episode.reference.solved else -1 if episode.actions else 0
        assert episode.reward == paid
        assert episode.reference.solved or ended
