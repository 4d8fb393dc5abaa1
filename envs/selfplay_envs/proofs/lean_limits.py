"""Runs a Lean within limits, in place of this process; a script of its own, outside any package.

    python -I -S lean_limits.py CPU_SECONDS ADDRESS_SPACE_BYTES PROGRAM ARGUMENT...

PROGRAM is an executable, or the shared library of the wheel, which has Lean's `main` in it.
"""

import ctypes
import os
import resource
import sys


def main(seconds: str, size: str, program: str, *arguments: str) -> None:
    """Does not return."""
    for limit, value in [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, int(seconds)),
        (resource.RLIMIT_AS, int(size)),
    ]:
        most = resource.getrlimit(limit)[1]
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(limit, (value, value))
    if not program.endswith(".so"):
        os.execv(program, [program, *arguments])
    words = [os.fsencode(word) for word in ("lean", *arguments)]
    argv = (ctypes.c_char_p * (len(words) + 1))(*words, None)
    code = ctypes.CDLL(program, mode=ctypes.RTLD_GLOBAL).lean_main(len(words), argv)
    ctypes.CDLL(None).fflush(None)
    os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
