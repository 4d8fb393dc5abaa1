"""Trees on disk, safely.

CHECKPOINTS/00000042/            after iteration 42
CHECKPOINTS/00000042/NAME/       one tree, an orbax item: a flat dictionary of its leaves
CHECKPOINTS/00000042/manifest.json

The manifest holds what else is known (`info`), the path, shape and dtype of every leaf, and the
size and SHA-256 of every file. It is written last, in a folder whose name begins with a dot;
then all is flushed to the disk and the folder is renamed. A process killed at any moment leaves
the old checkpoints or the new ones. One process at a time may write; any number may read.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

FORMAT = 1
MANIFEST = "manifest.json"
_UNFINISHED = ".unfinished-"
"""Prefix of folders being written or removed; never taken for checkpoints."""
_REPLACED = ".replaced"
"""Holds a checkpoint while another of the same iteration takes its place."""
_LIBRARIES = ("selfplay", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


class DamagedCheckpointError(ValueError):
    """A checkpoint is not what was saved; says which file, and what is wrong with it."""


def save(folder: Path, iteration: int, trees: dict[str, Any], info: dict[str, Any]) -> Path:
    """Writes a checkpoint, in place of the one of the same iteration if there is one.

    Args:
        folder: where the run's checkpoints are; made if it is not there.
        iteration: at least 0.
        trees: pytrees of arrays of any dtype but PRNG keys, by name. Each can be restored
            without the others.
        info: what JSON can hold.

    Returns:
        The checkpoint's path, `folder/ITERATION`.

    Raises:
        ValueError: a tree or `info` holds something that cannot be saved; nothing changed.
    """
    _refuse_unfit(trees, info)
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(folder)
    path = folder / f"{iteration:08d}"
    unfinished = folder / f"{_UNFINISHED}{path.name}"
    unfinished.mkdir()
    try:
        leaves = {name: _write_tree(unfinished / name, tree) for name, tree in trees.items()}
        manifest = {
            "format": FORMAT,
            "iteration": iteration,
            "info": info,
            "versions": _versions(),
            "trees": leaves,
            "files": {_relative(file, unfinished): _flush(file) for file in _files(unfinished)},
        }
        manifest["sha256"] = _digest(manifest)
        (unfinished / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        _flush(unfinished / MANIFEST)
        for inner in [*(p for p in unfinished.rglob("*") if p.is_dir()), unfinished]:
            _flush_folder(inner)
        if path.exists():
            (folder / _REPLACED).mkdir(exist_ok=True)
            path.rename(folder / _REPLACED / path.name)
        unfinished.rename(path)
        _flush_folder(folder)
    finally:
        _clear_leftovers(folder)
    return path


def prune(folder: Path, keep: int) -> None:
    """Removes all checkpoints older than the newest `keep` (at least 1) that look sound.

    Damaged ones do not count, so that they never push out the last good one. Only the names and
    sizes of files are looked at.
    """
    if keep < 1:
        raise ValueError(f"keep must be at least 1, got {keep}")
    _clear_leftovers(folder)
    sound = 0
    for path in available(folder):
        if sound >= keep:
            remove(path)
            continue
        try:
            _check_files(path, hashes=False)
            sound += 1
        except DamagedCheckpointError:
            pass


def remove(path: Path) -> None:
    """Takes a checkpoint away at one moment, then deletes it."""
    unfinished = path.with_name(f"{_UNFINISHED}{path.name}")
    path.rename(unfinished)
    shutil.rmtree(unfinished)


def available(folder: Path) -> list[Path]:
    """The checkpoints, newest first, sound or not. A path's name is its iteration."""
    found: dict[str, Path] = {}
    for place in (folder / _REPLACED, folder):
        if place.is_dir():
            found |= {path.name: path for path in place.iterdir() if path.name.isdecimal()}
    return [found[name] for name in sorted(found, key=int, reverse=True)]


def verify(path: Path) -> None:
    """Reads a checkpoint through. Raises DamagedCheckpointError if it is not what was saved.

    Files that were not saved with it do no harm.
    """
    _check_files(path, hashes=True)


def newest_sound(
    folder: Path, warn: Callable[[str], None] = print, *, spare: Path | None = None
) -> Path:
    """The newest checkpoint that is what was saved, or else the newest one of another folder.

    Each damaged one before it is warned of. Raises ValueError if there is none.
    """
    paths = [*available(folder), *(() if spare is None else available(spare))]
    for path in paths:
        try:
            verify(path)
            return path
        except DamagedCheckpointError as error:
            warn(f"damaged checkpoint {error}; trying the one before")
    if paths:
        raise ValueError(f"none of the {len(paths)} checkpoints in {folder} is sound")
    raise ValueError(f"there is no checkpoint in {folder}")


def find(
    folder: Path,
    iteration: int | None = None,
    *others: Path,
    warn: Callable[[str], None] = print,
) -> Path:
    """The sound checkpoint of an iteration, from `folder` or `others`, or `folder`'s newest.

    Raises ValueError if there is none, naming those there are; DamagedCheckpointError if the
    one asked for is damaged.
    """
    if iteration is None:
        return newest_sound(folder, warn)
    paths = {int(p.name): p for place in (*reversed(others), folder) for p in available(place)}
    if iteration not in paths:
        there = ", ".join(map(str, sorted(paths, reverse=True))) or "none"
        raise ValueError(
            f"there is no checkpoint of iteration {iteration} in {folder}; there are: {there}"
        )
    verify(paths[iteration])
    return paths[iteration]


def read_info(path: Path) -> dict[str, Any]:
    """What was saved as `info`. Raises DamagedCheckpointError if the manifest is damaged."""
    return _read_manifest(path)["info"]


def read_versions(path: Path) -> dict[str, str]:
    """Versions of Python and of the libraries that saved it. Raises as `read_info` does."""
    return _read_manifest(path)["versions"]


def restore(path: Path, name: str, abstract: Any) -> Any:
    """The tree that was saved as `name`, bit for bit.

    Args:
        path: a checkpoint, known to be sound.
        name: of the tree.
        abstract: pytree like the one that was saved, with the shape and dtype of each leaf,
            such as `jax.ShapeDtypeStruct`. A leaf that has a `sharding` is restored to it,
            another to the default device.

    Returns:
        A pytree of `abstract`'s structure, of JAX arrays that share no memory.

    Raises:
        ValueError: there is no such tree, or it does not fit; names each leaf that does not.
    """
    trees = _read_manifest(path)["trees"]
    if name not in trees:
        raise ValueError(f"{path} has no tree {name!r}; it has {', '.join(trees) or 'none'}")
    saved = {key: (tuple(leaf["shape"]), leaf["dtype"]) for key, leaf in trees[name].items()}
    asked = _leaves(abstract)
    wrong = [
        f"{key or 'the only leaf'} was {_describe(saved.get(key))} when saved, but "
        f"{_describe(wanted)} is asked for"
        for key, wanted in _signatures(asked, saved).items()
        if saved.get(key) != wanted
    ]
    if wrong:
        more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise ValueError(f"tree {name!r} of {path} does not fit: {'; '.join(wrong[:5])}{more}")
    full = {key: _restore_args(leaf) for key, leaf in asked.items() if _size(leaf)}
    read: dict[str, Any] = {}
    if full:
        args = ocp.args.PyTreeRestore(restore_args=full)
        read = ocp.PyTreeCheckpointer().restore((path / name).absolute(), args=args)
    return jax.tree.unflatten(
        jax.tree.structure(abstract), [_place(leaf, read.get(key)) for key, leaf in asked.items()]
    )


# Trees ---------------------------------------------------------------------------------------


def _leaves(tree: Any) -> dict[str, Any]:
    """Leaves by their paths, in order. Orbax alone would lose empty and custom subtrees."""
    return {jax.tree_util.keystr(p): x for p, x in jax.tree_util.tree_leaves_with_path(tree)}


def _write_tree(path: Path, tree: Any) -> dict[str, Any]:
    """Writes a tree's leaves; returns their shapes and dtypes. Orbax takes no empty arrays."""
    leaves = _leaves(tree)
    full = {key: leaf for key, leaf in leaves.items() if _size(leaf)}
    if full:
        ocp.PyTreeCheckpointer().save(path, full)
        # Orbax notes where it wrote; what is renamed, and may be sent, should not say so.
        (path / "commit_success.txt").unlink(missing_ok=True)
    return {
        key: {"shape": list(leaf.shape), "dtype": str(leaf.dtype)} for key, leaf in leaves.items()
    }


def _refuse_unfit(trees: dict[str, Any], info: dict[str, Any]) -> None:
    for name, tree in trees.items():
        if not re.fullmatch(r"\w[\w-]*", name):
            raise ValueError(f"a tree's name is made of letters, digits, - and _, got {name!r}")
        if len(_leaves(tree)) != len(jax.tree.leaves(tree)):
            raise ValueError(f"tree {name!r}: two leaves have the same path")
        for key, leaf in _leaves(tree).items():
            where = f"leaf {key} of tree {name!r}"
            if not isinstance(leaf, jax.Array | np.ndarray | np.generic):
                raise ValueError(f"{where} must be an array, got {type(leaf).__name__}")
            if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
                raise ValueError(f"{where} is a PRNG key; save jax.random.key_data of it")
            if jax.dtypes.canonicalize_dtype(leaf.dtype) != leaf.dtype:
                raise ValueError(f"{where} is {leaf.dtype}, which JAX would restore as another")
    try:
        json.dumps(info, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"info must be what JSON can hold: {error}") from error


def _signatures(asked: dict[str, Any], saved: dict[str, Any]) -> dict[str, Any]:
    """Shape and dtype of each leaf that is asked for; None for one that was only saved."""
    signatures: dict[str, Any] = dict.fromkeys(saved)
    return signatures | {key: (tuple(x.shape), str(x.dtype)) for key, x in asked.items()}


def _describe(signature: tuple[tuple[int, ...], str] | None) -> str:
    return "absent" if signature is None else f"{signature[1]} {list(signature[0])}"


def _size(leaf: Any) -> int:
    return int(np.prod(leaf.shape))


def _restore_args(leaf: Any) -> ocp.RestoreArgs:
    sharding = getattr(leaf, "sharding", None)
    if sharding is None:
        return ocp.RestoreArgs(restore_type=np.ndarray)
    return ocp.ArrayRestoreArgs(sharding=sharding, global_shape=leaf.shape, dtype=leaf.dtype)


def _place(leaf: Any, value: Any) -> jax.Array:
    """The array where it belongs; one that was not stored is empty."""
    if isinstance(value, jax.Array):
        return value
    array = np.zeros(leaf.shape, leaf.dtype) if value is None else value
    sharding = getattr(leaf, "sharding", None)
    # A copy: an array that shares memory with NumPy must not be donated.
    return jnp.array(array) if sharding is None else jax.device_put(array, sharding)


# Files ---------------------------------------------------------------------------------------


def _read_manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DamagedCheckpointError(f"{path}: {MANIFEST} is missing") from None
    except (OSError, ValueError) as error:
        raise DamagedCheckpointError(f"{path}: {MANIFEST} is unreadable: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("sha256") != _digest(manifest):
        raise DamagedCheckpointError(f"{path}: {MANIFEST} is not what was saved")
    if manifest["format"] != FORMAT:
        raise ValueError(
            f"{path} has format {manifest['format']}, but this version of selfplay reads {FORMAT}"
        )
    return manifest


def _check_files(path: Path, *, hashes: bool) -> None:
    for name, saved in _read_manifest(path)["files"].items():
        try:
            size = (path / name).stat().st_size
            if size != saved["size"]:
                raise DamagedCheckpointError(
                    f"{path}: {name} has {size} bytes, but {saved['size']} were saved"
                )
            if hashes and _sha256(path / name) != saved["sha256"]:
                raise DamagedCheckpointError(
                    f"{path}: {name} has other contents than were saved (SHA-256)"
                )
        except FileNotFoundError:
            raise DamagedCheckpointError(f"{path}: {name} is missing") from None
        except OSError as error:
            raise DamagedCheckpointError(f"{path}: {name} is unreadable: {error}") from error


def _digest(manifest: dict[str, Any]) -> str:
    """SHA-256 of a manifest's contents but for this number itself."""
    contents = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> dict[str, Any]:
    """Brings a file to the disk; returns its size and SHA-256."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"size": path.stat().st_size, "sha256": digest}


def _flush_folder(path: Path) -> None:
    """Brings a folder's names to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _relative(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _clear_leftovers(folder: Path) -> None:
    """Removes what a killed process left, and puts back what it was about to replace."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(path)
    replaced = folder / _REPLACED
    if replaced.is_dir():
        for path in replaced.iterdir():
            if (folder / path.name).exists():
                shutil.rmtree(path)
            else:
                path.rename(folder / path.name)
        replaced.rmdir()


def _versions() -> dict[str, str]:
    versions = {library: importlib.metadata.version(library) for library in _LIBRARIES}
    return {"python": platform.python_version()} | versions
