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
from selfplay.operators.episodes import Episodes, Labeller, Sample
from selfplay.operators.exact import Exact
from selfplay.operators.hindsight import both, in_hindsight
from selfplay.operators.placebo import Placebo
from selfplay.operators.raw import Raw
from selfplay.operators.reanalysis import Reanalysis
from selfplay.operators.search import Search
from selfplay.run import teachers
from selfplay.run.teachers import Teacher
from selfplay.search.engine import COMPILER_OPTIONS
from selfplay.search.model import Evaluator, network_evaluator

Player = Callable[[Any, jax.Array, jax.Array], Episodes]
"""`(parameters, generation int32 [], numbers of episodes int32 [B])`: whole episodes."""
Relabel = Callable[[Any, jax.Array, jax.Array, Sample], Sample]
"""`(parameters, generation int32 [], numbers of rows int32 [B], Sample [B])`: the same rows."""


@dataclasses.dataclass(frozen=True)
class Labelling:
    """How episodes are labelled, and stored rows anew."""

    ready: Callable[[Params, jax.Array], Any]
    """`(a teacher's parameters, generation int32 [])`: what `play` and `relabel` take of them."""
    play: Player
    relabel: Relabel


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
    play_key, judge_key = jax.random.split(key)

    def labelling(ready: Callable[[Params, jax.Array], Any], by: ImprovementOperator) -> Labelling:
        play = _player(env, by, config, settings, mesh, play_key)
        return Labelling(ready, play, _relabeller(by, settings, mesh, play_key))

    if settings.confidence == "none":
        return labelling(lambda params, generation: params, operator)
    if settings.confidence == "search":
        measure, judge = confident.search_agreement, lambda params, generation: ()
    elif settings.confidence == "ensemble":
        members = teachers.ensemble(ensemble)
        agreeing = network_evaluator(env, ensemble[0].network.apply)
        measure = confident.ensemble_agreement(env, agreeing)
        judge = lambda params, generation: members  # noqa: E731
    else:
        measure = confident.unlike_others(env, evaluator)
        play = _player(env, operator, config, settings, mesh, judge_key)
        judge = _reference(env, evaluator, play, settings.episodes_at_once)
    return labelling(
        lambda params, generation: confident.Teacher(params, judge(params, generation)),
        Confident(operator, measure),
    )


def make_exact(
    env: Environment[Any], config: Config, settings: DistillConfig, mesh: Mesh, key: jax.Array
) -> Labelling:
    """How the environment's oracle labels; it needs no parameters."""
    operator = Exact(env, settings.real_temperature)
    plain = dataclasses.replace(settings, hindsight=False)
    return Labelling(
        lambda params, generation: (),
        _player(env, operator, config, plain, mesh, key),
        _relabeller(operator, settings, mesh, key),
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
) -> Player:
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


def _relabeller(
    operator: ImprovementOperator, settings: DistillConfig, mesh: Mesh, key: jax.Array
) -> Relabel:
    """Labels stored rows by an operator, each device its share."""
    reanalysis = Reanalysis(operator, settings.fresh_value_fraction)

    def relabel(params: Any, generation: jax.Array, index: jax.Array, rows: Sample) -> Sample:
        now = jax.random.fold_in(key, generation)
        return reanalysis.label(params, now, index, rows, generation)

    arguments = (sharding.REPLICATED, sharding.REPLICATED, sharding.SPLIT, sharding.SPLIT)
    return jax.jit(
        sharding.over_devices(mesh, relabel, arguments, sharding.SPLIT),
        compiler_options=COMPILER_OPTIONS,
    )


def _reference(
    env: Environment[Any], evaluator: Evaluator, play: Player, num_episodes: int
) -> Callable[[Params, jax.Array], Any]:
    """What AlphaFold's confidence is measured by: the network, and what it guesses at each step of
    any episode, float32 [T, A].
    """
    index = jnp.arange(num_episodes, dtype=jnp.int32)

    @jax.jit
    def usual(params: Params, episodes: Episodes) -> jax.Array:
        targets = episodes.samples.targets
        keys = jax.random.split(jax.random.key(0), targets.value.shape[1])
        guesses = jax.lax.map(
            lambda now: confident.policy(env, evaluator, params, keys, *now),
            (targets.problem, targets.state),
        )
        return confident.reference_policy(episodes, guesses)

    return lambda params, generation: (params, usual(params, play(params, generation, index)))
