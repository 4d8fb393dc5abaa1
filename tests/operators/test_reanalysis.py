"""Stored rows labelled anew, against plain calls of `search` on their states."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.config import SearchConfig
from selfplay.operators.confident import Confident, Teacher, search_agreement
from selfplay.operators.contract import OPERATORS
from selfplay.operators.episodes import Sample
from selfplay.operators.reanalysis import Reanalysis
from selfplay.operators.search import Search
from selfplay.replay.labels import relabelled
from selfplay.search.model import network_evaluator
from selfplay.search.policy import search
from tests.learning.test_learner import NETWORK, NIM, nim_rows

EVALUATOR = network_evaluator(NIM, NETWORK.apply)
CONFIG = SearchConfig(num_simulations=6)
GENERATION, FIRST = 5, 100
KEY = jax.random.key(3)


@functools.cache
def params():
    return jax.jit(NETWORK.init)(jax.random.key(0))


def stored():
    """Sample [8]: three episodes with exact labels, real and accepted, the heap of 3 ended."""
    targets = nim_rows()
    ended = jnp.arange(8) == 2
    provenance = targets.provenance.replace(
        verdict=jnp.full(8, 1, jnp.uint8), real=jnp.full(8, True), teacher=jnp.full(8, 9, jnp.uint8)
    )
    targets = targets.replace(
        state=targets.state.replace(terminated=ended),
        weight=jnp.full(8, 0.5),
        provenance=provenance,
    )
    episode = jnp.array([7, 7, 7, -3, -3, 2, 2, 2], jnp.int32)
    return jax.tree.map(np.asarray, Sample(targets, jnp.arange(8, dtype=jnp.int32) % 3, episode))


@jax.jit
def label(params, share, index, rows):
    operator = Confident(Search(NIM, EVALUATOR, CONFIG), search_agreement)
    now = jax.random.fold_in(KEY, GENERATION)
    teacher = Teacher(params, judge=())
    return Reanalysis(operator, share).label(teacher, now, index, rows, jnp.int32(GENERATION))


def labelled(share):
    """All rows, three at a time."""
    relabel = functools.partial(label, params(), jnp.float32(share))
    return relabelled(stored(), relabel, first=FIRST, batch_size=3)


@pytest.fixture(scope="module")
def searched():
    """What a search finds, each state alone with its key."""

    @jax.jit
    def one(params, number, state):
        key = jax.random.fold_in(jax.random.fold_in(KEY, GENERATION), number)
        own = jax.random.split(key, 2)[1]  # the other is the confidence's
        alone = jax.tree.map(lambda x: x[None], (own, state))
        found = search(NIM, EVALUATOR, params, alone[0], (), alone[1], CONFIG)
        return jax.tree.map(lambda x: x[0], found)

    states = stored().targets.state
    found = [
        one(params(), jnp.int32(FIRST + i), jax.tree.map(lambda x, i=i: x[i], states))
        for i in range(8)
    ]
    return jax.tree.map(lambda *x: np.stack(x), *found)


def test_policies_are_those_of_searches_and_the_rest_is_what_was_stored(searched):
    found, old = labelled(1.0), stored()
    np.testing.assert_allclose(found.targets.action_weights, searched.action_weights, atol=1e-6)
    for a, b in zip(
        jax.tree.leaves((found.targets.state, found.action, found.episode)),
        jax.tree.leaves((old.targets.state, old.action, old.episode)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(found.targets.weight, np.where(np.arange(8) == 2, 0.0, 0.5))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_values_are_fresh_by_their_share(searched, share):
    expected = share * searched.value + (1 - share) * stored().targets.value
    np.testing.assert_allclose(labelled(share).targets.value, expected, atol=1e-6)


def test_provenance_is_of_the_labels_and_the_verdict_of_the_episode():
    found = labelled(1.0).targets.provenance
    assert OPERATORS[found.operator[0]] == "reanalysis"
    for name, expected in [
        ("operator", OPERATORS.index("reanalysis")),
        ("teacher", 0),
        ("generation", GENERATION),
        ("simulations", CONFIG.num_simulations),
        ("verdict", 1),
        ("real", False),
    ]:
        assert (getattr(found, name) == expected).all(), name


def test_confidence_is_the_mean_over_the_rows_of_an_episode_that_count(searched):
    tiny = 1e-30
    improved, prior = searched.action_weights, searched.prior
    each = jnp.exp(-(improved * (jnp.log(improved + tiny) - jnp.log(prior + tiny))).sum(-1))
    each = np.asarray(each)
    means = {7: each[:2].mean(), -3: each[3:5].mean(), 2: each[5:].mean()}
    found = labelled(1.0).targets.provenance.confidence
    np.testing.assert_allclose(found, [means[e] for e in stored().episode.tolist()], rtol=1e-4)
    assert found.std() > 0
