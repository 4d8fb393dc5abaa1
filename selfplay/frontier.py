"""Training or search? Quality over both: a run's checkpoints by numbers of simulations.

from selfplay.frontier import frontier

found = frontier("runs/connect_four")
found.plane.exchange  # how many times more search replaces ten times less training

The grid is a study of search (`selfplay.depth`) whose curves are checkpoints, and is kept and gone
on with like one.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from selfplay.depth import home, study
from selfplay.environment import registry
from selfplay.evaluation import compute, enough, exchange
from selfplay.evaluation.compute import Compute
from selfplay.evaluation.depth import Estimate
from selfplay.evaluation.exchange import Plane
from selfplay.evaluation.searcher import Policy, Searcher
from selfplay.evaluation.study import Point, Study
from selfplay.networks.build import build
from selfplay.run import checkpoint
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate

SIMULATIONS = (0, 2, 4, 8, 16, 32, 64, 128, 256)
"""By default; not 1, which costs something and plays as the network alone does."""

FILE = "frontier.json"

Measure = Literal["kept", "solved", "elo"]


@dataclasses.dataclass(frozen=True)
class Frontier:
    """Quality over training and search."""

    study: Study
    measure: Measure
    """Share of moves that keep the value, share of problems solved, or Elo."""
    iterations: tuple[int, ...]
    simulations: tuple[int, ...]
    quality: tuple[tuple[Estimate, ...], ...]
    """Of each checkpoint, by number of simulations."""
    training: tuple[Compute, ...]
    """Until each checkpoint."""
    search: tuple[Compute, ...]
    """Of a move, by number of simulations."""
    seconds: tuple[float | None, ...]
    """Of training, until each checkpoint, where that is known."""
    plane: Plane
    """Through all points but those of the untrained network."""

    def fitted(self, log_training: np.ndarray, log_search: np.ndarray) -> np.ndarray:
        """The plane in the measure's own units; logarithms of evaluations to the base of 10."""
        quality = self.plane.quality(log_training, log_search)
        return quality if self.measure == "elo" else 1.0 / (1.0 + np.exp(-quality))


def frontier(
    run: Path | str,
    *,
    simulations: Sequence[int] = SIMULATIONS,
    policy: Policy | None = None,
    measure: Measure | None = None,
    games: int = 20_000,
    precision: float = 75.0,
    opening_plies: int = 6,
    episodes: int = 400,
    batch_size: int | None = None,
    seed: int = 0,
    output: Path | None = None,
    watch: Callable[[Study, str], None] | None = None,
) -> Frontier:
    """Measures all milestones of a run and its newest checkpoint, or goes on with it.

    Args:
        run: the run's folder.
        simulations: of the searches; 0 is the network alone.
        policy: "gumbel" or "puct", by default the run's.
        measure: "kept" where exact truth is known, "solved" where there is one player, else "elo".
        games: at most so many, for "elo".
        precision: Elo, as in `study`.
        opening_plies: as in `study`.
        episodes: as in `study`.
        batch_size: as in `study`.
        seed: as in `study`.
        output: the file, by default frontier.json where `study` would write.
        watch: as in `study`.

    Raises:
        ValueError: as `study`; the measure is not to be had; or too few checkpoints or numbers of
            simulations.
    """
    folder = RunDirectory(locate(run))
    config = folder.read_config()
    env = registry.make(config.env, **config.env_args)
    measure = _measure(env, measure)
    paths = [
        *checkpoint.available(folder.milestones),
        *checkpoint.available(folder.checkpoints)[:1],
    ]
    iterations = tuple(sorted({int(path.name) for path in paths}))
    counts = tuple(sorted(set(simulations)))
    if sum(iteration > 0 for iteration in iterations) < 2 or len(counts) < 2:
        raise ValueError(
            "a frontier needs at least 2 checkpoints that were trained and 2 numbers of "
            f"simulations; {run} has checkpoints of iterations {', '.join(map(str, iterations))}"
        )
    policy = policy or config.search.policy
    known = study(
        run,
        simulations=counts,
        policies=(policy,),
        iterations=iterations,
        rivals=(),
        games=games if measure == "elo" else 0,
        precision=precision,
        opening_plies=opening_plies,
        episodes=episodes,
        batch_size=batch_size,
        seed=seed,
        output=output or home(run) / FILE,
        watch=watch,
    )

    def point(iteration: int, count: int) -> Point:
        searcher = Searcher(iteration=iteration, policy=policy, simulations=count)
        found = known.point(searcher if count else searcher.raw)
        assert found is not None
        return found

    flops = compute.flops_of_evaluation(env, build(config.network, env))
    grid = [[point(iteration, count) for count in counts] for iteration in iterations]
    training = tuple(compute.training(config, i, flops) for i in iterations)
    search = tuple(compute.searching(count, flops) for count in counts)
    return Frontier(
        study=known,
        measure=measure,
        iterations=iterations,
        simulations=counts,
        quality=tuple(tuple(_quality(known, one, measure) for one in row) for row in grid),
        training=training,
        search=search,
        seconds=tuple(_seconds(folder, iteration) for iteration in iterations),
        plane=_plane(known, measure, grid, training, search),
    )


def _measure(env: Any, measure: Measure | None) -> Measure:
    """The measure asked for, or the best there is. Raises ValueError if it is not to be had."""
    there: list[Measure] = [] if env.solved_positions() is None else ["kept"]
    there.append("solved" if env.num_players == 1 else "elo")
    if measure is not None and measure not in there:
        raise ValueError(f"this environment has {' and '.join(there)} to measure, not {measure}")
    return measure or there[0]


def _quality(known: Study, point: Point, measure: Measure) -> Estimate:
    if measure == "elo":
        return known.elo()[point.searcher.name]
    found = point.solved if measure == "solved" else point.exact and point.exact.kept
    assert found is not None
    return found


def _plane(
    known: Study,
    measure: Measure,
    grid: Sequence[Sequence[Point]],
    training: Sequence[Compute],
    search: Sequence[Compute],
) -> Plane:
    """The fit to all that were trained."""
    trained = [
        (point, spent.evaluations, searched.evaluations)
        for row, spent in zip(grid, training, strict=True)
        for point, searched in zip(row, search, strict=True)
        if spent.evaluations > 0.0
    ]
    points, spent, searched = zip(*trained, strict=True)
    if measure == "elo":  # over the mean: over a player, that player's own would be certain
        quality, covariance = enough.elo(known, points)
        deviation = np.sqrt(np.diagonal(covariance))
    else:
        shares = [_quality(known, point, measure) for point in points]
        quality, deviation = np.array([exchange.log_odds(share) for share in shares]).T
    return exchange.fit(quality, deviation, np.array(spent), np.array(searched))


def _seconds(folder: RunDirectory, iteration: int) -> float | None:
    path = checkpoint.find(folder.checkpoints, iteration, folder.milestones)
    return checkpoint.read_info(path).get("seconds")
