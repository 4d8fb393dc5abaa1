"""A run's folder: what lies where, and who may write to it.

RUN/config.toml      the settings
RUN/checkpoints/     the newest checkpoints, each with its manifest
RUN/milestones/      the network alone, from the run's whole length
RUN/looks/           which questions each look at exact truth found answered rightly
RUN/metrics.jsonl    one object an iteration
RUN/tensorboard/     the same for TensorBoard
RUN/solutions.jsonl  one object a solution that the environment's verifier accepted
RUN/rejected.json    one that it refused, for which the run was stopped
RUN/evaluation.json  how good it was at the end
RUN/arena.json       how its checkpoints rate against each other
RUN/depth.json       what its searches are worth, by number of simulations
RUN/frontier.json    the same of all its checkpoints

A distillation has beside them

RUN/distill.toml     what is labelled, filtered and mixed
RUN/teachers/        the networks it was given
RUN/generations/     what was labelled; 00000000 is real data
RUN/selections/      which of it was learnt from
"""

import contextlib
import dataclasses
import datetime
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from selfplay import config as config_lib
from selfplay.config import Config
from selfplay.distill_config import DistillConfig
from selfplay.files import write_text
from selfplay.settings import load_settings


@dataclasses.dataclass(frozen=True)
class RunDirectory:
    """The names of a run's files."""

    path: Path

    @property
    def config_file(self) -> Path:
        """The settings, as TOML."""
        return self.path / "config.toml"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def milestones(self) -> Path:
        """The folder of milestones, checkpoints of the network alone."""
        return self.path / "milestones"

    @property
    def looks(self) -> Path:
        """The folder of what each look at exact truth found right."""
        return self.path / "looks"

    @property
    def metrics(self) -> Path:
        """One JSON object an iteration."""
        return self.path / "metrics.jsonl"

    @property
    def tensorboard(self) -> Path:
        """Event files."""
        return self.path / "tensorboard"

    @property
    def solutions(self) -> Path:
        """One JSON object a solution."""
        return self.path / "solutions.jsonl"

    @property
    def rejected(self) -> Path:
        """What was taken for a solution, and is none."""
        return self.path / "rejected.json"

    @property
    def evaluation(self) -> Path:
        """What `selfplay evaluate` found last."""
        return self.path / "evaluation.json"

    @property
    def arena(self) -> Path:
        """What `selfplay arena` found last."""
        return self.path / "arena.json"

    @property
    def distill_file(self) -> Path:
        """The settings of a distillation, as TOML."""
        return self.path / "distill.toml"

    @property
    def is_distillation(self) -> bool:
        """Whether its network was distilled from labels rather than from self-play."""
        return self.distill_file.exists()

    @property
    def teachers(self) -> Path:
        """The networks that a distillation was given."""
        return self.path / "teachers"

    def generation(self, number: int) -> Path:
        """What was labelled for a student; 0 is real data."""
        return self.path / "generations" / f"{number:08d}"

    def selection(self, number: int) -> Path:
        """Which rows of a generation pass the filter."""
        return self.path / "selections" / f"{number:08d}"

    @property
    def lock_file(self) -> Path:
        """What a process holds while it trains the run."""
        return self.path / ".lock"

    @property
    def is_exported(self) -> bool:
        """Whether it is a network alone, without a history."""
        return not self.metrics.exists()

    @property
    def keeps_results(self) -> bool:
        """Whether what is found of it may be written here: not into an exported network, which
        may be part of an installed package, nor where this user may not write.
        """
        return not self.is_exported and os.access(self.path, os.W_OK)

    def read_config(self) -> Config:
        """The run's settings. Raises ValueError if this is no run."""
        if not self.config_file.exists():
            raise ValueError(f"{self.path} is not a run: it has no {self.config_file.name}")
        return config_lib.load(self.config_file)

    def read_distill_config(self) -> DistillConfig:
        """The settings of a distillation. Raises ValueError if this is none."""
        if not self.is_distillation:
            raise ValueError(f"{self.path} is no distillation: it has no {self.distill_file.name}")
        return load_settings(DistillConfig, self.distill_file)

    def write_config(self, config: Config) -> None:
        """Replaces the settings, atomically."""
        write_text(self.config_file, config_lib.dumps(config))

    def write_distill_config(self, settings: DistillConfig) -> None:
        """Writes the settings of a distillation."""
        write_text(self.distill_file, config_lib.dumps(settings))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the run for this process; the system lets go of it however the process ends.

        Raises ValueError if another process holds it.
        """
        with self.lock_file.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ValueError(f"another process is training {self.path}") from None
            yield


def refuse_taken(path: Path) -> None:
    """Raises ValueError if a new run cannot be made at `path`."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        is_run = RunDirectory(path).metrics.exists()
        go_on = f"; to go on with it: selfplay resume {path}" if is_run else ""
        raise ValueError(f"{path} exists already; name a new folder{go_on}")
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        why = "may not be written to" if above.is_dir() else "is a file"
        raise ValueError(
            f"the run cannot be made at {path}: {above} {why}; it has to be a folder that this "
            "user may write to"
        )


def default_path(config: Config) -> Path:
    """`runs/ENV-DATE-TIME`, with a number behind it if that is taken."""
    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    name = f"{config.env.replace(':', '-')}-{now}"
    paths = (Path("runs") / f"{name}{suffix}" for suffix in ("", *map("-{}".format, range(2, 99))))
    return next(path for path in paths if not path.exists())


@contextlib.contextmanager
def create(
    path: Path, config: Config, fill: Callable[[RunDirectory], None]
) -> Iterator[RunDirectory]:
    """Makes a new run's folder with its first contents, and holds it.

    `fill` writes into a folder of another name, which is then renamed: a process that is killed
    leaves no run or a whole one. Raises ValueError if `path` is taken.
    """
    refuse_taken(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = RunDirectory(Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent)))
    try:
        with unfinished.lock():
            unfinished.path.chmod(0o755)
            unfinished.write_config(config)
            fill(unfinished)
            try:
                unfinished.path.rename(path)
            except OSError:
                refuse_taken(path)
                raise
            yield RunDirectory(path.absolute())
    finally:
        shutil.rmtree(unfinished.path, ignore_errors=True)


def refuse_unwritable(path: Path) -> None:
    """Raises ValueError if no file can be written at `path`, before there is anything to write."""
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        why = (
            "it is a folder"
            if path.is_dir()
            else f"{folder} may not be written to"
            if folder.is_dir()
            else f"there is no folder {folder}"
        )
        raise ValueError(f"cannot write {path}: {why}; name another file with --output")


def newest(root: Path = Path("runs")) -> Path | None:
    """The run under `root` whose settings were written last, if there is any."""
    configs = [file for file in root.glob("*/config.toml") if file.parent.name[0] != "."]
    configs.sort(key=lambda file: file.stat().st_mtime)
    return configs[-1].parent if configs else None
