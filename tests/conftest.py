"""Strict numerics on eight CPU devices, and random games for whoever needs them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests import xla

os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *xla.flags()])
os.environ["JAX_PLATFORMS"] = "cpu"
# What one test has compiled, another worker or a later run need not compile again.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "jax")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.05")
# Most tests compile for longer than they run; those that do not ask for `optimized`.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import hypothesis
import jax
import pytest

from selfplay import config as config_lib
from selfplay import train
from selfplay.config import Config
from selfplay.environment.checks import games
from selfplay.environment.contract import Environment
from selfplay.networks.contract import Network
from selfplay.run.program import Program

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

hypothesis.settings.register_profile("selfplay", deadline=None)
hypothesis.settings.load_profile("selfplay")


@pytest.fixture(scope="session")
def random_games() -> Callable[..., games.Games]:
    """`random_games(env, num_games, seed=0)`; see `selfplay.environment.checks.games.play`."""
    return games.play


@pytest.fixture(scope="session", autouse=True)
def programs_are_shared() -> Iterator[None]:
    """Runs that would compile the same programs share them: many tests train the same way."""
    programs, looks = {}, {}
    make_program, make_look = train.make_program, train.make_look

    def same_program(config: Config) -> Program:
        other = ("iterations", "minutes", *config_lib.MAY_CHANGE_ON_RESUME)
        compiled = {k: v for k, v in config_lib.to_dict(config).items() if k not in other}
        key = repr(compiled), jax.config.read("jax_disable_most_optimizations")
        if ":" in config.env:  # its source may have changed
            return make_program(config)
        if key not in programs:
            programs[key] = make_program(config)
        return programs[key]

    def same_look(env: Environment, network: Network, config: Config):
        key = network, repr((config.search, config.evaluation))
        if key not in looks:
            looks[key] = make_look(env, network, config)
        return looks[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "make_program", same_program)
        patch.setattr(train, "make_look", same_look)
        yield


@pytest.fixture(scope="module")
def optimized() -> Iterator[None]:
    """Turns the compiler's optimizations on for a module."""
    before = jax.config.read("jax_disable_most_optimizations")
    # What is compiled stays so: one way and the other, a program rounds differently.
    jax.clear_caches()
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.clear_caches()
    jax.config.update("jax_disable_most_optimizations", before)
