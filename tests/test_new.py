"""The package that `selfplay new` writes works, from its metadata to its games."""

import functools
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay import cli, config, new
from selfplay.environment import registry
from tests.packages import install

ROOT = Path(__file__).parents[1]
SHORT = (
    "--iterations 2 --num-devices 1 --network.width 8 --search.num-simulations 2 "
    "--rollout.num-games 8 --replay.capacity 2000 --replay.min-rows 8 --learner.batch-size 16"
).split()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return new.create("my_game", tmp_path_factory.mktemp("new") / "project")


@pytest.fixture(scope="module")
def game_class(project):
    spec = importlib.util.spec_from_file_location("my_game", project / "my_game/my_game.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MyGame


def test_it_lints_by_our_own_rules(project):
    for words in (["check", "--ignore", "D103,I001"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--config", ROOT / "pyproject.toml", "."]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_nothing_is_left_to_be_filled_in(tmp_path):
    project = new.create("other_game", tmp_path / "project")
    files = [path for path in project.rglob("*") if path.is_file()]
    assert len(files) == 7
    assert not [path for path in files if "$" in path.read_text(encoding="utf-8")]


def test_its_metadata_name_what_is_there(project, game_class):
    metadata = tomllib.loads((project / "pyproject.toml").read_text())
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert metadata["build-system"] == ours["build-system"]
    assert metadata["project"]["dependencies"] == [ours["project"]["name"]]
    entry = metadata["project"]["entry-points"][registry.GROUP]
    assert entry == {"my_game": f"my_game.my_game:{game_class.__name__}"}
    assert config.load(project / "my_game/my_game.toml").env == "my_game"


def test_installed_it_trains_by_its_preset_under_its_name(project, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(project)
    monkeypatch.syspath_prepend(install(project, tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    assert "my_game" in registry.names()
    assert cli.main(["train", "my_game", *SHORT, "--run", "first"]) == 0
    assert "Done" in capsys.readouterr().out
    assert config.load(tmp_path / "first/config.toml").network.depth == 2
    sys.modules.pop("my_game.my_game", None)


def test_its_own_tests_pass(project):
    command = [sys.executable, "-m", "pytest", "-q"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@functools.cache
def first_wins(strip: str) -> bool:
    """Whether who moves wins on a strip of `.`, their own `m` and the opponent's `t`."""
    size = len(strip)
    for square in range(size):
        beside = strip[max(0, square - 1) : square + 2]
        if strip[square] == "." and "t" not in beside:
            after = strip[:square] + "m" + strip[square + 1 :]
            if not first_wins(after.translate(str.maketrans("mt", "tm"))):
                return True
    return False


@pytest.mark.parametrize("size", [2, 3, 5])
def test_its_game_is_won_by_whom_plain_python_says(game_class, size):
    game = game_class(size=size)
    mask, step = jax.jit(game.legal_action_mask), jax.jit(game.step)

    def wins(state):
        if state.terminated:
            return bool(state.rewards[int(state.current_player)] > 0)
        actions = np.flatnonzero(mask((), state))
        return any(not wins(step((), state, jnp.int32(action))) for action in actions)

    assert wins(game.init()) == first_wins("." * size)


@pytest.mark.parametrize(
    ("name", "would_do"),
    [
        ("My-Game", "try my_game"),
        ("MyGame", "try my_game"),
        ("2048", "try my_game"),
        ("", "try my_game"),
        ("späti", "try sp_ti"),
        ("../up", "try up"),
        ("class", "a word of Python's own; .* class_game"),
        ("none", "a word of Python's own"),
        ("go", "an installed environment; .* go_game"),
        ("json", "an installed module, .* json_game"),
        ("selfplay", "an installed module"),
        ("tests", "an installed module"),
        ("state", "a class State, which selfplay.environment has already"),
    ],
)
def test_a_name_that_would_not_do_is_refused(name, would_do, tmp_path):
    with pytest.raises(ValueError, match=would_do):
        new.create(name, tmp_path / "project")
    assert not any(tmp_path.iterdir())


def test_the_command_refuses_a_folder_that_exists_and_says_what_to_type(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["new", "two_words"]) == 0
    said = capsys.readouterr().out
    for command in ("cd two_words", "pip install -e .", "selfplay check two_words"):
        assert command in said
    assert "class TwoWords(Game" in (tmp_path / "two_words/two_words/two_words.py").read_text()
    assert cli.main(["new", "two_words"]) == 2
    assert "two_words exists already; name a new folder with --output" in capsys.readouterr().err
    assert cli.main(["new", "two_words", "--output", "else/where"]) == 0
    assert (tmp_path / "else/where/two_words/two_words.py").exists()
