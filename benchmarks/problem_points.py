"""What is told of networks that were measured on problems: tables, and a picture of the curves."""

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from selfplay.evaluation.arena import wilson


@dataclasses.dataclass(frozen=True)
class Point:
    """What one network did about one stratum."""

    stratum: str
    iteration: int
    """Of the network; 0 is the untrained one."""
    simulations: int | None
    """A move; None: searched whole."""
    count: int
    """Of problems."""
    evaluations: int
    """Of all problems together."""
    solved_after: list[int]
    """Evaluations of each that was solved, the fewest first."""

    def solved(self, budget: int | None = None) -> int:
        """How many, with so many evaluations each at most."""
        return sum(budget is None or spent <= budget for spent in self.solved_after)

    def share(self, budget: int | None = None) -> tuple[float, float, float]:
        """The same in percent, and the ends of Wilson's 95 % interval over problems."""
        solved = self.solved(budget)
        low, high = wilson(solved, self.count)
        return 100 * solved / self.count, 100 * low, 100 * high


def said(point: Point, budget: int) -> str:
    """As a line."""
    how = way(point.simulations, budget)
    return f"iteration {point.iteration}, {point.stratum}, {how}: {point.solved()} of {point.count}"


def way(simulations: int | None, budget: int) -> str:
    """How problems are tried."""
    return f"whole, {budget:,}" if simulations is None else f"{simulations} a move"


def ways(points: Sequence[Point]) -> list[int | None]:
    """Searched whole, then by simulations a move."""
    found = {point.simulations for point in points}
    return [None, *sorted(n for n in found if n is not None)]


def table(points: Sequence[Point], budget: int) -> Table:
    """A row for each stratum and network."""
    heads = [way(simulations, budget) for simulations in ways(points)]
    drawn = Table("stratum", "iteration", *heads, title="solved (95 % interval, %)")
    for stratum in strata(points):
        of_stratum = [point for point in points if point.stratum == stratum]
        for iteration in sorted({point.iteration for point in of_stratum}):
            here = {p.simulations: p for p in of_stratum if p.iteration == iteration}
            count = next(iter(here.values())).count
            cells = [_cell(here[n]) if n in here else "" for n in ways(points)]
            drawn.add_row(f"{stratum}, {count}", str(iteration), *cells)
    return drawn


def budget_table(points: Sequence[Point], budget: int) -> Table:
    """Of whole searches: a row for each stratum and either end of the run."""
    budgets = budgets_to(budget, factor=4)
    heads = [f"{most:,}" for most in budgets]
    drawn = Table("stratum", "iteration", *heads, title="solved by evaluations, whole")
    for stratum, iteration in itertools.product(strata(points), _ends(points)):
        whole = _only(points, stratum, iteration)
        cells = [str(whole.solved(most)) for most in budgets]
        drawn.add_row(f"{stratum}, {whole.count}", str(iteration), *cells)
    return drawn


def budgets_to(most: int, factor: int) -> list[int]:
    """1, then so many times more, and the last."""
    powers = (factor**i for i in itertools.count())
    return [*itertools.takewhile(lambda n: n < most, powers), most]


def strata(points: Sequence[Point]) -> list[str]:
    """In their order."""
    return list(dict.fromkeys(point.stratum for point in points))


def _ends(points: Sequence[Point]) -> tuple[int, int]:
    """Iterations of the untrained and the last network."""
    return 0, max(point.iteration for point in points)


def _only(
    points: Sequence[Point], stratum: str, iteration: int, simulations: int | None = None
) -> Point:
    key = (stratum, iteration, simulations)
    (found,) = (p for p in points if (p.stratum, p.iteration, p.simulations) == key)
    return found


def _cell(point: Point) -> str:
    _, low, high = point.share()
    return f"{point.solved()} ({low:.0f}–{high:.0f})"


def draw(points: Sequence[Point], budget: int, path: Path) -> None:
    """By generation, by evaluations, and by simulations; untrained networks dashed."""
    from selfplay.display.picture import empty_figure

    figure = empty_figure(15, 4.5)
    by_generation, by_budget, by_simulations = figure.subplots(1, 3, sharey=True)
    names, counts = strata(points), ways(points)[1:]
    is_alone = len(names) == 1
    for simulations in [None, *counts[:2]] if is_alone else [None]:
        for stratum in names:
            line = [p for p in points if (p.stratum, p.simulations) == (stratum, simulations)]
            name = way(simulations, budget) if is_alone else stratum
            places = [point.iteration for point in line]
            _line(
                by_generation,
                places,
                [point.share() for point in line],
                is_alone=is_alone,
                label=name,
            )
    budgets = budgets_to(budget, factor=2)
    for color, stratum in enumerate(names):
        for iteration, style in zip(_ends(points), ("--", "-"), strict=True):
            look = {"color": f"C{color}", "linestyle": style}
            whole = _only(points, stratum, iteration)
            shares = [whole.share(most) for most in budgets]
            _line(by_budget, budgets, shares, is_alone=is_alone, **look)
            shares = [_only(points, stratum, iteration, count).share() for count in counts]
            _line(
                by_simulations, [str(count) for count in counts], shares, is_alone=is_alone, **look
            )
    by_generation.set(title="by generation of practice", xlabel="iterations", ylabel="solved, %")
    by_budget.set(title="by evaluations (dashed: untrained)", xlabel="evaluations", xscale="log")
    by_simulations.set(
        title="by simulations a move (dashed: untrained)",
        xlabel="simulations (0: the policy alone)",
    )
    for axis in (by_generation, by_budget, by_simulations):
        axis.grid(alpha=0.3)
        axis.set_ylim(bottom=0)
    by_generation.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def _line(
    axis: Any,
    places: Sequence[Any],
    shares: Sequence[tuple[float, float, float]],
    is_alone: bool,
    **look: Any,
) -> None:
    """Of shares, and their intervals where there is but one stratum; the table tells all."""
    share, low, high = zip(*shares, strict=True)
    (line,) = axis.plot(places, share, marker=".", **look)
    if is_alone:
        axis.fill_between(places, low, high, alpha=0.08, color=line.get_color())
