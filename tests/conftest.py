"""Strict numerics on eight CPU devices, and random games for whoever needs them."""

import dataclasses
import os
from collections.abc import Callable
from typing import Any

os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
)
os.environ["JAX_PLATFORMS"] = "cpu"

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.environment import Environment

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

hypothesis.settings.register_profile("selfplay", deadline=None)
hypothesis.settings.load_profile("selfplay")


@dataclasses.dataclass(frozen=True)
class Games:
    """B random games of T steps, as NumPy arrays; ended games go on absorbing."""

    problem: Any
    """Problem [B]."""
    states: Any
    """State [T + 1, B]."""
    masks: np.ndarray
    """bool [T + 1, B, num_actions]."""
    observations: Any
    """Observation [T + 1, B]."""
    actions: np.ndarray
    """int32 [T, B], legal."""

    @property
    def ended(self) -> np.ndarray:
        """bool [T + 1, B]."""
        return self.states.terminated | self.states.truncated

    def running(self, limit: int = 1024) -> tuple[Any, Any]:
        """Problem and State [K] of K positions before the end, at most `limit`."""
        return self._sample(~self.ended, limit)

    def finished(self, limit: int = 1024) -> tuple[Any, Any]:
        """Problem and State [K] of K positions after the end, at most `limit`."""
        return self._sample(self.ended, limit)

    def _sample(self, where: np.ndarray, limit: int) -> tuple[Any, Any]:
        step, game = np.nonzero(where)
        chosen = np.random.default_rng(0).permutation(len(step))[:limit]
        step, game = step[chosen], game[chosen]
        problem = jax.tree.map(lambda leaf: leaf[game], self.problem)
        return problem, jax.tree.map(lambda leaf: leaf[step, game], self.states)


def play_random_games(env: Environment[Any], num_games: int, seed: int = 0) -> Games:
    """Plays uniformly random legal moves, for one step more than any game can last."""

    def begin(key):
        problem = env.sample_problem(key)
        return problem, env.init(problem)

    def look(problem, state):
        return state, env.legal_action_mask(problem, state), env.observe(problem, state)

    def advance(problem, state, key):
        mask = env.legal_action_mask(problem, state)
        noise = jax.random.uniform(key, mask.shape)
        action = jnp.where(mask, noise, -1.0).argmax().astype(jnp.int32)
        return env.step(problem, state, action), action

    @jax.jit
    def play(key):
        first, rest = jax.random.split(key)
        problem, start = jax.vmap(begin)(jax.random.split(first, num_games))

        def scanned(state, key):
            state, action = jax.vmap(advance)(problem, state, jax.random.split(key, num_games))
            return state, (jax.vmap(look)(problem, state), action)

        keys = jax.random.split(rest, env.max_steps + 1)
        _, (later, actions) = jax.lax.scan(scanned, start, keys)
        now = jax.vmap(look)(problem, start)
        seen = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), now, later)
        return problem, seen, actions

    problem, (states, masks, observations), actions = jax.device_get(play(jax.random.key(seed)))
    return Games(problem, states, masks, observations, actions)


@pytest.fixture(scope="session")
def random_games() -> Callable[..., Games]:
    """`random_games(env, num_games, seed=0)`; see `play_random_games`."""
    return play_random_games
