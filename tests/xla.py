"""What XLA is told for the tests."""

import mmap
from pathlib import Path

import jaxlib


def flags() -> list[str]:
    """Eight devices, and the older code generator, which compiles in two thirds of the time."""
    told = ["--xla_force_host_platform_device_count=8"]
    if _is_known("xla_cpu_use_fusion_emitters"):
        told.append("--xla_cpu_use_fusion_emitters=false")
    return told


def _is_known(flag: str) -> bool:
    """Whether this jaxlib has the flag: XLA ends a process that gives it any other."""
    library = Path(jaxlib.__file__).parent / "libjax_common.so"
    if not library.exists():
        return False
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as code:
        return code.find(flag.encode()) >= 0
