"""One small function a command, heavy imports inside; its docstring is its help."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from selfplay import config as config_lib
from selfplay.arguments import (
    asks_for_help,
    named_values,
    no_flags,
    parse,
    positional,
    positionals,
    split_run,
    value_of,
)
from selfplay.config import Config
from selfplay.flags import (
    ArenaFlags,
    CheckFlags,
    DepthFlags,
    DistillFlags,
    EvaluateFlags,
    ExploreFlags,
    ExportFlags,
    FrontierFlags,
    NewFlags,
    PlayFlags,
    PlotFlags,
    RefereeFlags,
    ReportFlags,
    ResumeFlags,
    ShowFlags,
    TrainFlags,
)

_STARTED = time.monotonic()


def new(arguments: list[str]) -> None:
    """Write a small, working package for a game of your own, with its preset and tests.

    NAME is that of the game, its package and its module.

    Examples:
      selfplay new my_game
      selfplay new my_game --output games/my_game
    """
    name, rest = positional(arguments)
    flags = parse("selfplay new NAME", new, rest, NewFlags())
    if name is None:
        raise ValueError("what is it called? its name comes first: selfplay new my_game")
    from selfplay.display.summary import print_new_game
    from selfplay.new import create

    print_new_game(name, create(name, flags.output))


def envs(arguments: list[str]) -> None:
    """List the installed environments, your own included.

    Examples:
      selfplay envs
    """
    no_flags("selfplay envs", envs, arguments)
    from selfplay.display.facts import print_environments

    print_environments()


def show(arguments: list[str]) -> None:
    """Show an environment: its facts, and positions of a random game.

    ENV is a name from `selfplay envs`, or a class of your own as module:Class.

    Examples:
      selfplay show hex
      selfplay show hex --env-args size 5 swap true --seed 3 --every
      selfplay show connect_four --moves "4 4 3"
      selfplay show my_package.my_game:MyGame
    """
    name, rest = positional(arguments)
    env_args, rest = named_values("--env-args", rest)
    flags = parse("selfplay show ENV", show, rest, ShowFlags(env_args=env_args))
    from selfplay.display.show import show_environment

    show_environment(name or _ask_for_environment("show"), **dataclasses.asdict(flags))


def check(arguments: list[str]) -> int:
    """Check an environment against every law that search and learning rely on.

    ENV is a name from `selfplay envs`, or a class of your own as module:Class. Each law that is
    broken is named, with the shortest game found that shows it and what to change. The status is
    0 if all laws hold, 1 if one is broken.

    Examples:
      selfplay check my_package.my_game:MyGame
      selfplay check hex --env-args size 5 swap true
      selfplay check my_game --games 2000 --seed 1
    """
    name, rest = positional(arguments)
    env_args, rest = named_values("--env-args", rest)
    flags = parse("selfplay check ENV", check, rest, CheckFlags(env_args=env_args))
    from selfplay.display.check import check_with_view

    holds = check_with_view(name or _ask_for_environment("check"), **dataclasses.asdict(flags))
    return 0 if holds else 1


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
        _ask_for_environment("train")
    source = value_of("--from", rest)
    if source is not None and not {"-h", "--help"} & set(rest):  # by default, its network
        from selfplay.run.directory import RunDirectory
        from selfplay.run.names import locate

        network = RunDirectory(locate(source)).read_config().network
        defaults = dataclasses.replace(defaults, network=network)
    env_args, rest = named_values("--env-args", rest)
    defaults = dataclasses.replace(defaults, env_args=defaults.env_args | env_args)
    flags = parse("selfplay train ENV", train, rest, TrainFlags(settings=defaults))
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
    """
    run, rest = split_run(arguments)
    if asks_for_help(rest) and not run.exists():
        parse("selfplay resume [RUN]", resume, rest, ResumeFlags())
    from selfplay.run.directory import RunDirectory

    if RunDirectory(run).is_distillation:
        no_flags("selfplay resume [RUN]", resume, rest)
        from selfplay.display.distill import resume_with_view as resume_distillation

        resume_distillation(run)
        return
    saved = RunDirectory(run).read_config()
    defaults = ResumeFlags(
        evaluation=saved.evaluation, checkpoint=saved.checkpoint, logging=saved.logging
    )
    flags = parse("selfplay resume [RUN]", resume, rest, defaults)
    config = dataclasses.replace(
        saved, evaluation=flags.evaluation, checkpoint=flags.checkpoint, logging=flags.logging
    )
    from selfplay.display.live import resume_with_view

    resume_with_view(
        run, config, minutes=flags.minutes, iterations=flags.iterations, started=_STARTED
    )


def evaluate(arguments: list[str]) -> None:
    """Judge a run: against exact truth where it is known, and against fixed opponents.

    RUN may be left out: then it is the newest under runs/.

    Examples:
      selfplay evaluate
      selfplay evaluate runs/connect_four-20260101-120000 --simulations 0 64 --games 0
      selfplay evaluate --mcts-simulations 1000
      selfplay evaluate connect_four --games 40 --opponents open_spiel:mcts:1000
    """
    run, rest = split_run(arguments)
    flags = parse("selfplay evaluate [RUN]", evaluate, rest, EvaluateFlags())
    from rich.console import Console

    from selfplay.display.summary import print_evaluation
    from selfplay.evaluate import evaluate as evaluate_run

    with Console(stderr=True).status("judging: exact truth first, then opponents"):
        evaluation = evaluate_run(run, **dataclasses.asdict(flags))
    print_evaluation(evaluation)


def arena(arguments: list[str]) -> None:
    """Rate checkpoints of a run, or of several, against each other.

    RUN stands for a run's milestones and its newest checkpoint, RUN@ITERATION for one of them;
    beside them there may be random, mcts:SIMULATIONS and minimax:DEPTH, and OpenSpiel's
    open_spiel:random, open_spiel:mcts:SIMULATIONS and open_spiel:alpha_beta:DEPTH. RUN may be left
    out: then it is the newest under runs/. Ratings are Elo with 95 % intervals.

    Examples:
      selfplay arena
      selfplay arena runs/first random mcts:100 --anchor random
      selfplay arena runs/first runs/second --simulations 64 --precision 40 --games 10000
      selfplay arena runs/first@480 runs/second@512 --games 400
      selfplay arena runs/first mcts:100 open_spiel:mcts:100 --games 200
    """
    names, rest = positionals(arguments)
    flags = parse("selfplay arena [RUN ...]", arena, rest, ArenaFlags())
    from selfplay.display.ladder import ladder_with_view
    from selfplay.run.names import newest

    ladder_with_view(names or [str(newest())], **dataclasses.asdict(flags))


def depth(arguments: list[str]) -> None:
    """Measure how many simulations an agent needs: quality, time and memory.

    RUN may be left out: then it is the newest under runs/. Quality is measured against exact truth
    where it is known, in problems solved where there is one player, and in Elo among all searches
    and fixed opponents. What was measured is kept: the same command goes on where it was stopped,
    and one with more simulations measures only them.

    Examples:
      selfplay depth
      selfplay depth connect_four --simulations 0 1 4 16 64 256 --games 0
      selfplay depth runs/first --policies gumbel puct --precision 60
      selfplay depth runs/first --evaluators network untrained constant --value-noise 0 0.3
    """
    run, rest = split_run(arguments)
    flags = parse("selfplay depth [RUN]", depth, rest, DepthFlags())
    from selfplay.display.depth import depth_with_view

    depth_with_view(run, **dataclasses.asdict(flags))


def frontier(arguments: list[str]) -> None:
    """Measure what training and search are worth to each other, over all checkpoints of a run.

    RUN may be left out: then it is the newest under runs/. Checkpoints by numbers of simulations,
    lines of equal quality, and how many times more search makes up for ten times less training.
    What was measured is kept, as by `selfplay depth`.

    Examples:
      selfplay frontier
      selfplay frontier runs/first --simulations 0 1 4 16 64
      selfplay frontier runs/first --measure elo --precision 100
    """
    run, rest = split_run(arguments)
    flags = parse("selfplay frontier [RUN]", frontier, rest, FrontierFlags())
    from selfplay.display.frontier import frontier_with_view

    frontier_with_view(run, **dataclasses.asdict(flags))


def play(arguments: list[str]) -> None:
    """Play against a trained agent, in the terminal or the browser, and see what it thinks.

    RUN may be left out: then it is the newest under runs/. The name of an environment stands for
    the trained agent that comes with it.

    Examples:
      selfplay play
      selfplay play connect_four
      selfplay play runs/connect_four-20260101-120000 --side second --simulations 256
      selfplay play --web --open
      selfplay play runs/first --web --versus runs/second --side none
    """
    run, rest = split_run(arguments)
    flags = parse("selfplay play [RUN]", play, rest, PlayFlags())
    side, simulations, iteration = flags.side, flags.simulations, flags.iteration
    if flags.web:
        from selfplay.display.web.server import play_in_browser

        play_in_browser(
            run,
            versus=flags.versus,
            side=side,
            simulations=simulations,
            iteration=iteration,
            port=flags.port,
            open_page=flags.open,
        )
    elif side in ("both", "none") or flags.versus is not None or flags.open:
        raise ValueError("--side both, --side none, --versus and --open need --web")
    else:
        from selfplay.display.play import play_in_terminal

        play_in_terminal(run, side=side, simulations=simulations, iteration=iteration)


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


def explore(arguments: list[str]) -> None:
    """Look inside a search: walk its tree from any position, compare two checkpoints.

    RUN may be left out: then it is the newest under runs/.

    Examples:
      selfplay explore
      selfplay explore runs/connect_four-20260101-120000 --moves "4 4 3" --simulations 400
      selfplay explore runs/first --versus runs/second
      selfplay explore runs/first --versus runs/first@0
    """
    run, rest = split_run(arguments)
    flags = parse("selfplay explore [RUN]", explore, rest, ExploreFlags())
    from selfplay.display.explore import explore_in_terminal

    explore_in_terminal(run, **dataclasses.asdict(flags))


def plot(arguments: list[str]) -> None:
    """Draw a run's curves as a PNG.

    RUN may be left out: then it is the newest under runs/.

    Examples:
      selfplay plot
      selfplay plot runs/connect_four-20260101-120000 --output curves.png
    """
    run, rest = split_run(arguments)
    flags = parse("selfplay plot [RUN]", plot, rest, PlotFlags())
    from selfplay.display.plot import plot_run

    print(plot_run(run, flags.output))


def report(arguments: list[str]) -> None:
    """Write a run up as one HTML page: findings, curves, scores, blunders, games, settings.

    The page needs no other file and no network: send it, open it on a phone, print it. RUN may
    be left out: then it is the newest under runs/.

    Examples:
      selfplay report
      selfplay report runs/connect_four-20260101-120000 --output report.html
    """
    run, rest = split_run(arguments)
    flags = parse("selfplay report [RUN]", report, rest, ReportFlags())
    from rich.console import Console

    from selfplay.display.report import write_report

    with Console(stderr=True).status("judging the run, looking for blunders, playing games"):
        path = write_report(run, flags.output, judge=flags.evaluate)
    print(path)


def referee(arguments: list[str]) -> None:
    """Hold an environment's rules against OpenSpiel's, move by move, in random games.

    ENV must name its game in OpenSpiel, by its attribute open_spiel. At the first difference the
    moves and both boards are shown, and the status is 2.

    Examples:
      selfplay referee connect_four
      selfplay referee hex --games 200 --env-args size 5 swap True
      selfplay referee my_package.my_game:MyGame
    """
    name, rest = positional(arguments)
    flags = parse("selfplay referee ENV", referee, rest, RefereeFlags())
    from rich.console import Console

    from selfplay.adapters.referee import referee as watch
    from selfplay.environment import registry

    env = registry.make(name or _ask_for_environment("referee"), **flags.env_args)
    with Console(stderr=True).status("playing random games by both rules"):
        verdict = watch(env, flags.games, flags.seed)
    if verdict.disagreement is not None:
        raise ValueError(str(verdict))
    Console(highlight=False, markup=False).print(str(verdict))


def _ask_for_environment(command: str) -> NoReturn:
    """Raises ValueError where the environment is missing, naming those there are."""
    from selfplay.environment import registry

    names = ", ".join(registry.names())
    raise ValueError(
        f"which environment? its name comes first: selfplay {command} ENV; installed: {names}"
    )


COMMANDS: dict[str, Callable[[list[str]], int | None]] = {
    "envs": envs,
    "show": show,
    "check": check,
    "new": new,
    "train": train,
    "distill": distill,
    "resume": resume,
    "evaluate": evaluate,
    "arena": arena,
    "depth": depth,
    "frontier": frontier,
    "play": play,
    "export": export,
    "explore": explore,
    "plot": plot,
    "report": report,
    "referee": referee,
}
