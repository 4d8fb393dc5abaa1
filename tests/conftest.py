"""Strict numerics on eight CPU devices, and random games for whoever needs them."""

import dataclasses
import functools
import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
from selfplay import distill, train
from selfplay.config import Config
from selfplay.distill_config import DistillConfig
from selfplay.environment.checks import games
from selfplay.evaluation import judges, opponents
from selfplay.evaluation.lab import Lab
from selfplay.networks.contract import Network
from selfplay.run import distillation

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

hypothesis.settings.register_profile("selfplay", deadline=None, max_examples=50)
hypothesis.settings.load_profile("selfplay")


def pytest_collection_finish() -> None:
    """What was imported stays: no collection of garbage looks through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def random_games() -> Callable[..., games.Games]:
    """`random_games(env, num_games, seed=0)`; see `selfplay.environment.checks.games.play`."""
    return games.play


@pytest.fixture(scope="session", autouse=True)
def programs_are_shared() -> Iterator[None]:
    """Runs that would compile the same programs share them: many tests train the same way."""
    made: dict[str, Any] = {}

    def may_change(env: str) -> bool:
        """Whether it is a source that some test writes."""
        return ":" in env and not env.startswith(("pgx:", "tests."))

    def shared(make: Callable[..., Any], key: Callable[..., Any]) -> Callable[..., Any]:
        """`make`, but what was made of equal settings and an equal key is made once."""

        def same(*arguments: Any) -> Any:
            config = next(x for x in arguments if isinstance(x, Config))
            own = key(*arguments)
            if may_change(config.env) or own is None:
                return make(*arguments)
            other = ("iterations", "minutes", "checkpoint", "guards", "logging")
            settings = {k: v for k, v in config_lib.to_dict(config).items() if k not in other}
            optimized = not jax.config.read("jax_disable_most_optimizations")
            name = repr((make.__name__, optimized, settings, own))
            if name not in made:
                made[name] = make(*arguments)
            return made[name]

        return same

    def shapes(network: Network) -> Any:
        return jax.tree.leaves(jax.eval_shape(network.init, jax.random.key(0)))

    def labels(env: Any, network: Network, config: Config, settings: DistillConfig, *_: Any) -> Any:
        counted = ("operator", "temperature", "hindsight", "confidence", "episodes_at_once")
        counted += ("fresh_value_fraction",)
        own = [getattr(settings, name) for name in counted]
        return None if settings.ensemble else (own, shapes(network))

    def by_network(env: Any, network: Network, *_: Any) -> Any:
        return shapes(network)

    def lab(*arguments: Any) -> Lab:
        """A study's programs are kept beside its game: the game and they go together."""
        new = open_lab(*arguments)
        config = new.config
        if not may_change(config.env):
            own = (config.env, config.env_args, config.network, config.search, new.batch_size)
            old = made.setdefault(repr(("lab", own)), new)
            kept = ("env", "network", "acts", "compiled", "timed")
            new = dataclasses.replace(new, **{name: getattr(old, name) for name in kept})
        return new

    open_lab = Lab.of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lab, "of", lab)
        patch.setattr(opponents, "by_name", functools.cache(opponents.by_name))
        for module, name, key in [
            (train, "make_program", lambda *_: ()),
            (train, "make_look", by_network),
            (judges, "make_look", by_network),
            (distill, "make_student", by_network),
            (distillation, "make_labelling", labels),
        ]:
            patch.setattr(module, name, shared(getattr(module, name), key))
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
