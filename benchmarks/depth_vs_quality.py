"""How does quality grow with search, for evaluators from useless to good? What learns from little?

    python benchmarks/depth_vs_quality.py search --runs runs/tic_tac_toe runs/connect_four
    python benchmarks/depth_vs_quality.py learning --seeds 0 1 2

`search`: for each run, Gumbel and PUCT with 0 to 1,024 simulations, guided by a constant, by the
network as it was before training, by three of its checkpoints, and by the last with Gaussian noise
of 0.5 on its values. `learning`: Connect Four from scratch by Gumbel and by PUCT, with 2 and with
16 simulations, each for the iterations that take 15 minutes of one idle core, so that what else
the machine does changes no result. What was measured is kept, and not measured again: both may be
made in several sittings.
"""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from selfplay.depth import study
from selfplay.display.depth import draw, numbers, sentences, table
from selfplay.evaluate import evaluate
from selfplay.evaluation.study import Study
from selfplay.files import write_text
from selfplay.run import checkpoint, metrics
from selfplay.run.directory import RunDirectory

NOISE = 0.5

LEARNERS: dict[str, tuple[int, tuple[str, ...]]] = {
    "Gumbel, 2 simulations": (
        4_700,
        ("--search.policy", "gumbel", "--search.num-simulations", "2"),
    ),
    "PUCT, 2 simulations": (4_650, ("--search.policy", "puct", "--search.num-simulations", "2")),
    "PUCT, 16 simulations": (1_430, ("--search.policy", "puct", "--search.num-simulations", "16")),
    "Gumbel, 16 simulations": (
        1_540,
        ("--search.policy", "gumbel", "--search.num-simulations", "16"),
    ),
}
"""Name of each: the iterations that take 15 minutes of an idle core, and its flags."""


@dataclasses.dataclass(frozen=True)
class Search:
    """Quality by simulations, evaluator and policy."""

    runs: tuple[Path, ...]
    """Runs with milestones."""
    output: Path = Path("benchmarks/results/depth")
    """Folder of ENV.json, .csv, .png and .svg."""
    simulations: tuple[int, ...] = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


@dataclasses.dataclass(frozen=True)
class Learning:
    """What is learnt from few simulations."""

    seeds: tuple[int, ...] = (0, 1, 2)
    learners: tuple[str, ...] = tuple(LEARNERS)
    share: float = 1.0
    """Of the iterations."""
    env: str = "connect_four"
    folder: Path = Path("runs/learning")
    """Where the runs go."""
    output: Path = Path("benchmarks/results/depth/learning.json")


def main() -> None:
    """Measures, and prints tables."""
    choice = tyro.cli(
        Annotated[Search, tyro.conf.subcommand("search")]
        | Annotated[Learning, tyro.conf.subcommand("learning")],
        description=__doc__,
    )
    if isinstance(choice, Search):
        for run in choice.runs:
            search(run, choice)
    else:
        learning(choice)


def search(run: Path, settings: Search) -> None:
    """One run's study; its tables, numbers and picture."""
    folder = RunDirectory(run)
    env = folder.read_config().env
    settings.output.mkdir(parents=True, exist_ok=True)
    shared: dict[str, Any] = {
        "simulations": settings.simulations,
        "policies": ("gumbel", "puct"),
        "games": 0,
        "output": settings.output / f"{env}.json",
        "watch": said(Console(stderr=True)),
    }
    stages = trained(folder)
    study(run, evaluators=("network", "untrained", "constant"), iterations=stages, **shared)
    found = study(run, iterations=stages[-1:], value_noise=(NOISE,), **shared)
    write_text(settings.output / f"{env}.csv", numbers(found))
    draw(found, settings.output / env)
    console = Console(width=140)
    console.print(table(found))
    for sentence in sentences(found):
        console.print(sentence, highlight=False)


def trained(folder: RunDirectory) -> tuple[int, ...]:
    """The first milestone after training began, one in the middle, and the last checkpoint."""
    paths = [
        *checkpoint.available(folder.checkpoints)[:1],
        *checkpoint.available(folder.milestones),
    ]
    iterations = sorted({int(path.name) for path in paths} - {0})
    return tuple(dict.fromkeys((iterations[0], iterations[len(iterations) // 3], iterations[-1])))


def said(console: Console) -> Callable[[Study, str], None]:
    """Tells what is measured."""
    return lambda known, doing: console.print(doing, highlight=False)


def learning(settings: Learning) -> None:
    """Trains and judges what is not there yet; then gathers all that is."""
    for seed in settings.seeds:
        for name in settings.learners:
            learn(run_of(settings, name, seed), settings, name, seed)
    done = {
        f"{name}, seed {seed}": learnt(folder)
        for name in LEARNERS
        for seed in range(100)
        if (folder := run_of(settings, name, seed)).evaluation.exists()
    }
    settings.output.parent.mkdir(parents=True, exist_ok=True)
    write_text(settings.output, json.dumps(done, indent=1) + "\n")
    Console(width=110).print(learning_table(done))


def run_of(settings: Learning, name: str, seed: int) -> RunDirectory:
    """Where a learner's run is, or will be."""
    return RunDirectory(settings.folder / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}")


def learn(folder: RunDirectory, settings: Learning, name: str, seed: int) -> None:
    """Trains and judges a run, or goes on with it."""
    count, flags = LEARNERS[name]
    iterations = round(settings.share * count)
    words = [sys.executable, "-m", "selfplay"]
    if not folder.path.exists():
        length = ("--iterations", str(iterations), "--seed", str(seed))
        words += ["train", settings.env, "--run", str(folder.path)]
        subprocess.run([*words, *length, *flags], check=True)
    elif metrics.read(folder.metrics)[-1]["iteration"] < iterations:
        subprocess.run([*words, "resume", str(folder.path)], check=True)
    if not folder.evaluation.exists():
        evaluate(folder.path, simulations=(0, 2, 16, 64), games=0)


def learnt(folder: RunDirectory) -> dict[str, Any]:
    """What one run reached."""
    rows = metrics.read(folder.metrics)
    exact = json.loads(folder.evaluation.read_text())["exact"]
    return {
        "iterations": rows[-1]["iteration"],
        "kept": {count: score["kept"] for count, score in exact.items()},
        "curve": [
            [row["iteration"], row["exact/network"], row["exact/search"]]
            for row in rows
            if "exact/network" in row
        ],
    }


def learning_table(done: dict[str, Any]) -> Table:
    """A row a run."""
    shown = Table(title="Moves that keep the value, %, after learning from few simulations")
    for column in ("learner", "iterations", "network", "2", "16", "64"):
        shown.add_column(column, justify="left" if column == "learner" else "right")
    for name, result in done.items():
        kept = [f"{100 * share:.1f}" for share in result["kept"].values()]
        shown.add_row(name, f"{result['iterations']:,.0f}", *kept)
    return shown


if __name__ == "__main__":
    main()
