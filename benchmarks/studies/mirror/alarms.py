"""Do the guards speak before strength is lost, and do they hold their tongue where it is not?

    python -m benchmarks.studies.mirror.alarms
    python -m benchmarks.studies.mirror.alarms --quick

The mirror's lineages again, of raw samples, their likeliest moves, and searches of 8 simulations,
this time as the guards see them: after each generation they are told what a distillation would
tell them, and which of the solved positions its student answers rightly. Strength counts as lost
once the student's mistakes have grown by a quarter.
"""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.table import Table

from benchmarks.studies import study
from benchmarks.studies.mirror.__main__ import QUICK
from benchmarks.studies.mirror.lineage import Arm, Mirror, Size
from benchmarks.studies.study import Measure, Numbers, Options, Plan, Results, Tell
from selfplay.display.picture import empty_figure
from selfplay.distill import distill
from selfplay.run import looks, metrics
from selfplay.run.collapse import RULES, findings
from selfplay.run.directory import RunDirectory

LOST = 1.25
"""Times its first mistakes, at which strength is lost."""
COLOURS = {"raw": "#c0392b", "raw, likeliest": "#7b241c", "search 8": "#2e86c1"}


def arms(mirror: Mirror) -> dict[str, Measure]:
    """How each lineage is measured, by name."""
    found = {
        "raw": Arm("raw", {"operator": "raw"}, 8, False),
        "raw, likeliest": Arm("likeliest", {"operator": "raw", "temperature": 0.0}, 8, False),
        "search 8": Arm("search-8", {"operator": "search"}, 8, False),
    }
    return {name: functools.partial(watched, mirror, arm) for name, arm in found.items()}


def watched(mirror: Mirror, arm: Arm, seed: int, folder: Path, tell: Tell) -> Numbers:
    """A lineage's mistakes, and what was said after each generation, by the rule's name."""
    first, run = mirror.first(folder, seed, tell), RunDirectory(folder / arm.name)
    settings = mirror.settings(**arm.settings)
    distill(
        str(first.path), mirror.config(seed, arm.simulations), settings, run=run.path, tell=tell
    )
    kept = folder / f"{arm.name}-looks"
    rows: list[dict[str, Any]] = metrics.read(run.metrics)
    mistakes, said = [], {rule: [0.0] for rule in RULES}
    for generation in range(settings.generations + 1):
        tell("measuring", generation, settings.generations + 1)
        student = (run.milestones, generation) if generation else (first.milestones, 1)
        right = mirror.right(mirror.params(*student))
        mistakes.append(1.0 - float(right.mean()))
        told = looks.metrics(kept, generation, right)
        if generation:
            ends = [row for row in rows if row["generation"] == generation]
            ends[-1].update(told)
            names = {f.name for f in findings([r for r in rows if r["generation"] <= generation])}
            for rule, series in said.items():
                series.append(float(rule in names))
    return {"mistakes": mistakes, **said}


def first(series: np.ndarray) -> int | None:
    """The first generation of which something is so; None if of none."""
    found = np.flatnonzero(series)
    return int(found[0]) if len(found) else None


def spoken(known: Results, arm: str) -> list[tuple[int | None, int | None]]:
    """Of each seed: the generation of the first alarm, and that by which strength was lost."""
    mistakes = known.values(arm, "mistakes")
    any_rule = np.any([known.values(arm, rule) for rule in RULES], axis=0)
    lost = mistakes > LOST * mistakes[:, :1]
    return [(first(a), first(b)) for a, b in zip(any_rule, lost, strict=True)]


def draw(known: Results) -> Any:
    """Each seed's mistakes by generation; a triangle where the guards first speak."""
    figure = empty_figure(9, 4.5)
    axes = figure.subplots()
    for arm in known.arms:
        mistakes = known.values(arm, "mistakes")
        share = mistakes / mistakes[:, :1]
        for number, (series, (alarm, _)) in enumerate(zip(share, spoken(known, arm), strict=True)):
            label = arm if number == 0 else None
            axes.plot(series, color=COLOURS[arm], linewidth=1.4, label=label)
            if alarm is not None:
                axes.plot(alarm, series[alarm], "^", color=COLOURS[arm], markersize=9)
    axes.axhline(LOST, color="black", linestyle=":", linewidth=1, label="strength is lost")
    axes.set_title("Mistakes, as a share of the first; ▲ first alarm", fontsize=10, loc="left")
    axes.set_xlabel("generation")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def table(known: Results) -> Table:
    """When each rule first spoke, and when strength was lost, of each seed."""
    found = Table(box=None, header_style="dim")
    found.add_column("first generation of", no_wrap=True)
    for arm in known.arms:
        found.add_column(arm, justify="right")

    def cell(generations: list[int | None]) -> str:
        return ", ".join("–" if g is None else str(g) for g in generations)

    for rule in RULES:
        found.add_row(
            rule, *(cell([first(s) for s in known.values(arm, rule)]) for arm in known.arms)
        )
    pairs = [spoken(known, arm) for arm in known.arms]
    found.add_row("any alarm", *(cell([alarm for alarm, _ in pair]) for pair in pairs))
    found.add_row("strength lost", *(cell([lost for _, lost in pair]) for pair in pairs))
    return found


def main() -> None:
    """Reads the command line, measures and draws."""
    options = tyro.cli(Options, description=__doc__)
    size = QUICK if options.quick else Size()
    study.run(Plan("alarms", dataclasses.asdict(size), arms(Mirror(size)), draw, table), options)


if __name__ == "__main__":
    main()
