import inspect
import re
import subprocess
import sys

import pytest

from selfplay.environment import registry

OWN = '''
from selfplay.environment import Game
from selfplay_envs.games.tic_tac_toe import TicTacToe

class Mine(TicTacToe):
    """A user's own."""

class NoEnvironment:
    pass

class Half(Game):
    """Nothing written yet."""
'''


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A user's module, with its preset beside it."""
    (tmp_path / "users_own_game.py").write_text(OWN)
    (tmp_path / "users_own_game.toml").write_text('env = "ignored"\nminutes = 3\nseed = 7\n')
    monkeypatch.syspath_prepend(tmp_path)
    yield "users_own_game"
    sys.modules.pop("users_own_game", None)


def test_our_environments_are_installed():
    assert {"connect_four", "tic_tac_toe"} <= set(registry.names())
    assert registry.names() == sorted(registry.names())


def test_a_name_stands_for_a_module_and_a_class():
    assert registry.target("tic_tac_toe") == ("selfplay_envs.games.tic_tac_toe", "TicTacToe")
    assert registry.target("some.module:Class") == ("some.module", "Class")


def test_arguments_reach_the_environment():
    assert registry.make("tic_tac_toe", size=4).num_actions == 16


def test_a_users_environment_comes_in_by_module_and_class(own_module):
    env = registry.make(f"{own_module}:Mine", size=5)
    assert type(env).__name__ == "Mine"
    assert env.num_actions == 25


@pytest.mark.parametrize("name", ["tic_tac_to", "nothing_like_it", "", ":Class", "module:"])
def test_an_unknown_name_lists_what_is_installed(name):
    with pytest.raises(ValueError, match=r"no environment is called .*connect_four, .*tic_tac"):
        registry.make(name)


def test_a_near_miss_is_suggested():
    with pytest.raises(ValueError, match="did you mean tic_tac_toe"):
        registry.target("tictactoe")


@pytest.mark.parametrize(
    ("class_name", "message"),
    [
        ("NoEnvironment", "must be a subclass of selfplay.environment.Environment"),
        ("Absent", "could not be imported.*Absent"),
        ("Half", "Half has yet to define legal, play, start, view"),
    ],
)
def test_what_is_no_environment_is_refused(own_module, class_name, message):
    with pytest.raises(ValueError, match=message):
        registry.make(f"{own_module}:{class_name}")


def test_a_file_that_is_no_python_is_named(own_module, tmp_path):
    (tmp_path / "users_own_game.py").write_text("def f(:\n")
    with pytest.raises(ValueError, match=r"could not be imported: .*users_own_game.py, line 1"):
        registry.make(f"{own_module}:Mine")


def test_a_missing_module_is_named():
    with pytest.raises(ValueError, match=r"could not be imported.*nowhere_at_all"):
        registry.make("nowhere_at_all:Game")
    with pytest.raises(ValueError, match="nowhere_at_all"):
        registry.preset("nowhere_at_all:Game")
    with pytest.raises(ValueError, match=r"could not be found.*nowhere_at_all"):
        registry.preset("nowhere_at_all.inside:Game")


def test_a_wrong_argument_lists_the_right_ones():
    with pytest.raises(ValueError, match=r"sise.*its arguments: size"):
        registry.make("tic_tac_toe", sise=4)


def test_a_preset_lies_beside_its_module(own_module, tmp_path):
    assert registry.preset_path(f"{own_module}:Mine") == tmp_path / "users_own_game.toml"
    config = registry.preset(f"{own_module}:Mine", seed=8)
    assert (config.env, config.minutes, config.seed) == (f"{own_module}:Mine", 3.0, 8)


def test_without_a_preset_the_defaults_serve(own_module, tmp_path):
    (tmp_path / "users_own_game.toml").unlink()
    assert registry.preset_path(f"{own_module}:Mine") is None
    config = registry.preset(f"{own_module}:Mine", seed=8)
    assert (config.env, config.minutes, config.seed) == (f"{own_module}:Mine", 10.0, 8)
    assert registry.preset(f"{own_module}:Mine", minutes=1.0).minutes == 1.0


@pytest.mark.parametrize("name", registry.names())
def test_every_preset_loads(name):
    config = registry.preset(name)
    assert config.env == name
    env = registry.make(name, **config.env_args)
    told = re.findall(r"^(\w+):", registry.arguments_text(name), re.MULTILINE)
    assert set(told) <= set(inspect.signature(type(env)).parameters)


def test_what_a_class_says_of_its_arguments_is_read_from_its_source(own_module, tmp_path):
    assert registry.arguments_text(f"{own_module}:Mine") == ""
    assert registry.arguments_text("equational").splitlines()[:3] == [
        "size: 31, 63 or 127; a network plays with any of them.",
        "max_steps: steps of an episode.",
        "step_cost: what each step but the last costs, at most 1 / max_steps. Solved",
    ]
    (tmp_path / "users_own_game.py").write_text("class Mine(:")
    assert registry.arguments_text(f"{own_module}:Mine") == ""


def test_looking_names_and_presets_up_imports_no_jax():
    program = (
        "import sys\n"
        "from selfplay.environment import names, preset\n"
        "for name in names(): preset(name)\n"
        "heavy = {'jax', 'numpy', 'flax'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
