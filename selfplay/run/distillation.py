"""A distillation in memory: who teaches, what is labelled and drawn, who learns, how far it is."""

import dataclasses
import functools
import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from selfplay.config import Config, from_dict
from selfplay.distill_config import DistillConfig
from selfplay.environment import registry
from selfplay.environment.contract import Environment
from selfplay.environment.verifier import Fallible, Verifier
from selfplay.learning import noise
from selfplay.learning.learner import LearnerState
from selfplay.networks.contract import Network, Params
from selfplay.operators.episodes import Sample, row
from selfplay.operators.exact import has_oracle
from selfplay.operators.hindsight import has_hindsight
from selfplay.operators.targets import Targets
from selfplay.replay import census, generations
from selfplay.replay.generations import Generation
from selfplay.replay.labels import judged, relabelled
from selfplay.replay.openings import measures, openings
from selfplay.replay.pool import Pool
from selfplay.replay.selection import Filter, Selection, filter_of, restored, select
from selfplay.run import checkpoint, metrics, remedies, session, teachers
from selfplay.run.directory import RunDirectory
from selfplay.run.labelling import Labelling, make_exact, make_labelling
from selfplay.run.program import ROWS
from selfplay.run.progress import Clock, Pace, Row
from selfplay.run.student import Student
from selfplay.run.teachers import Teacher
from selfplay.settings import paths_of, settings_from_dict, to_dict

EXACT = "exact"
"""As `DistillConfig.real`: what the environment's oracle knows."""


@dataclasses.dataclass
class Distillation:
    """What the loop works on. Generation g is labelled by the teacher of student g."""

    run: RunDirectory
    config: Config
    settings: DistillConfig
    env: Environment[Any]
    mesh: Mesh
    network: Network
    """The students'."""
    student: Student
    given: list[Teacher]
    """The first teacher, and the others of an ensemble."""
    clock: Clock
    pace: Pace
    iteration: int = 0
    """Iterations of learning done, over all students."""
    state: LearnerState | None = None
    """Of the student that learns; None between two."""
    count: int = 0
    """Doses of its remedy that it was given."""
    _labellings: dict[tuple[Network, int], Labelling] = dataclasses.field(default_factory=dict)
    _selections: dict[int, Selection] = dataclasses.field(default_factory=dict)

    # How far it is ---------------------------------------------------------------------------

    @property
    def iterations_each(self) -> int:
        """Of a student."""
        return iterations_each(self.config, self.settings)

    @property
    def iterations(self) -> int:
        """Of all students."""
        return self.settings.generations * self.iterations_each

    @property
    def generation(self) -> int:
        """Of the student that learns, or comes next; the first is 1."""
        return self.iteration // self.iterations_each + 1

    @property
    def is_over(self) -> bool:
        """Whether the last student has learnt all it will."""
        return self.iteration >= self.iterations

    # What guards' alarms have changed ---------------------------------------------------------

    @property
    def treated(self) -> DistillConfig:
        """What is labelled and mixed from now on."""
        return remedies.treated_labels(self.settings, self.count, self.settings.remedy)

    @property
    def treated_config(self) -> Config:
        """How it is searched and begun from now on."""
        remedy, steps = self.settings.remedy, self.env.max_steps
        if remedy == "noise" and self.settings.operator == "raw":
            return self.config  # nothing is searched: the noise is in the samples' temperature
        return remedies.treated(self.config, self.count, remedy, steps)

    def dose(self, found: Collection[str]) -> str | None:
        """Gives a dose before the next generation if these alarms (their names) ask for one."""
        remedy = self.settings.remedy
        full = remedy == "none" or self.count >= remedies.MOST or self.is_over
        between = self.iteration % self.iterations_each == 0
        if full or not between or remedies.AGAINST.isdisjoint(found):
            return None
        if remedy == "halt":
            return remedies.HALT
        before = (self.treated, self.treated_config)
        self.count += 1
        return remedies.told(remedy, *zip(before, (self.treated, self.treated_config), strict=True))

    # Labels ----------------------------------------------------------------------------------

    def teacher(self) -> tuple[Network, Params]:
        """Who labels now: the first teacher, then each student for the next."""
        before = self.generation - 1
        if before == 0:
            return self.given[0].network, self.given[0].params
        path = checkpoint.find(self.run.milestones, before * self.iterations_each)
        return self.network, session.read_params(path, self.env, self.network)

    def labels(self, number: int) -> Generation:
        """A generation with what is labelled of it so far; real data that others made as it is."""
        if number == 0 and self.settings.real != EXACT:
            return Generation(Path(self.settings.real))
        if 0 < number < self.generation:  # whole, or lost: who labelled it is not asked again
            return Generation(self.run.generation(number))
        about = about_generation(self.config, self.env) | {"generation": number}
        if number > 0 and self.settings.operator == "reanalysis":
            about["states"] = self.settings.states or self.settings.real
        return generations.create(self.run.generation(number), about)

    def shards(self, number: int) -> tuple[int, Callable[[int], Sample]]:
        """How many shards generation `number` shall have, and who makes the rows of each."""
        count = self.settings.episodes_at_once
        if number == 0:
            episodes, labelling, params = self.settings.real_episodes, self._exact, None
        else:
            network, params = self.teacher()
            episodes, labelling = self.settings.episodes, self._labelling(network)
        now = jnp.int32(number)
        ready = labelling.ready(params, now)
        verifier = self.verifier()

        def played(index: int) -> Sample:
            numbers = index * count + jnp.arange(count, dtype=jnp.int32)
            return judged(labelling.play(ready, now, numbers), verifier)

        def reanalysed(index: int) -> Sample:
            return relabelled(
                restored(next(self.states.each(index)), row(self.env)),
                lambda numbers, rows: labelling.relabel(ready, now, numbers, rows),
                first=sum(shard["rows"] for shard in self.states.shards[:index]),
                batch_size=count,
            )

        if number > 0 and self.settings.operator == "reanalysis":
            return len(self.states.shards), reanalysed
        return math.ceil(episodes / count), played

    @property
    def states(self) -> Generation:
        """Whose states are labelled anew, if any are."""
        return Generation(Path(self.settings.states)) if self.settings.states else self.labels(0)

    def verifier(self) -> Verifier | None:
        """Who judges the labels. Without being told to, it is asked where it can be, to know."""
        verifier = self.env.verifier()
        if verifier is None or self.config.rollout.max_opening_plies > 0:
            return None
        return Fallible(verifier, self.settings.verifier_error, self.config.seed)

    def selected(self, number: int) -> Selection:
        """What of a generation is learnt from; of real data everything. Found out once.

        Raises ValueError if that is nothing, saying why; the generation stays.
        """
        if number not in self._selections:
            self._selections[number] = self._select(number)
        return self._selections[number]

    def _select(self, number: int) -> Selection:
        generation, keep = self.labels(number), Filter()
        if number > 0:
            keep = filter_of(
                generation,
                verified=self.settings.verified,
                least_confidence=self.settings.least_confidence,
                keep_share=self.settings.keep_share,
            )
        return select(generation, keep, self.run.selection(number))

    def pool(self) -> Pool:
        """What the student of this generation learns from."""
        oldest = self.generation if self.settings.regime == "replace" else 1
        real = [0] if self.settings.real and self.settings.share_of_real != 0.0 else []
        return Pool(
            selections={n: self.selected(n) for n in [*real, *range(oldest, self.generation + 1)]},
            capacity=self.settings.generations + 1,
            like=row(self.env),
            regime=self.settings.regime,
        )

    # Learning --------------------------------------------------------------------------------

    def labelled(self, shares: jax.Array) -> Row:
        """What was labelled for this generation, and what of it is learnt from, as metrics."""
        counted = census.take(self.labels(self.generation))
        kept = self.selected(self.generation).size / counted.rows
        first = now = self._first_openings
        if self.generation > 1:
            now = openings(self.labels(self.generation).each())
        return (
            counted.metrics()
            | measures(now, first, self.generation - 1)
            | {"labels/kept": kept, "mixture/real": float(shares[0])}
        )

    @functools.cached_property
    def reference(self) -> Targets:
        """Rows of the first generation, evenly spread, that all students are held against."""
        selection = self.selected(1)
        index = np.linspace(0, selection.size - 1, min(ROWS, selection.size)).astype(np.int64)
        return restored(selection.rows(index), row(self.env)).targets

    @functools.cached_property
    def _first_openings(self) -> np.ndarray:
        """Of the generation that all others are held against."""
        return openings(self.labels(1).each())

    def learn(self, pool: Pool, shares: jax.Array) -> Row:
        """One iteration: batches drawn from the pool by shares, an update for each."""
        learner = self.config.learner
        if self.state is None:
            begin_as = self.teacher()[1] if self.settings.student == "teacher" else None
            self.state = self.student.begin(begin_as, jnp.int32(self.generation))
        updates = learner.updates_per_iteration
        key = jax.random.fold_in(self._keys[3], self.iteration)
        rows = pool.draw(key, shares, updates * learner.batch_size)
        batches = jax.tree.map(lambda x: x.reshape(updates, -1, *x.shape[1:]), rows)
        total = jnp.int32(self.iterations_each * updates)
        self.state, metrics = self.student.fit(
            self.state, batches, jnp.int32(self.iteration), total
        )
        self.iteration += 1
        return {name: float(value) for name, value in jax.device_get(metrics).items()}

    @property
    def params(self) -> Params:
        """Of the student that learns, as it acts."""
        assert self.state is not None
        return self.student.acting(self.state)

    # On disk ---------------------------------------------------------------------------------

    def save(self) -> None:
        """Writes a checkpoint of the student that learns, and drops the oldest."""
        trees = {"params": self.params, "state": self.state}
        checkpoint.save(self.run.checkpoints, self.iteration, trees, self._info())
        checkpoint.prune(self.run.checkpoints, self.config.checkpoint.keep)

    def graduate(self) -> None:
        """Keeps the student, who teaches from now on."""
        trees = {"params": self.params}
        checkpoint.save(self.run.milestones, self.iteration, trees, self._info())
        self.save()
        self.state = None

    def restore(self) -> None:
        """Goes on where the newest sound checkpoint was; without any, from the beginning.

        Where all are damaged, the last student that was kept serves: between two generations
        nothing else is needed.

        Raises ValueError if it had other settings, but for those that may change.
        """
        if not checkpoint.available(self.run.checkpoints):
            return
        path = checkpoint.newest_sound(self.run.checkpoints, spare=self.run.milestones)
        info = checkpoint.read_info(path)
        session.refuse_other_version(path, self.env)
        session.refuse_changes(from_dict(info["config"]), self.config, self.run.path)
        _refuse_changes(info.get("distill", {}), self.settings, self.run.path)
        self.clock = Clock(math.inf, before=info["seconds"])
        self.pace = Pace(self.clock)
        self.iteration = int(path.name)
        rows = [row for row in metrics.read(self.run.metrics) if row["iteration"] <= self.iteration]
        self.count = remedies.doses(rows, self.settings.remedy)
        if self.iteration % self.iterations_each:
            self.state = checkpoint.restore(path, "state", self.student.abstract())

    def _info(self) -> dict[str, Any]:
        about = session.about(self.config, self.env, self.mesh, self.iterations, self.clock.seconds)
        return about | {"distill": to_dict(self.settings)}

    # What is compiled ------------------------------------------------------------------------

    @property
    def _keys(self) -> jax.Array:
        """PRNG keys of labels, of real labels, of students, and of batches."""
        return keys(self.config)

    def _labelling(self, network: Network) -> Labelling:
        """How teachers with this network label."""
        if (network, self.count) not in self._labellings:
            self._labellings[network, self.count] = make_labelling(
                self.env,
                network,
                self.treated_config,
                self.treated,
                self.mesh,
                self._keys[0],
                self.given,
            )
        return self._labellings[network, self.count]

    @functools.cached_property
    def _exact(self) -> Labelling:
        return make_exact(self.env, self.config, self.settings, self.mesh, self._keys[1])


def _refuse_changes(saved: dict[str, Any], settings: DistillConfig, run: Path) -> None:
    """Raises ValueError naming a setting that changed since it was saved; only `remedy` may."""
    if not saved:  # by the first versions
        return
    before = settings_from_dict(DistillConfig, saved)
    for field in paths_of(DistillConfig):
        then, now = getattr(before, field), getattr(settings, field)
        if then != now and field != "remedy":
            raise ValueError(
                f"{field} cannot change on resume, from {then!r} to {now!r}; what can: remedy. Set "
                f"it back in {run / 'distill.toml'}, or begin anew: selfplay distill {run}"
            )


def iterations_each(config: Config, settings: DistillConfig) -> int:
    """Iterations of learning that each student has."""
    return math.ceil(settings.updates / config.learner.updates_per_iteration)


def keys(config: Config) -> jax.Array:
    """PRNG keys [4] of labels, of real labels, of students, and of batches."""
    return jax.random.split(jax.random.key(config.seed), 4)


def refuse_unfit(teacher: str, config: Config, settings: DistillConfig) -> None:
    """Raises ValueError, before any work, for settings or real data that do not fit."""
    env = registry.make(config.env, **config.env_args)
    remedies.refuse_unfit(settings)
    name = config.env
    noise.refuse_unfit(env, config.learner)
    if settings.student == "teacher":
        teachers.refuse_other_network(teacher, config)
    if settings.verified and env.verifier() is None:
        raise ValueError(f"verified needs an environment with a verifier; {name} has none")
    plays = settings.operator != "reanalysis"
    if settings.verified and plays and config.rollout.max_opening_plies > 0:
        raise ValueError(
            "a verifier judges episodes from their beginning: verified needs "
            f"rollout.max_opening_plies 0, got {config.rollout.max_opening_plies}"
        )
    if settings.hindsight and not has_hindsight(env):
        raise ValueError(f"hindsight needs an environment that knows it; {name} does not")
    if settings.real == EXACT and not has_oracle(env):
        raise ValueError(
            f"real exact needs an environment with an oracle, which {name} is not; name a "
            "generation's folder"
        )
    if settings.real and settings.real != EXACT:
        _refuse_others_rows("real data", settings.real, config, env)
    if settings.states:
        _refuse_others_rows("states", settings.states, config, env)


def _refuse_others_rows(what: str, folder: str, config: Config, env: Environment[Any]) -> None:
    """Raises ValueError for a generation of another environment, or without rows."""
    generation = Generation(Path(folder))
    for name, value in about_generation(config, env).items():
        if generation.about.get(name) != value:
            raise ValueError(
                f"the {what} in {folder} are of another environment: {name} is "
                f"{generation.about.get(name)!r}, not {value!r}"
            )
    if generation.num_rows == 0:
        raise ValueError(f"the {what} in {folder} have no rows yet")


def about_generation(config: Config, env: Environment[Any]) -> dict[str, Any]:
    """What a generation says of itself: what was played."""
    return {"env": config.env, "env_args": config.env_args, "environment_version": env.version}
