"""The loop with a teacher: label, filter, mix, learn, look; then the student teaches.

    from selfplay.distill import distill
    from selfplay.distill_config import DistillConfig
    from selfplay.run.directory import RunDirectory

    config = RunDirectory(Path("runs/first")).read_config()
    run = distill("runs/first", config, DistillConfig(generations=3))

It is AlphaFold's self-distillation (Jumper et al. 2021, supplementary 1.3) where the teacher is a
network, and expert iteration (Anthony et al. 2017) where it searches. `resume` goes on with one
that was stopped.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from selfplay import sharding
from selfplay.config import Config
from selfplay.distill_config import DistillConfig, Remedy
from selfplay.environment import registry
from selfplay.evaluation.judges import Judges
from selfplay.networks.build import build
from selfplay.replay.labels import label
from selfplay.run import directory, progress, remedies, teachers
from selfplay.run.collapse import findings
from selfplay.run.directory import RunDirectory
from selfplay.run.distillation import EXACT, Distillation, keys, refuse_unfit
from selfplay.run.interruption import Interruption, interruptible
from selfplay.run.metrics import Watcher, open_watchers, read, refuse_missing
from selfplay.run.student import make_student

Tell = Callable[[str, int, int], None]
"""Told what is under way, how much of it is done, and of how much."""


def distill(
    teacher: str,
    config: Config,
    settings: DistillConfig,
    *,
    run: Path | str | None = None,
    watchers: Sequence[Watcher] = (),
    tell: Tell = lambda what, done, total: None,
) -> Path:
    """Trains students on what a teacher labels, one after another.

    Args:
        teacher: a run, an environment that comes with a trained agent, or RUN@ITERATION.
        config: what the students are, how they learn, how searches are made.
        settings: what is labelled and learnt from.
        run: the new run's folder, by default `runs/ENV-DATE-TIME`.
        watchers: who is told of each iteration, beside the run's own files.
        tell: who is told what is under way.

    Returns:
        The run's folder; its checkpoints are students, to be evaluated or played like any.

    Raises:
        ValueError: a setting, the teacher or the real data does not fit, or a filter lets nothing
            through; what was labelled is kept.
        NonFiniteLossError: learning went wrong; the last good checkpoint stays.
    """
    path = directory.default_path(config) if run is None else Path(run)
    directory.refuse_taken(path)
    refuse_missing(config)
    runs = [teacher, *settings.ensemble]
    teachers.refuse_unfit(runs, config)
    _spread(config, settings)
    refuse_unfit(teacher, config, settings)

    def begin(folder: RunDirectory) -> None:
        folder.write_distill_config(settings)
        teachers.keep(folder.teachers, runs)

    with directory.create(path, config, fill=begin) as folder:
        _loop(_open(folder, config, settings), watchers, tell)
    return folder.path


def resume(
    run: Path | str,
    *,
    remedy: Remedy | None = None,
    watchers: Sequence[Watcher] = (),
    tell: Tell = lambda what, done, total: None,
) -> Path:
    """Goes on with a distillation from its newest sound checkpoint.

    Args:
        run: its folder.
        remedy: another one from now on, by default the one that it has.
        watchers: as in `distill`.
        tell: as in `distill`.

    Raises ValueError if it is none, at its end, or its settings are others than they were.
    """
    folder = RunDirectory(Path(run).absolute())
    config, saved = folder.read_config(), folder.read_distill_config()
    settings = dataclasses.replace(saved, remedy=remedy or saved.remedy)
    remedies.refuse_unfit(settings)
    with folder.lock():
        _spread(config, settings)
        opened = _open(folder, config, settings)
        opened.restore()
        if opened.is_over:
            raise ValueError(f"{run} has distilled all of its {settings.generations} generations")
        folder.write_distill_config(settings)
        _loop(opened, watchers, tell)
    return folder.path


def _spread(config: Config, settings: DistillConfig) -> None:
    """Makes each core a device, where they can share the work."""
    sharding.spread_over_cores(
        settings.episodes_at_once, config.learner.batch_size, num_devices=config.num_devices
    )


def _open(run: RunDirectory, config: Config, settings: DistillConfig) -> Distillation:
    """A distillation that has done nothing yet."""
    env = registry.make(config.env, **config.env_args)
    mesh = sharding.make_mesh(config.num_devices)
    network = build(config.network, env)
    return Distillation(
        run=run,
        config=config,
        settings=settings,
        env=env,
        mesh=mesh,
        network=network,
        student=make_student(env, network, config, mesh, keys(config)[2]),
        given=teachers.load(run.teachers, env),
        clock=(clock := progress.Clock(float("inf"))),
        pace=progress.Pace(clock),
    )


def _loop(on: Distillation, watchers: Sequence[Watcher], tell: Tell) -> None:
    """Generation after generation, until the last student has learnt or someone asks to stop."""
    judges = Judges(on)
    watchers = [*open_watchers(on.run, on.config, on.iteration), *watchers]
    try:
        with interruptible() as interruption:
            if on.iteration == 0 and not read(on.run.metrics):
                tell("judging the teacher", 0, 1)
                row = judges.first() | {"generation": 0.0}
                _tell_all(watchers, on.pace.header(0, on.iterations) | row)
            while not (on.is_over or interruption.requested) and _label(on, interruption, tell):
                _learn(on, judges, watchers, interruption, tell)
    finally:
        for watcher in watchers:
            watcher.close()


def _label(on: Distillation, interruption: Interruption, tell: Tell) -> bool:
    """Labels what this generation learns from; False if it was stopped before the end."""
    exact = [0] if on.settings.real == EXACT else []
    for number in [*exact, on.generation]:
        shards, rows = on.shards(number)
        what = "real episodes, by the oracle" if number == 0 else "labelling"
        tell(what, 0, shards)
        for done in label(on.labels(number), rows, shards):
            tell(what, done, shards)
            if interruption.requested:
                return False
    return not interruption.requested


def _learn(
    on: Distillation,
    judges: Judges,
    watchers: Sequence[Watcher],
    interruption: Interruption,
    tell: Tell,
) -> None:
    """One student learns from what was labelled, and is judged; saved in any case."""
    generation, end = on.generation, on.generation * on.iterations_each
    tell("filtering", 0, 1)
    pool = on.pool()
    shares = pool.shares(on.treated.share_of_real)
    labelled = on.labelled(shares)
    rows = read(on.run.metrics)
    save_due = progress.Every(on.config.checkpoint.every_minutes)
    while on.iteration < end and not interruption.requested:
        row = progress.timed("seconds/learn", on.learn, pool, shares)
        progress.refuse_non_finite(row, on.iteration)
        tell("learning", on.iteration + on.iterations_each - end, on.iterations_each)
        if on.iteration == end:
            tell("judging", 0, 1)
            row |= judges.student(on.params)
        header = on.pace.header(on.iteration, on.iterations) | {"generation": float(generation)}
        told = header | labelled | row
        if labelled or on.iteration == end:
            rows.append(told)
            told |= _alarms(on, rows)
            interruption.requested |= "remedy" in told and on.settings.remedy == "halt"
        _tell_all(watchers, told)
        labelled = {}
        if on.iteration < end and save_due():
            on.save()
    if on.iteration == end:
        on.graduate()
    elif on.state is not None:  # it was, if nobody let it begin
        on.save()


def _alarms(on: Distillation, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the guards say of the last row, and what is done about it before the next generation."""
    found = [finding.name for finding in findings(rows)]
    told = {"warnings": ", ".join(found)} if found else {}
    dose = on.dose(found)
    return told | {"remedy": dose} if dose else told


def _tell_all(watchers: Sequence[Watcher], row: dict[str, Any]) -> None:
    for watcher in watchers:
        watcher.on_iteration(row)
