"""What labelling compiles to, once for all teachers of one shape."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from selfplay import sharding
from selfplay.config import Config
from selfplay.distill_config import DistillConfig
from selfplay.environment.contract import Environment
from selfplay.networks.contract import Network, Params
from selfplay.operators import confident
from selfplay.operators.confident import Confident
from selfplay.operators.contract import ImprovementOperator
from selfplay.operators.episodes import Episodes, Labeller
from selfplay.operators.exact import Exact
from selfplay.operators.hindsight import both, in_hindsight
from selfplay.operators.placebo import Placebo
from selfplay.operators.raw import Raw
from selfplay.operators.search import Search
from selfplay.run import teachers
from selfplay.run.teachers import Teacher
from selfplay.search.engine import COMPILER_OPTIONS
from selfplay.search.model import Evaluator, network_evaluator


@dataclasses.dataclass(frozen=True)
class Labelling:
    """How episodes are labelled."""

    ready: Callable[[Params, jax.Array], Any]
    """`(a teacher's parameters, generation int32 [])`: what `play` takes of them."""
    play: Callable[[Any, jax.Array, jax.Array], Episodes]
    """`(what ready gave, generation int32 [], numbers of episodes int32 [B])`: whole episodes."""


def make_labelling(
    env: Environment[Any],
    network: Network,
    config: Config,
    settings: DistillConfig,
    mesh: Mesh,
    key: jax.Array,
    ensemble: list[Teacher],
) -> Labelling:
    """How teachers with this network label.

    Args:
        env: what is played.
        network: the teachers'.
        config: how they search, and how episodes begin.
        settings: the operator, and how sure it is.
        mesh: the devices that share the episodes.
        key: of all that is random.
        ensemble: whose agreement is the confidence, if it is.

    Raises:
        ValueError: a setting does not fit the environment.
    """
    evaluator = network_evaluator(env, network.apply)
    operator = _operator(env, evaluator, config, settings)
    play_key, reference_key = jax.random.split(key)
    play = _player(env, operator, config, settings, mesh, play_key)
    if settings.confidence == "none":
        return Labelling(lambda params, generation: params, play)
    if settings.confidence == "search":
        measure = confident.search_agreement

        def judge(params: Params, generation: jax.Array) -> Any:
            return ()

    elif settings.confidence == "ensemble":
        measure = confident.ensemble_agreement(
            env, network_evaluator(env, ensemble[0].network.apply)
        )
        members = teachers.ensemble(ensemble)

        def judge(params: Params, generation: jax.Array) -> Any:
            return members

    else:
        measure = confident.unlike_others(env, evaluator)
        others = _player(env, operator, config, settings, mesh, reference_key)
        index = jnp.arange(settings.episodes_at_once, dtype=jnp.int32)

        def judge(params: Params, generation: jax.Array) -> Any:
            episodes = others(params, generation, index)
            return params, _reference(env, evaluator, params, episodes)

    sure = _player(env, Confident(operator, measure), config, settings, mesh, play_key)
    return Labelling(
        lambda params, generation: confident.Teacher(params, judge(params, generation)), sure
    )


def make_exact(
    env: Environment[Any], config: Config, settings: DistillConfig, mesh: Mesh, key: jax.Array
) -> Labelling:
    """How the environment's oracle labels; it needs no parameters."""
    operator = Exact(env, settings.real_temperature)
    plain = dataclasses.replace(settings, hindsight=False)
    return Labelling(
        lambda params, generation: (), _player(env, operator, config, plain, mesh, key)
    )


def _operator(
    env: Environment[Any], evaluator: Evaluator, config: Config, settings: DistillConfig
) -> ImprovementOperator:
    """Who makes the targets."""
    if settings.operator == "raw":
        return Raw(env, evaluator, settings.temperature)
    search = Search(env, evaluator, config.search)
    return Placebo(env, search) if settings.operator == "placebo" else search


def _player(
    env: Environment[Any],
    operator: ImprovementOperator,
    config: Config,
    settings: DistillConfig,
    mesh: Mesh,
    key: jax.Array,
) -> Callable[[Any, jax.Array, jax.Array], Episodes]:
    """Plays episodes by an operator, each device its share."""
    rollout = config.rollout
    labeller = Labeller(env, operator, rollout.temperature_plies, rollout.max_opening_plies)

    def play(params: Any, generation: jax.Array, index: jax.Array) -> Episodes:
        now = jax.random.fold_in(key, generation)
        episodes = labeller.play(params, now, index, generation)
        if settings.hindsight:
            episodes = both(episodes, in_hindsight(env, episodes, generation))
        return episodes

    whole = sharding.SPLIT
    episodes = Episodes(
        samples=sharding.SPLIT_SECOND,  # pyright: ignore[reportArgumentType]
        problem=whole,
        final=whole,  # pyright: ignore[reportArgumentType]
        returns=whole,  # pyright: ignore[reportArgumentType]
    )
    arguments = (sharding.REPLICATED, sharding.REPLICATED, whole)
    return jax.jit(
        sharding.over_devices(mesh, play, arguments, episodes), compiler_options=COMPILER_OPTIONS
    )


def _reference(
    env: Environment[Any], evaluator: Evaluator, params: Params, episodes: Episodes
) -> jax.Array:
    """float32 [T, A]: what is guessed at each step of the episodes, whatever they are about."""
    targets = episodes.samples.targets
    keys = jax.random.split(jax.random.key(0), targets.value.shape[1])

    @jax.jit
    def guess(params: Params) -> jax.Array:
        return jax.lax.map(
            lambda now: confident.policy(env, evaluator, params, keys, *now),
            (targets.problem, targets.state),
        )

    return confident.reference_policy(episodes, guess(params))
