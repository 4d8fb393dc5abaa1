"""How many of the ILTP library's problems does a plain depth-first prover settle in two seconds?

    SELFPLAY_DATA=FOLDER python -m benchmarks.propositional.g4ip

The calculus is G4ip, where no rule need be applied to the same formula twice, so that search ends
without a check for loops (R. Dyckhoff, "Contraction-free sequent calculi for intuitionistic logic",
Journal of Symbolic Logic 57, 1992). Nothing is remembered from one branch to another. An expansion
is one application of a rule.
"""

import dataclasses
import enum
import os
import time
from collections.abc import Generator
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table

from selfplay_envs.proofs.formula import And, Atom, Falsum, Formula, Implies, Or, parts, subformulas
from selfplay_envs.proofs.tptp import TptpProblem, read_tptp

SIZES = (16, 32, 64, 128)
"""Of subformulas, up to which problems are counted apart."""

ATOM, FALSUM, AND, OR, IMPLIES = range(5)

_KINDS = {Atom: ATOM, Falsum: FALSUM, And: AND, Or: OR, Implies: IMPLIES}

_Search = Generator[tuple[int, tuple[int, ...], int], bool, bool]


class Outcome(enum.Enum):
    """What a search ends with."""

    THEOREM = "theorem"
    NOT = "no theorem"
    OUT_OF_TIME = "out of time"


@dataclasses.dataclass(frozen=True)
class Result:
    """Of one search."""

    outcome: Outcome
    expansions: int
    """Applications of rules."""


def prove(
    formula: Formula, *, seconds: float | None = None, max_expansions: int | None = None
) -> Result:
    """Whether intuitionistic logic proves the formula, by all of a depth-first search.

    Args:
        formula: any.
        seconds: of this process's CPU time, after which the search ends; None: no end.
        max_expansions: the same of expansions; unlike seconds they are the same on any machine.
    """
    return _Prover(seconds, max_expansions).run(formula)


class _OutOfTimeError(Exception):
    pass


class _Prover:
    """A table of formulas, which grows by implications that rules make, and a search over it.

    A sequent's hypotheses are those that wait (a bitset: atoms, and implications from an atom that
    is not there yet or from an implication) and those still to be looked at.
    """

    def __init__(self, seconds: float | None, max_expansions: int | None):
        self.kind: list[int] = []
        self.left: list[int] = []
        self.right: list[int] = []
        self.index: dict[tuple[int, object, int], int] = {}
        self.expansions = 0
        self.end = None if seconds is None else time.process_time() + seconds
        self.max_expansions = max_expansions

    def run(self, formula: Formula) -> Result:
        """Searches from nothing but the formula as goal."""
        index: dict[Formula, int] = {}
        for part in subformulas(formula):
            name = part.name if isinstance(part, Atom) else 0
            left, right = (index[p] for p in parts(part)) if parts(part) else (name, 0)
            index[part] = self.add(_KINDS[type(part)], left, right)
        try:
            proved = _drive(self.search, (0, (), index[formula]))
        except _OutOfTimeError:
            return Result(Outcome.OUT_OF_TIME, self.expansions)
        return Result(Outcome.THEOREM if proved else Outcome.NOT, self.expansions)

    def add(self, kind: int, left: object, right: int) -> int:
        """The index of a formula, which is new or not."""
        key = kind, left, right
        if key not in self.index:
            self.index[key] = len(self.kind)
            self.kind.append(kind)
            self.left.append(left if isinstance(left, int) else 0)
            self.right.append(right)
        return self.index[key]

    def count(self) -> None:
        """One more expansion, if there may be one."""
        if self.expansions == self.max_expansions:
            raise _OutOfTimeError
        self.expansions += 1
        if self.expansions % 256 == 0 and self.end and time.process_time() > self.end:
            raise _OutOfTimeError

    def search(self, waiting: int, new: tuple[int, ...], goal: int) -> _Search:
        """Whether a sequent is provable; asks for that of others by yielding them.

        First rules that never lose anything, and of those the ones without branches first.
        """
        kind, left, right = self.kind, self.left, self.right
        looked_at, splits = list(new), []
        while True:
            while looked_at:
                formula = looked_at.pop()
                if kind[formula] == FALSUM:
                    self.count()
                    return True
                if kind[formula] == AND:
                    self.count()
                    looked_at += [right[formula], left[formula]]
                elif kind[formula] == OR:
                    splits.append(formula)
                elif not waiting >> formula & 1:
                    waiting = self.keep(waiting, formula, looked_at)
            if waiting >> goal & 1 and kind[goal] == ATOM:
                self.count()
                return True
            if kind[goal] != IMPLIES:
                break
            self.count()
            looked_at.append(left[goal])
            goal = right[goal]
        if kind[goal] == AND:
            self.count()
            rest = tuple(splits)
            return (yield waiting, rest, left[goal]) and (yield waiting, rest, right[goal])
        if splits:
            self.count()
            split, rest = splits[0], tuple(splits[1:])
            return (yield waiting, (*rest, left[split]), goal) and (
                yield waiting, (*rest, right[split]), goal
            )
        return (yield from self.choose(waiting, goal))

    def keep(self, waiting: int, formula: int, looked_at: list[int]) -> int:
        """The bitset with an atom or implication that waits; what follows is to be looked at."""
        kind, left, right = self.kind, self.left, self.right
        if kind[formula] == ATOM:
            for held in _bits(waiting):
                if kind[held] == IMPLIES and left[held] == formula:
                    self.count()
                    waiting &= ~(1 << held)
                    looked_at.append(right[held])
            return waiting | 1 << formula
        premise, conclusion = left[formula], right[formula]
        if kind[premise] == IMPLIES or (kind[premise] == ATOM and not waiting >> premise & 1):
            return waiting | 1 << formula
        self.count()
        if kind[premise] == ATOM:
            looked_at.append(conclusion)
        elif kind[premise] == AND:
            inner = self.add(IMPLIES, right[premise], conclusion)
            looked_at.append(self.add(IMPLIES, left[premise], inner))
        elif kind[premise] == OR:
            looked_at.append(self.add(IMPLIES, right[premise], conclusion))
            looked_at.append(self.add(IMPLIES, left[premise], conclusion))
        return waiting

    def choose(self, waiting: int, goal: int) -> _Search:
        """The rules that may lose something: a side of a disjunction, a nested implication.

        Of (C → D) → B the second premise has B for it, and loses nothing; so where the first is
        proved, the second decides.
        """
        kind, left, right = self.kind, self.left, self.right
        if kind[goal] == OR:
            for side in (left[goal], right[goal]):
                self.count()
                if (yield waiting, (), side):
                    return True
        for held in _bits(waiting):
            if kind[held] == IMPLIES and kind[left[held]] == IMPLIES:
                self.count()
                rest = waiting & ~(1 << held)
                inner, conclusion = left[held], right[held]
                shorter = self.add(IMPLIES, right[inner], conclusion)
                if (yield rest, (shorter, left[inner]), right[inner]):
                    return (yield rest, (conclusion,), goal)
        return False


def _drive(search, sequent: tuple[int, tuple[int, ...], int]) -> bool:
    """Runs a search whose calls of itself are yielded: proofs may be thousands of rules deep."""
    stack, answer = [search(*sequent)], None
    while stack:
        try:
            stack.append(search(*stack[-1].send(answer)))
            answer = None
        except StopIteration as done:
            answer = done.value
            stack.pop()
    return bool(answer)


def _bits(mask: int):
    """The places of the ones, the last added first: newer hypotheses are nearer to the goal."""
    while mask:
        place = mask.bit_length() - 1
        yield place
        mask ^= 1 << place


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    seconds: float = 2.0
    """CPU time for a problem."""
    each: bool = False
    """Whether each problem is told, too."""


@dataclasses.dataclass(frozen=True)
class _Row:
    family: str
    size: int
    is_theorem: bool | None
    result: Result


def measure(path: Path, seconds: float) -> _Row:
    """One problem of the library. Raises RuntimeError if the prover contradicts its status."""
    problem: TptpProblem = read_tptp(path)
    result = prove(problem.formula, seconds=seconds)
    said = {Outcome.THEOREM: True, Outcome.NOT: False}.get(result.outcome)
    if None not in (said, problem.is_theorem) and said != problem.is_theorem:
        raise RuntimeError(f"{path.name}: the prover says {result.outcome.value}; the library no")
    size = len(subformulas(problem.formula))
    family = path.name.split("+")[0]
    family = family if family >= "SYJ2" and family < "SYN" else family[:3] + " others"
    return _Row(family, size, problem.is_theorem, result)


def main() -> None:
    """Prints a table: of each set how many problems there are, and how many are settled."""
    arguments = tyro.cli(Arguments)
    folder = os.environ.get("SELFPLAY_DATA")
    if folder is None:
        raise SystemExit("set SELFPLAY_DATA to the folder that holds iltp/*.p")
    console = Console(width=100)
    rows = []
    for path in sorted((Path(folder) / "iltp").glob("*.p")):
        rows.append(row := measure(path, arguments.seconds))
        if arguments.each:
            outcome = row.result.outcome.value
            console.print(f"{path.stem} {row.size} {outcome} {row.result.expansions:,}")
    table = Table("set", "theorems", "proved", "non-theorems", "refuted", "unsolved", "settled")
    sets = {f"≤ {size} subformulas": [r for r in rows if r.size <= size] for size in SIZES}
    sets["all"] = rows
    for row in rows:
        sets.setdefault(row.family, []).append(row)
    for name, members in sets.items():
        cells = []
        for status in (True, False, None):
            there = [r.result.outcome for r in members if r.is_theorem is status]
            cells += [len(there), len(there) - there.count(Outcome.OUT_OF_TIME)]
        table.add_row(name, *map(str, cells))
    console.print(table)


if __name__ == "__main__":
    main()
