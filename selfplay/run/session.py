"""A run in memory, between two iterations: begun, saved and restored."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from selfplay import config as config_lib
from selfplay.config import MAY_CHANGE_ON_RESUME, Config, difference
from selfplay.environment.contract import Environment
from selfplay.networks.contract import Network, Params
from selfplay.run import checkpoint, machine, milestones
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate
from selfplay.run.program import Program, RunState
from selfplay.run.progress import Clock


@dataclasses.dataclass
class Session:
    """What the loop works on."""

    config: Config
    program: Program
    state: RunState
    clock: Clock
    iteration: int = 0
    """Iterations done."""
    iterations: int | None = None
    """The planned end; None until the speed is known."""
    saved: int | None = None
    """Iterations in the newest checkpoint of this session."""

    def begin(self, run: RunDirectory) -> None:
        """Writes what a run has before its first iteration."""
        self.save(run)
        self.save_milestone(run)

    def save(self, run: RunDirectory) -> None:
        """Writes a checkpoint of the whole run, and drops the oldest."""
        trees = {"params": self.program.acting(self.state), "state": self.state}
        checkpoint.save(run.checkpoints, self.iteration, trees, self._info())
        checkpoint.prune(run.checkpoints, self.config.checkpoint.keep)
        self.saved = self.iteration

    def save_milestone(self, run: RunDirectory) -> None:
        """Writes the network alone if this iteration is a milestone."""
        most = self.config.checkpoint.milestones
        if milestones.is_due(self.iteration, most):
            params = self.program.acting(self.state)
            milestones.save(run.milestones, self.iteration, params, self._info(), most)

    def _info(self) -> dict[str, Any]:
        env, mesh = self.program.env, self.program.mesh
        return about(self.config, env, mesh, self.iterations, self.clock.seconds)

    def extend(self, minutes: float | None, iterations: int | None) -> None:
        """Moves the planned end: to `iterations`, or `minutes` further at the speed so far."""
        if iterations is not None:
            self.iterations = iterations
        elif minutes is not None and self.iteration:
            pace = self.iteration / self.clock.seconds
            self.iterations = self.iteration + max(1, int(60.0 * minutes * pace))
        elif minutes is not None:
            self.clock.deadline = self.clock.seconds + 60.0 * minutes


def about(
    config: Config, env: Environment, mesh: Mesh, iterations: int | None, seconds: float
) -> dict[str, Any]:
    """What a checkpoint says of itself: iterations planned, seconds spent, settings, machine."""
    return {
        "iterations": iterations,
        "seconds": seconds,
        "environment_version": env.version,
        "num_devices": mesh.size,
        "config": config_lib.to_dict(config),
        "machine": machine.describe(),
    }


def restore(run: RunDirectory, config: Config, program: Program, started: float | None) -> Session:
    """The run as its newest sound checkpoint left it.

    Raises ValueError if none is sound, or if one was made by other settings than `config`.
    """
    path = checkpoint.newest_sound(run.checkpoints)
    info = checkpoint.read_info(path)
    refuse_other_version(path, program.env)
    if info["num_devices"] != program.mesh.size:
        raise ValueError(
            f"{path} was saved on {info['num_devices']} devices, but now there are "
            f"{program.mesh.size}; on a CPU, XLA_FLAGS=--xla_force_host_platform_device_count="
            f"{info['num_devices']} makes as many"
        )
    refuse_changes(config_lib.from_dict(info["config"]), config, run.path)
    clock = Clock(60.0 * config.minutes, before=info["seconds"], started=started)
    return Session(
        config=config,
        program=program,
        state=_read_state(path, config, program),
        clock=clock,
        iteration=int(path.name),
        iterations=info["iterations"],
        saved=int(path.name),
    )


def _read_state(path: Path, config: Config, program: Program) -> RunState:
    """All that a run had; ValueError, saying what would do, for one of another version."""
    try:
        return checkpoint.restore(path, "state", program.abstract())
    except ValueError as error:
        raise ValueError(
            f"{error}. A run that another version of selfplay began cannot be gone on with, but a "
            f"new one can begin with its network: selfplay train {config.env} --from "
            f"{path.parent.parent}"
        ) from error


def num_devices(run: RunDirectory) -> int | None:
    """How many devices the newest checkpoint was saved on; None where it does not say."""
    return _newest_info(run).get("num_devices")


def refuse_exported(run: RunDirectory) -> None:
    """Raises ValueError if the run is a network alone, before anything is written to it."""
    if "params_dtype" in _newest_info(run):
        raise ValueError(
            f"{run.path} holds a network alone, not a run to go on with; to train from it: "
            f"selfplay train {run.read_config().env} --from {run.path}"
        )


def _newest_info(run: RunDirectory) -> dict[str, Any]:
    """What the newest checkpoint says of itself; nothing if it is damaged: `restore` says so."""
    newest = checkpoint.available(run.checkpoints)[:1]
    try:
        return checkpoint.read_info(newest[0]) if newest else {}
    except (ValueError, OSError):
        return {}


def refuse_changes(saved: Config, config: Config, run: Path) -> None:
    """Raises ValueError naming a setting that changed though it may not on resume."""
    for field in difference(saved, config):
        if field.split(".")[0] not in (*MAY_CHANGE_ON_RESUME, "minutes", "iterations"):
            raise ValueError(
                f"{field} cannot change on resume, from {config_lib.get(saved, field)!r} to "
                f"{config_lib.get(config, field)!r}; what can: "
                f"{', '.join(MAY_CHANGE_ON_RESUME)}. For a new run from this one's network: "
                f"selfplay train ENV --from {run}"
            )


def refuse_other_version(path: Path, env: Environment) -> None:
    """Raises ValueError if a checkpoint was made under other rules."""
    saved = checkpoint.read_info(path)["environment_version"]
    if saved != env.version:
        raise ValueError(
            f"{path} was saved with version {saved} of {type(env).__name__}, but now it is "
            f"version {env.version}"
        )


def read_params(path: Path, env: Environment, network: Network) -> Params:
    """The network of a sound checkpoint, float32. Raises ValueError if it does not fit."""
    refuse_other_version(path, env)
    abstract = jax.eval_shape(network.init, jax.random.key(0))
    dtype = checkpoint.read_info(path).get("params_dtype", "float32")  # an exported one is smaller
    stored = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, dtype), abstract)
    params = checkpoint.restore(path, "params", stored)
    return jax.tree.map(lambda x: x.astype(jnp.float32), params)


def refuse_to_start_from(run: Path | str, config: Config) -> None:
    """Raises ValueError naming what of another run does not fit one with these settings.

    Of `env_args` only those matter that change the shapes of parameters, which are compared later.
    """
    saved = RunDirectory(locate(run)).read_config()
    if saved.env != config.env:
        raise ValueError(f"cannot start from {run}: it plays {saved.env}, not {config.env}")
    sizes = ("kind", "width", "depth", "line_length", "num_heads", "reply_head")
    shape = [f"network.{name}" for name in sizes]
    refuse_other(f"cannot start from {run}", saved, config, shape)


def refuse_other(what: str, saved: Config, config: Config, fields: Sequence[str]) -> None:
    """Raises ValueError, `what` first, naming the first of the fields that is not the same."""
    for field in fields:
        there, here = config_lib.get(saved, field), config_lib.get(config, field)
        if there != here:
            raise ValueError(f"{what}: its {field} is {there!r}, not {here!r}")


def read_params_to_start_from(run: Path | str, program: Program, config: Config) -> Params:
    """The network of another run, for one that `refuse_to_start_from` lets pass.

    Raises ValueError if it does not fit, naming the `env_args` that are not the same.
    """
    source = RunDirectory(locate(run))
    path = checkpoint.newest_sound(source.checkpoints)
    refuse_other_version(path, program.env)
    try:
        return read_params(path, program.env, program.network)
    except ValueError as error:
        saved = source.read_config().env_args
        others = [
            f"{name} is {saved.get(name, 'not given')} there and "
            f"{config.env_args.get(name, 'not given')} here"
            for name in sorted(saved.keys() | config.env_args.keys())
            if saved.get(name) != config.env_args.get(name)
        ]
        if not others:
            raise
        raise ValueError(
            f"cannot start from {run}: of env_args, {', '.join(others)}, and {error}"
        ) from error
