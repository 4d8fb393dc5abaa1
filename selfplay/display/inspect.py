"""A generation as a person looks into it: tables, and positions with what was made of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from selfplay.environment.contract import Environment
from selfplay.evaluation.inspection import PASSED, Example, Inspection
from selfplay.inspect import Trial, inspect_run
from selfplay.operators.targets import VERDICTS
from selfplay.replay.selection import Filter
from selfplay.run.names import shown

_MOVES = 3


def inspect_with_view(
    run: Path, *, generation: int | None, examples: int, trial: Trial, as_json: bool
) -> None:
    """Looks into a generation, and prints what was found."""
    with Console(stderr=True).status(f"reading what {shown(run)} was taught"):
        env, number, keep, found = inspect_run(run, generation, trial, examples)
    if as_json:
        print(json.dumps(numbers(number, keep, found)))
        return
    console = Console(highlight=False)
    console.print(f"[italic]Generation {number} of {shown(run)}[/italic]\n{_counts(found)}")
    parts = {"Who made it": sources(found), f"What {_words(keep)} keeps": fates(found)}
    if examples:
        parts |= {
            "Where label and teacher's network differ most": pictures(env, found.worst),
            "The commonest positions, after the first move": commonest(env, found),
        }
        for name, fate in found.fates.items():
            parts[f"Examples: {name}"] = pictures(env, fate.examples)
    for title, part in parts.items():
        console.print(Text(f"\n{title}", "bold"))
        console.print(part)


def numbers(number: int, keep: Filter, found: Inspection) -> dict[str, Any]:
    """What was found, without the examples, as JSON has it."""
    return {
        "generation": number,
        "filter": {"verified": keep.verified, "least_confidence": keep.least_confidence},
        "rows": found.rows,
        "episodes": found.episodes,
        "different_positions": found.duplicates.positions,
        "different_episodes": found.duplicates.episodes,
        "confidence_quartiles": found.confidence.tolist(),
        "sources": [vars(source) for source in found.sources],
        "fates": {
            name: {"rows": fate.rows, "judged": fate.judged, "accepted": fate.accepted}
            | ({"decisive": fate.decisive, "best": fate.best} if found.knows_best else {})
            for name, fate in found.fates.items()
        },
    }


def _counts(found: Inspection) -> str:
    """How much there is, and how much of it twice."""
    same = found.duplicates
    return (
        f"{found.rows:,} rows of {found.episodes:,} episodes: "
        f"{_percent(same.positions, found.rows)} % of positions, "
        f"{_percent(same.episodes, found.episodes)} % of episodes are different"
    )


def sources(found: Inspection) -> Table:
    """Rows by who made them."""
    table = _table("rows by", "rows", "%", "episodes", "simulations", "confidence")
    for source in found.sources:
        table.add_row(
            source.name,
            f"{source.rows:,}",
            _percent(source.rows, found.rows),
            f"{source.episodes:,}",
            f"{source.simulations / source.rows:.1f}",
            f"{source.confidence / source.rows:.3f}",
        )
    return table


def fates(found: Inspection) -> Group:
    """Rows by whether they pass, and how right they are."""
    judged = any(fate.judged for fate in found.fates.values())
    columns = ["rows that", "rows", "%"]
    columns += ["accepted, %"] * judged
    columns += ["right, %"] * found.knows_best
    table = _table(*columns)
    for name, fate in found.fates.items():
        cells = [
            "pass" if name == PASSED else f"are refused: {name}",
            f"{fate.rows:,}",
            _percent(fate.rows, found.rows),
        ]
        cells += [_percent(fate.accepted, fate.judged)] * judged
        cells += [_percent(fate.best, fate.decisive)] * found.knows_best
        table.add_row(*cells)
    least, low, middle, high, most = found.confidence
    notes = [
        f"confidence from {least:.3f} to {most:.3f}; quartiles {low:.3f}, {middle:.3f}, {high:.3f}"
    ]
    if found.knows_best:
        notes.append("right: the likeliest action is best, where one is better than another")
    return Group(table, *(Text(f"  {note}", "dim") for note in notes))


def pictures(env: Environment, examples: list[Example]) -> Group:
    """Positions with their labels, one below another."""
    return Group(*(picture(env, example) for example in examples))


def commonest(env: Environment, found: Inspection) -> Group:
    """The positions that occur most often."""
    parts = [
        picture(env, example, f"{count:,} times") for count, example in found.duplicates.commonest
    ]
    return Group(*(parts or [Text("  no position occurs twice", "dim")]))


def picture(env: Environment, example: Example, title: str = "") -> Padding:
    """A position, what was played, what is learnt from it, and what the network thought."""
    targets = example.sample.targets
    label, provenance = np.asarray(targets.action_weights), targets.provenance
    facts = Table.grid(padding=(0, 1))
    rows = [
        ("", title),
        ("played", env.format_action(int(example.sample.action))),
        ("label", f"{likeliest(env, label)}   value {float(targets.value):+.2f}"),
        ("network", f"{likeliest(env, example.policy)}   value {example.value:+.2f}"),
        ("differ by", f"{example.divergence:.2f} nats"),
        ("confidence", f"{float(provenance.confidence):.3f}"),
        ("verdict", VERDICTS[int(provenance.verdict)].replace("none", "")),
    ]
    for name, value in rows:
        if value:
            facts.add_row(Text(name, "dim"), Text(value))
    side_by_side = Table.grid(padding=(0, 4))
    side_by_side.add_row(Text(env.render(targets.problem, targets.state)), facts)
    return Padding(side_by_side, (0, 0, 1, 2))


def likeliest(env: Environment, weights: np.ndarray) -> str:
    """The likeliest actions of a policy, with their share."""
    order = np.argsort(-weights, kind="stable")[:_MOVES]
    return ", ".join(
        f"{env.format_action(int(a))} {100 * weights[a]:.0f} %"
        for a in order
        if weights[a] >= 0.005
    )


def _words(keep: Filter) -> str:
    """A filter in words."""
    parts = ["the verifier's word"] * keep.verified
    parts += [f"a confidence of at least {keep.least_confidence:.6g}"] * (keep.least_confidence > 0)
    return " and ".join(parts) or "no filter"


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 1))
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "–"
