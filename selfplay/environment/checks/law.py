"""A law, what breaks it, and what the author is told."""

import dataclasses
import enum
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from selfplay.environment.checks import calling
from selfplay.environment.checks import games as games_lib
from selfplay.environment.checks.games import Games
from selfplay.environment.contract import Environment


class Outcome(enum.Enum):
    """What became of a law."""

    HOLDS = "holds"
    WARNS = "warns"
    BROKEN = "broken"
    ABSENT = "nothing to check"
    """The environment has not what the law is about."""
    UNCHECKED = "not checked"
    """A more fundamental law is broken."""


@dataclasses.dataclass(frozen=True)
class Breach:
    """Where and how a law is broken."""

    seen: str
    place: tuple[int, int] | None = None
    """Step and game of `Subject.games` where it shows; None where no game is needed."""


class Absent(Exception):  # noqa: N818  it is no error
    """Raised by a test that has nothing to look at."""


@dataclasses.dataclass(frozen=True)
class Law:
    """What must hold of every environment."""

    name: str
    demand: str
    """What must hold, in a sentence."""
    remedy: str
    """What to change where it does not."""
    test: Callable[["Subject"], Breach | None]
    warns: bool = False
    """A breach may be meant, so it is a warning."""


@dataclasses.dataclass
class Subject:
    """An environment under examination."""

    env: Environment[Any]
    num_games: int
    seed: int
    again: Environment[Any] | None = None
    """The same environment made once more, where it is known how."""
    played: Games | None = None
    """Random games, if there are any yet."""
    compiled: dict[str, Any] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def troubles(self) -> dict[str, str]:
        """What was seen when each function was called; see `calling`."""
        return calling.troubles(self.env)

    @functools.cached_property
    def games(self) -> Games:
        """Random games; not to be asked for before the laws of form hold."""
        if self.played is not None:
            return self.played
        count = games_lib.affordable(self.env, self.num_games, self.env.max_steps + 1)
        return games_lib.play(self.env, count, seed=self.seed)

    @functools.cached_property
    def problem(self) -> Any:
        """The shapes of a problem."""
        return jax.eval_shape(self.env.sample_problem, jax.random.key(0))

    @functools.cached_property
    def start(self) -> Any:
        """The shapes of a State."""
        return jax.eval_shape(self.env.init, self.problem)

    def batched(self, name: str) -> Any:
        """A function of the environment over a leading axis, compiled once for all laws."""
        if name not in self.compiled:
            self.compiled[name] = jax.jit(jax.vmap(getattr(self.env, name)))
        return self.compiled[name]


SAMPLE = 1_024
"""Positions at which a law is tried that needs steps of its own."""


def earliest(bad: Any) -> tuple[int, int] | None:
    """Step and game of the first True of bool [T, B], or None."""
    if not np.any(bad):
        return None
    step, game = np.argwhere(bad)[0]
    return int(step), int(game)


def first_bad(bad: Any, places: tuple[np.ndarray, np.ndarray]) -> tuple[int, int] | None:
    """The first of some places, [N] each, whose bool [N] is True, or None."""
    if not np.any(bad):
        return None
    index = int(np.argmax(bad))
    return int(places[0][index]), int(places[1][index])


def differing(left: Any, right: Any) -> np.ndarray:
    """bool [N]: where two pytrees [N] are not equal bit for bit (a NaN equals a NaN)."""
    pairs = list(zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True))
    bad = np.zeros(np.asarray(pairs[0][0]).shape[0], bool) if pairs else np.zeros(0, bool)
    for a, b in pairs:
        a, b = np.asarray(a), np.asarray(b)
        equal = (a == b) | ((a != a) & (b != b))
        bad |= ~equal.reshape(len(bad), -1).all(1)
    return bad


def as_bytes(tree: Any) -> list[bytes]:
    """Each row of a pytree [N] as bytes, to be compared and counted."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(jax.device_get(tree))]
    return [b"".join(leaf[row].tobytes() for leaf in leaves) for row in range(len(leaves[0]))]


def differing_field(left: Any, right: Any) -> str:
    """The names of the fields in which two pytrees differ."""
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(left)]
    pairs = zip(names, jax.tree.leaves(left), jax.tree.leaves(right), strict=True)
    return ", ".join(n.lstrip(".") for n, a, b in pairs if not np.array_equal(a, b, equal_nan=True))


def shortened(subject: Subject, law: Law, breach: Breach) -> tuple[Subject, Breach]:
    """The breach in as short a game as sixteen times as many shorter games show."""
    if breach.place is None or breach.place[0] < 1:
        return subject, breach
    step, num_games = breach.place[0], 16 * subject.games.actions.shape[1]
    count = games_lib.affordable(subject.env, num_games, step)
    played = games_lib.play(subject.env, count, seed=subject.seed + 1, num_steps=step)
    other = dataclasses.replace(subject, played=played)
    try:
        found = law.test(other)
    except Exception:  # its games, cut short, may lack what the test looks at
        return subject, breach
    if found is None or found.place is None or found.place[0] >= step:
        return subject, breach
    return other, found
