"""Makes `envs/selfplay_envs/proofs/formula_problems.csv`, the formulas to practise on.

    SELFPLAY_DATA=FOLDER python -m benchmarks.propositional.generation

A theorem is one that a depth-first prover proves, or whose search for a model of its negation ends
without any; a non-theorem comes with a model that was checked. Problems of the ILTP library, up to
renaming of atoms, are left out, and so is every chain of equivalences, which is a family of it.
"""

import dataclasses
import math
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import tyro

from benchmarks.propositional import problem_table, sources
from benchmarks.propositional.g4ip import Outcome, prove
from selfplay_envs.proofs import kripke
from selfplay_envs.proofs.formula import And, Atom, Falsum, Formula, Implies, subformulas
from selfplay_envs.proofs.formula_problems import (
    EFFORTS,
    FILE,
    SIZES,
    FormulaProblem,
    canonical_key,
    num_levels,
)
from selfplay_envs.proofs.tptp import read_tptp

GAVE_UP = -1
"""In the place of expansions."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    seed: int = 0
    counts: tuple[int, ...] = (1800, 2200, 1800, 1000)
    """Problems of each size."""
    theorems: float = 0.75
    """Share of each size's problems."""
    max_expansions: int = 20_000
    """Of the depth-first prover."""
    max_steps: int = 15_000
    """Of the search for models."""
    tries: int = 3
    """Formulas drawn for each that is wanted."""
    out: Path = Path("envs/selfplay_envs/proofs") / FILE


@dataclasses.dataclass(frozen=True)
class Settled:
    """A formula whose status is known."""

    formula: Formula
    is_theorem: bool
    expansions: int

    @property
    def effort(self) -> float:
        """What it is ranked by: what the prover gave up is hardest."""
        return math.inf if self.expansions == GAVE_UP else self.expansions


def settle(formula: Formula, arguments: Arguments) -> Settled | None:
    """Whether it is a theorem; None if that took too long to find out."""
    result = prove(formula, max_expansions=arguments.max_expansions)
    expansions = GAVE_UP if result.outcome is Outcome.OUT_OF_TIME else result.expansions
    if result.outcome is Outcome.THEOREM:
        return Settled(formula, True, expansions)
    if expansions == GAVE_UP:
        status = kripke.is_theorem(formula, max_steps=arguments.max_steps)
        if status is not False:
            return Settled(formula, True, expansions) if status else None
    model = kripke.refute(formula, max_steps=arguments.max_steps)
    return None if model is None else Settled(formula, False, expansions)


def candidates(rng: random.Random, size: int) -> Iterator[Formula]:
    """Formulas from all sources, and variants of those that were drawn lately."""
    makers = [
        sources.backwards,
        sources.backwards,
        sources.rules,
        sources.rewritten,
        sources.double_negated,
    ]
    lately = [sources.backwards(rng, size)]
    while True:
        kind = rng.random()
        if kind < 0.6:
            formula = rng.choice(makers)(rng, size)
            lately = [*lately[-50:], formula]
        elif kind < 0.75:
            formula = sources.instance(rng, rng.choice(lately))
        else:
            formula = sources.mutated(rng, rng.choice(lately))
            lately = [*lately[-50:], formula]
        yield formula


def is_chain_of_equivalences(formula: Formula) -> bool:
    """Whether ↔ is its only connective, a ¬ here and there apart."""
    waiting = [formula]
    while waiting:
        match waiting.pop():
            case And(left=Implies(left=a, right=b), right=Implies(left=c, right=d)) if (
                a == d and b == c
            ):
                waiting += [a, b]
            case Implies(left=inner, right=Falsum()):
                waiting.append(inner)
            case And() | Implies():
                return False
            case inner if not isinstance(inner, Atom):
                return False
    return True


def library() -> set[str]:
    """The keys of the ILTP library's problems."""
    folder = os.environ.get("SELFPLAY_DATA")
    paths = sorted((Path(folder) / "iltp").glob("*.p")) if folder else []
    if not paths:
        raise SystemExit("set SELFPLAY_DATA to the folder that holds iltp/*.p, to leave those out")
    return {canonical_key(read_tptp(path).formula) for path in paths}


def pool(
    rng: random.Random, size: int, count: int, known: set[str], arguments: Arguments
) -> list[Settled]:
    """What could be settled of formulas that fit a size; their keys become known, in place."""
    found: list[Settled] = []
    fitting = (formula for formula in candidates(rng, size) if fits(formula, size))
    for number, formula in enumerate(fitting):
        if number == arguments.tries * count:
            break
        key = canonical_key(formula)
        if key in known or is_chain_of_equivalences(formula):
            continue
        known.add(key)
        settled = settle(formula, arguments)
        if settled is not None and settled.effort >= size / 8:  # the rest is trivial
            found.append(settled)
    return found


def fits(formula: Formula, size: int) -> bool:
    """Whether it has at most `size` subformulas, and too many for the next smaller size."""
    smaller = 0 if size == SIZES[0] else size // 2
    return smaller < len(subformulas(formula)) <= size


def spread(rng: random.Random, found: list[Settled], count: int) -> list[Settled]:
    """So many of them, as evenly as can be over the octaves of effort; easiest first."""
    octaves: dict[float, list[Settled]] = {}
    for settled in found:
        octave = math.inf if settled.expansions == GAVE_UP else settled.expansions.bit_length()
        octaves.setdefault(octave, []).append(settled)
    for members in octaves.values():
        rng.shuffle(members)
    chosen: list[Settled] = []
    while len(chosen) < count and any(octaves.values()):
        chosen += [members.pop() for _, members in sorted(octaves.items()) if members]
    return sorted(chosen[:count], key=lambda settled: settled.effort)


def main() -> None:
    """Writes the table, and says what is in it."""
    arguments = tyro.cli(Arguments)
    known = library()
    table: list[FormulaProblem] = []
    for size, count in zip(SIZES, arguments.counts, strict=True):
        rng = random.Random(f"{arguments.seed} {size}")
        found = pool(rng, size, count, known, arguments)
        theorems = round(arguments.theorems * count)
        rows: list[tuple[int, Settled]] = []
        for status, number in ((True, theorems), (False, count - theorems)):
            chosen = spread(rng, [s for s in found if s.is_theorem is status], number)
            rows += [
                (num_levels(size - 1) + EFFORTS * i // len(chosen), settled)
                for i, settled in enumerate(chosen)
            ]
        rows.sort(key=lambda row: (row[0], row[1].effort, not row[1].is_theorem))
        table += [
            problem_table.row(settled.formula, level, settled.is_theorem, settled.expansions)
            for level, settled in rows
        ]
        statuses = Counter(settled.is_theorem for settled in found)
        print(
            f"≤ {size}: {len(found)} settled, {statuses[True]} theorems; {len(rows)} kept, "
            f"{sum(settled.is_theorem for _, settled in rows)} theorems"
        )
    problem_table.write(arguments.out, table)


if __name__ == "__main__":
    main()
