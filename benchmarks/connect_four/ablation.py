"""What is each part of Connect Four's recipe worth, and what would each option add?

    SELFPLAY_DATA=FOLDER python -m benchmarks.connect_four.ablation

Each line is the preset with one thing changed, trained for a number of iterations that takes about
as much of two idle CPU cores as the preset's 2,000, ten minutes, so that what else the machine does
changes no result; and judged against exact truth: moves that keep the value of 1,500 solved
positions, and the sign of the network's value on J. Tromp's 61,108 decided positions. Lines already
in the output file are not run again, so that the table may be made in several sittings.
"""

import dataclasses
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.connect_four.opening import FILE, find_file
from selfplay.files import write_text
from selfplay.run import metrics
from selfplay.run.directory import RunDirectory
from selfplay.run.guards import Guards

LINES: dict[str, tuple[int, tuple[str, ...]]] = {
    "the preset": (2_000, ()),
    "seed 1": (2_000, ("--seed", "1")),
    "seed 2": (2_000, ("--seed", "2")),
    "playout caps 64 and 8": (
        2_000,
        (
            *("--search.num-simulations", "64", "--search.fast-simulations", "8"),
            *("--learner.updates-per-iteration", "8"),
        ),
    ),
    "policy surprise 0.5": (2_000, ("--rollout.surprise-fraction", "0.5")),
    "opponent's reply": (2_000, ("--network.reply-head",)),
    "early ends beyond 0.95": (
        2_000,
        ("--rollout.resign-value", "0.95", "--rollout.resign-plies", "2"),
    ),
    "network: mlp, no lines": (3_480, ("--network.kind", "mlp")),
    "no average of parameters": (2_000, ("--learner.average-decay", "0")),
    "openings of up to 28 plies, in 3 of 4 games": (
        2_000,
        ("--rollout.max-opening-plies", "28", "--rollout.opening-fraction", "0.75"),
    ),
    "no temperature": (2_000, ("--rollout.temperature-plies", "0")),
    "values rescaled, as mctx does": (
        2_000,
        ("--search.rescale-values", "--search.value-scale", "0.1"),
    ),
    "0.3 of the search's value in the target": (
        2_000,
        ("--rollout.search-value-fraction", "0.3"),
    ),
    "network: width 512": (800, ("--network.width", "512")),
    "32 simulations": (1_350, ("--search.num-simulations", "32")),
    "64 simulations": (850, ("--search.num-simulations", "64")),
    "learning rate 1e-3": (2_000, ("--learner.learning-rate", "1e-3")),
}
"""Name of each line: its iterations, and its flags for `selfplay train connect_four`."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    lines: tuple[str, ...] = tuple(LINES)
    """Which lines."""
    runs: Path = Path("runs/ablation")
    """Where the runs go."""
    output: Path = Path("runs/ablation.json")
    """Results, one object a line."""


def main() -> None:
    """Trains and judges, line by line; prints the table after each."""
    arguments = tyro.cli(Arguments, description=__doc__)
    unknown = sorted(set(arguments.lines) - set(LINES))
    if unknown:
        raise SystemExit(f"no line is called {unknown[0]!r}; lines: {', '.join(LINES)}")
    if find_file() is None:
        raise SystemExit(f"set SELFPLAY_DATA to the folder that holds {FILE}")
    results = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
    for name in arguments.lines:
        if name not in results:
            run, before = run_of(arguments, name), cpu_minutes()
            train(run, *LINES[name])
            results[name] = {"cpu_minutes": cpu_minutes() - before, **judge(run)}
            write_text(arguments.output, json.dumps(results, indent=1) + "\n")
            Console(width=110).print(table(results))


def run_of(arguments: Arguments, name: str) -> Path:
    """Where the line's run is kept."""
    words = "".join(c if c.isalnum() else " " for c in name).split()
    return arguments.runs / "-".join(words)


def train(run: Path, iterations: int, flags: tuple[str, ...]) -> None:
    """Trains the line; a run that was interrupted goes on."""
    words = [sys.executable, "-m", "selfplay"]
    if run.exists():
        if metrics.read(RunDirectory(run).metrics)[-1]["iteration"] < iterations:
            subprocess.run([*words, "resume", str(run)], check=True)
        return
    where = ("--run", str(run), "--iterations", str(iterations))
    subprocess.run([*words, "train", "connect_four", *where, *flags], check=True)


def cpu_minutes() -> float:
    """What the programs started from here have taken of all cores together."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) / 60.0


def judge(run: Path) -> dict[str, Any]:
    """What the run reached."""
    output = run / "strength.json"
    strength = ("benchmarks.connect_four.strength", str(run), "--output", str(output))
    options = ("--parts", "exact", "signs", "--sign-simulations", "0")
    subprocess.run([sys.executable, "-m", *strength, *options], check=True)
    rows = metrics.read(RunDirectory(run).metrics)
    return {
        "iterations": rows[-1]["iteration"],
        "guards": {name: list(span) for name, span in Guards(rows).spans.items()},
        "strength": json.loads(output.read_text()),
    }


def table(results: dict[str, Any]) -> Table:
    """A row a line."""
    made = Table(title="Moves that keep the value, %, mean of buckets; sign of the value, %")
    for column in ("line", "CPU min", "iterations", "network", "16", "64", "256", "sign", "guards"):
        made.add_column(column, justify="left" if column == "line" else "right")
    for name, result in results.items():
        exact, signs = result["strength"]["exact"], result["strength"]["signs"]
        figures = [f"{100 * exact[n]['kept']:.1f}" for n in ("0", "16", "64", "256")]
        made.add_row(
            name,
            f"{result['cpu_minutes']:.1f}",
            f"{result['iterations']:,.0f}",
            *figures,
            f"{100 * signs['0']['all']:.1f}",
            ", ".join(result["guards"]) or "silent",
        )
    return made


if __name__ == "__main__":
    main()
