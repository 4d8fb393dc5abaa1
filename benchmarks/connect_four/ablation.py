"""What is each part of Connect Four's recipe worth, and what would each option add?

    SELFPLAY_DATA=FOLDER python -m benchmarks.connect_four.ablation --minutes 10

Each line is the preset with one thing changed, trained for as long and judged against exact truth:
moves that keep the value of 1,500 solved positions, and the sign of the network's value on J.
Tromp's 61,108 decided positions. Lines already in the output file are not run again, so that the
table may be made in several sittings.
"""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.table import Table

from selfplay.run import metrics
from selfplay.run.directory import RunDirectory, write_text

LINES: dict[str, tuple[str, ...]] = {
    "the preset": (),
    "network: mlp, no lines": ("--network.kind", "mlp"),
    "network: width 512": ("--network.width", "512"),
    "network: width 128": ("--network.width", "128"),
    "network: depth 4": ("--network.depth", "4"),
    "no average of parameters": ("--learner.average-decay", "0"),
    "values rescaled, as mctx does": (*("--search.rescale-values", "--search.value-scale", "0.1"),),
    "openings of up to 28 plies, in 3 of 4 games": (
        *("--rollout.max-opening-plies", "28", "--rollout.opening-fraction", "0.75"),
    ),
    "no temperature": ("--rollout.temperature-plies", "0"),
    "32 simulations": ("--search.num-simulations", "32"),
    "8 simulations": ("--search.num-simulations", "8"),
    "learning rate 1e-3": ("--learner.learning-rate", "1e-3"),
    "32 updates an iteration": ("--learner.updates-per-iteration", "32"),
    "0.3 of the search's value in the target": ("--rollout.search-value-fraction", "0.3"),
    "playout caps 64 and 8": (
        *("--search.num-simulations", "64", "--search.fast-simulations", "8"),
        *("--learner.updates-per-iteration", "8"),
    ),
    "policy surprise 0.5": ("--rollout.surprise-fraction", "0.5"),
    "opponent's reply": ("--network.reply-head",),
    "early ends beyond 0.95": ("--rollout.resign-value", "0.95", "--rollout.resign-plies", "2"),
}
"""Name of each line, and its flags for `selfplay train connect_four`."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    minutes: float = 10.0
    """Of training, a line."""
    lines: tuple[str, ...] = tuple(LINES)
    """Which lines."""
    seed: int = 0
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
    results = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
    for name in arguments.lines:
        if name not in results:
            run = train(arguments, name)
            results[name] = judge(run)
            write_text(arguments.output, json.dumps(results, indent=1) + "\n")
            Console(width=110).print(table(results))


def train(arguments: Arguments, name: str) -> Path:
    """The line's run; one that was interrupted goes on."""
    run = arguments.runs / "-".join("".join(c if c.isalnum() else " " for c in name).split())
    words = [sys.executable, "-m", "selfplay"]
    if run.exists():
        subprocess.run([*words, "resume", str(run)], check=False)
        return run
    flags = ("--minutes", str(arguments.minutes), "--seed", str(arguments.seed))
    subprocess.run(
        [*words, "train", "connect_four", "--run", str(run), *flags, *LINES[name]], check=True
    )
    return run


def judge(run: Path) -> dict[str, Any]:
    """What the run reached, and what it took."""
    output = run / "strength.json"
    strength = ("benchmarks.connect_four.strength", str(run), "--output", str(output))
    options = ("--parts", "exact", "signs", "--sign-simulations", "0")
    subprocess.run([sys.executable, "-m", *strength, *options], check=True)
    rows = metrics.read(RunDirectory(run).metrics)
    return {
        "iterations": rows[-1]["iteration"],
        "minutes": rows[-1]["seconds"] / 60.0,
        "strength": json.loads(output.read_text()),
    }


def table(results: dict[str, Any]) -> Table:
    """A row a line."""
    made = Table(title="Moves that keep the value, %, mean of buckets; sign of the value, %")
    for column in ("line", "minutes", "iterations", "network", "16", "64", "256", "sign, network"):
        made.add_column(column, justify="left" if column == "line" else "right")
    for name, result in results.items():
        exact, signs = result["strength"]["exact"], result["strength"]["signs"]
        figures = [f"{100 * exact[n]['kept']:.1f}" for n in ("0", "16", "64", "256")]
        made.add_row(
            name,
            f"{result['minutes']:.1f}",
            f"{result['iterations']:,.0f}",
            *figures,
            f"{100 * signs['0']['all']:.1f}",
        )
    return made


if __name__ == "__main__":
    main()
