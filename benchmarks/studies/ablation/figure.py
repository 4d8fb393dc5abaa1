"""The ablation in one picture: who folds rightly, how sure they are, and what labels are worth."""

from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.studies.study import Results, written
from selfplay.display.picture import empty_figure

REAL_ONLY = "real only"
COLOURS = {
    REAL_ONLY: "#2c3e50",
    "+ unfiltered": "#e67e22",
    "+ filtered": "#2e86c1",
    "+ search": "#1e8449",
    "all synthetic": "#c0392b",
}


def draw(known: Results) -> Any:
    """Shares of held-out chains by arm; confidence by generation; labels by generation.

    Means, with each seed faintly behind them; the table has intervals.
    """
    figure = empty_figure(13, 4.3)
    who, sure, labels = figure.subplots(1, 3)
    _who(who, known)
    _sure(sure, known)
    _labels(labels, known)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.title.set_fontsize(10)
    return figure


def _who(axes: Any, known: Results) -> None:
    """The last student of each arm, by itself and with a search."""
    for what, marker, filled, label, shift in (
        ("right", "o", True, "network alone", -0.12),
        ("searched", "D", False, "with a little search", 0.12),
    ):
        for place, arm in enumerate(known.arms):
            values = 100 * known.values(arm, what)[:, -1]
            places = np.full(len(values), place + shift)
            colour = COLOURS[arm]
            axes.plot(values, places, "|-", color=colour, alpha=0.5, markersize=9, linewidth=1)
            face = colour if filled else "white"
            axes.plot(values.mean(), place + shift, marker, color=colour, markerfacecolor=face)
        axes.plot([], [], marker, color="grey", mfc="grey" if filled else "white", label=label)
    level = 100 * known.values(REAL_ONLY, "right")[:, -1].mean()
    axes.axvline(level, color=COLOURS[REAL_ONLY], linestyle=":", linewidth=1)
    axes.set_yticks(range(len(known.arms)), known.arms)
    axes.set_ylim(len(known.arms) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel("held-out chains folded exactly, %")
    axes.set_title("The last student of each arm", loc="left")
    axes.legend(frameon=False, fontsize=8, loc="upper left")


def _sure(axes: Any, known: Results) -> None:
    """How much surer each generation is than it should be."""
    axes.axhline(0, color="black", linewidth=0.8)
    for arm in _lineages(known):
        over = known.values(arm, "confidence") - known.values(arm, "right")
        _series(axes, range(over.shape[1]), over, COLOURS[arm], arm, "o-")
    axes.set_title("The confidence trap", loc="left")
    axes.set(xlabel="generation (0: the teacher)", ylabel="confidence less share right, points")
    _whole_generations(axes, known)
    axes.set_ylim(top=1.35 * axes.get_ylim()[1])  # room for the legend
    axes.legend(frameon=False, fontsize=8, loc="upper left")


def _labels(axes: Any, known: Results) -> None:
    """How many of the labels that are learnt from are right, and where there is one best fold."""
    for arm in _lineages(known):
        kept, single = known.values(arm, "kept_right"), known.values(arm, "labels_single_right")
        students = range(1, kept.shape[1] + 1)
        _series(axes, students, kept, COLOURS[arm], arm, "o-")
        _series(axes, students, single, COLOURS[arm], "", "o:")
    axes.plot([], [], ":", color="grey", label="of chains with one best fold")
    axes.set_title("Labels that are right", loc="left")
    axes.set(xlabel="generation", ylabel="labels that are best folds, %", ylim=(0, 100))
    _whole_generations(axes, known)
    axes.set_xlim(left=0.8)
    axes.legend(frameon=False, fontsize=8, loc="upper left")


def _series(
    axes: Any, generations: range, values: np.ndarray, colour: str, label: str, style: str
) -> None:
    """Shares [seeds, generations] in per cent: their mean, and each seed faintly."""
    axes.plot(generations, 100 * values.mean(0), style, color=colour, label=label, markersize=4)
    axes.plot(generations, 100 * values.T, style[1:], color=colour, alpha=0.25, linewidth=1)


def _whole_generations(axes: Any, known: Results) -> None:
    axes.set_xticks(range(max(known.values(arm, "right").shape[1] for arm in known.arms)))


def _lineages(known: Results) -> list[str]:
    return [arm for arm in known.arms if arm != REAL_ONLY]


def table(known: Results) -> Table:
    """The last student of each arm, beside the teacher of its own seed, and its labels."""
    found = Table(box=None, header_style="dim")
    for column in (
        "last student, %",
        "right",
        "over real only",
        "with search",
        "confidence",
        "calibration error",
        "first labels right",
        "kept right",
    ):
        found.add_column(column, justify="left" if column.startswith("last") else "right")
    for arm in known.arms:
        right = known.values(arm, "right")
        over, labels = "", ["", ""]
        if arm != REAL_ONLY:
            over = written(right[:, -1] - right[:, 0], scale=100)
            labels = [
                written(known.values(arm, what)[:, 0], scale=100)
                for what in ("labels_right", "kept_right")
            ]
        measured = (
            written(known.values(arm, what)[:, -1], scale=100)
            for what in ("searched", "confidence", "calibration_error")
        )
        found.add_row(arm, written(right[:, -1], scale=100), over, *measured, *labels)
    found.caption = "± is a 95 % interval over seeds; over real only: seed by seed"
    return found
