"""The networks that a distillation was given, kept with it: it needs no other run.

RUN/teachers/00   the first teacher
RUN/teachers/01   the others of an ensemble, from here on
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from selfplay import config as config_lib
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
    """All that were kept, in order. Raises ValueError if the first is gone."""
    found = []
    for path in sorted({folder / "00", *folder.iterdir()}):
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
    first = saved_config(runs[0])
    for name in runs:
        saved = saved_config(name)
        session.refuse_other(f"{name} cannot teach this", saved, config, ["env", "env_args"])
        session.refuse_other(
            f"{name} does not fit the ensemble of {runs[0]}, which must have one shape",
            saved,
            first,
            NETWORK,
        )


def refuse_other_network(run: str, config: Config) -> None:
    """Raises ValueError if a student cannot begin as the teacher."""
    session.refuse_other(
        f"student teacher needs the network of {run}, student scratch would do",
        saved_config(run),
        config,
        NETWORK,
    )


def saved_config(name: str) -> Config:
    """The settings of a run, named as RUN or RUN@ITERATION."""
    return RunDirectory(names.locate(names.split(name)[0])).read_config()


NETWORK = [path for path in config_lib.paths() if path.startswith("network.")]
"""The settings that two networks must share to have the same parameters, and use them alike."""
