"""Each function of an author's, called under `jit`: what goes wrong, and which law that breaks.

A fault of plain Python (a name, a forgotten return) is told from one that only tracing makes.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.checks.errors import beginning, described, needs_a_value
from selfplay.environment.contract import Environment, State
from selfplay.environment.game import Game

RUNS, RETURNS, TRACED = "runs", "returns", "traced"
"""The laws of calling."""

_OF_GAMES = {
    "_start": "start",
    "_play": "play",
    "_legal": "legal",
    "observe": "view",
    "symmetry": "mirror",
    "heuristic": "estimate",
}
"""What the author of a game writes for each function of an environment."""


def troubles(env: Environment[Any]) -> dict[str, str]:
    """Calls every function that play calls, as far as their inputs can be had.

    Returns:
        The first trouble that breaks each law, by the law's name; empty if there is none.
    """
    trial = _Trial(env)
    index = jax.ShapeDtypeStruct((), jnp.int32)
    problem = trial.problem()
    state = None if trial.found else trial.call("_start", problem)
    if trial.found:
        return trial.found
    trial.call("_legal", problem, state)
    trial.call("_play", problem, state, index)
    trial.call("observe", problem, state)
    trial.call("symmetry", problem, state, index)
    trial.call("heuristic", problem, state)
    trial.call("oracle", problem, state)
    return trial.found


@dataclasses.dataclass
class _Trial:
    """An environment whose functions are called, and what was found."""

    env: Environment[Any]
    found: dict[str, str] = dataclasses.field(default_factory=dict)

    def problem(self) -> Any:
        """The shapes of a problem to train on, after one held out was drawn too."""
        key, sample = jax.random.key(0), self.env.sample_problem
        self._shapes("sample_problem", sample, lambda key: sample(key, "held_out"), key)
        return self._shapes("sample_problem", sample, lambda key: sample(key, "train"), key)

    def call(self, name: str, problem: Any, *inputs: Any) -> Any:
        """The shapes of what a function of the contract returns; None if there was trouble."""
        function, arguments = getattr(self.env, name), (problem, *inputs)
        own = _OF_GAMES.get(name)
        if own and getattr(type(self.env), name) is getattr(Game, name):
            name, function, arguments = own, getattr(self.env, own), inputs

        def refusing(*arguments: Any) -> Any:
            result = function(*arguments)
            wanted = _misses(name.lstrip("_"), result)
            if wanted is not None:
                raise _Misreturned(wanted)
            return result

        return self._shapes(name.lstrip("_"), function, refusing, *arguments)

    def _shapes(self, name: str, function: Callable, traced: Callable, *inputs: Any) -> Any:
        try:
            return jax.eval_shape(traced, *inputs)
        except _Misreturned as error:
            self.found.setdefault(RETURNS, f"{name} gives {error}{beginning(function)}")
        except Exception as error:
            law = TRACED if needs_a_value(error) else RUNS
            self.found.setdefault(law, f"{name}: {described(error, self.env, function)}")
        return None


class _Misreturned(Exception):  # noqa: N818  it is a finding
    """What a function returned, and what it must."""


def _misses(name: str, result: Any) -> str | None:
    """What a function returned instead of what it must; None if that is of the right kind."""
    what = "an array" if isinstance(result, jax.Array) else f"a {type(result).__name__}"
    instead = f"{'None' if result is None else what}, must give {_MUST.get(name, 'an array')}"
    if name in ("start", "play"):
        return _misses_a_state(result) if isinstance(result, State) else instead
    if name in ("mirror", "symmetry"):
        parts = 2 if name == "mirror" else 3
        return None if isinstance(result, Sequence) and len(result) == parts else instead
    if name == "legal":
        return None if hasattr(result, "shape") else instead
    return instead if result is None and name != "oracle" else None


_MUST = {
    "start": "a State",
    "play": "a State",
    "mirror": "a State and a permutation",
    "symmetry": "a problem, a State and a permutation",
    "observe": "what the mover sees",
}
"""What each function gives; an array where nothing is said."""


def _misses_a_state(state: State) -> str | None:
    """A field that is no array and no number."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        if not isinstance(leaf, jax.Array | np.ndarray | np.generic | bool | int | float):
            field = jax.tree_util.keystr(path).lstrip(".")
            return f"a State whose {field} is a {type(leaf).__name__}, must be an array"
    return None
