"""What `Search` makes of a search's result; the search itself has tests of its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from selfplay.config import SearchConfig
from selfplay.operators import search as search_module
from selfplay.operators.contract import OPERATORS
from selfplay.operators.search import Search, divergence
from selfplay.search.policy import SearchResult
from tests import worlds

NUM_ROWS = 5
FOUND = SearchResult(
    action=jnp.array([2, 0, 1, 1, 0], jnp.int32),
    action_weights=jax.nn.softmax(jnp.arange(15, dtype=jnp.float32).reshape(5, 3) % 4),
    value=jnp.array([0.1, -0.2, 0.3, -0.4, 0.5]),
    qvalues=jnp.full((5, 3), 0.9),
    visit_counts=jnp.full((5, 3), 4, jnp.int32),
    prior=jnp.full((5, 3), 1 / 3),
    raw_value=jnp.full(5, -0.9),
)


@pytest.fixture
def improved(monkeypatch):
    """The operator's arguments, those that reached the search, and what was made of it."""
    env = worlds.Spell(length=3)
    keys = jax.random.split(jax.random.key(0), NUM_ROWS)
    problem = jnp.stack([env.parse_problem(word) for word in ("abc", "aba", "cab", "bcb", "cbc")])
    start = jax.vmap(env.init)(problem)
    state = start.replace(last=jnp.arange(NUM_ROWS, dtype=jnp.int8) % jnp.int8(3))
    evaluator, config = object(), SearchConfig(num_simulations=37)
    calls = []

    def fake_search(*arguments):
        calls.append(arguments)
        return FOUND

    monkeypatch.setattr(search_module, "search", fake_search)
    given = (jnp.float32(0.3), keys, problem, state)
    improved = Search(env, evaluator, config).improve(*given, jnp.int32(7))
    return (env, evaluator, *given, config), calls, improved


def test_the_search_is_given_all_it_needs(improved):
    given, calls, _ = improved
    assert len(calls) == 1
    assert all(a is b for a, b in zip(calls[0], given, strict=True))


def test_targets_are_what_the_search_found(improved):
    _, _, (action, targets, *_) = improved
    np.testing.assert_array_equal(action, FOUND.action)
    np.testing.assert_array_equal(targets.action_weights, FOUND.action_weights)
    np.testing.assert_array_equal(targets.value, FOUND.value)
    np.testing.assert_array_equal(targets.weight, np.ones(NUM_ROWS))


def test_surprise_is_the_divergence_from_the_prior(improved):
    surprise = improved[2].surprise
    expected = scipy.stats.entropy(FOUND.action_weights, FOUND.prior, axis=1)
    np.testing.assert_allclose(surprise, expected, rtol=1e-5)


def test_divergence_where_actions_are_illegal():
    target = jnp.array([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
    policy = jnp.array([[0.0, 0.75, 0.25], [0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
    expected = [0.5 * np.log(3), np.log(2), 0.0, 0.0]
    np.testing.assert_allclose(divergence(target, policy), expected, atol=1e-6)


def test_rows_hold_the_problem_and_state_they_came_from(improved):
    (_, _, _, _, problem, state, _), _, (_, targets, *_) = improved
    np.testing.assert_array_equal(targets.problem, problem)
    np.testing.assert_array_equal(targets.state.last, state.last)


def test_changed_is_where_search_prefers_another_move(improved):
    expected = FOUND.action_weights.argmax(1) != FOUND.prior.argmax(1)
    np.testing.assert_array_equal(improved[2].changed, expected)
    assert 0 < expected.sum() < NUM_ROWS


def test_provenance_says_where_rows_came_from(improved):
    provenance = improved[2].targets.provenance
    assert [OPERATORS[int(index)] for index in provenance.operator] == ["search"] * NUM_ROWS
    np.testing.assert_array_equal(provenance.generation, np.full(NUM_ROWS, 7))
    np.testing.assert_array_equal(provenance.simulations, np.full(NUM_ROWS, 37))
    np.testing.assert_array_equal(provenance.confidence, np.ones(NUM_ROWS))
    np.testing.assert_array_equal(provenance.verdict, np.zeros(NUM_ROWS))
    np.testing.assert_array_equal(provenance.real, np.zeros(NUM_ROWS, bool))


def test_shapes_and_dtypes(improved):
    _, _, (action, targets, surprise, _) = improved
    provenance = targets.provenance
    expected = [
        (action, jnp.int32, (NUM_ROWS,)),
        (surprise, jnp.float32, (NUM_ROWS,)),
        (targets.action_weights, jnp.float32, (NUM_ROWS, 3)),
        (targets.value, jnp.float32, (NUM_ROWS,)),
        (targets.weight, jnp.float32, (NUM_ROWS,)),
        (provenance.operator, jnp.uint8, (NUM_ROWS,)),
        (provenance.teacher, jnp.uint8, (NUM_ROWS,)),
        (provenance.generation, jnp.int32, (NUM_ROWS,)),
        (provenance.simulations, jnp.int32, (NUM_ROWS,)),
        (provenance.confidence, jnp.float32, (NUM_ROWS,)),
        (provenance.verdict, jnp.uint8, (NUM_ROWS,)),
        (provenance.real, jnp.bool_, (NUM_ROWS,)),
    ]
    for array, dtype, shape in expected:
        assert (array.dtype, array.shape) == (dtype, shape)
