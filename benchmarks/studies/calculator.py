"""The calculator: a generator that is right one time in ten, and a checker that may be wrong.

    python -m benchmarks.studies.calculator
    python -m benchmarks.studies.calculator --quick

Sums of up to four digits, a digit a step. A generator answers; a checker throws away what is
wrong; a student learns from what is left, and is the next generator. The checker is made to say
the opposite in 0 to 50 % of the cases, always of the same answers. Beside it: no checker at all.
"""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from rich.table import Table

from benchmarks.studies import study
from benchmarks.studies.study import (
    Measure,
    Numbers,
    Options,
    Plan,
    Results,
    Tell,
    curve,
    interval,
    written,
)
from selfplay import train
from selfplay.config import Config
from selfplay.display.picture import empty_figure
from selfplay.distill import distill
from selfplay.distill_config import DistillConfig
from selfplay.environment import registry
from selfplay.environment.contract import Environment
from selfplay.networks.build import build
from selfplay.operators.episodes import Labeller
from selfplay.operators.raw import Raw
from selfplay.run import checkpoint, metrics, session
from selfplay.run.directory import RunDirectory
from selfplay.search.model import network_evaluator

UNFILTERED = "no checker"
ERRORS = (0, 10, 20, 30, 40, 50)
"""Per cent of the cases."""
LESSONS = 30
"""In which a generator is taught, of a few updates each."""


@dataclasses.dataclass(frozen=True)
class Size:
    """How large the study is."""

    generations: int = 10
    answers: int = 16_384
    """Of each generation, before the checker."""
    updates: int = 1_000
    """Of each student, who begins untrained."""
    right: float = 0.1
    """Of the first generator's answers."""


@dataclasses.dataclass(frozen=True)
class Calculator:
    """Who answers, who checks, who learns."""

    size: Size

    @functools.cached_property
    def env(self) -> Environment[Any]:
        """Sums of up to four digits."""
        return registry.make("addition")

    def config(self, seed: int) -> Config:
        """The environment's preset, on one device, so that every machine does the same."""
        return registry.preset("addition", seed=seed, num_devices=1)

    def generator(self, folder: Path, seed: int) -> str:
        """A network early in its schooling: the first that is right so often, as RUN@ITERATION.

        It is taught a little at a time, from right answers to sums of all lengths. One made by
        self-play was right in 18 % of the sums that it trained on and in 5 % of others, and led
        --quick to 22 % where this one leads to 81: a checker finds nothing in sums never solved.
        """
        run, untrained = folder / "generator", folder / "untrained"
        config = self.config(seed)
        config = dataclasses.replace(
            config, learner=dataclasses.replace(config.learner, warmup_updates=0)
        )
        if not untrained.exists():
            train.train(dataclasses.replace(config, iterations=1), run=untrained)
        if not run.exists():
            lessons = DistillConfig(
                generations=LESSONS,
                updates=config.learner.updates_per_iteration,
                student="teacher",
                real="exact",
                real_fraction=1.0,
                operator="raw",
                episodes=256,
                episodes_at_once=256,
                look_episodes=2,
            )
            distill(str(untrained), config, lessons, run=run)
        for path in sorted(checkpoint.available(RunDirectory(run).milestones), key=_iteration):
            if self.right(path, seed) >= self.size.right:
                return f"{run}@{path.name}"
        raise RuntimeError(f"no network of {run} is right in {self.size.right:.0%} of its answers")

    def right(self, path: Path, seed: int) -> float:
        """Share of a network's answers, drawn from its policy, that are right."""
        network = build(self.config(seed).network, self.env)
        params = session.read_params(path, self.env, network)
        return float(self._right(params, jax.random.key(seed)))

    @functools.cached_property
    def _right(self) -> Any:
        network = build(self.config(0).network, self.env)
        labeller = Labeller(self.env, Raw(self.env, network_evaluator(self.env, network.apply)))

        def right(params: Any, key: jax.Array) -> jax.Array:
            index = jnp.arange(4_096, dtype=jnp.int32)
            return (labeller.play(params, key, index, jnp.int32(0)).returns > 0).mean()

        return jax.jit(right)

    def lineage(self, name: str, **filters: Any) -> Measure:
        """How an arm is measured, given what its checker does."""
        return functools.partial(self._lineage, name, filters)

    def _lineage(
        self, name: str, filters: dict[str, Any], seed: int, folder: Path, tell: Tell
    ) -> Numbers:
        size = self.size
        settings = DistillConfig(
            generations=size.generations,
            episodes=size.answers,
            episodes_at_once=1_024,
            updates=size.updates,
            operator="raw",
            look_episodes=2_048,
            **filters,
        )
        tell("the generator", 0, 1)
        first = self.generator(folder, seed)
        run = RunDirectory(folder / name)
        distill(first, self.config(seed), settings, run=run.path, tell=tell)
        rows = [row for row in metrics.read(run.metrics) if "held_out/network" in row]
        networks = sorted(checkpoint.available(run.milestones), key=_iteration)
        generator, _, iteration = first.rpartition("@")
        networks.insert(0, RunDirectory(Path(generator)).milestones / iteration)
        return {
            "held_out": [row["held_out/network"] for row in rows],
            "samples": [self.right(path, seed) for path in networks],
        }


def _iteration(path: Path) -> int:
    return int(path.name)


def arms(calculator: Calculator, quick: bool) -> dict[str, Measure]:
    """How each arm is measured, by name."""
    errors = (0, 50) if quick else ERRORS
    checked = {
        wrong_in(error): calculator.lineage(
            f"wrong-{error}", verified=True, verifier_error=error / 100
        )
        for error in errors
    }
    return checked | {UNFILTERED: calculator.lineage("unfiltered")}


def wrong_in(error: int) -> str:
    """An arm's name, by how often its checker is wrong, in per cent."""
    return f"checker wrong in {error} %"


def draw(known: Results) -> Any:
    """Held-out sums answered by each generation, and by the last against the checker's errors."""
    figure = empty_figure(10, 4.2)
    left, right = figure.subplots(1, 2)
    colours = _colours()
    for arm in known.arms:
        curve(left, 100 * known.values(arm, "held_out"), colours[arm], arm)
    left.set(xlabel="generation", ylabel="held-out sums answered rightly, %", ylim=(0, 102))
    left.legend(frameon=False, fontsize=8)
    for what, style, label in (
        ("held_out", "o-", "likeliest answer"),
        ("samples", "s--", "samples"),
    ):
        errors = [e for e in ERRORS if wrong_in(e) in known.arms]
        last = [interval(100 * known.values(wrong_in(e), what)[:, -1]) for e in errors]
        means, halves = np.array(last).T
        right.errorbar(errors, means, np.nan_to_num(halves), fmt=style, capsize=3, label=label)
    level = float(100 * known.values(UNFILTERED, "held_out")[:, -1].mean())
    right.axhline(level, color="black", linestyle=":", label="likeliest answer, no checker")
    right.set(xlabel="checker's errors, %", ylabel="the last generation, right, %", ylim=(0, 102))
    right.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _colours() -> dict[str, str]:
    shades = ("#1a5276", "#2e86c1", "#85c1e9", "#f5b041", "#dc7633", "#922b21")
    return dict(zip(map(wrong_in, ERRORS), shades, strict=True)) | {UNFILTERED: "#7f8c8d"}


def table(known: Results) -> Table:
    """The generator and its last descendant."""
    found = Table(box=None, header_style="dim")
    for column in ("right, %", "generator", "student 1", "last student", "its samples"):
        found.add_column(column, justify="left" if column == "right, %" else "right")
    for arm in known.arms:
        held_out, samples = known.values(arm, "held_out"), known.values(arm, "samples")
        shown = (samples[:, 0], held_out[:, 1], held_out[:, -1], samples[:, -1])
        found.add_row(arm, *(written(values, scale=100) for values in shown))
    found.caption = "generator: its samples; ± is a 95 % interval over seeds"
    return found


def main() -> None:
    """Reads the command line, measures and draws."""
    options = tyro.cli(Options, description=__doc__)
    size = Size(generations=5, answers=8_192, updates=500) if options.quick else Size()
    measured = arms(Calculator(size), options.quick)
    study.run(Plan("calculator", dataclasses.asdict(size), measured, draw, table), options)


if __name__ == "__main__":
    main()
