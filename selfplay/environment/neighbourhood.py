"""Problems like one problem, as an environment of its own: each of them is a level.

`practice:ENV` is ENV with these problems for training, so that whatever trains on ENV trains on
them, those most that are solved about half of the time. What is held out stays what it was.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment import registry
from selfplay.environment.contract import Environment, Problem, Split, State
from selfplay.environment.observation import Observation

COUNT = 200
"""Problems, where nobody says how many."""

_SHARE = 8
"""For so many neighbours the asked problem has a level more: what is hard is drawn rarely, and is
what the others are there for.
"""

_OWN = ("num_levels", "sample_problem", "sample_problem_at", "neighbours", "solved_positions")
"""What is not as `env` has it; its solved positions are of no problem that is practised on."""

_HANDED_ON = [
    name
    for name in dict.fromkeys([*Environment.__annotations__, *vars(Environment)])
    if not name.startswith("_") and name not in _OWN
]
"""Facts and functions."""


def neighbours_of(env: Environment[Any], problem: Problem, count: int) -> list[Problem]:
    """At most `count` problems like one; ValueError where `env` knows of none."""
    found = env.neighbours(problem, count, seed=0)
    if not found:
        raise ValueError(
            f"practice for one problem needs others like it, and {type(env).__name__} makes none: "
            "what may help is a larger --budget, or longer training of the run (an environment of "
            "your own makes them by its method neighbours)"
        )
    return found


class Neighbourhood(Environment[Any]):
    """The rules of `env`, on `neighbours` problems at most that are like `problem`.

    Args:
        env: a name, as `registry.make` takes it.
        problem: as `env` writes it.
        neighbours: at most so many problems, the one itself among them.
        arguments: of `env`.

    Raises:
        ValueError: `env` knows of no problems that are like one.
    """

    def __init__(self, env: str, /, *, problem: str, neighbours: int = COUNT, **arguments: Any):
        self.env = registry.make(env, **arguments)
        self.problem = problem
        found = neighbours_of(self.env, self.env.parse_problem(problem), neighbours)
        self.num_neighbours = len(found)
        """Different problems, the one itself among them."""
        found = [*found, *[self.env.parse_problem(problem)] * (len(found) // _SHARE)]
        self.problems = jax.tree.map(lambda *leaves: np.stack(leaves), *found)
        """Problem [num_levels]; the last ones are the one itself."""
        self.num_levels = len(found)
        for name in _HANDED_ON:
            setattr(self, name, getattr(self.env, name))

    def sample_problem(self, key: jax.Array, split: Split = "train") -> Problem:
        """Any of the problems; of those held out, as `env` draws them."""
        if split == "held_out":
            return self.env.sample_problem(key, split)
        level = jax.random.randint(key, (), 0, self.num_levels, jnp.int32)
        return self.sample_problem_at(key, level, split)

    def sample_problem_at(self, key: jax.Array, level: jax.Array, split: Split) -> Problem:
        """The problem of that number; of those held out, as `env` draws them."""
        if split == "held_out":
            return self.env.sample_problem(key, split)
        return jax.tree.map(lambda leaf: jnp.asarray(leaf)[level], self.problems)

    # What must be written; all else that is as `env` has it is handed on by `__init__` ----------

    def _start(self, problem: Problem) -> State:
        return self.env._start(problem)

    def _play(self, problem: Problem, state: State, action: jax.Array) -> State:
        return self.env._play(problem, state, action)

    def _legal(self, problem: Problem, state: State) -> jax.Array:
        return self.env._legal(problem, state)

    def observe(self, problem: Problem, state: State) -> Observation:
        """What `env` shows."""
        return self.env.observe(problem, state)
