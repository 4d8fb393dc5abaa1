"""Files that are whole or not there: whatever kills the process, nobody reads half of one."""

import os
from pathlib import Path

import numpy as np


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    temporary = _temporary(path)
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def try_to_write(path: Path) -> None:
    """Raises OSError where `write_text` would; leaves nothing there, and what is there alone."""
    temporary = _temporary(path)
    temporary.open("w").close()
    temporary.unlink()


def _temporary(path: Path) -> Path:
    """What a file is called until it is whole."""
    return path.with_name(f".{path.name}.tmp")


def write_array(path: Path, array: np.ndarray) -> None:
    """Writes a NumPy file and waits until it is on the disk; not in place of one that is read.

    Raises ValueError for an array of Python objects, which only code could read.
    """
    if array.dtype.hasobject:
        raise ValueError(f"{path.name} must hold numbers, got an array of {array.dtype}")
    with path.open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())
