"""The mesh and its one axis. No other file names a device.

Everything that is computed in a run is wrapped by `over_devices`: games, buffer and batches are
split along the axis `data`, parameters are replicated. One device is the plain case of that.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "data"
SPLIT = PartitionSpec(AXIS)
"""Split along the first dimension."""
SPLIT_SECOND = PartitionSpec(None, AXIS)
"""Split along the second, where time comes first."""
REPLICATED = PartitionSpec()


def spread_over_cores(num_games: int, *shared: int, num_devices: int | None = None) -> None:
    """Makes each core a device of its own, as many as can share the games and the rest equally.

    JAX makes one device of a processor, whatever its cores, and a search keeps only one of them
    busy. It takes effect before JAX's first use alone; later, and on accelerators, it does
    nothing.

    Args:
        num_games: self-play's; a device gets at least 32, if there is more than one.
        shared: what else devices must share equally.
        num_devices: so many exactly.
    """
    chosen = jax.config.jax_num_cpu_devices >= 0  # pyright: ignore[reportAttributeAccessIssue]
    if chosen or "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        return
    count = num_devices or max(
        n
        for n in range(1, _num_cores() + 1)
        if n == 1 or (num_games >= 32 * n and all(x % n == 0 for x in (num_games, *shared)))
    )
    with contextlib.suppress(RuntimeError):  # JAX is in use
        jax.config.update("jax_num_cpu_devices", count)


def _num_cores() -> int:
    """Cores that this process may use, by its affinity and its container's quota."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    quota, _, period = _cgroup("cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        cores = min(cores, max(1, round(int(quota) / int(period))))
    return cores


def _cgroup(name: str) -> str:
    """A limit of the container that this process runs in; empty where there is none."""
    try:
        return Path("/sys/fs/cgroup", name).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def make_mesh(num_devices: int | None = None) -> Mesh:
    """A mesh of so many devices; None means all. Raises ValueError if there are fewer."""
    devices = jax.devices()
    count = len(devices) if num_devices is None else num_devices
    if count > len(devices):
        raise ValueError(f"num_devices is {count}, but this machine has {len(devices)} devices")
    return Mesh(np.array(devices[:count]), (AXIS,))


def memory_of_a_device(mesh: Mesh) -> int | None:
    """Bytes that each device of the mesh may use; None where nobody tells.

    Devices that are the processor share the machine's memory.
    """
    device = mesh.devices.flat[0]
    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    if device.platform != "cpu" or not hasattr(os, "sysconf"):
        return None
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _cgroup("memory.max")
    if limit.isdigit():
        whole = min(whole, int(limit))
    return whole // mesh.size if whole > 0 else None


def over_devices(mesh: Mesh, function: Callable, in_specs: Any, out_specs: Any) -> Callable:
    """`function` run on each device with its own share of the split arguments.

    A `while_loop`, such as mctx's, under automatic sharding asks all devices at each turn
    whether to go on; here each device loops alone.
    """
    return jax.shard_map(
        function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False
    )


def abstract(mesh: Mesh, shapes: Any, specs: Any) -> Any:
    """Shapes, dtypes and placements of a tree's arrays, to restore into.

    `specs` is a prefix of the tree: one spec serves all arrays below it.
    """

    def below(spec: PartitionSpec, tree: Any) -> Any:
        placement = NamedSharding(mesh, spec)
        return jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=placement), tree
        )

    return jax.tree.map(below, specs, shapes, is_leaf=lambda x: isinstance(x, PartitionSpec))


def replicated(mesh: Mesh) -> NamedSharding:
    """The placement of what every device has whole."""
    return NamedSharding(mesh, REPLICATED)


def share(count: int, mesh: Mesh, field: str) -> int:
    """`count` per device. Raises ValueError naming the field if it does not divide."""
    if count % mesh.size:
        raise ValueError(f"{field} is {count}, which {mesh.size} devices cannot share equally")
    return count // mesh.size


def device_key(key: jax.Array) -> jax.Array:
    """A key of this device's own; inside `over_devices`."""
    return jax.random.fold_in(key, jax.lax.axis_index(AXIS))


def mean(tree: Any) -> Any:
    """Mean over devices; inside `over_devices`."""
    return jax.lax.pmean(tree, AXIS)


def total(tree: Any) -> Any:
    """Sum over devices; inside `over_devices`."""
    return jax.lax.psum(tree, AXIS)


def least(tree: Any) -> Any:
    """Minimum over devices; inside `over_devices`."""
    return jax.lax.pmin(tree, AXIS)
