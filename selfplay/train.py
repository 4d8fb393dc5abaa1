"""The loop: play, learn, look, save.

    from selfplay.environment import preset
    from selfplay.train import train

    run = train(preset("tic_tac_toe", minutes=1.0))

`resume` goes on with a run, on the CPU bit for bit as if it had never stopped.
"""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp

from selfplay import sharding
from selfplay.config import MAY_CHANGE_ON_RESUME, Config, difference
from selfplay.evaluation.look import make_look
from selfplay.networks.contract import Params
from selfplay.run import checkpoint, directory, progress
from selfplay.run.directory import RunDirectory
from selfplay.run.metrics import Watcher, open_watchers
from selfplay.run.program import Program, RunState, make_program


@dataclasses.dataclass
class Session:
    """A run in memory, between two iterations."""

    run: RunDirectory
    config: Config
    program: Program
    state: RunState
    clock: progress.Clock
    iteration: int = 0
    """Iterations done."""
    iterations: int | None = None
    """The planned end; None until the speed is known."""


def train(
    config: Config,
    *,
    run: Path | None = None,
    start_from: Path | None = None,
    watchers: Sequence[Watcher] = (),
    started: float | None = None,
) -> Path:
    """Trains from nothing but the rules, or from another run's network.

    Args:
        config: the settings; `selfplay.environment.preset(name)` has good ones.
        run: the new run's folder, by default `runs/ENV-DATE-TIME`.
        start_from: a run with the same environment and network, to start warm from.
        watchers: who is told of each iteration, beside the run's own files.
        started: `time.time()` from which `config.minutes` count, by default now.

    Returns:
        The run's folder.

    Raises:
        ValueError: a setting does not fit, naming it.
        NonFiniteLossError: learning went wrong; the last good checkpoint stays.
    """
    program = make_program(config)
    params = None if start_from is None else _read_params(start_from, config, program)
    folder = directory.create(run, config)
    with folder.lock():
        session = Session(
            run=folder,
            config=config,
            program=program,
            state=program.init(params),
            clock=progress.Clock(60.0 * (config.minutes or 0.0), started=started),
            iterations=config.iterations,
        )
        _save(session)
        _loop(session, watchers)
    return folder.path


def resume(
    run: Path,
    *,
    minutes: float | None = None,
    iterations: int | None = None,
    config: Config | None = None,
    watchers: Sequence[Watcher] = (),
    started: float | None = None,
) -> Path:
    """Goes on with a run from its newest sound checkpoint.

    Args:
        run: its folder.
        minutes: so many more; by default the run goes on to its planned end.
        iterations: the new planned end; wins over `minutes`.
        config: changed settings, if any; only `MAY_CHANGE_ON_RESUME` may differ.
        watchers: as in `train`.
        started: as in `train`.

    Returns:
        The run's folder.

    Raises:
        ValueError: a setting may not change, no checkpoint is sound, or the run is at its end.
    """
    folder = RunDirectory(run.absolute())
    config = _merge(folder.read_config(), config, run)
    with folder.lock():
        session = _restore(folder, config, started)
        if iterations is not None:
            session.iterations = iterations
        elif minutes is not None:
            session.iterations = None
            session.clock.deadline = session.clock.seconds + 60.0 * minutes
        if session.iterations is not None and session.iterations <= session.iteration:
            raise ValueError(
                f"{run} has done {session.iteration} iterations of {session.iterations}; "
                "to go on, ask for more with --minutes or --iterations"
            )
        folder.write_config(config)
        _loop(session, watchers)
    return folder.path


def _loop(session: Session, watchers: Sequence[Watcher]) -> None:
    """Iterates until the planned end, or until someone asks to stop."""
    config = session.config
    watchers = [*open_watchers(session.run, config, session.iteration), *watchers]
    planner, pace = progress.Planner(session.clock), progress.Pace(session.clock)
    look = make_look(session.program.env, session.program.network, config)
    look_due = progress.Every(config.evaluation.every_minutes)
    save_due = progress.Every(config.checkpoint.every_minutes)
    try:
        with progress.interruptible() as interruption:
            while session.iteration != session.iterations and not interruption.requested:
                row = _iterate(session)
                newly_planned = session.iterations is None and _plan(session, planner, row)
                # The first look compiles, which must not come between the speed and the plan.
                if session.iteration in (1, session.iterations) or look_due():
                    row |= look(session.state.learner.params)
                header = pace.header(session.iteration, session.iterations)
                for watcher in watchers:
                    watcher.on_iteration(header | row)
                if newly_planned or save_due():
                    _save(session)
            _save(session)
    finally:
        for watcher in watchers:
            watcher.close()


def _iterate(session: Session) -> progress.Row:
    """Plays and learns once. Raises NonFiniteLossError before anything bad could be saved."""
    config, program = session.config, session.program
    begin = time.monotonic()
    now = jnp.int32(session.iteration)
    session.state, played = program.play(session.state, now)
    learned = {}
    if played["least_buffer_rows"] * program.mesh.size >= config.replay.min_rows:
        total = progress.total_updates(config, session.iterations)
        session.state, learned = program.learn(session.state, now, jnp.int32(total))
    row = progress.iteration_row(config, played, learned, lambda: time.monotonic() - begin)
    progress.refuse_non_finite(row, session.iteration)
    session.iteration += 1
    return row


def _plan(session: Session, planner: progress.Planner, row: progress.Row) -> bool:
    """Sets the planned end if the speed is known by now; says whether it did."""
    session.iterations = planner.plan(session.iteration, learnt="learning_rate" in row)
    return session.iterations is not None


def _save(session: Session) -> None:
    """Writes a checkpoint of the whole run, and drops the oldest."""
    trees = {"params": session.state.learner.params, "state": session.state}
    info = {
        "iterations": session.iterations,
        "seconds": session.clock.seconds,
        "environment_version": session.program.env.version,
        "num_devices": session.program.mesh.size,
    }
    checkpoint.save(session.run.checkpoints, session.iteration, trees, info)
    checkpoint.prune(session.run.checkpoints, session.config.checkpoint.keep)


def _restore(folder: RunDirectory, config: Config, started: float | None) -> Session:
    """The run as its newest sound checkpoint left it."""
    program = make_program(config)
    path = checkpoint.newest_sound(folder.checkpoints, warn=print)
    info = checkpoint.read_info(path)
    now = {"environment_version": program.env.version, "num_devices": program.mesh.size}
    for field, value in now.items():
        if info[field] != value:
            raise ValueError(f"{path} was saved with {field} {info[field]}, but now it is {value}")
    return Session(
        run=folder,
        config=config,
        program=program,
        state=checkpoint.restore(path, "state", sharding.abstract(program.init(None))),
        clock=progress.Clock(60.0 * (config.minutes or 0.0), info["seconds"], started),
        iteration=int(path.name),
        iterations=info["iterations"],
    )


def _merge(saved: Config, config: Config | None, run: Path) -> Config:
    """The settings to go on with. Raises ValueError if one changed that may not."""
    config = saved if config is None else config
    for field in difference(saved, config):
        if field.split(".")[0] not in MAY_CHANGE_ON_RESUME:
            raise ValueError(
                f"{field} cannot change on resume; what can: {', '.join(MAY_CHANGE_ON_RESUME)}. "
                f"For a new run from this one's network: selfplay train --from {run}"
            )
    return config


def _read_params(run: Path, config: Config, program: Program) -> Params:
    """The network of another run. Raises ValueError naming the setting that does not fit."""
    source = RunDirectory(run.absolute())
    for field in difference(source.read_config(), config):
        if field == "env" or field.startswith(("env_args", "network.")):
            raise ValueError(f"cannot start from {run}: its {field} is another")
    path = checkpoint.newest_sound(source.checkpoints, warn=print)
    abstract = jax.eval_shape(program.network.init, jax.random.key(0))
    return checkpoint.restore(path, "params", abstract)
