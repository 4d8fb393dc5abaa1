"""Guards of a distillation: what its generations' metrics say, in words, when students get worse.

Each rule is a pure function from the merged rows of the generations, the first one's first, to a
finding or nothing; the last one is judged.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from selfplay.run import guards
from selfplay.run.guards import Finding, Row

LOST = 0.5
"""Share of the first generation's openings that must be gone. In the mirror (see the studies in
benchmarks/README.md) learning from searches, from real games too, or from all generations never
lost as many in twenty generations; learning from raw samples did after 15 to 17, the likeliest
moves at once. It is a late sign: raw samples had cost a quarter more mistakes after 2 or 3."""

Rule = Callable[[Sequence[Row]], Finding | None]


def new_errors(generations: Sequence[Row]) -> Finding | None:
    """The student makes errors that an earlier one did not."""
    return guards.new_errors_of(generations[-1], steps="generation")


def begin_alike(generations: Sequence[Row]) -> Finding | None:
    """Most episodes begin in the same way."""
    heterozygosity = generations[-1].get("openings/heterozygosity")
    return None if heterozygosity is None else guards.begin_alike_of(heterozygosity)


def lost_openings(generations: Sequence[Row]) -> Finding | None:
    """Half of the first generation's openings are gone."""
    first, now = (row.get("openings/per_thousand") for row in (generations[0], generations[-1]))
    if first is None or now is None or now >= LOST * first:
        return None
    return Finding(
        "lost_openings",
        f"A thousand episodes begin in {now:,.0f} ways; in the first generation it was "
        f"{first:,.0f}.",
        "Each generation shows less of what the one before knew; what is rare goes first.",
        "Mix in real data (--real, --real-fraction), keep all generations (--regime accumulate), "
        "or begin in more ways (rollout.max_opening_plies).",
    )


def overconfident(generations: Sequence[Row]) -> Finding | None:
    """What the student expects is not what came of the first generation's games."""
    error = generations[-1].get("value/calibration_error")
    finding = None if error is None else guards.overconfident_of(error)
    if finding is None:
        return None
    remedy = (
        "Label more episodes (--episodes), learn longer (--updates), weigh the value more "
        "(learner.value_weight), or mix in real data (--real)."
    )
    return dataclasses.replace(finding, remedy=remedy)


RULES: dict[str, Rule] = {
    rule.__name__: rule for rule in (new_errors, begin_alike, lost_openings, overconfident)
}
"""By the name of what they find, the gravest first."""


def by_generation(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What is known of each generation that has labels, the latest of each metric."""
    merged: dict[int, dict[str, Any]] = {}
    for row in rows:
        merged.setdefault(int(row.get("generation", 0)), {}).update(row)
    return [merged[number] for number in sorted(merged) if "labels/rows" in merged[number]]


def findings(rows: Sequence[Row]) -> tuple[Finding, ...]:
    """What stands after a distillation's rows, the gravest first."""
    generations = by_generation(rows)
    if not generations:
        return ()
    found = (rule(generations) for rule in RULES.values())
    return tuple(finding for finding in found if finding is not None)
