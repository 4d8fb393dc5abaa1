"""The mirror in one picture: what each lineage keeps, and how well it plays."""

from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.studies.study import Results, curve, written
from selfplay.display.picture import empty_figure

ANEW = "real games anew"
COLOURS = {
    "raw": "#c0392b",
    "raw, accumulated": "#e67e22",
    "raw, 10 % real": "#d4ac0d",
    "raw, likeliest": "#7b241c",
    "placebo 8": "#7f8c8d",
    "search 2": "#85c1e9",
    "search 8": "#2e86c1",
    "search 32": "#1a5276",
    "search 32, flat prior": "#17a589",
}
PANELS = {
    "distinct": "Different openings in 1,000 games",
    "sound_tail": "Share of rare sound openings still played",
    "mistakes": "Network's mistakes, any position",
    "mistakes_real": "Network's mistakes, positions of real games",
}


def draw(known: Results) -> Any:
    """A panel for each measure; bands are 95 % intervals over seeds."""
    figure = empty_figure(11, 8)
    for axes, (what, title) in zip(figure.subplots(2, 2).flat, PANELS.items(), strict=True):
        for arm in known.arms:
            if arm != ANEW:
                curve(axes, known.values(arm, what), COLOURS[arm], arm)
        if ANEW in known.arms:
            _reference(axes, known, what)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("generation")
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        handles |= {
            label: line for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=5, frameon=False)
    return figure


def _reference(axes: Any, known: Results, what: str) -> None:
    if what == "distinct":
        curve(axes, known.values(ANEW, what), "black", "drift alone", ":")
    if what == "sound_tail":
        level = float(known.values(ANEW, "anew_sound_tail").mean())
        axes.axhline(level, color="black", linestyle="--", linewidth=1, label="real games, anew")


def table(known: Results) -> Table:
    """The last generation of each arm against the first."""
    found = Table(box=None, header_style="dim")
    for column in (
        "last generation",
        "openings kept, %",
        "sound tail, %",
        "mistakes, %",
        "of the first's, %",
        "real positions, %",
        "of the first's, %",
    ):
        found.add_column(column, justify="left" if column.startswith("last") else "right")
    anew = known.values(ANEW, "anew_sound_tail").mean() if ANEW in known.arms else np.nan
    for arm in known.arms:
        if arm == ANEW:
            kept = known.values(arm, "distinct")
            found.add_row("drift alone", written(kept[:, -1] / kept[:, 0], scale=100))
            continue
        kept, tail, mistakes, real = (known.values(arm, what) for what in PANELS)
        found.add_row(
            arm,
            written(kept[:, -1] / kept[:, 0], scale=100),
            written(tail[:, -1] / anew, scale=100),
            written(mistakes[:, -1], scale=100),
            written(mistakes[:, -1] / mistakes[:, 0], scale=100),
            written(real[:, -1], scale=100),
            written(real[:, -1] / real[:, 0], scale=100),
        )
    found.caption = "sound tail: of what real games anew recall; ± is a 95 % interval over seeds"
    return found
