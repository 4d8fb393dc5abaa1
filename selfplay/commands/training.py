"""What makes agents."""

import dataclasses
import time
from pathlib import Path
from textwrap import indent

from selfplay import config as config_lib
from selfplay.arguments import (
    ask_for_environment,
    asks_for_help,
    named_values,
    parse,
    positional,
    split_run,
    value_of,
)
from selfplay.config import Config
from selfplay.flags import (
    DistillFlags,
    ExportFlags,
    ResumeDistillFlags,
    ResumeFlags,
    TrainFlags,
)

_STARTED = time.monotonic()


def train(arguments: list[str]) -> None:
    """Train an agent from nothing but the rules of ENV.

    ENV is a name from `selfplay envs`, a game of pgx as pgx:GAME, or a class of your own as
    module:Class. Settings come from the environment's preset, or a file, and then from the flags.

    Examples:
      selfplay train tic_tac_toe
      selfplay train connect_four --minutes 30 --seed 1
      selfplay train connect_four --env-args rows 5 columns 6 --run runs/small
      selfplay train pgx:animal_shogi
      selfplay train my_package.my_game:MyGame --network.kind resnet
      selfplay train connect_four --config my.toml
      selfplay train connect_four --from runs/first --minutes 5
      selfplay train connect_four --from connect_four --minutes 5
    """
    from selfplay.environment import registry

    env, rest = positional(arguments)
    path = value_of("--config", rest)
    if path is not None:
        defaults = config_lib.load(Path(path), **({} if env is None else {"env": env}))
    elif env is not None:
        defaults = registry.preset(env)
    elif {"-h", "--help"} & set(rest):
        defaults = Config(env="ENV")
    else:
        ask_for_environment("train")
    source = value_of("--from", rest)
    if source is not None and not {"-h", "--help"} & set(rest):  # by default, its network
        from selfplay.run.directory import RunDirectory
        from selfplay.run.names import locate

        network = RunDirectory(locate(source)).read_config().network
        defaults = dataclasses.replace(defaults, network=network)
    env_args, rest = named_values("--env-args", rest)
    defaults = dataclasses.replace(defaults, env_args=defaults.env_args | env_args)
    told = registry.arguments_text(env) if env is not None and asks_for_help(rest) else ""
    flags = parse(
        "selfplay train ENV",
        train,
        rest,
        TrainFlags(settings=defaults),
        told and f"Arguments of {env}, as --env-args NAME VALUE NAME VALUE:\n{indent(told, '  ')}",
    )
    settings = flags.settings
    if settings.env != defaults.env:
        raise ValueError(
            f"to train {settings.env} by its own preset: selfplay train {settings.env}, "
            "without --env"
        )
    given = any(flag.startswith("--minutes") for flag in rest)
    if given and not any(flag.startswith("--iterations") for flag in rest):
        settings = dataclasses.replace(settings, iterations=None)
    from selfplay.display.live import train_with_view

    train_with_view(settings, run=flags.run, start_from=flags.start, started=_STARTED)


def distill(arguments: list[str]) -> None:
    """Train students on what a teacher labels, filtered and mixed, one generation after another.

    TEACHER is a run, RUN@ITERATION, or an environment that comes with a trained agent. A student
    is what the teacher is, but for the flags; its searches label for the next one. Of rollout
    only max_opening_plies and temperature_plies matter: how episodes begin.

    Examples:
      selfplay distill connect_four --generations 3 --search.num_simulations 64
      selfplay distill runs/first --network.width 64 --updates 4000
      selfplay distill runs/addition --operator raw --verified --generations 5
      selfplay distill runs/addition --operator raw --verified --hindsight
      selfplay distill runs/hp --confidence reference --keep-share 0.5 --real runs/natives
      selfplay distill runs/first --operator raw --regime accumulate --generations 20
      selfplay distill runs/first --operator reanalysis --states runs/old/generations/00000001
    """
    teacher, rest = positional(arguments)
    config, defaults = Config(env="ENV"), DistillFlags()
    if teacher is not None:
        from selfplay.run.directory import RunDirectory
        from selfplay.run.names import locate, split

        config = RunDirectory(locate(split(teacher)[0])).read_config()
        defaults = DistillFlags(
            network=config.network,
            search=config.search,
            rollout=config.rollout,
            learner=config.learner,
            evaluation=config.evaluation,
            checkpoint=config.checkpoint,
            logging=config.logging,
        )
    _refuse_guards(rest)
    flags = parse("selfplay distill TEACHER", distill, rest, defaults)
    if teacher is None:
        raise ValueError(
            "who teaches? a run, or an environment that comes with a trained agent, such as "
            "connect_four, comes first: selfplay distill TEACHER"
        )
    from selfplay.display.distill import distill_with_view

    distill_with_view(teacher, flags.changed(config), flags.settings, run=flags.run)


def resume(arguments: list[str]) -> None:
    """Go on with a run that was stopped, or train a finished one further.

    RUN may be left out: then it is the newest under runs/. On the CPU, with equal numbers of
    threads and devices, the outcome is bit for bit that of a run that never stopped.

    Examples:
      selfplay resume runs/connect_four-20260101-120000
      selfplay resume runs/connect_four-20260101-120000 --minutes 20
      selfplay resume runs/halted --guards.remedy noise
      selfplay resume runs/distilled --remedy none
    """
    run, rest = split_run(arguments)
    if asks_for_help(rest) and not run.exists():
        parse("selfplay resume [RUN]", resume, rest, ResumeFlags())
    from selfplay.run.directory import RunDirectory

    if RunDirectory(run).is_distillation:
        _refuse_guards(rest)
        given = ResumeDistillFlags(remedy=RunDirectory(run).read_distill_config().remedy)
        remedy = parse("selfplay resume [RUN]", resume, rest, given).remedy
        from selfplay.display.distill import resume_with_view as resume_distillation

        resume_distillation(run, remedy)
        return
    saved = RunDirectory(run).read_config()
    defaults = ResumeFlags(
        evaluation=saved.evaluation,
        checkpoint=saved.checkpoint,
        guards=saved.guards,
        logging=saved.logging,
    )
    flags = parse("selfplay resume [RUN]", resume, rest, defaults)
    config = dataclasses.replace(
        saved,
        evaluation=flags.evaluation,
        checkpoint=flags.checkpoint,
        guards=flags.guards,
        logging=flags.logging,
    )
    from selfplay.display.live import resume_with_view

    resume_with_view(
        run, config, minutes=flags.minutes, iterations=flags.iterations, started=_STARTED
    )


def _refuse_guards(arguments: list[str]) -> None:
    """Raises ValueError for a training run's flag, which a distillation calls otherwise."""
    if any(word.startswith("--guards.") for word in arguments):
        raise ValueError(
            "a distillation has no settings of guards: what is done about an alarm is --remedy, as "
            "in --remedy noise"
        )


def export(arguments: list[str]) -> None:
    """Write a run's network, and nothing else, to a small folder that can be sent.

    RUN may be left out: then it is the newest under runs/. The folder serves wherever a run does,
    but for training further: for that there is selfplay train ENV --from FOLDER.

    Examples:
      selfplay export --output agents/first
      selfplay export runs/connect_four-20260101-120000 --output agents/first
    """
    run, rest = split_run(arguments)
    flags = parse("selfplay export [RUN]", export, rest, ExportFlags())
    if flags.output is None:
        raise ValueError("where to? name a new folder: selfplay export RUN --output FOLDER")
    from selfplay.run.export import export as export_run

    print(export_run(run, flags.output, flags.iteration))
