"""What all studies share: arms by seeds, measured once, kept as data, and drawn from it.

    plan = Plan("mirror", settings, {"raw": measure_raw, "search": measure_search}, draw, table)
    run(plan, tyro.cli(Options))

Each arm is measured with each seed; what was measured is written at once, and is not measured
again, so that a study may be made in several sittings.
"""

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.console import Console
from rich.status import Status
from rich.table import Table
from scipy import stats

from selfplay.files import write_text
from selfplay.run import machine

Numbers = dict[str, float | list[float]]
"""What was measured: each a number, or one for each generation."""
Tell = Callable[[str, int, int], None]
"""Told what is under way, how much of it is done, and of how much."""
Measure = Callable[[int, Path, Tell], Numbers]
"""Measures an arm: with a seed, in a folder for what is made on the way."""


@dataclasses.dataclass(frozen=True)
class Options:
    """Flags of every study."""

    quick: bool = False
    """A small version, in under three minutes, that shows the same sign."""
    seeds: tuple[int, ...] | None = None
    """Of each arm; by default 0, 1 and 2, or 0 alone if quick."""
    redraw: bool = False
    """Measure nothing: draw what was measured."""
    output: Path = Path("benchmarks/results/studies")
    """Folder of the data and the figure."""
    work: Path = Path("runs/studies")
    """Folder of what is made on the way, which is removed once it has been measured."""
    keep: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Keep it."""

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """Those that were asked for."""
        return self.seeds or ((0,) if self.quick else (0, 1, 2))


@dataclasses.dataclass(frozen=True)
class Results:
    """What is known of a study."""

    settings: dict[str, Any]
    """With which all of it was measured."""
    machine: dict[str, str]
    cells: tuple[tuple[str, int, float, Numbers], ...] = ()
    """Arm, seed, seconds that it took, what was measured."""

    def has(self, arm: str, seed: int) -> bool:
        """Whether an arm was measured with a seed."""
        return any(cell[:2] == (arm, seed) for cell in self.cells)

    def values(self, arm: str, what: str) -> np.ndarray:
        """float64 [seeds] or [seeds, generations] of an arm."""
        return np.array([cell[3][what] for cell in self.cells if cell[0] == arm], np.float64)

    @property
    def arms(self) -> tuple[str, ...]:
        """Those that were measured, in order."""
        return tuple(dict.fromkeys(cell[0] for cell in self.cells))


@dataclasses.dataclass(frozen=True)
class Plan:
    """A study."""

    name: str
    """Of its files."""
    settings: dict[str, Any]
    """What all its measurements must share, to be kept together."""
    arms: Mapping[str, Measure]
    draw: Callable[[Results], Any]
    """A matplotlib figure of the results."""
    table: Callable[[Results], Table]
    """The results in figures."""


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over seeds [seeds, ...], and half the width of its 95 % interval, by Student's t.

    Of one seed the width is not known: NaN.
    """
    seeds = len(values)
    if seeds < 2:
        return values.mean(0), np.full(values.shape[1:], np.nan)
    quantile = stats.t.ppf(0.975, seeds - 1)
    return values.mean(0), quantile * values.std(0, ddof=1) / np.sqrt(seeds)


def written(values: np.ndarray, digits: int = 1, scale: float = 1.0) -> str:
    """Mean and interval of values [seeds], in words: 12.3 ± 0.4."""
    mean, half = interval(values * scale)
    known = "" if np.isnan(half) else f" ± {half:.{digits}f}"
    return f"{mean:.{digits}f}{known}"


def curve(axes: Any, values: np.ndarray, colour: str, label: str, style: str = "-") -> None:
    """Draws the mean over seeds of series [seeds, generations], with its 95 % interval."""
    mean, half = interval(values)
    generations = np.arange(len(mean))
    axes.plot(generations, mean, style, color=colour, label=label, linewidth=1.6)
    axes.fill_between(generations, mean - half, mean + half, color=colour, alpha=0.15, linewidth=0)


def run(plan: Plan, options: Options) -> Results:
    """Measures what is not measured yet, draws all, and says it in figures.

    Raises ValueError if what was measured before had other settings, or there is nothing to draw.
    """
    console = Console()
    name = f"{plan.name}-quick" if options.quick else plan.name
    data = options.output / f"{name}.json"
    known = read(data, plan.settings)
    if not options.redraw:
        known = _measure(plan, options, known, data, console)
    if not known.cells:
        raise ValueError(f"nothing was measured yet: {data} is not there; leave out --redraw")
    for suffix in (".png", ".svg"):
        plan.draw(known).savefig(data.with_suffix(suffix), dpi=120)
    console.print(plan.table(known))
    console.print(f"{data} and its pictures, .png and .svg")
    return known


def read(data: Path, settings: dict[str, Any]) -> Results:
    """What was measured with these settings so far.

    Raises ValueError if it was measured with others.
    """
    if not data.exists():
        return Results(settings, {})
    values = json.loads(data.read_text(encoding="utf-8"))
    other = {
        k: values["settings"].get(k) for k in settings if values["settings"].get(k) != settings[k]
    }
    if other:
        told = ", ".join(f"{k} {was!r}, not {settings[k]!r}" for k, was in other.items())
        raise ValueError(
            f"{data} was measured with other settings ({told}): move it away, or name another "
            "folder with --output"
        )
    return Results(settings, values["machine"], tuple(tuple(cell) for cell in values["cells"]))


def write(known: Results, data: Path) -> None:
    """Writes results, whole or not at all; a line for each cell, so that changes can be read."""
    cells = ",\n  ".join(json.dumps(cell, separators=(",", ":")) for cell in known.cells)
    head = json.dumps({"settings": known.settings, "machine": known.machine}, indent=1)[:-2]
    data.parent.mkdir(parents=True, exist_ok=True)
    write_text(data, f'{head},\n "cells": [\n  {cells}\n ]\n}}\n')


def _measure(plan: Plan, options: Options, known: Results, data: Path, console: Console) -> Results:
    todo = [
        (arm, seed) for seed in options.all_seeds for arm in plan.arms if not known.has(arm, seed)
    ]
    for number, (arm, seed) in enumerate(todo):
        place = f"{number + 1} of {len(todo)}: {arm}, seed {seed}"
        folder = options.work / data.stem / f"seed-{seed}"
        start = time.perf_counter()
        with console.status(place) as status:
            numbers = plan.arms[arm](seed, folder, _teller(status, place))
        seconds = time.perf_counter() - start
        console.print(f"{place} [dim]{seconds:.0f} s[/dim]")
        cell = (arm, seed, round(seconds, 1), _rounded(numbers))
        known = dataclasses.replace(known, machine=machine.describe(), cells=(*known.cells, cell))
        write(known, data)
    if not options.keep:
        shutil.rmtree(options.work / data.stem, ignore_errors=True)
    return known


def _teller(status: Status, place: str) -> Tell:
    return lambda what, done, total: status.update(f"{place} · {what} {done}/{total}")


def _rounded(numbers: Numbers) -> Numbers:
    """To six digits, which is more than the noise."""

    def short(value: float) -> float:
        return float(f"{value:.6g}")

    return {
        name: [short(v) for v in value] if isinstance(value, list) else short(value)
        for name, value in numbers.items()
    }
