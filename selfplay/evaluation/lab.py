"""What a study measures with: a run's networks, and a program for each way to search, kept."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import jax
import jax.numpy as jnp

from selfplay import __version__, sharding
from selfplay.config import Config, SearchConfig
from selfplay.environment import registry
from selfplay.environment.contract import Environment, shapes
from selfplay.evaluation.arena import solo
from selfplay.evaluation.depth import cost, exact_of, solved_share
from selfplay.evaluation.players import Act, Player, budgeted, raw_policy
from selfplay.evaluation.searcher import Searcher
from selfplay.evaluation.study import Point, Study
from selfplay.networks.build import build
from selfplay.run import checkpoint, machine, memory, session
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate, shown
from selfplay.search import model
from selfplay.search.simulation import jit_search
from selfplay.search.tree import MAX_NODES

_SEARCH_SETTINGS = ("max_considered_actions", "value_scale", "rescale_values", "exploration")
"""Of the run's search, that a study keeps."""


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
    ) -> Self:
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
            "run": shown(folder.path),
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
        params = jax.eval_shape(self.network.init, jax.random.key(0))
        size = sum(leaf.size for leaf in jax.tree.leaves(params))
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
        _, state = shapes(self.env)
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
