"""The tutorial, worked through from its first line to its last, with shorter runs.

A block of code whose fence names a file goes on with that file; a `diff` is taken back after the
command that follows it. What is under `sh` is typed, in one folder, in order.
"""

import importlib
import io
import random
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay import cli
from tests.packages import install

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
FAILS = "# fails"

SHORTER = {
    "train": "--iterations 2 --num-devices 1 --network.width 8 --network.depth 1 "
    "--search.num-simulations 2 --rollout.num-games 8 "
    "--replay.capacity 2000 --replay.min-rows 8 --learner.batch-size 16 "
    "--evaluation.num-simulations 2",
    "evaluate": "--player-simulations 0 --mcts-simulations 2 --games 2 --minimax-depth 0",
    "depth": "--simulations 0 2 --games 128 --rivals random",
    "report": "--no-evaluate",
}
"""Flags typed behind those of the tutorial: the last of a kind counts."""


class Block(NamedTuple):
    language: str
    file: str
    text: str


BLOCKS = [Block(*found) for found in re.findall(r"```(\w+) ?(\S*)\n(.*?)```", TEXT, re.DOTALL)]


def assembled(file: str) -> str:
    """The blocks of a file, parted as ruff would part them."""
    text = ""
    for block in BLOCKS:
        if block.file == file and block.language != "diff":
            gap = "" if not text else "\n" if block.text.startswith(" ") else "\n\n"
            text += gap + block.text
    return text


@pytest.fixture(scope="module")
def barrel(tmp_path_factory):
    """The game's module, as the tutorial leaves it."""
    path = tmp_path_factory.mktemp("barrel") / "barrel.py"
    path.write_text(assembled("barrel/barrel.py"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("tutorial_barrel", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_its_code_passes_our_own_linter(tmp_path):
    for file in ("barrel.py", "test_barrel.py"):
        folder = "barrel" if file == "barrel.py" else "tests"
        (tmp_path / file).write_text(assembled(f"{folder}/{file}"), encoding="utf-8")
    for words in (["check", "--ignore", "D1,I001"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--config", ROOT / "pyproject.toml", "."]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


class Reader:
    """Somebody who does what the tutorial says."""

    def __init__(self, folder, monkeypatch, capsys):
        self.monkeypatch, self.capsys = monkeypatch, capsys
        self.site = folder / "site"
        self.original: tuple[Path, str] | None = None
        """What the change made last has to be taken back to."""
        self.begun: set[str] = set()
        self.said = ""
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)  # files change within a second
        monkeypatch.setattr(sys, "path", list(sys.path))
        monkeypatch.setenv("COLUMNS", "80")

    def read(self, block):
        if block.language == "sh":
            for line in block.text.splitlines():
                self.type(shlex.split(line, comments=True), FAILS in line)
            if self.original is not None:
                path, text = self.original
                path.write_text(text, encoding="utf-8")
                self.original = None
        elif block.language == "diff":
            self.change(Path(block.file), block.text)
        elif block.file:
            text = assembled(block.file)
            Path(block.file).write_text(text, encoding="utf-8")
            self.begun.add(block.file)

    def change(self, path, difference):
        text = path.read_text(encoding="utf-8")
        old, new = (
            "".join(f"{line[1:]}\n" for line in difference.splitlines() if line[0] == sign)
            for sign in "-+"
        )
        assert text.count(old) == 1
        self.original = path, text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def type(self, words, fails):
        if words[0] == "cd":
            self.monkeypatch.chdir(words[1])
        elif words[0] == "pip":
            sys.path[:0] = [str(Path.cwd()), str(install(Path(), self.site))]
        elif words[0] == "pytest":
            command = [sys.executable, "-m", "pytest", "-q"]
            assert subprocess.run(command, capture_output=True).returncode == 0
        else:
            self.run(words[1:], fails)

    def run(self, words, fails):
        for name in ("barrel", "barrel.barrel"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        self.monkeypatch.setattr(sys, "stdin", io.StringIO("hint\nb2c3\nquit\n"))
        self.capsys.readouterr()
        status = cli.main([*words, *SHORTER.get(words[0], "").split()])
        captured = self.capsys.readouterr()
        self.said = captured.out + captured.err
        assert (status != 0) == fails, self.said


def test_every_step_works_as_written(tmp_path, monkeypatch, capsys):
    reader = Reader(tmp_path, monkeypatch, capsys)
    for before, block in zip([Block("", "", ""), *BLOCKS], BLOCKS, strict=False):
        reader.read(block)
        if block.language == "text" and before.text.startswith(("selfplay show", "selfplay check")):
            said = "\n".join(line.rstrip() for line in reader.said.splitlines())
            for paragraph in block.text.strip().split("\n\n"):
                assert paragraph in said
    assert reader.begun == {"barrel/barrel.py", "barrel/barrel.toml", "tests/test_barrel.py"}
    (run,) = Path("runs").iterdir()
    for written in ("evaluation.json", "depth.json", "report.html"):
        assert (run / written).exists()


def reference_moves(mine: set[tuple[int, int]], theirs: set[tuple[int, int]]):
    """Moves by the rules of the tutorial's first page, from the mover's side: plain Python."""
    return {
        (row, column, row + 1, (column + step) % 6)
        for row, column in mine
        for step in (-1, 0, 1)
        if (row + 1, (column + step) % 6) not in (mine if step else mine | theirs)
    }


@pytest.mark.parametrize("seed", range(5))
def test_its_game_is_the_one_described(barrel, seed):
    game = barrel.Barrel()
    mask, step, dice = jax.jit(game.legal_action_mask), jax.jit(game.step), random.Random(seed)
    state = game.init()
    mine = {(row, column) for row in (0, 1) for column in range(6)}
    theirs = {(5 - row, column) for row, column in mine}
    while not state.terminated:
        view = np.asarray(game.view(state))
        assert {tuple(square) for square in np.argwhere(view[..., 0]).tolist()} == mine
        assert {tuple(square) for square in np.argwhere(view[..., 1]).tolist()} == theirs
        moves = reference_moves(mine, theirs)
        named = {f"{'abcdef'[c]}{r + 1}{'abcdef'[d]}{s + 1}": (r, c, s, d) for r, c, s, d in moves}
        legal = np.flatnonzero(mask((), state)).tolist()
        assert {game.format_action(action) for action in legal} == set(named)
        action = dice.choice(legal)
        row, column, ahead, entered = named[game.format_action(action)]
        mine = mine - {(row, column)} | {(ahead, entered)}
        theirs = theirs - {(ahead, entered)}
        won = ahead == 5 or not theirs
        mover, state = int(state.current_player), step((), state, jnp.int32(action))
        assert bool(state.terminated) == won
        assert state.rewards.tolist() == ([1 - 2 * mover, 2 * mover - 1] if won else [0, 0])
        mine, theirs = ({(5 - row, column) for row, column in side} for side in (theirs, mine))
