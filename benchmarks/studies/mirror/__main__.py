"""The mirror: twenty generations, each of which learns from games of the one before.

    python -m benchmarks.studies.mirror
    python -m benchmarks.studies.mirror --quick

Connect Four on 5 by 4, solved exactly. Generation 0 is games of a player who knows the truth and
errs now and then. Then eight lineages: raw samples, where each generation replaces the last one,
where they accumulate, and with 10 % of generation 0; the likeliest moves alone; a placebo; and
searches of 2, 8 and 32 simulations.
"""

import dataclasses

import tyro

from benchmarks.studies import study
from benchmarks.studies.mirror.figure import draw, table
from benchmarks.studies.mirror.lineage import Mirror, Size
from benchmarks.studies.study import Measure, Options, Plan

QUICK = Size(generations=8, games=1_024)


def arms(mirror: Mirror, quick: bool) -> dict[str, Measure]:
    """How each arm is measured, by name."""
    raw = {"operator": "raw"}
    found: dict[str, Measure] = {
        "real games anew": mirror.anew,
        "raw": mirror.lineage("raw", 8, raw, real=False),
        "search 8": mirror.lineage("search-8", 8, {"operator": "search"}, real=False),
    }
    if quick:
        return found
    return found | {
        "raw, accumulated": mirror.lineage(
            "accumulated", 8, raw | {"regime": "accumulate"}, real=True
        ),
        "raw, 10 % real": mirror.lineage("mixed", 8, raw | {"real_fraction": 0.1}, real=True),
        "raw, likeliest": mirror.lineage("likeliest", 8, raw | {"temperature": 0.0}, real=False),
        "placebo 8": mirror.lineage("placebo", 8, {"operator": "placebo"}, real=False),
        "search 2": mirror.lineage("search-2", 2, {"operator": "search"}, real=False),
        "search 32": mirror.lineage("search-32", 32, {"operator": "search"}, real=False),
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
