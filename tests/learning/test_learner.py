"""The learner: its schedule, its steps against optax, its symmetries, its devices."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from selfplay import sharding
from selfplay.config import LearnerConfig, NetworkConfig
from selfplay.environment import make
from selfplay.learning.learner import Learner, augment, average_decay, learning_rate
from selfplay.networks.build import build
from selfplay.networks.contract import Outputs
from selfplay.operators.targets import Provenance, Targets
from selfplay.replay import buffer as replay
from selfplay.run import progress
from tests import worlds

NIM = worlds.Nim(stones=8)
NETWORK = build(NetworkConfig(width=32, depth=1), NIM)


def make_rows(problem, state, action_weights, value):
    rows = value.shape
    provenance = Provenance.of(rows, 0)
    ones = jnp.ones(rows, jnp.float32)
    return Targets(problem, state, jnp.asarray(action_weights), value, ones, provenance)


def nim_rows():
    """Targets [8]: each heap, its best moves in equal parts, and its exact value."""
    solved = NIM.solved_positions()
    best = np.asarray(solved.action_values == jnp.nanmax(solved.action_values, 1, keepdims=True))
    weights = (best / best.sum(1, keepdims=True)).astype(np.float32)
    return make_rows((), solved.state, weights, jnp.nanmax(solved.action_values, 1))


def on_mesh(size, function, in_specs, out_specs=sharding.REPLICATED):
    return jax.jit(sharding.over_devices(sharding.make_mesh(size), function, in_specs, out_specs))


def make_update(config, size=1, rows=8):
    learner = Learner(NIM, NETWORK.apply_all, config, rows // size)
    specs = (sharding.REPLICATED, sharding.SPLIT, sharding.REPLICATED)
    return learner, on_mesh(size, learner.update, specs)


@pytest.fixture(scope="module")
def params():
    params = jax.jit(NETWORK.init)(jax.random.key(0))
    return jax.tree.map(lambda x: x + 0.05, params)  # biases too are not zero


# The learning rate -------------------------------------------------------------------------------


def test_learning_rate_at_known_points():
    config = LearnerConfig(learning_rate=2e-3, warmup_updates=10, final_learning_rate_fraction=0.1)
    schedule = jax.jit(jax.vmap(lambda n: learning_rate(config, n, jnp.int32(1000))))
    at = [0, 4, 500, 1000, 1500]
    early = 0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * 4 / 1000))
    expected = [2e-4, 1e-3 * early, 2e-3 * 0.55, 2e-4, 2e-4]
    np.testing.assert_allclose(schedule(jnp.array(at, jnp.int32)), expected, rtol=1e-5)
    falling = np.asarray(schedule(jnp.arange(10, 1000, dtype=jnp.int32)))
    assert (np.diff(falling) <= 0).all()


def test_learning_rate_without_warmup_or_known_end():
    config = LearnerConfig(learning_rate=1.0, warmup_updates=0)
    endless = jnp.int32(np.iinfo(np.int32).max)
    assert float(learning_rate(config, jnp.int32(0), endless)) == 1.0
    np.testing.assert_allclose(learning_rate(config, jnp.int32(5000), endless), 1.0, rtol=1e-6)
    assert float(learning_rate(config, jnp.int32(3), jnp.int32(0))) == pytest.approx(0.05)


# The average -------------------------------------------------------------------------------------


def test_average_follows_its_recurrence(params):
    config = LearnerConfig(average_decay=0.5, learning_rate=0.1, warmup_updates=0)
    learner, update = make_update(config)
    state, expected = learner.init(params), params
    for n in range(12):
        state, _ = update(state, nim_rows(), jnp.int32(100))
        decay = min(0.5, (1 + n) / (10 + n))
        expected = jax.tree.map(
            lambda a, p, decay=decay: decay * a + (1 - decay) * p, expected, state.params
        )
    assert decay == 0.5
    acting = learner.acting(state)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), acting, expected
    )
    distance = jax.tree.map(lambda a, p: jnp.abs(a - p).max(), acting, state.params)
    assert max(float(d) for d in jax.tree.leaves(distance)) > 1e-3


def test_without_average_the_parameters_act(params):
    learner, update = make_update(LearnerConfig())
    state, _ = update(learner.init(params), nim_rows(), jnp.int32(100))
    assert learner.acting(state) is state.params
    assert state.average == ()


def test_average_is_short_at_first():
    config = LearnerConfig(average_decay=0.99)
    decays = [float(average_decay(config, jnp.int32(n))) for n in (0, 10, 10**6)]
    np.testing.assert_allclose(decays, [0.1, 0.55, 0.99], rtol=1e-6)


# One update --------------------------------------------------------------------------------------


def test_updates_equal_optax_adamw(params):
    """Five updates, against optax's own AdamW on a loss written out here."""
    config = LearnerConfig(
        learning_rate=0.01,
        warmup_updates=3,
        weight_decay=0.3,
        max_gradient_norm=0.05,
        value_weight=0.5,
    )
    learner, update = make_update(config)
    rows, total = nim_rows(), jnp.int32(7)
    legal = np.arange(1, 4) <= np.arange(1, 9)[:, None]

    def loss(params):
        logits, value = NETWORK.apply(params, jnp.eye(9)[1:])
        log_policy = jax.nn.log_softmax(jnp.where(legal, logits, -1e9))
        policy = -(rows.action_weights * log_policy).sum(1).mean()
        return policy + 0.5 * ((value - rows.value) ** 2).mean()

    optimizer = optax.chain(
        optax.clip_by_global_norm(0.05),
        optax.adamw(
            lambda n: learning_rate(config, n, total),
            weight_decay=0.3,
            mask=lambda tree: jax.tree.map(lambda x: x.ndim == 2, tree),
        ),
    )

    @jax.jit
    def expected_step(params, optimizer_state):
        gradient = jax.grad(loss)(params)
        updates, optimizer_state = optimizer.update(gradient, optimizer_state, params)
        return optax.apply_updates(params, updates), optimizer_state, optax.tree.norm(gradient)

    state, expected, optimizer_state = learner.init(params), params, optimizer.init(params)
    for number in range(5):
        state, metrics = update(state, rows, total)
        with jax.numpy_dtype_promotion("standard"):  # optax mixes counts and rates
            expected, optimizer_state, norm = expected_step(expected, optimizer_state)
        np.testing.assert_allclose(metrics["norm/gradient"], norm, rtol=1e-4)
        assert norm > 0.05  # the clip bites
        assert int(state.num_updates) == number + 1
    for got, wanted in zip(jax.tree.leaves(state.params), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(got, wanted, atol=2e-6)
    np.testing.assert_allclose(metrics["norm/parameters"], optax.tree.norm(expected), rtol=1e-5)


def test_weight_decay_is_of_matrices_alone(params):
    """Without a gradient, matrices shrink by rate * decay and nothing else moves."""
    config = LearnerConfig(learning_rate=0.1, warmup_updates=0, weight_decay=0.5)
    learner, update = make_update(config)
    rows = nim_rows()
    quiet = rows.replace(weight=jnp.zeros_like(rows.weight))
    state, _ = update(learner.init(params), quiet, jnp.int32(1_000_000))
    sizes = set()
    for got, before in zip(jax.tree.leaves(state.params), jax.tree.leaves(params), strict=True):
        shrunk = before * (1 - 0.1 * 0.5) if before.ndim == 2 else before
        np.testing.assert_allclose(got, shrunk, rtol=1e-6)
        sizes.add(before.ndim)
    assert sizes == {1, 2}


def test_eight_devices_update_as_one(params):
    config = LearnerConfig(warmup_updates=0)
    outcomes = []
    for size in (1, 8):
        learner, update = make_update(config, size)
        state = learner.init(params)
        for _ in range(3):
            state, metrics = update(state, nim_rows(), jnp.int32(10))
        outcomes.append(jax.device_get((state, metrics)))
    one, eight = outcomes
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(eight), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert one[1]["norm/gradient"] > 1e-3


def test_a_fit_is_one_update_after_another(params):
    learner, update = make_update(LearnerConfig(warmup_updates=0, symmetries=False))
    rows = nim_rows()
    batches = jax.tree.map(lambda x: jnp.stack([x, jnp.flip(x, 0), x]), rows)
    batches = batches.replace(weight=batches.weight * jnp.array([1.0, 0.5, 2.0])[:, None])
    specs = (sharding.REPLICATED, sharding.SPLIT_SECOND, sharding.REPLICATED, sharding.REPLICATED)
    fit = on_mesh(1, learner.fit, specs)
    fitted, metrics = fit(learner.init(params), batches, jax.random.key(0), jnp.int32(10))
    state, losses = learner.init(params), []
    for i in range(3):
        batch = jax.tree.map(lambda x, i=i: x[i], batches)
        state, one = update(state, batch, jnp.int32(10))
        losses.append(one["loss/policy"])
    for a, b in zip(jax.tree.leaves(fitted), jax.tree.leaves(state), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(metrics["loss/policy"], np.mean(losses), rtol=1e-5)


@pytest.mark.parametrize("disease", ["target", "rate"])
def test_non_finite_numbers_are_seen(params, disease):
    config = LearnerConfig(warmup_updates=0, learning_rate=3e38 if disease == "rate" else 1e-3)
    learner, update = make_update(config)
    rows = nim_rows()
    if disease == "target":
        rows = rows.replace(value=rows.value.at[3].set(jnp.nan))
    _, metrics = update(learner.init(params), rows, jnp.int32(10))
    row = {name: float(value) for name, value in metrics.items()}
    with pytest.raises(progress.NonFiniteLossError, match=r"iteration 4 .*norm/parameters = "):
        progress.refuse_non_finite(row, 4)


def test_healthy_numbers_pass(params):
    learner, update = make_update(LearnerConfig())
    _, metrics = update(learner.init(params), nim_rows(), jnp.int32(10))
    progress.refuse_non_finite({name: float(value) for name, value in metrics.items()}, 0)


# Learning from the buffer ------------------------------------------------------------------------


def test_learns_perfect_nim_from_exact_targets(params):
    config = LearnerConfig(
        learning_rate=0.01, warmup_updates=10, updates_per_iteration=100, weight_decay=0.0
    )
    learner = Learner(NIM, NETWORK.apply_all, config, batch_size=32)
    rows = nim_rows()
    ring, _ = replay.add(replay.init(jax.tree.map(lambda x: x[0], rows), 20), rows)
    specs = (sharding.REPLICATED, sharding.SPLIT, sharding.REPLICATED, sharding.REPLICATED)
    learn = on_mesh(1, learner.learn, specs)
    state, first = learn(learner.init(params), ring, jax.random.key(0), jnp.int32(400))
    for iteration in range(1, 4):
        state, last = learn(state, ring, jax.random.key(iteration), jnp.int32(400))
    assert int(state.num_updates) == 400
    assert last["kl/target_policy"] < 0.1 * first["kl/target_policy"]
    logits, value = NETWORK.apply(state.params, jnp.eye(9)[1:])
    legal = np.arange(1, 4) <= np.arange(1, 9)[:, None]
    policy = np.asarray(jax.nn.softmax(jnp.where(legal, logits, -jnp.inf)))
    np.testing.assert_allclose(policy, rows.action_weights, atol=0.05)
    np.testing.assert_allclose(value, rows.value, atol=0.1)


def test_metrics_are_means_over_the_updates(params):
    config = LearnerConfig(learning_rate=0.5, warmup_updates=4, updates_per_iteration=4)
    learner = Learner(NIM, NETWORK.apply_all, config, batch_size=4)
    rows = nim_rows()
    ring, _ = replay.add(replay.init(jax.tree.map(lambda x: x[0], rows), 8), rows)
    specs = (sharding.REPLICATED, sharding.SPLIT, sharding.REPLICATED, sharding.REPLICATED)
    learn = on_mesh(1, learner.learn, specs)
    _, metrics = learn(learner.init(params), ring, jax.random.key(0), jnp.int32(2**30))
    np.testing.assert_allclose(metrics["learning_rate"], 0.5 * (1 + 2 + 3 + 4) / 16, rtol=1e-5)


# Symmetries --------------------------------------------------------------------------------------


def tic_tac_toe_weights(env):
    return lambda problem, state: jnp.nan_to_num(env.oracle(problem, state), nan=-5.0)


def spell_weights(env):
    return lambda problem, state: jnp.nan_to_num(env.oracle(problem, state), nan=-5.0)


def connect_four_weights(env):
    """Of each column its stones, the mover's counted more, the higher the more."""

    def weights(problem, state):
        seen = env.observe(problem, state)  # [rows, columns, 2]
        height = jnp.arange(1, env.rows + 1, dtype=jnp.float32)[:, None]
        return (seen[..., 0] * height * 10 + seen[..., 1] * height).sum(0)

    return weights


@pytest.mark.parametrize(
    ("make_env", "make_weights"),
    [
        (lambda: make("tic_tac_toe"), tic_tac_toe_weights),
        (lambda: make("connect_four"), connect_four_weights),
        (lambda: worlds.Spell(length=4), spell_weights),
    ],
    ids=["tic_tac_toe", "connect_four", "spell"],
)
def test_augmented_weights_belong_to_the_augmented_state(random_games, make_env, make_weights):
    """Weights that are a function of the position still are, after positions were turned."""
    env = make_env()
    problem, state = random_games(env, 24).running(256)
    weights = jax.jit(jax.vmap(make_weights(env)))

    before = weights(problem, state)
    value = jnp.arange(256, dtype=jnp.float32)
    rows = make_rows(problem, state, before, value).replace(reply=-before)
    turned = jax.jit(lambda key, rows: augment(env, key, rows))(jax.random.key(0), rows)
    after = weights(turned.problem, turned.state)
    np.testing.assert_allclose(turned.action_weights, after, atol=1e-5)
    np.testing.assert_array_equal(turned.reply, -turned.action_weights)
    np.testing.assert_array_equal(turned.value, value)
    np.testing.assert_array_equal(turned.state.step_count, state.step_count)
    changed = (np.asarray(before) != np.asarray(after)).any(1)
    assert changed.mean() > 0.3  # positions did turn
    np.testing.assert_allclose(np.sort(before, 1), np.sort(after, 1), atol=1e-5)


def test_all_symmetries_are_drawn_alike():
    env = make("tic_tac_toe")
    state = env.init()
    for action in (0, 1):  # no symmetry leaves this position as it is
        state = env.step((), state, jnp.int32(action))
    count = 4096
    many = jax.tree.map(lambda x: jnp.broadcast_to(x[None], (count, *x.shape)), state)
    weights = jnp.broadcast_to(jax.nn.one_hot(2, 9)[None], (count, 9))
    rows = make_rows((), many, weights, jnp.zeros(count))
    turned = jax.jit(lambda key, rows: augment(env, key, rows))(jax.random.key(1), rows)
    _, counts = np.unique(turned.state.stones.reshape(count, -1), axis=0, return_counts=True)
    assert len(counts) == 8
    assert np.abs(counts - count / 8).max() < 5 * np.sqrt(count * 7 / 64)


def test_symmetries_can_be_switched_off(random_games):
    """Without them the learner sees the rows as they are stored, with them it does not."""
    env = worlds.Spell(length=4)
    problem, state = random_games(env, 8).running(16)
    seen = {}

    def spy(params, observation):
        tokens = observation.tokens[:, :4]
        spelt = (tokens * jnp.array([[64, 16, 4, 1]], jnp.int32)).sum(1).astype(jnp.float32)
        logits = params * jnp.ones((tokens.shape[0], 3))
        return Outputs(logits, spelt + 0.0 * params)

    for symmetries in (False, True):
        config = dataclasses.replace(
            LearnerConfig(updates_per_iteration=1), symmetries=symmetries, value_weight=1.0
        )
        learner = Learner(env, spy, config, batch_size=64)
        words = np.asarray(problem).astype(int) @ np.array([64, 16, 4, 1])
        rows = make_rows(problem, state, jnp.full((16, 3), 1 / 3), jnp.asarray(words, jnp.float32))
        ring, _ = replay.add(replay.init(jax.tree.map(lambda x: x[0], rows), 16), rows)
        specs = (sharding.REPLICATED, sharding.SPLIT, sharding.REPLICATED, sharding.REPLICATED)
        learn = on_mesh(1, learner.learn, specs)
        _, metrics = learn(learner.init(jnp.float32(1)), ring, jax.random.key(0), jnp.int32(10))
        seen[symmetries] = float(metrics["loss/value"])
    assert seen[False] == 0.0
    assert seen[True] > 1.0
