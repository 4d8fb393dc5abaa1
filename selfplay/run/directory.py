"""A run's folder: what lies where, and who may write to it.

RUN/config.toml      the settings
RUN/checkpoints/     the newest checkpoints, each with its manifest
RUN/metrics.jsonl    one object an iteration
RUN/tensorboard/     the same for TensorBoard
RUN/evaluation.json  how good it was at the end
"""

import contextlib
import dataclasses
import datetime
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from selfplay import config as config_lib
from selfplay.config import Config


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
    def metrics(self) -> Path:
        """One JSON object an iteration."""
        return self.path / "metrics.jsonl"

    @property
    def tensorboard(self) -> Path:
        """Event files."""
        return self.path / "tensorboard"

    @property
    def evaluation(self) -> Path:
        """Scores at the end."""
        return self.path / "evaluation.json"

    def read_config(self) -> Config:
        """The run's settings. Raises ValueError if this is no run."""
        if not self.config_file.exists():
            raise ValueError(f"{self.path} is not a run: it has no {self.config_file.name}")
        return config_lib.load(self.config_file)

    def write_config(self, config: Config) -> None:
        """Replaces the settings, atomically."""
        write_text(self.config_file, config_lib.dumps(config))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the run for this process; the system lets go of it however the process ends.

        Raises ValueError if another process holds it.
        """
        with (self.path / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ValueError(f"another process is training {self.path}") from None
            yield


def create(path: Path | None, config: Config) -> RunDirectory:
    """A new run's folder, by default `runs/ENV-DATE-TIME`. Raises ValueError if it is taken."""
    if path is None:
        now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        path = Path("runs") / f"{config.env.replace(':', '-')}-{now}"
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(
            f"{path} exists already; to go on with it: selfplay resume {path}; "
            "for a new run name a new folder"
        )
    path.mkdir(parents=True, exist_ok=True)
    run = RunDirectory(path.absolute())
    run.write_config(config)
    return run


def newest(root: Path = Path("runs")) -> Path | None:
    """The run under `root` whose settings were written last, if there is any."""
    configs = sorted(root.glob("*/config.toml"), key=lambda file: file.stat().st_mtime)
    return configs[-1].parent if configs else None


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
