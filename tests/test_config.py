import dataclasses
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay import config as config_lib
from selfplay.config import Config, LearnerConfig, NetworkConfig, SearchConfig


def example():
    return Config(
        env="connect_four",
        env_args={"rows": 5, "fast": True, "name": "small", "scale": 0.5},
        minutes=2.5,
        network=NetworkConfig(kind="resnet", width=32),
        search=SearchConfig(max_depth=8),
    )


def test_a_config_survives_dictionaries():
    config = example()
    assert config_lib.from_dict(config_lib.to_dict(config)) == config
    assert config_lib.from_dict(config_lib.to_dict(Config(env="x", iterations=1))) == Config(
        env="x", iterations=1
    )


def test_a_config_survives_a_file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(config_lib.dumps(example()), encoding="utf-8")
    assert config_lib.load(path) == example()


settings = st.builds(
    Config,
    env=st.text(max_size=8),
    env_args=st.dictionaries(
        st.text("abc", min_size=1, max_size=4),
        st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
        max_size=3,
    ),
    seed=st.integers(0, 2**31 - 1),
    minutes=st.floats(0.01, 1e6),
    iterations=st.none() | st.integers(1, 10**9),
    learner=st.builds(LearnerConfig, learning_rate=st.floats(0, 1), symmetries=st.booleans()),
)


@given(settings)
def test_every_config_survives_toml(config):
    assert config_lib.from_dict(tomllib.loads(config_lib.dumps(config))) == config


def test_overrides_replace_top_level_fields(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(config_lib.dumps(example()), encoding="utf-8")
    assert config_lib.load(path, seed=3) == dataclasses.replace(example(), seed=3)


def test_whole_numbers_serve_as_floats():
    config = config_lib.from_dict({"env": "x", "minutes": 10, "search": {"gumbel_scale": 0}})
    assert isinstance(config.minutes, float)
    assert isinstance(config.search.gumbel_scale, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"enw": "x"}, "unknown setting enw; did you mean env?"),
        ({"network": {"widht": 8}}, "unknown setting network.widht; did you mean network.width?"),
        ({"zzz": 1}, "unknown setting zzz; known: env, env_args"),
        ({"search": {"zzz": 1}}, "unknown setting search.zzz; known: engine"),
    ],
)
def test_unknown_settings_are_refused(values, message):
    with pytest.raises(ValueError) as caught:
        config_lib.from_dict({"env": "x", "minutes": 1.0} | values)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"seed": "seven"}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"minutes": "ten"}, "minutes"),
        ({"minutes": True}, "minutes"),
        ({"minutes": float("nan")}, "minutes"),
        ({"network": {"width": "wide"}}, "network.width"),
        ({"network": {"kind": "gpt"}}, "network.kind"),
        ({"network": 3}, "network"),
        ({"env_args": {"rows": [1]}}, "env_args"),
    ],
)
def test_a_wrong_type_names_the_field(values, field):
    with pytest.raises(ValueError, match=field):
        config_lib.from_dict({"env": "x", "minutes": 1.0} | values)


def test_env_must_be_given():
    with pytest.raises(ValueError, match="env"):
        config_lib.from_dict({"minutes": 1.0})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"network": {"width": 0}}, "network.width must be at least 1, got 0"),
        ({"checkpoint": {"keep": 1}}, "checkpoint.keep must be at least 2, got 1"),
        ({"search": {"full_every": 1}}, "search.full_every must be at least 2, got 1"),
        ({"seed": -1}, "seed must be between 0 and 2147483647, got -1"),
        ({"minutes": 0.0}, "minutes must be at least 0.01, got 0.0"),
        ({"search": {"dirichlet_fraction": 1.5}}, "dirichlet_fraction must be between 0 and 1"),
        ({"learner": {"mask_fraction": 1.0}}, "mask_fraction must be between 0 and 0.99, got 1.0"),
        ({"rollout": {"opening_fraction": -0.1}}, "opening_fraction must be between 0 and 1"),
    ],
)
def test_what_could_never_run_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        config_lib.from_dict({"env": "x", "minutes": 1.0} | values)


def test_sections_refuse_by_themselves():
    wanted = r"search\.num_simulations must be between 1 and 65534, got 0"
    with pytest.raises(ValueError, match=wanted):
        config_lib.SearchConfig(num_simulations=0)


def test_mean_simulations_of_a_playout_cap():
    config = config_lib.SearchConfig(num_simulations=64)
    assert (config.moves_per_full, config.mean_simulations) == (1, 64.0)
    config = config_lib.SearchConfig(num_simulations=64, fast_simulations=8, full_every=4)
    assert (config.moves_per_full, config.mean_simulations) == (4, 22.0)


def test_overrides_go_on_top_of_a_file_section_by_section(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('env = "x"\n[network]\nwidth = 32\ndepth = 5\n')
    config = config_lib.load(path, env="y", network={"width": 64})
    assert (config.env, config.network.width, config.network.depth) == ("y", 64, 5)


def test_every_bound_names_a_setting():
    for path in config_lib._RANGES:
        config_lib.get(example(), path)


def test_what_may_change_on_resume_exists():
    for name in config_lib.MAY_CHANGE_ON_RESUME:
        assert hasattr(example(), name)


def test_errors_about_a_file_name_it(tmp_path):
    path = tmp_path / "config.toml"
    with pytest.raises(ValueError, match=r"no config file at .*config\.toml"):
        config_lib.load(path)
    path.write_text("env = ")
    with pytest.raises(ValueError, match=r"config\.toml is not a TOML file"):
        config_lib.load(path)
    path.write_text('env = "x"\nminutes = 1\nsede = 1')
    with pytest.raises(ValueError, match=r"config\.toml: unknown setting sede; did you mean seed"):
        config_lib.load(path)


def test_the_difference_lists_dotted_paths():
    old = example()
    assert config_lib.difference(old, old) == []
    new = dataclasses.replace(old, seed=5, network=NetworkConfig(kind="mlp", width=32))
    assert config_lib.difference(old, new) == ["seed", "network.kind"]
    smaller = dataclasses.replace(old, env_args={})
    assert config_lib.difference(old, smaller) == ["env_args"]
