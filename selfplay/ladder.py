"""Checkpoints of one run or of several, rated against each other.

from selfplay.ladder import ladder

standing = ladder(["runs/connect_four", "random"], games=1000)
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax

from selfplay import __version__
from selfplay.adapters import bots
from selfplay.config import Config
from selfplay.environment import registry
from selfplay.environment.contract import Environment
from selfplay.evaluation import tournament
from selfplay.evaluation.players import Act, Player, agent_act, without_noise
from selfplay.evaluation.tournament import Tournament
from selfplay.files import write_text
from selfplay.networks.build import build
from selfplay.networks.contract import Network
from selfplay.run import checkpoint, session
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate, split
from selfplay.search.model import network_evaluator

MATCHES_EACH = 8
"""At least, on average, where the games allow it: matches are made smaller for that."""

MEAN = "mean"
"""The anchor that is no player: the mean of all ratings is 0."""


@dataclasses.dataclass(frozen=True)
class Entrant:
    """Who takes part, and where it comes from."""

    player: Player
    run: str | None = None
    """As it was named; None for an opponent that learned nothing."""
    iteration: int | None = None
    minutes: float | None = None
    """Of training until then."""


@dataclasses.dataclass(frozen=True)
class Ladder:
    """What a tournament of entrants showed."""

    env: str
    entrants: tuple[Entrant, ...]
    tournament: Tournament
    anchor: str
    """Whose rating is 0: an entrant's name, or "mean"."""
    settings: dict[str, Any]

    @property
    def ratings(self) -> tuple[Any, Any]:
        """Elo, and half the width of its 95 % interval, of each entrant, against the anchor."""
        return self.tournament.ratings.relative_to(_anchor(self.anchor, self.entrants))

    @property
    def ranking(self) -> list[int]:
        """Indices of the entrants, the strongest first."""
        elo = self.tournament.ratings.elo
        return sorted(range(len(elo)), key=lambda index: -elo[index])


def ladder(
    names: Sequence[str],
    *,
    simulations: int = 16,
    games: int = 2000,
    precision: float | None = None,
    opening_plies: int = 6,
    seed: int = 0,
    anchor: str = MEAN,
    watch: Callable[[Ladder], None] | None = None,
) -> Ladder:
    """Rates checkpoints, and writes the result to `RUN/arena.json` if they are of one run.

    Args:
        names: of players: `RUN` for a run's milestones and its newest checkpoint,
            `RUN@ITERATION` for one of them (RUN may be an environment that comes with a
            trained agent), `random`, `mcts:SIMULATIONS`, `minimax:DEPTH`, and those of
            OpenSpiel with `open_spiel:` before them (see `bots`).
        simulations: of each run's search; 0 is the network alone.
        games: at most so many in all.
        precision: Elo; stop once all 95 % intervals are at most this to either side.
        opening_plies: games begin with 0 to this many random plies, the same for both colours.
        seed: of openings and opponents.
        anchor: the player whose rating is 0, or "mean".
        watch: is told what is known after each match.

    Raises:
        ValueError: there is no such run or checkpoint, they do not play the same game, or a
            number does not fit.
    """
    if simulations < 0:
        raise ValueError(f"simulations must be at least 0, got {simulations}")
    config, env = _game(names)
    entrants = tuple(_entrants(names, config, env, simulations))
    if len(entrants) < 2:
        raise ValueError(
            f"{names[0]} is only one player; name more: RUN@ITERATION, another run, random, "
            "mcts:100 or minimax:2"
        )
    index = _anchor(anchor, entrants)
    plies = min(opening_plies, env.max_steps - 1)
    settings = {
        "simulations": simulations,
        "opening_plies": plies,
        "seed": seed,
        "selfplay": __version__,
        "jax": jax.__version__,
        "device": jax.devices()[0].device_kind,
    }

    def standing(known: Tournament) -> Ladder:
        return Ladder(config.env, entrants, known, anchor, settings)

    seated, players = bots.seat(env, [entrant.player for entrant in entrants])
    known = tournament.play(
        seated,
        players,
        num_games=games,
        precision=precision,
        anchor=index,
        max_opening_plies=plies,
        seed=seed,
        pairs_together=min(
            tournament.PAIRS_TOGETHER, max(1, games // (MATCHES_EACH * len(entrants)))
        ),
        watch=None if watch is None else lambda known: watch(standing(known)),
    )
    result = standing(known)
    home = only_run(names)
    if home is not None:
        write(result, home.arena)
    return result


def only_run(names: Sequence[str]) -> RunDirectory | None:
    """The run that all named checkpoints are of; None if they are of several, or of one that
    keeps no results.
    """
    runs = {locate(split(name)[0]) for name in names if not bots.is_named(name)}
    folder = RunDirectory(runs.pop()) if len(runs) == 1 else None
    return folder if folder is not None and folder.keeps_results else None


def write(result: Ladder, path: Path) -> None:
    """Writes a ladder as JSON, whole or not at all."""
    write_text(path, json.dumps(to_json(result), indent=2) + "\n")


def to_json(result: Ladder) -> dict[str, Any]:
    """The ladder as plain data, the strongest first."""
    known = result.tournament
    elo, half = (values.tolist() for values in result.ratings)
    players = []
    for index in result.ranking:
        entrant, tally = result.entrants[index], known.of(index)
        players.append(
            {
                "name": entrant.player.name,
                "run": entrant.run,
                "iteration": entrant.iteration,
                "minutes": entrant.minutes,
                "elo": elo[index],
                "low": elo[index] - half[index],
                "high": elo[index] + half[index],
                "games": tally.games,
                "score": tally.score,
            }
            | dataclasses.asdict(tally)
        )
    matches = [
        {"first": known.names[i], "second": known.names[j]} | dataclasses.asdict(tally)
        for i in range(len(known.names))
        for j in range(i + 1, len(known.names))
        if (tally := known.between(i, j)).games
    ]
    return {
        "env": result.env,
        "players": players,
        "anchor": result.anchor,
        "games": known.num_games,
        "openings": known.num_openings,
        "advantage": known.ratings.advantage,
        "draw_parameter": known.ratings.draw,
        "dispersion": known.dispersion,
        "matches": matches,
    } | result.settings


def _anchor(name: str, entrants: Sequence[Entrant]) -> int | None:
    """The index of the anchor; None for the mean."""
    there = [entrant.player.name for entrant in entrants]
    if name == MEAN:
        return None
    if name not in there:
        raise ValueError(f"the anchor must be {MEAN} or a player, got {name!r}: {', '.join(there)}")
    return there.index(name)


# Names -----------------------------------------------------------------------------------------


def _game(names: Sequence[str]) -> tuple[Config, Environment[Any]]:
    """What all runs play, with the first run's settings."""
    runs = [split(name)[0] for name in names if not bots.is_named(name)]
    if not runs:
        raise ValueError("which run? name at least one beside the fixed opponents")
    configs = [RunDirectory(locate(run)).read_config() for run in runs]
    first = configs[0]
    for run, config in zip(runs, configs, strict=True):
        if (config.env, config.env_args) != (first.env, first.env_args):
            raise ValueError(
                f"runs of one tournament play the same game, but {run} plays {config.env} "
                f"{config.env_args}, and {runs[0]} plays {first.env} {first.env_args}"
            )
    return first, registry.make(first.env, **first.env_args)


def _entrants(
    names: Sequence[str], game: Config, env: Environment[Any], simulations: int
) -> list[Entrant]:
    """All whom the names mean, each once; those whose network and search agree share an `Act`."""
    acts: dict[Any, tuple[Network, Act]] = {}
    entrants: dict[str, Entrant] = {}
    for name in names:
        if bots.is_named(name):
            entrants[name] = Entrant(bots.player(env, name))
            continue
        run, iteration = split(name)
        folder = RunDirectory(locate(run))
        config = folder.read_config()
        kind = (config.network, simulations and without_noise(config.search, simulations))
        if kind not in acts:
            network = build(config.network, env)
            evaluator = network_evaluator(env, network.apply)
            acts[kind] = network, agent_act(env, evaluator, config.search, simulations)
        network, act = acts[kind]
        for path in _checkpoints(folder, iteration):
            params = session.read_params(path, env, network)
            number = int(path.name)
            seconds = checkpoint.read_info(path).get("seconds")  # an exported one has none
            minutes = None if seconds is None else seconds / 60.0
            player = Player(f"{run}@{number}", act, params)
            entrants[player.name] = Entrant(player, run, number, minutes)
    return list(entrants.values())


def _checkpoints(run: RunDirectory, iteration: int | None) -> list[Path]:
    """The one of an iteration, or the milestones and the newest, sound ones all."""
    newest = checkpoint.find(run.checkpoints, iteration, run.milestones)
    if iteration is not None:
        return [newest]
    earlier = [p for p in checkpoint.available(run.milestones) if int(p.name) < int(newest.name)]
    for path in earlier:
        checkpoint.verify(path)
    return [*reversed(earlier), newest]
