"""Solutions as rows, against a replay by the rules and the returns by hand."""

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.operators import demonstrations
from selfplay.operators.demonstrations import Demonstrations
from tests import worlds
from tests.patterns import TwoEnds

WAYS = ((1, 0, 1, 1), (0, 0, 0, 1), (1, 1, 1, 1))
"""To 2, to -3 and on where nothing is any more, and one that leads to no end."""


def found():
    return Demonstrations(
        problem=jnp.array([2, -3, 8], jnp.int8),
        level=jnp.array([1, 2, 7], jnp.int32),
        action=jnp.array(WAYS, jnp.int32),
        solved=jnp.array([True, True, False]),
        counted=jnp.array([True, False, True]),
        evaluations=jnp.array([5, 6, 7], jnp.int32),
        first_end=jnp.zeros(3, jnp.int8),
    )


def test_rows_are_the_states_of_the_way_its_actions_and_what_is_earned():
    targets = jax.jit(lambda x: demonstrations.rows(worlds.Walks(), x, jnp.int32(9)))(found())
    np.testing.assert_array_equal(targets.weight.T, [[1, 1, 1, 1], [1, 1, 1, 0], [0, 0, 0, 0]])
    places = np.cumsum([[0, *(2 * np.array(way[:-1]) - 1)] for way in WAYS], axis=1)
    there = np.asarray(targets.weight.T) > 0
    np.testing.assert_array_equal(np.asarray(targets.state.place.T)[there], places[there])
    np.testing.assert_array_equal(np.asarray(targets.action_weights.argmax(-1).T), WAYS)
    np.testing.assert_array_equal(np.asarray(targets.value.T)[there], 1.0)
    np.testing.assert_array_equal(targets.provenance.simulations[0], [5, 6, 7])
    counts = demonstrations.counts(found(), 8)
    np.testing.assert_array_equal(counts, np.eye(8)[[1]] + [[0] * 7 + [1], [0] * 8])


def test_a_state_on_the_way_is_reached():
    env = worlds.Walks()
    reached = jax.jit(jax.vmap(lambda *arguments: demonstrations.reached(env, *arguments)))
    counts = jnp.array([0, 2, 4], jnp.int32)
    state = reached(found().problem, found().action, counts)
    np.testing.assert_array_equal(state.place, [0, -2, 4])
    np.testing.assert_array_equal(state.step_count, counts)


def test_either_end_is_shown_first():
    """0123 counted up twice and 2221 turned, counted up and turned both come to 2123."""
    problem = TwoEnds().parse_problem("0123~2221")
    action = jnp.array(2 * [[1, 2, 1, 3, 2]], jnp.int32)
    two = Demonstrations(
        problem=jnp.stack([problem, problem]),
        level=jnp.zeros(2, jnp.int32),
        action=action,
        solved=jnp.ones(2, jnp.bool_),
        counted=jnp.ones(2, jnp.bool_),
        evaluations=jnp.zeros(2, jnp.int32),
        first_end=jnp.array([0, 1], jnp.int8),
    )
    targets = jax.jit(lambda x: demonstrations.rows(TwoEnds(), x, jnp.int32(9)))(two)
    shown = [[1, 1, 2, 3, 2], [2, 3, 2, 1, 1]]
    np.testing.assert_array_equal(targets.action_weights.argmax(-1).T, shown)
    patterns = [
        ["0123~2221", "1123~2221", "2123~2221", "2123~2212", "2123~3212"],
        ["0123~2221", "0123~2212", "0123~3212", "0123~2123", "1123~2123"],
    ]
    seen = np.asarray(targets.state.patterns.transpose(1, 0, 2, 3))
    texts = [[TwoEnds().format_problem(pair) for pair in way] for way in seen]
    assert texts == patterns
    np.testing.assert_array_equal(targets.value, 1.0)
