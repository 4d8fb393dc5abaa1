"""Does a run that is killed again and again end like one that was never stopped?

    python benchmarks/kill_and_resume.py --kills 10

Trains tic-tac-toe twice for the same number of iterations: once undisturbed, once with SIGKILL
after a random time, resumed each time. Then compares every array of the last checkpoints.
"""

import dataclasses
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
import tyro

from selfplay.run import checkpoint
from selfplay.run.directory import RunDirectory
from selfplay.run.program import make_program


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    kills: int = 10
    iterations: int = 800
    seconds: float = 40.0
    """Each life lasts up to so long, at random."""
    seed: int = 0
    """Of the random times."""


def main() -> None:
    """Prints each life, and at the end whether the two runs are equal."""
    arguments = tyro.cli(Arguments)
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder) / "whole", Path(folder) / "killed"
        flags = ["--iterations", str(arguments.iterations), "--checkpoint.every-minutes", "0.02"]
        train = ["train", "tic_tac_toe", *flags, "--run"]
        begin = time.monotonic()
        _start([*train, str(whole)]).wait()
        print(f"undisturbed: {time.monotonic() - begin:.1f} s", flush=True)
        kills = 0
        while _iteration(killed) < arguments.iterations:
            begun = killed.exists()
            command = ["resume", str(killed)] if begun else [*train, str(killed)]
            process = _start(command)
            life = rng.uniform(0.2, 1.0) * arguments.seconds if kills < arguments.kills else None
            try:
                if process.wait(life):
                    sys.exit(f"selfplay {' '.join(command)} failed")
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                print(f"kill {kills}: {_iteration(killed)} iterations saved", flush=True)
        equal = [
            left.tobytes() == right.tobytes()
            for left, right in zip(_leaves(whole), _leaves(killed), strict=True)
        ]
        print(f"{kills} kills; {sum(equal)} of {len(equal)} arrays are equal bit for bit")
        sys.exit(0 if all(equal) and kills >= arguments.kills else 1)


def _start(command: list[str]) -> subprocess.Popen:
    """A process of the command line, its output thrown away."""
    words = [sys.executable, "-m", "selfplay.cli", *command]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _iteration(run: Path) -> int:
    """Iterations in the newest checkpoint; 0 before there is one."""
    paths = checkpoint.available(RunDirectory(run).checkpoints)
    return int(paths[0].name) if paths else 0


def _leaves(run: Path) -> list[np.ndarray]:
    """All arrays of the newest checkpoint."""
    folder = RunDirectory(run)
    path = checkpoint.newest_sound(folder.checkpoints)
    abstract = make_program(folder.read_config()).abstract()
    state = checkpoint.restore(path, "state", abstract)
    return [np.asarray(leaf) for leaf in jax.tree.leaves(state)]


if __name__ == "__main__":
    main()
