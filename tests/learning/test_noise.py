"""Noise on the student: its closed forms, where it is, and where it never is."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay import config as config_lib
from selfplay import sharding
from selfplay.config import LearnerConfig, NetworkConfig
from selfplay.environment import make
from selfplay.environment.observation import Tokens
from selfplay.learning.learner import Learner, augment
from selfplay.learning.noise import dropout, masked
from selfplay.networks.build import build
from selfplay.operators.episodes import row
from selfplay.run.program import make_program
from tests import worlds
from tests.learning.test_learner import NETWORK, NIM, nim_rows
from tests.networks.test_build import BATCH, KINDS, observations
from tests.tiny import SETTINGS

MANY = 200_000
SPLIT = (sharding.REPLICATED, sharding.SPLIT_SECOND, sharding.REPLICATED, sharding.REPLICATED)


def near(share, expected, count):
    """Within five standard deviations of a share of so many independent draws."""
    return abs(float(share) - expected) < 5 * np.sqrt(expected * (1 - expected) / count)


def test_units_are_dropped_as_often_as_asked_and_their_mean_stays():
    drop = dropout(jax.random.key(0), 0.3)
    first, second = drop(jnp.ones(MANY)), drop(jnp.ones(MANY))
    assert near((first == 0).mean(), 0.3, MANY)
    np.testing.assert_allclose(np.unique(first), [0, 1 / 0.7], rtol=1e-6)
    np.testing.assert_allclose(first.mean(), 1.0, atol=5 * np.sqrt(0.3 / 0.7 / MANY))
    both = ((first == 0) & (second == 0)).mean()
    assert near(both, 0.09, MANY)  # each place draws for itself


def test_a_square_is_masked_with_all_its_planes():
    boards = jnp.ones((500, 10, 20, 3))
    seen = masked(jax.random.key(0), boards, 0.15)
    hidden = np.asarray(seen == 0)
    assert (hidden.any(-1) == hidden.all(-1)).all()
    assert near(hidden[..., 0].mean(), 0.15, 500 * 200)
    assert (np.asarray(seen)[~hidden] == 1).all()


def test_numbers_of_a_flat_observation_are_masked_one_by_one():
    hidden = np.asarray(masked(jax.random.key(1), jnp.ones((1000, 200)), 0.4) == 0)
    assert near(hidden.mean(), 0.4, MANY)
    assert near((hidden[:, 0::2] & hidden[:, 1::2]).mean(), 0.16, MANY // 2)


def test_indices_and_masks_are_never_masked():
    ones = jnp.ones((64, 8), jnp.int32)
    tokens = Tokens(tokens=ones, positions=ones, mask=ones > 0, action_tokens=ones)
    for a, b in zip(
        jax.tree.leaves(tokens),
        jax.tree.leaves(masked(jax.random.key(0), tokens, 1.0)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match=r"mask_fraction .* Spell shows tokens; learner\.dropout"):
        Learner(worlds.Spell(), NETWORK.apply_all, LearnerConfig(mask_fraction=0.1), 8)


@pytest.mark.parametrize("name", KINDS)
def test_every_network_drops_what_enters_its_trunk_and_what_each_branch_adds(name):
    kind, world = KINDS[name]
    config = NetworkConfig(kind=kind, width=8, depth=3, line_length=2, num_heads=2)
    network = build(config, world())
    params = jax.eval_shape(network.init, jax.random.key(0))
    shapes = []

    def outputs(params, observation):
        def spy(hidden):
            shapes.append(hidden.shape)
            return jnp.zeros_like(hidden)

        return network.apply_all(params, observation, spy)

    jax.eval_shape(outputs, params, observations(world))
    branches = 2 if "transformer" in name else 1
    assert len(shapes) == 1 + 3 * branches
    assert {(shape[0], shape[-1]) for shape in shapes} == {(BATCH, 8)}


def make_fit(config, apply=NETWORK.apply_all):
    """A learner on Nim from the beginning: batches and key to state and metrics."""
    learner = Learner(NIM, apply, config, 8)
    over = sharding.over_devices(sharding.make_mesh(1), learner.fit, SPLIT, sharding.REPLICATED)

    def fit(batches, key):
        return over(learner.init(NETWORK.init(jax.random.key(0))), batches, key, jnp.int32(10))

    return jax.jit(fit)


def fitted(fit, seed=7):
    """What it makes of three batches: parameters as bytes, and metrics."""
    batches = jax.tree.map(lambda x: jnp.stack([x, x, x]), nim_rows())
    state, metrics = fit(batches, jax.random.key(seed))
    return [np.asarray(x).tobytes() for x in jax.tree.leaves(state.params)], metrics


def test_the_seed_alone_decides_what_a_student_is_denied():
    noise = LearnerConfig(warmup_updates=0, dropout=0.2)
    fit = make_fit(noise)
    once, twice, other = (fitted(fit, seed)[0] for seed in (7, 7, 8))
    assert once == twice != other


def test_who_sees_nothing_learns_what_is_true_of_every_position():
    """All inputs masked, the loss of each batch is that of the same network shown zeros."""

    def blind(params, observation):
        return NETWORK.apply_all(params, jnp.zeros_like(observation))

    class Unchecked(LearnerConfig):  # of settings, so much is refused
        ranges: ClassVar = {}

    config = LearnerConfig(warmup_updates=0)
    masked_out, metrics = fitted(make_fit(Unchecked(warmup_updates=0, mask_fraction=1.0)))
    expected, wanted = fitted(make_fit(config, blind))
    np.testing.assert_allclose(metrics["loss/policy"], wanted["loss/policy"], rtol=1e-6)
    for a, b in zip(masked_out, expected, strict=True):
        np.testing.assert_allclose(
            np.frombuffer(a, np.float32), np.frombuffer(b, np.float32), atol=1e-6
        )


def test_self_play_is_never_noised():
    """By the programs themselves, which are the same."""
    plain = config_lib.from_dict(SETTINGS)
    noise = dataclasses.replace(plain.learner, mask_fraction=0.1, dropout=0.1)
    programs = [make_program(c) for c in (plain, dataclasses.replace(plain, learner=noise))]
    state, number = programs[0].abstract(), jax.ShapeDtypeStruct((), jnp.int32)
    play, play_noised = (str(p.play.trace(state, number).jaxpr) for p in programs)
    assert play == play_noised
    learn, learn_noised = (str(p.learn.trace(state, number, number).jaxpr) for p in programs)
    assert learn != learn_noised


def test_without_noise_the_program_is_that_of_updates_on_turned_batches():
    env = make("tic_tac_toe")
    network = build(NetworkConfig(width=8, depth=1), env)
    learner = Learner(env, network.apply_all, LearnerConfig(), 8)

    def plainly(state, batches, key, total_updates):
        def step(state, now):
            batch, key = now
            batch = augment(env, key, batch)
            state, metrics = learner.update(state, batch, total_updates)
            generation = batch.provenance.generation.astype(jnp.float32).mean()
            return state, metrics | {"generation": sharding.mean(generation)}

        keys = jax.random.split(key, batches.weight.shape[0])
        state, metrics = jax.lax.scan(step, state, (batches, keys))
        return state, jax.tree.map(jnp.mean, metrics)

    state = jax.eval_shape(lambda key: learner.init(network.init(key)), jax.random.key(0))
    like = row(env).targets
    batches = jax.tree.map(lambda x: jax.ShapeDtypeStruct((3, 8, *x.shape), x.dtype), like)
    programs = []
    for fit in (learner.fit, plainly):
        over = sharding.over_devices(sharding.make_mesh(1), fit, SPLIT, sharding.REPLICATED)
        programs.append(str(jax.make_jaxpr(over)(state, batches, jax.random.key(0), jnp.int32(9))))
    assert programs[0] == programs[1]
