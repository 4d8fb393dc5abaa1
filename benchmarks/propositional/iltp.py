"""How many of the ILTP library's problems does a run prove, on a budget of evaluations?

    SELFPLAY_DATA=FOLDER python -m benchmarks.propositional.iltp RUN --budget 10000
    SELFPLAY_DATA=FOLDER python -m benchmarks.propositional.iltp --budget 10000   # no network

Best-first search by the run's policy, or by one that likes all actions alike, on all problems with
at most 128 subformulas, each in the smallest shapes that hold it. What is proved is shown to Lean,
in one go; nothing else counts.
"""

import dataclasses
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table
from scipy import stats

from benchmarks.whole_search import Flags, WholeSearch
from selfplay.agent import Agent
from selfplay.environment.certificate import Judgement
from selfplay.environment.verifier import Verdict
from selfplay.networks.build import build
from selfplay.networks.contract import Params
from selfplay.search.best_first import Found, best_first
from selfplay.search.model import Evaluator, constant_evaluator, network_evaluator
from selfplay_envs.proofs.formula import Formula, subformulas
from selfplay_envs.proofs.formula_table import SIZES, FormulaTable, encode
from selfplay_envs.proofs.propositional import Propositional
from selfplay_envs.proofs.propositional_proof import PropositionalCertifier
from selfplay_envs.proofs.tptp import read_tptp


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    run: tyro.conf.Positional[Path | None] = None
    search: Flags = dataclasses.field(default=WholeSearch(budget=10_000, at_once=1, dives=True))
    largest: int = 128
    """Subformulas of the largest problems."""
    max_steps: int = 4_096
    """Actions of the longest proof: of the library's chains of ↔ it doubles with each one more."""
    iteration: int | None = None
    """Which checkpoint or milestone of the run, by default the newest."""
    theorems: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Those alone; what cannot be proved takes its whole budget."""
    others: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """All others alone, of which none may be proved but those that the library does not know."""
    each: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """A line for every problem: evaluations, Lean's verdict, steps of the proof."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """A problem of the library."""

    name: str
    formula: Formula
    is_theorem: bool | None
    """As the library says; None where it does not know."""
    size: int
    """Of the smallest shapes that hold it."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a search of it came to."""

    problem: Problem
    found: Found
    judgement: Judgement | None = None
    """Lean's; None where nothing was found."""

    @property
    def proved(self) -> bool:
        """Whether Lean accepted a proof."""
        return self.judgement is not None and self.judgement.verdict is Verdict.ACCEPTED


def read(largest: int) -> list[Problem]:
    """The library's problems that are small enough, by name. Raises SystemExit without it."""
    folder = os.environ.get("SELFPLAY_DATA")
    paths = sorted((Path(folder) / "iltp").glob("*.p")) if folder else []
    if not paths:
        raise SystemExit(
            f"set SELFPLAY_DATA to the folder that holds iltp/*.p (now {folder or 'not set'})"
        )
    problems = []
    for path in paths:
        read_ = read_tptp(path)
        count = len(subformulas(read_.formula))
        if count <= largest:
            size = next(s for s in SIZES if s >= count)
            problems.append(Problem(path.stem, read_.formula, read_.is_theorem, size))
    return problems


def search(problems: Sequence[Problem], agent: Agent | None, arguments: Arguments) -> list[Outcome]:
    """All of them, those of one size side by side."""
    outcomes = []
    for group, env, tables in by_size(problems, agent, arguments.max_steps):
        evaluator, params = guess(env, agent)
        found = best_first(env, evaluator, params, stacked(tables), **arguments.search.options())
        outcomes += judged(group, tables, found)
    return outcomes


def by_size(
    problems: Sequence[Problem], agent: Agent | None, max_steps: int
) -> Iterator[tuple[list[Problem], Propositional, list[FormulaTable]]]:
    """Those of one size, the smallest shapes that hold them, and their tables in these."""
    trained = None if agent is None else agent.env
    goals = trained.goals if isinstance(trained, Propositional) else 1
    for size in SIZES:
        group = [problem for problem in problems if problem.size == size]
        if group:
            env = Propositional(subformulas=size, max_steps=max_steps, goals=goals)
            yield group, env, [encode(problem.formula, size) for problem in group]


def stacked(tables: Sequence[FormulaTable]) -> FormulaTable:
    """FormulaTable [N]."""
    return jax.tree.map(lambda *rows: np.stack(rows), *tables)


def judged(group: Sequence[Problem], tables: list[Any], found: list[Found]) -> list[Outcome]:
    """With what Lean says of what was found. Raises RuntimeError if it rejects any of it."""
    certifier = PropositionalCertifier()
    solved = [i for i, one in enumerate(found) if one.actions is not None]
    claims = [
        (certifier.statement(tables[i]), certifier.proof(tables[i], found[i].actions or ()))
        for i in solved
    ]
    judgements = dict(zip(solved, certifier.judge(claims), strict=True))
    for i, judgement in judgements.items():
        if judgement.verdict is Verdict.REJECTED:
            raise RuntimeError(f"{judgement.judge} rejects {group[i].name}: {judgement.message}")
    return [
        Outcome(p, f, judgements.get(i)) for i, (p, f) in enumerate(zip(group, found, strict=True))
    ]


def guess(env: Propositional, agent: Agent | None) -> tuple[Evaluator, Params]:
    """A run's network at another size, or no preference at all."""
    if agent is None:
        return constant_evaluator(env), ()
    network = build(agent.config.network, env)
    return network_evaluator(env, network.apply), agent.params


def interval(count: int, total: int) -> str:
    """Share in percent, with Wilson's 95 % interval over problems."""
    if total == 0:
        return "–"
    low, high = stats.binomtest(count, total).proportion_ci(method="wilson")
    return f"{100 * count / total:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def tables(outcomes: Sequence[Outcome]) -> list[Table]:
    """By size, and by family of theorems."""
    by_size = Table("subformulas", "theorems", "proved", "share", "others", "proved of these")
    for most in SIZES:
        within = [one for one in outcomes if one.problem.size <= most]
        theorems = [one for one in within if one.problem.is_theorem]
        others = [one for one in within if not one.problem.is_theorem]
        proved = sum(one.proved for one in theorems)
        by_size.add_row(
            f"≤ {most}",
            str(len(theorems)),
            str(proved),
            interval(proved, len(theorems)),
            str(len(others)),
            str(sum(one.proved for one in others)),
        )
    by_family = Table("family", "theorems", "proved", "evaluations, the most")
    theorems = [one for one in outcomes if one.problem.is_theorem]
    for family in sorted({one.problem.name.split("+")[0] for one in theorems}):
        members = [one for one in theorems if one.problem.name.startswith(family)]
        proved = [one for one in members if one.proved]
        most = max((one.found.evaluations for one in proved), default=0)
        by_family.add_row(family, str(len(members)), str(len(proved)), f"{most:,}")
    return [by_size, by_family]


def main() -> None:
    """Prints the tables."""
    arguments = tyro.cli(Arguments, description=__doc__)
    problems = read(arguments.largest)  # first, for there may be none
    agent = None if arguments.run is None else Agent.load(arguments.run, arguments.iteration)
    began = time.process_time()
    if arguments.theorems:
        problems = [problem for problem in problems if problem.is_theorem]
    if arguments.others:
        problems = [problem for problem in problems if not problem.is_theorem]
    outcomes = search(problems, agent, arguments)
    console = Console(width=100)
    if arguments.each:
        for one in sorted(outcomes, key=lambda one: one.problem.name):
            said = "" if one.judgement is None else one.judgement.verdict.value
            steps = len(one.found.actions or ())
            console.print(
                one.problem.name, one.problem.is_theorem, one.found.evaluations, said, steps
            )
    for table in tables(outcomes):
        console.print(table)
    console.print(
        f"{arguments.search.budget:,} evaluations a problem, {arguments.search.at_once} at once; "
        f"{time.process_time() - began:.0f} s of processor time"
    )


if __name__ == "__main__":
    main()
