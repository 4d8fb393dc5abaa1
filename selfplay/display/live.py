"""Training as a person watches it: one panel that stays in place, or lines in a log."""

import contextlib
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from selfplay import train as train_lib
from selfplay.config import Config
from selfplay.display.summary import DONE, MARK, print_end, warnings_table
from selfplay.run import metrics
from selfplay.run.directory import RunDirectory
from selfplay.run.guards import Finding, Guards
from selfplay.run.remedies import given

LOG_EVERY_SECONDS = 15.0
MOST_OF_A_TITLE = 24
"""Letters of a value."""
SPARKS = "▁▂▃▄▅▆▇█"


def train_with_view(
    config: Config, *, run: Path | None, start_from: Path | None, started: float
) -> None:
    """`train.train`, watched."""
    view = LiveView(config)
    with contextlib.ExitStack() as stack:
        path = train_lib.train(
            config,
            run=run,
            start_from=start_from,
            watchers=[view],
            ready=lambda: stack.enter_context(view),
            started=started,
        )
    print_end(path)


def resume_with_view(
    run: Path, config: Config, *, minutes: float | None, iterations: int | None, started: float
) -> None:
    """`train.resume`, watched."""
    view = LiveView(config, rows=metrics.read(RunDirectory(run).metrics))
    with contextlib.ExitStack() as stack:
        train_lib.resume(
            run,
            minutes=minutes,
            iterations=iterations,
            config=config,
            watchers=[view],
            ready=lambda: stack.enter_context(view),
            started=started,
        )
    print_end(run)


class LiveView:
    """A `Watcher` that draws the latest iteration; in a terminal in place, else line by line."""

    def __init__(
        self, config: Config, console: Console | None = None, rows: Sequence[metrics.Row] = ()
    ):
        """A view of a run with these settings, that has these rows already.

        Those of them that a resumed run does again, from an older checkpoint, do not count.
        """
        self._config = config
        self._console = console or Console()
        self._live: Live | None = None
        self._truth: dict[str, list[float]] = {}
        self._last_line = 0.0
        self._before = rows
        self._guards, self._doses = Guards(), given(())
        self._said: set[str] = set()

    def __enter__(self) -> "LiveView":
        """Begins to draw."""
        waiting = "setting up, compiling, playing the first games"
        if self._console.is_terminal:
            panel = Panel(Text(waiting, style="dim"), title=self._title(), title_align="left")
            self._live = Live(panel, console=self._console, refresh_per_second=4)
            self._live.start()
        else:
            self._console.print(f"{self._title()}: {waiting}")
        return self

    def __exit__(self, *exception: object) -> None:
        """Leaves the last picture on the screen."""
        self.close()

    def on_iteration(self, row: dict[str, float]) -> None:
        """Draws an iteration's metrics."""
        if self._before:
            now = row["iteration"]
            done = [earlier for earlier in self._before if int(earlier["iteration"]) < now]
            self._guards, self._doses, self._before = Guards(done), given(done), ()
        looked = {key: value for key, value in row.items() if key.startswith("exact/")}
        for key, value in looked.items():
            self._truth.setdefault(key, []).append(value)
        findings = self._guards.add(row)
        self._doses += (doses := given([row]))
        if self._live is not None:
            self._live.update(self.panel(row, findings))
        elif looked or doses or time.monotonic() - self._last_line > LOG_EVERY_SECONDS:
            self._last_line = time.monotonic()
            self._console.print(self.line(row), soft_wrap=True)
            self._say_once(findings)
            for dose in doses:
                self._console.print(f"{DONE} {dose}", soft_wrap=True, highlight=False)

    def close(self) -> None:
        """Stops drawing."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """Prints a line above the panel."""
        self._console.print(text, soft_wrap=True, highlight=False)

    def _title(self) -> str:
        network, search = self._config.network, self._config.search
        arguments = " ".join(
            f"{key}={_short(value)}" for key, value in self._config.env_args.items()
        )
        return (
            f"{self._config.env} {arguments}".strip()
            + f" · {network.kind} {network.width}×{network.depth}"
            + f" · {search.policy} {search.num_simulations} · seed {self._config.seed}"
        )

    def panel(self, row: dict[str, float], findings: Sequence[Finding] = ()) -> Panel:
        """The panel for an iteration's metrics, below them what the guards have found."""
        body = [_progress(row), Text(), _figures(row)]
        if self._truth:
            body += [Text(), self._truth_lines()]
        if "practice/solved_1" in row:
            body += [Text(), _practice_lines(row)]
        if findings or self._doses:
            body += [Text(), warnings_table(findings, self._doses)]
        return Panel(Group(*body), title=self._title(), title_align="left", padding=(0, 1))

    def _truth_lines(self) -> Table:
        table = Table.grid(padding=(0, 2))
        count = self._config.evaluation.num_simulations
        names = {
            "exact/network": "network alone",
            "exact/search": f"with {count} simulations",
        }
        table.add_row(Text("moves that keep the value", style="bold"))
        for key, name in names.items():
            history = self._truth.get(key, [])
            if history:
                style = "bold green" if key == "exact/search" else "green"
                table.add_row(
                    f"  {name}", Text(f"{100 * history[-1]:5.1f} %", style=style), sparks(history)
                )
        return table

    def _say_once(self, findings: Sequence[Finding]) -> None:
        """In a log, what is found is said when it is new."""
        for finding in findings:
            if finding.name not in self._said:
                self._console.print(f"{MARK} {finding.sentence}", soft_wrap=True, highlight=False)
        self._said = {finding.name for finding in findings}

    def line(self, row: dict[str, float]) -> str:
        """One line for a log."""
        parts = [
            f"iteration {row['iteration']:.0f}{_of(row)}",
            clock(row["seconds"]) + _left(row),
            f"{row['speed/simulations_per_second']:,.0f} simulations/s",
            f"{row['speed/games_per_second']:,.0f} games/s",
        ]
        if "loss/policy" in row:
            parts.append(f"loss {row['loss/policy']:.3f} + {row['loss/value']:.3f}")
            parts.append(f"KL {row['kl/target_policy']:.3f}")
        if "exact/search" in row:
            parts.append(
                f"keeps the value: network {100 * row['exact/network']:.1f} %, "
                f"search {100 * row['exact/search']:.1f} %"
            )
        if "practice/solved_1" in row:
            parts.append(f"solved by level {levels(row)}")
        if "practice/solutions" in row:
            parts.append(f"{row['practice/solutions']:,.0f} solutions")
        return " · ".join(parts)


def _short(value: object) -> str:
    """What a title has room for: a problem can be long."""
    text = str(value)
    return text if len(text) <= MOST_OF_A_TITLE else f"{text[: MOST_OF_A_TITLE - 1]}…"


def _practice_lines(row: dict[str, float]) -> Table:
    """How the problems of each level went of late."""
    table = Table.grid(padding=(0, 2))
    shares = _solved(row)
    numbers = " ".join(f"{100 * share:.0f}" for share in shares)
    table.add_row(Text("solved of late, by level", style="bold"))
    table.add_row("  from the first on, %", numbers, levels(row))
    if "practice/solutions" in row:
        table.add_row("  problems with a solution kept", f"{row['practice/solutions']:,.0f}")
    if "practice/searched" in row:
        table.add_row(
            "  of those searched whole, solved",
            f"{row['practice/found']:,.0f} of {row['practice/searched']:,.0f}",
        )
        speed = row["practice/evaluations"] / max(row["seconds/practice"], 1e-9)
        table.add_row("  evaluations/s of these searches", f"{speed:,.0f}")
    return table


def levels(row: dict[str, float]) -> Text:
    """The share solved at each level as a bar: the lowest is none, the highest all."""
    top = len(SPARKS) - 1
    return Text("".join(SPARKS[round(share * top)] for share in _solved(row)), style="green")


def _solved(row: dict[str, float]) -> list[float]:
    """By band of levels, the first one first; see `operators.practice.standing`."""
    keys = (f"practice/solved_{band}" for band in itertools.count(1))
    return [row[key] for key in itertools.takewhile(row.__contains__, keys)]


def _progress(row: dict[str, float]) -> Table:
    table = Table.grid(padding=(0, 1))
    done = row["iteration"] / row["iterations"] if "iterations" in row else 0.0
    bar = ProgressBar(total=1.0, completed=done, width=32, pulse="iterations" not in row)
    table.add_row(
        f"iteration {row['iteration']:,.0f}{_of(row)}", bar, clock(row["seconds"]) + _left(row)
    )
    return table


def _figures(row: dict[str, float]) -> Table:
    """Names left, numbers right, in three groups side by side."""

    def text(key: str, form: Callable[[float], str]) -> str:
        return form(row[key]) if key in row else "–"

    def plain(value: float) -> str:
        return f"{value:.3f}"

    def whole(value: float) -> str:
        return f"{value:,.0f}"

    def percent(value: float) -> str:
        return f"{100 * value:.0f} %"

    groups = [
        [
            ("simulations/s", text("speed/simulations_per_second", whole)),
            ("games/s", text("speed/games_per_second", whole)),
            ("game length", text("game/length", lambda v: f"{v:.1f}")),
            ("first player wins", text("game/first_player_wins", percent)),
            ("mean return", text("game/return", lambda v: f"{v:+.2f}")),
            ("equal games", text("game/repeated", percent)),
        ],
        [
            ("policy loss", text("loss/policy", plain)),
            ("value loss", text("loss/value", plain)),
            ("KL target‖network", text("kl/target_policy", plain)),
            ("rows in buffer", text("buffer/rows", whole)),
            ("rows added", text("buffer/rows_added", whole)),
            ("age of rows", text("buffer/age", whole)),
        ],
        [
            ("policy entropy", text("entropy/policy", plain)),
            ("target entropy", text("entropy/target", plain)),
            ("gradient norm", text("norm/gradient", plain)),
            ("learning rate", text("learning_rate", lambda v: f"{v:.1e}")),
            ("parameter norm", text("norm/parameters", lambda v: f"{v:.1f}")),
            ("search changes", text("search/changed", percent)),
        ],
    ]
    table = Table.grid(padding=(0, 2))
    for _ in groups:
        table.add_column(style="dim")
        table.add_column(justify="right")
    for cells in zip(*groups, strict=True):
        table.add_row(*(part for cell in cells for part in cell))
    return table


def _of(row: dict[str, float]) -> str:
    return f" of {row['iterations']:,.0f}" if "iterations" in row else ""


def _left(row: dict[str, float]) -> str:
    return f", {clock(row['seconds_left'])} left" if "seconds_left" in row else ""


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def sparks(history: list[float], width: int = 32) -> str:
    """The last values as a line of small bars, from the least to the greatest of them."""
    shown = history[-width:]
    low, high = min(shown), max(shown)
    scale = (len(SPARKS) - 1) / (high - low) if high > low else 0.0
    return "".join(SPARKS[round((value - low) * scale)] for value in shown)
