"""How good agents are, and the pages and pictures that say so."""

import dataclasses

from selfplay.arguments import parse, positionals, split_run
from selfplay.flags import (
    ArenaFlags,
    DepthFlags,
    EvaluateFlags,
    FrontierFlags,
    InspectFlags,
    PlotFlags,
    ReportFlags,
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


def inspect(arguments: list[str]) -> None:
    """Look into what a distilled student learnt from, or try a filter on it.

    Rows by who made them, what the filter keeps and why not the rest, how right both are where
    truth is known, duplicates, and positions: where label and teacher differ most, and examples
    of each kind. RUN may be left out: then it is the newest under runs/. Nothing is written.

    Examples:
      selfplay inspect
      selfplay inspect runs/second --generation 1 --examples 5
      selfplay inspect runs/second --keep-share 0.5
      selfplay inspect runs/second --verdict any --json
    """
    run, rest = split_run(arguments)
    flags = parse("selfplay inspect [RUN]", inspect, rest, InspectFlags())
    from selfplay.display.inspect import inspect_with_view
    from selfplay.inspect import Trial

    verified = None if flags.verdict is None else flags.verdict == "accepted"
    trial = Trial(verified, flags.least_confidence, flags.keep_share)
    inspect_with_view(
        run,
        generation=flags.generation,
        examples=flags.examples,
        trial=trial,
        as_json=flags.json,
    )
