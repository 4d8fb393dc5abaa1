"""Who is searched in full, and what is learnt from it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.config import SearchConfig
from selfplay.operators.contract import Improved, ImprovementOperator
from selfplay.operators.playout_cap import PlayoutCap
from selfplay.operators.search import Search
from selfplay.operators.targets import Provenance, Targets
from selfplay.search.policy import without_noise
from tests import worlds

NIM = worlds.Nim(stones=13)


class Echo(ImprovementOperator):
    """Plays its own number, and gives back what it was given."""

    def __init__(self, number):
        self.number = number

    def improve(self, params, keys, problem, state, generation):
        rows = state.heap.shape
        numbers = jnp.full(rows, self.number, jnp.int32)
        provenance = Provenance.of(rows, 0, generation=generation, simulations=self.number)
        drawn = jax.vmap(jax.random.uniform)(keys)
        weights = jnp.full((*rows, 3), 1 / 3)
        targets = Targets(problem, state, weights, drawn, params * jnp.ones(rows), provenance)
        return Improved(numbers, targets)


def heaps(count):
    state = jax.vmap(lambda _: NIM.start())(jnp.arange(count))
    return state.replace(heap=(1 + jnp.arange(count) % 13).astype(jnp.int8))


def improve(operator, keys, state):
    return jax.device_get(
        jax.jit(operator.improve)(jnp.float32(2.5), keys, (), state, jnp.int32(6))
    )


def test_one_game_in_each_block_is_full_and_any_as_often():
    every, count = 4, 4 * 3000
    keys = jax.random.split(jax.random.key(0), count)
    action, targets, *_ = improve(PlayoutCap(Echo(9), Echo(2), every), keys, heaps(count))
    full = action.reshape(-1, every) == 9
    assert set(action.tolist()) == {2, 9}
    np.testing.assert_array_equal(full.sum(1), 1)
    expected = count / every**2
    assert (np.abs(full.sum(0) - expected) < 5 * np.sqrt(expected * (1 - 1 / every))).all()
    place = full.argmax(1)  # blocks draw without regard to each other
    assert abs(np.corrcoef(place[:-1], place[1:])[0, 1]) < 5 / np.sqrt(len(place))
    np.testing.assert_array_equal(targets.weight, np.where(action == 9, 2.5, 0.0))
    np.testing.assert_array_equal(targets.provenance.simulations, action)


def test_games_come_back_in_their_places():
    keys, state = jax.random.split(jax.random.key(1), 12), heaps(12)
    _, targets, *_ = improve(PlayoutCap(Echo(9), Echo(2), 3), keys, state)
    np.testing.assert_array_equal(targets.state.heap, state.heap)
    assert (targets.provenance.generation == 6).all()
    own = jax.vmap(lambda key: jax.random.uniform(jax.random.split(key)[1]))(keys)
    np.testing.assert_array_equal(targets.value, own)  # each by its own key, not the draw's


def test_other_keys_draw_other_games():
    operator, state = PlayoutCap(Echo(9), Echo(2), 4), heaps(64)
    draws = [improve(operator, jax.random.split(jax.random.key(i), 64), state) for i in (0, 0, 1)]
    assert (draws[0].action == draws[1].action).all()
    assert (draws[0].action != draws[2].action).any()


def test_a_batch_split_between_blocks_gives_what_the_whole_gives():
    operator, state = PlayoutCap(Echo(9), Echo(2), 4), heaps(24)
    keys = jax.random.split(jax.random.key(2), 24)
    whole = improve(operator, keys, state)
    for start in (0, 8, 16):
        part = slice(start, start + 8)
        alone = improve(operator, keys[part], jax.tree.map(lambda x, p=part: x[p], state))
        expected = jax.tree.map(lambda x, p=part: x[p], whole)
        jax.tree.map(np.testing.assert_array_equal, alone, expected)


def test_a_torn_block_names_the_setting():
    keys = jax.random.split(jax.random.key(0), 6)
    with pytest.raises(ValueError, match=r"search\.full_every must divide .*got 4 for 6 games"):
        improve(PlayoutCap(Echo(9), Echo(2), 4), keys, heaps(6))


def test_searches_are_the_two_operators_own():
    """A game in full is the full search of it, any other a quiet, fast one."""

    def evaluator(params, keys, problem, state):
        heap = state.heap.astype(jnp.float32)
        return jnp.sin(params * jnp.arange(1.0, 4.0)[None] * heap[:, None]), jnp.cos(params * heap)

    config = SearchConfig(num_simulations=12, gumbel_scale=1.0)
    full = Search(NIM, evaluator, config)
    fast = Search(NIM, evaluator, without_noise(config, 3))
    keys, state = jax.random.split(jax.random.key(3), 8), heaps(8)
    mixed = improve(PlayoutCap(full, fast, 2), keys, state)
    own = jax.vmap(lambda key: jax.random.split(key)[1])(keys)
    is_full = mixed.targets.provenance.simulations == 12
    assert is_full.sum() == 4
    for operator, chosen in ((full, is_full), (fast, ~is_full)):
        alone = improve(operator, own, state)
        np.testing.assert_array_equal(mixed.action[chosen], alone.action[chosen])
        np.testing.assert_allclose(
            mixed.targets.action_weights[chosen], alone.targets.action_weights[chosen], atol=1e-6
        )
        np.testing.assert_allclose(
            mixed.targets.value[chosen], alone.targets.value[chosen], atol=1e-6
        )
