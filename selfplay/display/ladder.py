"""A ladder as a person sees it: the table, while it is played and at its end, and a picture."""

import string
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from selfplay.display.live import LOG_EVERY_SECONDS
from selfplay.display.picture import empty_figure, refuse_format
from selfplay.display.summary import shortest
from selfplay.ladder import MEAN, Ladder, ladder, only_run, write
from selfplay.run.directory import refuse_unwritable

LONG = 16
"""Characters of a run's name, from which on it gets a letter in the table."""


def ladder_with_view(names: Sequence[str], *, output: Path | None = None, **settings: Any) -> None:
    """`ladder.ladder`, watched; then the table, the picture and the JSON.

    Those of several runs, or of an exported one, go beside `output`, by default `arena.png` here.
    Raises ValueError as `ladder`, RuntimeError if `output` is given and matplotlib is missing.
    """
    home, console = only_run(names), Console()
    picture = output or (Path("arena.png") if home is None else home.path / "arena.png")
    refuse_unwritable(picture)
    if output is not None:
        refuse_format(output, empty_figure(8, 5))
    with LadderView(settings["games"]) as view:
        result = ladder(names, watch=view.on_match, **settings)
    console.print(table(result))
    console.print(footnote(result), highlight=False)
    written = [home.arena if home is not None else picture.with_suffix(".json")]
    if home is None:
        write(result, written[0])
    try:
        draw(result, picture)
        written.append(picture)
    except RuntimeError as error:
        console.print(f"no picture: {error}", highlight=False)
    paths = " and ".join(shortest(path) for path in written)
    console.print(f"written to {paths}", soft_wrap=True, highlight=False)


class LadderView:
    """Draws what is known after each match; in a terminal in place, else as lines in a log."""

    def __init__(self, games: int, console: Console | None = None):
        """A view of a ladder of at most so many games."""
        self._games = games
        self._console = console or Console(stderr=True)
        self._live: Live | None = None
        self._last_line = time.monotonic()

    def __enter__(self) -> "LadderView":
        """Begins to draw."""
        if self._console.is_terminal:
            waiting = Text("reading the checkpoints and compiling", style="dim")
            self._live = Live(waiting, console=self._console, transient=True)
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Wipes the table: the last one is printed for good."""
        if self._live is not None:
            self._live.stop()

    def on_match(self, result: Ladder) -> None:
        """Draws what is known."""
        if self._live is not None:
            self._live.update(self._picture(result))
        elif time.monotonic() - self._last_line > LOG_EVERY_SECONDS:
            self._last_line = time.monotonic()
            self._console.print(self._line(result), highlight=False, soft_wrap=True)

    def _picture(self, result: Ladder) -> RenderableType:
        return Group(table(result), Text(self._line(result), style="dim"))

    def _line(self, result: Ladder) -> str:
        widest = result.ratings[1].max()
        return (
            f"{result.tournament.num_games:,} of at most {self._games:,} games; "
            f"the widest interval is ± {widest:.0f} Elo"
        )


def table(result: Ladder) -> Table:
    """Ranks, ratings with their 95 % intervals, games and scores; the strongest first."""
    known = result.tournament
    elo, half = result.ratings
    shown = Table(title=_title(result), title_justify="left")
    shown.add_column("", justify="right", no_wrap=True)
    shown.add_column("player", overflow="fold")
    for column in ("Elo", "95 %", "games", "score, %", "drawn, %", "above\nnext, %"):
        shown.add_column(column, justify="right", no_wrap=True)
    ranking = result.ranking
    for rank, index in enumerate(ranking):
        tally = known.of(index)
        name = _short_name(result, index)
        if not tally.games:
            shown.add_row(str(rank + 1), name, "–", "–", "0", "–", "–", "–")
            continue
        following = ranking[rank + 1 : rank + 2]
        above = [100 * known.ratings.superiority(index, other) for other in following]
        shown.add_row(
            str(rank + 1),
            name,
            f"{elo[index]:+.0f}",
            f"± {half[index]:.0f}",
            str(tally.games),
            f"{100 * tally.score:.1f}",
            f"{100 * tally.draws / tally.games:.1f}",
            *([f"{above[0]:.1f}"] if above else ["–"]),
        )
    return shown


def _title(result: Ladder) -> str:
    """What is played, who is rated 0, and what runs are called in the table."""
    zero = "the mean" if result.anchor == MEAN else result.anchor
    runs = [f"{short}@ITERATION of {run}" for run, short in _short_names(result).items()]
    return "\n".join([f"{result.env}: Elo, {zero} is 0", *runs])


def _short_names(result: Ladder) -> dict[str, str]:
    """What is put for the names of runs that are long: a letter, or nothing for an only run."""
    runs = list(dict.fromkeys(one.run for one in result.entrants if one.run is not None))
    if len(runs) == 1:
        return {runs[0]: ""}
    letters = dict(zip(runs, string.ascii_uppercase, strict=False))
    return {run: letter for run, letter in letters.items() if len(run) > LONG}


def _short_name(result: Ladder, index: int) -> str:
    """A player's name as the table has it."""
    entrant = result.entrants[index]
    if entrant.run is None:
        return entrant.player.name
    return f"{_short_names(result).get(entrant.run, entrant.run)}@{entrant.iteration}"


def footnote(result: Ladder) -> str:
    """How the games were played, and what the fit found beside the ratings."""
    known = result.tournament
    simulations = result.settings["simulations"]
    search = f"{simulations} simulations a move" if simulations else "the networks alone"
    return (
        f"{known.num_games:,} games, each of their openings (among {known.num_openings:,}) with "
        f"both colours; {search}. The first player's edge: {known.ratings.advantage:+.0f} Elo. "
        f"The points of such a pair vary {known.dispersion:.2f} times as much as those of "
        "two independent games."
    )


def draw(result: Ladder, path: Path) -> None:
    """Draws ratings against minutes of training, a line for each run, error bars of 95 %.

    Who learned nothing, and who does not tell how long it learned, gets a level line. Raises
    RuntimeError without matplotlib.
    """
    figure = empty_figure(8, 5)
    axis = figure.subplots()
    elo, half = result.ratings
    runs = dict.fromkeys(entrant.run for entrant in result.entrants if entrant.run is not None)
    timed = [entrant.minutes is not None for entrant in result.entrants]
    for run in runs:
        who = [i for i, one in enumerate(result.entrants) if one.run == run and timed[i]]
        if not who:
            continue
        minutes = [result.entrants[i].minutes for i in who]
        style: dict[str, Any] = {"marker": "o", "markersize": 4, "linewidth": 1.2, "capsize": 3}
        axis.errorbar(minutes, elo[who], yerr=half[who], label=run, **style)
    for index, entrant in enumerate(result.entrants):
        if not timed[index]:
            axis.axhline(elo[index], color="0.4", linewidth=1.0, linestyle="--")
            axis.axhspan(elo[index] - half[index], elo[index] + half[index], color="0.4", alpha=0.1)
            axis.annotate(
                entrant.player.name,
                (1.0, elo[index]),
                xycoords=("axes fraction", "data"),
                xytext=(-4, 3),
                textcoords="offset points",
                ha="right",
                fontsize=8,
            )
    zero = "the mean" if result.anchor == MEAN else result.anchor
    axis.set_xlabel("minutes of training")
    axis.set_ylabel(f"Elo, {zero} is 0")
    axis.set_title(
        f"{result.env}: {result.tournament.num_games:,} games, "
        f"{result.settings['simulations']} simulations, 95 % intervals",
        fontsize=10,
        loc="left",
    )
    axis.grid(alpha=0.3)
    if any(timed):
        below = {"loc": "outside lower center", "ncols": min(len(runs), 3)}
        figure.legend(fontsize=8, frameon=False, **below)
    figure.savefig(path, dpi=120)
