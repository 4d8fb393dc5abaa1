"""What was measured of searchers: each alone, and among each other; as data, and on disk."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import dacite
import numpy as np

from selfplay.evaluation import rating
from selfplay.evaluation.depth import Cost, Estimate, Exact
from selfplay.evaluation.searcher import Searcher
from selfplay.evaluation.tournament import Tournament
from selfplay.files import write_text


@dataclasses.dataclass(frozen=True)
class Point:
    """What was measured of one searcher alone."""

    searcher: Searcher
    cost: Cost
    exact: Exact | None = None
    """Where the truth is known."""
    solved: Estimate | None = None
    """Share of held-out problems, where there is one player."""


@dataclasses.dataclass(frozen=True)
class Study:
    """What is known of all searchers measured so far."""

    about: dict[str, Any]
    """What must not change if measurements are to be compared."""
    network: dict[str, Any]
    machine: dict[str, str]
    points: tuple[Point, ...] = ()
    games: Tournament | None = None
    """Among searchers and fixed opponents; None where there is one player, or none was played."""

    def point(self, searcher: Searcher) -> Point | None:
        """What is known of a searcher."""
        return next((point for point in self.points if point.searcher == searcher), None)

    def curves(self) -> dict[Searcher, list[Point]]:
        """The points of each curve, by number of simulations; each begins with its raw guess."""
        ordered = sorted(self.points, key=lambda point: point.searcher.simulations)
        found: dict[Searcher, list[Point]] = {}
        for point in ordered:
            if point.searcher.policy is not None:
                found.setdefault(point.searcher.curve, []).append(point)
        searched = {curve.raw for curve in found}
        for point in ordered:
            if point.searcher.policy is None and point.searcher not in searched:
                found[point.searcher] = [point]  # of which no search was asked for
        for curve, points in found.items():
            if curve.policy is None:
                continue
            raw = self.point(curve.raw)
            points[:0] = [] if raw is None else [raw]
        return found

    def elo(self) -> dict[str, Estimate]:
        """Rating of each player, over the first searcher's, with its 95 % interval."""
        if self.games is None:
            return {}
        elo, half = self.games.ratings.relative_to(0)
        return {
            name: Estimate(float(x), float(x - h), float(x + h))
            for name, x, h in zip(self.games.names, elo, half, strict=True)
        }


def write(known: Study, path: Path) -> None:
    """Writes a study as JSON, whole or not at all."""
    values = dataclasses.asdict(dataclasses.replace(known, games=None))
    if known.games is not None:
        played = np.argwhere(known.games.pairs.sum(axis=(2, 3)))
        values["games"] = {
            "names": list(known.games.names),
            "openings": known.games.num_openings,
            "pairs": [[int(i), int(j), known.games.pairs[i, j].tolist()] for i, j in played],
            "elo": {name: dataclasses.asdict(e) for name, e in known.elo().items()},
        }
    write_text(path, json.dumps(values, separators=(",", ":")) + "\n")


def read(path: Path) -> Study:
    """Reads what `write` wrote. Raises ValueError if it is not a study."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        games = values.pop("games", None)
        known = dacite.from_dict(Study, values, dacite.Config(cast=[tuple], strict=True))
        return known if games is None else dataclasses.replace(known, games=_tournament(games))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, dacite.DaciteError) as e:
        raise ValueError(f"{path} is not a study of search depth: {e}; move it away") from e


def _tournament(values: dict[str, Any]) -> Tournament:
    names = tuple(values["names"])
    pairs = np.zeros((len(names), len(names), 3, 3), np.int64)
    for i, j, table in values["pairs"]:
        pairs[i, j] = table
    return Tournament(names, pairs, rating.fit_pairs(pairs), int(values["openings"]))
