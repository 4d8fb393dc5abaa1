"""The compiled functions of a run, made once from its config: `init`, `play`, `learn`, `rows`.

`play` and `learn` each map a `RunState` to the next and give metrics. Keys derive from the
seed and the iteration, so a run holds none.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax.sharding import Mesh

from selfplay import sharding
from selfplay.config import Config
from selfplay.environment import registry
from selfplay.environment.contract import Environment, Problem
from selfplay.learning.learner import Learner, LearnerState
from selfplay.networks.build import build
from selfplay.networks.contract import Network, Params
from selfplay.operators import demonstrations
from selfplay.operators import practice as levels
from selfplay.operators.contract import ImprovementOperator
from selfplay.operators.demonstrations import Demonstrations
from selfplay.operators.playout_cap import PlayoutCap
from selfplay.operators.practice import Practice
from selfplay.operators.rollout import Attempts, Games, Rollout
from selfplay.operators.search import Search
from selfplay.operators.targets import Targets
from selfplay.replay import buffer as replay
from selfplay.run import memory
from selfplay.run.solutions import keeps_solutions
from selfplay.search.model import network_evaluator
from selfplay.search.policy import without_noise
from selfplay.search.simulation import COMPILER_OPTIONS


class RunState(struct.PyTreeNode):
    """All that an iteration changes."""

    games: Games
    buffer: replay.Buffer
    openings: replay.Buffer
    """How the last games began: uint32, see `operators.lines`."""
    learner: LearnerState
    practice: Practice | None
    """How each level of problems went; None where the environment has one."""


Metrics = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True)
class Program:
    """What a config compiles to."""

    env: Environment[Any]
    network: Network
    mesh: Mesh
    init: Callable[[Params | None], RunState]
    """A run that has not begun; with parameters it starts warm, without from the seed."""
    abstract: Callable[[], RunState]
    """Shapes, dtypes and placements of such a run, to restore into."""
    acting: Callable[[RunState], Params]
    """The parameters that play, are judged and are saved as the run's network."""
    play: Callable[[RunState, jax.Array], tuple[RunState, Metrics, Attempts | None]]
    """`(state, iteration)`: self-play into the buffer. The old state is consumed."""
    draw: Callable[[RunState, jax.Array], tuple[Problem, jax.Array]]
    """`(state, iteration)`: `practice.num_problems` problems, as drawn for games, and their levels;
    only where there are levels."""
    demonstrate: Callable[[RunState, Demonstrations, jax.Array], tuple[RunState, Metrics]]
    """`(state, found, iteration)`: rows of what was solved into the buffer, and all of it counted;
    as many as all devices can share equally. The old state is consumed."""
    learn: Callable[[RunState, jax.Array, jax.Array], tuple[RunState, Metrics]]
    """`(state, iteration, total_updates)`: updates from the buffer. The old state is consumed."""
    rows: Callable[[RunState, jax.Array], Targets]
    """`(state, iteration)`: `ROWS` of the buffer's, to look at; it must not be empty."""


ROWS = 4_096
"""To look at: enough for means to be known to a hundredth. A multiple of the devices' number."""
OPENINGS = 2_048
"""Of the last games, that are kept at least."""


def make_program(config: Config) -> Program:
    """Builds everything a run needs. Raises ValueError naming the setting that does not fit."""
    env = registry.make(config.env, **config.env_args)
    network = build(config.network, env)
    mesh = sharding.make_mesh(config.num_devices)
    batch_size = sharding.share(config.learner.batch_size, mesh, "learner.batch_size")
    capacity = sharding.share(config.replay.capacity, mesh, "replay.capacity")
    num_games = sharding.share(config.rollout.num_games, mesh, "rollout.num_games")
    _check(config, env, num_games)
    needed = memory.plan(config, env, network, mesh.size)
    needed.refuse_more_than(sharding.memory_of_a_device(mesh))
    operator = _operator(config, env, network)
    rollout = Rollout(env, operator, config.rollout, replies=config.network.reply_head)
    learner = Learner(env, network.apply_all, config.learner, batch_size)
    keys = jax.random.split(jax.random.key(config.seed), 4)
    network_key, games_key, play_key, learn_key = keys
    rows_key, draw_key = (jax.random.fold_in(jax.random.key(config.seed), i) for i in (4, 5))
    games_specs = Games(
        index=sharding.SPLIT,  # pyright: ignore[reportArgumentType]
        problem=sharding.SPLIT,
        state=sharding.SPLIT,  # pyright: ignore[reportArgumentType]
        standing=sharding.SPLIT,  # pyright: ignore[reportArgumentType]
        level=sharding.SPLIT,  # pyright: ignore[reportArgumentType]
        pending=sharding.SPLIT_SECOND,  # pyright: ignore[reportArgumentType]
    )
    specs = RunState(
        games=games_specs,
        buffer=sharding.SPLIT,  # pyright: ignore[reportArgumentType]
        openings=sharding.SPLIT,  # pyright: ignore[reportArgumentType]
        learner=sharding.REPLICATED,  # pyright: ignore[reportArgumentType]
        practice=sharding.REPLICATED,  # pyright: ignore[reportArgumentType]
    )

    def init_share(params: Params, index: jax.Array) -> RunState:
        games = rollout.init(params, games_key, index)
        buffer = replay.init(rollout.row(games), capacity)
        at_once = num_games * config.rollout.steps_per_iteration
        openings = replay.init(jnp.uint32(0), max(-(-OPENINGS // mesh.size), at_once))
        return RunState(games, buffer, openings, learner.init(params), rollout.begin_practice())

    def play_share(
        state: RunState, iteration: jax.Array
    ) -> tuple[RunState, Metrics, Attempts | None]:
        key = jax.random.fold_in(play_key, iteration)
        params = learner.acting(state.learner)
        games, targets, sums, begun, attempts = rollout.play(
            params, key, state.games, iteration, state.practice
        )
        buffer, added = replay.add(state.buffer, targets)
        openings, _ = replay.put(state.openings, begun.hashes, begun.counted)
        totals = sharding.total(sums | {"rows": added, "buffer_rows": buffer.size[0]})
        totals["least_buffer_rows"] = sharding.least(buffer.size[0])
        practice = state.practice
        if practice is not None:
            practice = levels.record(practice, totals.pop("tried"))
            totals |= levels.standing(practice)
        new = state.replace(games=games, buffer=buffer, openings=openings, practice=practice)
        return new, totals, attempts

    def draw(state: RunState, iteration: jax.Array) -> tuple[Problem, jax.Array]:
        assert state.practice is not None
        keys = jax.random.split(
            jax.random.fold_in(draw_key, iteration), (config.practice.num_problems, 2)
        )
        level = jax.vmap(levels.draw, (0, None))(keys[:, 0], state.practice)
        problem = jax.vmap(lambda key, one: env.sample_problem_at(key, one, "train"))(
            keys[:, 1], level
        )
        return problem, level

    def demonstrate_share(
        state: RunState, found: Demonstrations, iteration: jax.Array
    ) -> tuple[RunState, Metrics]:
        assert state.practice is not None
        targets = demonstrations.rows(env, found, iteration)
        if config.network.reply_head:
            targets = targets.replace(reply=jnp.zeros_like(targets.action_weights))
        rows = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), targets)
        buffer, added = replay.add(state.buffer, rows)
        tried = sharding.total(demonstrations.counts(found, env.num_levels))
        practice = levels.record(state.practice, tried)
        metrics = {"practice/rows": sharding.total(added)}
        return state.replace(buffer=buffer, practice=practice), metrics

    def learn_share(
        state: RunState, iteration: jax.Array, total_updates: jax.Array
    ) -> tuple[RunState, Metrics]:
        key = sharding.device_key(jax.random.fold_in(learn_key, iteration))
        new, metrics = learner.learn(state.learner, state.buffer, key, total_updates)
        generation = metrics.pop("generation")
        metrics["buffer/age"] = iteration.astype(jnp.float32) - generation
        return state.replace(learner=new), metrics

    def rows_share(state: RunState, iteration: jax.Array) -> Targets:
        key = sharding.device_key(jax.random.fold_in(rows_key, iteration))
        return replay.sample(state.buffer, key, ROWS // mesh.size)

    def iteration(function: Callable, inputs: Any, outputs: Any, **options: Any) -> Callable:
        wrapped = sharding.over_devices(mesh, function, (specs, *inputs), (specs, *outputs))
        return jax.jit(wrapped, donate_argnums=0, **options)

    index = jnp.arange(config.rollout.num_games, dtype=jnp.int32)
    begin = sharding.over_devices(mesh, init_share, (sharding.REPLICATED, sharding.SPLIT), specs)

    def init(params: Params | None) -> RunState:
        params = jax.jit(network.init)(network_key) if params is None else params
        return jax.jit(begin)(params, index)

    def abstract() -> RunState:
        params = jax.eval_shape(network.init, network_key)
        return sharding.abstract(mesh, jax.eval_shape(begin, params, index), specs)

    return Program(
        env=env,
        network=network,
        mesh=mesh,
        init=init,
        abstract=abstract,
        acting=lambda state: learner.acting(state.learner),
        play=iteration(
            play_share,
            [sharding.REPLICATED],
            [sharding.REPLICATED, sharding.SPLIT_SECOND],
            compiler_options=COMPILER_OPTIONS,
        ),
        draw=jax.jit(draw),
        demonstrate=iteration(
            demonstrate_share, [sharding.SPLIT, sharding.REPLICATED], [sharding.REPLICATED]
        ),
        learn=iteration(learn_share, 2 * [sharding.REPLICATED], [sharding.REPLICATED]),
        rows=jax.jit(
            sharding.over_devices(mesh, rows_share, (specs, sharding.REPLICATED), sharding.SPLIT)
        ),
    )


def _operator(config: Config, env: Environment, network: Network) -> ImprovementOperator:
    """The search, or two of them with playout-cap randomisation."""
    evaluator = network_evaluator(env, network.apply)
    full = Search(env, evaluator, config.search)
    if config.search.fast_simulations is None:
        return full
    quiet = without_noise(config.search, config.search.fast_simulations)
    return PlayoutCap(full, Search(env, evaluator, quiet), config.search.full_every)


def _check(config: Config, env: Environment, num_games: int) -> None:
    """Refuses settings that do not fit the environment, or `num_games` on each device."""
    search = config.search
    if search.fast_simulations is not None:
        if search.fast_simulations >= search.num_simulations:
            raise ValueError(
                "search.fast_simulations must be less than search.num_simulations "
                f"({search.num_simulations}), got {search.fast_simulations}"
            )
        if num_games % search.full_every:
            raise ValueError(
                f"search.full_every must divide the {num_games} games of each device, got "
                f"{search.full_every}; set it, rollout.num_games or num_devices"
            )
    if config.rollout.resign_value is not None and env.num_players != 2:
        raise ValueError(
            f"rollout.resign_value is for games of two players, but {config.env} has "
            f"{env.num_players}"
        )
    plies = config.rollout.max_opening_plies
    if plies >= env.max_steps:
        raise ValueError(
            f"rollout.max_opening_plies must be less than the {env.max_steps} steps that "
            f"{config.env} can take, got {plies}"
        )
    practice = config.practice
    shown = practice.num_problems + practice.num_shortened + practice.num_rehearsed
    if practice.search_every is not None and not keeps_solutions(env):
        raise ValueError(
            f"practice.search_every is for problems of a lone player that have levels and a "
            f"verifier, which {config.env} has not; leave it out"
        )
    has_heuristic = getattr(env.heuristic, "__func__", None) is not Environment.heuristic
    if practice.search_every is not None and practice.heuristic_weight and not has_heuristic:
        raise ValueError(
            f"practice.heuristic_weight is for environments with a heuristic, which {config.env} "
            "has not; leave it out"
        )
    if practice.search_every is not None and shown * env.max_steps > config.replay.capacity:
        raise ValueError(
            f"replay.capacity must be at least {shown * env.max_steps}, what practice can add: "
            f"(practice.num_problems + num_shortened + num_rehearsed) * the {env.max_steps} steps "
            f"of {config.env}, got {config.replay.capacity}"
        )
    rows = config.rollout.num_games * (env.max_steps + config.rollout.steps_per_iteration)
    if rows > config.replay.capacity:
        raise ValueError(
            f"replay.capacity must be at least {rows}, what an iteration can add: "
            f"rollout.num_games * (the {env.max_steps} steps of {config.env} + "
            f"rollout.steps_per_iteration), got {config.replay.capacity}"
        )
    if config.replay.min_rows > config.replay.capacity:
        raise ValueError(
            f"replay.min_rows must be at most replay.capacity ({config.replay.capacity}), "
            f"got {config.replay.min_rows}"
        )
