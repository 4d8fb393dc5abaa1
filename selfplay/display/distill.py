"""A distillation as a person watches it: what is under way, and a line for each generation."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from selfplay import distill as distill_lib
from selfplay.config import Config
from selfplay.display.live import clock
from selfplay.display.summary import program, shortest, warnings_table
from selfplay.distill_config import DistillConfig, Remedy
from selfplay.run import metrics
from selfplay.run.collapse import findings
from selfplay.run.directory import RunDirectory
from selfplay.run.remedies import given

LOG_EVERY_SECONDS = 15.0

Row = Mapping[str, Any]
"""An iteration's metrics."""

TRUTHS = {
    "held_out": "% of held-out problems solved",
    "exact": "% of moves that keep the value",
    "games": "% of points against the first teacher, network against network",
}
"""How students may be judged, by the metrics' names; what says most comes first."""


def distill_with_view(
    teacher: str, config: Config, settings: DistillConfig, *, run: Path | None
) -> None:
    """`distill.distill`, watched."""
    with DistillView(config, settings, teacher) as view:
        path = distill_lib.distill(
            teacher, config, settings, run=run, watchers=[view], tell=view.tell
        )
    print_distilled(path)


def resume_with_view(run: Path, remedy: Remedy) -> None:
    """`distill.resume`, watched."""
    folder = RunDirectory(run)
    rows = metrics.read(folder.metrics)
    with DistillView(folder.read_config(), folder.read_distill_config(), run.name, rows) as view:
        distill_lib.resume(run, remedy=remedy, watchers=[view], tell=view.tell)
    print_distilled(run)


class DistillView:
    """A `Watcher` that draws what is under way; in a terminal in place, else line by line."""

    def __init__(
        self,
        config: Config,
        settings: DistillConfig,
        teacher: str,
        rows: Sequence[Row] = (),
        console: Console | None = None,
    ):
        """A view of a distillation with these settings, that has these rows already."""
        self._config, self._settings, self._teacher = config, settings, teacher
        self._console = console or Console()
        self._rows = list(rows)
        self._live: Live | None = None
        self._now = ("setting up", 0, 1)
        self._said, self._last_line = "", 0.0

    def __enter__(self) -> "DistillView":
        """Waits for something to draw."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Leaves the last picture on the screen."""
        self.close()

    def close(self) -> None:
        """Stops drawing."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def tell(self, what: str, done: int, total: int) -> None:
        """Shows what is under way."""
        self._now = (what, done, total)
        if self._console.is_terminal:
            if self._live is None:
                self._live = Live(console=self._console, refresh_per_second=4)
                self._live.start()
            self._live.update(self.panel())
            return
        if not self._said:
            self._console.print(self._title(), highlight=False, soft_wrap=True)
        if what != self._said or time.monotonic() - self._last_line > LOG_EVERY_SECONDS:
            self._said, self._last_line = what, time.monotonic()
            self._console.print(
                f"{self._generation()}: {what} {done:,} of {total:,}", highlight=False
            )

    def on_iteration(self, row: Row) -> None:
        """Takes the metrics of an iteration; a resumed run's may be later ones, done again."""
        while self._rows and self._rows[-1]["iteration"] >= row["iteration"]:
            self._rows.pop()
        self._rows.append(row)
        judged = any(key.partition("/")[0] in TRUTHS for key in row)
        if self._live is not None:
            self._live.update(self.panel())
        elif judged:
            self._console.print(self._sentence(row), highlight=False, soft_wrap=True)

    def panel(self) -> Panel:
        """What is under way, and a line for each generation."""
        what, done, total = self._now
        line = Table.grid(padding=(0, 1))
        line.add_row(
            f"{self._generation()} · {what}",
            ProgressBar(total=total, completed=done, width=24),
            f"{done:,} of {total:,}",
            self._clock(),
        )
        body = [line]
        if self._rows:
            body += [Text(), generations_table(self._rows, self._config)]
            found, doses = findings(self._rows), given(self._rows)
            if found or doses:
                body += [Text(), warnings_table(found, doses)]
        return Panel(Group(*body), title=self._title(), title_align="left", padding=(0, 1))

    def _generation(self) -> str:
        done = self._rows[-1]["iteration"] if self._rows else 0
        planned = self._rows[-1]["iterations"] if self._rows else 1
        total = self._settings.generations
        now = min(total, int(done * total // max(1, planned)) + (0 if done == planned else 1))
        return f"generation {now} of {total}"

    def _clock(self) -> str:
        if not self._rows:
            return ""
        row = self._rows[-1]
        left = f", {clock(row['seconds_left'])} left" if "seconds_left" in row else ""
        return clock(row["seconds"]) + left

    def _title(self) -> str:
        config, settings = self._config, self._settings
        how = settings.operator
        if how != "raw":
            how += f" {config.search.num_simulations}"
        network = config.network
        return (
            f"{config.env} · taught by {self._teacher}, {how} · "
            f"student {network.kind} {network.width}×{network.depth} · {settings.regime} · "
            f"seed {config.seed}"
        )

    def _sentence(self, row: Row) -> str:
        """How a teacher or a student was judged."""
        who = f"student {row['generation']:.0f}" if row["generation"] else "teacher"
        truth, names = _truth([row], self._config)
        found = [f"{name} {_percent(row[key])}" for key, name in names.items() if key in row]
        return f"{who} · {clock(row['seconds'])} · {', '.join(found)} ({truth})"


def generations_table(rows: Sequence[Row], config: Config) -> Table:
    """What each generation was made of, and how good its student is; shares are percentages."""
    whole = [_merged(rows, number) for number in range(1 + int(rows[-1]["generation"]))]
    truth, names = _truth(whole, config)
    columns = {
        "labels/rows": ("rows", "{:,.0f}".format),
        "openings/per_thousand": ("openings", "{:,.0f}".format),
        "labels/accepted": ("accepted", _percent),
        "labels/confidence": ("confidence", "{:.2f}".format),
        "labels/kept": ("kept", _percent),
        "mixture/real": ("real", _percent),
        "loss/policy": ("loss", "{:.3f}".format),
    } | {key: (name, _percent) for key, name in names.items()}
    plain = {"labels/confidence": 1.0, "mixture/real": 0.0}
    told = {
        key: column
        for key, column in columns.items()
        if any(row.get(key, plain.get(key)) != plain.get(key) for row in whole)
    }
    table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=False)
    table.caption, table.caption_justify, table.caption_style = truth, "left", "dim"
    table.add_column("")
    for head, _ in told.values():
        table.add_column(head, justify="right")
    for number, row in enumerate(whole):
        cells = [form(row[key]) if key in row else "" for key, (_, form) in told.items()]
        table.add_row(f"student {number}" if number else "teacher", *cells)
    return table


def print_distilled(run: Path) -> None:
    """What each generation reached, and what to type next."""
    console = Console(highlight=False)
    folder = RunDirectory(run)
    rows = metrics.read(folder.metrics)
    shown = shortest(run)
    console.print()
    if rows:
        console.print(generations_table(rows, folder.read_config()))
        found, doses = findings(rows), given(rows)
        if found or doses:
            console.print(warnings_table(found, doses))
        console.print()
    if not rows or rows[-1]["iteration"] < rows[-1]["iterations"]:
        console.print("[yellow]Stopped[/]; everything is saved.")
        console.print(f"  go on          {program()} resume {shown}", soft_wrap=True)
        return
    for what, command in {
        "judge it": "evaluate",
        "play it": "play",
        "rate students": "arena",
    }.items():
        console.print(f"  {what:<15}{program()} {command} {shown}", soft_wrap=True)


def _merged(rows: Sequence[Row], number: int) -> dict[str, Any]:
    """All that is known of a generation, the latest of each metric."""
    merged: dict[str, Any] = {}
    for row in rows:
        if row.get("generation") == number:
            merged |= row
    return merged


def _truth(rows: Sequence[Row], config: Config) -> tuple[str, dict[str, str]]:
    """By what students are judged, in words, and the metrics that say it with their names."""
    names = {"network": "network", "search": f"{config.evaluation.num_simulations} sim."}
    for group, words in TRUTHS.items():
        keys = {f"{group}/{key}": name for key, name in names.items()} | {f"{group}/score": "score"}
        there = {key: name for key, name in keys.items() if any(key in row for row in rows)}
        if there:
            several = f"{', '.join(there.values())}: {words}"
            return several, there
    return "", {}


def _percent(share: Any) -> str:
    return f"{100 * share:.1f}"
