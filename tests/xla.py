"""What XLA is told for the tests."""

import mmap
from pathlib import Path

import jaxlib

FASTER = {"xla_cpu_use_fusion_emitters": "false", "xla_cpu_parallel_codegen_split_count": "1"}
"""The older code generator compiles in two thirds of the time, and a program in one piece in four
fifths of what its pieces take together: the workers keep all cores busy anyway."""


def flags() -> list[str]:
    """Eight devices, and what compiles faster."""
    return ["--xla_force_host_platform_device_count=8", *faster()]


def faster() -> list[str]:
    """What compiles faster, as far as this jaxlib knows it."""
    return [f"--{name}={value}" for name, value in FASTER.items() if _is_known(name)]


def _is_known(flag: str) -> bool:
    """Whether this jaxlib has the flag: XLA ends a process that gives it any other.

    A flag's name stands alone; those that are gone stand in a list, not alone.
    """
    library = Path(jaxlib.__file__).parent / "libjax_common.so"
    if not library.exists():
        return False
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as code:
        return code.find(b"\0" + flag.encode() + b"\0") >= 0
