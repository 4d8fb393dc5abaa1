"""Who is told of each iteration: a JSON Lines file, TensorBoard, Weights & Biases, anyone.

A row is a flat dictionary with the key "iteration". A key such as "loss/policy" belongs to the
group before its slash. A resumed run drops the rows after the iteration it goes on from, so
that none is told twice.
"""

import importlib.util
import json
import math
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from selfplay import config as config_lib
from selfplay.config import Config
from selfplay.files import write_text
from selfplay.run.directory import RunDirectory

Row = Mapping[str, float | int | str]


class Watcher(Protocol):
    """Someone who is told."""

    def on_iteration(self, row: dict[str, Any]) -> None:
        """An iteration is done; `row` says how it went: numbers, and text under "warnings"."""

    def close(self) -> None:
        """There will be no more."""


class JsonLines:
    """A file with one JSON object a line; each is on its way to the disk before the next.

    A number that is not finite is written as null, for JSON has no word for it; `read` gives
    back NaN.
    """

    def __init__(self, path: Path, resume_at: int | None = None):
        """Opens the file to append to it.

        Args:
            path: of the file.
            resume_at: the iteration a resumed run goes on from; later rows and a torn last line
                are dropped. None for a new run.

        Raises:
            ValueError: a new run's file is there already, or a line inside it is damaged.
        """
        if path.exists() and resume_at is None:
            raise ValueError(f"{path} exists already; resume_at must say which rows to keep")
        if path.exists():
            kept = [row for row in read(path) if row.get("iteration", 0) <= resume_at]
            write_text(path, "".join(map(_line, kept)))
        self._file = path.open("a", encoding="utf-8")

    def on_iteration(self, row: Row) -> None:
        """Appends a line."""
        self._file.write(_line(row))
        self._file.flush()

    def close(self) -> None:
        """Brings the file to the disk."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()


class TensorBoard:
    """Event files: a scalar for each number, its step the iteration."""

    def __init__(self, folder: Path, resume_at: int | None = None):
        """Begins a file; TensorBoard will hide what older ones tell after `resume_at`."""
        from tensorboardX import SummaryWriter

        purge_step = None if resume_at is None else resume_at + 1
        self._writer = SummaryWriter(str(folder), purge_step=purge_step, flush_secs=10)

    def on_iteration(self, row: Row) -> None:
        """Writes the numbers; text has no place here."""
        for key, value in row.items():
            if key != "iteration" and not isinstance(value, str):
                self._writer.add_scalar(key, float(value), int(row["iteration"]))

    def close(self) -> None:
        """Flushes and closes the file."""
        self._writer.close()


class WeightsAndBiases:
    """A run on wandb.ai, or wherever the user's wandb settings send it."""

    def __init__(
        self, run_name: str, config: dict[str, Any], run_id: str, folder: Path | None = None
    ):
        """Begins the run, or goes on with the one that has this id.

        Args:
            run_name: for people.
            config: the settings, nested dictionaries.
            run_id: unique; the same again to go on with a run.
            folder: where wandb keeps its own files, by default where it pleases.

        Raises:
            RuntimeError: wandb is not installed.
        """
        try:
            import wandb  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise RuntimeError("logging.wandb needs wandb: pip install 'selfplay[wandb]'") from None
        self._run = wandb.init(
            project="selfplay",
            name=run_name,
            config=config,
            id=run_id,
            resume="allow",
            dir=None if folder is None else str(folder),
        )
        # wandb's own step may never go back, as that of a resumed run can.
        self._run.define_metric("*", step_metric="iteration")

    def on_iteration(self, row: Row) -> None:
        """Sends the row."""
        self._run.log(dict(row))

    def close(self) -> None:
        """Waits until all is sent."""
        self._run.finish()


def refuse_missing(config: Config) -> None:
    """Raises RuntimeError if the settings need a library that is not installed."""
    if config.logging.wandb and importlib.util.find_spec("wandb") is None:
        raise RuntimeError("logging.wandb needs wandb: pip install 'selfplay[wandb]'")


def open_watchers(run: RunDirectory, config: Config, iteration: int) -> list[Watcher]:
    """Those whom the settings name, for a run that goes on from `iteration` (0 if it is new)."""
    watchers: list[Watcher] = [JsonLines(run.metrics, resume_at=iteration)]
    if config.logging.tensorboard:
        watchers.append(TensorBoard(run.tensorboard, resume_at=iteration))
    if config.logging.wandb:
        id_file = run.path / "wandb_id.txt"
        if not id_file.exists():
            write_text(id_file, secrets.token_hex(4))
        settings, run_id = config_lib.to_dict(config), id_file.read_text(encoding="utf-8")
        watchers.append(WeightsAndBiases(run.path.name, settings, run_id, run.path))
    return watchers


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file; a torn last line is left out, null is NaN.

    A file that does not exist has none. Raises ValueError naming a damaged line before the last.
    """
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = []
    torn: int | None = None
    lines = path.read_bytes().splitlines()
    for number, line in enumerate(lines, 1):
        row = _parse(line)
        if row is None:
            torn = torn or number
        elif torn is not None:
            raise ValueError(f"{path}: line {torn} is not a JSON object; delete it to go on")
        else:
            rows.append(row)
    return rows


def _line(row: Row) -> str:
    return json.dumps({key: _plain(value) for key, value in row.items()}, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """A value that JSON can hold; numbers may come as NumPy's or JAX's."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _parse(line: bytes) -> dict[str, Any] | None:
    """The row on a line, or None if it is not one."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict):
        return None
    return {key: math.nan if value is None else value for key, value in row.items()}
