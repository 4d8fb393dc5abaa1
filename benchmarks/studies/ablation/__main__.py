"""AlphaFold's ablation with exact truth: what is learnt from a teacher's own folds.

    python -m benchmarks.studies.ablation
    python -m benchmarks.studies.ablation --quick

HP chains of 18 residues. A teacher learns the native folds of a tenth of the designed chains, and
labels random chains, whose folds nobody told it. Students learn from native folds alone; from a
quarter of these and the teacher's likeliest folds, all of them or the surest half by AlphaFold 2's
measure; from folds that a search found; and from the surest half without any real data. Each
student labels for the next.
"""

import dataclasses
import functools
from typing import Any

import tyro

from benchmarks.studies import study
from benchmarks.studies.ablation.figure import REAL_ONLY, draw, table
from benchmarks.studies.ablation.lineage import Folding, Size
from benchmarks.studies.study import Measure, Options, Plan
from selfplay.distill_config import REAL_FRACTION

QUICK = Size(generations=1)


def arms(folding: Folding, quick: bool) -> dict[str, Measure]:
    """How each arm is measured, by name."""

    def lineage(name: str, *, real: float = REAL_FRACTION, **arm: Any) -> Measure:
        return functools.partial(folding.lineage, name, arm, real)

    likeliest = {"operator": "raw", "temperature": 0.0}
    surest = {"confidence": "reference", "keep_share": folding.size.kept}
    found: dict[str, Measure] = {
        REAL_ONLY: folding.real_only,
        "+ unfiltered": lineage("unfiltered", **likeliest),
        "+ filtered": lineage("filtered", **likeliest, **surest),
        "+ search": lineage("search", operator="search"),
        "all synthetic": lineage("synthetic", real=0.0, **likeliest, **surest),
    }
    if quick:
        del found["+ unfiltered"]
    return found


def main() -> None:
    """Reads the command line, measures and draws."""
    options = tyro.cli(Options, description=__doc__)
    size = QUICK if options.quick else Size()
    measured = arms(Folding(size), options.quick)
    study.run(Plan("ablation", dataclasses.asdict(size), measured, draw, table), options)


if __name__ == "__main__":
    main()
