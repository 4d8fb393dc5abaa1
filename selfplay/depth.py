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
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay import __version__, sharding
from selfplay.config import Config, SearchConfig
from selfplay.environment import registry
from selfplay.environment.contract import Environment
from selfplay.evaluation import opponents, tournament
from selfplay.evaluation.arena import solo
from selfplay.evaluation.depth import cost, exact_of, solved_share
from selfplay.evaluation.players import Act, Player, budgeted, raw_policy
from selfplay.evaluation.searcher import Evaluator, Policy, Searcher
from selfplay.evaluation.study import Point, Study, read, write
from selfplay.evaluation.tournament import Tournament
from selfplay.networks.build import build
from selfplay.run import checkpoint, machine, memory, session
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate
from selfplay.search import model
from selfplay.search.simulation import jit_search
from selfplay.search.tree import MAX_NODES

SIMULATIONS = (0, *(2**power for power in range(11)))
"""By default: none, and 1, 2, 4 ... 1,024."""

FILE = "depth.json"

NUM_OPENINGS = 4096
"""To play from, at most; equal ones are dropped."""

LEAST_GAMES = 128
"""Of everybody, fixed opponents among them."""

PAIRS_TOGETHER = 32
"""Pairs of games in a match: enough to keep a core busy."""

_SEARCH_SETTINGS = ("max_considered_actions", "value_scale", "rescale_values", "exploration")
"""Of the run's search, that a study keeps."""


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
    _refuse_other_study(known, lab.about, path)
    there = [*asked, *[point.searcher for point in known.points]]
    lab.refuse_more_than_memory(there)
    lab.reserve(there)
    path.parent.mkdir(parents=True, exist_ok=True)
    tell = watch or (lambda known, doing: None)
    past = [] if known.games is None else filter(opponents.is_named, known.games.names)
    opposition = _rivals(lab, [*past, *rivals], precision) if games else []
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


@dataclasses.dataclass(frozen=True)
class Lab:
    """The run that is studied, and how."""

    folder: RunDirectory
    config: Config
    env: Environment[Any]
    network: Any
    batch_size: int
    about: dict[str, Any]
    acts: dict[Searcher, tuple[int, Act]] = dataclasses.field(default_factory=dict)
    """Each program, with room for so many simulations: compiled once."""
    compiled: dict[Act, Act] = dataclasses.field(default_factory=dict)
    timed: dict[tuple[Searcher, int], Act] = dataclasses.field(default_factory=dict)
    """Each program by its room, for timing: room in the trees takes time too."""
    params: dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(
        cls, run: Path | str, batch_size: int | None, seed: int, opening_plies: int, episodes: int
    ) -> "Lab":
        """Opens a run. Raises ValueError if it is none, or a number does not fit."""
        folder = RunDirectory(locate(run))
        config = folder.read_config()
        env = registry.make(config.env, **config.env_args)
        batch_size = config.evaluation.batch_size if batch_size is None else batch_size
        for name, number, least in (
            ("batch_size", batch_size, 1),
            ("opening_plies", opening_plies, 0),
            ("episodes", episodes, 2),
        ):
            if number < least:
                raise ValueError(f"{name} must be at least {least}, got {number}")
        about = {
            "run": folder.path.name,
            "env": config.env,
            "env_args": dict(config.env_args),
            "env_version": env.version,
            "network": dataclasses.asdict(config.network),
            "search": {name: getattr(config.search, name) for name in _SEARCH_SETTINGS},
            "seed": seed,
            "opening_plies": min(opening_plies, env.max_steps - 1),
            "episodes": episodes,
        }
        return cls(folder, config, env, build(config.network, env), batch_size, about)

    def nothing_known(self) -> Study:
        """A study in which nothing is measured yet."""
        shapes = jax.eval_shape(self.network.init, jax.random.key(0))
        size = sum(leaf.size for leaf in jax.tree.leaves(shapes))
        network = dataclasses.asdict(self.config.network) | {"parameters": size}
        versions = {"selfplay": __version__, "jax": jax.__version__}
        return Study(self.about, network, machine.describe() | versions)

    def refuse_more_than_memory(self, asked: Sequence[Searcher]) -> None:
        """Raises ValueError if the largest of the searches does not fit a device."""
        most = max(searcher.simulations for searcher in asked)
        if most >= MAX_NODES:
            raise ValueError(
                f"a search has at most {MAX_NODES - 1:,} simulations, {most:,} were asked for"
            )
        need = self.batch_size * (most + 1) * self.node_bytes
        available = sharding.memory_of_a_device(sharding.make_mesh(1))
        if available is not None and need > available:
            raise ValueError(
                f"searches of {most:,} simulations in {self.batch_size:,} positions at once need "
                f"{need / 2**30:.1f} GiB, and there are {available / 2**30:.1f}; lower "
                "--batch-size or --simulations"
            )

    @property
    def node_bytes(self) -> int:
        """Bytes of a tree's node."""
        search = dataclasses.replace(self.config.search, engine="selfplay")
        problem = jax.eval_shape(lambda: self.env.sample_problem(jax.random.key(0), "train"))
        state = jax.eval_shape(self.env.init, problem)
        return memory.bytes_per_node(
            dataclasses.replace(self.config, search=search), self.env, state
        )

    def reserve(self, asked: Sequence[Searcher]) -> None:
        """Makes room for the longest search of each program, so that each is compiled once."""
        for searcher in sorted(asked, key=lambda searcher: -searcher.simulations):
            self.act(searcher)

    def player(self, searcher: Searcher) -> Player:
        """The searcher as a player."""
        return Player(searcher.name, self.act(searcher), self._params(searcher))

    def act(self, searcher: Searcher) -> Act:
        """The searcher's program; a raw guess goes by any that searches with the same guess."""
        return self._acts(searcher)[1]

    def _acts(self, searcher: Searcher) -> tuple[int, Act]:
        curve = searcher.program
        if curve.policy is None:
            of_same = [c for c in self.acts if c.raw == curve.raw]
            curve = of_same[0] if of_same else dataclasses.replace(curve, policy="gumbel")
        room, act = self.acts.get(curve, (0, None))
        if act is None or room < searcher.simulations:
            room = max(searcher.simulations, 1)
            act = budgeted(self.env, self._evaluator(curve), self._config(curve, room))
            self.acts[curve] = room, act
        return room, act

    def _timed(self, searcher: Searcher) -> tuple[Act, Any]:
        """A program with little more room than the searcher needs, and its parameters."""
        params = self._params(searcher)
        room = 0 if searcher.policy is None else _room(searcher.simulations)
        key = searcher.program, room
        if key not in self.timed:
            evaluator = self._evaluator(searcher)
            self.timed[key] = jit_search(
                raw_policy(self.env, evaluator)
                if room == 0
                else budgeted(self.env, evaluator, self._config(searcher, room))
            )
        return self.timed[key], params if room else params[0]

    def _config(self, curve: Searcher, room: int) -> SearchConfig:
        return dataclasses.replace(
            self.config.search,
            engine="selfplay",
            policy=curve.policy,
            max_depth=curve.max_depth,
            num_simulations=room,
        )

    def _evaluator(self, searcher: Searcher) -> model.Evaluator:
        if searcher.evaluator == "constant":
            evaluator = model.constant_evaluator(self.env)
        else:
            evaluator = model.network_evaluator(self.env, self.network.apply)
        noise = searcher.value_noise
        return model.noisy_evaluator(evaluator, noise) if noise else evaluator

    def _params(self, searcher: Searcher) -> Any:
        guess = searcher.guess
        if guess not in self.params:
            if searcher.evaluator == "network":
                path = checkpoint.find(
                    self.folder.checkpoints, searcher.iteration, self.folder.milestones
                )
                self.params[guess] = session.read_params(path, self.env, self.network)
            elif searcher.evaluator == "untrained":
                self.params[guess] = self.network.init(jax.random.key(self.about["seed"]))
            else:
                self.params[guess] = ()
        return self.params[guess], jnp.int32(searcher.simulations)

    def measure(self, searcher: Searcher) -> Point:
        """Quality, time and memory of one searcher."""
        player = self.player(searcher)
        solved = self.env.solved_positions()
        alone = None
        if self.env.num_players == 1:
            episodes, seed = self.about["episodes"], self.about["seed"]
            alone = solo(self.env, player, num_episodes=episodes, seed=seed)
        simulations = searcher.simulations
        act = self.compiled.setdefault(player.act, jit_search(player.act))
        return Point(
            searcher=searcher,
            cost=cost(self.env, *self._timed(searcher), simulations, self.node_bytes),
            exact=None if solved is None else exact_of(act, player.params, solved, self.batch_size),
            solved=None if alone is None else solved_share(alone),
        )


def _room(simulations: int) -> int:
    """The least power of four that is enough: few programs, and little room in vain."""
    room = 1
    while room < simulations:
        room *= 4
    return min(room, MAX_NODES - 1)


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


def _refuse_other_study(known: Study, about: dict[str, Any], path: Path) -> None:
    for key, value in about.items():
        if known.about.get(key) != value:
            raise ValueError(
                f"{path} holds a study with {key} {known.about.get(key)!r}, not {value!r}; name "
                "another file with --output, or move it away"
            )
