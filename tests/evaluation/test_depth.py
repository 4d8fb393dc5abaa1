"""Quality of decisions beside the truth, by hand and by SciPy; what a search takes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from selfplay.config import SearchConfig
from selfplay.environment.contract import SolvedPositions
from selfplay.evaluation import depth, exact
from selfplay.evaluation.arena import SoloResult, solo
from selfplay.evaluation.players import Player, budgeted
from selfplay.search.model import constant_evaluator
from selfplay.search.simulation import jit_search
from tests import worlds

NAN = float("nan")


def solved(action_values, bucket):
    return SolvedPositions(
        problem=(),
        state=(),
        action_values=jnp.array(action_values, jnp.float32),
        bucket=jnp.array(bucket, jnp.int32),
        bucket_names=tuple(f"bucket {index}" for index in range(max(bucket) + 2)),
    )


def test_what_a_move_loses_and_a_value_misses():
    """Two buckets and an empty one: (0 + 2) / 2 and (1 + 0 + 0) / 3 lost, of each bucket."""
    values = [[3, -1, NAN], [5, -4, NAN], [0, -1, -2], [-1, -1, NAN], [0, 0, 0]]
    positions = solved(values, [0, 0, 2, 2, 2])
    action = np.array([0, 1, 1, 0, 2])
    claimed = np.array([1.0, 0.0, 0.0, -0.5, 0.0])
    found = depth.exact(action, claimed, positions)
    assert found.kept.value == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found.loss.value == pytest.approx((2 / 2 + 1 / 3) / 2)
    assert found.value_error.value == pytest.approx(((1 / 2 + 0.25 / 3) / 2) ** 0.5)
    assert found.mistakes == ((1, 2, 0), (2, 1, 1))
    assert found.bucket_sizes == (2, 3)
    score = exact.score(action, claimed, positions)
    assert found.kept.value == pytest.approx(score.kept)


@given(
    st.lists(st.booleans(), min_size=2, max_size=60),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_the_interval_of_equal_buckets_is_wilsons(hits, buckets, rng):
    """Of a simple sample where there is one bucket; centred and as wide for equal ones."""
    everything = hits * buckets
    rng.shuffle(everything)
    values = [[1, -1]] * len(everything)
    positions = solved(values, [i % buckets for i in range(len(everything))])
    action = np.array([0 if hit else 1 for hit in everything])
    found = depth.exact(action, np.zeros(len(everything)), positions).kept
    test = stats.binomtest(sum(everything), len(everything))
    expected = test.proportion_ci(method="wilson")
    assert found.value == pytest.approx(np.mean(everything))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_the_mean_loss_has_a_normal_interval():
    rng = np.random.default_rng(0)
    action = (rng.random(400) < 0.2).astype(int)
    positions = solved([[1, -1]] * 400, [0] * 400)
    found = depth.exact(action, np.zeros(400), positions).loss
    low, high = stats.norm.interval(0.95, 2 * action.mean(), stats.sem(2 * action))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_search_errs_less_than_the_guess_it_began_with():
    """The first step of the thesis, on a game small enough to be searched to its end."""
    nim = worlds.Nim(9)
    config = SearchConfig(num_simulations=400, value_scale=1.0)
    act = jit_search(budgeted(nim, constant_evaluator(nim), config))
    found = [
        depth.exact_of(act, ((), jnp.int32(count)), nim.solved_positions(), 5)
        for count in (0, 20, 400)
    ]
    errors = [quality.value_error.value for quality in found]
    assert errors[0] == pytest.approx(1.0) and errors[0] > errors[1] > errors[2]
    assert found[0].kept.value < found[2].kept.value == 1.0
    assert found[2].mistakes == ()


def test_a_lone_players_share_of_solved_problems():
    spell = worlds.Spell(4)

    def first_legal(params, keys, problem, state):
        legal = jax.vmap(spell.legal_action_mask)(problem, state)
        return jnp.argmax(legal, axis=1).astype(jnp.int32), jnp.zeros(keys.shape[0])

    def right(params, keys, problem, state):
        return problem[jnp.arange(len(keys)), state.step_count].astype(jnp.int32), jnp.zeros(
            len(keys)
        )

    assert solo(spell, Player("right", right), num_episodes=50, seed=0).solved == 50
    some = solo(spell, Player("first", first_legal), num_episodes=200, seed=0)
    assert 0 < some.solved < 200
    share = depth.solved_share(some)
    expected = stats.binomtest(some.solved, 200).proportion_ci(method="wilson")
    assert share.value == some.solved / 200
    assert (share.low, share.high) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_a_win_is_a_positive_value():
    result = SoloResult("x", 10, 0.5, 0.1, truncated=0, solved=7)
    assert depth.solved_share(result).value == 0.7


def test_the_cost_of_a_search():
    nim = worlds.Nim(9)
    config = SearchConfig(num_simulations=64)
    act = jit_search(budgeted(nim, constant_evaluator(nim), config))
    found = depth.cost(nim, act, ((), jnp.int32(64)), 64, node_bytes=100)
    assert found.tree_bytes == 6500
    assert 0.0 < found.seconds < 1.0
    assert found.simulations_per_second > 1000.0
