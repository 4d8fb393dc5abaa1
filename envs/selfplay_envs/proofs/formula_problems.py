"""Formulas to practise on: generated theorems and non-theorems, in levels of difficulty.

All of them are in two tables beside this file; how they were made is told in `formula_problems.md`.
"""

import csv
import functools
import hashlib
import importlib.resources
from typing import NamedTuple

from selfplay_envs.proofs.formula import Atom, Falsum, Formula, parts, subformulas

FILE = "formula_problems.csv"
HARD_FILE = "formula_problems_hard.csv"

SIZES = (16, 32, 64, 128)
"""Subformulas that the formulas of each quarter of the levels have at most."""

EFFORTS = 3
"""Levels of each size, by how long a depth-first prover searched; easiest first."""

HARD = 2
"""Levels of each of the larger sizes after those, by how long a best-first search did."""

HARD_SIZES = SIZES[2:]

HELD_OUT_32NDS = 4
"""Of all formulas, by their key."""


class FormulaProblem(NamedTuple):
    """A generated formula."""

    text: str
    """As `syntax.parse` reads it."""
    level: int
    """From 0: of each of the sizes `EFFORTS` levels, and `HARD` if it is one of the larger ones."""
    held_out: bool
    """Whether `is_held_out` keeps it from training."""
    is_theorem: bool
    expansions: int
    """Of the depth-first prover, at hard levels of the best-first search; -1 where it gave up."""


def canonical_key(formula: Formula) -> str:
    """The same for formulas that differ in their atoms' names only, and different for others."""
    index: dict[Formula, int] = {}
    lines = []
    num_atoms = 0
    for part in subformulas(formula):
        index[part] = len(index)
        if isinstance(part, Atom):
            lines.append(f"atom {num_atoms}")
            num_atoms += 1
        elif isinstance(part, Falsum):
            lines.append("falsum")
        else:
            left, right = (index[side] for side in parts(part))
            lines.append(f"{type(part).__name__} {left} {right}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def is_held_out(formula: Formula) -> bool:
    """Whether the formula's key keeps it from training."""
    return int(canonical_key(formula)[:2], 16) >> 3 < HELD_OUT_32NDS


def num_levels(max_subformulas: int) -> int:
    """How many levels have no formula with more subformulas."""
    efforts, hard = (
        sum(size <= max_subformulas for size in sizes) for sizes in (SIZES, HARD_SIZES)
    )
    return EFFORTS * efforts + HARD * hard


@functools.cache
def problems(*files: str) -> tuple[FormulaProblem, ...]:
    """All that were generated, or those of some tables; easiest level first."""
    found = []
    for name in files or (FILE, HARD_FILE):
        source = importlib.resources.files("selfplay_envs.proofs") / name
        rows = csv.reader(source.read_text(encoding="ascii").splitlines()[1:])
        found += [
            FormulaProblem(text, int(level), held_out == "1", is_theorem == "1", int(expansions))
            for level, held_out, is_theorem, expansions, text in rows
        ]
    return tuple(sorted(found, key=lambda problem: problem.level))


def levels(max_subformulas: int) -> dict[str, list[list[FormulaProblem]]]:
    """For `train` and `held_out`, of each level the formulas of that side.

    Args:
        max_subformulas: the levels are those whose formulas have no more; see `num_levels`.

    Raises:
        ValueError: there is no such level.
    """
    count = num_levels(max_subformulas)
    if not count:
        raise ValueError(
            f"the smallest generated formulas have up to {SIZES[0]} subformulas; max_subformulas "
            f"must be at least that, got {max_subformulas}"
        )
    sides: dict[str, list[list[FormulaProblem]]] = {
        split: [[] for _ in range(count)] for split in ("train", "held_out")
    }
    for problem in problems():
        if problem.level < count:
            sides["held_out" if problem.held_out else "train"][problem.level].append(problem)
    return sides
