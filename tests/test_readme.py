"""What the README shows works as written, but for the length of the runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from selfplay import cli
from tests import xla

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHORT = (
    "--iterations 2 --network.width 8 --search.num-simulations 2 --rollout.num-games 8 "
    "--replay.capacity 2000 --replay.min-rows 8 --learner.batch-size 16"
)


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def run_python(arguments, folder):
    """A fresh interpreter, without the strictness of the tests' own."""
    env = os.environ | {"XLA_FLAGS": " ".join(xla.faster())}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_examples_run(tmp_path):
    loop, one_search, _, drop_in = blocks("python")
    assert "minutes=1.0" in loop
    script = tmp_path / "example.py"
    few = "{'num_simulations': 2}"
    loop = loop.replace("minutes=1.0", f"iterations=2, search={few}, evaluation={few}")
    script.write_text(loop + one_search + drop_in)
    said = run_python([script], tmp_path)
    assert "X to move" in said


def test_the_game_of_ones_own_trains(tmp_path):
    (tmp_path / "heap.py").write_text(blocks("python")[2])
    selfplay = Path(sys.executable).with_name("selfplay")  # the script, as a person would
    said = run_python(
        [selfplay, "train", "heap:Heap", *SHORT.split(), "--run", "runs/heap"], tmp_path
    )
    assert "Done" in said
    assert (tmp_path / "runs" / "heap" / "checkpoints").exists()


@pytest.mark.parametrize(
    "line", [line for block in blocks("sh") for line in block.splitlines() if "selfplay" in line]
)
def test_commands_are_understood(line, tmp_path, monkeypatch, capsys):
    """Each command line parses to the end: with --help added it prints its help."""
    words = shlex.split(line, comments=True)
    assert words[0] == "selfplay"
    run = next((word for word in words if word.startswith("runs/")), None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text('env = "connect_four"\nminutes = 1\n')
    if run is not None and words[1] != "train":
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "config.toml").write_text('env = "tic_tac_toe"\nminutes = 1\n')
    with pytest.raises(SystemExit) as stopped:
        cli.main([*words[1:], "--help"])
    assert stopped.value.code == 0
    assert f"selfplay {words[1]}" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["train", "test"])
def test_make_knows_the_two_commands(target):
    assert f"make {target}" in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
