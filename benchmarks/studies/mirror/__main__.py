"""The mirror: twenty generations, each of which learns from games of the one before.

    python -m benchmarks.studies.mirror
    python -m benchmarks.studies.mirror --quick

Connect Four on 5 by 4, solved exactly. Generation 0 is games of a player who knows the truth and
errs now and then. Then nine lineages: raw samples, where each generation replaces the last one,
where they accumulate, and with 10 % of generation 0; the likeliest moves alone; a placebo;
searches of 2, 8 and 32 simulations; and one of 32 that flattens the prior.
"""

import dataclasses
import functools
from typing import Any

import tyro

from benchmarks.studies import study
from benchmarks.studies.mirror.figure import ANEW, draw, table
from benchmarks.studies.mirror.lineage import Arm, Mirror, Size
from benchmarks.studies.study import Measure, Options, Plan

FLAT_PRIOR = {"prior_temperature": 1.2, "value_scale": 0.012}
"""What was seen moves a policy twice as far, and what it was before counts for less: generations
do not sharpen each other without end, and what is as good becomes as likely."""
QUICK = Size(generations=8, games=1_024)


def arms(mirror: Mirror, quick: bool) -> dict[str, Measure]:
    """How each arm is measured, by name."""

    def lineage(
        name: str,
        *,
        simulations: int = 8,
        real: bool = False,
        search: dict[str, float] | None = None,
        **arm: Any,
    ) -> Measure:
        return functools.partial(mirror.lineage, Arm(name, arm, simulations, real, search or {}))

    found: dict[str, Measure] = {
        ANEW: mirror.anew,
        "raw": lineage("raw", operator="raw"),
        "search 8": lineage("search-8", operator="search"),
    }
    if quick:
        return found
    return found | {
        "raw, accumulated": lineage("accumulated", operator="raw", regime="accumulate", real=True),
        "raw, 10 % real": lineage("mixed", operator="raw", real_fraction=0.1, real=True),
        "raw, likeliest": lineage("likeliest", operator="raw", temperature=0.0),
        "placebo 8": lineage("placebo", operator="placebo"),
        "search 2": lineage("search-2", operator="search", simulations=2),
        "search 32": lineage("search-32", operator="search", simulations=32),
        "search 32, flat prior": lineage(
            "flat-prior", operator="search", simulations=32, search=FLAT_PRIOR
        ),
    }


def main() -> None:
    """Reads the command line, measures and draws."""
    options = tyro.cli(Options, description=__doc__)
    size = QUICK if options.quick else Size()
    plan = Plan(
        "mirror",
        dataclasses.asdict(size),
        arms(Mirror(size), options.quick),
        draw,
        table,
    )
    study.run(plan, options)


if __name__ == "__main__":
    main()
