"""Makes `envs/selfplay_envs/proofs/equational_problems.csv`, the implications to practise on.

    SELFPLAY_DATA=FOLDER python -m benchmarks.equational.generation

Hypotheses are laws of the file's `train` split and their duals, so that neither one of its `test`
split nor its dual is among them. What a law implies is found by rewriting small terms: those that
one is rewritten into are equal. What follows from that in turn is implied, too, and often hard to
prove at once. Blind search says how hard.
"""

import csv
import dataclasses
import io
import itertools
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import tyro

from benchmarks.equational.blind import prove, reached
from benchmarks.equational.pairs import source
from selfplay.files import write_text
from selfplay_envs.proofs.equational_problems import (
    FILE,
    NOT_PROVED,
    NUM_LEVELS,
    is_held_out,
    level,
)
from selfplay_envs.proofs.laws import MOST_OPERATIONS, duals, laws, number
from selfplay_envs.proofs.magma import Law, Term, num_operations

ROOTS: tuple[Term, ...] = (0, (0, 0), (0, 1))
"""Terms that are rewritten: x, x ◇ x, x ◇ y."""

TRIVIAL = 1
"""The number of x = x."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    seed: int = 0
    hypotheses: int = 1_000
    """Laws that are rewritten by, at most; their duals come with them."""
    forcing: int = 200
    """Laws beside these that hold in magmas of one element alone, and so imply everything."""
    saturation: int = 1_000
    """Expansions of each of `ROOTS`."""
    equations: int = 60
    """Of reached terms of so and so many operations that are looked at."""
    found: int = 40
    """Of what a hypothesis is found to imply so, pairs that are graded."""
    composed: int = 150
    """The same of what follows from that in turn."""
    budget: int = 1_500
    """Of the blind search that grades."""
    max_size: int = 31
    """Of its terms."""
    waiting_each: int = 4
    """See `prove`; fewer than there make it faster."""
    per_level: int = 2_000
    """Pairs that are kept of a level, at most."""
    out: Path = Path("envs/selfplay_envs/proofs") / FILE


def allowed() -> tuple[list[int], list[int]]:
    """Laws of the `train` split that may be hypotheses, one of each two duals.

    The second list has those which force a single element.
    """
    path = source()
    laws_of: dict[str, set[int]] = {"train": set(), "test": set(), "forcing": set()}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            hypothesis = int(row["hypothesis"])
            same = min(hypothesis, dual(hypothesis))
            laws_of[row["split"]].add(same)
            if row["hypothesis_forces_one_element"] == "1":
                laws_of["forcing"].add(same)
    train = laws_of["train"] - laws_of["test"]
    return sorted(train - laws_of["forcing"]), sorted(train & laws_of["forcing"])


def dual(law: int) -> int:
    """The number of a law's dual."""
    return duals()[law - 1]


def implied(rng: random.Random, hypothesis: int, arguments: Arguments) -> set[int]:
    """Laws that equate two small terms which one is rewritten into."""
    found: set[int] = set()
    for root in ROOTS:
        terms = reached(laws()[hypothesis - 1], root, 3, budget=arguments.saturation)
        found |= {n for law in _laws_between(rng, terms, arguments.equations) if (n := number(law))}
    return found - {TRIVIAL, hypothesis}


def _laws_between(rng: random.Random, terms: Iterable[Term], count: int) -> Iterator[Law]:
    """Different ones of at most four operations that equate two of the terms.

    Of each two numbers of operations so many pairs of terms are tried.
    """
    by_operations: dict[int, list[Term]] = {n: [] for n in range(MOST_OPERATIONS + 1)}
    for term in terms:
        by_operations[num_operations(term)].append(term)
    seen = set()
    for fewer, more in itertools.combinations_with_replacement(by_operations, 2):
        if fewer + more <= MOST_OPERATIONS:
            ones, others = by_operations[fewer], by_operations[more]
            for index in drawn(rng, range(len(ones) * len(others)), count):
                left, right = ones[index // len(others)], others[index % len(others)]
                law = Law(left, right).renamed()
                if left != right and law not in seen:
                    seen.add(law)
                    yield law


def closure(implications: dict[int, set[int]]) -> dict[int, set[int]]:
    """What follows from each law by any number of implications, and not by one."""
    composed = {}
    for hypothesis, there in implications.items():
        seen, waiting = {hypothesis}, list(there)
        while waiting:
            here = waiting.pop()
            if here not in seen:
                seen.add(here)
                waiting += implications.get(here, ())
        composed[hypothesis] = seen - there - {hypothesis}
    return composed


def drawn(rng: random.Random, there: Iterable[int], count: int) -> list[int]:
    """So many of them, or all."""
    ordered = there if isinstance(there, range) else sorted(there)
    return rng.sample(ordered, min(count, len(ordered)))


def spread(
    rng: random.Random, pairs: Iterable[tuple[int, int]], count: int
) -> list[tuple[int, int]]:
    """So many of them, or all, of each hypothesis as many as of another as far as there are any."""
    by_hypothesis: dict[int, list[tuple[int, int]]] = {}
    for pair in sorted(pairs):
        by_hypothesis.setdefault(pair[0], []).append(pair)
    for there in by_hypothesis.values():
        rng.shuffle(there)
    rounds = itertools.zip_longest(*rng.sample(list(by_hypothesis.values()), len(by_hypothesis)))
    return [pair for one in rounds for pair in one if pair is not None][:count]


def main() -> None:
    """Writes the table, and says what is in it."""
    arguments = tyro.cli(Arguments, description=__doc__)
    began = time.process_time()
    rng = random.Random(arguments.seed)
    plain, forcing = allowed()
    chosen = drawn(rng, forcing, arguments.forcing) + drawn(rng, plain, arguments.hypotheses)
    implications = {hypothesis: implied(rng, hypothesis, arguments) for hypothesis in chosen}
    implications |= {dual(h): {dual(c) for c in there} for h, there in implications.items()}
    composed = closure(implications)
    print(
        f"{sum(map(len, implications.values()))} implications found, "
        f"{sum(map(len, composed.values()))} composed; {time.process_time() - began:.0f} s"
    )
    graded: dict[tuple[int, int], int] = {}
    for hypothesis in chosen:
        conclusions = drawn(rng, implications[hypothesis], arguments.found)
        for conclusion in conclusions + drawn(rng, composed[hypothesis], arguments.composed):
            result = prove(
                laws()[hypothesis - 1],
                laws()[conclusion - 1],
                budget=arguments.budget,
                max_size=arguments.max_size,
                waiting_each=arguments.waiting_each,
            )
            expansions = NOT_PROVED if result.chain is None else result.expansions
            graded[hypothesis, conclusion] = expansions
            graded[dual(hypothesis), dual(conclusion)] = expansions
    by_level: list[list[tuple[int, int]]] = [[] for _ in range(NUM_LEVELS)]
    for pair, expansions in graded.items():
        by_level[level(expansions)].append(pair)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["held_out", "hypothesis", "conclusion", "expansions"])
    for there in by_level:
        kept = sorted(spread(rng, there, arguments.per_level))
        writer.writerows((int(is_held_out(h)), h, c, graded[h, c]) for h, c in kept)
    write_text(arguments.out, table.getvalue())
    print(Counter({number: len(there) for number, there in enumerate(by_level)}))
    print(f"{time.process_time() - began:.0f} s of processor time")


if __name__ == "__main__":
    main()
