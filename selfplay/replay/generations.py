"""Generations on disk: what one teacher labelled, in shards of plain NumPy arrays.

GENERATION/generation.json     what it is, and the rows and episodes of each shard
GENERATION/00000000/           a shard: the rows of whole episodes
GENERATION/00000000/NAME.npy   one field of all its rows, as its path in `Sample`

Nothing in it is code: any NumPy reads a field by `numpy.load(file)`. A shard is written in a
folder whose name begins with a dot, flushed, renamed, and then named in generation.json, with the
CRC-32 of its files; that is itself replaced whole: a process killed at any moment leaves shards
that are whole, and goes on with the next one. Rows are read through memory maps, so a generation
may be larger than memory.
"""

import dataclasses
import functools
import json
import math
import mmap
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from selfplay import files
from selfplay.operators.contract import OPERATORS
from selfplay.operators.episodes import Sample
from selfplay.operators.targets import VERDICTS

FORMAT = 1
MANIFEST = "generation.json"
_UNFINISHED = ".unfinished"
_NAMED = {
    "operators": "targets.provenance.operator",
    "verdicts": "targets.provenance.verdict",
}
"""Lists of names in the manifest, and the fields that are numbers of them."""
_PIECE = 2**20
"""Bytes that are read at once."""


Columns = Mapping[str, np.ndarray]
"""Fields of rows by their paths, such as `targets.provenance.confidence`."""


def columns(sample: Any) -> dict[str, np.ndarray]:
    """A pytree's leaves as arrays on the host, by their paths."""
    return dict(zip(names(sample), map(np.asarray, jax.tree.leaves(sample)), strict=True))


def names(sample: Any) -> list[str]:
    """The paths of a pytree's leaves, in order."""
    leaves = jax.tree_util.tree_leaves_with_path(sample)
    return [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves]


@dataclasses.dataclass(frozen=True)
class Generation:
    """A generation that may be read, and have shards added, by one process at a time."""

    path: Path

    @functools.cached_property
    def about(self) -> dict[str, Any]:
        """What its maker said of it."""
        return self._manifest["about"]

    @property
    def _manifest(self) -> dict[str, Any]:
        """Raises ValueError if this is no generation, or of a format this version cannot read."""
        file = self.path / MANIFEST
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ValueError(f"{self.path} is no generation: it has no {MANIFEST}") from None
        except ValueError as error:
            raise ValueError(f"{file} is damaged: {error}") from None
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            found = manifest.get("format") if isinstance(manifest, dict) else manifest
            raise ValueError(f"{file} must be of format {FORMAT}, got {found!r}")
        kinds = {"about": dict, "operators": list, "verdicts": list, "fields": dict, "shards": list}
        for name, kind in kinds.items():
            if not isinstance(manifest.get(name), kind):
                raise ValueError(f"{file} is damaged: {name} is {manifest.get(name)!r}")
        return manifest

    @property
    def operators(self) -> list[str]:
        """Names behind `targets.provenance.operator`, those of the version that wrote it."""
        return self._manifest["operators"]

    @property
    def verdicts(self) -> list[str]:
        """Names behind `targets.provenance.verdict`, likewise."""
        return self._manifest["verdicts"]

    @property
    def fields(self) -> dict[str, list[Any]]:
        """Dtype and shape of one row's, of each field; of none before the first shard."""
        return self._manifest["fields"]

    @property
    def shards(self) -> list[dict[str, int]]:
        """Rows and episodes of each shard, in order, and the CRC-32 of its files."""
        return self._manifest["shards"]

    @property
    def num_rows(self) -> int:
        """Rows in all shards."""
        return sum(shard["rows"] for shard in self.shards)

    def shard(self, index: int) -> Columns:
        """The fields of a shard, mapped rather than read."""
        folder = self.path / f"{index:08d}"
        return {file.stem: _load(file) for file in sorted(folder.glob("*.npy"))}

    def each(self, start: int = 0) -> Iterator[Columns]:
        """Shard after shard, from one on. Raises ValueError at one that is not as was written."""
        manifest = self._manifest
        for index, shard in enumerate(manifest["shards"][start:], start):
            fields = self.shard(index)
            kinds = {name: _kind(x) for name, x in fields.items()}
            if kinds != manifest["fields"] or {len(x) for x in fields.values()} != {shard["rows"]}:
                raise ValueError(
                    f"{self.path / f'{index:08d}'} is damaged: it must hold {shard['rows']} rows "
                    f"of {', '.join(manifest['fields'])}"
                )
            known = shard.get("crc32")  # the first versions wrote none
            if known not in (None, _crc32(self.path / f"{index:08d}")):
                raise ValueError(
                    f"{self.path / f'{index:08d}'} is damaged: its bytes are not those that were "
                    "written (CRC-32)"
                )
            for names, field in _NAMED.items():
                if int(fields[field].max(initial=0)) >= len(manifest[names]):
                    raise ValueError(
                        f"{self.path / f'{index:08d}'} is damaged: {field} must be below "
                        f"{len(manifest[names])}, the number of {names} in {MANIFEST}, got "
                        f"{fields[field].max()}"
                    )
            yield fields

    def add(self, sample: Sample) -> None:
        """Writes one more shard: the rows [K] that have weight.

        Raises ValueError if its fields are others than those of the shards before.
        """
        fields = columns(sample)
        keep = fields["targets.weight"] > 0
        fields = {name: array[keep] for name, array in fields.items()}
        manifest = self._manifest
        kinds = {name: _kind(x) for name, x in fields.items()}
        if manifest["fields"] not in ({}, kinds):
            raise ValueError(f"{self.path} holds rows with other fields: {manifest['fields']}")
        unfinished = self.path / _UNFINISHED
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        for name, array in fields.items():
            files.write_array(unfinished / f"{name}.npy", array)
        place = self.path / f"{len(manifest['shards']):08d}"
        shutil.rmtree(place, ignore_errors=True)  # a shard that was never named
        unfinished.rename(place)
        episodes = len(np.unique(fields["episode"]))
        manifest["fields"] = kinds
        manifest["shards"].append(
            {"rows": int(keep.sum()), "episodes": episodes, "crc32": _crc32(place)}
        )
        files.write_text(self.path / MANIFEST, json.dumps(manifest, indent=1) + "\n")


def create(path: Path, about: Mapping[str, Any]) -> Generation:
    """An empty generation, or the one that is there already, to be gone on with.

    Args:
        path: its folder.
        about: what is to be known of it, such as its environment and teacher; JSON can hold it.

    Raises:
        ValueError: there is one already, of which other things are said.
    """
    generation = Generation(path)
    if not (path / MANIFEST).exists():
        path.mkdir(parents=True, exist_ok=True)
        manifest = {
            "format": FORMAT,
            "about": dict(about),
            "operators": list(OPERATORS),
            "verdicts": list(VERDICTS),
            "fields": {},
            "shards": [],
        }
        files.write_text(path / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    elif generation.about != json.loads(json.dumps(about)):
        raise ValueError(
            f"{path} holds a generation of other settings: {generation.about}, not {dict(about)}"
        )
    return generation


def mapped(file: Path, rows: int, kind: Sequence[Any]) -> np.ndarray:
    """A field of which all is known, as of a shard that `each` has read: mapped in a fraction of
    the time that reading its header takes.

    The file stays open as long as the array lives.

    Args:
        file: where it is.
        rows: how many it has.
        kind: dtype and shape of one, as in `Generation.fields`.
    """
    dtype, shape = np.dtype(kind[0]), (rows, *kind[1])
    with file.open("rb", buffering=0) as opened:
        data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    return np.ndarray(shape, dtype, data, offset=len(data) - dtype.itemsize * math.prod(shape))


def _kind(field: np.ndarray) -> list[Any]:
    """Dtype and shape of one row's, as JSON keeps them."""
    return [field.dtype.str, list(field.shape[1:])]


def _crc32(shard: Path) -> int:
    """Of all files of a shard, one after another by their names; read rather than mapped, so that
    memory holds a piece at a time.
    """
    found = 0
    for path in sorted(shard.glob("*.npy")):
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                found = zlib.crc32(piece, found)
    return found


def _load(file: Path) -> np.ndarray:
    """A field, mapped. Raises ValueError if the file is not one: an archive, a pickle."""
    try:
        return np.lib.format.open_memmap(file, mode="r")
    except ValueError as error:
        raise ValueError(f"{file} is damaged: {error}") from None
