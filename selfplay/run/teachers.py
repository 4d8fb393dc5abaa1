"""The networks that a distillation was given, kept with it: it needs no other run.

RUN/teachers/00   the first teacher
RUN/teachers/01   the others of an ensemble, from here on
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from selfplay.config import Config, NetworkConfig
from selfplay.environment.contract import Environment
from selfplay.networks.build import build
from selfplay.networks.contract import Network, Params
from selfplay.run import checkpoint, names, session
from selfplay.run.directory import RunDirectory
from selfplay.run.export import export


class Teacher(NamedTuple):
    """A network, and what it takes to use it."""

    settings: NetworkConfig
    network: Network
    params: Params


def keep(folder: Path, runs: Sequence[str]) -> None:
    """Copies the networks of runs, named as RUN or RUN@ITERATION, to `folder`, bit for bit."""
    folder.mkdir()
    for number, name in enumerate(runs):
        run, iteration = names.split(name)
        export(names.locate(run), folder / f"{number:02d}", iteration, dtype="float32")


def load(folder: Path, env: Environment[Any]) -> list[Teacher]:
    """All that were kept, in order."""
    found = []
    for path in sorted(folder.iterdir()):
        run = RunDirectory(path)
        settings = run.read_config().network
        network = build(settings, env)
        params = session.read_params(checkpoint.newest_sound(run.checkpoints), env, network)
        found.append(Teacher(settings, network, params))
    return found


def ensemble(teachers: Sequence[Teacher]) -> Params:
    """Params [M] of teachers of one shape."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *(t.params for t in teachers))


def refuse_unfit(runs: Sequence[str], config: Config) -> None:
    """Raises ValueError, before any work, for a teacher that plays something else, or one of an
    ensemble whose network has another shape.
    """
    shapes = []
    for name in runs:
        saved = RunDirectory(names.locate(names.split(name)[0])).read_config()
        for what in ("env", "env_args"):
            there, here = getattr(saved, what), getattr(config, what)
            if there != here:
                raise ValueError(f"{name} cannot teach this: its {what} is {there!r}, not {here!r}")
        shapes.append(saved.network)
        if saved.network != shapes[0]:
            raise ValueError(
                f"the networks of an ensemble must have one shape, but {name} has "
                f"{saved.network}, and {runs[0]} {shapes[0]}"
            )
