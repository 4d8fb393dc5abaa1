"""The study in one picture: what search makes of each evaluator, and what a student keeps."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.studies.evaluator.experiment import Size
from benchmarks.studies.study import Results, written
from selfplay.display.picture import empty_figure

LEAST_GAIN = 0.1
"""Of what the evaluator has alone; below it a share of the gain says nothing."""
COLOURS = {
    "untrained": "#7f8c8d",
    "one epoch": "#8e44ad",
    "noise 2": "#922b21",
    "noise 0.5": "#dc7633",
    "no noise": "#1a5276",
}
PANELS = {
    "mistakes": ("Mistakes, % of 1,500 positions", 100),
    "solved_error": ("Value's error, 1,500 positions", 1),
    "error": ("Value's error, 8 plies", 1),
    "sign": ("Value's sign right, %, 8 plies", 100),
}
ROWS = {
    "mistakes": ("mistakes, %", 100, 1),
    "critical_mistakes": ("where one can err, %", 100, 1),
    "solved_error": ("value's error", 1, 3),
    "error": ("the same, 8 plies", 1, 3),
    "squared_error": ("its root mean square", 1, 3),
    "sign": ("sign right, %", 100, 1),
}


def drawing(size: Size) -> Callable[[Results], Any]:
    """`draw` for a study of this size."""
    return functools.partial(draw, size)


def tabulating(size: Size) -> Callable[[Results], Table]:
    """`table` for a study of this size."""
    return functools.partial(table, size)


def draw(size: Size, known: Results) -> Any:
    """Above by simulations, the mean of seeds and, thin, each seed; below what a student keeps."""
    figure = empty_figure(15.5, 7.6)
    above, below = figure.subplots(2, len(PANELS), height_ratios=(3, 2))
    for axes, (what, (title, scale)) in zip(above, PANELS.items(), strict=True):
        for arm in known.arms:
            series = scale * known.values(arm, what)
            axes.plot(series.mean(0), color=COLOURS[arm], label=arm, linewidth=1.8)
            axes.plot(series.T, color=COLOURS[arm], linewidth=0.7, alpha=0.45)
        axes.axvline(size.simulations.index(size.teacher), color="black", linewidth=0.6, ls=":")
        axes.set_xticks(range(len(size.simulations)), [_short(n) for n in size.simulations])
        axes.tick_params("x", labelsize=8)
        axes.set_xlabel("simulations")
        axes.set_title(title, fontsize=10, loc="left")
    for axes, (what, (title, scale)) in zip(below, PANELS.items(), strict=True):
        _kept(axes, size, known, what, scale)
        better = "better →" if what == "sign" else "← better"
        axes.set_xlabel(f"{title} ({better})", fontsize=9)
    above[0].legend(frameon=False, fontsize=9)
    handles, labels = below[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _short(simulations: int) -> str:
    return f"{simulations // 1024}k" if simulations >= 1024 else str(simulations)


def _kept(axes: Any, size: Size, known: Results, what: str, scale: float) -> None:
    """A line for each arm, from alone to its search, and where its students stand."""
    rows = np.arange(len(known.arms))[::-1]
    alone, search, student, copy = (
        [scale * of_arm.mean() for of_arm in values]
        for values in zip(*(_four(size, known, arm, what) for arm in known.arms), strict=True)
    )
    colours = [COLOURS[arm] for arm in known.arms]
    axes.hlines(rows, alone, search, color=colours, linewidth=3, alpha=0.35)
    named = f"search, {size.teacher} simulations"
    for marker, label, values, faces in (
        ("o", "the weak evaluator alone", alone, "white"),
        ("o", named, search, colours),
        ("D", "student of that search", student, "gold"),
        ("x", "student of the evaluator alone", copy, "black"),
    ):
        shown = {"edgecolors": colours} if marker == "o" else {"linewidths": 1.0}
        if marker == "D":
            shown = {"edgecolors": "black", "linewidths": 0.8}
        axes.scatter(values, rows, 46, faces, marker=marker, label=label, zorder=3, **shown)
    axes.set_yticks(rows, known.arms)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(axis="x", alpha=0.25)


def _four(size: Size, known: Results, arm: str, what: str) -> tuple[np.ndarray, ...]:
    """float64 [seeds] each: alone, search that taught, its student, the student of itself."""
    searches = known.values(arm, what)
    return (
        searches[:, 0],
        searches[:, size.simulations.index(size.teacher)],
        known.values(arm, f"student_{what}"),
        known.values(arm, f"copy_{what}"),
    )


def efficiency(size: Size, known: Results, arm: str, what: str) -> str:
    """What share of its teacher's gain a student has, (student - alone) / (search - alone), in
    per cent; it can be negative, or more than all. Nothing where search gains less than a tenth.
    """
    alone, search, student, _ = _four(size, known, arm, what)
    gain = search.mean() - alone.mean() if what == "sign" else alone.mean() - search.mean()
    if gain < LEAST_GAIN * alone.mean():
        return "–"
    return written((student - alone) / (search - alone), 0, 100)


def table(size: Size, known: Results) -> Table:
    """Each arm by each measure."""
    found = Table(box=None, header_style="dim")
    most = max(size.simulations)
    headings = ("alone", "1", f"{size.teacher}", f"{most:,}", "student", "kept, %", "of itself")
    for column in ("", *headings):
        found.add_column(column, justify="right" if column else "left")
    for arm in known.arms:
        found.add_row(f"[bold]{arm}")
        for what, (name, scale, digits) in ROWS.items():
            alone, search, student, copy = _four(size, known, arm, what)
            searches = known.values(arm, what)
            whole = searches.shape[1] == len(size.simulations)
            found.add_row(
                f"  {name}",
                written(alone, digits, scale),
                written(searches[:, size.simulations.index(1)], digits, scale),
                written(search, digits, scale),
                written(searches[:, -1], digits, scale) if whole else "–",
                written(student, digits, scale),
                efficiency(size, known, arm, what),
                written(copy, digits, scale),
            )
    found.caption = (
        f"student: of the search with {size.teacher} simulations; kept: of that search's gain; "
        "of itself: a student of the evaluator alone; ± is a 95 % interval over seeds"
    )
    return found
