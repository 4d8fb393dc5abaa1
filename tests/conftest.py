"""Strict numerics on eight CPU devices, and random games for whoever needs them."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
)
os.environ["JAX_PLATFORMS"] = "cpu"
# What one test has compiled, another worker or a later run need not compile again.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(pathlib.Path(__file__).parents[1] / ".pytest_cache" / "jax")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")
# Most tests compile for longer than they run; those that do not ask for `optimized`.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

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

    def running(self, count: int = 256) -> tuple[Any, Any]:
        """Problem and State [count]: positions before the end, drawn with replacement."""
        return self._sample(~self.ended, count)

    def finished(self, count: int = 256) -> tuple[Any, Any]:
        """Problem and State [count]: positions after the end, drawn with replacement."""
        return self._sample(self.ended, count)

    def _sample(self, where: np.ndarray, count: int) -> tuple[Any, Any]:
        step, game = np.nonzero(where)
        chosen = np.random.default_rng(0).integers(len(step), size=count)
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

    def advance(problem, state, noise):
        legal = env.legal_action_mask(problem, state)
        action = jnp.where(legal, noise, -1.0).argmax().astype(jnp.int32)
        return env.step(problem, state, action), action

    @jax.jit
    def play(keys, noise):
        problem, start = jax.vmap(begin)(keys)

        def scanned(state, noise):
            after, action = jax.vmap(advance)(problem, state, noise)
            return after, (jax.vmap(look)(problem, state), action)

        last, (seen, actions) = jax.lax.scan(scanned, start, noise)
        end = jax.vmap(look)(problem, last)
        return problem, jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), seen, end), actions

    keys = jax.random.split(jax.random.key(seed), num_games)
    shape = (env.max_steps + 1, num_games, env.num_actions)
    noise = np.random.default_rng(seed).random(shape, np.float32)
    problem, (states, masks, observations), actions = jax.device_get(play(keys, noise))
    return Games(problem, states, masks, observations, actions)


@pytest.fixture(scope="session")
def random_games() -> Callable[..., Games]:
    """`random_games(env, num_games, seed=0)`; see `play_random_games`."""
    return play_random_games


@pytest.fixture(scope="module")
def optimized() -> Iterator[None]:
    """Turns the compiler's optimizations on for a module."""
    before = jax.config.read("jax_disable_most_optimizations")
    # What is compiled stays so: one way and the other, a program rounds differently.
    jax.clear_caches()
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.clear_caches()
    jax.config.update("jax_disable_most_optimizations", before)
