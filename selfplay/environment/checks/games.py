"""Random games, kept whole: what the laws are looked for in, and a short game to show."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.contract import Environment, shapes

MAX_BYTES = 2**29
"""Of the games kept; more, or longer ones, are played in smaller number."""


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
        step, game = np.nonzero(~self.ended)
        chosen = np.random.default_rng(0).integers(len(step), size=count)
        return self.at(step[chosen], game[chosen])

    def places(self, where: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Step and game [count] of positions in `where`, the earliest first; [0] if there are none.

        Half of them are the earliest there are, the others drawn from the rest; where there are
        too few, the last is repeated: programs are compiled for one size.
        """
        step, game = np.nonzero(where)
        early = min(count // 2, len(step))
        rest = np.random.default_rng(0).permutation(np.arange(early, len(step)))
        chosen = np.concatenate([np.arange(early), np.sort(rest[: count - early])]).astype(int)
        if len(chosen):
            chosen = np.pad(chosen, (0, count - len(chosen)), mode="edge")
        return step[chosen], game[chosen]

    def at(self, step: Any, game: Any) -> tuple[Any, Any]:
        """Problem and State of some places; integers or arrays of them."""
        problem = jax.tree.map(lambda leaf: leaf[game], self.problem)
        return problem, jax.tree.map(lambda leaf: leaf[step, game], self.states)


def play(
    env: Environment[Any], num_games: int, *, seed: int = 0, num_steps: int | None = None
) -> Games:
    """Plays uniformly random legal moves, by default one step more than any game can last."""
    num_steps = env.max_steps + 1 if num_steps is None else num_steps
    keys = jax.random.split(jax.random.key(seed), num_games)
    shape = (num_steps, num_games, env.num_actions)
    noise = np.random.default_rng(seed).random(shape, np.float32)
    problem, (states, masks, observations), actions = jax.device_get(_play(env)(keys, noise))
    return Games(problem, states, masks, observations, actions)


def affordable(env: Environment[Any], num_games: int, num_steps: int) -> int:
    """How many of `num_games` games of so many steps fit in `MAX_BYTES`; at least 8."""
    problem, state = shapes(env)
    seen = jax.eval_shape(env.observe, problem, state)
    each = num_bytes((state, seen)) + 5 * env.num_actions
    return max(8, min(num_games, MAX_BYTES // ((num_steps + 1) * each)))


def num_bytes(tree: Any) -> int:
    """Of all arrays of a pytree."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


@functools.lru_cache(maxsize=4)
def _play(env: Environment[Any]) -> Any:
    """The program of `play`, kept so that shorter games compile no second one in vain."""

    def begin(key: jax.Array):
        problem = env.sample_problem(key)
        return problem, env.init(problem)

    def look(problem: Any, state: Any):
        return state, env.legal_action_mask(problem, state), env.observe(problem, state)

    def advance(problem: Any, state: Any, noise: jax.Array):
        legal = env.legal_action_mask(problem, state)
        action = jnp.where(legal, noise, -1.0).argmax().astype(jnp.int32)
        return env.step(problem, state, action), action

    @jax.jit
    def whole(keys: jax.Array, noise: jax.Array):
        problem, start = jax.vmap(begin)(keys)

        def scanned(state: Any, noise: jax.Array):
            after, action = jax.vmap(advance)(problem, state, noise)
            return after, (jax.vmap(look)(problem, state), action)

        last, (seen, actions) = jax.lax.scan(scanned, start, noise)
        end = jax.vmap(look)(problem, last)
        return problem, jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), seen, end), actions

    return whole
