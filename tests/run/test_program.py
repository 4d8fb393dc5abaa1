"""The compiled functions of a run, on a tiny one."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.config import (
    Config,
    LearnerConfig,
    NetworkConfig,
    ReplayConfig,
    RolloutConfig,
    SearchConfig,
)
from selfplay.run.program import make_program

NUM_ITERATIONS = 3
CONFIG = Config(
    env="tic_tac_toe",
    iterations=NUM_ITERATIONS,
    num_devices=1,
    network=NetworkConfig(width=8, depth=0),
    search=SearchConfig(num_simulations=2),
    rollout=RolloutConfig(num_games=8, steps_per_iteration=5),
    replay=ReplayConfig(capacity=8 * 14, min_rows=8),
    learner=LearnerConfig(batch_size=16, updates_per_iteration=2, learning_rate=0.01),
)


def change(config=CONFIG, **changes):
    """The config with `section__field` replaced."""
    for path, value in changes.items():
        section, _, field = path.partition("__")
        if field:
            value = dataclasses.replace(getattr(config, section), **{field: value})
        config = dataclasses.replace(config, **{section: value})
    return config


def run(program, iterations=NUM_ITERATIONS):
    """The last state and the metrics of all iterations, as NumPy arrays."""
    state, rows = program.init(None), []
    for iteration in range(iterations):
        state, played, _ = program.play(state, jnp.int32(iteration))
        learned = {}
        if played["least_buffer_rows"] > 0:
            total = jnp.int32(2 * NUM_ITERATIONS)
            state, learned = program.learn(state, jnp.int32(iteration), total)
        rows.append(jax.device_get(played | learned))
    return jax.device_get(state), rows


def assert_equal(a, b):
    a, b = jax.tree.leaves_with_path(a), jax.tree.leaves_with_path(b)
    assert len(a) == len(b)
    for (path, left), (_, right) in zip(a, b, strict=True):
        np.testing.assert_array_equal(left, right, err_msg=str(path))


@pytest.fixture(scope="module")
def program():
    return make_program(CONFIG)


@pytest.fixture(scope="module")
def outcome(program):
    return run(program)


def test_compiles_once(program, outcome):
    assert program.play._cache_size() == 1
    assert program.learn._cache_size() == 1


def test_a_run_plays_and_learns(program, outcome):
    state, rows = outcome
    first, *later = rows
    assert first["games"] >= 0
    assert sum(row["games"] for row in rows) > 8
    entered = np.cumsum([row["rows"] for row in rows])
    np.testing.assert_array_equal([row["buffer_rows"] for row in rows], entered)
    waiting = (state.games.pending.targets.weight > 0).sum()
    assert entered[-1] + waiting == 8 * 5 * NUM_ITERATIONS  # a decision is a row, in time
    assert int(state.buffer.size[0]) == entered[-1]
    learnt = [row for row in rows if "loss/policy" in row]
    assert int(state.learner.num_updates) == 2 * len(learnt) > 0
    assert all(np.isfinite(list(row.values())).all() for row in rows)
    before = jax.tree.leaves(program.init(None).learner.params)
    after = jax.tree.leaves(state.learner.params)
    assert any((a != b).any() for a, b in zip(before, after, strict=True))


def test_values_in_the_buffer_are_outcomes(outcome):
    state, _ = outcome
    filled = state.buffer.rows.weight > 0
    assert set(np.unique(state.buffer.rows.value[filled])) <= {-1.0, 0.0, 1.0}
    assert (state.buffer.rows.value[filled] != 0).any()
    np.testing.assert_array_equal(filled, np.arange(8 * 14) < state.buffer.size[0])


def test_the_same_seed_gives_the_same_run_bit_for_bit(program, outcome):
    assert_equal(run(program), outcome)
    again = make_program(CONFIG)
    assert again.play is not program.play
    assert_equal(run(again), outcome)


def first_steps(program, params=None, iteration=0):
    """Stones [5, 8, ...] of the first five steps of all games, which wait or were emitted."""
    state, *_ = program.play(program.init(params), jnp.int32(iteration))
    return np.asarray(state.games.pending.targets.state.stones[-5:])


def test_another_seed_gives_another_run(program):
    other = make_program(change(seed=1))
    params = program.init(None).learner.params
    kernels = [x["stem"]["kernel"] for x in (params, other.init(None).learner.params)]
    assert (np.asarray(kernels[0]) != np.asarray(kernels[1])).any()
    assert (first_steps(program, params) == first_steps(program, params)).all()
    assert (first_steps(program, params) != first_steps(other, params)).any()


def test_each_iteration_draws_anew(program):
    assert (first_steps(program, iteration=0) != first_steps(program, iteration=1)).any()
    outcomes = []
    for iteration in (0, 0, 1):
        state = program.init(None)
        for turn in range(3):
            state, *_ = program.play(state, jnp.int32(turn))
        state, _ = program.learn(state, jnp.int32(iteration), jnp.int32(100))
        outcomes.append(np.asarray(state.learner.params["stem"]["kernel"]))
    assert (outcomes[0] == outcomes[1]).all()
    assert (outcomes[0] != outcomes[2]).any()


def test_a_run_can_start_from_given_parameters(program):
    params = jax.tree.map(lambda x: x + 1, jax.jit(program.network.init)(jax.random.key(9)))
    state = program.init(params)
    assert_equal(state.learner.params, params)
    state, *_ = program.play(state, jnp.int32(0))  # the old state is consumed, not the parameters
    assert_equal(state.learner.params, params)


def test_eight_devices_play_and_learn(outcome):
    eight = make_program(change(num_devices=8, replay__capacity=8 * 8 * 14))
    state, rows = run(eight)
    assert len(eight.init(None).games.index.sharding.device_set) == 8
    assert eight.play._cache_size() == eight.learn._cache_size() == 1
    _, one_device = outcome
    # The first games do not depend on the devices, as nothing was learnt yet.
    for name in ("games", "plies", "rows", "first_player_wins", "buffer_rows"):
        assert rows[0][name] == one_device[0][name]
    assert state.buffer.size.shape == (8,)
    assert state.buffer.size.sum() == rows[-1]["buffer_rows"]
    assert state.buffer.size.min() == rows[-1]["least_buffer_rows"]
    waiting = (state.games.pending.targets.weight > 0).sum()
    assert rows[-1]["buffer_rows"] + waiting == 8 * 5 * NUM_ITERATIONS
    assert all(np.isfinite(list(row.values())).all() for row in rows)


def test_with_a_playout_cap_full_searches_alone_are_learnt_from():
    program = make_program(change(search__fast_simulations=1, search__full_every=4))
    state, rows = run(program)
    entered = sum(row["rows"] for row in rows)
    waiting = (state.games.pending.targets.weight > 0).sum()
    assert entered + waiting == 8 // 4 * 5 * NUM_ITERATIONS
    kept = state.buffer.rows.weight > 0
    assert set(state.buffer.rows.provenance.simulations[kept].tolist()) == {2}
    assert sum(row["games"] for row in rows) > 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"env": "tic_tac_to"}, "tic_tac_toe"),
        ({"num_devices": 9}, "num_devices is 9"),
        ({"num_devices": 3}, "learner.batch_size is 16, which 3 devices"),
        ({"num_devices": 8, "rollout__num_games": 12}, "rollout.num_games is 12, which 8"),
        ({"num_devices": 8, "replay__capacity": 113}, "replay.capacity is 113, which 8"),
        ({"rollout__max_opening_plies": 9}, "rollout.max_opening_plies must be less than the 9"),
        ({"replay__min_rows": 113}, r"replay.min_rows must be at most replay.capacity \(112\)"),
        ({"search__fast_simulations": 2}, r"less than search.num_simulations \(2\), got 2"),
        (
            {"search__fast_simulations": 1, "search__full_every": 3},
            "search.full_every must divide the 8 games of each device, got 3",
        ),
        (
            {
                "env": "tests.worlds:Spell",
                "network__kind": "transformer",
                "rollout__resign_value": 0.9,
            },
            "rollout.resign_value is for games of two players, but tests.worlds:Spell has 1",
        ),
        ({"network__kind": "transformer", "network__num_heads": 3}, "network.num_heads"),
    ],
)
def test_errors_name_the_setting(changes, message):
    with pytest.raises(ValueError, match=message):
        make_program(change(**changes))


def test_a_buffer_too_small_for_an_iteration_names_the_setting():
    make_program(change(replay__capacity=112))
    with pytest.raises(ValueError, match=r"replay\.capacity must be at least 112, .*got 111"):
        make_program(change(replay__capacity=111))
