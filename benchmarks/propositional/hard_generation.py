"""Makes `envs/selfplay_envs/proofs/formula_problems_hard.csv`, the hard formulas to practise on.

    SELFPLAY_DATA=FOLDER python -m benchmarks.propositional.hard_generation

All are theorems by the way in which they are made (`hard_sources`), and a best-first search without
network, with dives, proves none of them with few evaluations, not at a second attempt either. What
is left out of the other formulas is left out of these, and so is what is one of those.
"""

import dataclasses
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import numpy as np
import tyro

from benchmarks.propositional import hard_sources, problem_table, sources
from benchmarks.propositional.generation import (
    GAVE_UP,
    is_chain_of_equivalences,
    library,
)
from selfplay.search.best_first import BestFirst
from selfplay.search.model import constant_evaluator
from selfplay_envs.proofs import kripke
from selfplay_envs.proofs.formula import Formula, subformulas
from selfplay_envs.proofs.formula_problems import (
    EFFORTS,
    FILE,
    HARD_FILE,
    HARD_SIZES,
    FormulaProblem,
    canonical_key,
    num_levels,
    problems,
)
from selfplay_envs.proofs.formula_table import encode
from selfplay_envs.proofs.propositional import Propositional
from selfplay_envs.proofs.syntax import parse

MAKERS = (
    *(hard_sources.commuted, hard_sources.exchanged, hard_sources.even),
    *(hard_sources.classical, hard_sources.uncolourable),
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    seed: int = 0
    counts: tuple[int, ...] = (500, 200)
    """Formulas of each hard level of each size; fewer if so many are not found."""
    tries: int = 4
    """Formulas drawn for each of them."""
    least: int = 100
    """Evaluations that do not prove it, at two attempts."""
    budget: int = 800
    """Evaluations that do not prove what is in the harder level, at the second attempt."""
    at_once: int = 256
    """Formulas that are searched side by side."""
    out: Path = Path("envs/selfplay_envs/proofs") / HARD_FILE


@dataclasses.dataclass(frozen=True)
class Made:
    """A theorem and where it comes from."""

    formula: Formula
    source: str


Graded = tuple[Made, int]
"""With the evaluations that it takes, or `GAVE_UP`."""


def candidates(rng: random.Random, size: int) -> Iterator[Made]:
    """Theorems from all sources, and what is made of those that were drawn lately."""
    lately = [maker(rng, size) for maker in MAKERS]
    while True:
        if rng.random() < 0.6:
            maker = rng.choice(MAKERS)
            made = Made(maker(rng, size), maker.__name__)
            lately = [*lately[-50:], made.formula]
            yield made
        else:
            one = rng.choice(lately)
            yield rng.choice(
                [
                    Made(sources.instance(rng, one), "instance"),
                    Made(hard_sources.weakened(rng, one), "weakened"),
                    Made(hard_sources.composed(rng, lately), "composed"),
                ]
            )


def fits(formula: Formula, size: int) -> bool:
    """Whether it has at most `size` subformulas, and not so few that it cannot be hard."""
    return size // 4 < len(subformulas(formula)) <= size


def pool(rng: random.Random, size: int, count: int, known: set[str]) -> Iterator[Made]:
    """So many that fit a size and are not known, of all that are drawn; their keys become known."""
    fitting = (made for made in candidates(rng, size) if fits(made.formula, size))
    for made in itertools.islice(fitting, count):
        key = canonical_key(made.formula)
        if key not in known and not is_chain_of_equivalences(made.formula):
            known.add(key)
            yield made


class Grader:
    """How many evaluations formulas of a size take."""

    def __init__(self, size: int, arguments: Arguments):
        env = Propositional(subformulas=size)
        self.size, self.arguments = size, arguments
        self.search = BestFirst(env, constant_evaluator(env))

    def __call__(self, formulas: Sequence[Formula]) -> list[int | None]:
        """Evaluations of the second attempt, or `GAVE_UP`; None for what is not hard."""
        easy = self.attempt(formulas, 0, self.arguments.least)
        hard = [i for i, evaluations in enumerate(easy) if evaluations == GAVE_UP]
        again = self.attempt([formulas[i] for i in hard], 1, self.arguments.budget)
        found: list[int | None] = [None] * len(formulas)
        for i, evaluations in zip(hard, again, strict=True):
            if evaluations == GAVE_UP or evaluations > self.arguments.least:
                found[i] = evaluations
        return found

    def attempt(self, formulas: Sequence[Formula], seed: int, budget: int) -> list[int]:
        """Evaluations until each was proved, or `GAVE_UP`."""
        if not formulas:
            return []
        tables = [encode(formula, self.size) for formula in formulas]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *tables)
        found = self.search((), stacked, budget=budget, at_once=8, dives=True, seed=seed)
        return [GAVE_UP if one.actions is None else one.evaluations for one in found]


def graded(size: int, count: int, known: set[str], arguments: Arguments) -> list[Graded]:
    """What is hard of so many formulas of a size.

    Raises RuntimeError if a small model refutes one: then its source is wrong.
    """
    grader = Grader(size, arguments)
    drawn = pool(random.Random(f"{arguments.seed} {size}"), size, count, known)
    hard: list[Graded] = []
    while some := list(itertools.islice(drawn, arguments.at_once)):
        for made, evaluations in zip(some, grader([one.formula for one in some]), strict=True):
            if kripke.is_theorem(made.formula, max_steps=1_000) is False:
                raise RuntimeError(f"{made.source} made what is no theorem: {made.formula}")
            if evaluations is not None:
                hard.append((made, evaluations))
    return hard


def spread(found: Sequence[Graded], count: int) -> list[Graded]:
    """So many of them, of each source as many as of another as far as there are any; the hardest,
    on which the search gave up, last.
    """
    by_source: dict[str, list[Graded]] = {}
    for one in found:
        by_source.setdefault(one[0].source, []).append(one)
    rounds = itertools.zip_longest(*(by_source[source] for source in sorted(by_source)))
    chosen = [one for ones in rounds for one in ones if one is not None][:count]
    return sorted(chosen, key=lambda one: (one[1] == GAVE_UP, one[1]))


def main() -> None:
    """Writes the table, and says what is in it."""
    arguments = tyro.cli(Arguments)
    known = library() | {canonical_key(parse(one.text)) for one in problems(FILE)}
    table: list[FormulaProblem] = []
    for size, count in zip(HARD_SIZES, arguments.counts, strict=True):
        found = graded(size, arguments.tries * count, known, arguments)
        for harder in (False, True):
            rows = spread([one for one in found if (one[1] == GAVE_UP) is harder], count)
            level = num_levels(size - 1) + EFFORTS + harder
            table += [problem_table.row(made.formula, level, True, number) for made, number in rows]
            print(f"≤ {size}, {len(rows)}: {Counter(made.source for made, _ in rows)}", flush=True)
    problem_table.write(arguments.out, table)


if __name__ == "__main__":
    main()
