"""Makes envs/selfplay_envs/proofs/magma_model_problems.csv: pairs of laws with finite models.

    SELFPLAY_DATA=FOLDER python -m benchmarks.equational.model_generation

Hypotheses are those of the `train` split of the folder's pairs alone, each as often as another. Of
the conclusions some are drawn by chance and asked of magmas in which it holds, the small ones
first; how hard the pair is says a plain finder, which begins from nothing.
"""

import collections
import csv
import dataclasses
import functools
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro

from benchmarks.equational.pairs import source
from selfplay_envs.proofs import magma_finder
from selfplay_envs.proofs import magma_model_problems as problems
from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma import Law


@dataclasses.dataclass(frozen=True)
class Arguments:
    """How many."""

    each: int = 300
    """Problems of each level, at most."""
    conclusions: int = 300
    """Of each hypothesis that are tried."""
    each_hypothesis: int = 8
    """Problems of a hypothesis and a size, at most."""
    attempts: int = 10
    """To find a magma of four elements, and of five, in which a hypothesis holds."""
    variables: int = 4
    """Of a law, at most."""
    max_nodes: int = 200
    """Of the finder, for each way in which the conclusion can fail."""
    seconds: float = 90.0
    """Of processor time, at most."""
    seed: int = 0


class Found(NamedTuple):
    """A pair of laws of which a magma was found."""

    elements: int
    nodes: int
    """Of the plain finder; -1 where it gave up."""
    hypothesis: int
    conclusion: int


def hypotheses(split: str) -> list[int]:
    """Numbers of the laws that are hypotheses of a split. Needs SELFPLAY_DATA."""
    with source().open() as file:
        return sorted({int(r["hypothesis"]) for r in csv.DictReader(file) if r["split"] == split})


@functools.cache
def small(most: int) -> tuple[int, ...]:
    """Numbers of the laws of at most so many variables."""
    return tuple(i for i, law in enumerate(laws(), 1) if law.num_variables <= most)


def models(law: Law, elements: int, chance: random.Random, attempts: int) -> np.ndarray:
    """Magmas in which a law holds, int64 [N, n, n]: all of up to three elements, else some.

    Those of more are what the finder makes of three products that are drawn by chance.
    """
    if elements <= magma_finder.ALL_TABLES:
        return magma_finder.models(law, elements)
    made = []
    for _ in range(attempts):
        cells = {
            (chance.randrange(elements), chance.randrange(elements)): chance.randrange(elements)
            for _ in range(3)
        }
        differing, where = Law(0, 1), {0: 0, 1: 1}
        search = magma_finder.backtracking(
            law, differing, elements, max_nodes=100, cells=cells, witness=where
        )
        if search.table is not None:
            made.append(search.table)
    return np.array(made, np.int64).reshape(-1, elements, elements)


def pairs_of(hypothesis: int, chance: random.Random, arguments: Arguments) -> Iterator[Found]:
    """Of one hypothesis: what it does not imply, and how large a magma says so."""
    law = laws()[hypothesis - 1]
    left = chance.sample(small(arguments.variables), arguments.conclusions)
    for elements in problems.EFFORTS:
        tables = models(law, elements, chance, arguments.attempts)
        failing = [c for c in left if not magma_finder.holding(laws()[c - 1], tables).all()]
        left = [c for c in left if c not in failing]
        for conclusion in failing[: arguments.each_hypothesis]:
            pair = law, laws()[conclusion - 1]
            search = magma_finder.backtracking(*pair, elements, max_nodes=arguments.max_nodes)
            nodes = -1 if search.table is None else search.nodes
            yield Found(elements, nodes, hypothesis, conclusion)


def main() -> None:
    """Draws pairs until each size has enough, and writes them."""
    arguments = tyro.cli(Arguments, description=__doc__)
    chance = random.Random(arguments.seed)
    found: dict[int, list[Found]] = {n: [] for n in problems.EFFORTS}
    began = time.process_time()
    known = sorted({*hypotheses("train")} & {*small(arguments.variables)})
    chance.shuffle(known)
    for hypothesis in known:
        if time.process_time() - began > arguments.seconds:
            break
        for one in pairs_of(hypothesis, chance, arguments):
            found[one.elements].append(one)
    rows = []
    for elements, those in found.items():
        levels = problems.EFFORTS[elements]
        kept = chance.sample(those, min(len(those), arguments.each * levels))
        kept.sort(key=lambda one: (one.nodes if one.nodes >= 0 else arguments.max_nodes, one))
        for rank, one in enumerate(kept):
            level = problems.first_level(elements) + rank * levels // len(kept)
            held_out = int(problems.is_held_out(laws()[one.hypothesis - 1]))
            rows.append((level, held_out, *one))
    file = Path(problems.__file__).with_name(problems.FILE)
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(("level", "held_out", "elements", "nodes", "hypothesis", "conclusion"))
        writer.writerows(rows)
    counted = collections.Counter((row[0], row[1]) for row in rows)
    print(f"{len(rows)} problems, {time.process_time() - began:.0f} s; {sorted(counted.items())}")


if __name__ == "__main__":
    main()
