"""Records of several games at once; of one game, see `tests/test_analysis.py`."""

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.config import SearchConfig
from selfplay.search.engine import jit_search
from selfplay.search.policy import search_with_tree
from tests import worlds
from tests.search.test_policy import OPINIONATED, make_evaluator

BUDGETS = np.array([12, 0, 5, 30, 1], np.int32)


def test_each_game_has_its_own_tree():
    """Of games with budgets of their own, each record is that of the game alone."""
    env = worlds.Nim(stones=9)
    state = env.solved_positions().state
    state = jax.tree.map(lambda x: x[-len(BUDGETS) :], state)
    keys = jax.random.split(jax.random.key(0), len(BUDGETS))
    evaluate = make_evaluator(env)
    config = SearchConfig(num_simulations=30, gumbel_scale=0.0)

    @jit_search
    def run(keys, state, budget):
        return search_with_tree(env, evaluate, OPINIONATED, keys, (), state, config, budget)

    result, together = jax.device_get(run(keys, state, jnp.asarray(BUDGETS)))
    assert together.parents.shape == (len(BUDGETS), 31)
    np.testing.assert_array_equal(together.visit_counts[:, 0], result.visit_counts)
    for game, budget in enumerate(BUDGETS):
        one = jax.tree.map(lambda x: x[game : game + 1], (keys, state))  # noqa: B023
        alone = jax.device_get(run(*one, jnp.asarray(budget))[1])
        used = slice(budget + 1)
        for got, expected in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(got[game, used], expected[0, used], atol=1e-5)
        # What belongs to no node hangs on none.
        rest = range(budget + 1, 31)
        parents, actions = together.parents[game, rest], together.actions[game, rest]
        assert not (together.children[game, parents, actions] == np.array(rest)).any()
