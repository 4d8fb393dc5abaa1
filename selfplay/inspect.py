"""A distillation's generation, looked into: what went into a student's training."""

import dataclasses
from pathlib import Path

from selfplay.distill_config import DistillConfig
from selfplay.environment import registry
from selfplay.environment.contract import Environment
from selfplay.evaluation.inspection import Inspection, inspect, make_judge
from selfplay.networks.build import build
from selfplay.networks.contract import Network, Params
from selfplay.replay.generations import Generation
from selfplay.replay.selection import Filter, filter_of
from selfplay.run import checkpoint, session, teachers
from selfplay.run.directory import RunDirectory
from selfplay.run.distillation import iterations_each


@dataclasses.dataclass(frozen=True)
class Trial:
    """A filter to be tried; None is what the run itself had.

    But of the two that go by confidence one alone can be tried, without the run's other one.
    """

    verified: bool | None = None
    least_confidence: float | None = None
    keep_share: float | None = None

    def settled(self, settings: DistillConfig) -> "Trial":
        """With the run's settings where nothing else is asked for."""
        least, share = self.least_confidence, self.keep_share
        if least is None and share is None:
            least, share = settings.least_confidence, settings.keep_share
        verified = settings.verified if self.verified is None else self.verified
        return Trial(verified, least, share)


def numbers(run: RunDirectory) -> list[int]:
    """The generations that are there, in order. Raises ValueError if there are none."""
    if not run.is_distillation:
        raise ValueError(
            f"{run.path} was not distilled: it kept none of its rows. Generations are written by "
            "selfplay distill; selfplay report and plot show what a training run was like"
        )
    found = sorted(int(path.name) for path in (run.path / "generations").glob("[0-9]" * 8))
    if not found:
        raise ValueError(f"{run.path} has labelled nothing yet")
    return found


def inspect_run(
    path: Path, number: int | None = None, trial: Trial | None = None, examples: int = 3
) -> tuple[Environment, int, Filter, Inspection]:
    """Reads one generation of a distillation; nothing is written.

    Args:
        path: the run.
        number: which generation, by default the last.
        trial: a filter to be tried on it; by default the run's own.
        examples: of each kind.

    Returns:
        The environment, the generation's number, the filter, and what was found.

    Raises:
        ValueError: it is no distillation, has no such generation, or that is damaged; no filter
            is as the trial.
    """
    if examples < 0:
        raise ValueError(f"examples must be at least 0, got {examples}")
    run = RunDirectory(path)
    config, known = run.read_config(), numbers(run)
    number = known[-1] if number is None else number
    if number not in known:
        raise ValueError(f"{path} has no generation {number}; there are {known[0]} to {known[-1]}")
    env = registry.make(config.env, **config.env_args)
    generation = Generation(run.generation(number))
    keep = _filter(
        generation, (trial or Trial()).settled(run.read_distill_config()), real=number == 0
    )
    judge = make_judge(env, *_teacher(run, env, number))
    return env, number, keep, inspect(generation, env, keep, judge, examples)


def _filter(generation: Generation, trial: Trial, real: bool) -> Filter:
    """What a trial lets through; of real data everything."""
    if real:
        return Filter()
    return filter_of(
        generation,
        verified=bool(trial.verified),
        least_confidence=trial.least_confidence or 0.0,
        keep_share=1.0 if trial.keep_share is None else trial.keep_share,
    )


def _teacher(run: RunDirectory, env: Environment, number: int) -> tuple[Network, Params]:
    """Whose labels a generation has; the first teacher's for real data."""
    config, settings = run.read_config(), run.read_distill_config()
    if number <= 1:
        first = teachers.load(run.teachers, env)[0]
        return first.network, first.params
    network = build(config.network, env)
    path = checkpoint.find(run.milestones, (number - 1) * iterations_each(config, settings))
    return network, session.read_params(path, env, network)
