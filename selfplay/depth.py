"""How much search does an agent need? Quality, time and memory by number of simulations.

from selfplay.depth import study

found = study("runs/connect_four", simulations=(0, 1, 4, 16, 64, 256))
found.elo()

What is measured is written at once, and never again measured: a study that was interrupted goes
on, and one with more numbers of simulations plays only their games.
"""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from selfplay.evaluation import opponents, tournament
from selfplay.evaluation.lab import Lab
from selfplay.evaluation.players import Player
from selfplay.evaluation.searcher import Evaluator, Policy, Searcher
from selfplay.evaluation.study import Study, read, write
from selfplay.evaluation.tournament import Tournament, unplayed
from selfplay.run import checkpoint
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate

SIMULATIONS = (0, *(2**power for power in range(11)))
"""By default: none, and 1, 2, 4 ... 1,024."""

FILE = "depth.json"

NUM_OPENINGS = 4096
"""To play from, at most; equal ones are dropped."""

LEAST_GAMES = 128
"""Of everybody, fixed opponents among them."""

PAIRS_TOGETHER = 32
"""Pairs of games in a match: enough to keep a core busy."""


def study(
    run: Path | str,
    *,
    simulations: Sequence[int] = SIMULATIONS,
    policies: Sequence[Policy] = (),
    max_depths: Sequence[int] = (),
    evaluators: Sequence[Evaluator] = ("network",),
    value_noise: Sequence[float] = (0.0,),
    iterations: Sequence[int] = (),
    rivals: Sequence[str] = ("random", "mcts:100"),
    games: int = 20_000,
    precision: float = 40.0,
    opening_plies: int = 6,
    episodes: int = 400,
    batch_size: int | None = None,
    seed: int = 0,
    output: Path | None = None,
    watch: Callable[[Study, str], None] | None = None,
) -> Study:
    """Measures an agent's search, or goes on with what an earlier call has measured.

    Args:
        run: the run's folder, or an environment that comes with a trained agent.
        simulations: of each search; 0 is the evaluator alone.
        policies: "gumbel", "puct", by default the run's.
        max_depths: limits of the trees' depth, by default none; 0 is none too.
        evaluators: "network"; "untrained", as it is before training; "constant", which knows
            nothing.
        value_noise: standard deviations of noise on the evaluators' values.
        iterations: of checkpoints and milestones, by default the newest checkpoint.
        rivals: fixed opponents in the tournament: random, mcts:SIMULATIONS, minimax:DEPTH.
        games: at most so many in the tournament, counted over all calls; 0 plays none.
        precision: Elo; the tournament ends once all searchers' 95 % intervals, of the difference
            to the first searcher, are at most this to either side.
        opening_plies: games begin with 0 to this many random plies, the same for both colours.
        episodes: for lone players, on held-out problems.
        batch_size: positions searched together, by default the run's.
        seed: of openings, opponents and problems.
        output: the study's file, by default `home(run) / "depth.json"`.
        watch: is told what is known after each measurement, and what comes next.

    Raises:
        ValueError: there is no such run or checkpoint, a number does not fit, the searches do not
            fit the memory, or the file holds another study.
    """
    lab = Lab.of(run, batch_size, seed, opening_plies, episodes)
    asked = _searchers(lab, simulations, policies, max_depths, evaluators, value_noise, iterations)
    path = output or home(run) / FILE
    known = read(path) if path.exists() else lab.nothing_known()
    _refuse_other_study(known, lab.nothing_known(), path.absolute(), lab.folder.path)
    there = [*asked, *[point.searcher for point in known.points]]
    lab.refuse_more_than_memory(there)
    lab.reserve(there)
    path.parent.mkdir(parents=True, exist_ok=True)
    tell = watch or (lambda known, doing: None)
    past = [] if known.games is None else filter(opponents.is_named, known.games.names)
    opposition = _rivals(lab, [*past, *rivals], precision) if games else []
    if games and lab.env.num_players == 2:
        _refuse_too_few_games(known, [*asked, *opposition], games)
    if not games and lab.env.num_players == 2 and lab.env.solved_positions() is None:
        raise ValueError(
            f"without games there is nothing to measure of {lab.config.env}, which has no solved "
            "positions; let games be at least a few hundred"
        )
    for searcher in asked:
        if known.point(searcher) is None:
            tell(known, f"measuring {searcher.name}")
            known = dataclasses.replace(known, points=(*known.points, lab.measure(searcher)))
            write(known, path)
    if games and lab.env.num_players == 2:
        known = _play(lab, known, asked, opposition, games, precision, path, tell)
    return known


def home(run: Path | str) -> Path:
    """The folder where a run's study goes: the run, or here if it keeps no results."""
    folder = RunDirectory(locate(run))
    return folder.path if folder.keeps_results else Path()


def _searchers(
    lab: Lab,
    simulations: Sequence[int],
    policies: Sequence[Policy],
    max_depths: Sequence[int],
    evaluators: Sequence[Evaluator],
    value_noise: Sequence[float],
    iterations: Sequence[int],
) -> list[Searcher]:
    """All that were asked for, each once, the raw guesses first. Raises ValueError."""
    if not simulations or min(simulations) < 0:
        raise ValueError(f"simulations must be numbers of at least 0, got {list(simulations)}")
    if any(depth < 0 for depth in max_depths) or any(noise < 0.0 for noise in value_noise):
        raise ValueError(
            f"max_depths and value_noise must be at least 0, got {list(max_depths)} and "
            f"{list(value_noise)}"
        )
    folder = lab.folder
    wanted = list(iterations) or [None]
    numbers = [
        int(checkpoint.find(folder.checkpoints, wish, folder.milestones).name) for wish in wanted
    ]
    guesses: list[tuple[Evaluator, int, float]] = [
        (evaluator, iteration, noise)
        for evaluator in evaluators
        for iteration in (numbers if evaluator == "network" else [0])
        for noise in value_noise
    ]
    ways = itertools.product(policies or (lab.config.search.policy,), max_depths or (0,))
    found: dict[Searcher, None] = {}
    for (policy, depth), (evaluator, iteration, noise), count in itertools.product(
        list(ways), guesses, sorted(set(simulations))
    ):
        searcher = Searcher(
            evaluator=evaluator,
            iteration=iteration,
            value_noise=noise,
            policy=policy,
            max_depth=depth or None,
            simulations=count,
        )
        found[searcher if count else searcher.raw] = None
    return sorted(found, key=lambda searcher: searcher.simulations > 0)


def _rivals(lab: Lab, names: Sequence[str], precision: float) -> list[Player]:
    """The fixed opponents. Raises ValueError for unknown names, or a precision of nothing."""
    if precision <= 0.0:
        raise ValueError(f"precision must be more than 0 Elo, got {precision}")
    return [Player(name, opponents.by_name(lab.env, name)) for name in dict.fromkeys(names)]


def _play(
    lab: Lab,
    known: Study,
    asked: Sequence[Searcher],
    rivals: Sequence[Player],
    games: int,
    precision: float,
    path: Path,
    tell: Callable[[Study, str], None],
) -> Study:
    """The tournament of all that was measured, until those asked for are known well enough."""
    searchers = [point.searcher for point in known.points]
    players = [*(lab.player(searcher) for searcher in searchers), *rivals]
    seconds = [
        point.cost.seconds + point.searcher.simulations / point.cost.simulations_per_second
        for point in known.points
    ]
    costs = [*seconds, *[float(np.median(seconds))] * (len(players) - len(seconds))]

    def keep(played: Tournament) -> None:
        nonlocal known
        known = dataclasses.replace(known, games=played)
        write(known, path)
        widest = played.ratings.relative_to(0)[1][: len(searchers)].max()
        tell(known, f"{played.num_games:,} games; the widest interval is ± {widest:.0f} Elo")

    tell(known, "compiling the tournament")
    played = tournament.play(
        lab.env,
        players,
        num_games=games,
        precision=precision,
        anchor=0,
        wanted=[i for i, searcher in enumerate(searchers) if searcher in asked],
        max_opening_plies=lab.about["opening_plies"],
        seed=lab.about["seed"],
        least_games=LEAST_GAMES,
        costs=costs,
        pairs_together=PAIRS_TOGETHER,
        num_openings=NUM_OPENINGS,
        known=known.games,
        watch=keep,
    )
    return dataclasses.replace(known, games=played)


def _refuse_too_few_games(known: Study, asked: Sequence[Searcher | Player], games: int) -> None:
    """Raises ValueError before anything is measured that could not be rated."""
    measured = [point.searcher for point in known.points]
    names = list(dict.fromkeys(one.name for one in (*measured, *asked)))
    pairs = unplayed(len(names)) if known.games is None else known.games.among(names)
    tournament.refuse_too_few(pairs, PAIRS_TOGETHER, games)


def _refuse_other_study(known: Study, here: Study, path: Path, home: Path) -> None:
    """Raises ValueError if the file holds what cannot be compared with measurements made here."""
    machine = {"machine": f"{here.machine['processor']}, {here.machine['devices']}"}
    there = known.about | {"machine": f"{known.machine['processor']}, {known.machine['devices']}"}
    at_home = path.parent == home  # wherever it has been moved to since, and by whatever name
    for key, value in (here.about | machine).items():
        if there.get(key) != value and not (key == "run" and at_home):
            raise ValueError(
                f"{path} holds a study with {key} {there.get(key)!r}, not {value!r}; name another "
                "folder with --output, or move it away"
            )
