"""A teacher that knows a few native folds, and students that learn from its folds of any chains."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies.ablation import natives, truth
from benchmarks.studies.ablation.truth import Truth
from benchmarks.studies.study import Numbers, Tell
from selfplay import config as config_lib
from selfplay import train
from selfplay.config import Config
from selfplay.distill import distill
from selfplay.distill_config import DistillConfig
from selfplay.evaluation.players import Act, agent_act
from selfplay.networks.build import build
from selfplay.networks.contract import Network
from selfplay.replay.generations import Generation
from selfplay.replay.selection import Selection
from selfplay.run import checkpoint, session
from selfplay.run.directory import RunDirectory
from selfplay.search.model import Evaluator, network_evaluator
from selfplay_envs.science.hp_chain import Chain
from selfplay_envs.science.hp_lattice import HPLattice


@dataclasses.dataclass(frozen=True)
class Size:
    """How large the study is, and what its networks are."""

    length: int = 18
    """Residues of every chain."""
    labelled: float = 0.1
    """Of the designed chains for training: those whose native fold is known."""
    chains: int = 4_096
    """Random ones, which a teacher labels for a student."""
    generations: int = 2
    updates: int = 3_000
    """Of the teacher and of each student, batches of 256 rows."""
    learning_rate: float = 2e-3
    simulations: int = 64
    """Of a search that labels."""
    look_simulations: int = 16
    """Of one that is judged."""
    kept: float = 0.5
    """Of the episodes, where a filter keeps the surest."""


@dataclasses.dataclass(frozen=True)
class Folding:
    """Chains of one length, and who folds them."""

    size: Size

    @functools.cached_property
    def env(self) -> HPLattice:
        """Random chains."""
        return HPLattice(length=self.size.length, min_length=self.size.length)

    def config(self, seed: int) -> Config:
        """A network, how it learns, and how it searches."""
        size = self.size
        return config_lib.from_dict(
            {
                "env": "hp_lattice",
                "env_args": {"length": size.length, "min_length": size.length},
                "seed": seed,
                "num_devices": 1,
                "iterations": 1,
                "network": {"kind": "mlp", "width": 128, "depth": 3},
                "search": {
                    "num_simulations": size.simulations,
                    "rescale_values": False,
                    "value_scale": 1.0,
                },
                "rollout": {"num_games": 64, "steps_per_iteration": 4},
                "replay": {"capacity": 4_096, "min_rows": 64},
                "learner": {
                    "batch_size": 256,
                    "learning_rate": size.learning_rate,
                    "warmup_updates": 50,
                    "updates_per_iteration": 250,
                },
                "evaluation": {"num_simulations": 1},
                "logging": {"tensorboard": False},
            }
        )

    def settings(self, **arm: Any) -> DistillConfig:
        """Of a distillation, such as `operator="raw"`."""
        size = self.size
        shared: dict[str, Any] = {
            "generations": size.generations,
            "episodes": size.chains,
            "episodes_at_once": min(size.chains, 1_024),
            "updates": size.updates,
            "look_episodes": 2,
        }
        return DistillConfig(**shared | arm)

    # Who folds -------------------------------------------------------------------------------

    def real(self, folder: Path, seed: int) -> Generation:
        """The chains whose native fold is known."""
        return natives.write(folder / "real", self.env, share=self.size.labelled, seed=seed)

    def teacher(self, folder: Path, seed: int, tell: Tell) -> RunDirectory:
        """Who learns from these alone."""
        path = folder / "teacher"
        if not path.exists():
            untrained = folder.parent / "untrained"  # for its settings: nobody begins as it
            if not untrained.exists():
                train.train(self.config(0), run=untrained)
            settings = self.settings(
                generations=1,
                episodes=256,
                episodes_at_once=256,
                operator="raw",
                real=str(self.real(folder, seed).path),
                real_fraction=1.0,
            )
            distill(str(untrained), self.config(seed), settings, run=path, tell=tell)
        return RunDirectory(path)

    def real_only(self, seed: int, folder: Path, tell: Tell) -> Numbers:
        """The teacher, measured."""
        run = self.teacher(folder, seed, tell)
        tell("measuring", 0, 1)
        return self._series([self.judged(checkpoint.newest_sound(run.milestones))])

    def lineage(
        self, name: str, arm: dict[str, Any], real: float, seed: int, folder: Path, tell: Tell
    ) -> Numbers:
        """The teacher and the students of an arm, with a share of real data, measured."""
        teacher = self.teacher(folder, seed, tell)
        if real:
            arm = arm | {"real": str(self.real(folder, seed).path), "real_fraction": real}
        run = RunDirectory(folder / name)
        settings = self.settings(**arm)
        distill(str(teacher.path), self.config(seed), settings, run=run.path, tell=tell)
        tell("measuring", 0, 1)
        students = sorted(checkpoint.available(run.milestones), key=lambda path: int(path.name))
        numbers = range(1, len(students) + 1)
        labels = [self.labels(run, number) for number in numbers]
        first = self.judged(checkpoint.newest_sound(teacher.milestones))
        return self._series([first, *map(self.judged, students)]) | self._series(labels)

    # Measures --------------------------------------------------------------------------------

    def judged(self, path: Path) -> dict[str, float]:
        """A network on the held-out designed chains: the share that it folds rightly by itself
        and by a search, how sure it is of its own folds, and how far from the truth that is.
        """
        params = session.read_params(path, self.env, self._network)
        chains, contacts = self.held_out
        turns, own = truth.fold(self.env, self._act(0), params, chains)
        right = np.asarray(own) == contacts
        searching = self._act(self.size.look_simulations)
        searched = np.asarray(truth.fold(self.env, searching, params, chains)[1]) == contacts
        sure = np.asarray(truth.probability(self.env, self._evaluator, params, chains, turns))
        return {
            "right": float(right.mean()),
            "searched": float(searched.mean()),
            "stuck": float((np.asarray(own) == truth.STUCK).mean()),
            "confidence": float(sure.mean()),
            "calibration_error": truth.calibration_error(sure, right),
        }

    def labels(self, run: RunDirectory, number: int) -> dict[str, float]:
        """How many labels of a generation are best folds: of all, of chains with one best fold
        alone, and of those that a filter kept.
        """
        chains, contacts, kept = labelled(run, number)
        best = self._truth.best(chains)
        right, single = contacts == best.contacts, best.degeneracy == 1
        return {
            "labels_right": float(right.mean()),
            "labels_single_right": float(right[single].mean()),
            "labels_stuck": float((contacts == truth.STUCK).mean()),
            "single": float(single.mean()),
            "kept_right": float(right[kept].mean()),
            "kept_single": float(single[kept].mean()),
        }

    @staticmethod
    def _series(rows: list[dict[str, float]]) -> Numbers:
        return {what: [row[what] for row in rows] for what in rows[0]}

    @functools.cached_property
    def held_out(self) -> tuple[Chain, np.ndarray]:
        """Chain [N]: designed ones that nobody learns from; contacts of their folds, int8 [N]."""
        chains = natives.designed("held_out", self.size.length)
        return chains, natives.contacts(natives.natives(chains))

    @functools.cached_property
    def _truth(self) -> Truth:
        return Truth(self.size.length)

    @functools.cached_property
    def _network(self) -> Network:
        return build(self.config(0).network, self.env)

    @functools.cached_property
    def _evaluator(self) -> Evaluator:
        return network_evaluator(self.env, self._network.apply)

    @functools.lru_cache(maxsize=4)  # noqa: B019 - one object a process
    def _act(self, simulations: int) -> Act:
        return agent_act(self.env, self._evaluator, self.config(0).search, simulations)


def labelled(run: RunDirectory, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each chain of a generation: bool [N, length]; contacts of its label, int [N], or `STUCK`;
    whether a filter kept it, bool [N].
    """
    generation = Generation(run.generation(number))
    selection = Selection(generation, run.selection(number))
    passed = selection.rows(np.arange(selection.size))["episode"]
    names = ("episode", "targets.problem.hydrophobic", "targets.problem.most_contacts")
    shards = [[shard[name] for name in (*names, "targets.value")] for shard in generation.each()]
    episode, chains, bound, value = (np.concatenate(x) for x in zip(*shards, strict=True))
    number_of, first = np.unique(episode, return_index=True)
    paid = value[first]  # a share of the bound, or -1
    contacts = np.where(paid < 0, truth.STUCK, np.rint(paid * bound[first])).astype(np.int64)
    return chains[first], contacts, np.isin(number_of, passed)
