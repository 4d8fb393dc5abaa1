"""Does a generation of ten million rows need more memory than one of ten thousand?

    python benchmarks/generation_memory.py

Random games of Connect Four are labelled and written shard by shard by the code that distills. Then
each step that reads them runs in a process of its own: its peak is what this process holds itself
(RssAnon of /proc/self/status, looked at every few milliseconds), beside all that is in memory, with
pages of mapped files that the system takes back when it needs them (ru_maxrss). Linux alone; ten
million rows take 4 GB of disk in all.
"""

import contextlib
import dataclasses
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import tyro

from selfplay.config import NetworkConfig
from selfplay.environment import make
from selfplay.evaluation.inspection import inspect, make_judge
from selfplay.networks.build import build
from selfplay.operators.episodes import Episodes, Labeller, row
from selfplay.operators.raw import Raw
from selfplay.operators.reanalysis import Reanalysis
from selfplay.replay import census, generations
from selfplay.replay.generations import Generation
from selfplay.replay.labels import judged, label, relabelled
from selfplay.replay.openings import measures, openings
from selfplay.replay.pool import Pool
from selfplay.replay.selection import Filter, Selection, filter_of, restored, select
from selfplay.search.model import constant_evaluator

ENV = make("connect_four")
EPISODES = 512
"""In a shard, about 11,000 rows."""
DRAWS, DRAWN = 20, 16 * 1_024
"""Iterations of learning, and the rows of each."""
RANDOM = Raw(ENV, constant_evaluator(ENV))


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    rows: tuple[int, ...] = (10_000, 10_000_000)
    """At least so many rows in each generation."""
    folder: Path | None = None
    """Where the generations go, about 400 bytes a row (default: a temporary one, deleted)."""
    step: str | None = None
    """Do this step alone, of the generation in the folder, and say what it took."""


def main() -> None:
    """Prints a line for each step and size."""
    arguments = tyro.cli(Arguments)
    if arguments.step is not None and arguments.folder is not None:
        print(json.dumps(_measured(arguments.step, arguments.folder, arguments.rows[0])))
        return
    with contextlib.ExitStack() as stack:
        root = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print("| step | rows | MiB of its own | MiB with mapped files | seconds |")
        print("|---|---|---|---|---|", flush=True)
        for step in STEPS:
            for rows in arguments.rows:
                flags = ["--step", step, "--folder", str(root / str(rows)), "--rows", str(rows)]
                command = [sys.executable, __file__, *flags]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found = json.loads(done.stdout.splitlines()[-1])
                print(
                    f"| {step} | {found['rows']:,} | {found['own']:,.0f} | {found['all']:,.0f} "
                    f"| {found['seconds']:.0f} |",
                    flush=True,
                )


def _measured(step: str, folder: Path, rows: int) -> dict[str, float]:
    """The peaks of one step, in MiB, over what this process held before it."""
    with _peak() as peak:
        begun = time.monotonic()
        STEPS[step](folder, rows)
        seconds = time.monotonic() - begun
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    count = Generation(folder / "generation").num_rows
    return {"rows": count, "own": peak[0], "all": whole, "seconds": seconds}


@contextlib.contextmanager
def _peak() -> Iterator[list[float]]:
    """The most that this process held itself meanwhile, in MiB."""
    peak, over = [_own()], threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            peak[0] = max(peak[0], _own())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()
        peak[0] = max(peak[0], _own())


def _own() -> float:
    """Anonymous memory, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1_024


# The steps ---------------------------------------------------------------------------------------


def _label(folder: Path, rows: int) -> None:
    """Random games, whole shards of them, until there are so many rows."""
    generation = generations.create(folder / "generation", {"env": "connect_four"})
    labeller = Labeller(ENV, RANDOM)

    @jax.jit
    def play(shard: jax.Array) -> Episodes:
        key = jax.random.fold_in(jax.random.key(0), shard)
        index = shard * EPISODES + jnp.arange(EPISODES, dtype=jnp.int32)
        episodes = labeller.play((), key, index, jnp.int32(1))
        sure = jax.random.uniform(key, episodes.samples.action.shape)
        provenance = episodes.samples.targets.provenance.replace(confidence=sure)
        targets = episodes.samples.targets.replace(provenance=provenance)
        return episodes.replace(samples=episodes.samples.replace(targets=targets))

    for _ in label(generation, lambda index: judged(play(jnp.int32(index))), sys.maxsize):
        if generation.num_rows >= rows:
            return


def _filter(folder: Path, rows: int) -> None:
    """The surest half."""
    generation = Generation(folder / "generation")
    keep = filter_of(generation, verified=False, least_confidence=0.0, keep_share=0.5)
    select(generation, keep, folder / "half")


def _draw(folder: Path, rows: int) -> None:
    """Batches of what passed."""
    selection = Selection(Generation(folder / "generation"), folder / "half")
    pool = Pool(selections={1: selection}, capacity=2, like=row(ENV), regime="replace")
    shares = pool.shares(None)
    for number in range(DRAWS):
        pool.draw(jax.random.key(number), shares, DRAWN)


def _reanalyse(folder: Path, rows: int) -> None:
    """New labels for all, by who knows nothing: what is measured is the way of the rows."""
    old = Generation(folder / "generation")
    new = generations.create(folder / "again", {"env": "connect_four"})
    relabel = jax.jit(
        lambda index, some: Reanalysis(RANDOM).label(
            (), jax.random.key(0), index, some, jnp.int32(1)
        )
    )

    def shard(index: int) -> Any:
        stored = restored(next(old.each(index)), row(ENV))
        return relabelled(stored, relabel, first=0, batch_size=1_024)

    for _ in label(new, shard, len(old.shards)):
        pass


def _inspect(folder: Path, rows: int) -> None:
    """All that `selfplay inspect` finds out."""
    network = build(NetworkConfig(width=16, depth=1), ENV)
    params = jax.jit(network.init)(jax.random.key(0))
    inspect(Generation(folder / "generation"), ENV, Filter(), make_judge(ENV, network, params))


STEPS: dict[str, Callable[[Path, int], Any]] = {
    "label": _label,
    "filter": _filter,
    "draw": _draw,
    "census": lambda folder, rows: census.take(Generation(folder / "generation")),
    "openings": lambda folder, rows: measures(openings(Generation(folder / "generation").each())),
    "reanalyse": _reanalyse,
    "inspect": _inspect,
}


if __name__ == "__main__":
    main()
