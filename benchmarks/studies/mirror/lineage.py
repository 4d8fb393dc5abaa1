"""Generations that learn from each other's games, and what each still shows of the first."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies.mirror import real_games
from benchmarks.studies.mirror.openings import PLIES, openings
from benchmarks.studies.mirror.truth import Truth
from benchmarks.studies.study import Numbers, Tell
from selfplay import config as config_lib
from selfplay import train
from selfplay.config import Config
from selfplay.distill import distill
from selfplay.distill_config import DistillConfig
from selfplay.environment.contract import SolvedPositions
from selfplay.evaluation.exact import decide, judge, keeps
from selfplay.evaluation.players import agent_act
from selfplay.networks.build import build
from selfplay.networks.contract import Network, Params
from selfplay.replay import diversity
from selfplay.replay.generations import Columns, Generation
from selfplay.run import checkpoint, session
from selfplay.run.directory import RunDirectory
from selfplay.search.model import network_evaluator
from selfplay.search.simulation import jit_search
from selfplay_envs.games.connect_four import ConnectFour


@dataclasses.dataclass(frozen=True)
class Size:
    """How large the study is, and what its students are."""

    generations: int = 20
    games: int = 2_048
    """Of each generation."""
    updates: int = 500
    """Of each student, batches of 512 rows."""
    learning_rate: float = 2e-3
    value_scale: float = 0.006
    """How far a search moves its policy for what it saw; see `SearchConfig.value_scale`."""


@dataclasses.dataclass(frozen=True)
class Arm:
    """A lineage."""

    name: str
    """Of its folder."""
    settings: dict[str, Any]
    """Of its distillation."""
    simulations: int
    """Of a search, where there is one."""
    real: bool
    """Whether its students learn from real games too."""
    search: dict[str, float] = dataclasses.field(default_factory=dict)
    """Of a search, what is not as everywhere; see `SearchConfig`."""


ANEW = 1_000
"""Added to a seed: real games of the same player, not seen by anyone."""


@dataclasses.dataclass(frozen=True)
class Mirror:
    """A solved game, and students that know it from games alone."""

    size: Size
    rows: int = 4
    columns: int = 5

    @functools.cached_property
    def truth(self) -> Truth:
        """What is true of it."""
        return Truth(ConnectFour(rows=self.rows, columns=self.columns))

    def config(
        self,
        seed: int,
        simulations: int = 8,
        search: Mapping[str, float] | None = None,
        **learner: int,
    ) -> Config:
        """A student and how it learns: it starts as its teacher, and knows games by heart.

        A student that begins anew each time, or sees mirrored games, smooths over what it did not
        see, so that its samples are more varied than its games, and nothing is lost by drift.
        """
        size = self.size
        schedule = {"updates_per_iteration": size.updates, "warmup_updates": 20}
        return config_lib.from_dict(
            {
                "env": "connect_four",
                "env_args": self.truth.env_args,
                "seed": seed,
                "num_devices": 1,
                "iterations": 1,
                "network": {"kind": "lines", "width": 256, "depth": 1},
                "search": {
                    "num_simulations": simulations,
                    "rescale_values": False,
                    "value_scale": size.value_scale,
                }
                | dict(search or {}),
                "rollout": {"num_games": 64, "steps_per_iteration": 4, "temperature_plies": 20},
                "replay": {"capacity": 4_096, "min_rows": 64},
                "learner": {
                    "batch_size": 512,
                    "learning_rate": size.learning_rate,
                    "symmetries": False,
                }
                | schedule
                | learner,
            }
        )

    # Generation 0 ----------------------------------------------------------------------------

    def real(self, folder: Path, seed: int, anew: bool = False) -> Generation:
        """Games of a player who knows the truth and errs now and then."""
        path = folder / ("anew" if anew else "real")
        seed += ANEW if anew else 0
        return real_games.write(path, self.truth, num_games=self.size.games, seed=seed)

    def first(self, folder: Path, seed: int, tell: Tell) -> RunDirectory:
        """The student who learns from real games, and teaches all others."""
        path = folder / "first"
        if not path.exists():
            untrained = folder / "untrained"
            if not untrained.exists():
                train.train(self.config(seed, updates_per_iteration=1), run=untrained)
            real = str(self.real(folder, seed).path)
            settings = dataclasses.replace(
                self.settings(real=real, real_fraction=1.0), generations=1, student="scratch"
            )
            distill(str(untrained), self.config(seed), settings, run=path, tell=tell)
        return RunDirectory(path)

    def settings(self, **arm: Any) -> DistillConfig:
        """Of a lineage, such as `operator="raw"`."""
        return DistillConfig(
            generations=self.size.generations,
            episodes=self.size.games,
            episodes_at_once=min(self.size.games, 256),
            updates=self.size.updates,
            student="teacher",
            look_episodes=2,
            **arm,
        )

    # Lineages --------------------------------------------------------------------------------

    def lineage(self, arm: Arm, seed: int, folder: Path, tell: Tell) -> Numbers:
        """Generation after generation of an arm, measured."""
        first, real = self.first(folder, seed, tell), self.real(folder, seed)
        settings = self.settings(**arm.settings, real=str(real.path) if arm.real else "")
        run = RunDirectory(folder / arm.name)
        config = self.config(seed, arm.simulations, arm.search)
        distill(str(first.path), config, settings, run=run.path, tell=tell)
        tell("measuring", 0, 1)
        games = [real, *(Generation(run.generation(g)) for g in self._numbers)]
        students = [first.milestones, *[run.milestones] * self.size.generations]
        iterations = [1, *self._numbers]
        found = [self._openings(game) for game in games]
        params = [self.params(*which) for which in zip(students, iterations, strict=True)]
        positions = self.positions(self.real(folder, seed, anew=True))
        return {
            **self._shown(found),
            "played": [self.played(game) for game in games],
            "mistakes": [self.mistakes(p, self.solved) for p in params],
            "mistakes_real": [self.mistakes(p, positions) for p in params],
        }

    def anew(self, seed: int, folder: Path, tell: Tell) -> Numbers:
        """Real games that nobody saw, and what drift alone would leave of real ones.

        The series are of the Wright-Fisher model: each generation is a sample of the last one.
        """
        real, others = self._openings(self.real(folder, seed)), self.real(folder, seed, anew=True)
        shown = self._shown([real, self._openings(others)])
        lineage = diversity.drift(real, self.size.generations, seed)
        return {
            "anew_tail": shown["tail"][1],
            "anew_sound_tail": shown["sound_tail"][1],
            **self._shown(lineage),
        }

    @property
    def _numbers(self) -> range:
        return range(1, self.size.generations + 1)

    # Measures --------------------------------------------------------------------------------

    def _openings(self, games: Generation) -> np.ndarray:
        return openings(games.each(), self.columns)

    def _shown(self, found: Iterable[np.ndarray]) -> dict[str, list[float]]:
        """What generations still show of the first of them, by their openings."""
        found = list(found)
        rare = diversity.tail(found[0])
        sound = rare[self.truth.is_sound(rare, PLIES)]
        return {
            "distinct": [diversity.distinct(one) for one in found],
            "heterozygosity": [diversity.heterozygosity(one) for one in found],
            "tail": [diversity.recall(rare, one) for one in found],
            "sound_tail": [diversity.recall(sound, one) for one in found],
        }

    def played(self, games: Generation) -> float:
        """Share of the moves of games that do not keep the value of their position."""
        erred = [self._erred(columns) for columns in games.each()]
        return float(np.concatenate(erred).mean())

    def _erred(self, columns: Columns) -> np.ndarray:
        keys = self.truth.keys(columns["targets.state.stones"])
        return self.truth.erred(keys, columns["action"])

    @functools.cached_property
    def solved(self) -> SolvedPositions:
        """Positions of all that can be reached."""
        return self.truth.positions()

    def positions(self, games: Generation) -> SolvedPositions:
        """Positions of games."""
        keys = [self.truth.keys(columns["targets.state.stones"]) for columns in games.each()]
        return self.truth.positions(np.concatenate(keys))

    def mistakes(self, params: Params, solved: SolvedPositions) -> float:
        """Share of positions in which a network's likeliest move does not keep the value."""
        return 1.0 - judge(self._act, params, solved).kept

    @functools.cached_property
    def _network(self) -> Network:
        return build(self.config(0).network, self.truth.env)

    @functools.cached_property
    def _act(self) -> Any:
        evaluator = network_evaluator(self.truth.env, self._network.apply)
        return jit_search(agent_act(self.truth.env, evaluator, self.config(0).search, 0))

    def right(self, params: Params) -> np.ndarray:
        """bool [N]: in which of the solved positions the likeliest move keeps the value."""
        return keeps(decide(self._act, params, self.solved)[0], self.solved)

    def params(self, folder: Path, iteration: int) -> Params:
        """Of the network that a run had after so many iterations."""
        path = checkpoint.find(folder, iteration)
        return session.read_params(path, self.truth.env, self._network)
