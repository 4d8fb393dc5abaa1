"""A study of search as a person sees it: a table, a picture, a sentence, a file of numbers."""

import csv
import io
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from selfplay.depth import FILE, home, study
from selfplay.display.live import LOG_EVERY_SECONDS
from selfplay.display.picture import empty_figure
from selfplay.display.summary import shortest
from selfplay.evaluation import enough
from selfplay.evaluation.depth import Estimate
from selfplay.evaluation.searcher import Searcher
from selfplay.evaluation.study import Point, Study
from selfplay.files import write_text

ENOUGH = 0.9
"""Of what the longest search brings: the share that the sentence asks for."""

Measure = Callable[[Study, Point], Estimate | None]

MEASURES: dict[str, Measure] = {
    "moves that keep the value, %": lambda known, point: _times(100.0, _exact(point, "kept")),
    "value lost a move": lambda known, point: _exact(point, "loss"),
    "error of the value": lambda known, point: _exact(point, "value_error"),
    "problems solved, %": lambda known, point: _times(100.0, point.solved),
    "Elo": lambda known, point: known.elo().get(point.searcher.name),
}
"""What is measured of a searcher, and how to find it; None where it is not known."""


def depth_with_view(run: Path, *, output: Path | None = None, **settings: Any) -> None:
    """`depth.study`, watched; then the table, the pictures, the numbers and the sentence.

    `output` is a folder, by default the run's. Raises ValueError as `study` does.
    """
    console, folder = Console(), output or home(run)
    with StudyView() as view:
        known = study(run, output=folder / FILE, watch=view.on_progress, **settings)
    console.print(table(known))
    console.print(footnote(known), highlight=False)
    elo = [known.elo()[p.searcher.name] for p in known.points if p.searcher.name in known.elo()]
    widest = max(((e.high - e.low) / 2 for e in elo), default=0.0)
    if settings["games"] and widest > settings["precision"]:
        console.print(
            f"The games were used up: the widest interval is ± {widest:.0f} Elo, not ± "
            f"{settings['precision']:.0f}; ask for more with --games."
        )
    written = [folder / FILE, folder / "depth.csv"]
    write_text(written[1], numbers(known))
    try:
        written += draw(known, folder / "depth")
    except RuntimeError as error:
        console.print(f"no picture: {error}", highlight=False)
    paths = ", ".join(shortest(path) for path in written)
    console.print(f"written to {paths}\n", soft_wrap=True, highlight=False)
    for sentence in sentences(known):
        console.print(sentence, style="bold", highlight=False)


class StudyView:
    """Says what is being measured: in a terminal in place, else as lines in a log."""

    def __init__(self, console: Console | None = None):
        """A view on stderr, or on a console."""
        self._console = console or Console(stderr=True)
        self._status = self._console.status("loading")
        self._last_line = 0.0

    def __enter__(self) -> "StudyView":
        """Begins to tell."""
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Wipes the line."""
        self._status.stop()

    def on_progress(self, known: Study, doing: str) -> None:
        """Tells what is done now."""
        if self._console.is_terminal:
            self._status.update(doing)
        elif time.monotonic() - self._last_line > LOG_EVERY_SECONDS:
            self._last_line = time.monotonic()
            self._console.print(doing, highlight=False, soft_wrap=True)


def table(known: Study) -> Table:
    """A row a searcher: quality with its 95 % interval, then time and memory."""
    guesses = {point.searcher.guess for point in known.points}
    only = f", {guesses.pop()}" if len(guesses) == 1 else ""
    title = f"{known.about['env']}: quality by simulations{only}"
    shown = Table(title=title, title_justify="left")
    measures = known_measures(known)
    shown.add_column("search", no_wrap=True)
    for name in (*measures, "ms a move", "sims/s", "KiB a tree"):
        shown.add_column(name, justify="right")
    for curve, points in known.curves().items():
        for point in points:
            searcher, cost = point.searcher, point.cost
            shown.add_row(
                f"{_guess(known, curve)}{curve.searching(searcher.simulations)}",
                *[_shown(MEASURES[name](known, point), name) for name in measures],
                f"{1000 * cost.seconds:.2f}",
                f"{cost.simulations_per_second:,.0f}" if searcher.simulations else "–",
                f"{cost.tree_bytes / 1024:,.1f}",
            )
        shown.add_section()
    searchers = {point.searcher.name for point in known.points}
    for name in [name for name in known.elo() if name not in searchers]:
        cells = [_shown(known.elo()[name], m) if m == "Elo" else "–" for m in measures]
        shown.add_row(name, *cells, "–", "–", "–")
    return shown


def known_measures(known: Study) -> list[str]:
    """The names of the measures that something is known of."""
    return [
        name
        for name, measure in MEASURES.items()
        if any(measure(known, point) is not None for point in known.points)
    ]


def footnote(known: Study) -> str:
    """How it was measured, and on what."""
    network, machine = known.network, known.machine
    words = [
        f"{network['kind']} {network['width']}×{network['depth']}, {network['parameters']:,} "
        f"parameters; {machine['processor']}, {machine['devices']}, JAX {machine['jax']}."
    ]
    if known.games is not None:
        words.append(
            f"{known.games.num_games:,} games, each of their openings (among "
            f"{known.games.num_openings:,}) with both colours; Elo over {known.games.names[0]}."
        )
    words.append("Intervals of 95 %. A move is timed alone, simulations in a batch.")
    return " ".join(words)


def numbers(known: Study) -> str:
    """The table as CSV, with every interval's ends."""
    out = io.StringIO()
    fields = ("evaluator", "iteration", "value_noise", "policy", "max_depth", "simulations")
    keys = {name: name.replace(", %", " percent").replace(" ", "_").lower() for name in MEASURES}
    ends = [f"{key}{end}" for key in keys.values() for end in ("", "_low", "_high")]
    costs = ("seconds_a_move", "simulations_per_second", "tree_bytes")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*fields, *ends, *costs])

    def order(point: Point) -> tuple[str, str, int]:
        return point.searcher.guess, point.searcher.search, point.searcher.simulations

    for point in sorted(known.points, key=order):
        estimates = [MEASURES[name](known, point) for name in keys]
        cells = [("", "", "") if e is None else (e.value, e.low, e.high) for e in estimates]
        cost = point.cost
        writer.writerow(
            [
                *("" if (v := getattr(point.searcher, f)) is None else v for f in fields),
                *(cell for triple in cells for cell in triple),
                *(cost.seconds, cost.simulations_per_second, cost.tree_bytes),
            ]
        )
    return out.getvalue()


# Words -----------------------------------------------------------------------------------------


def sentences(known: Study) -> list[str]:
    """For each curve, how many simulations are enough: by Elo, problems solved, exact truth."""
    found = []
    for curve, points in known.curves().items():
        prefix = "" if len(known.curves()) == 1 else f"{curve.guess}, {curve.search}: "
        played = [p for p in points if known.games and p.searcher.name in known.games.names]
        for name, about, measure in (
            ("Elo", played, lambda some: enough.elo(known, some)),
            ("problems solved", [p for p in points if p.solved], enough.solved),
            ("moves that keep the value", [p for p in points if p.exact], enough.exact_kept),
        ):
            if len(about) > 1:
                values, covariance = measure(about)
                shown = enough.enough(about, values, covariance, ENOUGH)
                found.append(prefix + sentence(name, shown, values))
    return found


def sentence(name: str, shown: enough.Enough, values: np.ndarray) -> str:
    """How many simulations give nearly what the most give, and in how much of the time."""
    counts = [p.searcher.simulations for p in (shown.first, shown.enough, shown.before, shown.last)]
    least, count, before, most = counts
    begin = "the evaluator alone" if least == 0 else _simulations(least)
    if name == "Elo":
        gain = f"{round(values[-1] - values[0]):+d} Elo"
    else:
        gain = f"{name}: {100 * values[0]:.1f} to {100 * values[-1]:.1f} %"
    if not shown.is_gain:
        return f"No gain of {_simulations(most)} over {begin} is beyond chance ({gain})."
    if count == most and before == least:
        return f"The gain of {_simulations(most)} over {begin} is beyond chance ({gain})."
    if count == most:
        share = shown.share_before
        return (
            f"{most:,} simulations are not too many: {before:,} give {_percent(share)} of what "
            f"they give over {begin} ({gain})."
        )
    ratio = shown.last.cost.seconds / shown.enough.cost.seconds
    time = f"1/{ratio:.0f} of the time" if ratio >= 1.5 else "about the same time"
    return (
        f"{_simulations(count)} give{'s' if count == 1 else ''} {_percent(shown.share)} of "
        f"what {most:,} give over {begin}, in {time} ({gain})."
    )


def _percent(share: Estimate) -> str:
    """A share with its interval."""
    value, low, high = (round(100 * x) for x in (share.value, share.low, share.high))
    return f"{value} % ({low} to {high})"


def _simulations(count: int) -> str:
    return "1 simulation" if count == 1 else f"{count:,} simulations"


# Pictures --------------------------------------------------------------------------------------


_COLOURS = [*(f"C{k}" for k in range(10)), "black", "navy", "gold", "lime", "darkred", "teal"]
"""One an evaluator."""

_LINES = ("-", "--", ":", "-.")
"""One a way to search."""


def draw(known: Study, stem: Path) -> list[Path]:
    """Draws each measure against simulations, intervals shaded, as PNG and SVG; their paths.

    Raises RuntimeError without matplotlib.
    """
    measures = [name for name in known_measures(known) if name != "value lost a move"]
    many = len(known.curves()) > 1
    figure = empty_figure(4.6 * len(measures) + 1.8 * many, 4.2)
    axes = figure.subplots(1, len(measures), squeeze=False).ravel()
    for axis, name in zip(axes, measures, strict=True):
        _draw_measure(axis, known, name)
    title = f"{known.about['env']}: quality by simulations of {known.about['run']}"
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    if many:
        labels = axes[0].get_legend_handles_labels()
        figure.legend(*labels, fontsize=8, frameon=False, loc="outside right upper")
    caption = textwrap.fill(footnote(known), 80 * len(measures))
    figure.text(0.0, -0.02, caption, fontsize=7, va="top")
    paths = [stem.with_suffix(suffix) for suffix in (".png", ".svg")]
    for path in paths:
        figure.savefig(path, dpi=150, bbox_inches="tight")
    return paths


def _draw_measure(axis: Any, known: Study, name: str) -> None:
    """One panel; no simulations at all stand to the left of one."""
    ticks: set[int] = set()
    guesses = list(dict.fromkeys(curve.guess for curve in known.curves()))
    ways = list(dict.fromkeys(curve.search for curve in known.curves()))
    for curve, points in known.curves().items():
        about = [(p, e) for p in points if (e := MEASURES[name](known, p)) is not None]
        if not about:
            continue
        simulations = [p.searcher.simulations for p, _ in about]
        ticks |= set(simulations)
        places = [max(count, 0.5) for count in simulations]
        label = f"{_guess(known, curve)}{curve.search}"
        (line,) = axis.plot(
            places,
            [e.value for _, e in about],
            label=label,
            color=_COLOURS[guesses.index(curve.guess) % len(_COLOURS)],
            linestyle=_LINES[ways.index(curve.search) % len(_LINES)],
            marker="o",
            markersize=3,
            linewidth=1.3,
        )
        low, high = [e.low for _, e in about], [e.high for _, e in about]
        axis.fill_between(places, low, high, color=line.get_color(), alpha=0.18, linewidth=0)
    axis.set_xscale("log", base=2)
    shown = sorted(ticks)
    step = -(-len(shown) // 8)
    chosen = shown[:1] + shown[1::step] if shown[0] == 0 else shown[::step]
    axis.set_xticks([max(count, 0.5) for count in chosen], [f"{count:,}" for count in chosen])
    axis.minorticks_off()
    axis.set_xlabel("simulations a move")
    axis.set_title(name, fontsize=10, loc="left")
    axis.grid(alpha=0.3)


# Cells -----------------------------------------------------------------------------------------


def _guess(known: Study, curve: Searcher) -> str:
    """The evaluator's name, where there are several."""
    guesses = {point.searcher.guess for point in known.points}
    return f"{curve.guess}, " if len(guesses) > 1 else ""


def _shown(estimate: Estimate | None, name: str) -> str:
    if estimate is None:
        return "–"
    if name == "Elo":
        return f"{round(estimate.value):+d} ± {(estimate.high - estimate.low) / 2:.0f}"
    if name.endswith("%"):
        return f"{estimate.value:.1f} [{estimate.low:.1f}, {estimate.high:.1f}]"
    return f"{estimate.value:.3f} ± {(estimate.high - estimate.low) / 2:.3f}"


def _exact(point: Point, field: str) -> Estimate | None:
    return None if point.exact is None else getattr(point.exact, field)


def _times(factor: float, estimate: Estimate | None) -> Estimate | None:
    if estimate is None:
        return None
    return Estimate(factor * estimate.value, factor * estimate.low, factor * estimate.high)
