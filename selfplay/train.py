"""The loop: play, learn, look, save.

    from selfplay.environment import preset
    from selfplay.train import train

    run = train(preset("tic_tac_toe", minutes=1.0))

`resume` goes on with a run, on the CPU bit for bit as if it had never stopped. On a CPU each core
becomes a device, unless JAX is in use already.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import jax.numpy as jnp

from selfplay import sharding
from selfplay.config import Config
from selfplay.evaluation.checkup import Checkup
from selfplay.evaluation.look import make_look
from selfplay.networks.contract import Params
from selfplay.run import directory, progress, session
from selfplay.run.directory import RunDirectory
from selfplay.run.guards import Guards
from selfplay.run.interruption import interruptible
from selfplay.run.metrics import Watcher, open_watchers, read, refuse_missing
from selfplay.run.program import make_program
from selfplay.run.remedies import Treatment
from selfplay.run.session import Session
from selfplay.run.solver import Solver, make_solver, refuse_idle


def train(
    config: Config,
    *,
    run: Path | str | None = None,
    start_from: Path | str | None = None,
    params: Params | None = None,
    watchers: Sequence[Watcher] = (),
    ready: Callable[[], object] = lambda: None,
    started: float | None = None,
) -> Path:
    """Trains from nothing but the rules, or from another run's network.

    Args:
        config: the settings; `selfplay.environment.preset(name)` has good ones.
        run: the new run's folder, by default `runs/ENV-DATE-TIME`.
        start_from: a run to start warm from, of the same environment and network; its `env_args`
            may be others where parameters have the same shapes.
        params: a network to start warm from instead; of the shapes that the settings ask for.
        watchers: who is told of each iteration, beside the run's own files.
        ready: called once all settings fit, before anything is compiled.
        started: `time.monotonic()` from which `config.minutes` count, by default now.

    Returns:
        The run's folder.

    Raises:
        ValueError: a setting does not fit, naming it.
        NonFiniteLossError: learning went wrong; the last good checkpoint stays.
        RejectedError: the environment's verifier refuses what its rules took for a solution.
    """
    path = directory.default_path(config) if run is None else Path(run)
    directory.refuse_taken(path)
    refuse_missing(config)
    refuse_idle(config)
    if start_from is not None:
        session.refuse_to_start_from(start_from, config)
    clock = progress.Clock(60.0 * config.minutes, started=started)
    spread_over_cores(config)
    program = make_program(config)
    if start_from is not None:
        params = session.read_params_to_start_from(start_from, program, config)
    ready()
    begun = Session(config, program, program.init(params), clock, iterations=config.iterations)
    with directory.create(path, config, fill=begun.begin) as folder:
        _loop(folder, begun, watchers)
    return folder.path


def spread_over_cores(config: Config) -> None:
    """Makes each core a device, as many as can share the work; before JAX's first use alone."""
    sharding.spread_over_cores(
        config.rollout.num_games,
        config.learner.batch_size,
        config.replay.capacity,
        config.rollout.num_games // config.search.moves_per_full,
        num_devices=config.num_devices,
    )


def resume(
    run: Path | str,
    *,
    minutes: float | None = None,
    iterations: int | None = None,
    config: Config | None = None,
    watchers: Sequence[Watcher] = (),
    ready: Callable[[], object] = lambda: None,
    started: float | None = None,
) -> Path:
    """Goes on with a run from its newest sound checkpoint.

    Args:
        run: its folder.
        minutes: so many more, at the speed so far; by default on to the planned end.
        iterations: the new planned end; wins over `minutes`.
        config: changed settings, if any; only `MAY_CHANGE_ON_RESUME` may differ.
        watchers: as in `train`.
        ready: as in `train`.
        started: as in `train`.

    Returns:
        The run's folder.

    Raises:
        ValueError: a setting may not change, no checkpoint is sound, or the run is at its end.
    """
    folder = RunDirectory(Path(run).absolute())
    saved = folder.read_config()
    config = saved if config is None else config
    session.refuse_changes(saved, config, folder.path)
    refuse_missing(config)
    session.refuse_exported(folder)
    with folder.lock():
        num_devices = session.num_devices(folder)
        sharding.spread_over_cores(config.rollout.num_games, num_devices=num_devices)
        restored = session.restore(folder, config, make_program(config), started)
        restored.extend(minutes, iterations)
        if restored.iterations is not None and restored.iterations <= restored.iteration:
            raise ValueError(
                f"{run} has done {restored.iteration} iterations of {restored.iterations}; "
                "to go on, ask for more with --minutes or --iterations"
            )
        ready()
        folder.write_config(config)
        restored.save(folder)
        _loop(folder, restored, watchers)
    return folder.path


def _loop(run: RunDirectory, session: Session, watchers: Sequence[Watcher]) -> None:
    """Iterates until the planned end, or until someone asks to stop."""
    config = session.config
    planner, pace = progress.Planner(session.clock), progress.Pace(session.clock)
    env = session.program.env
    look = make_look(env, session.program.network, config)
    checkup = Checkup(run, session, look)
    look_due = progress.Every(config.evaluation.every_minutes)
    save_due = progress.Every(config.checkpoint.every_minutes)
    watchers = [*open_watchers(run, config, session.iteration), *watchers]
    guards = Guards(rows := read(run.metrics))
    solver = make_solver(run, session)
    treatment = Treatment(config, env.max_steps, rows)
    if treatment.count:
        session.program = make_program(treatment.config)
    try:
        # The first iteration compiles for minutes, and there is nothing to lose yet.
        with interruptible(patient=False) as interruption:
            while session.iteration != session.iterations and not interruption.requested:
                row = _iterate(session, solver)
                interruption.patient = True
                # The first look compiles, so it comes before the speed is measured.
                if session.iteration in (1, session.iterations) or look_due():
                    row |= progress.timed("seconds/look", checkup)
                planned = session.iterations is None
                if planned:
                    learnt = "learning_rate" in row
                    session.iterations = planner.plan(session.iteration, learnt=learnt)
                    planned = session.iterations is not None
                row = pace.header(session.iteration, session.iterations) | row
                found = [finding.name for finding in guards.add(row)]
                told = row | ({"warnings": ", ".join(found)} if found else {})
                if dose := treatment.dose(session.iteration, found):
                    told |= {"remedy": dose}
                    session.program = make_program(treatment.config)
                    interruption.requested |= treatment.halts
                for watcher in watchers:
                    watcher.on_iteration(told)
                if planned or save_due():
                    session.save(run)
                session.save_milestone(run)
            if session.saved != session.iteration:
                session.save(run)
    finally:
        for watcher in watchers:
            watcher.close()
        if solver is not None:
            solver.close()


def _iterate(session: Session, solver: Solver | None) -> progress.Row:
    """Plays and learns once. Raises NonFiniteLossError before anything bad could be saved."""
    config, program = session.config, session.program
    begin = time.monotonic()
    now = jnp.int32(session.iteration)
    session.state, played, attempts = program.play(session.state, now)
    learned = {}
    least = int(played["least_buffer_rows"])  # waits until the games are played
    play_seconds = time.monotonic() - begin
    practised = {}
    if solver is not None and attempts is not None:
        practised = progress.timed("seconds/practice", solver, attempts)
    if least * program.mesh.size >= config.replay.min_rows:
        total = progress.total_updates(config, session.iterations)
        session.state, learned = program.learn(session.state, now, jnp.int32(total))
    row = progress.iteration_row(
        config, played, learned, practised, lambda: time.monotonic() - begin, play_seconds
    )
    progress.refuse_non_finite(row, session.iteration)
    session.iteration += 1
    return row
