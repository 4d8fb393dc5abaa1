"""An environment's laws as a person sees them: which hold, what breaks them, what to change."""

from typing import Any

from rich.columns import Columns
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from selfplay.environment import registry
from selfplay.environment.checks import Finding, Outcome, Position, Report, check
from selfplay.environment.checks.size import LARGE

MARKS = {
    Outcome.HOLDS: ("✓", "green"),
    Outcome.WARNS: ("▲", "bold yellow"),
    Outcome.BROKEN: ("✗", "bold red"),
    Outcome.ABSENT: ("–", "dim"),
    Outcome.UNCHECKED: ("·", "dim"),
}
"""A sign and its style."""


def check_with_view(name: str, *, env_args: dict[str, Any], games: int, seed: int) -> bool:
    """Checks an environment, watched; prints what was found; whether all laws hold."""
    env = registry.construct(name, **env_args)
    with Console(stderr=True).status(f"{name}: reading the rules") as status:
        report = check(
            env,
            games=games,
            seed=seed,
            speed=True,
            again=registry.construct(name, **env_args),
            watch=lambda law: status.update(f"{name}: {law.name}"),
        )
    print_report(name, report)
    return not report.broken


def print_report(name: str, report: Report) -> None:
    """The laws, each failure with its game, and what it costs."""
    console = Console(highlight=False)
    console.print(heading(name, report))
    console.print(laws(report))
    for finding in (*report.broken, *report.warnings):
        console.print(panel(finding))
    if report.state_bytes:
        console.print(costs(report))
    console.print(verdict(name, report))


def heading(name: str, report: Report) -> Text:
    """What it is about, and what those signs mean that occur."""
    met = {finding.outcome for finding in report.findings}
    signs = "   ".join(f"{sign} {v.value}" for v, (sign, _) in MARKS.items() if v in met)
    return Text.assemble((f"The laws of {name}", "italic"), "   ", (signs, "dim"))


def laws(report: Report) -> Columns:
    """Every law with its sign, in columns."""
    cells = []
    for finding in report.findings:
        sign, style = MARKS[finding.outcome]
        name_style = "" if finding.outcome is Outcome.HOLDS else style
        cells.append(Text.assemble((sign, style), " ", (finding.law.name, name_style)))
    return Columns(cells, column_first=True, padding=(0, 3))


def panel(finding: Finding) -> Panel:
    """What was seen, in which game, and what to change."""
    sign, style = MARKS[finding.outcome]
    parts: list[Any] = [
        Text.assemble(("law     ", "dim"), finding.law.demand),
        Text.assemble(("seen    ", "dim"), finding.seen),
    ]
    if finding.position is not None:
        parts += game(finding.position)
    parts.append(Text.assemble(("change  ", "dim"), finding.law.remedy))
    title = Text.assemble((f"{sign} {finding.law.name}", style))
    border = style.removeprefix("bold ")
    return Panel(Group(*parts), title=title, title_align="left", border_style=border)


def game(position: Position) -> list[Any]:
    """The moves, and the positions before and after the last of them."""
    told = " ".join(position.moves) or "none: it is the beginning"
    lines: list[Any] = [Text.assemble(("moves   ", "dim"), told)]
    if position.problem:
        lines.insert(0, Text.assemble(("problem ", "dim"), position.problem))
    boards = Table.grid(padding=(0, 6))
    headers, cells = [], []
    for header, board in (("before the last move", position.before), ("then", position.after)):
        if board:
            headers.append(Text(header, "dim"))
            cells.append(Text(board))
    if cells:
        boards.add_row(*headers)
        boards.add_row(*cells)
        lines.append(boards)
    return lines


def costs(report: Report) -> Text:
    """Bytes and speed in a line or two."""
    total = sum(report.state_bytes.values())
    largest = list(report.state_bytes.items())[:3]
    fields = ", ".join(f"{name} {size:,}" for name, size in largest)
    words = f"A State takes {total:,} bytes ({fields})."
    if total > LARGE:
        gigabytes = total * 1_024 * 64 / 2**30
        words += f" In 1,024 searches of 64 nodes that is {gigabytes:.1f} GiB."
    if report.steps_per_second is not None:
        words += f" Random play at batch 1,024: {short(report.steps_per_second)} steps a second."
    return Text(words)


def short(number: float) -> str:
    """A large number in three digits."""
    for size, unit in ((1e6, " million"), (1e3, " thousand")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def verdict(name: str, report: Report) -> Text:
    """The last line."""
    played = f"{report.games:,} random games, the longest of {report.longest:,} steps"
    if report.broken:
        count = len(report.broken)
        laws = "law is" if count == 1 else "laws are"
        return Text(f"{count} {laws} broken; mend and check again.", "bold red")
    if report.warnings:
        return Text(f"All laws hold in {played}; read the warnings.", "bold yellow")
    return Text(f"All laws hold in {played}.\nTrain it: selfplay train {name}", "bold green")
