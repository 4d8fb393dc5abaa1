"""What does an environment's preset reach, over seeds?

    python benchmarks/preset_quality.py connect_four --seeds 0 1 2

Trains by the preset once a seed, as `selfplay train` does, with any more of its flags (such as
--minutes 30), and judges each agent against exact truth. Prints seconds from the command to its
end, what the guards said on the way (nothing, of a healthy run), and a table for each; the worst
counts.
"""

import dataclasses
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import tyro
from rich.console import Console

from selfplay.display.summary import exact_table
from selfplay.evaluate import evaluate
from selfplay.run import metrics
from selfplay.run.directory import RunDirectory
from selfplay.run.guards import Guards


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    env: tyro.conf.Positional[str]
    seeds: tuple[int, ...] = (0, 1, 2)
    simulations: tuple[int, ...] = (0, 16, 64, 256)


def main() -> None:
    """Trains and judges, seed by seed."""
    arguments, flags = tyro.cli(Arguments, return_unknown_args=True)
    console = Console(width=100)
    console.print(f"jax {jax.__version__} on {jax.devices()}")
    with tempfile.TemporaryDirectory() as folder:
        for seed in arguments.seeds:
            run = Path(folder) / f"seed-{seed}"
            words = ["-m", "selfplay", "train", arguments.env, "--seed", str(seed)]
            begin = time.monotonic()
            subprocess.run(
                [sys.executable, *words, "--run", str(run), *flags],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            console.print(f"\nseed {seed}: trained in {time.monotonic() - begin:.1f} s")
            spans = Guards(metrics.read(RunDirectory(run).metrics)).spans
            for name, (first, last) in spans.items():
                console.print(f"guard {name}: iterations {first} to {last}")
            console.print("guards: silent" if not spans else "")
            console.print(exact_table(evaluate(run, simulations=arguments.simulations, games=0)))


if __name__ == "__main__":
    main()
