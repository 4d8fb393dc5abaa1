"""The plan of a run's memory against the arrays that the run then has."""

import jax
import jax.numpy as jnp
import pytest

from selfplay import sharding
from selfplay.config import Config, from_dict, to_dict
from selfplay.environment import make
from selfplay.networks.build import build
from selfplay.run import memory
from selfplay.run.program import make_program
from selfplay.search import tree


def size(shapes):
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(shapes))


def change(**changes):
    values = to_dict(Config(env="connect_four", num_devices=1))
    for path, value in changes.items():
        section, _, field = path.partition("__")
        if field:
            values[section] = values[section] | {field: value}
        else:
            values[section] = value
    return from_dict(values)


def plan(config, num_devices=1):
    env = make(config.env)
    return memory.plan(config, env, build(config.network, env), num_devices)


@pytest.mark.parametrize(
    ("env", "reply_head"), [("connect_four", False), ("connect_four", True), ("tic_tac_toe", False)]
)
def test_the_plan_is_what_a_run_holds(env, reply_head):
    config = change(
        env=env,
        rollout__num_games=64,
        replay__capacity=20_000,
        network__reply_head=reply_head,
    )
    program = make_program(config)
    state = program.abstract()
    parts = plan(config).parts
    assert parts["replay buffer"] == pytest.approx(size(state.buffer), rel=0.05)
    most = program.env.max_steps
    window = (2 * most + config.rollout.steps_per_iteration) / most * size(state.games.pending)
    assert parts["games in progress"] == pytest.approx(window, rel=0.35)
    held = size(state.learner)  # parameters and two moments; gradients come with an update
    assert held <= parts["network and optimizer"] <= 1.5 * held


def test_trees_are_counted_to_the_byte():
    config = change(search__num_simulations=100, rollout__num_games=48)
    env = make("connect_four")
    states = jax.eval_shape(jax.vmap(lambda _: env.init()), jnp.zeros(48))
    logits = jax.ShapeDtypeStruct((48, 7), jnp.float32)
    arrays = jax.eval_shape(lambda s, x: tree.allocate(101, x, s), states, logits)
    rows = arrays.plans.shape[0]
    listed = 12 * 101 * 48
    got = plan(config).parts["search trees of self-play"]
    assert got == size(arrays) // rows * 101 * 48 + listed


def test_lanes_and_devices_share_the_trees():
    whole = plan(change()).parts["search trees of self-play"]
    assert plan(change(search__lanes=64)).parts["search trees of self-play"] * 4 == whole
    assert plan(change(), num_devices=2).parts["search trees of self-play"] * 2 == whole


def test_a_playout_cap_takes_less():
    """Of 256 games 64 have 100 simulations, the others 20."""
    whole = plan(change(search__num_simulations=100)).parts["search trees of self-play"]
    capped = change(search__num_simulations=100, search__fast_simulations=20)
    part = plan(capped).parts["search trees of self-play"]
    assert part * 256 * 101 == whole * (64 * 101 + 192 * 21)


def test_mctx_needs_more():
    ours, theirs = (plan(change(search__engine=engine)) for engine in ("selfplay", "mctx"))
    part = "search trees of self-play"
    assert theirs.parts[part] > 2 * ours.parts[part]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"replay__capacity": 10**11}, "replay.capacity"),
        ({"search__num_simulations": 65_000, "rollout__num_games": 2048}, "search.num_simulations"),
        ({"evaluation__num_simulations": 65_000}, "evaluation.batch_size"),
        ({"network__width": 100_000}, "network.width"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(changes, field):
    with pytest.raises(ValueError, match=rf"needs about .* GiB .*lower {field}"):
        plan(change(**changes)).refuse_more_than(4 * 2**30)


def test_a_program_asks_before_it_compiles():
    with pytest.raises(ValueError, match=r"replay\.capacity"):
        make_program(change(replay__capacity=10**12))


def test_where_nobody_knows_the_memory_nothing_is_refused():
    plan(change(replay__capacity=10**12)).refuse_more_than(None)


def test_devices_of_one_processor_share_its_memory():
    one = sharding.memory_of_a_device(sharding.make_mesh(1))
    eight = sharding.memory_of_a_device(sharding.make_mesh(8))
    assert one is not None
    assert eight == one // 8
    assert 2**28 < one < 2**50
