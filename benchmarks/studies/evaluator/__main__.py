"""A weak evaluator, improved: what its own search makes of it, and what a student keeps of that.

    SELFPLAY_DATA=FOLDER python -m benchmarks.studies.evaluator
    SELFPLAY_DATA=FOLDER python -m benchmarks.studies.evaluator --quick

Connect Four, against exact truth. Evaluators that are weak on purpose: a network that has learnt
nothing, one that has seen random games for one epoch, and a good one drowned in noise. Each alone,
then with 1 to 1,024 simulations; then a student of the same shape learns what the search said.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import tyro

from benchmarks.studies import study
from benchmarks.studies.evaluator.experiment import Experiment, Size
from benchmarks.studies.evaluator.figure import drawing, tabulating
from benchmarks.studies.evaluator.guess import Guess
from benchmarks.studies.study import Measure, Options, Plan

QUICK = Size(simulations=(0, 1, 4, 16, 64), eight_ply=256, positions=16_384, updates=400)
SHORT = 64
"""Simulations of the longest search of the good evaluator, which only lends a measure."""


def arms(experiment: Experiment, quick: bool) -> dict[str, Measure]:
    """How each arm is measured, by name."""
    most = max(experiment.size.simulations)

    def weak(make: Callable[[int], Guess], most: int = most) -> Measure:
        return functools.partial(experiment.measure, make, most)

    def noisy(noise: float, most: int = most) -> Measure:
        return weak(functools.partial(experiment.noisy, noise=noise), most)

    found = {"untrained": weak(experiment.untrained), "noise 2": noisy(2.0)}
    if quick:
        return found
    return {
        "untrained": found["untrained"],
        "one epoch": weak(experiment.one_epoch),
        "noise 2": found["noise 2"],
        "noise 0.5": noisy(0.5),
        "no noise": noisy(0.0, SHORT),
    }


def settings(size: Size) -> dict[str, Any]:
    """A size as JSON has it."""
    return dataclasses.asdict(size) | {"simulations": list(size.simulations)}


def main() -> None:
    """Reads the command line, measures and draws."""
    options = tyro.cli(Options, description=__doc__)
    size = QUICK if options.quick else Size()
    plan = Plan(
        "evaluator",
        settings(size),
        arms(Experiment(size), options.quick),
        drawing(size),
        tabulating(size),
    )
    study.run(plan, options)


if __name__ == "__main__":
    main()
