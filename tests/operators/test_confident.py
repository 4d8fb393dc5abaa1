"""Measures of confidence against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import rel_entr

from selfplay.config import SearchConfig
from selfplay.operators.confident import (
    Confident,
    Teacher,
    ensemble_agreement,
    policy,
    reference_policy,
    search_agreement,
    unlike_others,
)
from selfplay.operators.episodes import Labeller
from selfplay.operators.raw import Raw
from selfplay.operators.search import Search
from tests import worlds

NIM = worlds.Nim(stones=9)
ROWS = 5
STATE = jax.vmap(lambda i: NIM.start().replace(heap=i))(jnp.arange(4, 4 + ROWS, dtype=jnp.int8))
KEYS = jax.random.split(jax.random.key(0), ROWS)


def guess(params, keys, problem, state):
    """The params are the logits."""
    rows = keys.shape[0]
    return jnp.broadcast_to(params[None], (rows, 3)), jnp.zeros(rows)


RAW = Raw(NIM, guess)
EVEN = jnp.zeros(3)


def confidence(operator, params):
    improve = jax.jit(lambda p: operator.improve(p, KEYS, (), STATE, jnp.int32(1)))
    return np.asarray(improve(params).targets.provenance.confidence)


def sure_of(action):
    return jnp.where(jnp.arange(3) == action, 50.0, 0.0)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([EVEN, EVEN], 1.0),
        ([sure_of(0), sure_of(1)], 0.0),
        ([sure_of(0), sure_of(1), sure_of(2)], 0.0),
        ([sure_of(2), sure_of(2), sure_of(2)], 1.0),
        # JS of (1, 0) and (1/2, 1/2) in bits: H(3/4, 1/4) - 1/2 = 0.3113.
        ([jnp.array([0.0, -50.0, -50.0]), jnp.array([0.0, 0.0, -50.0])], 1 - 0.31128),
    ],
)
def test_an_ensemble_agrees_by_its_jensen_shannon_divergence(members, expected):
    operator = Confident(RAW, ensemble_agreement(NIM, guess))
    found = confidence(operator, Teacher(EVEN, jnp.stack(members)))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_one_network_is_no_ensemble():
    operator = Confident(RAW, ensemble_agreement(NIM, guess))
    with pytest.raises(ValueError, match="2 networks at least to agree, got 1"):
        confidence(operator, Teacher(EVEN, EVEN[None]))


def test_who_says_what_is_always_said_is_not_confident():
    logits, usual = jnp.log(jnp.array([0.7, 0.2, 0.1])), np.array([0.2, 0.3, 0.5], np.float32)
    operator = Confident(RAW, unlike_others(NIM, guess))
    reference = jnp.stack([jax.nn.softmax(logits), jnp.asarray(usual)])
    found = confidence(operator, Teacher(EVEN, (logits, reference)))
    np.testing.assert_allclose(found, 0.0, atol=1e-6)
    found = confidence(operator, Teacher(EVEN, (logits, reference[1:])))
    divergence = rel_entr(np.array([0.7, 0.2, 0.1]), usual).sum()
    np.testing.assert_allclose(found, 1 - np.exp(-divergence), rtol=1e-5)


def test_a_search_that_changes_nothing_agrees():
    search = Search(NIM, guess, SearchConfig(num_simulations=8, gumbel_scale=0.0))
    operator = Confident(search, search_agreement)
    improved = search.improve(EVEN, KEYS, (), STATE, jnp.int32(0))
    found = confidence(operator, Teacher(EVEN, ()))
    weights = np.asarray(improved.targets.action_weights)
    np.testing.assert_allclose(found, np.exp(-rel_entr(weights, 1 / 3).sum(1)), rtol=1e-4)
    assert ((found > 0) & (found <= 1)).all()


def test_agreement_needs_a_search():
    with pytest.raises(ValueError, match="needs an operator that searches"):
        confidence(Confident(RAW, search_agreement), Teacher(EVEN, ()))


def test_the_reference_is_the_mean_over_episodes_that_go_on():
    labeller = Labeller(NIM, RAW)
    index = jnp.arange(40, dtype=jnp.int32)
    episodes = labeller.play(EVEN, jax.random.key(1), index, jnp.int32(0))
    states = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), episodes.samples.targets.state)
    keys = jax.random.split(KEYS[0], states.heap.shape[0])
    policies = policy(NIM, guess, EVEN, keys, (), states).reshape(NIM.max_steps, 40, 3)
    found = np.asarray(reference_policy(episodes, policies))
    running = np.asarray(episodes.samples.targets.weight) > 0
    for t in range(NIM.max_steps):
        here = np.asarray(policies)[t, running[t]]
        expected = here.mean(0) if len(here) else np.full(3, 1 / 3)
        np.testing.assert_allclose(found[t], expected, rtol=1e-5)
