"""Are the proofs of a run as short as those of blind search, of pairs of laws that both prove?

    python -m benchmarks.equational.lengths RUN
    python -m benchmarks.equational.lengths                               # no network

Both search the same test pairs (`pairs`), each in its own way (`agent`, `blind`), on one budget of
evaluations, or of expansions. Counted are rewritings; those of the run that Lean accepts.
"""

import dataclasses
import statistics
import time
from collections.abc import Sequence

import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.equational import agent, blind, pairs
from selfplay_envs.proofs.laws import laws


@dataclasses.dataclass(frozen=True)
class Lengths:
    """Of proofs of the same pairs, in rewritings; None where there is no proof."""

    of_agent: tuple[int | None, ...]
    of_blind: tuple[int | None, ...]

    @property
    def of_both(self) -> list[tuple[int, int]]:
        """The agent's and blind search's, of pairs that both prove."""
        each = zip(self.of_agent, self.of_blind, strict=True)
        return [(mine, other) for mine, other in each if mine is not None and other is not None]

    def __add__(self, other: "Lengths") -> "Lengths":
        return Lengths(self.of_agent + other.of_agent, self.of_blind + other.of_blind)


def lengths(outcomes: Sequence[agent.Outcome], results: Sequence[blind.Result]) -> Lengths:
    """Of an agent's and of blind search's proofs, in the same order."""
    return Lengths(
        tuple(one.rewritings if one.is_proved else None for one in outcomes),
        tuple(len(one.chain) - 1 if one.chain else None for one in results),
    )


def row(stratum: str, found: Lengths) -> tuple[str, ...]:
    """Of a table: how many are proved, and of what both prove medians."""
    both = found.of_both
    proved = [sum(one is not None for one in each) for each in (found.of_agent, found.of_blind)]
    medians = [f"{statistics.median(each):g}" for each in zip(*both, strict=True)] or ["–", "–"]
    longer = sum(mine > other for mine, other in both)
    shorter = sum(mine < other for mine, other in both)
    numbers = [len(found.of_agent), *proved, len(both), *medians, shorter, longer]
    return stratum, *map(str, numbers)


def blindly(there: Sequence[pairs.Pair], arguments: agent.Arguments) -> list[blind.Result]:
    """Searched blindly, with as many expansions as the agent has evaluations."""
    return [
        blind.prove(
            laws()[pair.hypothesis - 1],
            laws()[pair.conclusion - 1],
            budget=arguments.search.budget,
            max_size=arguments.size,
        )
        for pair in there
    ]


def main() -> None:
    """Prints the table."""
    arguments = tyro.cli(agent.Arguments, description=__doc__)
    began = time.process_time()
    prover = agent.Prover(arguments)
    heads = ["pairs", "proved", "blindly", "both", "rewritings", "blindly", "shorter", "longer"]
    table, everything = Table("stratum", *heads), Lengths((), ())
    for stratum, there in agent.drawn(arguments).items():
        if stratum in arguments.strata and stratum != pairs.FALSE:
            found = lengths(prover(there), blindly(there, arguments))
            table.add_row(*row(stratum, found))
            everything += found
    table.add_section()
    table.add_row(*row("all", everything))
    console = Console(width=100)
    console.print(table)
    console.print(
        f"Rewritings are medians, of pairs that both prove; {arguments.search.budget:,} "
        f"evaluations or expansions a pair; {time.process_time() - began:.0f} s of processor time"
    )


if __name__ == "__main__":
    main()
