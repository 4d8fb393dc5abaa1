"""A run as one page: an HTML file that needs no other, to be read, sent and printed.

The page is the template `report.html`; everything that comes from settings, names or files is
escaped by Jinja.
"""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import jax
import jinja2
import numpy as np
from markupsafe import Markup

from selfplay import __version__
from selfplay import config as config_lib
from selfplay.agent import Agent
from selfplay.config import Config
from selfplay.display import boards, records
from selfplay.display.blunders import Blunder, worst_moves
from selfplay.display.curves import Series, line_chart
from selfplay.display.live import clock
from selfplay.environment import registry
from selfplay.environment.contract import SolvedPositions
from selfplay.evaluate import evaluate, to_json
from selfplay.files import write_text
from selfplay.run import checkpoint, guards, machine, metrics, remedies
from selfplay.run.directory import RunDirectory, refuse_unwritable

MOST_BLUNDERS = 6
SHOWN_MOVES = 7
"""Rows of a table of moves."""


@dataclasses.dataclass(frozen=True)
class Panel:
    """A chart: its title, what it shows, and what is healthy."""

    title: str
    curves: dict[str, str]
    """Metric to name in the legend."""
    explanation: str
    share: bool = False
    """Whether they are shares, from nothing to all."""
    zoomed: bool = False
    """Whether the axis begins at the least number, in place of zero."""


PANELS = (
    Panel(
        "Moves that keep the value",
        {
            "exact/search": "with search",
            "exact/network": "network alone",
            "exact/random": "random moves",
        },
        "Share of solved positions in which the chosen move does not give the game's value away, "
        "mean over buckets. Healthy: it rises, fast at first; search stays above the network.",
        share=True,
        zoomed=True,
    ),
    Panel(
        "Loss",
        {"loss/policy": "policy (cross-entropy)", "loss/value": "value (squared error)"},
        "How far the network is from its targets. Healthy: both fall, then level out above zero, "
        "for targets are noisy; it is no measure of strength by itself.",
    ),
    Panel(
        "Entropy and divergence, nats",
        {
            "entropy/policy": "entropy of the policy",
            "entropy/target": "entropy of the targets",
            "kl/target_policy": "KL(target ‖ policy)",
        },
        "How undecided network and targets are, and what is left to learn from the targets. "
        "Healthy: all fall slowly; the divergence stays above zero while there is something to "
        "learn.",
    ),
    Panel(
        "Entropy of the policy by depth, nats",
        {f"policy/entropy_{ply}": f"from step {ply}" for ply in (0, 4, 8, 16, 32)},
        "How undecided the network is early and late in its games. Healthy: it falls as it learns, "
        "the end of games first, and not to zero where games begin.",
    ),
    Panel(
        "How games begin",
        {
            "openings/heterozygosity": "two begin differently",
            "openings/unseen": "one more is new",
            "openings/tail_recall": "rare ones come again",
        },
        "Of the last thousand games: the chance that two differ in their first six positions, that "
        "one more begins as none has, and the share of the rare beginnings of the thousand games "
        "before that are still seen. Healthy: the first stays near one.",
        share=True,
    ),
    Panel(
        "Errors beside the best look before",
        {"errors/new": "new", "errors/mended": "mended"},
        "Solved positions that the network alone gets wrong though an earlier one did not, and the "
        "other way round. Healthy: more are mended than new, or both are few.",
    ),
    Panel(
        "Values",
        {
            "value/calibration_error": "error of calibration",
            "value/variance": "variance",
        },
        "How far the chance to win that the network sees is from what came of it, and how much its "
        "values differ. Healthy: the first is low, the second grows.",
    ),
    Panel(
        "Moves that the search changes",
        {"search/changed": "another move than the network's", "game/repeated": "equal games"},
        "How often the search prefers another move than the network, and how likely two games are "
        "the same. Healthy: the first falls but not to zero; the second stays near zero.",
        share=True,
    ),
    Panel(
        "Games",
        {
            "game/first_player_wins": "first player wins",
            "game/first_player_losses": "first player loses",
        },
        "How self-play ends. Healthy: neither side wins nearly all games, unless the game is so.",
        share=True,
    ),
    Panel(
        "Length of games, moves",
        {"game/length": "mean length"},
        "Healthy: it changes as play improves, and does not fall to the shortest game there is.",
    ),
    Panel(
        "Age of the rows learnt from, iterations",
        {"buffer/age": "mean age"},
        "How old the games are that the network learns from. Healthy: it rises until the buffer is "
        "full, then stays, well below half of the iterations done.",
    ),
    Panel(
        "Simulations per second",
        {"speed/simulations_per_second": "simulations per second"},
        "Speed, learning included. Healthy: level; it falls a little as searches grow deeper.",
    ),
)


def write_report(run: Path, output: Path | None = None, *, judge: bool = True) -> Path:
    """Writes the page, by default to `RUN/report.html`, and returns its path.

    Args:
        run: the run's folder.
        output: of the page.
        judge: evaluates the run first, as `selfplay evaluate` does, if nobody has.

    Raises:
        ValueError: there is no such run, or nothing of it is finished, or the page cannot be
            written.
    """
    folder = RunDirectory(run.absolute())
    agent = Agent.load(run)
    rows = metrics.read(folder.metrics)
    if not rows:
        raise ValueError(
            f"{run} has nothing to report: no iteration is finished, or it is an exported "
            f"network, which has no history; to judge that: selfplay evaluate {run}"
        )
    path = folder.path / "report.html" if output is None else output
    refuse_unwritable(path)
    evaluation = _read_json(folder.evaluation)
    if evaluation is None and judge:
        evaluation = json.loads(json.dumps(to_json(evaluate(run))))
    write_text(path, render(folder, agent, rows, evaluation))
    return path


def render(
    folder: RunDirectory,
    agent: Agent,
    rows: list[dict[str, Any]],
    evaluation: dict[str, Any] | None,
) -> str:
    """The page's text; `evaluation` is what `RUN/evaluation.json` would hold."""
    watching = guards.Guards(rows)
    found = checkpoint.find(folder.checkpoints, agent.iteration)
    info = checkpoint.read_info(found)
    solved = agent.env.solved_positions()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"percent": percent, "clock": clock, "signed": signed}
    return environment.get_template("report.html").render(
        name=folder.path.name,
        config=agent.config,
        players=agent.env.num_players,
        last=rows[-1],
        iteration=agent.iteration,
        games=sum(row.get("games", 0) for row in rows),
        simulations=agent.config.evaluation.num_simulations,
        findings=watching.findings,
        doses=remedies.given(rows),
        passed={n: span for n, span in watching.spans.items() if n not in _names(watching)},
        rules={name: rule.__doc__ for name, rule in guards.RULES.items()},
        charts=charts(rows),
        evaluation=evaluation,
        arena=_read_json(folder.path / "arena.json"),
        blunders=blunders(agent, solved),
        records=[_record(agent, record) for record in records.games_to_show(agent)],
        settings=settings(agent.config),
        spent=time_spent(rows),
        machine=info.get("machine"),
        machine_here=machine.describe(),
        versions=checkpoint.read_versions(found),
        parameters=sum(int(np.size(x)) for x in jax.tree.leaves(agent.params)),
        version=__version__,
    )


def charts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The panels that there are numbers for, drawn."""
    drawn = []
    for panel in PANELS:
        lines = [_series(rows, key, name) for key, name in panel.curves.items()]
        lines = [line for line in lines if line.points]
        if lines:
            form = "{:.0%}".format if panel.share else _short
            highest = max(y for line in lines for _, y in line.points)
            limits = None if panel.zoomed else (0.0, 1.0 if panel.share else highest)
            svg = line_chart(lines, x_label="minutes of training", form=form, limits=limits)
            drawn.append({"panel": panel, "lines": lines, "svg": svg})
    return drawn


def _series(rows: list[dict[str, Any]], key: str, name: str) -> Series:
    points = [
        (row["seconds"] / 60.0, float(row[key]))
        for row in rows
        if math.isfinite(row.get(key, math.nan))
    ]
    if key.startswith("speed/"):  # the first iterations compile
        points = points[3:]
    return Series(name, points, dashed=key == "exact/random")


def blunders(agent: Agent, solved: SolvedPositions | None) -> dict[str, Any] | None:
    """The worst moves in solved positions, drawn; None where none are known."""
    if solved is None:
        return None
    count, worst = worst_moves(agent, solved, MOST_BLUNDERS)
    return {
        "count": count,
        "positions": int(solved.bucket.shape[0]),
        "worst": [_blunder(agent, blunder) for blunder in worst],
    }


def _blunder(agent: Agent, blunder: Blunder) -> dict[str, Any]:
    env, decision = agent.env, blunder.decision
    picture = boards.draw(
        env, blunder.problem, blunder.state, played=decision.action, best=blunder.best
    )
    legal = np.flatnonzero(np.isfinite(blunder.exact))
    order = sorted(legal.tolist(), key=lambda action: -decision.action_weights[action])
    shown = order[:SHOWN_MOVES]
    shown += [action for action in blunder.best if action not in shown][:1]
    return {
        "blunder": blunder,
        "picture": picture,
        "played": env.format_action(decision.action),
        "best": [env.format_action(action) for action in blunder.best],
        "moves": [
            {
                "name": env.format_action(action),
                "prior": float(decision.prior[action]),
                "weight": float(decision.action_weights[action]),
                "visits": int(decision.visit_counts[action]),
                "value": float(decision.qvalues[action]),
                "exact": int(np.sign(blunder.exact[action])),
                "played": action == decision.action,
                "best": action in blunder.best,
            }
            for action in shown
        ],
    }


def _record(agent: Agent, record: records.Record) -> dict[str, Any]:
    env = agent.env
    values = [(float(n), ply.value) for n, ply in enumerate(record.plies) if ply.value is not None]
    chart = line_chart(
        [Series("value for the first player", values)],
        x_label="moves played",
        form="{:+.1f}".format,
        limits=(-1.0, 1.0),
    )
    plies = [
        {
            "number": number,
            "picture": boards.draw(env, record.problem, ply.state, played=ply.action),
            "mover": "second" if int(ply.state.current_player) else "first",
            "move": None if ply.action is None else env.format_action(ply.action),
            "value": ply.value,
        }
        for number, ply in enumerate(record.plies, 1)
    ]
    return {
        "title": record.title,
        "problem": env.format_problem(record.problem),
        "outcome": records.outcome(record),
        "chart": chart if values else Markup(),
        "plies": plies,
    }


def settings(config: Config) -> dict[str, list[dict[str, Any]]]:
    """All settings by section, each with the preset's value where it differs."""
    try:
        preset = registry.preset(config.env)
    except ValueError:
        preset = Config(env=config.env)
    changed = set(config_lib.difference(preset, config))
    sections: dict[str, list[dict[str, Any]]] = {}
    for path in config_lib.paths():
        section, _, field = path.rpartition(".")
        value = config_lib.get(config, path)
        sections.setdefault(section or "run", []).append(
            {
                "name": field,
                "value": "–" if value is None or value == {} else value,
                "preset": config_lib.get(preset, path),
                "changed": path in changed,
            }
        )
    return sections


def time_spent(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds by what they went for; empty for the rows of a version that did not measure them."""
    parts = {"playing": "play", "learning": "learn", "looking at exact truth": "look"}
    spent: dict[str, float] = {
        name: sum(row.get(f"seconds/{key}", 0.0) for row in rows) for name, key in parts.items()
    }
    if not spent["playing"]:
        return {}
    spent["compiling, saving and the rest"] = max(0.0, rows[-1]["seconds"] - sum(spent.values()))
    return spent


def _short(number: float) -> str:
    return f"{number / 1000:g}k" if abs(number) >= 10_000 else f"{number:g}"


def percent(share: float) -> str:
    """A share as per cent."""
    return f"{100.0 * share:.1f} %"


def signed(value: float) -> str:
    """A value with its sign."""
    return f"{value:+.2f}".replace("-", "−")


def _read_json(path: Path) -> Any:
    """What a file holds; None if there is none. Raises ValueError if it is no JSON."""
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise ValueError(f"{path} is damaged; make it anew, or delete it") from None


def _names(watching: guards.Guards) -> set[str]:
    return {finding.name for finding in watching.findings}
