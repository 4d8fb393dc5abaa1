"""Guards of a distillation: what its generations' metrics say, in words, when they grow alike.

Each rule is a pure function from the rows that began a generation, the first one's first, to a
finding or nothing; the last row is the one that is judged.
"""

from collections.abc import Callable, Sequence

from selfplay.run.guards import Finding, Row

ALIKE = 0.3
"""Chance that two episodes begin alike; as `guards.REPEATED`, of whole games."""
LOST = 0.5
"""Share of the first generation's openings that must be gone. In the mirror (see the studies in
benchmarks/README.md) learning from searches, from real games too, or from all generations never
lost as many in twenty generations; learning from raw samples did after 15 to 17, the likeliest
moves at once. It is a late sign: raw samples had cost a quarter more mistakes after 6 or 7."""

Rule = Callable[[Sequence[Row]], Finding | None]


def begin_alike(generations: Sequence[Row]) -> Finding | None:
    """Most episodes begin in the same way."""
    heterozygosity = generations[-1].get("openings/heterozygosity")
    if heterozygosity is None or 1.0 - heterozygosity < ALIKE:
        return None
    return Finding(
        "begin_alike",
        f"Two episodes of the generation begin alike with a probability of "
        f"{100 * (1 - heterozygosity):.1f} %.",
        "The student sees few positions, and will not know what to do in any other.",
        "Sample more moves (rollout.temperature_plies, --temperature 1), begin in more ways "
        "(rollout.max_opening_plies), or mix in real data (--real).",
    )


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


RULES: dict[str, Rule] = {rule.__name__: rule for rule in (begin_alike, lost_openings)}
"""By the name of what they find, the gravest first."""


def findings(rows: Sequence[Row]) -> tuple[Finding, ...]:
    """What stands after a distillation's rows, the gravest first."""
    generations = [row for row in rows if "labels/rows" in row]
    if not generations:
        return ()
    found = (rule(generations) for rule in RULES.values())
    return tuple(finding for finding in found if finding is not None)
