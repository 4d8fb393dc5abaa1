"""Training against search as a person sees it: the grid, the picture, the exchange rate."""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from selfplay.display.depth import StudyView, footnote, numbers
from selfplay.display.picture import empty_figure
from selfplay.display.summary import shortest
from selfplay.evaluation.depth import Estimate
from selfplay.files import write_text
from selfplay.frontier import FILE, Frontier, frontier, home

MEASURES = {
    "kept": "moves that keep the value, %",
    "solved": "problems solved, %",
    "elo": "Elo over the first network alone",
}


def frontier_with_view(run: Path, *, output: Path | None = None, **settings: Any) -> None:
    """`frontier.frontier`, watched; then the grid, the pictures, the numbers and the sentence.

    `output` is a folder, by default the run's. Raises ValueError as `frontier` does.
    """
    console, folder = Console(), output or home(run)
    with StudyView() as view:
        known = frontier(run, output=folder / FILE, watch=view.on_progress, **settings)
    console.print(table(known))
    console.print(footnote(known.study), highlight=False)
    written = [folder / FILE, folder / "frontier.csv"]
    write_text(written[1], numbers(known.study))
    try:
        written += draw(known, folder / "frontier")
    except RuntimeError as error:
        console.print(f"no picture: {error}", highlight=False)
    paths = ", ".join(shortest(path) for path in written)
    console.print(f"written to {paths}\n", soft_wrap=True, highlight=False)
    console.print(sentence(known), style="bold", highlight=False)


def table(known: Frontier) -> Table:
    """A row a checkpoint, a column a number of simulations; what each took."""
    env = known.study.about["env"]
    title = f"{env}: {MEASURES[known.measure]}, by training and simulations a move"
    shown = Table(title=title, title_justify="left")
    for column in ("iteration", "minutes", "evaluations", "FLOP"):
        shown.add_column(column, justify="right")
    for count in known.simulations:
        shown.add_column(f"{count:,}", justify="right")
    rows = zip(known.iterations, known.seconds, known.training, known.quality, strict=True)
    for iteration, seconds, spent, row in rows:
        shown.add_row(
            f"{iteration:,}",
            "–" if seconds is None else f"{seconds / 60.0:.1f}",
            f"{spent.evaluations:.1e}",
            f"{spent.flops:.1e}",
            *[_value(known, estimate) for estimate in row],
        )
    return shown


def sentence(known: Frontier) -> str:
    """The exchange rate, or why there is none."""
    plane = known.plane
    unit = "Elo" if known.measure == "elo" else "nats of log-odds"
    slopes = (
        f"ten times more training: {_signed(plane.training)} {unit}, ten times more search: "
        f"{_signed(plane.search)}; the plane explains {100 * plane.explained:.0f} % of the variance"
    )
    rate = plane.exchange
    if rate is None:
        return f"No exchange rate: one of training and search shows no gain ({slopes})."
    return (
        f"Ten times less training is made up for by {rate.value:.1f} times more search "
        f"({rate.low:.1f} to {rate.high:.1f}), if quality is a plane over both; Jones 2021 found "
        f"15 in Hex ({slopes})."
    )


def draw(known: Frontier, stem: Path) -> list[Path]:
    """Draws quality by training and iso-quality lines, as PNG and SVG; their paths.

    Raises RuntimeError without matplotlib.
    """
    figure = empty_figure(11.0, 4.6)
    curves, plane = figure.subplots(1, 2)
    _draw_curves(curves, known)
    _draw_plane(figure, plane, known)
    caption = f"{sentence(known)} {footnote(known.study)}"
    about = known.study.about
    title = f"{about['env']}: training and search of {about['run']}"
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    figure.text(0.0, -0.02, textwrap.fill(caption, 190), fontsize=7, va="top")
    paths = [stem.with_suffix(suffix) for suffix in (".png", ".svg")]
    for path in paths:
        figure.savefig(path, dpi=150, bbox_inches="tight")
    return paths


def _draw_curves(axis: Any, known: Frontier) -> None:
    """Quality by training, a line for each number of simulations."""
    import matplotlib

    trained = [k for k, spent in enumerate(known.training) if spent.evaluations > 0.0]
    spent = [known.training[k].evaluations for k in trained]
    colours = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.9, len(known.simulations)))
    for column, (count, colour) in enumerate(zip(known.simulations, colours, strict=True)):
        scale = 1.0 if known.measure == "elo" else 100.0
        row = [known.quality[k][column] for k in trained]
        style: dict[str, Any] = {"color": colour, "marker": "o", "markersize": 3, "linewidth": 1.2}
        axis.plot(spent, [scale * e.value for e in row], label=f"{count:,}", **style)
        ends = ([scale * e.low for e in row], [scale * e.high for e in row])
        axis.fill_between(spent, *ends, color=colour, alpha=0.08, linewidth=0)
    axis.set_xscale("log")
    axis.xaxis.set_minor_formatter("")
    axis.set_xlabel("network evaluations spent on training")
    axis.set_title(MEASURES[known.measure], fontsize=10, loc="left")
    axis.legend(title="simulations", fontsize=7, title_fontsize=7, frameon=False)
    axis.grid(alpha=0.3)


def _draw_plane(figure: Any, axis: Any, known: Frontier) -> None:
    """What was measured as dots, the plane's lines of equal quality behind them."""
    scale = 1.0 if known.measure == "elo" else 100.0
    points = [
        (spent.evaluations, searched.evaluations, scale * estimate.value)
        for spent, row in zip(known.training, known.quality, strict=True)
        for searched, estimate in zip(known.search, row, strict=True)
        if spent.evaluations > 0.0
    ]
    training, search, quality = np.array(points).T
    across, up = (
        np.linspace(x.min() - margin * np.ptp(x), x.max() + margin * np.ptp(x), 60)
        for x, margin in ((np.log10(training), 0.04), (np.log10(search), 0.05))
    )
    fitted = scale * known.fitted(across[None], up[:, None])
    low, high = np.percentile(fitted, [4, 96])
    levels = np.linspace(low, high, 7) if known.measure == "elo" else _levels(low, high)
    lines = axis.contour(10**across, 10**up, fitted, levels=levels, colors="0.45", linewidths=0.9)
    axis.clabel(lines, fontsize=7, fmt="%.4g")
    dots = axis.scatter(training, search, c=quality, s=28, cmap="viridis", zorder=3)
    figure.colorbar(dots, ax=axis, label=MEASURES[known.measure])
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.xaxis.set_minor_formatter("")
    axis.set_xlabel("network evaluations spent on training")
    axis.set_ylabel("network evaluations a move")
    axis.set_title("measured, and lines of equal quality", fontsize=10, loc="left")


def _levels(low: float, high: float) -> np.ndarray:
    """Per cent, evenly spaced in log-odds, rounded to a tenth."""
    first, last = (np.log(share / (100.0 - share)) for share in (low, high))
    return np.unique(np.round(100.0 / (1.0 + np.exp(-np.linspace(first, last, 7))), 1))


def _value(known: Frontier, estimate: Estimate) -> str:
    return f"{estimate.value:+.0f}" if known.measure == "elo" else f"{100 * estimate.value:.1f}"


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.3g} ({estimate.low:.3g} to {estimate.high:.3g})"
